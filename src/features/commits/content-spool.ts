/**
 * The bytes of one file while they arrive: up to 1 MiB stays in memory, more goes to a file (0600) in a folder that the commit owns.
 * Taking bytes in never waits; whoever feeds it calls `flush` between slices, so what is in memory stays within the bound.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.ts'

/** In memory, or in a file that is removed as soon as the operation is done with. */
export type SpooledContent =
  | { readonly size: number; readonly bytes: Buffer; readonly file: null }
  | { readonly size: number; readonly bytes: null; readonly file: string }

export interface SpoolOptions {
  /** Where files go; it exists and belongs to this commit. */
  readonly folder: string
  /** Bytes that one file may have. */
  readonly fileLimit: number
}

/** What may stay in memory, and what is written at once. */
export const memoryLimit = 1 << 20
const smallPiece = 4096
const noBlock = Buffer.alloc(0)

export class ContentSpool {
  readonly #options: SpoolOptions
  #pieces: Buffer[] = []
  #buffered = 0
  #size = 0
  #block = noBlock
  #used = 0
  #file: { readonly path: string; readonly handle: FileHandle } | null = null

  constructor(options: SpoolOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /** Throws `field_too_large`. The bytes must not change afterwards. */
  append(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#size += bytes.length
    if (this.#size > this.#options.fileLimit) {
      throw new HoldfastError('field_too_large', {
        field: 'A file inside the commit',
        limit: `${this.#options.fileLimit} bytes`,
      })
    }
    this.#buffered += bytes.length
    if (bytes.length >= smallPiece || this.#pieces.length === 0) this.#pieces.push(bytes)
    else this.#copy(bytes)
  }

  /** Writes to disk what is too much for memory. */
  async flush(): Promise<void> {
    if (this.#buffered > memoryLimit) await this.#write()
  }

  /** Everything that was appended; nothing may be appended afterwards. */
  async finish(): Promise<SpooledContent> {
    await this.flush()
    if (this.#file === null) {
      const [only] = this.#pieces
      const bytes = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces, this.#buffered)
      return { size: this.#size, bytes, file: null }
    }
    await this.#write()
    await this.#file.handle.close()
    return { size: this.#size, bytes: null, file: this.#file.path }
  }

  /** Removes the file, if there is one. */
  async discard(): Promise<void> {
    this.#pieces = []
    if (this.#file === null) return
    await this.#file.handle.close()
    await rm(this.#file.path, { force: true })
  }

  /** Text full of escapes comes in crumbs; each as a buffer of its own would take a hundred times its size. */
  #copy(bytes: Buffer): void {
    if (this.#block.length - this.#used < bytes.length) {
      this.#block = Buffer.allocUnsafeSlow(1 << 16)
      this.#used = 0
    }
    const start = this.#used
    bytes.copy(this.#block, start)
    this.#used += bytes.length
    const last = this.#pieces.at(-1)
    // The last piece grows where the crumb lies right behind it.
    const isBehind =
      last?.buffer === this.#block.buffer && last.byteOffset + last.length === this.#block.byteOffset + start
    if (isBehind) this.#pieces[this.#pieces.length - 1] = this.#block.subarray(start - last.length, this.#used)
    else this.#pieces.push(this.#block.subarray(start, this.#used))
  }

  async #write(): Promise<void> {
    if (this.#file === null) {
      const path = join(this.#options.folder, `content-${randomBytes(8).toString('hex')}`)
      this.#file = { path, handle: await open(path, 'wx', 0o600) }
    }
    const pieces = this.#pieces
    this.#pieces = []
    this.#buffered = 0
    this.#block = noBlock
    this.#used = 0
    for (let at = 0; at < pieces.length; ) {
      const { bytesWritten } = await this.#file.handle.writev(pieces.slice(at))
      at = dropWritten(pieces, at, bytesWritten)
    }
  }
}

/** A disk that fills up takes less than it was given; the next write then says so. */
function dropWritten(pieces: Buffer[], from: number, written: number): number {
  let at = from
  let rest = written
  for (let piece = pieces[at]; piece !== undefined && rest >= piece.length; piece = pieces[at]) {
    rest -= piece.length
    at++
  }
  const cut = pieces[at]
  if (cut !== undefined && rest > 0) pieces[at] = cut.subarray(rest)
  return at
}
