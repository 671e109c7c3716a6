/**
 * A plain file to Xet: the threads cut, hash, compress and write; here is decided which chunks are stored and where each of them is found
 * afterwards. Memory holds a few MiB of the file and its terms.
 */
import { forEachListed } from './check-chunks.ts'
import { hashToString } from './hash.ts'
import { mostXorbChunks, xorbCutBytes } from './limits.ts'
import type { ThreadSession } from './thread-pool.ts'
import type { CutChunk, CutFile, CutTerm, Cutter, CutterOptions, KnownChunk } from './xet-workers.ts'

/** What is cut at a time. */
const batchBytes = 2 << 20
/** Shorter runs of known chunks are stored once more: a file of many short terms is read slowly. */
const leastRun = 8

/** A term whose xorb is not complete has no name for it yet. */
interface OpenTerm {
  xorb: string | null
  start: number
  end: number
  rawLength: number
}

export class FileCutter implements Cutter {
  readonly #session: ThreadSession
  readonly #options: CutterOptions
  #batch = Buffer.from(new ArrayBuffer(batchBytes))
  #filled = 0
  readonly #terms: OpenTerm[] = []
  #fd: number | null = null
  /** Chunks of the xorb being written, by hash. */
  readonly #own = new Map<string, number>()
  #count = 0
  #rawSize = 0

  constructor(session: ThreadSession, options: CutterOptions) {
    this.#session = session
    this.#options = options
  }

  async write(raw: Uint8Array): Promise<void> {
    for (let offset = 0; offset < raw.length; ) {
      const piece = raw.subarray(offset, offset + batchBytes - this.#filled)
      this.#batch.set(piece, this.#filled)
      this.#filled += piece.length
      offset += piece.length
      if (this.#filled === batchBytes) await this.#cut(false)
    }
  }

  async end(): Promise<CutFile> {
    await this.#cut(true)
    if (this.#fd !== null) await this.#seal(this.#fd)
    const file = await this.#session.call('cutEnd', {})
    return { ...file, terms: this.#terms.map(namedTerm) }
  }

  close(): void {
    this.#session.close()
  }

  async #cut(isLast: boolean): Promise<void> {
    const bytes = this.#batch.subarray(0, this.#filled)
    this.#batch = Buffer.from(new ArrayBuffer(isLast ? 0 : batchBytes))
    this.#filled = 0
    const { list } = await this.#session.call('cut', { bytes, isLast })
    const chunks: CutChunk[] = []
    forEachListed(Buffer.from(list), (hash, length) => chunks.push({ hash: hashToString(hash), length }))
    if (chunks.length > 0) await this.#place(chunks, await this.#options.findKnown(chunks))
  }

  async #place(chunks: readonly CutChunk[], known: readonly (KnownChunk | null)[]): Promise<void> {
    const found = chunks.map((chunk, index) => known[index] ?? this.#findOwn(chunk.hash))
    const flags: number[] = []
    for (const [index, chunk] of chunks.entries()) {
      // A xorb that was completed meanwhile has its name in `known` only the next time.
      const place = this.#isWorthwhile(found, index) ? (found[index] ?? null) : null
      if (place !== null && (place.xorb !== ownXorb || this.#own.get(chunk.hash) === place.index)) {
        flags.push(0)
        this.#addTerm(place.xorb === ownXorb ? null : place.xorb, place.index, chunk.length)
        continue
      }
      if (this.#fd !== null && !this.#hasRoom(chunk.length)) {
        await this.#flush(flags.splice(0), this.#fd)
        await this.#seal(this.#fd)
      }
      this.#fd ??= await this.#options.openXorb()
      flags.push(1)
      this.#own.set(chunk.hash, this.#count)
      this.#addTerm(null, this.#count, chunk.length)
      this.#count += 1
      this.#rawSize += chunk.length
    }
    await this.#flush(flags, this.#fd ?? -1)
  }

  #findOwn(hash: string): KnownChunk | null {
    const index = this.#own.get(hash)
    return index === undefined ? null : { xorb: ownXorb, index }
  }

  /** In a run that is long enough, or goes on from the last term, or may go on in the bytes before or after these. */
  #isWorthwhile(found: readonly (KnownChunk | null)[], index: number): boolean {
    const follows = (at: number): boolean => {
      const one = found[at]
      const next = found[at + 1]
      return one != null && next != null && one.xorb === next.xorb && one.index + 1 === next.index
    }
    let from = index
    let to = index
    while (from > 0 && follows(from - 1)) from -= 1
    while (follows(to)) to += 1
    if (from === 0 || to === found.length - 1 || to - from + 1 >= leastRun) return true
    const last = this.#terms.at(-1)
    const place = found[index]
    const name = place?.xorb === ownXorb ? null : place?.xorb
    return last !== undefined && last.xorb === name && last.end === place?.index
  }

  #hasRoom(length: number): boolean {
    return this.#count < mostXorbChunks && this.#rawSize + length <= xorbCutBytes
  }

  #addTerm(xorb: string | null, index: number, length: number): void {
    const last = this.#terms.at(-1)
    if (last !== undefined && last.xorb === xorb && last.end === index) {
      last.end += 1
      last.rawLength += length
    } else {
      this.#terms.push({ xorb, start: index, end: index + 1, rawLength: length })
    }
  }

  async #flush(flags: readonly number[], fd: number): Promise<void> {
    if (flags.length > 0) await this.#session.call('place', { isNew: Uint8Array.from(flags), fd })
  }

  /** Completes the xorb, whose name its terms then get. */
  async #seal(fd: number): Promise<void> {
    const { chunkIndex, ...xorb } = await this.#session.call('seal', {})
    const index = Buffer.from(chunkIndex.buffer, chunkIndex.byteOffset, chunkIndex.byteLength)
    await this.#options.finishXorb(fd, { ...xorb, chunkIndex: index })
    for (const term of this.#terms) term.xorb ??= xorb.hash
    this.#fd = null
    this.#own.clear()
    this.#count = 0
    this.#rawSize = 0
  }
}

/** Stands for the xorb being written; no hash looks like it. */
const ownXorb = ''

function namedTerm(term: OpenTerm): CutTerm {
  if (term.xorb === null) throw new Error('A term has no xorb.')
  return { xorb: term.xorb, start: term.start, end: term.end, rawLength: term.rawLength }
}
