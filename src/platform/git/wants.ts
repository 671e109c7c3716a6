/** What a client of `upload-pack` asks for, read off its request on the way to git (gitprotocol-pack(5), gitprotocol-v2(5)). */
import { Readable } from 'node:stream'

/** Wants are few, and stand before what the client has. */
const mostBytes = 1 << 20
const mostWants = 1_000
const headerBytes = 4

/**
 * The same stream; `tell` hears the wants when they are over, once, unless there are none. What is not git's framing is git's to refuse: it is
 * passed on as it is.
 */
export function watchWants(request: Readable, tell: (wants: readonly string[]) => void): Readable {
  return Readable.from(watched(request, new WantReader(tell)), { objectMode: false })
}

async function* watched(request: Readable, reader: WantReader): AsyncGenerator<Buffer> {
  for await (const piece of request as AsyncIterable<Buffer>) {
    reader.read(piece)
    yield piece
  }
  reader.end()
}

class WantReader {
  readonly #tell: (wants: readonly string[]) => void
  readonly #wants: string[] = []
  #left: Buffer = Buffer.alloc(0)
  #seen = 0
  #isOver = false

  constructor(tell: (wants: readonly string[]) => void) {
    this.#tell = tell
  }

  read(piece: Buffer): void {
    if (this.#isOver) return
    this.#seen += piece.length
    this.#left = this.#left.length === 0 ? piece : Buffer.concat([this.#left, piece])
    let at = 0
    while (!this.#isOver && this.#left.length - at >= headerBytes) {
      const length = Number.parseInt(this.#left.toString('latin1', at, at + headerBytes), 16)
      if (Number.isNaN(length)) {
        this.end()
        return
      }
      // Lengths below four are marks between sections, without a body.
      const end = at + Math.max(length, headerBytes)
      if (this.#left.length < end) break
      this.#line(this.#left.toString('latin1', at + headerBytes, end))
      at = end
    }
    this.#left = this.#left.subarray(at)
    if (this.#seen > mostBytes || this.#wants.length >= mostWants) this.end()
  }

  /** Version 0 writes the capabilities behind the first want. */
  #line(text: string): void {
    const [, oid] = /^want ([0-9a-f]{40})(?:[ \n]|$)/.exec(text) ?? []
    if (oid !== undefined) this.#wants.push(oid)
    else if (/^(have |done)/.test(text)) this.end()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#wants.length > 0) this.#tell([...new Set(this.#wants)].sort())
  }
}
