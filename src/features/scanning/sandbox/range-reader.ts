/** Bytes from any place out of streams: what is asked for in order comes from one stream, a leap begins another. */
import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'

/** Opens the bytes from `first` to `last`, both included. */
export type OpenRange = (first: number, last: number) => Promise<Readable> | Readable

export class RangeReader {
  readonly size: number
  readonly #open: OpenRange
  #stream: Readable | null = null
  #pieces: AsyncIterator<Buffer> | null = null
  #at = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(size: number, open: OpenRange) {
    this.size = size
    this.#open = open
  }

  /** Fewer bytes only where the source ends before its size says. */
  async read(from: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.size - from)
    if (wanted <= 0) return Buffer.alloc(0)
    if (this.#pieces === null || from !== this.#at) await this.#seek(from)
    const parts: Buffer[] = []
    let have = 0
    while (have < wanted) {
      if (this.#rest.length === 0) {
        const next = await this.#pieces?.next()
        if (next === undefined || next.done === true) break
        this.#rest = next.value
      }
      const part = this.#rest.subarray(0, wanted - have)
      this.#rest = this.#rest.subarray(part.length)
      parts.push(part)
      have += part.length
    }
    this.#at += have
    return Buffer.concat(parts)
  }

  close(): void {
    this.#stream?.destroy()
    this.#stream = null
    this.#pieces = null
  }

  async #seek(from: number): Promise<void> {
    this.close()
    const stream = await this.#open(from, this.size - 1)
    // A stream that is closed early may still report it; whoever reads is told by the iterator.
    stream.on('error', () => undefined)
    this.#stream = stream
    this.#pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#rest = Buffer.alloc(0)
    this.#at = from
  }
}
