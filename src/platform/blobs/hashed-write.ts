/** Bytes to disk, counted and hashed on the way. */
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { CheckedBytes, type ExpectedBytes, pump } from './checked-bytes.ts'
import { QueuedWriter } from './queued-writer.ts'

export interface WriteOptions {
  /** Whether the bytes must be on the disk for good when this returns. */
  readonly isSynced: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Writes the sources one after the other to the new file `path` and returns the SHA-256. Throws `length_mismatch` as soon as there are too
 * many bytes, and `hash_mismatch`; the caller removes the file.
 */
export async function writeHashed(
  path: string,
  sources: Iterable<Readable> | AsyncIterable<Readable>,
  expected: ExpectedBytes,
  options: WriteOptions,
): Promise<string> {
  const file = await open(path, 'wx', 0o600)
  try {
    const checked = new CheckedBytes(expected)
    const writer = new QueuedWriter(file)
    try {
      for await (const source of sources) await pump(source, checked, writer, options.signal)
      await writer.flush()
    } finally {
      await writer.settle()
    }
    const digest = checked.finish()
    if (options.isSynced) await file.sync()
    return digest
  } finally {
    await file.close()
  }
}

/** Checks the bytes like a write would, and drops them. */
export async function drainHashed(source: Readable, expected: ExpectedBytes, signal?: AbortSignal): Promise<void> {
  const checked = new CheckedBytes(expected)
  await pump(source, checked, null, signal)
  checked.finish()
}
