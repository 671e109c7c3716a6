/**
 * Where the bytes of large files lie, named by what they hold. Whoever asks has been authorized on a repo that links the blob: the store
 * knows nothing of repos. A write is acknowledged only when it is durable; nothing half-written is ever seen.
 */
import type { Readable } from 'node:stream'

/** `object`: a large file under its SHA-256. `xorb`: a pack of Xet chunks under its Xet hash. */
export type BlobKind = 'object' | 'xorb'

export interface BlobName {
  readonly kind: BlobKind
  /** 64 lowercase hex digits. */
  readonly hash: string
}

export interface BlobIdentity {
  /** 64 lowercase hex digits. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
}

/** Bytes that have no name yet: an empty file on this machine's own disk, to be written and checked before it is published. */
export interface StagedBlob {
  /** Open for reading and writing; closed by `publish` and `discard`. */
  readonly fd: number
  /** Makes the bytes durable under `name`. Where they are there already (the same size), these are dropped. After an error: `discard`. */
  publish(name: BlobName): Promise<void>
  /** Closes and removes the file. Does nothing after `publish` has succeeded, so it may stand in a `finally`. */
  discard(): Promise<void>
}

export interface SignedFetchOptions {
  /** Milliseconds; stores count in whole seconds. */
  readonly lifetimeMs: number
  /** Both included: the address is good only for a request with exactly this range. Absent: for any of the blob. */
  readonly range?: { readonly start: number; readonly end: number }
  /** What the answer shall say in these headers. */
  readonly contentType?: string
  readonly contentDisposition?: string
  readonly cacheControl?: string
}

export interface ListedBlob {
  readonly hash: string
  readonly size: number
}

export interface BlobStore {
  /**
   * Streams `source` in, hashing while it writes. Throws `length_mismatch`, `hash_mismatch` or `storage_full`, and then keeps nothing.
   * A blob that is there already is fine: the new bytes are checked and dropped.
   */
  put(source: Readable, expected: BlobIdentity, signal?: AbortSignal): Promise<void>
  openStaged(): Promise<StagedBlob>
  /** Its size, or null. */
  findSize(name: BlobName): Promise<number | null>
  /** The bytes from `start` to `end`, both included. Throws `entry_not_found` if the blob is gone. */
  openRange(name: BlobName, start: number, end: number): Promise<Readable>
  /** Path relative to the data folder, for a front server that sends the file itself; null where there is no file. */
  pathForFrontServer(name: BlobName): string | null
  /**
   * An address at which whoever holds it reads the blob (GET, with ranges) for a while, on the host name of the store and never on the
   * hub's; null where the store has none. It is not checked again when it is used: keep it short-lived.
   */
  signedFetch(name: BlobName, options: SignedFetchOptions): Promise<string | null>
  delete(name: BlobName): Promise<void>
  /** Up to `limit` blobs (at most 1,000) in the order of their hashes, from the first one after `after`. Fewer: there are no more. */
  list(kind: BlobKind, after: string | null, limit: number): Promise<ListedBlob[]>

  /** Streams one part of a multipart upload; returns its ETag. A part that is sent again replaces the first. */
  putPart(upload: string, part: number, source: Readable, size: number, signal?: AbortSignal): Promise<string>
  /** Joins the parts 1 to `count`, checks size and hash, and publishes the blob. Safe to call again after a crash. */
  completeParts(upload: string, count: number, expected: BlobIdentity): Promise<void>
  discardParts(upload: string): Promise<void>
  /** Removes what crashed writes left behind, older than `olderThanMs`. Returns how many files. */
  removeStale(olderThanMs: number): Promise<number>

  /** Writes, reads and deletes a small blob. Returns where the store is, for people; throws what is wrong with it. */
  probe(): Promise<string>
  close(): Promise<void>
}

/** The name of a large file's own bytes. */
export function objectNamed(sha256: string): BlobName {
  return { kind: 'object', hash: sha256 }
}
