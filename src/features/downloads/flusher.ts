/** Writes what somebody gathers in bundles: a while after something came, one bundle after the other, and again where one failed. */
export class Flusher {
  readonly #write: () => Promise<void>
  readonly #tell: (error: unknown) => void
  readonly #everyMs: number
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()

  /** `write` keeps what it could not write, and throws; `tell` is told of that where nobody waits for it. */
  constructor(write: () => Promise<void>, tell: (error: unknown) => void, everyMs: number) {
    this.#write = write
    this.#tell = tell
    this.#everyMs = everyMs
  }

  /** In `waitMs` at the latest; what was to come sooner stays so. */
  soon(waitMs = this.#everyMs): void {
    if (this.#timer !== null) {
      if (waitMs > 0) return
      clearTimeout(this.#timer)
    }
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.now().catch((error: unknown) => {
        this.#tell(error)
        this.soon()
      })
    }, waitMs).unref()
  }

  /** Behind what is being written. Throws where it could not be written. */
  async now(): Promise<void> {
    const before = this.#writing
    // Whoever asked for the write before was told of its failure; what it held is part of this one.
    const writing = before.catch(() => undefined).then(this.#write)
    this.#writing = writing
    await writing
  }

  /** The last bundle, and none any more. Throws where it could not be written. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.now()
  }
}
