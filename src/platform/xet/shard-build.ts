/** The shard that answers a dedup question: which chunks lie in which xorbs, chunks named by a keyed hash that hides those not yet known. */
import type { ChunkIndex } from './chunk-index.ts'
import type { Codec } from './codec.ts'
import { hashBytes, hashFromString, isDedupEligible } from './hash.ts'
import {
  bookend,
  footerAt,
  footerBytes,
  footerVersion,
  headerTag,
  headerVersion,
  isGlobalChunk,
  recordBytes,
} from './shard-layout.ts'

export interface DedupShard {
  readonly xorbs: readonly { readonly hash: string; readonly index: ChunkIndex }[]
  /** 32 bytes. The client tries it on each of its chunks, so the same key should serve for a while. */
  readonly hmacKey: Uint8Array
  /** Milliseconds. The client keeps the answer in its cache until then. */
  readonly createdAt: number
  readonly expiresAt: number
}

/** Milliseconds for many xorbs: from the main thread only through `XetWorkers`. */
export function buildDedupShard(input: DedupShard, codec: Codec): Buffer {
  const count = input.xorbs.reduce((sum, { index }) => sum + 1 + index.count, 0)
  const xorbSection = recordBytes * 2
  const footer = xorbSection + recordBytes * (count + 1)
  const bytes = Buffer.alloc(footer + footerBytes)
  headerTag.copy(bytes)
  bytes.writeBigUInt64LE(headerVersion, 32)
  bytes.writeBigUInt64LE(BigInt(footerBytes), 40)
  bookend.copy(bytes, recordBytes)
  codec.setKey(input.hmacKey)
  let offset = xorbSection
  for (const { hash, index } of input.xorbs) offset = writeXorb(bytes, offset, hash, index, codec)
  bookend.copy(bytes, offset)
  writeFooter(bytes, footer, xorbSection, input)
  return bytes
}

function writeXorb(bytes: Buffer, start: number, hash: string, index: ChunkIndex, codec: Codec): number {
  hashFromString(hash).copy(bytes, start)
  bytes.writeUInt32LE(index.count, start + 36)
  bytes.writeUInt32LE(index.rawSize, start + 40)
  bytes.writeUInt32LE(index.size, start + 44)
  let offset = start + recordBytes
  for (let chunk = 0; chunk < index.count; chunk++, offset += recordBytes) {
    const chunkHash = index.hashAt(chunk)
    codec.keyedHash(chunkHash).copy(bytes, offset)
    bytes.writeUInt32LE(index.rawEndAt(chunk - 1), offset + hashBytes)
    bytes.writeUInt32LE(index.rawLength(chunk, chunk + 1), offset + hashBytes + 4)
    if (isDedupEligible(chunkHash)) bytes.writeUInt32LE(isGlobalChunk, offset + hashBytes + 8)
  }
  return offset
}

/** The look-up tables are empty and lie where the footer does: so the Python client takes it. */
function writeFooter(bytes: Buffer, footer: number, xorbSection: number, input: DedupShard): void {
  const write = (field: number, value: number): number => bytes.writeBigUInt64LE(BigInt(value), footer + field)
  const sum = (of: (index: ChunkIndex) => number): number =>
    input.xorbs.reduce((total, { index }) => total + of(index), 0)
  write(0, Number(footerVersion))
  write(footerAt.fileSection, recordBytes)
  write(footerAt.xorbSection, xorbSection)
  write(footerAt.fileLookup, footer)
  write(footerAt.xorbLookup, footer)
  write(footerAt.chunkLookup, footer)
  bytes.set(input.hmacKey, footer + footerAt.hmacKey)
  write(footerAt.createdAt, Math.floor(input.createdAt / 1000))
  write(footerAt.expiresAt, Math.floor(input.expiresAt / 1000))
  write(
    footerAt.storedOnDisk,
    sum((index) => index.size),
  )
  write(
    footerAt.stored,
    sum((index) => index.rawSize),
  )
  write(footerAt.footer, footer)
}
