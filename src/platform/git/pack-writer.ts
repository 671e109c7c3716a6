/**
 * Writes new objects as one pack with its index, in this process: no spawn, no second copy of the bytes, and the
 * event loop gets its turn every few milliseconds. The pack is complete and synced when `finish` returns, and lies
 * outside the repository until it is moved in. Format: gitformat-pack(5).
 */
import { createHash, hash } from 'node:crypto'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { crc32, createDeflate, deflate, deflateSync } from 'node:zlib'
import type { ObjectType } from './objects.ts'
import { formatPackIndex, type PackedObject } from './pack-index.ts'
import { GitFailure } from './run.ts'

export interface FinishedPack {
  /** `pack-<hash>`; the files are `<name>.pack` and `<name>.idx` in the writer's folder. */
  name: string
  objects: number
}

const typeNumber: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 }
const headerSize = 12
const flushAt = 4 * 1024 * 1024
/** Below this, deflate's set-up costs more than it saves; repacking compresses such objects later. */
const storedLimit = 256
const syncDeflateLimit = 32 * 1024
const turnMs = 4
const deflateOptions = { level: 3 }
/** The default tables are larger than small files, and clearing them takes longer than compressing (35 us against 14). */
const smallLimit = 4096
const smallDeflateOptions = { level: 3, windowBits: 12, memLevel: 5 }
const deflateLater = promisify(deflate) as (bytes: Buffer, options: typeof deflateOptions) => Promise<Buffer>

export class PackWriter {
  readonly #folder: string
  readonly #objects = new Map<string, PackedObject>()
  #file: FileHandle | null = null
  #chunks: Buffer[] = []
  #buffered = 0
  /** Where the buffered chunks begin in the file. */
  #flushed = headerSize
  #turnStartedAt = performance.now()

  /** The folder must exist and belong to this writer alone. */
  constructor(folder: string) {
    this.#folder = folder
  }

  has(oid: string): boolean {
    return this.#objects.has(oid)
  }

  /** Adds an object that is in memory; adding it twice costs nothing. Gives its id. */
  async add(type: ObjectType, bytes: Buffer): Promise<string> {
    await this.#giveTurn()
    const oid = objectId(type, bytes)
    if (this.#objects.has(oid)) return oid
    const header = entryHeader(type, bytes.length)
    const body = bytes.length > syncDeflateLimit ? await deflateLater(bytes, deflateOptions) : deflateNow(bytes)
    this.#record(oid, crc32(body, crc32(header)))
    this.#append(header)
    this.#append(body)
    if (this.#buffered >= flushAt) await this.#flush()
    return oid
  }

  /** Adds a blob of known size from a stream, in bounded memory. Throws `size-mismatch` when the stream is longer or shorter. */
  async addStream(size: number, stream: Readable): Promise<string> {
    await this.#flush()
    const start = this.#flushed
    const header = entryHeader('blob', size)
    const sum = createHash('sha1').update(`blob ${size}\0`)
    let crc = crc32(header)
    let received = 0
    this.#append(header)
    const counted = async function* () {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        received += chunk.length
        if (received > size) break
        sum.update(chunk)
        yield chunk
      }
      if (received !== size) throw new GitFailure('size-mismatch', `expected ${size} bytes, received ${received}`)
    }
    for await (const chunk of deflated(counted())) {
      crc = crc32(chunk, crc)
      this.#append(chunk)
      if (this.#buffered >= flushAt) await this.#flush()
    }
    const oid = sum.digest('hex')
    if (this.#objects.has(oid)) {
      // It was there already: forget the second copy, the next object is written over it.
      this.#chunks = []
      this.#buffered = 0
      this.#flushed = start
      return oid
    }
    this.#objects.set(oid, { oid, crc, offset: start })
    return oid
  }

  /** Completes and syncs pack and index. Null when nothing was added. The writer is of no use afterwards. */
  async finish(): Promise<FinishedPack | null> {
    if (this.#objects.size === 0) return null
    const checksum = await this.#seal()
    const name = `pack-${checksum.toString('hex')}`
    const index = await formatPackIndex([...this.#objects.values()], checksum)
    await writeSynced(join(this.#folder, `${name}.idx`), index)
    await rename(join(this.#folder, temporaryName), join(this.#folder, `${name}.pack`))
    return { name, objects: this.#objects.size }
  }

  /** Lets go of the file; the folder is its owner's to remove. */
  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = null
  }

  /** Writes header and checksum. The header holds the count, so a pack that went to disk is read again for its hash. */
  async #seal(): Promise<Buffer> {
    const header = packHeader(this.#objects.size)
    const sum = createHash('sha1').update(header)
    const file = await this.#open()
    if (this.#flushed > headerSize) {
      const block = Buffer.allocUnsafe(1024 * 1024)
      for (let position = headerSize; position < this.#flushed; ) {
        const wanted = Math.min(block.length, this.#flushed - position)
        const { bytesRead } = await file.read(block, 0, wanted, position)
        if (bytesRead === 0) throw new GitFailure('broken', 'the pack was cut short while it was written')
        sum.update(block.subarray(0, bytesRead))
        position += bytesRead
      }
    }
    for (const chunk of this.#chunks) sum.update(chunk)
    const checksum = sum.digest()
    this.#append(checksum)
    await this.#flush()
    await file.write(header, 0, headerSize, 0)
    await file.truncate(this.#flushed)
    await file.sync()
    await this.close()
    return checksum
  }

  #record(oid: string, crc: number): void {
    this.#objects.set(oid, { oid, crc, offset: this.#flushed + this.#buffered })
  }

  #append(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#buffered += bytes.length
  }

  async #flush(): Promise<void> {
    if (this.#buffered === 0) return
    const file = await this.#open()
    const chunks = this.#chunks
    this.#chunks = []
    await file.write(Buffer.concat(chunks, this.#buffered), 0, this.#buffered, this.#flushed)
    this.#flushed += this.#buffered
    this.#buffered = 0
  }

  async #open(): Promise<FileHandle> {
    this.#file ??= await open(join(this.#folder, temporaryName), 'wx+', 0o400)
    return this.#file
  }

  async #giveTurn(): Promise<void> {
    if (performance.now() - this.#turnStartedAt < turnMs) return
    await nextTurn()
    this.#turnStartedAt = performance.now()
  }
}

const temporaryName = 'tmp_pack_new'

export function objectId(type: ObjectType, bytes: Buffer): string {
  const header = `${type} ${bytes.length}\0`
  if (bytes.length < 4096) return hash('sha1', Buffer.concat([Buffer.from(header, 'latin1'), bytes]), 'hex')
  return createHash('sha1').update(header).update(bytes).digest('hex')
}

async function* deflated(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const stream = createDeflate(deflateOptions)
  pipeline(Readable.from(source, { objectMode: false }), stream, () => undefined)
  yield* stream as AsyncIterable<Buffer>
}

function packHeader(count: number): Buffer {
  const header = Buffer.alloc(headerSize)
  header.write('PACK', 'latin1')
  header.writeUInt32BE(2, 4)
  header.writeUInt32BE(count, 8)
  return header
}

/** Type and size: four bits of size beside the type, then seven at a time. */
function entryHeader(type: ObjectType, size: number): Buffer {
  const bytes: number[] = []
  let rest = Math.floor(size / 16)
  let byte = (typeNumber[type] << 4) | (size % 16)
  while (rest > 0) {
    bytes.push(byte | 0x80)
    byte = rest % 128
    rest = Math.floor(rest / 128)
  }
  bytes.push(byte)
  return Buffer.from(bytes)
}

function deflateNow(bytes: Buffer): Buffer {
  if (bytes.length <= storedLimit) return zlibStored(bytes)
  return deflateSync(bytes, bytes.length < smallLimit ? smallDeflateOptions : deflateOptions)
}

/** A zlib stream of one stored block: RFC 1950 header, RFC 1951 type 00, Adler-32. */
function zlibStored(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length + 11)
  out.writeUInt16BE(0x7801, 0)
  out[2] = 1
  out.writeUInt16LE(bytes.length, 3)
  out.writeUInt16LE(bytes.length ^ 0xffff, 5)
  bytes.copy(out, 7)
  let low = 1
  let high = 0
  for (const byte of bytes) {
    low += byte
    high += low
  }
  // At most 256 bytes, so the sums stay far below 2^31 and one reduction at the end is enough.
  out.writeUInt32BE(((high % 65_521) * 65_536 + (low % 65_521)) >>> 0, bytes.length + 7)
  return out
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o400)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
