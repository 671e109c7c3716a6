/**
 * Walks a shard once and refuses whatever is not exactly in the format: bounds before reads, sums, ranges, nothing left over. It keeps only
 * where the sections lie, and pauses on the way, since a shard of 64 MiB has more than a million records.
 */
import { XetFormatError } from './errors.ts'
import { hashBytes } from './hash.ts'
import { mostChunkBytes, mostShardBytes, mostXorbBytes, mostXorbChunks, mostXorbRawBytes } from './limits.ts'
import {
  bookend,
  footerAt,
  footerBytes,
  footerVersion,
  headerTag,
  headerVersion,
  lookupEntryBytes,
  recordBytes,
  withSha256,
  withVerification,
} from './shard-layout.ts'

export interface ShardLayout {
  readonly fileSection: number
  readonly fileCount: number
  readonly termCount: number
  readonly xorbSection: number
  readonly xorbCount: number
  readonly hmacKey: Buffer | null
  readonly expiresAt: number | null
}

/** A client's "never" is the largest u64; what lies behind the year 10,000 is not told apart from it. */
const farFuture = 253_402_300_800n
/** Records between two pauses: some hundred microseconds. */
const stride = 16_384

export function* checkShard(bytes: Buffer): Generator<undefined, ShardLayout> {
  if (bytes.length > mostShardBytes) throw new XetFormatError('A shard has at most 64 MiB.')
  const footerSize = checkHeader(bytes)
  const walk = new Walk(bytes, bytes.length - footerSize)
  let fileCount = 0
  let termCount = 0
  let pause = stride
  while (!walk.atBookend()) {
    fileCount += 1
    termCount += checkFile(walk)
    if (walk.records < pause) continue
    pause = walk.records + stride
    yield
  }
  const xorbSection = walk.offset
  let xorbCount = 0
  while (!walk.atBookend()) {
    xorbCount += 1
    checkXorb(walk)
    if (walk.records < pause) continue
    pause = walk.records + stride
    yield
  }
  const sections = { fileSection: recordBytes, fileCount, termCount, xorbSection, xorbCount }
  if (footerSize > 0) return { ...sections, ...checkFooter(bytes, xorbSection, walk.offset) }
  if (walk.offset !== bytes.length) throw new XetFormatError('The shard goes on after its last section.')
  return { ...sections, hmacKey: null, expiresAt: null }
}

/** Reads record by record, never behind `end`. */
class Walk {
  readonly bytes: Buffer
  readonly #end: number
  offset = recordBytes
  records = 0

  constructor(bytes: Buffer, end: number) {
    this.bytes = bytes
    this.#end = end
  }

  /** Steps over `count` records and returns where they begin. */
  take(count: number): number {
    const start = this.offset
    if (count * recordBytes > this.#end - start) throw new XetFormatError('The shard ends in the middle of a section.')
    this.offset += count * recordBytes
    this.records += count
    return start
  }

  /** Steps over the record that ends a section, if it stands here. */
  atBookend(): boolean {
    const start = this.take(1)
    for (let index = start; index < start + hashBytes; index++) {
      if (this.bytes[index] === 0xff) continue
      this.offset = start
      return false
    }
    if (this.bytes.compare(bookend, hashBytes, recordBytes, start + hashBytes, start + recordBytes) !== 0) {
      throw new XetFormatError('The record that ends a section of the shard is not empty.')
    }
    return true
  }
}

function checkHeader(bytes: Buffer): number {
  if (bytes.length < recordBytes || bytes.compare(headerTag, 0, 32, 0, 32) !== 0) {
    throw new XetFormatError('The bytes do not begin as a shard does.')
  }
  const version = bytes.readBigUInt64LE(32)
  if (version !== headerVersion) throw new XetFormatError(`Shards of version ${version} are not known, only of 2.`)
  const footerSize = bytes.readBigUInt64LE(40)
  if (footerSize !== 0n && footerSize !== BigInt(footerBytes)) {
    throw new XetFormatError(`A shard's footer has ${footerBytes} bytes or is absent, not ${footerSize}.`)
  }
  if (footerSize !== 0n && bytes.length < recordBytes + footerBytes)
    throw new XetFormatError('The shard ends too early.')
  return Number(footerSize)
}

/** Returns its number of terms. */
function checkFile(walk: Walk): number {
  const { bytes } = walk
  const file = walk.take(1)
  const flags = bytes.readUInt32LE(file + 32)
  const count = bytes.readUInt32LE(file + 36)
  if ((flags & ~(withVerification | withSha256)) !== 0)
    throw new XetFormatError('A file in the shard has unknown flags.')
  const terms = walk.take(count)
  for (let index = 0; index < count; index++) {
    const term = terms + index * recordBytes
    const rawLength = bytes.readUInt32LE(term + 36)
    const start = bytes.readUInt32LE(term + 40)
    const end = bytes.readUInt32LE(term + 44)
    if (start >= end || end > mostXorbChunks) throw new XetFormatError('A term in the shard names no chunks.')
    if (rawLength < end - start || rawLength > Math.min(mostXorbRawBytes, (end - start) * mostChunkBytes)) {
      throw new XetFormatError('A term in the shard has an impossible length.')
    }
  }
  if ((flags & withVerification) !== 0) walk.take(count)
  if ((flags & withSha256) !== 0) walk.take(1)
  return count
}

function checkXorb(walk: Walk): void {
  const { bytes } = walk
  const xorb = walk.take(1)
  const count = bytes.readUInt32LE(xorb + 36)
  const rawSize = bytes.readUInt32LE(xorb + 40)
  if (count === 0 || count > mostXorbChunks) throw new XetFormatError(`A xorb has 1 to ${mostXorbChunks} chunks.`)
  if (rawSize > mostXorbRawBytes || bytes.readUInt32LE(xorb + 44) > mostXorbBytes) {
    throw new XetFormatError('A xorb in the shard is too large.')
  }
  const chunks = walk.take(count)
  let offset = 0
  for (let index = 0; index < count; index++) {
    const chunk = chunks + index * recordBytes
    const length = bytes.readUInt32LE(chunk + 36)
    if (length === 0 || length > mostChunkBytes)
      throw new XetFormatError('A chunk in the shard has an impossible length.')
    if (bytes.readUInt32LE(chunk + 32) !== offset)
      throw new XetFormatError('The chunks of a xorb in the shard do not adjoin.')
    offset += length
  }
  if (offset !== rawSize) throw new XetFormatError('The chunks of a xorb in the shard do not add up to its size.')
}

/** The JS client sends one; the look-up tables of older clients may stand before it and are not used. */
function checkFooter(bytes: Buffer, xorbSection: number, end: number): Pick<ShardLayout, 'hmacKey' | 'expiresAt'> {
  const footer = bytes.length - footerBytes
  const read = (field: number): bigint => bytes.readBigUInt64LE(footer + field)
  if (read(0) !== footerVersion) throw new XetFormatError("The shard's footer is of an unknown version.")
  const tables =
    read(footerAt.fileLookup + 8) * BigInt(lookupEntryBytes.file) +
    read(footerAt.xorbLookup + 8) * BigInt(lookupEntryBytes.xorb) +
    read(footerAt.chunkLookup + 8) * BigInt(lookupEntryBytes.chunk)
  if (BigInt(end) + tables !== BigInt(footer))
    throw new XetFormatError("The shard's footer does not follow its sections.")
  const isAtHome =
    read(footerAt.fileSection) === BigInt(recordBytes) &&
    read(footerAt.xorbSection) === BigInt(xorbSection) &&
    read(footerAt.footer) === BigInt(footer)
  if (!isAtHome) throw new XetFormatError("The shard's footer points elsewhere.")
  const key = bytes.subarray(footer + footerAt.hmacKey, footer + footerAt.hmacKey + hashBytes)
  const expiry = read(footerAt.expiresAt)
  const isForever = expiry === 0n || expiry > farFuture
  return { hmacKey: key.every((byte) => byte === 0) ? null : key, expiresAt: isForever ? null : Number(expiry) * 1000 }
}
