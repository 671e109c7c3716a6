/**
 * Bytes from one blob store to another, the same way for a backup and for a restore. What is there already is left alone; what is copied is
 * hashed on the way (large files) or counted (xorbs, which `BlobCheck` can look into). What cannot be read is noted, and the rest goes on: one
 * rotten file must not be the end of all backups.
 */
import { write } from 'node:fs'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { HoldfastError } from '../../domain/errors.ts'
import type { BlobName, BlobStore } from '../blobs/blob-store.ts'
import { XetFormatError } from '../xet/errors.ts'
import type { SnapshotRows } from './backup-folder.ts'
import { findNeeded, readStored, type SizedBlob, type StoredBytes, storedBytes } from './contents.ts'
import { eachOf } from './each-of.ts'
import { BackupError } from './errors.ts'
import type { Damage } from './manifest.ts'
import type { Progress } from './progress.ts'

export interface CopyResult {
  /** What the snapshot names, by kind. */
  readonly blobs: Record<string, { count: number; bytes: number }>
  readonly copied: { count: number; bytes: number }
  readonly damaged: Damage[]
}

const atOnce = 4
const damagesAtMost = 1000
const writeSome = promisify(write)

export async function copyBlobs(
  snapshot: SnapshotRows,
  from: BlobStore,
  to: BlobStore,
  progress: Progress,
  signal?: AbortSignal,
): Promise<CopyResult> {
  const result: CopyResult = { blobs: {}, copied: { count: 0, bytes: 0 }, damaged: [] }
  for (const stored of storedBytes) {
    const rows = snapshot.manifest.tables[stored.table]?.rows
    if (rows === undefined) continue
    const total = { count: 0, bytes: 0 }
    const failed = new Map<string, string>()
    const counter = progress.begin(stored.label, rows)
    const copyOne = async ({ name, size }: SizedBlob): Promise<void> => {
      total.count++
      total.bytes += size
      const reason = await copyUnlessThere(from, to, name, size, signal)
      if (reason === 'there') counter.add(1, 0)
      else if (reason === 'copied') {
        counter.add(1, size)
        result.copied.count++
        result.copied.bytes += size
      } else failed.set(name.hash, reason.damage)
      if (failed.size > damagesAtMost) throw tooMuchDamage(stored)
    }
    await eachOf(readStored(snapshot, stored), atOnce, copyOne, signal)
    counter.end()
    result.blobs[stored.kind] = total
    for (const hash of await findNeeded(snapshot, stored, new Set(failed.keys()))) {
      result.damaged.push({ what: stored.kind, name: hash, reason: failed.get(hash) ?? '' })
    }
  }
  return result
}

async function copyUnlessThere(
  from: BlobStore,
  to: BlobStore,
  name: BlobName,
  size: number,
  signal: AbortSignal | undefined,
): Promise<'there' | 'copied' | { readonly damage: string }> {
  if ((await to.findSize(name)) === size) return 'there'
  try {
    const source = size === 0 ? Readable.from([]) : await from.openRange(name, 0, size - 1)
    if (name.kind === 'object') await to.put(source, { sha256: name.hash, size }, signal)
    else await copyStaged(source, to, name, size)
    return 'copied'
  } catch (error) {
    const damage = damageOf(error)
    if (damage === null) throw error
    return { damage }
  }
}

async function copyStaged(source: Readable, to: BlobStore, name: BlobName, size: number): Promise<void> {
  const staged = await to.openStaged()
  try {
    let received = 0
    for await (const chunk of source as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) at += (await writeSome(staged.fd, chunk, at)).bytesWritten
      received += chunk.length
    }
    if (received !== size) throw new HoldfastError('length_mismatch', { received, expected: size })
    await staged.publish(name)
  } finally {
    await staged.discard()
  }
}

/** What says that these bytes are bad, and not that the store cannot be reached. */
export function damageOf(error: unknown): string | null {
  if (error instanceof XetFormatError) return 'its bytes are not what they were'
  if (!(error instanceof HoldfastError)) return null
  if (error.code === 'entry_not_found') return 'its bytes are missing'
  if (error.code === 'length_mismatch' || error.code === 'hash_mismatch') return 'its bytes are not what they were'
  return null
}

function tooMuchDamage({ label }: StoredBytes): BackupError {
  return new BackupError(
    `More than ${damagesAtMost} ${label} cannot be read.`,
    'Check where large files lie: the folder, the mount, or the settings of the object store.',
  )
}
