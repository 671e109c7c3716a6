/**
 * Cuts a file where the Python client cuts it: behind a byte at which the gear hash of the last 64 bytes has its upper 16 bits zero, but never
 * before 8 KiB and always at 128 KiB. The same bytes give the same chunks, however they arrive.
 */
import type { Codec } from './codec.ts'
import { mostChunkBytes } from './limits.ts'

const leastChunkBytes = 8 * 1024
/** What a byte adds has left the 64-bit hash after as many steps. */
const windowBytes = 64

export class Chunker {
  readonly #codec: Codec
  /** The chunk that has not ended yet. */
  readonly #pending = Buffer.allocUnsafe(mostChunkBytes)
  #length = 0

  /** The codec must not look for the boundaries of anything else meanwhile. */
  constructor(codec: Codec) {
    this.#codec = codec
  }

  /** Takes the file's next bytes and gives the chunks that end in them. */
  *cut(bytes: Uint8Array): Generator<Buffer> {
    for (let offset = 0; offset < bytes.length; ) {
      const room = bytes.subarray(offset, offset + mostChunkBytes - this.#length)
      const boundary = this.#findEnd(room)
      const taken = boundary === -1 ? room : room.subarray(0, boundary)
      this.#pending.set(taken, this.#length)
      this.#length += taken.length
      offset += taken.length
      if (boundary !== -1 || this.#length === mostChunkBytes) yield* this.end()
    }
  }

  /** Gives the last chunk, unless there is nothing left for it. */
  *end(): Generator<Buffer> {
    if (this.#length === 0) return
    const chunk = Buffer.from(this.#pending.subarray(0, this.#length))
    this.#length = 0
    this.#codec.startChunk()
    yield chunk
  }

  /** Where in `bytes`, which follow the pending ones, the chunk ends, or -1. */
  #findEnd(bytes: Uint8Array): number {
    const skipped = Math.min(bytes.length, Math.max(0, leastChunkBytes - windowBytes - this.#length))
    if (skipped === bytes.length) return -1
    const unlooked = Math.max(0, leastChunkBytes - 1 - this.#length) - skipped
    const rest = bytes.subarray(skipped)
    const boundary = this.#codec.findBoundary(rest, Math.max(0, Math.min(rest.length, unlooked)))
    return boundary === -1 ? -1 : skipped + boundary
  }
}
