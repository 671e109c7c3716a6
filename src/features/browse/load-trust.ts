/** What the trust page of a repo shows: evidence of the revision, each with where it can be looked up. */
import type { Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import { decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { listCommits } from '../../platform/git/history.ts'
import { type ModelSignature, modelSignatureOf } from '../model-signatures/service.ts'
import { type FileWithIssue, repoStatus } from '../scanning/service.ts'
import { findUsage, type Usage } from '../storage/service.ts'
import { briefsOf } from './commit-brief.ts'
import { inTime } from './in-time.ts'

/** Commits that are looked at for their signatures. */
export const commitsLookedAt = 50

export interface TrustView {
  /** Null where it was not known in time. */
  readonly scan: { readonly isDone: boolean; readonly issues: readonly FileWithIssue[] } | null
  /** Of the latest commits, `commitsLookedAt` at most; null where they were not found in time. */
  readonly signatures: {
    readonly looked: number
    readonly verified: number
    readonly unverified: number
    readonly hub: number
    readonly unsigned: number
  } | null
  readonly model: ModelSignature
  /** Null until it was counted. */
  readonly usage: Usage | null
  readonly mayReadDownloads: boolean
}

export async function loadTrust(
  hub: Hub,
  allowed: Allowed<'repo.read'>,
  facts: Facts,
  commit: string,
): Promise<TrustView> {
  const { resource } = allowed
  const [status, signatures, model, usage] = await Promise.all([
    inTime(hub.log, () => repoStatus(hub, allowed)),
    countSignatures(hub, resource.id, commit),
    modelSignatureOf(hub, resource, commit),
    findUsage(hub.db, [resource.id]),
  ])
  return {
    scan: status === null ? null : { isDone: status.scansDone, issues: status.filesWithIssues },
    signatures,
    model,
    usage: usage.get(resource.id) ?? null,
    mayReadDownloads: decide('repo.download.read', facts).allow,
  }
}

async function countSignatures(hub: Hub, repoId: string, commit: string): Promise<TrustView['signatures']> {
  const page = await inTime(hub.log, () => listCommits(hub.git, repoId, commit, { limit: commitsLookedAt }))
  if (page === null) return null
  const commits = await briefsOf(hub, repoId, page.commits)
  const count = (wanted: string | null) =>
    commits.filter(({ signature }) => (signature?.status ?? null) === wanted).length
  return {
    looked: commits.length,
    verified: count('verified'),
    unverified: count('unverified'),
    hub: count('hub'),
    unsigned: count(null),
  }
}
