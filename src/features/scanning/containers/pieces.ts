import { Buffer } from 'node:buffer'

/** Takes an iterable of pieces apart: so many bytes at once, or as pieces again. */
export class Pieces {
  readonly #iterator: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#iterator = pieces[Symbol.asyncIterator]()
  }

  /** Up to `length` bytes; fewer only at the end. */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for await (const piece of this.upTo(length)) parts.push(Uint8Array.from(piece))
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  /** The next `length` bytes as pieces. What is not read of them is read next. */
  async *upTo(length: number): AsyncGenerator<Uint8Array> {
    let left = length
    while (left > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#iterator.next()
        if (next.done) return
        this.#rest = next.value
        continue
      }
      const piece = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  /** They are read next, before everything else; good for as long as the last piece was. */
  giveBack(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([bytes, this.#rest])
  }

  /** Up to `length` of the next bytes, which stay. */
  async look(length: number): Promise<Uint8Array> {
    if (this.#rest.length < length) this.giveBack(await this.take(length))
    return Uint8Array.from(this.#rest.subarray(0, length))
  }

  /** Passes over zero bytes; gives how many. */
  async skipZeros(): Promise<number> {
    let passed = 0
    for await (const piece of this.upTo(Number.POSITIVE_INFINITY)) {
      const end = piece.findIndex((byte) => byte !== 0)
      passed += end < 0 ? piece.length : end
      if (end < 0) continue
      this.giveBack(piece.subarray(end))
      break
    }
    return passed
  }

  /** How many bytes were there to be passed over. */
  async skip(length: number): Promise<number> {
    let passed = 0
    for await (const piece of this.upTo(length)) passed += piece.length
    return passed
  }
}
