/** xz: streams of blocks, each through LZMA2 and perhaps the filter for x86 programs. */
import { Buffer } from 'node:buffer'
import { X86Filter } from './bcj-x86.ts'
import { Damaged, type Decoder, NotDecoded, Pending } from './decoder.ts'
import { Lzma2Decoder } from './lzma2.ts'

const magic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])
const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const
const mostZeros = 1 << 16
const lzma2Filter = 0x21
const x86Filter = 0x04

export class XzDecoder implements Decoder {
  isOver = false
  readonly #input = new Pending()
  #next: 'stream' | 'block' | 'data' | 'padding' | 'index' | 'footer' = 'stream'
  #check = 0
  #lzma2: Lzma2Decoder | null = null
  #filter: X86Filter | null = null
  /** Bytes of the block or index, for its padding. */
  #length = 0
  #numbersLeft = -1

  #hadStream = false

  get rest(): Uint8Array {
    return this.#input.rest
  }

  *feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array> {
    this.#input.add(bytes, isLast)
    for (;;) {
      if (this.#next === 'data') {
        if (!(yield* this.#readData())) return
      } else if (!this.#readNext()) return
      if (this.isOver) return
    }
  }

  /** False while more is needed. */
  #readNext(): boolean {
    switch (this.#next) {
      case 'stream':
        return this.#beginStream()
      case 'block':
        return this.#beginBlock()
      case 'padding': {
        const padding = (4 - (this.#length % 4)) % 4
        if (!this.#input.has(padding + this.#check)) return false
        this.#input.take(padding + this.#check)
        this.#next = 'block'
        return true
      }
      case 'index':
        return this.#passIndex()
      default:
        if (!this.#input.has(12)) return false
        this.#input.take(12)
        this.#next = 'stream'
        return true
    }
  }

  #beginStream(): boolean {
    const input = this.#input
    // Streams stand behind each other, with zeros between them; something else may stand there as well, which may begin with zeros.
    let zeros = 0
    while (this.#hadStream && zeros < mostZeros && input.bytes[input.at + zeros] === 0) zeros++
    if (zeros === mostZeros) {
      input.take(zeros)
      return true
    }
    if (this.#hadStream && !input.isLast && input.length < zeros + 12) return false
    const isOther =
      input.rest.compare(magic, 0, magic.length, zeros, Math.min(zeros + magic.length, input.length)) !== 0
    if (this.#hadStream && isOther) {
      this.isOver = true
      return true
    }
    if (!input.has(zeros + 12)) return false
    const head = input.take(zeros + 12).subarray(zeros)
    if (!head.subarray(0, 6).equals(magic)) throw new Damaged('no stream begins here')
    this.#hadStream = true
    this.#check = checkBytes[(head[7] ?? 0) & 15] ?? 0
    this.#next = 'block'
    return true
  }

  #beginBlock(): boolean {
    const input = this.#input
    if (!input.has(1)) return false
    const size = ((input.bytes[input.at] as number) + 1) * 4
    if (size === 4) {
      this.#next = 'index'
      this.#length = 1
      input.take(1)
      return true
    }
    if (!input.has(size)) return false
    const head = new Numbers(input.take(size).subarray(1, size - 4))
    const flags = head.byte()
    if ((flags & 0x40) !== 0) head.number()
    if ((flags & 0x80) !== 0) head.number()
    let dictionary: number | null = null
    this.#filter = null
    const filters = (flags & 3) + 1
    for (let index = 0; index < filters; index++) {
      const id = head.number()
      const properties = head.bytes(head.number())
      const isLast = index === filters - 1
      if (isLast && id === lzma2Filter) dictionary = properties[0] ?? 0
      else if (!isLast && id === x86Filter && this.#filter === null && properties.every((byte) => byte === 0))
        this.#filter = new X86Filter()
      else throw new NotDecoded(`it has the filter 0x${id.toString(16)}`)
    }
    if (dictionary === null) throw new Damaged('it has no last filter')
    this.#lzma2 = new Lzma2Decoder(dictionary)
    this.#length = 0
    this.#next = 'data'
    return true
  }

  *#readData(): Generator<Uint8Array, boolean> {
    const input = this.#input
    const lzma2 = this.#lzma2
    if (lzma2 === null) throw new Error('a block has a decoder')
    const given = input.take(input.length)
    this.#length += given.length
    for (const piece of lzma2.feed(given, input.isLast)) {
      if (this.#filter === null) yield piece
      else yield* this.#filter.feed(piece, false)
    }
    if (!lzma2.isOver) return false
    if (this.#filter !== null) yield* this.#filter.feed(new Uint8Array(0), true)
    // What it did not use is what follows the block.
    this.#length -= lzma2.input.length
    input.add(lzma2.input.take(lzma2.input.length), input.isLast)
    this.#lzma2 = null
    this.#next = 'padding'
    return true
  }

  /** How long each block is: of no interest, but what stands behind it is. */
  #passIndex(): boolean {
    const input = this.#input
    while (this.#numbersLeft !== 0) {
      let length = 0
      for (;;) {
        if (!input.has(length + 1)) return false
        if ((input.bytes[input.at + length++] as number) < 0x80) break
        if (length > 9) throw new Damaged('a number is too long')
      }
      const value = new Numbers(input.take(length)).number()
      this.#length += length
      if (this.#numbersLeft < 0) this.#numbersLeft = value * 2
      else this.#numbersLeft--
    }
    const padding = (4 - (this.#length % 4)) % 4
    if (!input.has(padding + 4)) return false
    input.take(padding + 4)
    this.#numbersLeft = -1
    this.#next = 'footer'
    return true
  }
}

class Numbers {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new Damaged('a header is cut')
    return byte
  }

  number(): number {
    let value = 0
    let factor = 1
    for (let length = 0; length < 9; length++, factor *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Damaged('a number is too long')
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new Damaged('a header is cut')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
