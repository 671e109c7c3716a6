/** Stored chunks to what they hold, in a thread: each is decoded within its declared length, hashed, and given up again. */

import { indexEntryBytes } from './chunk-index.ts'
import { type Codec, forEachChunk } from './codec.ts'
import { XetFormatError } from './errors.ts'
import { chunkHash, hashBytes, hashToString } from './hash.ts'
import { chunkHeaderBytes } from './limits.ts'
import { MerkleTree } from './merkle.ts'

/** n x (hash 32, stored bytes with header u32 LE, raw bytes u32 LE). Throws `XetFormatError`. */
export function checkChunks(codec: Codec, bytes: Uint8Array): ArrayBuffer {
  let count = 0
  forEachChunk(bytes, () => {
    count += 1
  })
  const chunks = new ArrayBuffer(count * indexEntryBytes)
  const entries = Buffer.from(chunks)
  let at = 0
  forEachChunk(bytes, (header, payload) => {
    chunkHash(codec.decode(payload, header)).copy(entries, at)
    entries.writeUInt32LE(header.stored + chunkHeaderBytes, at + hashBytes)
    entries.writeUInt32LE(header.raw, at + hashBytes + 4)
    at += indexEntryBytes
  })
  return chunks
}

/** What `checkChunks()` gave for a whole xorb, as its chunk index (`ChunkIndex`), and the hash string that follows from it. */
export function indexChunks(chunks: Uint8Array): { chunkIndex: ArrayBuffer; hash: string } {
  const chunkIndex = new ArrayBuffer(chunks.length)
  const entries = Buffer.from(chunkIndex)
  entries.set(chunks)
  const tree = new MerkleTree()
  let end = 0
  let rawEnd = 0
  for (let at = 0; at < entries.length; at += indexEntryBytes) {
    const raw = entries.readUInt32LE(at + hashBytes + 4)
    end += entries.readUInt32LE(at + hashBytes)
    rawEnd += raw
    tree.add(entries.subarray(at, at + hashBytes), raw)
    entries.writeUInt32LE(end, at + hashBytes)
    entries.writeUInt32LE(rawEnd, at + hashBytes + 4)
  }
  return { chunkIndex, hash: hashToString(tree.root()) }
}

/** The raw bytes. Throws `XetFormatError`, and `RangeError` if there are more than `limit`. */
export function decodeChunks(codec: Codec, bytes: Uint8Array, limit: number): ArrayBuffer {
  let size = 0
  forEachChunk(bytes, (header) => {
    size += header.raw
  })
  if (size > limit) throw new RangeError(`At most ${limit} raw bytes are decoded at a time, not ${size}.`)
  const raw = new ArrayBuffer(size)
  const target = Buffer.from(raw)
  let at = 0
  forEachChunk(bytes, (header, payload) => {
    target.set(codec.decode(payload, header), at)
    at += header.raw
  })
  return raw
}

/** Calls `each` with the raw bytes of one chunk after the other. */
export function eachRawChunk(codec: Codec, bytes: Uint8Array, each: (raw: Buffer) => void): void {
  forEachChunk(bytes, (header, payload) => each(codec.decode(payload, header)))
}

/** Calls `each` for n x (hash 32, raw length u32 LE). */
export function forEachListed(list: Uint8Array, each: (hash: Buffer, length: number) => void): void {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength)
  if (bytes.length % listEntryBytes !== 0) throw new XetFormatError('The bytes are not a list of chunks.')
  for (let at = 0; at < bytes.length; at += listEntryBytes) {
    each(bytes.subarray(at, at + hashBytes), bytes.readUInt32LE(at + hashBytes))
  }
}

export const listEntryBytes = hashBytes + 4
