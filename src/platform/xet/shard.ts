/**
 * A shard as it lies in memory: what a client claims about files and xorbs. Parsing checks the structure once; the records are then read
 * where they lie, so that a large shard costs its bytes and nothing more. Nothing of it is true until it was compared with our own indexes.
 */

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

export interface ShardFile {
  readonly hash: string
  /** Ordinary lowercase hex (an LFS oid), claimed by the client. */
  readonly sha256: string | null
  readonly termCount: number
  /** The sum of the terms' raw lengths. */
  readonly size: number
  terms(): Iterable<ShardTerm>
}

export interface ShardChunk {
  readonly hash: Buffer
  readonly rawOffset: number
  readonly length: number
  /** The client asks that global dedup finds this chunk. */
  readonly isGlobal: boolean
}

export interface ShardXorb {
  readonly hash: string
  readonly rawSize: number
  readonly diskSize: number
  readonly chunkCount: number
  chunks(): Iterable<ShardChunk>
}

export interface Shard {
  readonly fileCount: number
  readonly xorbCount: number
  /** All terms of all files. */
  readonly termCount: number
  files(): Iterable<ShardFile>
  xorbs(): Iterable<ShardXorb>
}
