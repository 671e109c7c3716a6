/** What is known of a whole repo: whether all of it is scanned, and which files at the head of `main` have something. */
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { listRefs, readableRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { walkTree } from '../../platform/git/tree.ts'
import type { Reading } from '../files/service.ts'
import type { FoundLevel, Level } from './levels.ts'
import { headsOf } from './list-repo.ts'
import { hasWaiting, selectFoundPlaces, selectRepoScan } from './scan-queries.ts'

export interface FileWithIssue {
  readonly path: string
  readonly level: Level
}

export interface RepoStatus {
  readonly scansDone: boolean
  readonly filesWithIssues: readonly FileWithIssue[]
}

const issues: readonly FoundLevel[] = ['caution', 'suspicious', 'unsafe']
const mostPlaces = 10_000
const mostIssues = 1_000

export async function repoStatus(hub: Hub, allowed: Allowed<'repo.read'>): Promise<RepoStatus> {
  const { id } = allowed.resource
  // In this order: what is said to be done is in the list of what was found.
  const scansDone = await isDone(hub, id)
  const headCommit = await mainOf(hub, id)
  const filesWithIssues = headCommit === null ? [] : await findIssues(hub, allowed, headCommit, issues)
  return { scansDone, filesWithIssues }
}

/** The files of a commit whose contents have one of these levels. A repo without any costs one query. */
export async function findIssues(
  hub: Hub,
  allowed: Reading,
  commit: string,
  levels: readonly FoundLevel[],
): Promise<FileWithIssue[]> {
  const places = await selectFoundPlaces(hub.db, allowed.resource.id, levels, mostPlaces)
  if (places.length === 0) return []
  const levelOf = new Map(places.map(({ oid, level }) => [oid, level]))
  const found: FileWithIssue[] = []
  for await (const entry of walkTree(hub.git, allowed.resource.id, commit, '', { sizes: false })) {
    const level = entry.type === 'blob' && entry.mode !== '120000' ? levelOf.get(entry.oid) : undefined
    if (level !== undefined && found.push({ path: entry.path, level }) >= mostIssues) break
  }
  return found
}

async function mainOf(hub: Hub, repoId: string): Promise<string | null> {
  if (!(await hasRepository(hub.git, repoId))) return null
  const refs = await listRefs(hub.git, repoId, ['refs/heads'])
  return refs.find(({ ref }) => ref === 'refs/heads/main')?.target ?? null
}

/** All that refs lead to is written down, and nothing of it waits. */
async function isDone(hub: Hub, repoId: string): Promise<boolean> {
  if (!(await hasRepository(hub.git, repoId))) return true
  const refs = await listRefs(hub.git, repoId, readableRefs)
  const listed = new Set(headsOf((await selectRepoScan(hub.db, repoId))?.heads))
  if (refs.some(({ target }) => !listed.has(target))) return false
  return !(await hasWaiting(hub.db, repoId))
}
