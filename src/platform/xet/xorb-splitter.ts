/**
 * Splits a xorb that streams in into batches of whole chunks by reading the headers only, and enforces every limit on the way: nothing is
 * gathered beyond one batch, whatever the headers say. A footer of an old client ends the chunks and is dropped.
 */
import { freeBytes } from '../blobs/free-bytes.ts'
import { readChunkHeader } from './codec.ts'
import { XetFormatError } from './errors.ts'
import { chunkHeaderBytes, mostFooterBytes, mostXorbBytes, mostXorbChunks } from './limits.ts'

/** Larger than the largest chunk, so that a full buffer always holds a whole one. */
export const batchBytes = 1 << 20

export interface XorbBatch {
  readonly bytes: ArrayBuffer
  readonly length: number
  /** Where these chunks lie in the xorb. */
  readonly position: number
}

const footerMark = Buffer.from('XETBLOB')

export class XorbSplitter {
  #buffer: Buffer | null = null
  /** The chunk that had begun in the buffer before, where there is none now. */
  #begun: Buffer = Buffer.alloc(0)
  /** Bytes in the buffer, and how many of them belong to chunks whose end is known (it may lie behind the filled ones). */
  #filled = 0
  #chunkEnd = 0
  /** Whole chunks in the buffer end here. */
  #whole = 0
  #position = 0
  #chunks = 0
  #raw = 0
  #footer: Footer | null = null

  get rawSize(): number {
    return this.#raw
  }

  get chunkCount(): number {
    return this.#chunks
  }

  /** True: it takes bytes only after `fill()`. */
  get needsBuffer(): boolean {
    return this.#buffer === null && this.#footer === null
  }

  /** Goes on in this buffer of `batchBytes`, which goes away with the next batch. */
  fill(buffer: ArrayBuffer): void {
    this.#buffer = Buffer.from(buffer)
    this.#buffer.set(this.#begun)
    freeBytes(this.#begun)
    this.#begun = Buffer.alloc(0)
  }

  /** The buffer that it is filling, if any: nothing is taken afterwards. */
  leaveBuffer(): ArrayBuffer | null {
    const buffer = this.#buffer
    this.#buffer = null
    return buffer === null ? null : bufferOf(buffer)
  }

  /** Takes what fits of the next bytes, and gives the batch if it is full. Throws `XetFormatError`. */
  push(bytes: Uint8Array): { readonly taken: number; readonly batch: XorbBatch | null } {
    if (this.#footer !== null) {
      this.#footer.push(bytes)
      return { taken: bytes.length, batch: null }
    }
    const buffer = this.#buffer
    if (buffer === null) throw new Error('There is no buffer to go on in.')
    const piece = bytes.subarray(0, buffer.length - this.#filled)
    buffer.set(piece, this.#filled)
    this.#filled += piece.length
    this.#readHeaders(buffer)
    const isFull = this.#filled === buffer.length && this.#footer === null
    return { taken: piece.length, batch: isFull ? this.#ship(buffer) : null }
  }

  /** After the last bytes: what is left, if anything. Throws `XetFormatError` if the xorb is not complete. */
  end(): XorbBatch | null {
    if (this.#footer !== null) this.#footer.end()
    else if (this.#whole !== this.#filled) throw new XetFormatError('The xorb ends in the middle of a chunk.')
    if (this.#chunks === 0) throw new XetFormatError('The xorb has no chunks.')
    return this.#whole === 0 || this.#buffer === null ? null : this.#ship(this.#buffer)
  }

  #readHeaders(buffer: Buffer): void {
    for (;;) {
      if (this.#chunkEnd > this.#filled) return
      this.#whole = this.#chunkEnd
      const left = this.#filled - this.#whole
      if (left === 0) return
      if (buffer[this.#whole] === footerMark[0]) {
        // The mark may arrive in two pieces; the footer looks at all of it.
        this.#footer = new Footer()
        this.#footer.push(buffer.subarray(this.#whole, this.#filled))
        this.#filled = this.#whole
        return
      }
      if (left < chunkHeaderBytes) return
      this.#readHeader(buffer)
    }
  }

  #readHeader(buffer: Buffer): void {
    const header = readChunkHeader(buffer, this.#whole)
    this.#chunkEnd = this.#whole + chunkHeaderBytes + header.stored
    this.#chunks += 1
    this.#raw += header.raw
    if (this.#chunks > mostXorbChunks) throw new XetFormatError(`A xorb has at most ${mostXorbChunks} chunks.`)
    if (this.#position + this.#chunkEnd > mostXorbBytes) throw new XetFormatError('A xorb is stored in at most 64 MiB.')
  }

  /** Hands over the whole chunks and keeps the begun one for the next buffer. */
  #ship(full: Buffer): XorbBatch {
    const batch = { bytes: bufferOf(full), length: this.#whole, position: this.#position }
    this.#buffer = null
    this.#begun = Buffer.from(full.subarray(this.#whole, this.#filled))
    this.#position += this.#whole
    this.#filled -= this.#whole
    this.#chunkEnd -= this.#whole
    this.#whole = 0
    return batch
  }
}

/** `XETBLOB`, things that we find out for ourselves, and at its end its own length without that number. */
class Footer {
  #size = 0
  #start = Buffer.alloc(0)
  #end = Buffer.alloc(0)

  push(bytes: Uint8Array): void {
    this.#size += bytes.length
    if (this.#size > mostFooterBytes) throw new XetFormatError('The footer of the xorb is too large.')
    if (this.#start.length < footerMark.length) {
      this.#start = Buffer.concat([this.#start, bytes.subarray(0, footerMark.length - this.#start.length)])
    }
    this.#end = Buffer.concat([this.#end, bytes.subarray(-4)]).subarray(-4)
    const seen = this.#start.length
    if (footerMark.compare(this.#start, 0, seen, 0, seen) !== 0) {
      throw new XetFormatError('After the chunks of the xorb comes something else.')
    }
  }

  end(): void {
    if (this.#size < footerMark.length + 4 || this.#end.readUInt32LE(0) !== this.#size - 4) {
      throw new XetFormatError('The footer of the xorb is not complete.')
    }
  }
}

function bufferOf(bytes: Buffer): ArrayBuffer {
  if (bytes.buffer instanceof ArrayBuffer) return bytes.buffer
  throw new TypeError('A batch lies in memory of its own.')
}
