/**
 * What lies in a repo at a revision: files, folders, refs, history. Everything is read at a commit that was resolved once, so an answer
 * never mixes two states of a branch.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { LfsPointer } from '../../domain/lfs-pointer.ts'
import { parseRevision, revisionNotFound } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type Commit, readCommit } from '../../platform/git/commit.ts'
import { countCommits, lastCommits, listCommits } from '../../platform/git/history.ts'
import { listRefs, type Ref } from '../../platform/git/refs.ts'
import { type Revision, resolveRevision } from '../../platform/git/revision.ts'
import { isSafePath } from '../../platform/git/safe-names.ts'
import { entriesAt, entryAt, listTree, type TreeEntry } from '../../platform/git/tree.ts'
import { findPointers } from './pointers.ts'

/** Whoever may see the repo may list it; downloading has an action of its own, and whoever writes may look. */
export type Reading = Allowed<'repo.read' | 'repo.content.read' | 'repo.push'>

export type FoundRevision = Revision

export interface RepoEntry {
  /** From the root of the repository. */
  readonly path: string
  readonly type: 'file' | 'folder'
  /** Git's object id, of the pointer where there is one. */
  readonly oid: string
  /** Bytes of the content, not of a pointer to it; 0 for a folder. */
  readonly size: number
  readonly isSymlink: boolean
  readonly lfs: (LfsPointer & { readonly pointerSize: number }) | null
}

/** Throws `revision_not_found`. */
export async function getRevision(hub: Hub, allowed: Reading, revision: string): Promise<FoundRevision> {
  parseRevision(revision)
  const found = await resolveRevision(hub.git, allowed.resource.id, revision)
  if (found === null) throw revisionNotFound(revision)
  return found
}

/** The file at a path. Throws `entry_not_found`, also for a folder; clients cache that answer, so it names the commit. */
export async function getFile(hub: Hub, allowed: Reading, commit: string, path: string): Promise<RepoEntry> {
  const entry = isSafePath(path) && path !== '' ? await entryAt(hub.git, allowed.resource.id, commit, path) : null
  const [found] = await describe(hub, allowed.resource.id, [entry])
  if (found == null || found.type !== 'file') throw entryNotFound(commit)
  return found
}

/** File or folder, or null; the empty path is the root folder. */
export async function findEntry(hub: Hub, allowed: Reading, commit: string, path: string): Promise<RepoEntry | null> {
  if (!isSafePath(path)) return null
  const [found] = await describe(hub, allowed.resource.id, [await entryAt(hub.git, allowed.resource.id, commit, path)])
  return found ?? null
}

export interface FolderPage {
  readonly entries: RepoEntry[]
  /** What `after` is for the next page, or null. */
  readonly next: string | null
}

/** One page of a folder, in git's order. Throws `entry_not_found` where the path is no folder. */
export async function listFolder(
  hub: Hub,
  allowed: Reading,
  commit: string,
  path: string,
  options: { readonly recursive: boolean; readonly after: string | null; readonly limit: number },
): Promise<FolderPage> {
  if (!isSafePath(path) || (options.after !== null && !isSafePath(options.after))) throw entryNotFound(commit)
  const repoId = allowed.resource.id
  const page = await listTree(hub.git, repoId, commit, path, options)
  if (page === null) throw entryNotFound(commit)
  const entries = await describe(hub, repoId, page.entries)
  return { entries: entries.filter((entry) => entry !== null), next: page.next }
}

/** The entries at many paths; those that are not there are left out. */
export async function listEntries(
  hub: Hub,
  allowed: Reading,
  commit: string,
  paths: readonly string[],
): Promise<RepoEntry[]> {
  const repoId = allowed.resource.id
  const safe = paths.map((path) => path.replace(/\/+$/, '')).filter((path) => path !== '' && isSafePath(path))
  const entries = await describe(hub, repoId, await entriesAt(hub.git, repoId, commit, [...new Set(safe)]))
  return entries.filter((entry) => entry !== null)
}

/** The last commit of each entry, by path. An entry whose commit was not found within the time is absent. */
export async function listLastCommits(
  hub: Hub,
  allowed: Reading,
  commit: string,
  entries: readonly RepoEntry[],
): Promise<ReadonlyMap<string, Commit>> {
  const repoId = allowed.resource.id
  const byFolder = new Map<string, string[]>()
  for (const { path } of entries) {
    const slash = path.lastIndexOf('/')
    const folder = slash < 0 ? '' : path.slice(0, slash)
    const names = byFolder.get(folder)
    if (names === undefined) byFolder.set(folder, [path.slice(slash + 1)])
    else names.push(path.slice(slash + 1))
  }
  const commits = new Map<string, Commit | null>()
  const found = new Map<string, Commit>()
  for (const [folder, names] of byFolder) {
    for (const [name, oid] of await lastCommits(hub.git, repoId, commit, folder, names)) {
      if (!commits.has(oid)) commits.set(oid, await readCommit(hub.git, repoId, oid))
      const last = commits.get(oid)
      if (last != null) found.set(folder === '' ? name : `${folder}/${name}`, last)
    }
  }
  return found
}

export interface RepoRefs {
  readonly branches: readonly Ref[]
  readonly converts: readonly Ref[]
  readonly tags: readonly Ref[]
  readonly pullRequests: readonly Ref[]
}

export async function listRepoRefs(hub: Hub, allowed: Reading): Promise<RepoRefs> {
  const prefixes = ['refs/heads', 'refs/tags', 'refs/convert', 'refs/pr']
  const refs = await listRefs(hub.git, allowed.resource.id, prefixes)
  const under = (prefix: string) => refs.filter((ref) => ref.ref.startsWith(prefix))
  return {
    branches: under('refs/heads/'),
    converts: under('refs/convert/'),
    tags: under('refs/tags/'),
    pullRequests: under('refs/pr/'),
  }
}

export interface HistoryPage {
  readonly commits: readonly Commit[]
  /** What `skip` is for the next page, or null. */
  readonly next: number | null
  readonly total: number
}

/** The history of a commit, newest first. */
export async function listHistory(
  hub: Hub,
  allowed: Reading,
  commit: string,
  options: { readonly skip: number; readonly limit: number; readonly path?: string },
): Promise<HistoryPage> {
  const repoId = allowed.resource.id
  if (options.path !== undefined && !isSafePath(options.path)) throw entryNotFound(commit)
  const [page, total] = await Promise.all([
    listCommits(hub.git, repoId, commit, options),
    countCommits(hub.git, repoId, commit),
  ])
  return { ...page, total }
}

/** `X-Repo-Commit` lets clients remember that the file is not there at this commit. */
export function entryNotFound(commit: string): HoldfastError {
  return new HoldfastError('entry_not_found', {}, { headers: { 'x-repo-commit': commit } })
}

/** Submodules are commits of other repositories: nothing that could be read here, so they are left out. */
async function describe(
  hub: Hub,
  repoId: string,
  entries: readonly (TreeEntry | null)[],
): Promise<(RepoEntry | null)[]> {
  const files = entries.filter((entry): entry is TreeEntry => entry?.type === 'blob' && entry.mode !== '120000')
  const pointers = await findPointers(hub, repoId, files)
  return entries.map((entry) => {
    if (entry === null || entry.type === 'commit') return null
    const { path, oid } = entry
    const isSymlink = entry.mode === '120000'
    if (entry.type === 'tree') return { path, type: 'folder', oid, size: 0, isSymlink: false, lfs: null }
    const pointer = isSymlink ? undefined : pointers.get(oid)
    const lfs = pointer === undefined ? null : { ...pointer, pointerSize: entry.size }
    return { path, type: 'file', oid, size: pointer?.size ?? entry.size, isSymlink, lfs }
  })
}
