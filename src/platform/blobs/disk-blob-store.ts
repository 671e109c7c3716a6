/**
 * The blob store on a local folder: large files at `ab/cd/<sha256>`, xorbs at `xorbs/ab/cd/<hash>`, with `incoming/` for writes under way
 * and `parts/<upload>/` for multipart uploads. A blob gets its name only after its bytes were checked and synced, so what has a name is
 * whole and durable.
 */
import { createReadStream, open as openWithCallback } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { HoldfastError } from '../../domain/errors.ts'
import { syncFolder } from '../git/durable.ts'
import { checkedUpload, fannedOut } from './blob-path.ts'
import { type BlobIdentity, type BlobKind, type BlobName, type BlobStore, objectNamed } from './blob-store.ts'
import { listFolder } from './disk-listing.ts'
import { isMissing, keepingNothing, nullIfMissing, removeOld } from './file-faults.ts'
import { drainHashed, writeHashed } from './hashed-write.ts'
import { openIncoming } from './incoming.ts'
import { probeStore } from './probe.ts'
import { readSizes } from './read-size.ts'
import { openStagedFile } from './staged-file.ts'

export interface DiskBlobStoreOptions {
  readonly folder: string
}

const readSize = 1 << 20
const mostListed = 1000
/** A bare descriptor: streams read it faster than a `FileHandle`. */
const openFile = promisify(openWithCallback)

export async function openDiskBlobStore(options: DiskBlobStoreOptions): Promise<BlobStore> {
  const folder = path.resolve(options.folder)
  const { newFile, folder: incoming } = await openIncoming(path.join(folder, 'incoming'))
  const parts = path.join(folder, 'parts')
  const sizes = readSizes()
  await mkdir(parts, { recursive: true, mode: 0o700 })

  const fileOf = (name: BlobName): string => path.join(folder, relativeFile(name))
  const findSize = async (name: BlobName): Promise<number | null> => await sizeOfFile(fileOf(name))

  /** `file` is written, checked and synced; after this it has its name for good. */
  const publish = async (file: string, name: BlobName): Promise<void> => {
    const target = fileOf(name)
    const made = await mkdir(path.dirname(target), { recursive: true, mode: 0o700 })
    await rename(file, target)
    let changed = path.dirname(target)
    await syncFolder(changed)
    // A new folder is only as durable as the entry that names it.
    while (made !== undefined && changed !== folder) {
      changed = path.dirname(changed)
      await syncFolder(changed)
    }
  }

  const store: BlobStore = {
    async put(source, expected, signal) {
      const name = objectNamed(expected.sha256)
      if ((await findSize(name)) === expected.size) {
        await drainHashed(source, expected, signal)
        return
      }
      const file = newFile()
      await keepingNothing(file, async () => {
        await writeHashed(file, [source], expected, { isSynced: true, signal })
        await publish(file, name)
      })
    },

    async openStaged() {
      return await openStagedFile(newFile(), {
        isSynced: true,
        keep: async (file, size, name) => {
          if ((await findSize(name)) !== size) await publish(file, name)
        },
      })
    },

    findSize,

    async openRange(name, start, end) {
      // Opened here and not by the stream: what is missing is told before the answer begins.
      const fd = await openFile(fileOf(name), 'r').catch((error: unknown) => {
        if (isMissing(error)) throw new HoldfastError('entry_not_found', {}, { cause: error })
        throw error
      })
      const stream = createReadStream('', { fd, start, end, highWaterMark: sizes.next() })
      sizes.count(stream)
      return stream
    },

    pathForFrontServer: (name) => path.join(path.basename(folder), relativeFile(name)),

    signedFetch: async () => null,

    async delete(name) {
      const file = fileOf(name)
      const isGone = await unlink(file).then(() => true, nullIfMissing)
      if (isGone !== null) await syncFolder(path.dirname(file))
    },

    list: (kind, after, limit) => listFolder(path.join(folder, folders[kind]), after, Math.min(limit, mostListed)),

    async putPart(upload, part, source, size, signal) {
      const uploadFolder = path.join(parts, checkedUpload(upload))
      await mkdir(uploadFolder, { recursive: true, mode: 0o700 })
      const file = newFile()
      return await keepingNothing(file, async () => {
        // A part is not synced: only the finished blob is a promise, and completing checks every byte again.
        const etag = await writeHashed(file, [source], { sha256: null, size }, { isSynced: false, signal })
        await rename(file, path.join(uploadFolder, String(part)))
        return etag
      })
    },

    async completeParts(upload, count, expected) {
      const uploadFolder = path.join(parts, checkedUpload(upload))
      const name = objectNamed(expected.sha256)
      if ((await findSize(name)) !== expected.size) {
        const files = Array.from({ length: count }, (_, index) => path.join(uploadFolder, String(index + 1)))
        await checkPartSizes(files, expected)
        const file = newFile()
        await keepingNothing(file, async () => {
          // The parts are copied, not joined in place: a late writer of a part must never hold a published blob open.
          await writeHashed(file, readInOrder(files), expected, { isSynced: true })
          await publish(file, name)
        })
      }
      await rm(uploadFolder, { recursive: true, force: true })
    },

    async discardParts(upload) {
      await rm(path.join(parts, checkedUpload(upload)), { recursive: true, force: true })
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

    async probe() {
      await probeStore(store)
      return folder
    },

    close: async () => undefined,
  }
  return store
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

/** Large files were first, so they need no folder of their own. */
const folders: Readonly<Record<BlobKind, string>> = { object: '', xorb: 'xorbs' }

function relativeFile(name: BlobName): string {
  return path.join(folders[name.kind], fannedOut(name.hash))
}

async function sizeOfFile(file: string): Promise<number | null> {
  return (await stat(file).catch(nullIfMissing))?.size ?? null
}
