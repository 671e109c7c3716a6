/** How a shard lies in bytes: records of 48 bytes, all numbers little-endian. Shared by the parser and the builder. */
import { hashBytes } from './hash.ts'

export const recordBytes = 48
export const footerBytes = 200

export const headerTag = Buffer.concat([
  Buffer.from('HFRepoMetaData\0'),
  Buffer.from('556967456a7b815783a5bdd95ccdd14aa9', 'hex'),
])
export const headerVersion = 2n
export const footerVersion = 1n

/** Ends a section: 32 x FF, 16 x 00. */
export const bookend = Buffer.concat([Buffer.alloc(hashBytes, 0xff), Buffer.alloc(recordBytes - hashBytes)])

/** Flags of a file: after its terms stand as many verification records, then one with its SHA-256. Others could change the layout. */
export const withVerification = 0x8000_0000
export const withSha256 = 0x4000_0000
/** Flag of a chunk that global dedup shall know. */
export const isGlobalChunk = 0x8000_0000

/** Offsets in the footer. */
export const footerAt = {
  fileSection: 8,
  xorbSection: 16,
  /** Three tables for look-ups: offset and count of each. */
  fileLookup: 24,
  xorbLookup: 40,
  chunkLookup: 56,
  hmacKey: 72,
  createdAt: 104,
  expiresAt: 112,
  storedOnDisk: 168,
  materialized: 176,
  stored: 184,
  footer: 192,
}
export const lookupEntryBytes = { file: 12, xorb: 12, chunk: 16 }
