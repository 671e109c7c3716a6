/** A file on this machine's disk for bytes that are checked before they get a name. Its end is either `publish` or `discard`, once. */
import { close, fstat, fsync, open } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { HoldfastError } from '../../domain/errors.ts'
import type { BlobName, StagedBlob } from './blob-store.ts'
import { isDiskFull, nullIfMissing } from './file-faults.ts'

// Bare descriptors: a worker thread writes to them, and nothing closes them behind its back.
const openFile = promisify(open)
const closeFile = promisify(close)
const syncFile = promisify(fsync)
const statFile = promisify(fstat)

export interface StagingOptions {
  /** Whether the bytes must be on this disk for good before `keep` gets them. */
  readonly isSynced: boolean
  /** Takes the closed file; what it leaves at `file` is removed. */
  keep(file: string, size: number, name: BlobName): Promise<void>
}

export async function openStagedFile(file: string, options: StagingOptions): Promise<StagedBlob> {
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
        if (options.isSynced) await syncFile(fd)
        const { size } = await statFile(fd)
        await closeOnce()
        await options.keep(file, size, name)
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
