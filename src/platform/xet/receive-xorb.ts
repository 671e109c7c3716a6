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
  const splitter = new XorbSplitter()
  let isAtEnd = false
  try {
    for (;;) {
      const piece = await checks.unlessFailed(pieces.next())
      if (piece.done === true) break
      for (let rest = piece.value; rest.length > 0; ) {
        if (splitter.needsBuffer) splitter.fill(await checks.takeBuffer())
        const { taken, batch } = splitter.push(rest)
        rest = rest.subarray(taken)
        if (batch !== null) await checks.add(batch)
      }
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
    const unfilled = splitter.leaveBuffer()
    if (unfilled !== null) pool.buffers.give(unfilled)
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

  async takeBuffer(): Promise<ArrayBuffer> {
    const taking = this.#pool.buffers.take()
    try {
      return await this.unlessFailed(taking)
    } catch (error) {
      // Its turn comes all the same.
      void taking.then((buffer) => this.#pool.buffers.give(buffer))
      throw error
    }
  }

  async add(batch: XorbBatch): Promise<void> {
    try {
      await this.unlessFailed(this.#slots.take())
    } catch (error) {
      this.#pool.buffers.give(batch.bytes)
      throw error
    }
    this.size += batch.length
    const job = this.#check(batch)
    job.catch(this.#failure.reject)
    this.#jobs.push(job)
  }

  async #check(batch: XorbBatch): Promise<Buffer> {
    let buffer: ArrayBuffer | null = null
    try {
      const { chunks, bytes } = await this.#pool.run('check', { ...batch, fd: this.#fd })
      buffer = bytes
      return Buffer.from(chunks)
    } finally {
      this.#pool.buffers.give(buffer)
      this.#slots.give()
    }
  }

  /** What the checks found, in the order of the xorb. */
  async chunks(): Promise<Buffer> {
    return Buffer.concat(await this.unlessFailed(Promise.all(this.#jobs)))
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#jobs)
  }
}
