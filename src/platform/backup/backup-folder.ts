/**
 * A backup on disk: `snapshots/<time>/` with the rows of one moment, and `blobs/` and `git/` with the bytes that they name, shared by all
 * snapshots and only ever added to, except by a prune. One process writes to it at a time.
 */
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { syncFolder, writeFileDurably } from '../git/durable.ts'
import { BackupError } from './errors.ts'
import { backupFormat, hasManifest, type Manifest, readManifest } from './manifest.ts'

export interface BackupFolder {
  readonly path: string
  readonly blobs: string
  readonly git: string
  readonly snapshots: string
}

export interface Snapshot {
  readonly id: string
  readonly folder: string
  readonly manifest: Manifest
}

/** Whose rows can be read: the manifest may still be unwritten. */
export interface SnapshotRows {
  readonly id: string
  readonly folder: string
  readonly manifest: Pick<Manifest, 'tables'>
}

const markName = 'holdfast-backup.json'
const lockName = 'lock'
const idPattern = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/

/** Opens a backup; with `make`, makes one in a folder that is empty or not there. Throws `BackupError` for a folder that is something else. */
export async function openBackupFolder(folder: string, make: boolean): Promise<BackupFolder> {
  const root = path.resolve(folder)
  const names = await readdir(root).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new BackupError(`${root} cannot be read: ${error.message}`)
  })
  if (names.includes(markName)) await checkFormat(path.join(root, markName))
  else if (!make) throw new BackupError(`${root} is not a backup of Holdfast.`, 'Check the path.')
  else if (names.length > 0) {
    throw new BackupError(`${root} is not empty, and not a backup of Holdfast.`, 'Name an empty folder, or a new one.')
  }
  const opened = {
    path: root,
    blobs: path.join(root, 'blobs'),
    git: path.join(root, 'git'),
    snapshots: path.join(root, 'snapshots'),
  }
  if (!make) return opened
  for (const each of Object.values(opened)) await mkdir(each, { recursive: true, mode: 0o700 })
  if (!names.includes(markName)) {
    await writeFileDurably(path.join(root, markName), `${JSON.stringify({ format: backupFormat })}\n`)
    await syncFolder(path.dirname(root))
  }
  return opened
}

/** All snapshots that count, oldest first. */
export async function listSnapshotIds(backup: BackupFolder): Promise<string[]> {
  const ids: string[] = []
  for (const name of ((await readdir(backup.snapshots).catch(nullIfMissing)) ?? []).sort()) {
    if (idPattern.test(name) && (await hasManifest(path.join(backup.snapshots, name)))) ids.push(name)
  }
  return ids
}

export async function openSnapshot(backup: BackupFolder, id: string): Promise<Snapshot> {
  const folder = path.join(backup.snapshots, id)
  return { id, folder, manifest: await readManifest(folder) }
}

/** The one whose id begins with `wanted`, or the newest. Throws `BackupError`. */
export async function findSnapshot(backup: BackupFolder, wanted: string | null): Promise<Snapshot> {
  const ids = await listSnapshotIds(backup)
  const fitting = wanted === null ? ids.slice(-1) : ids.filter((id) => id.startsWith(wanted))
  const [id] = fitting
  if (id !== undefined && fitting.length === 1) return await openSnapshot(backup, id)
  const list = `"holdfast backup list ${backup.path}" shows what there is.`
  if (fitting.length > 1) throw new BackupError(`${fitting.length} snapshots begin with ${wanted}.`, list)
  if (wanted === null) throw new BackupError(`${backup.path} has no snapshot that is complete.`, 'Make a backup first.')
  throw new BackupError(`There is no snapshot ${wanted} that is complete.`, list)
}

/** The folder of a new snapshot, after what interrupted ones left was removed. To be called under the lock. */
export async function beginSnapshot(backup: BackupFolder, at: number): Promise<{ id: string; folder: string }> {
  for (const name of await readdir(backup.snapshots)) {
    const folder = path.join(backup.snapshots, name)
    if (idPattern.test(name) && !(await hasManifest(folder))) await rm(folder, { recursive: true, force: true })
  }
  const newest = (await listSnapshotIds(backup)).at(-1)
  let time = at
  // A clock that was set back must not put a new snapshot before an old one.
  if (newest !== undefined && idOf(time) <= newest) time = timeOf(newest) + 1
  const id = idOf(time)
  const folder = path.join(backup.snapshots, id)
  await mkdir(path.join(folder, 'tables'), { recursive: true, mode: 0o700 })
  return { id, folder }
}

/** Takes the snapshots out of what counts, then removes them. */
export async function removeSnapshots(backup: BackupFolder, snapshots: readonly Snapshot[]): Promise<void> {
  for (const { folder } of snapshots) {
    await rm(path.join(folder, 'manifest.json'), { force: true })
    await syncFolder(folder)
  }
  for (const { folder } of snapshots) await rm(folder, { recursive: true, force: true })
  await syncFolder(backup.snapshots)
}

const heldHere = new Set<string>()
const holderShape = z.object({ host: z.string(), pid: z.number().int() })

/** Makes this process the only writer. Throws `BackupError` while another one is. */
export async function lockBackup(backup: BackupFolder): Promise<() => Promise<void>> {
  const file = path.join(backup.path, lockName)
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(file, 'wx', 0o600)
      await handle.writeFile(JSON.stringify({ host: hostname(), pid: process.pid }))
      await handle.close()
      heldHere.add(file)
      return async () => {
        heldHere.delete(file)
        await rm(file, { force: true })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = holderShape.safeParse(parsed((await readFile(file, 'utf8').catch(nullIfMissing)) ?? ''))
    const isDead = holder.success && holder.data.host === hostname() && !heldHere.has(file) && !isAlive(holder.data.pid)
    if (!isDead || attempt > 2) {
      const who = holder.success ? `Process ${holder.data.pid} on ${holder.data.host}` : 'Another process'
      throw new BackupError(`${who} is writing to ${backup.path}.`, `Wait for it. If it is gone, remove ${file}.`)
    }
    await rm(file, { force: true })
  }
}

/** Our own number cannot be a living other process: numbers are used again, in a container even the same at each start. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function checkFormat(file: string): Promise<void> {
  const mark = z.object({ format: z.number().int() }).safeParse(parsed(await readFile(file, 'utf8')))
  if (!mark.success) throw new BackupError(`${file} is damaged.`, `Write {"format":${backupFormat}} into it.`)
  if (mark.data.format > backupFormat) {
    throw new BackupError('This backup was made by a newer Holdfast.', 'Use that version, or a newer one.')
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function idOf(time: number): string {
  return new Date(time).toISOString().replaceAll(/[:.]/g, '-')
}

function timeOf(id: string): number {
  return Date.parse(id.replace(/T(\d\d)-(\d\d)-(\d\d)-/, 'T$1:$2:$3.'))
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

/** Whether `inner` is `outer` or lies in it. */
export async function liesIn(inner: string, outer: string): Promise<boolean> {
  const target = await stat(outer).catch(nullIfMissing)
  if (target === null) return false
  for (let folder = path.resolve(inner); ; folder = path.dirname(folder)) {
    const found = await stat(folder).catch(nullIfMissing)
    if (found?.ino === target.ino && found.dev === target.dev) return true
    if (folder === path.dirname(folder)) return false
  }
}
