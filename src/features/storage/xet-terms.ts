/** The terms of a Xet file as they stand in its row: 48 bytes each, read where they lie. */
import { hashFromString, hashToString } from '../../platform/xet/hash.ts'

export interface FileTerm {
  /** Hash string. */
  readonly xorb: string
  /** First chunk. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly rawLength: number
}

const termBytes = 48

export class FileTerms {
  readonly bytes: Buffer
  readonly count: number

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.count = bytes.byteLength / termBytes
  }

  at(index: number): FileTerm {
    const at = index * termBytes
    return {
      xorb: hashToString(this.bytes.subarray(at, at + 32)),
      start: this.bytes.readUInt32LE(at + 32),
      end: this.bytes.readUInt32LE(at + 36),
      rawLength: this.rawLengthAt(index),
    }
  }

  rawLengthAt(index: number): number {
    return this.bytes.readUInt32LE(index * termBytes + 40)
  }

  *[Symbol.iterator](): Generator<FileTerm> {
    for (let index = 0; index < this.count; index++) yield this.at(index)
  }
}

/** Takes `count` terms one after the other; what it gives has a memory of its own, to be handed to another thread. */
export function termWriter(count: number): { add(term: FileTerm): void; terms(): FileTerms } {
  const bytes = Buffer.from(new ArrayBuffer(count * termBytes))
  let at = 0
  return {
    add: (term) => {
      hashFromString(term.xorb).copy(bytes, at)
      bytes.writeUInt32LE(term.start, at + 32)
      bytes.writeUInt32LE(term.end, at + 36)
      bytes.writeUInt32LE(term.rawLength, at + 40)
      at += termBytes
    },
    terms: () => new FileTerms(bytes.subarray(0, at)),
  }
}
