/**
 * A shard as it lies in memory: what a client claims about files and xorbs. Parsing checks the structure once; the records are then read
 * where they lie, so that a large shard costs its bytes and nothing more. Nothing of it is true until it was compared with our own indexes.
 */
import type { ChunkIndex } from './chunk-index.ts'
import { hashBytes, hashToString } from './hash.ts'
import { checkShard, type ShardLayout } from './shard-check.ts'
import { isGlobalChunk, recordBytes, withSha256, withVerification } from './shard-layout.ts'

export interface ShardTerm {
  /** Hash string of the xorb. */
  readonly xorb: string
  readonly flags: number
  readonly rawLength: number
  /** First chunk. */
  readonly start: number
  /** Exclusive, always greater than `start`. */
  readonly end: number
  readonly verification: Buffer | null
}

export interface ShardChunk {
  readonly hash: Buffer
  readonly rawOffset: number
  readonly length: number
  /** The client asks that global dedup finds this chunk. */
  readonly isGlobal: boolean
}

/**
 * Checks the structure of all of `bytes` (counts, bounds, sums, nothing left over) and gives access to it. Throws `XetFormatError`.
 * A large shard takes longer than the main thread may stand still: `readShard()` is for those that come from outside.
 */
export function parseShard(bytes: Buffer): Shard {
  const steps = checkShard(bytes)
  for (;;) {
    const step = steps.next()
    if (step.done) return new Shard(bytes, step.value)
  }
}

export class Shard {
  readonly #bytes: Buffer
  readonly #layout: ShardLayout

  constructor(bytes: Buffer, layout: ShardLayout) {
    this.#bytes = bytes
    this.#layout = layout
  }

  get fileCount(): number {
    return this.#layout.fileCount
  }

  get xorbCount(): number {
    return this.#layout.xorbCount
  }

  /** All terms of all files. */
  get termCount(): number {
    return this.#layout.termCount
  }

  /** Not null in an answer about dedup: its chunks are named by a keyed hash of their hash. Never in an upload (`readShard()`). */
  get hmacKey(): Buffer | null {
    return this.#layout.hmacKey
  }

  /** From the footer; null without one, or where it does not end. */
  get expiresAt(): number | null {
    return this.#layout.expiresAt
  }

  *files(): Generator<ShardFile> {
    let offset = this.#layout.fileSection
    for (let index = 0; index < this.#layout.fileCount; index++) {
      const file = new ShardFile(this.#bytes, offset)
      yield file
      offset = file.endOffset
    }
  }

  *xorbs(): Generator<ShardXorb> {
    let offset = this.#layout.xorbSection
    for (let index = 0; index < this.#layout.xorbCount; index++) {
      const xorb = new ShardXorb(this.#bytes, offset)
      yield xorb
      offset = xorb.endOffset
    }
  }
}

export class ShardFile {
  readonly #bytes: Buffer
  readonly #offset: number
  /** Of an empty file: 0. */
  readonly termCount: number
  readonly #flags: number

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes
    this.#offset = offset
    this.#flags = bytes.readUInt32LE(offset + 32)
    this.termCount = bytes.readUInt32LE(offset + 36)
  }

  /** Hash string, all zero for an empty file. */
  get hash(): string {
    return hashAt(this.#bytes, this.#offset)
  }

  get hasVerification(): boolean {
    return (this.#flags & withVerification) !== 0
  }

  /** Ordinary lowercase hex (an LFS oid), claimed by the client; null if it named none. */
  get sha256(): string | null {
    return (this.#flags & withSha256) === 0 ? null : hashAt(this.#bytes, this.endOffset - recordBytes)
  }

  /** The sum of the terms' raw lengths. */
  get size(): number {
    let size = 0
    for (let index = 0; index < this.termCount; index++) size += this.#bytes.readUInt32LE(this.#termOffset(index) + 36)
    return size
  }

  get endOffset(): number {
    const records = this.termCount * (this.hasVerification ? 2 : 1) + ((this.#flags & withSha256) === 0 ? 0 : 1)
    return this.#termOffset(records)
  }

  *terms(): Generator<ShardTerm> {
    const bytes = this.#bytes
    for (let index = 0; index < this.termCount; index++) {
      const offset = this.#termOffset(index)
      const proof = this.#termOffset(this.termCount + index)
      yield {
        xorb: hashAt(bytes, offset),
        flags: bytes.readUInt32LE(offset + 32),
        rawLength: bytes.readUInt32LE(offset + 36),
        start: bytes.readUInt32LE(offset + 40),
        end: bytes.readUInt32LE(offset + 44),
        verification: this.hasVerification ? bytes.subarray(proof, proof + hashBytes) : null,
      }
    }
  }

  #termOffset(index: number): number {
    return this.#offset + recordBytes * (1 + index)
  }
}

export class ShardXorb {
  readonly #bytes: Buffer
  readonly #offset: number
  readonly chunkCount: number

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes
    this.#offset = offset
    this.chunkCount = bytes.readUInt32LE(offset + 36)
  }

  /** Hash string. */
  get hash(): string {
    return hashAt(this.#bytes, this.#offset)
  }

  get rawSize(): number {
    return this.#bytes.readUInt32LE(this.#offset + 40)
  }

  /** Stored bytes, as the client counts them: not to be relied on. */
  get diskSize(): number {
    return this.#bytes.readUInt32LE(this.#offset + 44)
  }

  get endOffset(): number {
    return this.#offset + recordBytes * (1 + this.chunkCount)
  }

  *chunks(): Generator<ShardChunk> {
    for (let index = 0; index < this.chunkCount; index++) {
      const offset = this.#offset + recordBytes * (1 + index)
      yield {
        hash: this.#bytes.subarray(offset, offset + hashBytes),
        rawOffset: this.#bytes.readUInt32LE(offset + 32),
        length: this.#bytes.readUInt32LE(offset + 36),
        isGlobal: (this.#bytes.readUInt32LE(offset + 40) & isGlobalChunk) !== 0,
      }
    }
  }

  /** True if it claims the very chunks that we found in the xorb. */
  equals(index: ChunkIndex): boolean {
    if (this.chunkCount !== index.count) return false
    for (let chunk = 0; chunk < index.count; chunk++) {
      const offset = this.#offset + recordBytes * (1 + chunk)
      if (this.#bytes.readUInt32LE(offset + 36) !== index.rawLength(chunk, chunk + 1)) return false
      if (this.#bytes.compare(index.hashAt(chunk), 0, hashBytes, offset, offset + hashBytes) !== 0) return false
    }
    return true
  }
}

function hashAt(bytes: Buffer, offset: number): string {
  return hashToString(bytes.subarray(offset, offset + hashBytes))
}
