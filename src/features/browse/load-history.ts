/** What the page of commits shows: a page of the history of a revision, or of one file or folder in it. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { countCommits, listCommits } from '../../platform/git/history.ts'
import { GitFailure } from '../../platform/git/run.ts'
import { isSafePath } from '../../platform/git/safe-names.ts'
import { entryNotFound, type Reading } from '../files/service.ts'
import { briefsOf } from './commit-brief.ts'
import { inTime } from './in-time.ts'
import type { CommitBrief } from './tree-page.tsx'

const pageSize = 50

export interface HistoryView {
  readonly commits: CommitBrief[]
  /** Null where it was not counted in time, or for the history of a path. */
  readonly total: number | null
  /** How many commits come before the next page, or null. */
  readonly next: number | null
}

/** Throws `entry_not_found` for a path that cannot be one, `busy` where git does not find the commits in time. */
export async function loadHistory(
  hub: Hub,
  allowed: Reading,
  commit: string,
  options: { readonly skip: number; readonly path: string },
): Promise<HistoryView> {
  if (!isSafePath(options.path)) throw entryNotFound(commit)
  const repoId = allowed.resource.id
  const [page, total] = await Promise.all([
    listInTime(hub, repoId, commit, options),
    options.path === '' ? inTime(hub.log, () => countCommits(hub.git, repoId, commit)) : null,
  ])
  return { commits: await briefsOf(hub, repoId, page.commits), total, next: page.next }
}

async function listInTime(
  hub: Hub,
  repoId: string,
  commit: string,
  { skip, path }: { readonly skip: number; readonly path: string },
) {
  try {
    return await listCommits(hub.git, repoId, commit, { skip, path, limit: pageSize, timeLimitMs: 10_000 })
  } catch (error) {
    if (error instanceof GitFailure && error.reason === 'timeout') throw new HoldfastError('busy', {}, { cause: error })
    throw error
  }
}
