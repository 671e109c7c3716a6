/**
 * `holdfast restore`: puts a snapshot of a backup into an empty data folder (and an empty database), on either database, and then checks
 * what lies there. It never overwrites. Exit code 1: not done. 2: done, but something is damaged.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import { type Config, readConfig } from '../config.ts'
import { correctHeads, settleOnStart } from '../features/ingest/service.ts'
import { type Hub, openBlobStore, openHub } from '../hub.ts'
import { type BackupFolder, findSnapshot, openBackupFolder, type Snapshot } from '../platform/backup/backup-folder.ts'
import { BackupError } from '../platform/backup/errors.ts'
import { type Damage, keysFile } from '../platform/backup/manifest.ts'
import { formatBytes, type Progress } from '../platform/backup/progress.ts'
import {
  checkRestorable,
  prepareDatabase,
  type RestoreReport,
  restoreSnapshot,
} from '../platform/backup/restore-snapshot.ts'
import { findRestoreFaults } from '../platform/backup/verify-restored.ts'
import { systemClock } from '../platform/clock.ts'
import { openKeyRing } from '../platform/crypto/key-ring.ts'
import { openDatabase } from '../platform/db/database.ts'
import { setXetEpoch } from '../platform/db/xet-epoch.ts'
import { writeFileDurably } from '../platform/git/durable.ts'
import { openGitStore } from '../platform/git/git-store.ts'
import { makeLogger } from '../platform/log/logger.ts'
import { counted, print, printDamage, printJson, progressOnStderr, summaryOf } from './backup.ts'
import { xorbChecker } from './check-xorb.ts'
import { isSameRing } from './key-check.ts'
import { countLinksWithoutBytes, endWhatWasUnderWay } from './restore-queries.ts'

export interface RestoreOptions {
  /** The beginning of a snapshot's id; the newest unless said. */
  readonly snapshot?: string
  /** Read every restored byte again. */
  readonly verify?: boolean
  /** Go on with another key ring than that of the backup: every token and every signed address is void then. */
  readonly otherKeys?: boolean
}

export interface RestoreResult extends Omit<RestoreReport, 'damaged'> {
  readonly snapshot: Snapshot
  /** What could not be restored, beyond what was damaged when the snapshot was made. */
  readonly faults: readonly Damage[]
  /** Links of repos to large files that are not there. */
  readonly brokenLinks: number
}

const keysName = 'keys.json'
const markName = 'restore-unfinished.json'

/** Throws `BackupError` where the target is not empty, or the backup is not what was written; then no row was written. */
export async function restore(
  config: Config,
  folder: string,
  progress: Progress,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  const backup = await openBackupFolder(folder, false)
  const snapshot = await findSnapshot(backup, options.snapshot ?? null)
  await refuseFilledFolder(config.dataFolder, snapshot)
  await checkRestorable(snapshot)
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  const mark = path.join(config.dataFolder, markName)
  await writeFileDurably(mark, JSON.stringify({ snapshot: snapshot.id }))
  await placeKeys(config, snapshot, options.otherKeys === true)
  const { damaged, ...report } = await fill(config, backup, snapshot, progress)
  const hub = await openHub(config, { log: makeLogger({ level: 'warn' }) })
  try {
    await settleOnStart(hub)
    await correctHeads(hub)
    const found = await findFaults(hub, snapshot, options.verify === true, progress)
    const faults = withoutKnown([...damaged, ...found], snapshot)
    const brokenLinks = await countLinksWithoutBytes(hub.db)
    await rm(mark)
    return { ...report, snapshot, faults, brokenLinks }
  } finally {
    await hub.close()
  }
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('Restore a snapshot of a backup into an empty data folder, and check it. Stop the server first.')
    .argument('<folder>')
    .option('--snapshot <id>', 'which one, by the beginning of its id (default: the newest)')
    .option('--verify', 'read every restored byte again', false)
    .option('--other-keys', 'use another key ring than that of the backup; all tokens are void then', false)
    .option('--json', 'print the result as JSON', false)
    .action(async (folder: string, options: RestoreOptions & { json: boolean }) => {
      const config = readConfig()
      const result = await restore(config, folder, progressOnStderr(), options)
      const { snapshot, faults, brokenLinks } = result
      if (options.json) printJson({ ...result, snapshot: summaryOf(snapshot.manifest) })
      else printResult(config, result)
      if (faults.length + snapshot.manifest.damaged.length + brokenLinks > 0) process.exitCode = 2
    })
}

/** Bytes, history and rows. Before this nothing is in the database, after it everything. */
async function fill(
  config: Config,
  backup: BackupFolder,
  snapshot: Snapshot,
  progress: Progress,
): Promise<RestoreReport> {
  const db = await openDatabase({ url: config.databaseUrl, folder: config.dataFolder })
  try {
    await prepareDatabase(db, snapshot)
    const git = await openGitStore({ folder: path.join(config.dataFolder, 'git') })
    const blobs = await openBlobStore(config, makeLogger({ level: 'warn' }))
    try {
      const epoch = systemClock().id()
      const finish: Parameters<typeof restoreSnapshot>[2]['finish'] = async (tx) => {
        await endWhatWasUnderWay(tx)
        await setXetEpoch(tx, epoch)
      }
      return await restoreSnapshot(backup, snapshot, { db, git, blobs, finish }, progress)
    } finally {
      await blobs.close()
      await git.close()
    }
  } finally {
    await db.close()
  }
}

async function findFaults(hub: Hub, snapshot: Snapshot, isDeep: boolean, progress: Progress): Promise<Damage[]> {
  const xorbs = xorbChecker()
  try {
    return await findRestoreFaults(snapshot, hub, { isDeep, checkXorb: xorbs.check }, progress)
  } finally {
    await xorbs.close()
  }
}

/** Each once, by its first reason. */
function withoutKnown(found: readonly Damage[], snapshot: Snapshot): Damage[] {
  const nameOne = ({ what, name }: Damage): string => `${what} ${name}`
  const seen = new Set(snapshot.manifest.damaged.map(nameOne))
  return found.filter((one) => {
    const isNew = !seen.has(nameOne(one))
    seen.add(nameOne(one))
    return isNew
  })
}

/** Empty, or left by an interrupted restore of the same snapshot. The keys may have been put there beforehand. */
async function refuseFilledFolder(folder: string, snapshot: Snapshot): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.includes(markName)) {
    const mark = z
      .object({ snapshot: z.string() })
      .parse(JSON.parse(await readFile(path.join(folder, markName), 'utf8')))
    if (mark.snapshot === snapshot.id) return
    throw new BackupError(
      `${folder} holds a restore of the snapshot ${mark.snapshot} that was not finished.`,
      `Finish it with --snapshot ${mark.snapshot}, or empty the folder.`,
    )
  }
  if (names.some((name) => name !== keysName)) {
    throw new BackupError(
      `${folder} is not empty.`,
      'A restore never overwrites: set HOLDFAST_DATA to an empty folder.',
    )
  }
}

/** Sees that the hub will have the key ring with which its tokens were made. */
async function placeKeys(config: Config, snapshot: Snapshot, otherKeys: boolean): Promise<void> {
  const { isIncluded, check } = snapshot.manifest.keys
  const file = path.join(config.dataFolder, keysName)
  const isThere = await stat(file).then(
    () => true,
    () => false,
  )
  if (config.keyRing === null && !isThere) {
    if (isIncluded && !otherKeys) await writeFileDurably(file, await readFile(path.join(snapshot.folder, keysFile)))
    else if (!otherKeys) {
      throw new BackupError(
        'The backup was made without keys, and there are none here.',
        `Put the hub's keys.json into ${config.dataFolder}, or go on with --other-keys: all tokens are void then.`,
      )
    }
  }
  const keys = await openKeyRing({ folder: config.dataFolder, inline: config.keyRing })
  if (otherKeys || isSameRing(keys, check)) return
  throw new BackupError(
    'The keys here are not those of the hub that was backed up.',
    'Give the right keys.json (or HOLDFAST_KEYS), or go on with --other-keys: all tokens are void then.',
  )
}

function printResult(config: Config, result: RestoreResult): void {
  const { snapshot, faults, brokenLinks } = result
  const { dialect, holdfast } = snapshot.manifest
  print(`Restored the snapshot ${snapshot.id} (Holdfast ${holdfast}, ${nameOf(dialect)})`)
  print(`  into   ${config.dataFolder}, ${nameOf(config.databaseUrl === null ? 'sqlite' : 'postgres')}`)
  const files = Object.values(result.blobs)
  const count = files.reduce((sum, each) => sum + each.count, 0)
  const bytes = files.reduce((sum, each) => sum + each.bytes, 0)
  print(
    `  holds  ${counted(result.rows, 'row')}, ${counted(result.repos, 'repo')}, ${counted(count, 'file')} (${formatBytes(bytes)})`,
  )
  if (result.changedTexts > 0)
    print(
      `  note   ${counted(result.changedTexts, 'text')} held a NUL, which PostgreSQL cannot store; it is U+FFFD now`,
    )
  const known = snapshot.manifest.damaged
  if (known.length > 0) {
    print(`${counted(known.length, 'thing')} had been damaged before the backup was made:`)
    printDamage(known)
  }
  if (faults.length > 0) print(`${counted(faults.length, 'thing')} could not be restored:`)
  printDamage(faults)
  if (brokenLinks > 0) print(`${counted(brokenLinks, 'link')} of repos to large files lead nowhere.`)
  if (faults.length + brokenLinks === 0)
    print(`Everything ${known.length > 0 ? 'else ' : ''}that the snapshot names is there.`)
}

function nameOf(dialect: 'sqlite' | 'postgres'): string {
  return dialect === 'sqlite' ? 'SQLite' : 'PostgreSQL'
}
