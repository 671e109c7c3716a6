/** Objects by reachability: what a ref move brings, and where in the tree an object stands. Streamed, so that history may be long. */
import { ByteReader } from './byte-reader.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { streamContents } from './object-stream.ts'
import { type ObjectContent, type ObjectInfo, readObjectInfos } from './objects.ts'
import { Quarantine } from './quarantine.ts'
import { GitFailure, startGit } from './run.ts'
import { assertOid } from './safe-names.ts'

export interface Reach {
  /** Object ids; `all` for every ref. */
  include: readonly string[] | 'all'
  exclude: readonly string[]
}

const timeLimitMs = 30 * 60_000

/** Every blob below `limit` bytes that is reachable, with its content. What is to be left out may be gone; then it leaves out nothing. */
export async function* smallBlobs(
  store: GitStore,
  repo: string,
  reach: Reach,
  limit: number,
): AsyncGenerator<ObjectContent> {
  const infos = await readObjectInfos(store, repo, reach.exclude)
  const exclude = reach.exclude.filter((_, index) => infos[index] !== null)
  const reader = new Quarantine(store, repo, null)
  try {
    const lines = reachable(
      store,
      repo,
      { ...reach, exclude },
      ['--no-object-names', `--filter=blob:limit=${limit}`],
      {},
    )
    for await (const batch of reader.contents(oidBatches(lines), 64 * 1024 * 1024)) {
      for (const object of batch) if (object.type === 'blob') yield object
    }
  } finally {
    await reader.close()
  }
}

/**
 * Every commit that `include` leads to and nothing of `exclude` does, with its bytes, in batches. `exclude: 'refs'`: what no ref leads to yet. One
 * over 16 MiB throws `too-large`. `environment` is that of a quarantine.
 */
export async function* reachedCommits(
  store: GitStore,
  repo: string,
  include: readonly string[],
  exclude: readonly string[] | 'refs',
  environment: Record<string, string> = {},
): AsyncGenerator<readonly ObjectContent[]> {
  for (const oid of include) assertOid(oid)
  let left: readonly string[] = ['--not', '--all']
  if (exclude !== 'refs') {
    const infos = await readObjectInfos(store, repo, exclude)
    left = exclude.filter((_, index) => infos[index] !== null).map((oid) => `^${oid}`)
  }
  const base = ['--git-dir', repositoryFolder(store, repo)]
  const reader = await startGit(store, [...base, 'cat-file', '--batch', '--buffer'], { environment, timeLimitMs })
  try {
    const lines = linesOf(store, [...base, 'rev-list', ...include, ...left], environment)
    yield* streamContents(reader, oidBatches(lines), commitLimit)
  } finally {
    reader.stop(new GitFailure('aborted', 'enough was read'))
  }
}

const commitLimit = 16 * 1024 * 1024

/** The lines that git prints. It starts with the first that is asked for: what nobody reads yet is lost. */
async function* linesOf(
  store: GitStore,
  args: readonly string[],
  environment: Record<string, string>,
): AsyncGenerator<string> {
  const child = await startGit(store, args, { environment, timeLimitMs })
  child.stdin.end()
  const reader = new ByteReader(child.stdout)
  try {
    for (let line = await reader.lineOrEnd(); line !== null; line = reader.lineNow() ?? (await reader.lineOrEnd()))
      yield line
    const { code, stderr } = await child.ended
    if (code !== 0) throw new GitFailure('exit', `git ended with code ${code}`, stderr)
  } finally {
    child.stop(new GitFailure('aborted', 'enough was listed'))
  }
}

/** Every reachable blob, with its size and without its content, in batches. What is to be left out may be gone; then it leaves out nothing. */
export async function* reachableBlobs(store: GitStore, repo: string, reach: Reach): AsyncGenerator<ObjectInfo[]> {
  const infos = await readObjectInfos(store, repo, reach.exclude)
  const exclude = reach.exclude.filter((_, index) => infos[index] !== null)
  const options = ['--no-object-names', '--filter=object:type=blob', '--filter-provided-objects']
  for await (const oids of oidBatches(reachable(store, repo, { ...reach, exclude }, options, {}))) {
    const found = await readObjectInfos(store, repo, oids)
    yield found.flatMap((info) => (info?.type === 'blob' ? [info] : []))
  }
}

/** Paths of the wanted objects among what `reach` names, as far as found; for messages, so bounded in time. */
export async function findPaths(
  store: GitStore,
  repo: string,
  reach: Reach,
  wanted: ReadonlySet<string>,
  environment: Record<string, string>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const deadline = Date.now() + 10_000
  for await (const line of reachable(store, repo, reach, [], environment)) {
    const oid = line.slice(0, 40)
    if (wanted.has(oid)) found.set(oid, line.slice(41))
    if (found.size === wanted.size || Date.now() > deadline) break
  }
  return found
}

/**
 * The newest commit that brings each of the wanted blobs, with its path there, among those that `include` leads to and no ref does yet; as far as
 * found, since it is for messages.
 */
export async function findIntroductions(
  store: GitStore,
  repo: string,
  include: readonly string[],
  wanted: ReadonlySet<string>,
  environment: Record<string, string>,
): Promise<Map<string, { commit: string; path: string }>> {
  for (const oid of include) assertOid(oid)
  const found = new Map<string, { commit: string; path: string }>()
  const deadline = Date.now() + 10_000
  const options = ['--format=commit %H', '--raw', '--no-abbrev', '--no-renames', '--root', '-m']
  const args = ['--git-dir', repositoryFolder(store, repo), '-c', 'core.quotePath=false', 'log', ...options]
  let commit = ''
  for await (const line of linesOf(store, [...args, ...include, '--not', '--all'], environment)) {
    if (line.startsWith('commit ')) commit = line.slice(7)
    // `:100644 100644 <old> <new> M<tab>path`
    const [, oid = '', path = ''] = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) \w+\t(.*)$/.exec(line) ?? []
    if (wanted.has(oid) && !found.has(oid)) found.set(oid, { commit, path })
    if (found.size === wanted.size || Date.now() > deadline) break
  }
  return found
}

async function* reachable(
  store: GitStore,
  repo: string,
  reach: Reach,
  options: readonly string[],
  environment: Record<string, string>,
): AsyncGenerator<string> {
  const args = [
    '--git-dir',
    repositoryFolder(store, repo),
    'rev-list',
    '--objects',
    ...options,
    '--stdin',
    ...(reach.include === 'all' ? ['--all'] : []),
  ]
  const child = await startGit(store, args, { environment, timeLimitMs })
  child.stdin.end(reachInput(reach))
  const reader = new ByteReader(child.stdout)
  try {
    for (let line = await reader.lineOrEnd(); line !== null; line = reader.lineNow() ?? (await reader.lineOrEnd()))
      yield line
    const { code, stderr } = await child.ended
    if (code !== 0) throw new GitFailure('exit', `git rev-list ended with code ${code}`, stderr)
  } finally {
    child.stop(new GitFailure('aborted', 'enough was listed'))
  }
}

function reachInput(reach: Reach): string {
  const included = reach.include === 'all' ? [] : reach.include
  for (const oid of [...included, ...reach.exclude]) assertOid(oid)
  return `${[...included, ...reach.exclude.map((oid) => `^${oid}`)].join('\n')}\n`
}

async function* oidBatches(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let batch: string[] = []
  for await (const line of lines) {
    batch.push(line.slice(0, 40))
    if (batch.length < 500) continue
    yield batch
    batch = []
  }
  yield batch
}
