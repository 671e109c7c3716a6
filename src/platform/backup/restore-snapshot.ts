/**
 * Puts a snapshot where nothing is: bytes first, then history, then all rows in one transaction. An interrupted restore leaves a database
 * without rows and can be run again: what lies there already is not copied again.
 */

import type { BlobStore } from '../blobs/blob-store.ts'
import { openDiskBlobStore } from '../blobs/disk-blob-store.ts'
import type { Db, Tx } from '../db/database.ts'
import { migrate } from '../db/migrate.ts'
import { migrations as known } from '../db/migrations/index.ts'
import { readMigrations } from '../db/tables.ts'
import { fetchFrom } from '../git/fetch.ts'
import { type GitStore, repositoryFolder } from '../git/git-store.ts'
import { cleanStale } from '../git/maintain.ts'
import { findLeftovers } from '../git/marks.ts'
import { createRepository, hasRepository } from '../git/repository.ts'
import type { BackupFolder, Snapshot } from './backup-folder.ts'
import { readRepos } from './contents.ts'
import { copyBlobs } from './copy-blobs.ts'
import { eachOf } from './each-of.ts'
import { BackupError } from './errors.ts'
import { repoDamageOf } from './keep-repo.ts'
import { findFilledTable, loadTables } from './load-tables.ts'
import { checkFiles, type Damage } from './manifest.ts'
import type { Progress } from './progress.ts'
import { type RepoTips, readRepoList } from './repo-list.ts'

export interface RestoreTarget {
  readonly db: Db
  readonly git: GitStore
  readonly blobs: BlobStore
  /** Last statements, in the transaction of the rows. */
  finish(tx: Tx): Promise<void>
}

export interface RestoreReport {
  readonly rows: number
  readonly changedTexts: number
  readonly repos: number
  readonly blobs: Readonly<Record<string, { count: number; bytes: number }>>
  readonly damaged: readonly Damage[]
}

const reposAtOnce = 2

/** Throws `BackupError` where the snapshot needs another version of Holdfast, or is not what was written. Writes nothing. */
export async function checkRestorable(snapshot: Snapshot): Promise<void> {
  const unknown = snapshot.manifest.migrations.filter((name) => !(name in known))
  if (unknown.length > 0) {
    throw new BackupError(
      `The snapshot ${snapshot.id} was made by a newer Holdfast, ${snapshot.manifest.holdfast} (${unknown.join(', ')}).`,
      'Restore it with that version, or a newer one.',
    )
  }
  await checkFiles(snapshot.folder, snapshot.manifest)
}

/** Throws `BackupError` where the database has rows. Otherwise its tables are those of the snapshot afterwards. */
export async function prepareDatabase(db: Db, snapshot: Snapshot): Promise<void> {
  const filled = await findFilledTable(db)
  if (filled !== null) {
    throw new BackupError(
      `The database is not empty: it has rows in "${filled}".`,
      'A restore never overwrites. Name an empty data folder, or an empty database.',
    )
  }
  // An older snapshot is loaded into the tables of its time; the migrations after that run over its rows when the hub is opened.
  const names = new Set(snapshot.manifest.migrations)
  const later = (await readMigrations(db.read, db.dialect)).filter((name) => !names.has(name))
  if (later.length > 0) {
    throw new BackupError(
      `The database has no rows, but tables of a later version than the snapshot (${later.join(', ')}).`,
      'Remove them, or name another database or data folder.',
    )
  }
  await migrate(db, Date.now, Object.fromEntries(Object.entries(known).filter(([name]) => names.has(name))))
}

export async function restoreSnapshot(
  backup: BackupFolder,
  snapshot: Snapshot,
  target: RestoreTarget,
  progress: Progress,
  signal?: AbortSignal,
): Promise<RestoreReport> {
  const stored = await openDiskBlobStore({ folder: backup.blobs })
  const copied = await copyBlobs(snapshot, stored, target.blobs, progress, signal)
  const git = await restoreRepos(backup, snapshot, target.git, progress, signal)
  const loaded = await loadTables(target.db, snapshot, (tx) => target.finish(tx), progress)
  return { ...loaded, repos: git.repos, blobs: copied.blobs, damaged: [...copied.damaged, ...git.damaged] }
}

async function restoreRepos(
  backup: BackupFolder,
  snapshot: Snapshot,
  git: GitStore,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<{ repos: number; damaged: Damage[] }> {
  const leftovers = await findLeftovers(git)
  for (const repo of leftovers.repos) if (await hasRepository(git, repo)) await cleanStale(git, repo)
  await leftovers.forget()
  const damaged: Damage[] = []
  const counter = progress.begin('repos', snapshot.manifest.git.repos)
  let repos = 0
  const restoreOne = async ({ repo, tips }: RepoTips): Promise<void> => {
    if (!(await hasRepository(git, repo))) await createRepository(git, repo)
    try {
      const wanted = tips.map(({ ref, oid }) => ({ ref, oid }))
      await fetchFrom(git, repo, repositoryFolder({ folder: backup.git }, repo), wanted, signal)
    } catch (error) {
      const reason = repoDamageOf(error)
      if (reason === null) throw error
      damaged.push({ what: 'repo', name: repo, reason })
    }
    repos++
    counter.add(1, 0)
  }
  await eachOf(readRepoList(snapshot), reposAtOnce, restoreOne, signal)
  await giveEmptyOnes(snapshot, git)
  counter.end()
  return { repos, damaged }
}

/** A repo whose repository was already missing gets an empty one: its page can then be opened and its owner can delete it. */
async function giveEmptyOnes(snapshot: Snapshot, git: GitStore): Promise<void> {
  for await (const { id, isDeleted } of readRepos(snapshot)) {
    if (!isDeleted && !(await hasRepository(git, id))) await createRepository(git, id)
  }
}
