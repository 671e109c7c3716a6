import {
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type Inflate,
  type InflateRaw,
  type ZstdDecompress,
} from 'node:zlib'
import { turnGiver } from '../../../platform/give-turn.ts'
import { Bzip2Decoder } from './decoders/bzip2.ts'
import { Damaged, type Decoder } from './decoders/decoder.ts'
import { Lz4Decoder } from './decoders/lz4.ts'
import { LzmaDecoder } from './decoders/lzma-file.ts'
import { XzDecoder } from './decoders/xz.ts'
import { formatOf, headBytes } from './formats.ts'
import { Pieces } from './pieces.ts'

/** With how many bytes at once the transform is fed: so that what they unpack to fits into memory, a thousandfold or, for zstd, far more. */
const makers = {
  zlib: { make: () => createInflate(), atOnce: 8192 },
  deflate: { make: () => createInflateRaw(), atOnce: 8192 },
  zstd: { make: () => createZstdDecompress(), atOnce: 512 },
} as const satisfies Readonly<Record<string, { make(): Transform; atOnce: number }>>

type Transform = Inflate | InflateRaw | ZstdDecompress

/** What Node does not unpack. */
const decoders = {
  lz4: () => new Lz4Decoder(),
  bzip2: () => new Bzip2Decoder(),
  lzma: () => new LzmaDecoder('file'),
  'lzma in a zip': () => new LzmaDecoder('zip'),
  xz: () => new XzDecoder(),
} as const satisfies Readonly<Record<string, () => Decoder>>

export type Compression = 'gzip' | keyof typeof makers | keyof typeof decoders

/**
 * The pieces unpacked, as they come, and all streams that stand one behind another where loaders read on; `count` is told of each piece and may throw. Throws
 * Damaged, or NotDecoded, where it is no longer possible, after all that came out before: a stream would drop what its reader had not taken yet, and an
 * attacker would put the payload there.
 */
export async function* unpack(
  pieces: AsyncIterable<Uint8Array>,
  compression: Compression,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const input = new Pieces(pieces)
  if (compression === 'lzma') await skipEmpty(input)
  for (let next: Compression | null = compression, isFirst = true; next !== null; isFirst = false) {
    if (next === 'gzip') yield* unpackMember(input, count)
    else yield* unpackOne(input, next, count, isFirst)
    next = await following(input, next)
  }
}

/** What Python reads on with, behind the end of a stream: with another gzip behind zeros, and with xz and lzma one behind the other. */
async function following(input: Pieces, last: Compression): Promise<Compression | null> {
  if (last === 'gzip') await input.skipZeros()
  else if (last === 'lzma' || last === 'xz') await skipEmpty(input)
  else if (last !== 'zlib') return null
  const format = formatOf(await input.look(headBytes))
  if (last === 'gzip' || last === 'zlib') return format === last ? format : null
  return format === 'xz' || format === 'lzma' ? format : null
}

/** Zeros are a whole lzma, of no bytes and with the least of properties. */
const emptyLzmaBytes = 18

async function skipEmpty(input: Pieces): Promise<void> {
  const zeros = await input.skipZeros()
  input.giveBack(new Uint8Array(zeros % emptyLzmaBytes))
}

const hasHeaderChecksum = 2
const hasExtra = 4
const hasName = 8
const hasComment = 16

/** One member of a gzip, by hand: Python looks neither at the checksum of its header nor at flags that are not known, and zlib refuses both. */
async function* unpackMember(input: Pieces, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const head = await input.take(10)
  if (head.length < 10) throw new Damaged('its header is cut')
  const flags = head[3] ?? 0
  if ((flags & hasExtra) !== 0) {
    const [low = 0, high = 0] = await input.take(2)
    await input.skip(low + high * 256)
  }
  for (const flag of [hasName, hasComment]) if ((flags & flag) !== 0) await skipText(input)
  if ((flags & hasHeaderChecksum) !== 0) await input.skip(2)
  yield* unpackOne(input, 'deflate', count, true)
  await input.skip(8)
}

/** Up to the zero byte that ends it. */
async function skipText(input: Pieces): Promise<void> {
  for (;;) {
    const text = await input.take(headBytes)
    if (text.length === 0) return
    const end = text.indexOf(0)
    if (end < 0) continue
    input.giveBack(text.subarray(end + 1))
    return
  }
}

async function* unpackOne(
  input: Pieces,
  compression: Exclude<Compression, 'gzip'>,
  count: (bytes: number) => void,
  isFirst: boolean,
): AsyncGenerator<Uint8Array> {
  let isEmpty = true
  try {
    const pieces = isOurs(compression)
      ? decode(input, decoders[compression](), count)
      : transformed(input, compression, count)
    for await (const piece of pieces) {
      isEmpty = false
      yield piece
    }
  } catch (error) {
    // What only looks like a further stream is none.
    if (isFirst || !isEmpty || !(error instanceof Damaged)) throw error
  }
}

async function* transformed(
  input: Pieces,
  compression: keyof typeof makers,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const { make, atOnce } = makers[compression]
  const transform = make()
  const unpacked = new Unpacked(transform, count)
  let fed = 0
  try {
    for await (const piece of input.upTo(Number.POSITIVE_INFINITY)) {
      let at = 0
      while (at < piece.length && !unpacked.isOver) {
        // The transform works in a thread, and the piece is only ours until the next is asked for.
        const part = Uint8Array.from(piece.subarray(at, at + atOnce))
        at += part.length
        fed += part.length
        await unpacked.feed(part)
        yield* unpacked.take()
      }
      if (unpacked.isOver) {
        input.giveBack(piece.subarray(Math.max(0, at - (fed - transform.bytesWritten))))
        break
      }
    }
    if (!unpacked.isOver) await unpacked.finish()
    yield* unpacked.take()
    unpacked.throwIfFailed()
  } finally {
    transform.destroy()
  }
}

function isOurs(compression: keyof typeof makers | keyof typeof decoders): compression is keyof typeof decoders {
  return compression in decoders
}

/** As a part of the piece where all of it came with it: nothing is copied. */
function giveBackRest(input: Pieces, piece: Uint8Array, fed: number, rest: Uint8Array = new Uint8Array(0)): void {
  const isOfPiece = rest.length <= fed
  input.giveBack(piece.subarray(isOfPiece ? fed - rest.length : fed))
  if (!isOfPiece) input.giveBack(rest)
}

const restBytes = 1 << 14

/** One stream, by a decoder that stands at its beginning. */
export function unpackWith(
  pieces: AsyncIterable<Uint8Array>,
  decoder: Decoder,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  return decode(new Pieces(pieces), decoder, count)
}

async function* decode(input: Pieces, decoder: Decoder, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const turn = turnGiver()
  const feed = async function* (bytes: Uint8Array, isLast: boolean): AsyncGenerator<Uint8Array> {
    for (const piece of decoder.feed(bytes, isLast)) {
      count(piece.length)
      yield piece
      // Much may come out of little, and others must have their turn meanwhile.
      await turn()
    }
  }
  for await (const piece of input.upTo(Number.POSITIVE_INFINITY)) {
    // What it does not use is to be small: many streams may stand behind each other in a piece.
    const atOnce = decoder.rest === undefined ? piece.length : restBytes
    for (let at = 0; at < piece.length; at += atOnce) {
      yield* feed(piece.subarray(at, at + atOnce), false)
      if (!decoder.isOver) continue
      giveBackRest(input, piece, Math.min(at + atOnce, piece.length), decoder.rest)
      return
    }
  }
  yield* feed(new Uint8Array(0), true)
  if (decoder.rest !== undefined) input.giveBack(decoder.rest)
}

class Unpacked {
  isOver = false
  #pieces: Uint8Array[] = []
  #limit: unknown = null
  #damage: Error | null = null
  #wake: (() => void) | null = null
  readonly #transform: Transform

  constructor(transform: Transform, count: (bytes: number) => void) {
    this.#transform = transform
    transform.on('data', (piece: Uint8Array) => {
      try {
        count(piece.length)
        this.#pieces.push(piece)
      } catch (error) {
        this.#limit = error
        this.#end()
      }
    })
    transform.on('end', () => this.#end())
    transform.on('error', (error) => {
      this.#damage = error
      this.#end()
    })
  }

  feed(bytes: Uint8Array): Promise<void> {
    return this.#wait((done) => this.#transform.write(bytes, done))
  }

  finish(): Promise<void> {
    return this.#wait(() => this.#transform.end())
  }

  take(): readonly Uint8Array[] {
    // What still waits inside the transform would be lost with its next error. Reading it emits it.
    while (!this.isOver && this.#transform.read() !== null);
    return this.#pieces.splice(0)
  }

  throwIfFailed(): void {
    if (this.#limit !== null) throw this.#limit
    if (this.#damage !== null) throw new Damaged(this.#damage.message)
  }

  /** Until `start` calls back, or all is over. */
  #wait(start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      start(resolve)
      if (this.isOver) resolve()
    })
  }

  #end(): void {
    this.isOver = true
    this.#wake?.()
  }
}
