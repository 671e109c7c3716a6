/** LZ4 frames, one behind another, with blocks that build on each other or do not. */
import { Buffer } from 'node:buffer'
import { Damaged, type Decoder, NotDecoded, Pending } from './decoder.ts'

const frameMagic = 0x184d2204
const history = 1 << 16

export class Lz4Decoder implements Decoder {
  isOver = false
  readonly #input = new Pending()
  #next: 'frame' | 'block' | 'block bytes' | 'skipped' = 'frame'
  #hasBlockChecksums = false
  #hasChecksum = false
  #isLinked = false
  #mostBlock = 0
  #blockBytes = 0
  #isStored = false
  #skipped = 0
  /** What came out last, and behind it room for a block. */
  #out: Buffer = Buffer.alloc(0)
  #kept = 0;

  *feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    const input = this.#input
    input.add(bytes, isLast)
    for (;;) {
      if (this.#next === 'frame') {
        if (input.length === 0 && input.isLast) break
        if (!this.#beginFrame()) return
      } else if (this.#next === 'skipped') {
        const passed = Math.min(this.#skipped, input.length)
        input.take(passed)
        this.#skipped -= passed
        if (this.#skipped > 0) {
          if (input.isLast) throw new Damaged('it ends in the middle')
          return
        }
        this.#next = 'frame'
      } else if (this.#next === 'block') {
        if (!input.has(4)) return
        const size = input.bytes.readUInt32LE(input.at)
        if (size === 0) {
          if (!input.has(this.#hasChecksum ? 8 : 4)) return
          input.take(this.#hasChecksum ? 8 : 4)
          this.#next = 'frame'
          continue
        }
        input.take(4)
        this.#isStored = size >= 2 ** 31
        this.#blockBytes = size % 2 ** 31
        if (this.#blockBytes > this.#mostBlock) throw new Damaged('a block is longer than it may be')
        this.#next = 'block bytes'
      } else {
        if (!input.has(this.#blockBytes + (this.#hasBlockChecksums ? 4 : 0))) return
        const block = input.take(this.#blockBytes)
        const end = this.#isStored ? this.#store(block) : this.#unpack(block)
        if (this.#hasBlockChecksums) input.take(4)
        yield this.#out.subarray(this.#kept, end)
        this.#keep(end)
        this.#next = 'block'
      }
    }
    this.isOver = true
  }

  /** False while its header has not come. */
  #beginFrame(): boolean {
    const input = this.#input
    if (!input.has(4)) return false
    const magic = input.bytes.readUInt32LE(input.at)
    if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
      if (!input.has(8)) return false
      this.#skipped = input.bytes.readUInt32LE(input.at + 4)
      input.take(8)
      this.#next = 'skipped'
      return true
    }
    if (magic !== frameMagic) throw new Damaged('no frame begins here')
    if (!input.has(6)) return false
    const flags = input.bytes[input.at + 4] ?? 0
    const length = 7 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0)
    if (flags >> 6 !== 1) throw new Damaged('this version of frames is not known')
    if ((flags & 1) !== 0) throw new NotDecoded('it needs a dictionary')
    if (!input.has(length)) return false
    const size = ((input.bytes[input.at + 5] ?? 0) >> 4) & 7
    if (size < 4) throw new Damaged('this size of blocks is not known')
    input.take(length)
    this.#isLinked = (flags & 0x20) === 0
    this.#hasBlockChecksums = (flags & 0x10) !== 0
    this.#hasChecksum = (flags & 4) !== 0
    this.#mostBlock = 1 << (8 + 2 * size)
    if (this.#out.length < history + this.#mostBlock) this.#out = Buffer.alloc(history + this.#mostBlock)
    this.#kept = 0
    this.#next = 'block'
    return true
  }

  #store(block: Buffer): number {
    block.copy(this.#out, this.#kept)
    return this.#kept + block.length
  }

  #unpack(block: Buffer): number {
    const out = this.#out
    const most = this.#kept + this.#mostBlock
    let to = this.#kept
    for (let at = 0; at < block.length; ) {
      const token = block[at++] as number
      let literals = token >> 4
      if (literals === 15) {
        for (let more = 255; more === 255; literals += more) {
          if (at >= block.length) throw new Damaged('a length is cut')
          more = block[at++] as number
        }
      }
      if (at + literals > block.length || to + literals > most) throw new Damaged('a block is longer than it may be')
      for (const end = at + literals; at < end; ) out[to++] = block[at++] as number
      if (at === block.length) return to
      if (at + 2 > block.length) throw new Damaged('a place is cut')
      const distance = (block[at] as number) + 256 * (block[at + 1] as number)
      at += 2
      let length = (token & 15) + 4
      if (length === 19) {
        for (let more = 255; more === 255; length += more) {
          if (at >= block.length) throw new Damaged('a length is cut')
          more = block[at++] as number
        }
      }
      if (distance === 0 || distance > to || to + length > most) throw new Damaged('it refers to what is not there')
      for (const end = to + length; to < end; to++) out[to] = out[to - distance] as number
    }
    return to
  }

  /** The last bytes move to the front: the next block may refer to them. */
  #keep(end: number): void {
    this.#kept = this.#isLinked ? Math.min(end, history) : 0
    this.#out.copyWithin(0, end - this.#kept, end)
  }
}
