/**
 * Bytes to disk, counted and hashed on the way. Chunks are hashed as they arrive and gathered to writes of about 1 MiB, one of which is
 * under way at a time; a sender who is faster than the disk is held back, so that a transfer never holds more than a few MiB.
 */
import { createHash, type Hash } from 'node:crypto'
import { ReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { IncomingMessage } from 'node:http'
import { finished, type Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.ts'
import { freeBytes } from './free-bytes.ts'

export interface ExpectedBytes {
  /** Null where only the size is known beforehand, as for a part: then nothing is synced either. */
  readonly sha256: string | null
  readonly size: number
}

/** A write begins with the first of these and never has more than the second: larger ones lose their turn on a busy machine. */
const leastWrite = 1 << 18
const mostWrite = 1 << 20
/** What may wait for the disk before the sender is held back. */
const queueLimit = 2 << 20

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
    const checked = new CheckedBytes(expected)
    const writer = new QueuedWriter(file)
    try {
      for (const source of sources) await pump(source, checked, writer, signal)
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
  await pump(source, checked, null, signal)
  checked.finish()
}

/**
 * Takes a source to its end. A refused source is left standing, not destroyed: where it is the body of a request, the answer that says
 * why still goes out on its connection. A sender who goes away is a `length_mismatch`.
 */
async function pump(
  source: Readable,
  checked: CheckedBytes,
  writer: QueuedWriter | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted()
  // Chunks of these belong to nobody else; those of other streams may be somebody's own bytes.
  const isPassing = source instanceof IncomingMessage || source instanceof ReadStream
  const abort = (): void => {
    source.destroy(signal?.reason instanceof Error ? signal.reason : new Error('The transfer was aborted.'))
  }
  let take: ((chunk: Buffer) => void) | null = null
  let forget: () => void = () => undefined
  try {
    await new Promise<void>((resolve, reject) => {
      take = (chunk) => {
        try {
          checked.add(chunk)
          if (writer === null) {
            if (isPassing) freeBytes(chunk)
            return
          }
          if (writer.add(chunk, isPassing)) return
          source.pause()
          writer.drained().then(() => source.resume(), reject)
        } catch (error) {
          reject(error)
        }
      }
      forget = finished(source, { writable: false }, (error) => (error ? reject(error) : resolve()))
      signal?.addEventListener('abort', abort, { once: true })
      source.on('data', take)
    })
  } catch (error) {
    if (isHangUp(error)) checked.refuseLength(error)
    throw error
  } finally {
    forget()
    if (take !== null) source.off('data', take)
    source.pause()
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

  add(chunk: Uint8Array): void {
    this.#received += chunk.length
    if (this.#received > this.#expected.size) this.refuseLength()
    this.#hash.update(chunk)
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

/** Writes what it was given, in order, one large write at a time. After a failed write it takes nothing more. */
class QueuedWriter {
  readonly #file: FileHandle
  #queue: Uint8Array[] = []
  #queued = 0
  /** All chunks so far belong to nobody else. */
  #isPassing = true
  #writing: Promise<void> | null = null
  #fault: { readonly error: unknown } | null = null

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** False: wait for `drained` before the next chunk. Throws what an earlier write failed with. */
  add(chunk: Uint8Array, isPassing: boolean): boolean {
    this.#isPassing &&= isPassing
    if (this.#fault !== null) throw this.#fault.error
    this.#queue.push(chunk)
    this.#queued += chunk.length
    if (this.#queued >= leastWrite && this.#writing === null) this.#write()
    return this.#queued < queueLimit
  }

  async drained(): Promise<void> {
    while (this.#queued >= mostWrite && this.#writing !== null) await this.#writing
    if (this.#fault !== null) throw this.#fault.error
  }

  async flush(): Promise<void> {
    while (this.#fault === null && (this.#queued > 0 || this.#writing !== null)) {
      if (this.#writing === null) this.#write()
      await this.#writing
    }
    if (this.#fault !== null) throw this.#fault.error
  }

  /** Waits until nothing writes to the file any more, whatever came of it: only then may it be closed. */
  async settle(): Promise<void> {
    this.#queued = 0
    this.#queue = []
    await this.#writing
  }

  #write(): void {
    let size = 0
    let count = 0
    while (count < this.#queue.length && size < mostWrite) size += this.#queue[count++]?.length ?? 0
    const batch = this.#queue.splice(0, count)
    this.#queued -= size
    this.#writing = writeAll(this.#file, batch, size).then(
      () => {
        if (this.#isPassing) for (const chunk of batch) freeBytes(chunk)
        this.#writing = null
        if (this.#queued >= leastWrite) this.#write()
      },
      (error: unknown) => {
        this.#writing = null
        this.#fault = { error }
      },
    )
  }
}

async function writeAll(file: FileHandle, batch: Uint8Array[], size: number): Promise<void> {
  const { bytesWritten } = await file.writev(batch)
  if (bytesWritten === size) return
  // A short write (a nearly full disk): the rest goes in one piece, which ends in the true error.
  await file.writeFile(Buffer.concat(batch).subarray(bytesWritten))
}
