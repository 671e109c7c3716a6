/**
 * A xorb on its way in: the main thread only cuts the stream into batches of whole chunks, the threads check, hash and write them. Nothing of
 * it may be kept unless all of it resolves.
 */
import { Slots } from '../blobs/slots.ts'
import { XetFormatError } from './errors.ts'
import { hashFromString } from './hash.ts'
import type { ThreadPool } from './thread-pool.ts'
import type { ReceivedXorb } from './xet-workers.ts'
import { type XorbBatch, XorbSplitter } from './xorb-splitter.ts'

/** See `XetWorkers.receiveXorb`. */
export async function receiveXorb(
  pool: ThreadPool,
  source: AsyncIterable<Uint8Array>,
  hash: string,
  fd: number | null,
  signal?: AbortSignal,
): Promise<ReceivedXorb> {
  hashFromString(hash)
  signal?.throwIfAborted()
  const checks = new BatchChecks(pool, fd)
  const abort = (): void => checks.fail(signal?.reason instanceof Error ? signal.reason : new Error('Aborted.'))
  signal?.addEventListener('abort', abort, { once: true })
  const pieces = source[Symbol.asyncIterator]()
  let isAtEnd = false
  try {
    const splitter = new XorbSplitter(() => pool.takeBuffer())
    for (;;) {
      const piece = await checks.unlessFailed(pieces.next())
      if (piece.done === true) break
      for (const batch of splitter.push(piece.value)) await checks.add(batch)
    }
    isAtEnd = true
    const last = splitter.end()
    if (last !== null) await checks.add(last)
    const { chunkIndex, hash: found } = await pool.run('index', { chunks: await checks.chunks() })
    signal?.throwIfAborted()
    if (found !== hash) throw new XetFormatError(`The chunks of the xorb give the hash ${found}, not ${hash}.`)
    return { size: checks.size, rawSize: splitter.rawSize, chunkIndex: Buffer.from(chunkIndex) }
  } finally {
    signal?.removeEventListener('abort', abort)
    // Not awaited: a generator that waits for its next bytes ends only after them.
    if (!isAtEnd) pieces.return?.()?.catch(() => undefined)
    // A thread may still write to the caller's file.
    await checks.settled()
  }
}

/** The batches of one xorb that are under way, and what came of those before. */
class BatchChecks {
  readonly #pool: ThreadPool
  readonly #fd: number | null
  readonly #slots: Slots
  readonly #jobs: Promise<Buffer>[] = []
  readonly #failure = Promise.withResolvers<never>()
  size = 0

  constructor(pool: ThreadPool, fd: number | null) {
    this.#pool = pool
    this.#fd = fd
    // Enough to keep all threads at work while the next batch fills.
    this.#slots = new Slots(pool.threads + 1)
    this.#failure.promise.catch(() => undefined)
  }

  fail(error: Error): void {
    this.#failure.reject(error)
  }

  unlessFailed<Value>(value: Promise<Value>): Promise<Value> {
    return Promise.race([value, this.#failure.promise])
  }

  async add(batch: XorbBatch): Promise<void> {
    await this.unlessFailed(this.#slots.take())
    this.size += batch.length
    const job = this.#check(batch)
    job.catch(this.#failure.reject)
    this.#jobs.push(job)
  }

  async #check(batch: XorbBatch): Promise<Buffer> {
    const { chunks, bytes } = await this.#pool.run('check', { ...batch, fd: this.#fd })
    this.#pool.giveBuffer(bytes)
    this.#slots.give()
    return Buffer.from(chunks)
  }

  /** What the checks found, in the order of the xorb. */
  async chunks(): Promise<Buffer> {
    return Buffer.concat(await this.unlessFailed(Promise.all(this.#jobs)))
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#jobs)
  }
}
