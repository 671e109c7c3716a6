/**
 * Decoders of our own, for what Node does not unpack: they take compressed bytes in pieces of any size and hand out what those unpack to, in pieces that are
 * small whatever the ratio, so that whoever counts them can stop in time. Checksums are not compared: who loads the file may not do so either.
 */
import { Buffer } from 'node:buffer'

/** The compressed bytes are damaged, cut, or none of the kind. */
export class Damaged extends Error {}

/** Other decoders may be able to read it; this one is not. */
export class NotDecoded extends Error {}

export interface Decoder {
  /** All has come out; what is behind is none of its business. */
  readonly isOver: boolean
  /** Once it is over: bytes that came and are not its own. */
  readonly rest?: Uint8Array
  /** What these bytes unpack to, each piece good until the next is asked for. With `isLast` nothing follows. Throws `Damaged` and `NotDecoded`. */
  feed(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array>
}

/** As many bytes as a piece has, about. */
export const outBytes = 1 << 16

/** Bytes that came and were not used yet. */
export class Pending {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  isLast = false

  get length(): number {
    return this.bytes.length - this.at
  }

  add(bytes: Uint8Array, isLast: boolean): void {
    this.bytes = this.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.bytes.subarray(this.at), bytes])
    this.at = 0
    this.isLast ||= isLast
  }

  get rest(): Buffer {
    return this.bytes.subarray(this.at)
  }

  /** Whether so many are there. Throws `Damaged` where they will never be. */
  has(length: number): boolean {
    if (this.length >= length) return true
    if (this.isLast) throw new Damaged('it ends in the middle')
    return false
  }

  take(length: number): Buffer {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}
