/**
 * Upkeep of a repository: packs joined geometrically, so that each byte is rewritten a logarithmic number of times;
 * a commit graph and reachability bitmaps, so that clones and histories are quick; and removal of what a crash left.
 * Everything here is for the holder of the repo's lease.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type GitStore, repositoryFolder } from './git-store.ts'
import { markWriter } from './marks.ts'
import { runGit } from './run.ts'

/** More packs than this, and a repository is worth repacking. */
export const packLimit = 50

export interface MaintainOptions {
  /** Rewrites everything as one pack and drops what nothing has named for some days. Default: only joins small packs. */
  full?: boolean
  /** For how many days what nothing names is kept. At least, and by default, 14. */
  keptDays?: number
  signal?: AbortSignal
}

const timeLimitMs = 6 * 3_600_000
const leastDays = 14

/** How many packs the repository has. */
export async function countPacks(store: GitStore, repo: string): Promise<number> {
  const names = await readdir(join(repositoryFolder(store, repo), 'objects', 'pack'))
  return names.filter((name) => name.endsWith('.pack')).length
}

/** Repacks and writes the graph and the bitmaps. Safe beside readers and writers; only one at a time per repository. */
export async function maintain(store: GitStore, repo: string, options: MaintainOptions = {}): Promise<void> {
  const unmark = await markWriter(store, process.pid, repo)
  try {
    await repackAndIndex(store, repo, options)
  } finally {
    await unmark()
  }
}

async function repackAndIndex(store: GitStore, repo: string, options: MaintainOptions): Promise<void> {
  const folder = repositoryFolder(store, repo)
  const git = async (...args: string[]) => {
    await runGit(store, ['--git-dir', folder, ...args], { timeLimitMs, signal: options.signal })
  }
  await git('pack-refs', '--all', '--prune')
  const pruneAfter = `${Math.max(leastDays, options.keptDays ?? leastDays)}.days.ago`
  // Unreachable objects stay in a cruft pack with their age, until they are old enough that no push can still want them.
  const repack = options.full ? ['--cruft', `--cruft-expiration=${pruneAfter}`] : ['--geometric=2']
  await git('repack', '-d', '-q', '--write-midx', '--write-bitmap-index', ...repack)
  await git('prune', `--expire=${pruneAfter}`)
  await git('commit-graph', 'write', '--reachable', '--changed-paths', '--split', '--no-progress')
  // Open processes hold the old packs: their disk space, and for readers a detour.
  store.readers.retire(folder)
}

/** Removes everything that no ref leads to, at once. Only where nobody writes: what a push is about to name would go too. */
export async function dropUnreachable(store: GitStore, repo: string): Promise<void> {
  const folder = repositoryFolder(store, repo)
  const unmark = await markWriter(store, process.pid, repo)
  try {
    for (const args of [
      ['pack-refs', '--all', '--prune'],
      ['repack', '-a', '-d', '-q'],
      ['prune', '--expire=now'],
    ]) {
      await runGit(store, ['--git-dir', folder, ...args], { timeLimitMs })
    }
    store.readers.retire(folder)
  } finally {
    await unmark()
  }
}

/**
 * Removes locks, quarantines and half-written packs that a dead server left. Whoever calls it knows that no
 * process works in the repository: at start-up, or when the lease changed hands. Gives the paths that it removed.
 */
export async function cleanStale(store: GitStore, repo: string): Promise<string[]> {
  const folder = repositoryFolder(store, repo)
  const stale: string[] = []
  for (const name of await list(folder)) if (name.endsWith('.lock')) stale.push(name)
  for (const name of await list(join(folder, 'objects'))) {
    if (/^(tmp_|incoming-)/.test(name)) stale.push(join('objects', name))
    if (/^[0-9a-f]{2}$/.test(name)) {
      for (const file of await list(join(folder, 'objects', name)))
        if (file.startsWith('tmp_')) stale.push(join('objects', name, file))
    }
  }
  for (const name of await list(join(folder, 'objects', 'pack'))) {
    if (/^(\.?tmp-|tmp_)|\.(lock|keep)$/.test(name)) stale.push(join('objects/pack', name))
    // A pack without its index was being moved in; nothing refers to it yet.
    if (name.endsWith('.pack') && !(await exists(join(folder, 'objects/pack', name.replace(/pack$/, 'idx'))))) {
      stale.push(join('objects/pack', name))
    }
  }
  for (const name of await list(join(folder, 'objects', 'info'), true))
    if (name.endsWith('.lock')) stale.push(join('objects/info', name))
  for (const name of await list(join(folder, 'refs'), true)) if (name.endsWith('.lock')) stale.push(join('refs', name))
  for (const path of stale) await rm(join(folder, path), { recursive: true, force: true })
  return stale
}

async function list(folder: string, recursive = false): Promise<string[]> {
  return readdir(folder, { recursive }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
