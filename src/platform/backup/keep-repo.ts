/**
 * Repositories in a backup. Each keeps the tip of every ref that any snapshot recorded under `refs/holdfast/kept/<oid>`: that keeps old
 * snapshots restorable after a forced push, and lets git send only what is new. Which ref had which tip is written in the snapshot.
 */

import { fetchFrom } from '../git/fetch.ts'
import { type GitStore, repositoryFolder } from '../git/git-store.ts'
import { cleanStale, countPacks, maintain, packLimit } from '../git/maintain.ts'
import { readRefFiles } from '../git/ref-files.ts'
import { listRefs, readableRefs } from '../git/refs.ts'
import { createRepository, hasRepository } from '../git/repository.ts'
import { GitFailure } from '../git/run.ts'
import { isSafeRef } from '../git/safe-names.ts'
import { BackupError } from './errors.ts'

const keptPrefix = 'refs/holdfast/kept'
const refsAtMost = 10_000_000

export interface NamedTip {
  readonly ref: string
  readonly oid: string
}

/** Sees that the backup's repository holds the tips with all they lead to. Gives how many were missing. Throws `GitFailure`. */
export async function keepTips(
  backup: GitStore,
  source: GitStore,
  repo: string,
  tips: readonly NamedTip[],
  signal?: AbortSignal,
): Promise<number> {
  if (!(await hasRepository(backup, repo))) await createRepository(backup, repo)
  const kept = await listKept(backup, repo)
  const missing = new Set(tips.map((tip) => tip.oid).filter((oid) => !kept.has(oid)))
  if (missing.size === 0) return 0
  const wanted = [...missing].map((oid) => ({ oid, ref: keptRef(oid) }))
  await fetchFrom(backup, repo, repositoryFolder(source, repo), wanted, signal)
  const now = await listKept(backup, repo)
  const lost = [...missing].find((oid) => !now.has(oid))
  if (lost !== undefined) throw new GitFailure('broken', `git fetched ${lost} without an error, and it is not there`)
  if ((await countPacks(backup, repo)) > packLimit) await maintain(backup, repo, signal ? { signal } : {})
  return missing.size
}

/** The tips that the repository keeps; none where there is no repository. */
export async function listKept(backup: GitStore, repo: string): Promise<Set<string>> {
  if (!(await hasRepository(backup, repo))) return new Set()
  const refs = await readAllRefs(backup, repo, [keptPrefix])
  return new Set(refs.filter(({ ref, oid }) => ref === keptRef(oid)).map(({ oid }) => oid))
}

/** Every ref that the hub knows, and nothing that somebody else may have put there. */
export async function readTips(store: GitStore, repo: string): Promise<NamedTip[]> {
  const refs = await readAllRefs(store, repo, readableRefs)
  return refs.filter(({ ref }) => isSafeRef(ref)).map(({ ref, oid }) => ({ ref, oid }))
}

/** What a killed backup left in a repository, such as locks. */
export async function mendRepository(backup: GitStore, repo: string): Promise<void> {
  if (await hasRepository(backup, repo)) await cleanStale(backup, repo)
}

export function keptRef(oid: string): string {
  return `${keptPrefix}/${oid}`
}

/** A full disk stops everything; any other failure of git is about this one repository. */
export function repoDamageOf(error: unknown): string | null {
  if (!(error instanceof GitFailure) || error.reason === 'aborted' || error.reason === 'spawn') return null
  if (/no space left|disk quota/i.test(error.stderr)) {
    throw new BackupError(
      'The disk is full.',
      'Free some space and run the command again: it goes on where it stopped.',
      {
        cause: error,
      },
    )
  }
  return error.message.slice(0, 500)
}

/** From the files where they are plain, else from git. */
async function readAllRefs(store: GitStore, repo: string, prefixes: readonly string[]): Promise<NamedTip[]> {
  const files = await readRefFiles(repositoryFolder(store, repo))
  if (files === null) return await listRefs(store, repo, prefixes, refsAtMost)
  return files.refs.filter(({ ref }) => prefixes.some((prefix) => ref.startsWith(`${prefix}/`)))
}
