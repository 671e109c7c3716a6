/** What a client of `upload-pack` asks for, read off its request on the way to git (gitprotocol-pack(5), gitprotocol-v2(5)). */
import { Readable } from 'node:stream'

/** Wants are few, and stand before what the client has. */
const mostBytes = 1 << 20
const mostWants = 1_000
const headerBytes = 4
/** Version 0 writes the capabilities behind the first. */
const wantLine = /^want ([0-9a-f]{40})/i

/**
 * The same stream; `tell` hears the wants when they are over, once, unless there are none. What is not git's framing is git's to refuse: it is
 * passed on as it is.
 */
export function watchWants(request: Readable, tell: (wants: readonly string[]) => void): Readable {
  return Readable.from(watched(request, new WantReader(tell)), { objectMode: false })
}

/**
 * All that a whole request wants, for judging it; null where it cannot be read as git reads it. Version 2 takes its lines in any order, and git
 * hexadecimal digits in either case with anything behind them.
 */
export function wantsIn(request: Buffer): string[] | null {
  const wants = new Set<string>()
  let at = 0
  while (at < request.length) {
    const head = request.toString('latin1', at, at + headerBytes)
    if (!/^[0-9a-f]{4}$/i.test(head)) return null
    const end = at + Math.max(Number.parseInt(head, 16), headerBytes)
    if (end > request.length) return null
    const text = request.toString('latin1', at + headerBytes, end)
    if (text.startsWith('want')) {
      const oid = wantLine.exec(text)?.[1]
      if (oid === undefined) return null
      wants.add(oid.toLowerCase())
    }
    at = end
  }
  return [...wants]
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

  #line(text: string): void {
    const [, oid] = wantLine.exec(text) ?? []
    if (oid !== undefined) this.#wants.push(oid.toLowerCase())
    else if (/^(have |done)/.test(text)) this.end()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#wants.length > 0) this.#tell([...new Set(this.#wants)].sort())
  }
}
