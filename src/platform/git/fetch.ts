/**
 * Objects from one repository of this machine into another, by git itself: only what is missing travels, every object is hashed as it
 * arrives, and git refuses to point a ref at history that is not whole.
 */
import { dirname, join } from 'node:path'
import { syncFolder } from './durable.ts'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { markWriter } from './marks.ts'
import { syncRefFolders } from './refs.ts'
import { exitFailure, startGit } from './run.ts'
import { assertOid, assertRef } from './safe-names.ts'

export interface Wanted {
  readonly oid: string
  /** The full name of the ref that shall hold it here, whatever it held before. */
  readonly ref: string
}

const timeLimitMs = 12 * 3_600_000

/**
 * Fetches `wanted` from the bare repository at the path `source`, all or nothing, durable when it returns. Throws `GitFailure` where the
 * source lacks an object of what is wanted.
 */
export async function fetchFrom(
  store: GitStore,
  repo: string,
  source: string,
  wanted: readonly Wanted[],
  signal?: AbortSignal,
): Promise<void> {
  if (wanted.length === 0) return
  for (const { oid, ref } of wanted) {
    assertOid(oid)
    assertRef(ref)
  }
  const folder = repositoryFolder(store, repo)
  const args = [
    '--git-dir',
    folder,
    // One pack each time, as for pushes: loose objects are slow to sync and to read.
    '-c',
    'fetch.unpackLimit=1',
    'fetch',
    '--quiet',
    '--atomic',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--no-recurse-submodules',
    '--stdin',
    '--',
    source,
  ]
  // The store allows no transport at all; this is the one place where a repository is read by its path.
  const child = await startGit(store, args, { timeLimitMs, signal, environment: { GIT_ALLOW_PROTOCOL: 'file' } })
  const unmark = await markWriter(store, child.pid, repo)
  try {
    child.stdin.end(`${wanted.map(({ oid, ref }) => `+${oid}:${ref}`).join('\n')}\n`)
    child.stdout.resume()
    const { code, stderr } = await child.ended
    if (code !== 0) throw exitFailure(args.slice(4), code, stderr)
  } finally {
    await unmark()
  }
  const packs = join(folder, 'objects', 'pack')
  for (const changed of [packs, dirname(packs)]) await syncFolder(changed)
  await syncRefFolders(
    folder,
    wanted.map(({ ref }) => ref),
  )
}
