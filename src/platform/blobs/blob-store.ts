/**
 * Where the bytes of large files lie, named by their SHA-256. Whoever asks has been authorized on a repo that links the blob:
 * the store knows nothing of repos. A write is acknowledged only when it is durable; nothing half-written is ever seen.
 */
import type { Readable } from 'node:stream'

export interface BlobIdentity {
  /** 64 lowercase hex digits. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
}

export interface BlobStore {
  /**
   * Streams `source` in, hashing while it writes. Throws `length_mismatch`, `hash_mismatch` or `storage_full`, and then keeps nothing.
   * A blob that is there already is fine: the new bytes are checked and dropped.
   */
  put(source: Readable, expected: BlobIdentity, signal?: AbortSignal): Promise<void>
  /** Its size, or null. */
  findSize(sha256: string): Promise<number | null>
  /** The bytes from `start` to `end`, both included. Throws `entry_not_found` if the blob is gone. */
  openRange(sha256: string, start: number, end: number): Promise<Readable>
  /** Path relative to the data folder, for a front server that sends the file itself; null where there is no file. */
  pathForFrontServer(sha256: string): string | null
  delete(sha256: string): Promise<void>

  /** Streams one part of a multipart upload; returns its ETag. A part that is sent again replaces the first. */
  putPart(upload: string, part: number, source: Readable, size: number, signal?: AbortSignal): Promise<string>
  /** Joins the parts 1 to `count`, checks size and hash, and publishes the blob. Safe to call again after a crash. */
  completeParts(upload: string, count: number, expected: BlobIdentity): Promise<void>
  discardParts(upload: string): Promise<void>
  /** Removes what crashed writes left behind, older than `olderThanMs`. Returns how many files. */
  removeStale(olderThanMs: number): Promise<number>
}
