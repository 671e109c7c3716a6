/** Reads stored bytes again and compares them with what their name says. What is read in a second is bounded: others read too. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { XetFormatError } from '../../platform/xet/errors.ts'
import { isObjectStored, selectStoredIndex } from './scrub-queries.ts'
import { xorbNamed } from './xorbs.ts'

/** Waits until these bytes may have been read. */
export type Pace = (bytes: number) => Promise<void>

/** Bytes in a second, on average over all that share the pace. */
export function makePace(bytesPerSecond: number, signal?: AbortSignal): Pace {
  let freeAt = performance.now()
  return async (bytes) => {
    signal?.throwIfAborted()
    const now = performance.now()
    freeAt = Math.max(freeAt, now) + (bytes / bytesPerSecond) * 1_000
    const wait = freeAt - now
    // Short waits are saved up: a timer is not that exact.
    if (wait > 20) await pause(wait, undefined, signal === undefined ? {} : { signal })
  }
}

/** What is wrong with the bytes of an object, or null. */
export async function checkObject(
  hub: Hub,
  { hash, size }: { readonly hash: string; readonly size: number },
  pace: Pace,
): Promise<string | null> {
  const reason = await faultOf(async () => {
    const found = await hub.blobs.findSize(objectNamed(hash))
    if (found === null) return missing
    if (found !== size) return `It has ${found} bytes instead of ${size}.`
    const sha256 = createHash('sha256')
    if (size > 0) {
      for await (const bytes of paced(await hub.blobs.openRange(objectNamed(hash), 0, size - 1), pace))
        sha256.update(bytes)
    }
    return sha256.digest('hex') === hash ? null : 'Its bytes have another SHA-256.'
  })
  // It may have been collected, or moved into Xet storage, while it was read.
  return reason === null || !(await isObjectStored(hub.db, hash)) ? null : reason
}

/** What is wrong with the bytes of a xorb, or null. */
export async function checkXorb(
  hub: Hub,
  { hash, size }: { readonly hash: string; readonly size: number },
  pace: Pace,
): Promise<string | null> {
  const reason = await faultOf(async () => {
    const found = await hub.blobs.findSize(xorbNamed(hash))
    if (found === null) return missing
    if (found !== size) return `It has ${found} bytes instead of ${size}.`
    const index = await selectStoredIndex(hub.db, hash)
    const source = paced(await hub.blobs.openRange(xorbNamed(hash), 0, size - 1), pace)
    const { chunkIndex } = await hub.xet.receiveXorb(source, hash, null)
    return index === null || chunkIndex.equals(index) ? null : 'Its chunks lie elsewhere than its index says.'
  })
  return reason === null || (await selectStoredIndex(hub.db, hash)) === null ? null : reason
}

const missing = 'Its bytes are missing.'

async function* paced(stream: Readable, pace: Pace): AsyncGenerator<Buffer> {
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      await pace(bytes.length)
      yield bytes
    }
  } finally {
    stream.destroy()
  }
}

/** Faults of the bytes in words; a store that cannot be reached is no fault of theirs. */
async function faultOf(check: () => Promise<string | null>): Promise<string | null> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof XetFormatError) return error.reason
    if (error instanceof HoldfastError && error.code === 'entry_not_found') return missing
    if (error instanceof Error && 'code' in error && error.code === 'EIO') return 'The disk cannot read it.'
    throw error
  }
}
