/** Attestations: what the hub says of a revision, signed with a key of its own, so that it holds without the hub. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { readCommit } from '../../platform/git/commit.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { inTotoType, preAuthEncoding } from '../../platform/model-signing/envelope.ts'
import { getRevision } from '../files/service.ts'
import { checkNow, digestsOf, modelSignatureOf, plainSha256, presentBrief } from '../model-signatures/service.ts'
import { presentVerification, verificationsOf } from '../signatures/service.ts'
import { type Listed, listFiles, unknownOf } from './list-files.ts'
import { writeStatement } from './statement.ts'

/** What is hashed for a request that waits; more is left to a job. */
const atOnce = { files: 500, bytes: 16 * 1024 * 1024 } as const
const hashQueue = 'hash-revision'
/** Each may need some tens of megabytes. */
const mostUnderWay = 2
let underWay = 0

/** PEM, the newest first: older ones signed what there is. */
export function attestationKeys(hub: Hub): string {
  return hub.keys
    .signingKeys('attestation')
    .map(({ pem }) => pem)
    .join('')
}

/**
 * The bytes of a DSSE envelope, as JSON. Throws `revision_not_found`, `attestation_too_large`, and, unless it may take long, `attestation_waiting`
 * where files have to be hashed first or a signature is being judged.
 */
export async function makeAttestation(
  hub: Hub,
  allowed: Allowed<'repo.content.read'>,
  revision: string,
  how: { readonly mayTakeLong: boolean; readonly signal: AbortSignal },
): Promise<Buffer> {
  if (underWay >= mostUnderWay) throw new HoldfastError('busy', {}, { headers: { 'retry-after': '1' } })
  underWay++
  try {
    return await make(hub, allowed, revision, how)
  } finally {
    underWay--
  }
}

async function make(
  hub: Hub,
  allowed: Allowed<'repo.content.read'>,
  revision: string,
  { mayTakeLong, signal }: { readonly mayTakeLong: boolean; readonly signal: AbortSignal },
): Promise<Buffer> {
  const repo = allowed.resource
  const { commit: oid } = await getRevision(hub, allowed, revision)
  const commit = await readCommit(hub.git, repo.id, oid)
  if (commit === null) throw new HoldfastError('revision_not_found', { revision: revision.slice(0, 100) })
  const listed = await listFiles(hub, repo.id, oid)
  if (!mayTakeLong) await leaveToJob(hub, repo.id, oid, listed)
  const digests = await digestsOf(hub, repo.id, plainSha256, listed.files, signal)
  if (mayTakeLong) await checkNow(hub, repo.id, oid, signal)
  const [verifications, signature] = await Promise.all([
    verificationsOf(hub, repo.id, [commit]),
    modelSignatureOf(hub, repo, oid),
  ])
  if (signature.status === 'pending') throw waiting()
  const verification = verifications.get(oid)
  const payload = await writeStatement(hub, {
    repo,
    revision,
    commit,
    verification: verification === undefined ? {} : presentVerification(verification),
    modelSignature: presentBrief(signature),
    listed,
    digests,
  })
  return await seal(hub, payload)
}

async function seal(hub: Hub, payload: Buffer): Promise<Buffer> {
  const [key] = hub.keys.signingKeys('attestation')
  const signature = await key.signAside(preAuthEncoding(inTotoType, payload))
  const sig = { keyid: key.id, sig: signature.toString('base64') }
  const pieces = [`{"payloadType":${JSON.stringify(inTotoType)},"payload":"`]
  const giveTurn = turnGiver()
  // A multiple of three: pieces of base64 then stand behind each other without padding.
  for (let at = 0; at < payload.length; at += 786_432) {
    pieces.push(payload.subarray(at, at + 786_432).toString('base64'))
    await giveTurn()
  }
  pieces.push(`","signatures":[${JSON.stringify(sig)}]}\n`)
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'latin1')))
}

async function leaveToJob(hub: Hub, repoId: string, commit: string, listed: Listed): Promise<void> {
  const unknown = await unknownOf(hub, listed.files)
  const bytes = unknown.reduce((sum, { size }) => sum + size, 0)
  if (unknown.length <= atOnce.files && bytes <= atOnce.bytes) return
  await hub.transaction((tx) => enqueue(tx, hashQueue, { repoId, commit }, { dedupKey: `${repoId} ${commit}` }))
  throw waiting()
}

function waiting(): HoldfastError {
  return new HoldfastError('attestation_waiting', {}, { headers: { 'retry-after': '2' } })
}

const payloadShape = z.object({ repoId: z.string(), commit: z.string() })

export function attestationJobs(hub: Hub): JobHandlers {
  return {
    [hashQueue]: async (payload, signal) => {
      const { repoId, commit } = payloadShape.parse(payload)
      if (!(await hasRepository(hub.git, repoId))) return
      const { files } = await listFiles(hub, repoId, commit)
      await digestsOf(hub, repoId, plainSha256, files, signal)
    },
  }
}
