/**
 * Bytes on their way in: counted, hashed and compared with what was announced. What does not match is refused as early as it can be known.
 */
import { createHash, type Hash } from 'node:crypto'
import { finished, type Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.ts'
import { freeBytes } from './free-bytes.ts'
import { givesChunksAway } from './passing-stream.ts'

export interface ExpectedBytes {
  /** Null where only the size is known beforehand, as for a part. */
  readonly sha256: string | null
  readonly size: number
}

/** Where the bytes go. */
export interface ByteSink {
  /**
   * False: wait for `drained` before the next chunk. Throws what an earlier chunk failed with. `isPassing`: the chunk belongs to nobody
   * else, and its memory may be given back when it is spent.
   */
  add(chunk: Uint8Array, isPassing: boolean): boolean
  drained(): Promise<void>
}

export class CheckedBytes {
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

  /** Throws `length_mismatch` or `hash_mismatch`; returns the SHA-256. */
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

/**
 * Takes a source to its end. A refused source is left standing, not destroyed: where it is the body of a request, the answer that says
 * why still goes out on its connection. A sender who goes away is a `length_mismatch`.
 */
export async function pump(
  source: Readable,
  checked: CheckedBytes,
  sink: ByteSink | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted()
  const isPassing = givesChunksAway(source)
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
          if (sink === null) {
            if (isPassing) freeBytes(chunk)
            return
          }
          if (sink.add(chunk, isPassing)) return
          source.pause()
          sink.drained().then(() => source.resume(), reject)
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
