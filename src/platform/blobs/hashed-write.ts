/**
 * Bytes to disk, counted and hashed on the way. Writes of about 1 MiB go on while the next bytes are hashed, so at most two such
 * batches are in memory, and the event loop never hashes more than one slice at a time.
 */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.ts'

export interface ExpectedBytes {
  /** Null where only the size is known beforehand, as for a part: then nothing is synced either. */
  readonly sha256: string | null
  readonly size: number
}

const batchSize = 1 << 20
/** The longest piece that is hashed in one go (about 0.3 ms). */
const sliceSize = 1 << 18

/**
 * Writes the sources one after the other to the new file `path` and returns the SHA-256. Synced if a hash was expected.
 * Throws `length_mismatch` as soon as there are too many bytes, and `hash_mismatch`; the caller removes the file.
 */
export async function writeHashed(
  path: string,
  sources: Iterable<Readable>,
  expected: ExpectedBytes,
  signal?: AbortSignal,
): Promise<string> {
  const file = await open(path, 'wx', 0o600)
  try {
    const writer = new BatchWriter(file)
    const checked = new CheckedBytes(expected)
    try {
      for (const source of sources) {
        await forEachChunk(source, checked, signal, (chunk) => writer.add(chunk))
      }
      await writer.flush()
    } finally {
      await writer.settle()
    }
    const digest = checked.finish()
    if (expected.sha256 !== null) await file.sync()
    return digest
  } finally {
    await file.close()
  }
}

/** Checks the bytes like a write would, and drops them. */
export async function drainHashed(source: Readable, expected: ExpectedBytes, signal?: AbortSignal): Promise<void> {
  const checked = new CheckedBytes(expected)
  await forEachChunk(source, checked, signal, () => null)
  checked.finish()
}

/** Counts, hashes and hands on slices; waits for what `take` returns. A sender that goes away is a `length_mismatch`. */
async function forEachChunk(
  source: Readable,
  checked: CheckedBytes,
  signal: AbortSignal | undefined,
  take: (slice: Uint8Array) => Promise<void> | null,
): Promise<void> {
  signal?.throwIfAborted()
  const abort = (): void => {
    source.destroy(signal?.reason instanceof Error ? signal.reason : new Error('The transfer was aborted.'))
  }
  signal?.addEventListener('abort', abort, { once: true })
  try {
    // A refused request body is left standing, not destroyed: the answer that says why still goes out on its connection.
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      for (let at = 0; at < chunk.length; at += sliceSize) {
        const slice = chunk.length <= sliceSize ? chunk : chunk.subarray(at, at + sliceSize)
        checked.add(slice)
        const wait = take(slice)
        if (wait !== null) await wait
      }
    }
  } catch (error) {
    if (isHangUp(error)) checked.refuseLength(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function isHangUp(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

class CheckedBytes {
  readonly #hash: Hash = createHash('sha256')
  readonly #expected: ExpectedBytes
  #received = 0

  constructor(expected: ExpectedBytes) {
    this.#expected = expected
  }

  add(slice: Uint8Array): void {
    this.#received += slice.length
    if (this.#received > this.#expected.size) this.refuseLength()
    this.#hash.update(slice)
  }

  finish(): string {
    if (this.#received !== this.#expected.size) this.refuseLength()
    const digest = this.#hash.digest('hex')
    if (this.#expected.sha256 !== null && digest !== this.#expected.sha256) {
      throw new HoldfastError('hash_mismatch', { received: digest, expected: this.#expected.sha256 })
    }
    return digest
  }

  refuseLength(cause?: unknown): never {
    const counts = { received: this.#received, expected: this.#expected.size }
    throw new HoldfastError('length_mismatch', counts, cause === undefined ? {} : { cause })
  }
}

/** Gathers slices to batches and keeps one write in flight. */
class BatchWriter {
  readonly #file: FileHandle
  #batch: Uint8Array[] = []
  #batched = 0
  #inFlight: Promise<void> = Promise.resolve()

  constructor(file: FileHandle) {
    this.#file = file
  }

  add(slice: Uint8Array): Promise<void> | null {
    this.#batch.push(slice)
    this.#batched += slice.length
    return this.#batched >= batchSize ? this.#send() : null
  }

  async flush(): Promise<void> {
    await this.#send()
    await this.#inFlight
  }

  /** Waits until nothing writes to the file any more, whatever came of it: only then may it be closed. */
  async settle(): Promise<void> {
    await this.#inFlight.catch(() => undefined)
  }

  async #send(): Promise<void> {
    await this.#inFlight
    const batch = this.#batch
    const size = this.#batched
    if (size === 0) return
    this.#batch = []
    this.#batched = 0
    this.#inFlight = writeAll(this.#file, batch, size)
    // A failure is seen by whoever awaits next; without this it would first count as unhandled.
    this.#inFlight.catch(() => undefined)
  }
}

async function writeAll(file: FileHandle, batch: Uint8Array[], size: number): Promise<void> {
  const { bytesWritten } = await file.writev(batch)
  if (bytesWritten === size) return
  // A short write (a nearly full disk): the rest goes in one piece, which ends in the true error.
  const rest = Buffer.concat(batch).subarray(bytesWritten)
  await file.writeFile(rest)
}
