/** What pages say of scans. To show a file is also to ask for its scan where that is wanting; the page does not wait for it. */
import type { Hub } from '../../hub.ts'
import type { Reading, RepoEntry } from '../files/service.ts'
import { type FileStatus, type FileWithIssue, findIssues, noteVisit, statusesOf } from '../scanning/service.ts'
import { inTime } from './in-time.ts'

/** By git object id; folders and links have none. */
export async function loadScans(
  hub: Hub,
  allowed: Reading,
  entries: readonly RepoEntry[],
): Promise<ReadonlyMap<string, FileStatus>> {
  const files = entries.filter(({ type, isSymlink }) => type === 'file' && !isSymlink)
  const statuses = await statusesOf(hub, files)
  noteVisit(hub, allowed.resource.id, files, statuses)
  return statuses
}

/** The files of the commit that nobody should load; none where looking for them took too long. */
export async function loadAlarms(hub: Hub, allowed: Reading, commit: string): Promise<readonly FileWithIssue[]> {
  return (await inTime(hub.log, () => findIssues(hub, allowed, commit, ['unsafe']))) ?? []
}
