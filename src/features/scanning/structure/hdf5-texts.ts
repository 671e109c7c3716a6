/**
 * The JSON texts in an HDF5 file. Attributes, where Keras keeps a model's configuration, are never compressed and lie in one piece, in the header of their object
 * or on a heap; so the file is read from end to end and no structure of it is believed.
 */
import { Buffer } from 'node:buffer'
import { type ByteSource, readBytes } from '../byte-source.ts'

const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')
/** The file may begin with a block of the user, of a power of two. */
const places = [0, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
const open = 0x7b
const close = 0x7d
const quote = 0x22
const backslash = 0x5c
/** Between the first brace and the first name; where there are more, what follows is read as a text all the same. */
const mostBlanks = 64
/** Bytes that are looked at again because they only looked like a text. */
const mostAgain = 256 << 20

/** Null where the bytes are no HDF5. Texts of more than `longest` bytes come as `too long`. */
export async function textsInHdf5(source: ByteSource, longest: number): Promise<AsyncIterable<string> | null> {
  for (const at of places) {
    if (at + 8 > source.size) break
    if (signature.equals(await readBytes(source, at, 8))) return findTexts(source, longest)
  }
  return null
}

async function* findTexts(source: ByteSource, longest: number): AsyncGenerator<string> {
  let carry: Buffer = Buffer.alloc(0)
  let running: TextReader | null = null
  let again = mostAgain
  for await (const piece of withEnd(source.read(0, source.size))) {
    let bytes: Buffer = carry.length === 0 ? Buffer.from(piece) : Buffer.concat([carry, piece])
    carry = Buffer.alloc(0)
    for (let at = 0; at < bytes.length; ) {
      if (running === null) {
        const start = nextStart(bytes, at)
        if (start === null) {
          // The beginning of a text may lie across the edge.
          carry = Buffer.from(bytes.subarray(Math.max(at, bytes.length - mostBlanks)))
          break
        }
        running = new TextReader(longest)
        at = start
      }
      const from = at
      at = running.read(bytes, at)
      if (running.state === 'reading') break
      const read: string | Buffer = running.end()
      running = null
      if (typeof read === 'string') yield read
      else if (read.length > again) yield 'too long'
      else if (read.length === at - from) {
        // It was no text, and one may begin within it.
        again -= read.length
        at = from + 1
      } else {
        again -= read.length
        bytes = Buffer.concat([read.subarray(1), bytes.subarray(at)])
        at = 0
      }
    }
  }
}

/** The zero byte ends a text that the end of the file cuts. */
async function* withEnd(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces
  yield Uint8Array.of(0)
}

/** Where a brace stands with a quote behind it. */
function nextStart(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf(open, from); at >= 0; at = bytes.indexOf(open, at + 1)) {
    let next = at + 1
    while (isBlank(bytes[next]) && next - at < mostBlanks) next++
    if (bytes[next] === quote || next - at === mostBlanks) return at
  }
  return null
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** Takes bytes up to the brace that closes the first one, or up to a zero byte, which no JSON has. */
class TextReader {
  state: 'reading' | 'whole' | 'broken' = 'reading'
  readonly #longest: number
  #parts: Buffer[] = []
  #length = 0
  #depth = 0
  #isInText = false
  #isEscaped = false

  constructor(longest: number) {
    this.#longest = longest
  }

  /** How far it came. */
  read(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length && this.state === 'reading') {
      const byte = bytes[at++] as number
      if (byte === 0) this.state = 'broken'
      else if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInText) {
        if (byte === quote) this.#isInText = false
        else if (byte === backslash) this.#isEscaped = true
      } else if (byte === quote) this.#isInText = true
      else if (byte === open) this.#depth++
      else if (byte === close && --this.#depth === 0) this.state = 'whole'
    }
    this.#length += at - from
    if (this.#length <= this.#longest) this.#parts.push(Buffer.from(bytes.subarray(from, at)))
    else this.#parts = []
    return at
  }

  /** Where it was no text: the bytes that it took for one. */
  end(): string | Buffer {
    if (this.#length > this.#longest) return 'too long'
    const bytes = Buffer.concat(this.#parts)
    return this.state === 'whole' ? bytes.toString('utf8') : bytes
  }
}
