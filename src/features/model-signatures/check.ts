/**
 * Judges the model signature in a commit, in a job: who signed, and whether the files are those that were signed. What is found stands at the commit,
 * with whom the organization trusted then; it counts as verified only while the key that verified it is still trusted.
 */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import type { ModelSignatureTable } from '../../platform/db/schema.ts'
import { lookUp } from '../../platform/git/objects.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { enqueueEach } from '../../platform/jobs/enqueue.ts'
import { judgeAside } from '../../platform/model-signing/bundle-thread.ts'
import type { ModelSignatureReason } from '../../platform/model-signing/fault.ts'
import type { Trusted } from '../../platform/model-signing/judge-bundle.ts'
import { checkModelQueue, trustWord } from '../storage/service.ts'
import { type Candidate, mostBundleBytes, readCandidates, signatureNames, usualName } from './candidates.ts'
import { compareFiles, emptyReport, type Report } from './compare.ts'
import {
  insertSignedContents,
  putState,
  selectDoubtful,
  selectRepo,
  selectRepoIds,
  selectSeenAt,
  selectState,
  selectTrustedKeys,
} from './queries.ts'

export const checkAgainQueue = 'check-model-signatures-again'

const checkShape = z.object({ repoId: z.string(), commit: z.string().regex(/^[0-9a-f]{40}$/), isAsked: z.boolean() })
const againShape = z.object({ organizationId: z.string() })
const page = 500

/** Handler of `check-model-signature`. */
export async function checkModel(hub: Hub, payload: unknown, signal: AbortSignal): Promise<void> {
  const { repoId, commit: oid, isAsked } = checkShape.parse(payload)
  const repo = await selectRepo(hub.db, repoId)
  if (repo === null || !(await hasRepository(hub.git, repoId))) return
  // An annotated tag is about the commit that it leads to.
  const [object] = await lookUp(hub.git, repoId, [`${oid}^{commit}`])
  if (object == null) return
  const commit = object.oid
  if (!isAsked && (await signatureNames(hub, repoId, commit)).length === 0) return
  const keys = await selectTrustedKeys(hub.db, repo.ownerId)
  const trust = trustWord(keys.map(({ id }) => id))
  const known = await selectState(hub.db, repoId, commit)
  if (known !== null && isCurrent(known, trust, new Set(keys.map(({ id }) => id)))) return
  const found = await judge(hub, repoId, commit, keys, signal)
  const now = hub.clock.now()
  const { stored = [], ...state } = found
  for (let at = 0; at < stored.length; at += page) {
    const some = stored.slice(at, at + page)
    await hub.transaction((tx) => insertSignedContents(tx, repoId, commit, some))
  }
  const row: ModelSignatureTable = { ...state, repoId, commit, trust, checkedAt: now }
  await hub.transaction((tx) => putState(tx, row))
}

/** Without a job: for commands, beside which no server need run. */
export async function checkNow(hub: Hub, repoId: string, commit: string, signal: AbortSignal): Promise<void> {
  await checkModel(hub, { repoId, commit, isAsked: true }, signal)
}

/** Whether what is known would be found again today. */
export function isCurrent(
  { status, keyId, trust }: ModelSignatureTable,
  trustNow: string,
  trusted: ReadonlySet<string>,
): boolean {
  if (status === 'none') return true
  return status === 'verified' ? trusted.has(keyId ?? '') : trust === trustNow
}

/** Handler of `check-model-signatures-again`: another key is trusted, or one no longer. */
export async function checkAgain(hub: Hub, payload: unknown, signal: AbortSignal): Promise<void> {
  const { organizationId } = againShape.parse(payload)
  let after = ''
  for (;;) {
    signal.throwIfAborted()
    const repoIds = await selectRepoIds(hub.db, organizationId, after, page)
    const rows = await selectDoubtful(hub.db, organizationId, repoIds)
    const checks = rows.map(({ repoId, commit }) => ({ repoId, commit, isAsked: true }))
    await hub.transaction((tx) => enqueueEach(tx, checkModelQueue, checks))
    const last = repoIds.at(-1)
    if (last === undefined || repoIds.length < page) return
    after = last
  }
}

type Found = Omit<ModelSignatureTable, 'repoId' | 'commit' | 'trust' | 'checkedAt'> & {
  readonly stored?: readonly string[]
}

/** The first that is verified; else what is wrong with the one of the usual name, or the first. */
async function judge(
  hub: Hub,
  repoId: string,
  commit: string,
  trusted: readonly Trusted[],
  signal: AbortSignal,
): Promise<Found> {
  let first: Found | null = null
  for await (const candidate of readCandidates(hub, repoId, commit)) {
    const found = await judgeOne(hub, repoId, commit, candidate, trusted, signal)
    if (found.status === 'verified') return found
    first ??= found
  }
  return first ?? { ...blank, status: 'none', reason: null, detail: null, seenAt: hub.clock.now() }
}

const blank = {
  file: null,
  bundle: null,
  keyId: null,
  signer: null,
  report: JSON.stringify(emptyReport()),
} as const

async function judgeOne(
  hub: Hub,
  repoId: string,
  commit: string,
  { name, content, bytes }: Candidate,
  trusted: readonly Trusted[],
  signal: AbortSignal,
): Promise<Found> {
  const seenAt = (await selectSeenAt(hub.db, repoId, content)) ?? hub.clock.now()
  const about = { ...blank, file: name, bundle: content, seenAt }
  const unverified = (reason: ModelSignatureReason, detail: string) =>
    ({ ...about, status: 'unverified', reason, detail }) as const
  if (bytes === 'too large') {
    return unverified('malformed', `It is larger than ${mostBundleBytes / 1_048_576} MiB.`)
  }
  if (bytes === 'missing') return unverified('malformed', `The bytes of ${usualName} were never uploaded.`)
  const judged = await judgeAside(bytes, trusted, seenAt)
  if ('reason' in judged) return { ...unverified(judged.reason, judged.detail), signer: judged.signer }
  const { manifest, by: keyId, signer } = judged
  const { report, stored } = await compareFiles(hub, repoId, commit, { manifest, signature: name }, signal)
  const fault = faultOf(report)
  const found = { ...about, keyId, signer, report: JSON.stringify(report) }
  if (fault !== null) return { ...found, status: 'unverified', ...fault }
  return { ...found, status: 'verified', reason: null, detail: null, stored }
}

/** The gravest first. */
function faultOf({
  changed,
  missing,
  extra,
  links,
}: Report): { readonly reason: ModelSignatureReason; readonly detail: string } | null {
  if (changed.count > 0)
    return { reason: 'file_changed', detail: told(changed, 'differs', 'differ', 'from what was signed') }
  if (missing.count > 0)
    return { reason: 'file_missing', detail: told(missing, 'was signed and is', 'were signed and are', 'not there') }
  if (extra.count > 0) return { reason: 'file_extra', detail: told(extra, 'was', 'were', 'not signed') }
  if (links.count > 0)
    return { reason: 'unsupported', detail: told(links, 'is a link', 'are links', 'which this hub does not follow') }
  return null
}

function told({ count, names }: Report['changed'], one: string, many: string, rest: string): string {
  const [first = ''] = names
  const name = first.length > 80 ? `${first.slice(0, 79)}…` : first
  return count === 1 ? `${name} ${one} ${rest}.` : `${name} and ${count - 1} more ${many} ${rest}.`
}
