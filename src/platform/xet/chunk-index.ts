/**
 * The stored form of a xorb's chunk list, made by us while the xorb was checked: for each chunk its hash (32 bytes), where it ends in the
 * stored bytes and where in the raw bytes (u32, little-endian). Everything about ranges is answered from it, without reading the xorb.
 */
import { hashBytes, verificationHash } from './hash.ts'
import { merkleRoot } from './merkle.ts'

export const indexEntryBytes = hashBytes + 8
const listEntryBytes = hashBytes + 4

export interface ByteRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface IndexedChunk {
  readonly hash: Uint8Array
  readonly end: number
  readonly rawEnd: number
}

export class ChunkIndex {
  readonly bytes: Buffer
  readonly count: number

  /** `bytes` comes from our own table; throws `RangeError` if it cannot be an index. */
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.count = bytes.length / indexEntryBytes
    if (!Number.isInteger(this.count) || this.count === 0) throw new RangeError('These bytes are not a chunk index.')
  }

  /** Stored bytes of the whole xorb. */
  get size(): number {
    return this.endAt(this.count - 1)
  }

  get rawSize(): number {
    return this.rawEndAt(this.count - 1)
  }

  /** A view of 32 bytes. */
  hashAt(index: number): Buffer {
    const start = this.#offset(index)
    return this.bytes.subarray(start, start + hashBytes)
  }

  /** Where the chunk ends in the stored bytes; of -1, where the first begins. */
  endAt(index: number): number {
    return index === -1 ? 0 : this.bytes.readUInt32LE(this.#offset(index) + hashBytes)
  }

  /** Where the chunk ends in the raw bytes; of -1, where the first begins. */
  rawEndAt(index: number): number {
    return index === -1 ? 0 : this.bytes.readUInt32LE(this.#offset(index) + hashBytes + 4)
  }

  /** Raw bytes of the chunks `from` to `to` (exclusive). Throws `RangeError` if there are no such chunks. */
  rawLength(from: number, to: number): number {
    this.#check(from, to)
    return this.rawEndAt(to - 1) - this.rawEndAt(from - 1)
  }

  /** Where the chunks `from` to `to` (exclusive) lie in the stored bytes. */
  byteRange(from: number, to: number): ByteRange {
    this.#check(from, to)
    return { start: this.endAt(from - 1), end: this.endAt(to - 1) }
  }

  /** The chunk that holds this raw offset; `count` if it lies behind the end. */
  findByRawOffset(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.rawEndAt(middle) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The hashes of the chunks `from` to `to` (exclusive), one after the other. */
  hashes(from: number, to: number): Buffer {
    this.#check(from, to)
    const hashes = Buffer.allocUnsafe((to - from) * hashBytes)
    for (let index = from; index < to; index++) this.hashAt(index).copy(hashes, (index - from) * hashBytes)
    return hashes
  }

  /** What a shard's term over these chunks must carry as its verification hash. */
  verification(from: number, to: number): Buffer {
    return verificationHash(this.hashes(from, to))
  }

  /** These chunks for a `ChunkList` (see xet-workers.ts): hash (32 bytes) and raw length (u32, little-endian) each. */
  list(from: number, to: number): Buffer {
    this.#check(from, to)
    const list = Buffer.allocUnsafe((to - from) * listEntryBytes)
    for (let index = from; index < to; index++) {
      const at = (index - from) * listEntryBytes
      this.hashAt(index).copy(list, at)
      list.writeUInt32LE(this.rawLength(index, index + 1), at + hashBytes)
    }
    return list
  }

  /**
   * Splits the chunks `from` to `to` (exclusive) into runs of at most `rawLimit` raw bytes, at least one chunk each: what may be
   * decoded at a time, since a few stored bytes can stand for many raw ones.
   */
  *runs(from: number, to: number, rawLimit: number): Generator<{ readonly from: number; readonly to: number }> {
    this.#check(from, to)
    let start = from
    for (let index = from + 1; index < to; index++) {
      if (this.rawLength(start, index + 1) <= rawLimit) continue
      yield { from: start, to: index }
      start = index
    }
    yield { from: start, to }
  }

  /** The Merkle root: the xorb's hash. */
  root(): Buffer {
    return merkleRoot(this.#leaves())
  }

  *#leaves(): Generator<{ hash: Buffer; size: number }> {
    for (let index = 0; index < this.count; index++) {
      yield { hash: this.hashAt(index), size: this.rawLength(index, index + 1) }
    }
  }

  #offset(index: number): number {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`Chunk ${index} is not one of ${this.count}.`)
    return index * indexEntryBytes
  }

  #check(from: number, to: number): void {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= this.count)) {
      throw new RangeError(`Chunks ${from} to ${to} are not among ${this.count}.`)
    }
  }
}

export function encodeChunkIndex(chunks: Iterable<IndexedChunk>): Buffer {
  const entries: Buffer[] = []
  for (const chunk of chunks) {
    const entry = Buffer.allocUnsafe(indexEntryBytes)
    entry.set(chunk.hash)
    entry.writeUInt32LE(chunk.end, hashBytes)
    entry.writeUInt32LE(chunk.rawEnd, hashBytes + 4)
    entries.push(entry)
  }
  return Buffer.concat(entries)
}
