/**
 * The hashes of Xet: keyed BLAKE3 of 32 bytes, and their text, which is four little-endian u64 words, not the bytes in order. The shard's
 * SHA-256 field uses the same transform.
 */
import { Blake3Hasher } from '@napi-rs/blake-hash'
import { XetFormatError } from './errors.ts'

export const hashBytes = 32

const dataKey = Buffer.from('6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229', 'hex')
const nodeKey = Buffer.from('017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f', 'hex')
const verificationKey = Buffer.from('7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3', 'hex')
const fileKey = Buffer.alloc(hashBytes)

const dataHasher = Blake3Hasher.newKeyed(dataKey)
const nodeHasher = Blake3Hasher.newKeyed(nodeKey)
const verificationHasher = Blake3Hasher.newKeyed(verificationKey)
const fileHasher = Blake3Hasher.newKeyed(fileKey)

/** 32 bytes to 64 hex digits. */
export function hashToString(bytes: Uint8Array): string {
  if (bytes.length !== hashBytes) throw new RangeError(`A Xet hash has ${hashBytes} bytes, not ${bytes.length}.`)
  return Buffer.from(bytes).swap64().toString('hex')
}

/** 64 lowercase hex digits to 32 bytes. Throws `XetFormatError`. */
export function hashFromString(text: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new XetFormatError('A Xet hash is 64 lowercase hexadecimal digits.')
  return Buffer.from(text, 'hex').swap64()
}

/** The name of a chunk: of its raw bytes, before any compression. */
export function chunkHash(data: Uint8Array): Buffer {
  return digest(dataHasher, data)
}

/** An inner node of the Merkle tree: of the lines `"{hash} : {size}\n"` of its children. */
export function nodeHash(lines: string): Buffer {
  nodeHasher.reset()
  return nodeHasher.update(lines).digestBuffer()
}

/** A file's name: of its Merkle root. */
export function rootToFileHash(root: Uint8Array): Buffer {
  return digest(fileHasher, root)
}

/** What a term of a shard proves: that the sender knows the hashes of its chunks (`rawChunkHashes`: 32 bytes each, in order). */
export function verificationHash(rawChunkHashes: Uint8Array): Buffer {
  return digest(verificationHasher, rawChunkHashes)
}

/** For the HMAC of dedup answers: `key` has 32 bytes. */
export function keyedHash(key: Uint8Array, data: Uint8Array): Buffer {
  return Blake3Hasher.newKeyed(asBuffer(key)).update(asBuffer(data)).digestBuffer()
}

/** The chunks that global dedup knows beside the first of each file: one of 1024, chosen by the last word of the hash. */
export function isDedupEligible(hash: Uint8Array): boolean {
  return hash[24] === 0 && ((hash[25] ?? 1) & 3) === 0
}

function digest(hasher: Blake3Hasher, data: Uint8Array): Buffer {
  hasher.reset()
  return hasher.update(asBuffer(data)).digestBuffer()
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
