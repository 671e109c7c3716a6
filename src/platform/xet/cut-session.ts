/**
 * A file on its way into xorbs, in a thread: its bytes are cut, hashed, and where they are new compressed and written. What waits between
 * cutting and placing is what the main thread sent last.
 */
import { createHash, type Hash } from 'node:crypto'
import { listEntryBytes } from './check-chunks.ts'
import { encodeChunkIndex, type IndexedChunk } from './chunk-index.ts'
import { Chunker } from './chunker.ts'
import type { Codec } from './codec.ts'
import { chunkHash, hashBytes, hashToString } from './hash.ts'
import { fileHashOf, MerkleTree } from './merkle.ts'
import { writeAll } from './write-all.ts'
import { ChunkStorer } from './xorb-write.ts'

interface WaitingChunk {
  readonly hash: Buffer
  readonly raw: Buffer
}

export class CutSession {
  readonly #storer: ChunkStorer
  readonly #chunker: Chunker
  readonly #sha256: Hash = createHash('sha256')
  readonly #tree = new MerkleTree()
  #size = 0
  #waiting: WaitingChunk[] = []
  #xorb = new OpenXorb()

  /** The codec must be this session's own: its gear hash goes on from call to call. */
  constructor(codec: Codec) {
    this.#storer = new ChunkStorer(codec)
    this.#chunker = new Chunker(codec)
  }

  cut(bytes: Uint8Array, isLast: boolean): ArrayBuffer {
    this.#sha256.update(bytes)
    this.#size += bytes.length
    const fresh: WaitingChunk[] = []
    const keep = (raw: Buffer): void => {
      const hash = chunkHash(raw)
      this.#tree.add(hash, raw.length)
      fresh.push({ hash, raw })
    }
    for (const raw of this.#chunker.cut(bytes)) keep(raw)
    if (isLast) for (const raw of this.#chunker.end()) keep(raw)
    this.#waiting.push(...fresh)
    const list = new ArrayBuffer(fresh.length * listEntryBytes)
    const entries = Buffer.from(list)
    for (const [index, { hash, raw }] of fresh.entries()) {
      hash.copy(entries, index * listEntryBytes)
      entries.writeUInt32LE(raw.length, index * listEntryBytes + hashBytes)
    }
    return list
  }

  place(isNew: Uint8Array, fd: number): void {
    const chunks = this.#waiting.splice(0, isNew.length)
    for (const [index, { hash, raw }] of chunks.entries()) {
      if (isNew[index] === 1) this.#xorb.add(fd, hash, this.#storer.store(raw), raw.length)
    }
  }

  seal(): { hash: string; size: number; rawSize: number; chunkIndex: Uint8Array } {
    const sealed = this.#xorb.seal()
    this.#xorb = new OpenXorb()
    return sealed
  }

  end(): { hash: string; sha256: string; size: number } {
    const hash = hashToString(fileHashOf(this.#tree.root()))
    return { hash, sha256: this.#sha256.digest('hex'), size: this.#size }
  }
}

class OpenXorb {
  readonly #chunks: IndexedChunk[] = []
  readonly #tree = new MerkleTree()
  #size = 0
  #rawSize = 0

  add(fd: number, hash: Buffer, stored: Buffer, rawLength: number): void {
    writeAll(fd, stored, this.#size)
    this.#size += stored.length
    this.#rawSize += rawLength
    this.#tree.add(hash, rawLength)
    this.#chunks.push({ hash, end: this.#size, rawEnd: this.#rawSize })
  }

  seal(): { hash: string; size: number; rawSize: number; chunkIndex: Uint8Array } {
    const chunkIndex = encodeChunkIndex(this.#chunks)
    return { hash: hashToString(this.#tree.root()), size: this.#size, rawSize: this.#rawSize, chunkIndex }
  }
}
