/** A file on this machine's disk for bytes that are checked before they get a name. Its end is either `publish` or `discard`, once. */
import { close, fstat, fsync, open } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { HoldfastError } from '../../domain/errors.ts'
import type { BlobName, StagedBlob } from './blob-store.ts'
import { isDiskFull, nullIfMissing } from './file-fault.ts'

// Bare descriptors: a worker thread writes to them, and nothing closes them behind its back.
const openFile = promisify(open)
const closeFile = promisify(close)
const syncFile = promisify(fsync)
const statFile = promisify(fstat)

/** `keep` takes the synced, closed file; what it leaves at `file` is removed. */
export async function openStagedFile(
  file: string,
  keep: (file: string, size: number, name: BlobName) => Promise<void>,
): Promise<StagedBlob> {
  const fd = await openFile(file, 'wx+', 0o600)
  let isOpen = true
  const closeOnce = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await closeFile(fd)
  }
  return {
    fd,
    async publish(name) {
      if (!isOpen) throw new Error('A staged file is published once.')
      try {
        await syncFile(fd)
        const { size } = await statFile(fd)
        await closeOnce()
        await keep(file, size, name)
      } catch (error) {
        if (isDiskFull(error)) throw new HoldfastError('storage_full', {}, { cause: error })
        throw error
      }
      await unlink(file).catch(nullIfMissing)
    },
    async discard() {
      await closeOnce()
      await unlink(file).catch(nullIfMissing)
    },
  }
}
