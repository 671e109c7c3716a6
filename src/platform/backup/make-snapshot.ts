/**
 * Makes a snapshot beside a running server. Order: nothing is collected any more; the rows of one moment; the bytes that they name; the
 * history that the refs of that moment name; the manifest, which makes the snapshot count. What was copied before an interruption stays and
 * is not copied again.
 */
import path from 'node:path'
import type { BlobStore } from '../blobs/blob-store.ts'
import { openDiskBlobStore } from '../blobs/disk-blob-store.ts'
import type { Clock } from '../clock.ts'
import { holdCollection } from '../db/collection-hold.ts'
import type { Db } from '../db/database.ts'
import { syncFolder, writeFileDurably } from '../git/durable.ts'
import { type GitStore, openGitStore } from '../git/git-store.ts'
import { findLeftovers } from '../git/marks.ts'
import { type BackupFolder, beginSnapshot, lockBackup, type SnapshotRows } from './backup-folder.ts'
import { readRepos } from './contents.ts'
import { copyBlobs } from './copy-blobs.ts'
import { dumpTables } from './dump-tables.ts'
import { inOrder } from './each-of.ts'
import { BackupError } from './errors.ts'
import { keepTips, listKept, mendRepository, type NamedTip, repoDamageOf } from './keep-repo.ts'
import { type FileFacts, readFileFacts, writeLines } from './line-file.ts'
import { backupFormat, type Damage, gitFile, keysFile, type Manifest, writeManifest } from './manifest.ts'
import type { Progress } from './progress.ts'
import { formatRepo } from './repo-list.ts'

export interface BackupSource {
  readonly db: Db
  readonly git: GitStore
  readonly blobs: BlobStore
  readonly clock: Clock
  /** The version of this program. */
  readonly version: string
  /** An HMAC under the key ring, and the ring itself where it shall be in the backup. */
  readonly keys: { readonly check: string; readonly text: string | null }
  /** Tells what refs held at the moment of the rows, though they may have moved since. */
  watchRefs(takenAt: number): RefsOfThen
}

export interface RefsOfThen {
  /** Called with every row of the snapshot, before `refsAt`. */
  see(table: string, row: Readonly<Record<string, unknown>>): void
  /** Null where there is no repository. */
  refsAt(repo: string): Promise<readonly NamedTip[] | null>
}

export interface SnapshotReport {
  readonly manifest: Manifest
  readonly copied: { readonly blobs: number; readonly bytes: number; readonly repos: number }
}

const reposAtOnce = 2

/** Throws `BackupError`; the backup then holds the snapshots that it held before. */
export async function makeSnapshot(
  source: BackupSource,
  backup: BackupFolder,
  progress: Progress,
  signal?: AbortSignal,
): Promise<SnapshotReport> {
  const unlock = await lockBackup(backup)
  try {
    const hold = await holdCollection(source.db, source.clock)
    try {
      const git = await openGitStore({ folder: backup.git })
      try {
        const report = await make(source, backup, git, progress, signal)
        if (hold.isUnbroken) return await finish(report)
      } finally {
        await git.close()
      }
    } finally {
      await hold.release()
    }
    throw new BackupError(
      'The backup could not keep the hub from removing what nothing needs, so it may lack something.',
      'Run it again: it goes on where it stopped. If this returns, see why it or its database stood still.',
    )
  } finally {
    await unlock()
  }
}

interface Draft extends SnapshotReport {
  readonly folder: string
}

async function finish({ folder, manifest, copied }: Draft): Promise<SnapshotReport> {
  await writeManifest(folder, manifest)
  await syncFolder(path.dirname(folder))
  return { manifest, copied }
}

async function make(
  source: BackupSource,
  backup: BackupFolder,
  git: GitStore,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Draft> {
  await mendAfterKill(git)
  const takenAt = source.clock.now()
  const { id, folder } = await beginSnapshot(backup, takenAt)
  const refs = source.watchRefs(takenAt)
  const dump = await source.db.snapshot((view) =>
    dumpTables(view, source.db.dialect, folder, (table, row) => refs.see(table, row), progress),
  )
  const rows: SnapshotRows = { id, folder, manifest: { tables: dump.tables } }
  signal?.throwIfAborted()
  const blobs = await copyBlobs(rows, source.blobs, await openDiskBlobStore({ folder: backup.blobs }), progress, signal)
  const repos = await copyRepos(source, git, rows, refs, progress, signal)
  const files: Record<string, FileFacts> = { ...dump.files, [gitFile]: repos.file }
  if (source.keys.text !== null) {
    await writeFileDurably(path.join(folder, keysFile), source.keys.text)
    files[keysFile] = await readFileFacts(path.join(folder, keysFile))
  }
  await syncFolder(folder)
  const manifest: Manifest = {
    format: backupFormat,
    id,
    createdAt: takenAt,
    holdfast: source.version,
    dialect: source.db.dialect,
    migrations: [...dump.migrations],
    files,
    tables: dump.tables,
    git: { repos: repos.repos, refs: repos.refs },
    blobs: blobs.blobs,
    keys: { isIncluded: source.keys.text !== null, check: source.keys.check },
    damaged: [...blobs.damaged, ...repos.damaged],
  }
  return { folder, manifest, copied: { blobs: blobs.copied.count, bytes: blobs.copied.bytes, repos: repos.copied } }
}

/** What a killed run left in the backup's repositories; git processes of it that still write are waited for. */
async function mendAfterKill(git: GitStore): Promise<void> {
  const leftovers = await findLeftovers(git)
  for (const repo of leftovers.repos) await mendRepository(git, repo)
  await leftovers.forget()
}

interface CopiedRepos {
  readonly file: FileFacts
  readonly repos: number
  readonly refs: number
  /** How many got anything new. */
  readonly copied: number
  readonly damaged: Damage[]
}

async function copyRepos(
  source: BackupSource,
  git: GitStore,
  rows: SnapshotRows,
  then: RefsOfThen,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<CopiedRepos> {
  const counts = { repos: 0, refs: 0, copied: 0 }
  const damaged: Damage[] = []
  const counter = progress.begin('repos', rows.manifest.tables.repo?.rows)
  const copyOne = async (repo: { id: string; isDeleted: boolean }): Promise<string | null> => {
    signal?.throwIfAborted()
    const tips = await then.refsAt(repo.id)
    counter.add(1, 0)
    if (tips === null) {
      if (!repo.isDeleted) damaged.push({ what: 'repo', name: repo.id, reason: 'its repository is missing' })
      return null
    }
    counts.repos++
    const kept = await keepOrNote(source.git, git, repo.id, tips, damaged, signal)
    if (kept.isNew) counts.copied++
    counts.refs += kept.tips.length
    return formatRepo({ repo: repo.id, tips: kept.tips })
  }
  const lines = async function* (): AsyncGenerator<string> {
    for await (const line of inOrder(readRepos(rows), reposAtOnce, copyOne)) if (line !== null) yield line
  }
  const file = await writeLines(path.join(rows.folder, gitFile), lines())
  counter.end()
  return { file, ...counts, damaged }
}

/** A repository that git cannot read keeps what earlier runs saved of it. */
async function keepOrNote(
  from: GitStore,
  to: GitStore,
  repo: string,
  tips: readonly NamedTip[],
  damaged: Damage[],
  signal: AbortSignal | undefined,
): Promise<{ tips: readonly NamedTip[]; isNew: boolean }> {
  let reason = ''
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      return { tips, isNew: (await keepTips(to, from, repo, tips, signal)) > 0 }
    } catch (error) {
      const damage = repoDamageOf(error)
      if (damage === null) throw error
      reason = damage
      // What a killed run or a dying git left, such as a lock, must not count as damage.
      await mendRepository(to, repo)
    }
  }
  damaged.push({ what: 'repo', name: repo, reason })
  const kept = await listKept(to, repo)
  return { tips: tips.filter(({ oid }) => kept.has(oid)), isNew: false }
}
