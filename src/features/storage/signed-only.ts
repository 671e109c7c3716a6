/**
 * Where only signed models are handed out (a policy of a workspace or an organization): a revision whose model signature was verified by a key
 * that is still trusted. The verdicts come from model-signatures, a tier above; here they are read, right before bytes are sent.
 */
import { createHash } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import type { Ref } from '../../platform/git/refs.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import {
  selectSignatureState,
  selectSignedContents,
  selectTrustedIds,
  selectVerifiedCommits,
} from './signed-only-queries.ts'

export type SignedPlace = Pick<RepoFacts, 'id' | 'owner'>

export const checkModelQueue = 'check-model-signature'

/** Payload of the job that judges the signature in a commit. */
export interface CheckModel {
  readonly repoId: string
  readonly commit: string
  /** Somebody waits: that there is no signature is written down, too. */
  readonly isAsked: boolean
}

export async function askForModelCheck(hub: Hub, check: CheckModel): Promise<void> {
  const dedupKey = `${check.repoId} ${check.commit}`
  await ensureEnqueued(hub.db, checkModelQueue, { ...check }, { dedupKey })
}

/** Whom an organization trusts, as one word that changes with it. */
export async function trustOf(hub: Hub, organizationId: string): Promise<string> {
  return trustWord(await selectTrustedIds(hub.db, organizationId))
}

/** `ids`: in order. */
export function trustWord(ids: readonly string[]): string {
  return createHash('sha256').update(ids.join(' ')).digest('hex').slice(0, 16)
}

/** Why a revision is not handed out, as a sentence, or null. Where nobody has looked at it yet, that is asked for. */
export async function signatureHold(hub: Hub, repo: SignedPlace, commit: string): Promise<string | null> {
  const place = { id: repo.id, ownerId: repo.owner.id }
  const state = await selectSignatureState(hub.db, place, commit)
  if (state?.status === 'verified' && state.trustedBy !== null) return null
  if (state?.status === 'none') return 'This revision is not signed.'
  if (state === null || state.status === 'verified' || state.trust !== (await trustOf(hub, repo.owner.id))) {
    await askForModelCheck(hub, { repoId: repo.id, commit, isAsked: true })
    return 'The signature of this revision is being checked. Try again in a moment.'
  }
  return `The signature of this revision is not verified: ${state.detail ?? 'it does not count.'}`
}

/** Of contents that are asked for by hash, those that no verified revision has. */
export async function findUnsigned(hub: Hub, repo: SignedPlace, contents: readonly string[]): Promise<Set<string>> {
  const place = { id: repo.id, ownerId: repo.owner.id }
  const signed = new Set<string>()
  for (let at = 0; at < contents.length; at += 500) {
    const found = await selectSignedContents(hub.db, place, contents.slice(at, at + 500))
    for (const content of found) signed.add(content)
  }
  return new Set(contents.filter((content) => !signed.has(content)))
}

/** Heads that one fetch has looked at. */
const mostAskedFor = 50

/** Why nobody may fetch with git, or null: every ref must lead to a verified revision. What lies behind those in history is not judged. */
export async function signatureGitHold(hub: Hub, repo: SignedPlace, refs: readonly Ref[]): Promise<string | null> {
  const place = { id: repo.id, ownerId: repo.owner.id }
  const commits = [...new Set(refs.map(({ target }) => target))]
  const verified = new Set<string>()
  for (let at = 0; at < commits.length; at += 500) {
    for (const commit of await selectVerifiedCommits(hub.db, place, commits.slice(at, at + 500))) verified.add(commit)
  }
  const [open, ...others] = refs.filter(({ target }) => !verified.has(target))
  if (open === undefined) return null
  const reason = await signatureHold(hub, repo, open.target)
  // Those that nobody has looked at are asked for together, or each try would wait for the next one.
  for (const target of new Set(others.map((ref) => ref.target).slice(0, mostAskedFor))) {
    await signatureHold(hub, repo, target)
  }
  const name = open.ref.replace(/^refs\/(heads|tags)\//, '')
  return `Only signed models are handed out here, and ${name} is at ${open.target.slice(0, 12)}. ${reason ?? 'Try again in a moment.'}`
}

export function modelNotSigned(reason: string): HoldfastError {
  return new HoldfastError('model_not_signed', { reason })
}
