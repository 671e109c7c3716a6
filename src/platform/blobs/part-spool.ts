/**
 * Cuts a transfer into files of one size and hands each on as soon as it is whole, holding the sender back while the receiver is behind.
 * What a slow client sends lies on the disk and not in memory, however many of them there are.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { HoldfastError } from '../../domain/errors.ts'
import type { ByteSink } from './checked-bytes.ts'
import { isDiskFull, nullIfMissing } from './file-faults.ts'
import { QueuedWriter } from './queued-writer.ts'

export interface PartSpoolOptions {
  readonly partSize: number
  newFile(): string
  /** Takes a closed file over, to remove it; resolves when the next one may come. */
  take(file: string, size: number): Promise<void>
}

interface OpenPart {
  readonly path: string
  readonly file: FileHandle
  readonly writer: QueuedWriter
  size: number
}

/** What may wait before the sender is held back. */
const queueLimit = 2 << 20

export class PartSpool implements ByteSink {
  readonly #options: PartSpoolOptions
  #queue: { readonly chunk: Uint8Array; readonly isPassing: boolean }[] = []
  #queued = 0
  #part: OpenPart | null = null
  #working: Promise<void> | null = null
  #fault: { readonly error: unknown } | null = null

  constructor(options: PartSpoolOptions) {
    this.#options = options
  }

  add(chunk: Uint8Array, isPassing: boolean): boolean {
    if (this.#fault !== null) throw this.#fault.error
    this.#queue.push({ chunk, isPassing })
    this.#queued += chunk.length
    this.#working ??= this.#work()
    return this.#queued < queueLimit
  }

  async drained(): Promise<void> {
    if (this.#working !== null) await this.#working
    if (this.#fault !== null) throw this.#fault.error
  }

  /** Hands the last part on, which may be smaller. */
  async finish(): Promise<void> {
    await this.drained()
    if (this.#part !== null) await this.#handOn(this.#part)
  }

  /** Waits until nothing is written any more, and removes what was not handed on. */
  async discard(): Promise<void> {
    this.#queue = []
    if (this.#working !== null) await this.#working
    const part = this.#part
    if (part === null) return
    this.#part = null
    await part.writer.settle()
    await part.file.close()
    await unlink(part.path).catch(nullIfMissing)
  }

  /** Never rejects: the fault is told at the next `add` or `drained`. */
  async #work(): Promise<void> {
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        await this.#write(next.chunk, next.isPassing)
        this.#queued -= next.chunk.length
      }
    } catch (error) {
      this.#queue = []
      this.#fault = { error: isDiskFull(error) ? new HoldfastError('storage_full', {}, { cause: error }) : error }
    } finally {
      this.#working = null
    }
  }

  async #write(chunk: Uint8Array, isPassing: boolean): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#part ??= await this.#openPart()
      const part = this.#part
      const room = this.#options.partSize - part.size
      // Of a chunk that is cut, the pieces are views, which nobody frees.
      const piece = at === 0 && chunk.length <= room ? chunk : chunk.subarray(at, at + room)
      at += piece.length
      part.size += piece.length
      if (!part.writer.add(piece, isPassing)) await part.writer.drained()
      if (part.size === this.#options.partSize) await this.#handOn(part)
    }
  }

  async #openPart(): Promise<OpenPart> {
    const path = this.#options.newFile()
    const file = await open(path, 'wx', 0o600)
    return { path, file, writer: new QueuedWriter(file), size: 0 }
  }

  async #handOn(part: OpenPart): Promise<void> {
    await part.writer.flush()
    await part.file.close()
    this.#part = null
    await this.#options.take(part.path, part.size)
  }
}
