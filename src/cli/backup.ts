/**
 * `holdfast backup`: makes a backup beside a running server, and looks after what was made. Standard output carries the result, standard
 * error the progress. Exit code 1: not done. 2: done, but something could not be read.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { watchRefs } from '../features/ingest/service.ts'
import type { Hub } from '../hub.ts'
import {
  findSnapshot,
  liesIn,
  listSnapshotIds,
  openBackupFolder,
  openSnapshot,
} from '../platform/backup/backup-folder.ts'
import { BackupError } from '../platform/backup/errors.ts'
import { makeSnapshot, type SnapshotReport } from '../platform/backup/make-snapshot.ts'
import type { Damage, Manifest } from '../platform/backup/manifest.ts'
import { formatBytes, formatCount, lineProgress, type Progress } from '../platform/backup/progress.ts'
import { pruneBackup } from '../platform/backup/prune-backup.ts'
import { verifyBackup } from '../platform/backup/verify-backup.ts'
import { version } from '../version.ts'
import { xorbChecker } from './check-xorb.ts'
import { keyCheck } from './key-check.ts'

export interface BackupOptions {
  readonly withoutKeys?: boolean
  readonly signal?: AbortSignal
}

/** Adds a snapshot of the hub to the backup in `folder`, which is made where nothing is. Throws `BackupError`. */
export async function backUp(
  hub: Hub,
  folder: string,
  progress: Progress,
  options: BackupOptions = {},
): Promise<SnapshotReport> {
  const { config, db, git, blobs, clock } = hub
  if ((await liesIn(folder, config.dataFolder)) || (await liesIn(config.dataFolder, folder))) {
    throw new BackupError(
      'The backup must not lie in the data folder, nor around it.',
      'Name a folder on another disk.',
    )
  }
  const text = config.keyRing ?? (await readFile(path.join(config.dataFolder, 'keys.json'), 'utf8'))
  const keys = { check: keyCheck(hub.keys), text: options.withoutKeys === true ? null : text }
  const source = { db, git, blobs, clock, version, keys, watchRefs: (takenAt: number) => watchRefs(hub, takenAt) }
  return await makeSnapshot(source, await openBackupFolder(folder, true), progress, options.signal)
}

export function backupCommand(openHub: () => Promise<Hub>): Command {
  const backup = new Command('backup').description('Back up this hub while it runs: "holdfast backup FOLDER".')
  backup
    .command('create', { isDefault: true })
    .description('Add a snapshot to a backup, or begin one. Only what the backup lacks is copied.')
    .argument('<folder>')
    .option('--without-keys', 'leave the secret keys out; keep keys.json somewhere else then', false)
    .option('--json', 'print the result as JSON', false)
    .action(async (folder: string, options: { withoutKeys: boolean; json: boolean }) => {
      const hub = await openHub()
      const stopping = new AbortController()
      const stop = (): void => stopping.abort(new BackupError('Stopped. What was copied stays; the next run goes on.'))
      process.once('SIGINT', stop).once('SIGTERM', stop)
      try {
        const report = await backUp(hub, folder, progressOnStderr(), { ...options, signal: stopping.signal })
        if (options.json) printJson({ ...summaryOf(report.manifest), copied: report.copied })
        else printReport(report)
        if (report.manifest.damaged.length > 0) process.exitCode = 2
      } finally {
        process.off('SIGINT', stop).off('SIGTERM', stop)
        await hub.close()
      }
    })
  addListCommand(backup)
  addVerifyCommand(backup)
  addPruneCommand(backup)
  return backup
}

function addListCommand(backup: Command): void {
  backup
    .command('list')
    .description('List the snapshots of a backup, oldest first.')
    .argument('<folder>')
    .option('--json', 'print them as JSON', false)
    .action(async (folder: string, options: { json: boolean }) => {
      const opened = await openBackupFolder(folder, false)
      const snapshots = []
      for (const id of await listSnapshotIds(opened))
        snapshots.push(summaryOf((await openSnapshot(opened, id)).manifest))
      if (options.json) return printJson(snapshots)
      for (const one of snapshots) {
        const keys = one.hasKeys ? 'with keys' : 'without keys'
        const size = formatBytes(one.bytes)
        const damage = one.damaged.length === 0 ? '' : `\t${one.damaged.length} damaged`
        print(`${one.id}\t${one.repos} repos\t${one.files} files\t${size}\t${one.dialect}\t${keys}${damage}`)
      }
    })
}

function addVerifyCommand(backup: Command): void {
  backup
    .command('verify')
    .description('Read a backup again and compare every byte with its hash.')
    .argument('<folder>')
    .option('--snapshot <id>', 'only what this snapshot needs; the beginning of its id is enough')
    .option('--quick', 'compare sizes instead of reading large files', false)
    .option('--json', 'print the result as JSON', false)
    .action(async (folder: string, options: { snapshot?: string; quick: boolean; json: boolean }) => {
      const opened = await openBackupFolder(folder, false)
      const ids = options.snapshot === undefined ? await listSnapshotIds(opened) : [options.snapshot]
      const snapshots = []
      for (const id of ids) snapshots.push(await findSnapshot(opened, id))
      if (snapshots.length === 0) await findSnapshot(opened, null)
      const xorbs = xorbChecker()
      const depth = { isDeep: !options.quick, checkXorb: xorbs.check }
      const report = await verifyBackup(opened, snapshots, depth, progressOnStderr()).finally(() => xorbs.close())
      if (options.json) printJson(report)
      else {
        const { blobs, bytes, repos, faults } = report
        print(
          `${counted(ids.length, 'snapshot')}: ${formatCount(blobs)} large files and xorbs (${formatBytes(bytes)}), ${counted(repos, 'repo')}`,
        )
        print(faults.length === 0 ? 'All of it is as it was written.' : `${formatCount(faults.length)} damaged:`)
        printDamage(faults)
      }
      if (report.faults.length > 0) process.exitCode = 2
    })
}

function addPruneCommand(backup: Command): void {
  backup
    .command('prune')
    .description('Remove old snapshots and what only they needed. Without --yes, only say what would go.')
    .argument('<folder>')
    .requiredOption('--keep <number>', 'how many of the newest snapshots stay', parseCount)
    .option('--yes', 'remove', false)
    .option('--json', 'print the result as JSON', false)
    .action(async (folder: string, options: { keep: number; yes: boolean; json: boolean }) => {
      const report = await pruneBackup(
        await openBackupFolder(folder, false),
        options.keep,
        !options.yes,
        progressOnStderr(),
      )
      if (options.json) return printJson({ ...report, isDone: options.yes })
      for (const id of report.removed) print(id)
      const what = `${counted(report.removed.length, 'snapshot')}, ${counted(report.blobs, 'file')} (${formatBytes(report.bytes)}), history in ${counted(report.repos, 'repo')}`
      print(options.yes ? `Removed: ${what}.` : `Would go: ${what}. Run it with --yes to remove.`)
    })
}

export function summaryOf(manifest: Manifest) {
  const blobs = Object.values(manifest.blobs)
  return {
    id: manifest.id,
    createdAt: new Date(manifest.createdAt).toISOString(),
    holdfast: manifest.holdfast,
    dialect: manifest.dialect,
    rows: Object.values(manifest.tables).reduce((sum, table) => sum + table.rows, 0),
    repos: manifest.git.repos,
    files: blobs.reduce((sum, { count }) => sum + count, 0),
    bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0),
    hasKeys: manifest.keys.isIncluded,
    damaged: manifest.damaged,
  }
}

export function progressOnStderr(): Progress {
  return lineProgress((line) => process.stderr.write(`${line}\n`))
}

export function printDamage(damaged: readonly Damage[]): void {
  for (const { what, name, reason } of damaged) print(`  ${what} ${name}: ${reason}`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

function printReport({ manifest, copied }: SnapshotReport): void {
  const { repos, files, bytes, rows, damaged, hasKeys } = summaryOf(manifest)
  print(`Snapshot ${manifest.id}`)
  print(
    `  holds  ${counted(rows, 'row')}, ${counted(repos, 'repo')}, ${counted(files, 'file')} (${formatBytes(bytes)})`,
  )
  print(`  new    ${counted(copied.repos, 'repo')}, ${counted(copied.blobs, 'file')} (${formatBytes(copied.bytes)})`)
  print(
    hasKeys
      ? '  keys   included: whoever reads the backup can make tokens'
      : '  keys   not included: keep keys.json apart',
  )
  if (damaged.length === 0) return
  print(`This hub holds ${formatCount(damaged.length)} damaged, which no backup can hold whole:`)
  printDamage(damaged)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It is a number from 1 on.')
  return count
}
