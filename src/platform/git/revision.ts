/**
 * What a client calls a revision, resolved to a commit: branch, tag, `refs/...`, full or abbreviated commit id, `HEAD`.
 * Git's revision syntax (`^`, `~`, `@{}`, `:`) is never interpreted; such a name simply does not exist.
 */

import type { GitStore } from './git-store.ts'
import { lookUp } from './objects.ts'
import { existingRefs } from './refs.ts'
import { isOid, isSafeRef, isSafeShortRef } from './safe-names.ts'

export interface Revision {
  /** Full commit id. */
  commit: string
  /** The full ref that named it; null when the commit itself was named. */
  ref: string | null
}

/**
 * Resolves a revision; null when there is no such commit. A full id wins over a branch of that name, so that a pinned
 * commit can never be shadowed; branches win over tags, names over abbreviated ids (5 to 39 hex digits).
 */
export async function resolveRevision(store: GitStore, repo: string, revision: string): Promise<Revision | null> {
  const all = candidatesFor(revision)
  const existing = await existingRefs(
    store,
    repo,
    all.map((candidate) => candidate.name),
  )
  const candidates = all.filter((candidate) => existing.has(candidate.name))
  const infos = await lookUp(
    store,
    repo,
    candidates.map((candidate) => `${candidate.name}^{commit}`),
  )
  for (const [index, candidate] of candidates.entries()) {
    const info = infos[index]
    if (info) return { commit: info.oid, ref: candidate.ref }
  }
  return null
}

interface Candidate {
  name: string
  ref: string | null
}

function candidatesFor(revision: string): Candidate[] {
  if (isOid(revision)) return [{ name: revision, ref: null }]
  if (revision === 'HEAD') return [refCandidate('refs/heads/main')]
  if (revision.startsWith('refs/')) return isSafeRef(revision) ? [refCandidate(revision)] : []
  if (!isSafeShortRef(revision)) return []
  const candidates = [refCandidate(`refs/heads/${revision}`), refCandidate(`refs/tags/${revision}`)]
  if (/^[0-9a-f]{5,39}$/.test(revision)) candidates.push({ name: revision, ref: null })
  return candidates
}

function refCandidate(ref: string): Candidate {
  return { name: ref, ref }
}
