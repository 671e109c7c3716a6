/**
 * The blob store on a local folder: `ab/cd/<sha256>`, with `incoming/` for writes under way and `parts/<upload>/` for multipart uploads.
 * A blob gets its name only after its bytes were hashed, counted and synced, so what has a name is whole and durable.
 */
import { createReadStream, open as openWithCallback } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { HoldfastError } from '../../domain/errors.ts'
import { syncFolder } from '../git/durable.ts'
import type { BlobIdentity, BlobStore } from './blob-store.ts'
import { drainHashed, writeHashed } from './hashed-write.ts'
import { openIncoming } from './incoming.ts'

export interface DiskBlobStoreOptions {
  readonly folder: string
}

const readSize = 1 << 20
/** A bare descriptor: streams read it faster than a `FileHandle`. */
const openFile = promisify(openWithCallback)

export async function openDiskBlobStore(options: DiskBlobStoreOptions): Promise<BlobStore> {
  const { folder } = options
  const { newFile, folder: incoming } = await openIncoming(path.join(folder, 'incoming'))
  const parts = path.join(folder, 'parts')
  await mkdir(parts, { recursive: true, mode: 0o700 })

  const fileOf = (sha256: string): string => path.join(folder, relativeFile(sha256))
  const findSize = async (sha256: string): Promise<number | null> => await sizeOfFile(fileOf(sha256))

  /** `file` is written, checked and synced; after this it has its name for good. */
  const publish = async (file: string, sha256: string): Promise<void> => {
    const target = fileOf(sha256)
    const made = await mkdir(path.dirname(target), { recursive: true, mode: 0o700 })
    await rename(file, target)
    await syncFolder(path.dirname(target))
    // A new folder is only as durable as the entry that names it.
    if (made !== undefined) {
      await syncFolder(path.dirname(path.dirname(target)))
      await syncFolder(folder)
    }
  }

  return {
    async put(source, expected, signal) {
      if ((await findSize(expected.sha256)) === expected.size) {
        await drainHashed(source, expected, signal)
        return
      }
      const file = newFile()
      await keepingNothing(file, async () => {
        await writeHashed(file, [source], expected, signal)
        await publish(file, expected.sha256)
      })
    },

    findSize,

    async openRange(sha256, start, end) {
      // Opened here and not by the stream: what is missing is told before the answer begins.
      const fd = await openFile(fileOf(sha256), 'r').catch((error: unknown) => {
        if (isMissing(error)) throw new HoldfastError('entry_not_found', {}, { cause: error })
        throw error
      })
      return createReadStream('', { fd, start, end, highWaterMark: readSize })
    },

    pathForFrontServer: (sha256) => path.join(path.basename(folder), relativeFile(sha256)),

    async delete(sha256) {
      const file = fileOf(sha256)
      const isGone = await unlink(file).then(() => true, nullIfMissing)
      if (isGone !== null) await syncFolder(path.dirname(file))
    },

    async putPart(upload, part, source, size, signal) {
      const uploadFolder = path.join(parts, safeUpload(upload))
      await mkdir(uploadFolder, { recursive: true, mode: 0o700 })
      const file = newFile()
      return await keepingNothing(file, async () => {
        // A part is not synced: only the finished blob is a promise, and completing checks every byte again.
        const etag = await writeHashed(file, [source], { sha256: null, size }, signal)
        await rename(file, path.join(uploadFolder, String(part)))
        return etag
      })
    },

    async completeParts(upload, count, expected) {
      const uploadFolder = path.join(parts, safeUpload(upload))
      if ((await findSize(expected.sha256)) !== expected.size) {
        const files = Array.from({ length: count }, (_, index) => path.join(uploadFolder, String(index + 1)))
        await checkPartSizes(files, expected)
        const file = newFile()
        await keepingNothing(file, async () => {
          // The parts are copied, not joined in place: a late writer of a part must never hold a published blob open.
          await writeHashed(file, readInOrder(files), expected)
          await publish(file, expected.sha256)
        })
      }
      await rm(uploadFolder, { recursive: true, force: true })
    },

    async discardParts(upload) {
      await rm(path.join(parts, safeUpload(upload)), { recursive: true, force: true })
    },

    async removeStale(olderThanMs) {
      const before = Date.now() - olderThanMs
      let removed = await removeOld(incoming, before)
      for (const upload of await readdir(parts)) {
        const uploadFolder = path.join(parts, upload)
        // The folder's own time counts too: an upload that is about to write its first part keeps its folder.
        const isOld = ((await stat(uploadFolder).catch(nullIfMissing))?.mtimeMs ?? 0) < before
        if (!isOld) continue
        removed += await removeOld(uploadFolder, before)
        if ((await readdir(uploadFolder).catch(nullIfMissing))?.length === 0) {
          await rm(uploadFolder, { recursive: true, force: true })
        }
      }
      return removed
    },
  }
}

/** The sum is compared before anything is copied, so that a forgotten part costs nothing. */
async function checkPartSizes(files: readonly string[], expected: BlobIdentity): Promise<void> {
  let received = 0
  for (const file of files) received += (await sizeOfFile(file)) ?? 0
  if (received !== expected.size) {
    throw new HoldfastError('length_mismatch', { received, expected: expected.size })
  }
}

function* readInOrder(files: readonly string[]): Generator<Readable> {
  for (const file of files) {
    const part = createReadStream(file, { highWaterMark: readSize })
    try {
      yield part
    } finally {
      part.destroy()
    }
  }
}

async function removeOld(folder: string, before: number): Promise<number> {
  let removed = 0
  for (const name of (await readdir(folder).catch(nullIfMissing)) ?? []) {
    const file = path.join(folder, name)
    const found = await stat(file).catch(nullIfMissing)
    if (found === null || found.mtimeMs >= before) continue
    await rm(file, { recursive: true, force: true })
    removed += 1
  }
  return removed
}

/** Runs `work`; if it fails, `file` is gone afterwards, and a full disk is told as one. */
async function keepingNothing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await unlink(file).catch(nullIfMissing)
    const code = errorCode(error)
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new HoldfastError('storage_full', {}, { cause: error })
    throw error
  }
}

function relativeFile(sha256: string): string {
  // The hash becomes a path: nothing but hex digits may reach it.
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('A blob is named by 64 lowercase hex digits.')
  return path.join(sha256.slice(0, 2), sha256.slice(2, 4), sha256)
}

function safeUpload(upload: string): string {
  if (!/^[\w-]{1,100}$/.test(upload)) throw new Error('An upload is named by letters, digits, "_" and "-".')
  return upload
}

async function sizeOfFile(file: string): Promise<number | null> {
  return (await stat(file).catch(nullIfMissing))?.size ?? null
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT'
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
