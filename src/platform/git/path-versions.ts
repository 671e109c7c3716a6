/** The versions that one file has had: which commits changed it, and what each of them grew out of. */
import { BoundedCache } from './bounded-cache.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { lookUp } from './objects.ts'
import { runGit } from './run.ts'
import { assertOid, assertPath } from './safe-names.ts'

export interface PathVersion {
  readonly commit: string
  /** The commits from which this one has the file, of those that changed it; more than one for a merge that changed it against all. */
  readonly parents: readonly string[]
  /** Null where the commit took the file away. */
  readonly blob: { readonly oid: string; readonly size: number } | null
}

export interface PathVersions {
  /** Children before parents. */
  readonly versions: readonly PathVersion[]
  /** False where there are more than were asked for. */
  readonly isWhole: boolean
}

const timeLimitMs = 20_000
/** Composed into names that git reads: nothing of revision syntax, no line ends. */
const plainPath = /^[\w./-]+$/
const remembered = new BoundedCache<GitStore, PathVersions>(500)

/** At most `limit`, as git simplifies the history of a path. `path` is of plain letters, digits, dots, slashes, hyphens and underscores. */
export async function pathVersions(
  store: GitStore,
  repo: string,
  commit: string,
  path: string,
  limit: number,
): Promise<PathVersions> {
  assertOid(commit)
  assertPath(path)
  if (!plainPath.test(path)) throw new Error('Versions are read of plain paths only.')
  return remembered.get(store, `${repo} ${commit} ${limit} ${path}`, () => walk(store, repo, commit, path, limit))
}

async function walk(store: GitStore, repo: string, commit: string, path: string, limit: number): Promise<PathVersions> {
  const range = ['--parents', '--topo-order', `--max-count=${limit + 1}`, commit, '--', `:(top,literal)${path}`]
  const { stdout } = await runGit(store, ['--git-dir', repositoryFolder(store, repo), 'rev-list', ...range], {
    timeLimitMs,
  })
  const lines = stdout.toString('latin1').split('\n').filter(Boolean)
  const commits = lines.slice(0, limit).map((line) => line.split(' '))
  const infos = await lookUp(
    store,
    repo,
    commits.map(([oid]) => `${oid}:${path}`),
  )
  const versions = commits.map(([oid = '', ...parents], index): PathVersion => {
    const info = infos[index]
    return { commit: oid, parents, blob: info?.type === 'blob' ? { oid: info.oid, size: info.size } : null }
  })
  return { versions, isWhole: lines.length <= limit }
}
