/** What pages say of scans. To show a file is also to ask for its scan where that is wanting; the page does not wait for it. */

import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { Reading, RepoEntry } from '../files/service.ts'
import { type FileStatus, type FileWithIssue, findIssues, noteVisit, statusesOf } from '../scanning/service.ts'
import { type Admission, admissionsOf, findHeld, revisionHold } from '../storage/service.ts'
import { inTime } from './in-time.ts'

export type FileScan = FileStatus & {
  /** `git:<object id>` or `sha256:<hash>`: the name under which it can be released. */
  readonly content: string
  readonly isHeld: boolean
  /** Null where the owner has no such policy, or nothing in it needs to be admitted. */
  readonly admission: Admission | null
}

/** By git object id; folders and links have none. */
export async function loadScans(
  hub: Hub,
  allowed: Reading,
  commit: string,
  entries: readonly RepoEntry[],
): Promise<ReadonlyMap<string, FileScan>> {
  const files = entries.filter(({ type, isSymlink }) => type === 'file' && !isSymlink)
  const [statuses, held, admissions] = await Promise.all([
    statusesOf(hub, files),
    heldAmong(hub, allowed, commit, files),
    admissionsOf(hub, allowed.resource, files.map(contentOf)),
  ])
  noteVisit(hub, allowed.resource.id, files, statuses)
  const scans = new Map<string, FileScan>()
  for (const file of files) {
    const status = statuses.get(file.oid)
    const content = contentOf(file)
    const admission = admissions.get(content) ?? null
    if (status !== undefined) scans.set(file.oid, { ...status, content, isHeld: held.has(content), admission })
  }
  return scans
}

/** Where the revision as a whole is not handed out, the page says so once and not at each file. */
async function heldAmong(
  hub: Hub,
  allowed: Reading,
  commit: string,
  files: readonly RepoEntry[],
): Promise<ReadonlySet<string>> {
  if ((await revisionHold(hub, allowed.resource, commit)) !== null) return new Set()
  return await findHeld(hub, allowed.resource, files.map(contentOf), commit)
}

/** The files of the commit that nobody should load; none where looking for them took too long. */
export async function loadAlarms(hub: Hub, allowed: Reading, commit: string): Promise<readonly FileWithIssue[]> {
  return (await inTime(hub.log, () => findIssues(hub, allowed, commit, ['unsafe']))) ?? []
}
