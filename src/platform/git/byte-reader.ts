/**
 * Reads lines and counted bytes from a process's output. Only what is asked for is taken from the stream, so a slow
 * consumer slows the process down instead of filling memory.
 */
import type { Readable } from 'node:stream'
import { GitFailure } from './run.ts'

const newline = 0x0a
const lineLimit = 64 * 1024

export class ByteReader {
  readonly #stream: Readable
  #buffer: Buffer = Buffer.alloc(0)
  #isEnded = false
  #wake: (() => void) | null = null

  constructor(stream: Readable) {
    this.#stream = stream
    const end = () => {
      this.#isEnded = true
      this.#wake?.()
    }
    stream.on('readable', () => this.#wake?.())
    stream.on('end', end)
    stream.on('close', end)
    stream.on('error', end)
  }

  /** One line without its newline. Throws when the stream ends before it. */
  async line(): Promise<string> {
    for (;;) {
      const line = this.lineNow()
      if (line !== null) return line
      if (this.#buffer.length > lineLimit) throw new GitFailure('broken', 'git printed an endless line')
      await this.#fill()
    }
  }

  /** One line when it is already here, else null. */
  lineNow(): string | null {
    const end = this.#buffer.indexOf(newline)
    if (end < 0) return null
    const line = this.#buffer.toString('utf8', 0, end)
    this.#buffer = this.#buffer.subarray(end + 1)
    return line
  }

  /** The line, or null at the end of the stream. */
  async lineOrEnd(): Promise<string | null> {
    for (;;) {
      const line = this.lineNow()
      if (line !== null) return line
      if (!(await this.#more())) return null
    }
  }

  /** The bytes up to the next NUL, without it, or null at the end of the stream. */
  async upToZeroOrEnd(): Promise<string | null> {
    for (;;) {
      const end = this.#buffer.indexOf(0)
      if (end >= 0) {
        const field = this.#buffer.toString('utf8', 0, end)
        this.#buffer = this.#buffer.subarray(end + 1)
        return field
      }
      if (this.#buffer.length > lineLimit) throw new GitFailure('broken', 'git printed an endless field')
      if (!(await this.#more())) return null
    }
  }

  /** Exactly so many bytes. */
  async exactly(size: number): Promise<Buffer> {
    if (this.#buffer.length >= size) return this.#take(size)
    const parts = [this.#buffer]
    let missing = size - this.#buffer.length
    this.#buffer = Buffer.alloc(0)
    while (missing > 0) {
      await this.#fill()
      const part = this.#take(Math.min(missing, this.#buffer.length))
      parts.push(part)
      missing -= part.length
    }
    return Buffer.concat(parts, size)
  }

  /** At least one and at most `limit` bytes. */
  async some(limit: number): Promise<Buffer> {
    if (this.#buffer.length === 0) await this.#fill()
    return this.#take(Math.min(limit, this.#buffer.length))
  }

  async skip(size: number): Promise<void> {
    for (let left = size; left > 0; ) left -= (await this.some(left)).length
  }

  #take(size: number): Buffer {
    const bytes = this.#buffer.subarray(0, size)
    this.#buffer = this.#buffer.subarray(size)
    return bytes
  }

  async #fill(): Promise<void> {
    if (!(await this.#more())) throw new GitFailure('broken', 'git ended in the middle of its answer')
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const chunk = this.#stream.read() as Buffer | null
      if (chunk !== null) {
        this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
        return true
      }
      if (this.#isEnded) return false
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
  }
}
