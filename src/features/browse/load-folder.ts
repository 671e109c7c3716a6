/** What the page of a folder shows: one page of its entries with the last commit of each, as far as it is known in time. */
import type { Hub } from '../../hub.ts'
import { readCommit } from '../../platform/git/commit.ts'
import { countCommits } from '../../platform/git/history.ts'
import { findEntry, listFolder, listLastCommits, type Reading, type RepoEntry } from '../files/service.ts'
import type { FileWithIssue } from '../scanning/service.ts'
import { briefsOf, lastBriefOf, titleOf } from './commit-brief.ts'
import { inTime } from './in-time.ts'
import { loadAlarms, loadScans } from './load-scans.ts'
import type { CommitBrief, TreeEntry } from './tree-page.tsx'

/** Rows of one page. */
const pageSize = 100
/** A folder with more entries is shown in git's order, since sorting it would mean reading all of it for each page. */
const mostSorted = 1_000

export interface FolderView {
  readonly entries: TreeEntry[]
  readonly alarms: readonly FileWithIssue[]
  readonly latest: CommitBrief | null
  readonly commitCount: number | null
  readonly order: 'Folders first' | 'By name'
  /** The query of the next page, or null. */
  readonly next: { readonly after: string } | { readonly from: string } | null
}

/** `after`: the last name of a sorted page; `from`: of a page in git's order. Throws `entry_not_found` for what is no folder. */
export async function loadFolder(
  hub: Hub,
  allowed: Reading,
  commit: string,
  path: string,
  cursor: { readonly after: string | null; readonly from: string | null },
): Promise<FolderView> {
  const page = await readPage(hub, allowed, commit, path, cursor)
  const [last, latest, commitCount, scans, alarms] = await Promise.all([
    inTime(hub.log, () => listLastCommits(hub, allowed, commit, page.entries)),
    latestOf(hub, allowed, commit, path),
    inTime(hub.log, () => countCommits(hub.git, allowed.resource.id, commit)),
    loadScans(hub, allowed, commit, page.entries),
    loadAlarms(hub, allowed, commit),
  ])
  const entries = page.entries.map((entry): TreeEntry => {
    const found = last?.get(entry.path)
    return {
      name: entry.path.slice(entry.path.lastIndexOf('/') + 1),
      kind: entry.type === 'folder' ? 'folder' : entry.isSymlink ? 'link' : 'file',
      size: entry.type === 'folder' ? null : entry.size,
      storage: entry.lfs === null ? 'git' : 'lfs',
      lastCommit: found === undefined ? null : { id: found.oid, title: titleOf(found), at: found.committer.at },
      scan: entry.type === 'folder' || entry.isSymlink ? null : (scans.get(entry.oid) ?? null),
    }
  })
  return { entries, alarms, latest, commitCount, order: page.order, next: page.next }
}

interface Page extends Pick<FolderView, 'order' | 'next'> {
  readonly entries: RepoEntry[]
}

async function readPage(
  hub: Hub,
  allowed: Reading,
  commit: string,
  path: string,
  cursor: { readonly after: string | null; readonly from: string | null },
): Promise<Page> {
  const below = (name: string): string => (path === '' ? name : `${path}/${name}`)
  if (cursor.from === null) {
    const all = await listFolder(hub, allowed, commit, path, { recursive: false, after: null, limit: mostSorted })
    if (all.next === null) {
      const sorted = [
        ...all.entries.filter(({ type }) => type === 'folder'),
        ...all.entries.filter(({ type }) => type === 'file'),
      ]
      const first =
        cursor.after === null ? 0 : sorted.findIndex((entry) => entry.path === below(cursor.after ?? '')) + 1
      const entries = sorted.slice(first, first + pageSize)
      const last = entries.at(-1)
      const isCut = last !== undefined && first + pageSize < sorted.length
      return { entries, order: 'Folders first', next: isCut ? { after: nameOf(last.path) } : null }
    }
  }
  const after = cursor.from === null ? null : below(cursor.from)
  const { entries, next } = await listFolder(hub, allowed, commit, path, { recursive: false, after, limit: pageSize })
  return { entries, order: 'By name', next: next === null ? null : { from: nameOf(next) } }
}

async function latestOf(hub: Hub, allowed: Reading, commit: string, path: string): Promise<CommitBrief | null> {
  if (path === '') {
    const head = await readCommit(hub.git, allowed.resource.id, commit)
    return head === null ? null : ((await briefsOf(hub, allowed.resource.id, [head]))[0] ?? null)
  }
  const entry = await findEntry(hub, allowed, commit, path)
  return entry === null ? null : await lastBriefOf(hub, allowed, commit, entry)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
