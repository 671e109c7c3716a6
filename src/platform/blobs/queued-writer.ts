/**
 * Gathers the chunks of a transfer to writes of about 1 MiB, one of which is under way at a time; a sender who is faster than the disk is
 * held back, so that a transfer never holds more than a few MiB.
 */
import type { FileHandle } from 'node:fs/promises'
import type { ByteSink } from './checked-bytes.ts'
import { freeBytes } from './free-bytes.ts'

/** A write begins with the first of these and never has more than the second: larger ones lose their turn on a busy machine. */
const leastWrite = 1 << 18
const mostWrite = 1 << 20
/** What may wait for the disk before the sender is held back. */
const queueLimit = 2 << 20

/** Writes what it was given, in order, one large write at a time. After a failed write it takes nothing more. */
export class QueuedWriter implements ByteSink {
  readonly #file: FileHandle
  #queue: Uint8Array[] = []
  #queued = 0
  /** All chunks so far belong to nobody else. */
  #isPassing = true
  #writing: Promise<void> | null = null
  #fault: { readonly error: unknown } | null = null

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** False: wait for `drained` before the next chunk. Throws what an earlier write failed with. */
  add(chunk: Uint8Array, isPassing: boolean): boolean {
    this.#isPassing &&= isPassing
    if (this.#fault !== null) throw this.#fault.error
    this.#queue.push(chunk)
    this.#queued += chunk.length
    if (this.#queued >= leastWrite && this.#writing === null) this.#write()
    return this.#queued < queueLimit
  }

  async drained(): Promise<void> {
    while (this.#queued >= mostWrite && this.#writing !== null) await this.#writing
    if (this.#fault !== null) throw this.#fault.error
  }

  async flush(): Promise<void> {
    while (this.#fault === null && (this.#queued > 0 || this.#writing !== null)) {
      if (this.#writing === null) this.#write()
      await this.#writing
    }
    if (this.#fault !== null) throw this.#fault.error
  }

  /** Waits until nothing writes to the file any more, whatever came of it: only then may it be closed. */
  async settle(): Promise<void> {
    this.#queued = 0
    this.#queue = []
    await this.#writing
  }

  #write(): void {
    let size = 0
    let count = 0
    while (count < this.#queue.length && size < mostWrite) size += this.#queue[count++]?.length ?? 0
    const batch = this.#queue.splice(0, count)
    this.#queued -= size
    this.#writing = writeAll(this.#file, batch, size).then(
      () => {
        if (this.#isPassing) for (const chunk of batch) freeBytes(chunk)
        this.#writing = null
        if (this.#queued >= leastWrite) this.#write()
      },
      (error: unknown) => {
        this.#writing = null
        this.#fault = { error }
      },
    )
  }
}

async function writeAll(file: FileHandle, batch: Uint8Array[], size: number): Promise<void> {
  const { bytesWritten } = await file.writev(batch)
  if (bytesWritten === size) return
  // A short write (a nearly full disk): the rest goes in one piece, which ends in the true error.
  await file.writeFile(Buffer.concat(batch).subarray(bytesWritten))
}
