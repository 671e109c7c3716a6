/** Bytes from any place out of streams: what is asked for in order comes from one stream, a leap begins another. */
import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { freeBytes } from '../../platform/blobs/free-bytes.ts'
import { givesChunksAway } from '../../platform/blobs/passing-stream.ts'
import { type ByteSource, pieceBytes } from './byte-source.ts'

/** Opens the bytes from `first` to `last`, both included. */
export type OpenRange = (first: number, last: number) => Promise<Readable> | Readable

const none: Buffer = Buffer.alloc(0)

export class RangeReader implements ByteSource {
  readonly size: number
  readonly #open: OpenRange
  #stream: Readable | null = null
  #chunks: AsyncIterator<Buffer> | null = null
  /** Where the bytes begin that come next. */
  #at = 0
  #chunk: Buffer = none
  /** What nobody has had of the chunk. */
  #rest: Buffer = none

  constructor(size: number, open: OpenRange) {
    this.size = size
    this.#open = open
  }

  /** Nothing is copied, and a chunk's memory is given back when all of it was read: files of any size pass through here. */
  async *read(from: number, to: number): AsyncGenerator<Uint8Array> {
    const end = Math.min(to, this.size)
    for (let at = from; at < end; ) {
      if (this.#chunks === null || at !== this.#at) await this.#seek(at)
      if (this.#rest.length === 0 && !(await this.#next())) return
      const chunk = this.#chunk
      const piece = this.#rest.subarray(0, Math.min(pieceBytes, end - at))
      const isPassing = this.#stream !== null && givesChunksAway(this.#stream)
      this.#rest = this.#rest.subarray(piece.length)
      const isSpent = this.#rest.length === 0
      at += piece.length
      this.#at = at
      yield piece
      if (isSpent && isPassing) freeBytes(chunk)
    }
  }

  close(): void {
    this.#stream?.destroy()
    this.#stream = null
    this.#chunks = null
    this.#chunk = none
    this.#rest = none
  }

  async #seek(from: number): Promise<void> {
    this.close()
    const stream = await this.#open(from, this.size - 1)
    // A stream that is closed early may still report it; whoever reads is told by the iterator.
    stream.on('error', () => undefined)
    this.#stream = stream
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#at = from
  }

  /** False where the source ends before its size says. */
  async #next(): Promise<boolean> {
    const next = await this.#chunks?.next()
    if (next === undefined || next.done === true) return false
    this.#chunk = next.value
    this.#rest = next.value
    return true
  }
}
