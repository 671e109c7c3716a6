/** Walks through history: pages of commits, their number, and the last commit of each entry of a folder. */
import { BoundedCache } from './bounded-cache.ts'
import { ByteReader } from './byte-reader.ts'
import { type Commit, parseCommit } from './commit.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { readObjects } from './objects.ts'
import { GitFailure, runGit, startGit } from './run.ts'
import { assertOid, assertPath } from './safe-names.ts'

export interface CommitPage {
  commits: Commit[]
  /** What `skip` is for the next page; null on the last one. */
  next: number | null
}

export interface CommitListOptions {
  /** How many commits come before this page. Pin `commit` while paging, or pages overlap. */
  skip?: number
  /** At most 1,000. */
  limit?: number
  /** Only commits that changed this file or folder. */
  path?: string
  /** Only commits that do not lead to this one. */
  since?: string
  /** Milliseconds until git is stopped and `timeout` thrown. */
  timeLimitMs?: number
}

const countTimeLimitMs = 20_000
const lastCommitTimeLimitMs = 20_000
const commitLimit = 1024 * 1024

/** The history of a commit, newest first. */
export async function listCommits(
  store: GitStore,
  repo: string,
  commit: string,
  options: CommitListOptions = {},
): Promise<CommitPage> {
  assertOid(commit)
  const { skip = 0, limit = 50, path = '' } = options
  assertPath(path)
  const wanted = Math.min(Math.max(limit, 1), 1_000)
  const range = [`--skip=${Math.max(0, Math.floor(skip))}`, `--max-count=${wanted + 1}`]
  const args = ['--git-dir', repositoryFolder(store, repo), 'rev-list', ...range, commit]
  if (options.since !== undefined) {
    assertOid(options.since)
    args.push(`^${options.since}`)
  }
  args.push('--')
  if (path !== '') args.push(literal(path))
  const { timeLimitMs } = options
  const { stdout } = await runGit(store, args, timeLimitMs === undefined ? {} : { timeLimitMs })
  const oids = stdout.toString('latin1').split('\n').filter(Boolean)
  const isCut = oids.length > wanted
  const objects = await readObjects(store, repo, oids.slice(0, wanted), commitLimit)
  const commits = objects.flatMap((object) =>
    object?.type === 'commit' ? [parseCommit(object.oid, object.bytes)] : [],
  )
  return { commits, next: isCut ? skip + wanted : null }
}

const counts = new BoundedCache<GitStore, number>(10_000)

/** How many commits the history of a commit has; remembered, since it never changes. */
export async function countCommits(store: GitStore, repo: string, commit: string): Promise<number> {
  assertOid(commit)
  return counts.get(store, `${repo} ${commit}`, async () => {
    const args = ['--git-dir', repositoryFolder(store, repo), 'rev-list', '--count', '--use-bitmap-index', commit, '--']
    return Number((await runGit(store, args, { timeLimitMs: countTimeLimitMs })).stdout.toString('latin1'))
  })
}

/** Entry name to the id of the commit that last changed it. An entry that is missing was not reached within the time. */
export type LastCommits = ReadonlyMap<string, string>

const lastCommitTables = new BoundedCache<GitStore, LastCommits>(500)

/**
 * The last commit of each of the `names` in a folder, by one walk that ends when all are found. Remembered by
 * (commit, folder); asked for at most 1,000 names at a time by pages of a large folder, remembered apart.
 */
export async function lastCommits(
  store: GitStore,
  repo: string,
  commit: string,
  folder: string,
  names: readonly string[],
): Promise<LastCommits> {
  assertOid(commit)
  assertPath(folder)
  const key = `${repo} ${commit} ${names.length} ${names[0] ?? ''} ${folder}`
  return lastCommitTables.get(store, key, () => walkLastCommits(store, repo, commit, folder, names))
}

async function walkLastCommits(
  store: GitStore,
  repo: string,
  commit: string,
  folder: string,
  names: readonly string[],
): Promise<LastCommits> {
  const found = new Map<string, string>()
  const missing = new Set(names)
  if (missing.size === 0) return found
  const prefix = folder === '' ? '' : `${folder}/`
  // A merge counts for what it changed against all of its parents (-c); -z because names may hold anything.
  const format = ['--format=%x00%H', '-c', '--name-only', '-z', '--no-renames', '--no-show-signature', '--no-ext-diff']
  const args = ['--git-dir', repositoryFolder(store, repo), 'log', ...format, commit, '--']
  if (folder !== '') args.push(literal(folder))
  const child = await startGit(store, args, { timeLimitMs: lastCommitTimeLimitMs })
  child.stdin.end()
  const reader = new ByteReader(child.stdout)
  try {
    for await (const [oid, path] of changedPaths(reader)) {
      if (!path.startsWith(prefix)) continue
      const name = path.slice(prefix.length).split('/', 1)[0] ?? ''
      if (missing.delete(name)) found.set(name, oid)
      if (missing.size === 0) break
    }
  } finally {
    child.stop(new GitFailure('aborted', 'all entries are found'))
  }
  return found
}

/** Reads `<empty>, id, path, path, ...`: a field after an empty one is a commit id, and the first path follows a newline. */
async function* changedPaths(reader: ByteReader): AsyncGenerator<[oid: string, path: string]> {
  let oid = ''
  let place: 'id' | 'first' | 'more' = 'id'
  for (let field = await reader.upToZeroOrEnd(); field !== null; field = await reader.upToZeroOrEnd()) {
    if (field === '') {
      place = 'id'
    } else if (place === 'id') {
      oid = field
      place = 'first'
    } else {
      yield [oid, place === 'first' ? field.replace(/^\n/, '') : field]
      place = 'more'
    }
  }
}

/** A path as it is, whatever wildcards it holds. */
function literal(path: string): string {
  return `:(top,literal)${path}`
}
