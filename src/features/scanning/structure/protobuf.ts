/**
 * Protocol buffers read field by field from any place of a source, whatever their size: no message is ever held whole. Only the wire format is known here;
 * what a number means is the reader's business.
 */
import { Buffer } from 'node:buffer'
import { type ByteSource, readBytes } from '../byte-source.ts'

const windowBytes = 1 << 16
const longestVarint = 10

/** The bytes are no protocol buffer, or are cut. */
export class NotProtobuf extends Error {}

/** There is more than is read. */
export class TooManyFields extends Error {}

export interface Field {
  readonly number: number
  /** 0: a number; 1 and 5: eight and four bytes; 2: counted bytes, which may be a message. */
  readonly wire: 0 | 1 | 2 | 5
  /** Of a number; not exact beyond 2^53. */
  readonly value: number
  /** Where the counted or fixed bytes lie in the source. */
  readonly from: number
  readonly to: number
}

export type Counted = Field & { readonly wire: 2 }

export const isCounted = (field: Field): field is Counted => field.wire === 2

export class Protobuf {
  readonly size: number
  readonly #source: ByteSource
  #fieldsLeft: number
  #bytes: Uint8Array = new Uint8Array(0)
  #from = 0

  constructor(source: ByteSource, mostFields: number) {
    this.#source = source
    this.size = source.size
    this.#fieldsLeft = mostFields
  }

  /**
   * The fields between two places, in order; those of groups (which nobody writes any more, and every parser passes over) as if they stood outside. Throws
   * `NotProtobuf` at the first that is none, and `TooManyFields`.
   */
  async *fields(from: number, to: number): AsyncGenerator<Field> {
    let at = from
    let groups = 0
    while (at < to) {
      if (--this.#fieldsLeft < 0) throw new TooManyFields('it has more fields than are read')
      // A tag and what follows it at once: the common case waits for nothing.
      if (!this.#has(at, 2 * longestVarint)) await this.#load(at)
      const tag = this.#varint(at, to)
      const number = Math.floor(tag.value / 8)
      const wire = tag.value % 8
      at = tag.next
      if (number === 0 || number >= 2 ** 29) throw new NotProtobuf('a field has no number')
      if (wire === 3) groups++
      else if (wire === 4) {
        if (--groups < 0) throw new NotProtobuf('a group ends that did not begin')
      } else if (wire === 0) {
        const { value, next } = this.#varint(at, to)
        yield { number, wire, value, from: at, to: next }
        at = next
      } else if (wire === 2) {
        const { value, next } = this.#varint(at, to)
        if (value > to - next) throw new NotProtobuf('a field is longer than what it lies in')
        yield { number, wire, value: 0, from: next, to: next + value }
        at = next + value
      } else if (wire === 1 || wire === 5) {
        const next = at + (wire === 1 ? 8 : 4)
        if (next > to) throw new NotProtobuf('a field is cut')
        yield { number, wire, value: 0, from: at, to: next }
        at = next
      } else throw new NotProtobuf(`there is no wire type ${wire}`)
    }
  }

  /** Its first `most` bytes. */
  async bytes(field: Field, most: number): Promise<Buffer> {
    const length = Math.min(most, field.to - field.from)
    if (length > windowBytes) return Buffer.from(await readBytes(this.#source, field.from, length))
    if (!this.#has(field.from, length)) await this.#load(field.from)
    const from = field.from - this.#from
    return Buffer.from(this.#bytes.subarray(from, from + length))
  }

  async text(field: Field, most: number): Promise<string> {
    return (await this.bytes(field, most)).toString('utf8')
  }

  /** Numbers that stand one behind another in counted bytes, up to `most` of them. */
  async packed(field: Field, most: number): Promise<number[]> {
    const values: number[] = []
    for (let at = field.from; at < field.to && values.length < most; ) {
      if (!this.#has(at, longestVarint)) await this.#load(at)
      const { value, next } = this.#varint(at, field.to)
      values.push(value)
      at = next
    }
    return values
  }

  #has(at: number, length: number): boolean {
    return at >= this.#from && Math.min(at + length, this.size) <= this.#from + this.#bytes.length
  }

  /** What is held already is not read again: a step back costs some sources far more than a step ahead. */
  async #load(at: number): Promise<void> {
    const end = this.#from + this.#bytes.length
    const kept = at >= this.#from && at <= end ? this.#bytes.subarray(at - this.#from) : new Uint8Array(0)
    const more = await readBytes(this.#source, at + kept.length, windowBytes - kept.length)
    this.#bytes = kept.length === 0 ? more : Buffer.concat([kept, more])
    this.#from = at
  }

  #varint(at: number, to: number): { value: number; next: number } {
    let value = 0
    let factor = 1
    for (let next = at; next < to && next - at < longestVarint; factor *= 128) {
      const byte = this.#bytes[next++ - this.#from]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return { value, next }
    }
    throw new NotProtobuf('a number is cut or too long')
  }
}
