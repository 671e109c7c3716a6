/**
 * The heavy work on Xet bytes (decompressing, hashing, cutting) in a few threads of this process, started when first needed and ended
 * when idle. What is under way in the pool is bounded, whoever asks; a thread that dies rejects its calls and is replaced.
 */
import type { Shard } from './shard.ts'
import type { DedupShard } from './shard-build.ts'

/** How many xorbs clients may send at a time. More would be received too, but slow senders could then hold every buffer. */
export const mostXorbsAtOnce = 16

export interface ReceivedXorb {
  /** Stored bytes: what was written, without a footer. */
  readonly size: number
  readonly rawSize: number
  /** For `new ChunkIndex()`. */
  readonly chunkIndex: Buffer
}

/** SHA-256 over raw bytes that are handed over as stored chunks. One thread keeps its state: always `close()` it. */
export interface FileHash {
  /** Whole chunks as stored, in order; any size, but a few MiB keep memory low. The bytes are handed over, as to `decode()`. */
  update(storedChunks: Uint8Array): Promise<void>
  /** Lowercase hex, ends it. */
  digest(): Promise<string>
  close(): void
}

/** The file hash over a list of chunks: n x (hash 32 bytes, raw length u32 LE), as `ChunkIndex.list()` makes them. Always `close()` it. */
export interface ChunkListHash {
  add(list: Uint8Array): Promise<void>
  /** Hash string, ends it. */
  fileHash(): Promise<string>
  close(): void
}

export interface KnownChunk {
  readonly xorb: string
  /** Which chunk of that xorb. */
  readonly index: number
}

export interface CutChunk {
  readonly hash: string
  readonly length: number
}

export interface CutterOptions {
  /** Where each of these chunks, which follow each other in the file, lies already; null where it must be stored. */
  findKnown(chunks: readonly CutChunk[]): Promise<readonly (KnownChunk | null)[]>
  /** A new, empty file for a xorb, as `fd` open for writing. */
  openXorb(): Promise<number>
  /** The xorb in that file is complete and may get its name. The next one is begun after this resolves. */
  finishXorb(fd: number, xorb: ReceivedXorb & { readonly hash: string }): Promise<void>
}

export interface CutTerm {
  readonly xorb: string
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly rawLength: number
}

export interface CutFile {
  readonly hash: string
  readonly size: number
  /** Of the raw bytes, lowercase hex. */
  readonly sha256: string
  readonly terms: readonly CutTerm[]
}

/** Cuts a plain file into chunks as the Python client does, and stores those that are new as xorbs. Always `close()` it. */
export interface Cutter {
  /** The next bytes. Wait for it before the next call. */
  write(raw: Uint8Array): Promise<void>
  /** The last xorb is finished before it resolves. */
  end(): Promise<CutFile>
  close(): void
}

export interface XetWorkers {
  /**
   * Checks a xorb while it streams to the already open, empty file `fd` (null: only checks). Resolves with its index. Throws
   * `XetFormatError` if anything disagrees, also if the Merkle root is not `hash`; a fault of the disk has its `code`. Nothing is to be kept
   * then. Stops reading at the first fault. Never touches `fd` after it settled.
   */
  receiveXorb(
    source: AsyncIterable<Uint8Array>,
    hash: string,
    fd: number | null,
    signal?: AbortSignal,
  ): Promise<ReceivedXorb>
  /**
   * Whole stored chunks in (handed over: the memory is gone afterwards, if the bytes are all of it), raw bytes out. At most 8 MiB of raw bytes
   * at a time: `ChunkIndex.runs()` splits a range. Throws `XetFormatError` if the bytes are not whole chunks.
   */
  decode(storedChunks: Uint8Array): Promise<Buffer>
  openFileHash(): FileHash
  openChunkList(): ChunkListHash
  openCutter(options: CutterOptions): Cutter
  /** `buildDedupShard()` in a thread: its hashes take too long for this one. */
  buildDedupShard(input: DedupShard): Promise<Buffer>
  /** See shard-read.ts. Needs no thread. */
  readShard(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Shard>
  /** Rejects what is under way and ends the threads. */
  close(): Promise<void>
}
