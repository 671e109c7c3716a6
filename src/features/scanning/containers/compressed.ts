import type { Transform } from 'node:stream'
import { createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { turnGiver } from '../../../platform/give-turn.ts'
import { Bzip2Decoder } from './decoders/bzip2.ts'
import { Damaged, type Decoder } from './decoders/decoder.ts'
import { Lz4Decoder } from './decoders/lz4.ts'
import { LzmaDecoder } from './decoders/lzma-file.ts'
import { XzDecoder } from './decoders/xz.ts'

/** With how many bytes at once the transform is fed: so that what they unpack to fits into memory, a thousandfold or, for zstd, far more. */
const makers = {
  gzip: { make: () => createGunzip(), atOnce: 8192 },
  zlib: { make: () => createInflate(), atOnce: 8192 },
  deflate: { make: () => createInflateRaw(), atOnce: 8192 },
  zstd: { make: () => createZstdDecompress(), atOnce: 512 },
} as const satisfies Readonly<Record<string, { make(): Transform; atOnce: number }>>

/** What Node does not unpack. */
const decoders = {
  lz4: () => new Lz4Decoder(),
  bzip2: () => new Bzip2Decoder(),
  lzma: () => new LzmaDecoder('file'),
  'lzma in a zip': () => new LzmaDecoder('zip'),
  xz: () => new XzDecoder(),
} as const satisfies Readonly<Record<string, () => Decoder>>

export type Compression = keyof typeof makers | keyof typeof decoders

/**
 * The pieces unpacked, as they come; `count` is told of each and may throw. Throws Damaged, or NotDecoded, where it is no longer possible, after all that
 * came out before: a stream would drop what its reader had not taken yet, and an attacker would put the payload there.
 */
export async function* unpack(
  pieces: AsyncIterable<Uint8Array>,
  compression: Compression,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  if (isOurs(compression)) {
    yield* unpackWith(pieces, decoders[compression](), count)
    return
  }
  const { make, atOnce } = makers[compression]
  const transform: Transform = make()
  const unpacked = new Unpacked(transform, count)
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length && !unpacked.isOver; at += atOnce) {
        // The transform works in a thread, and the piece is only ours until the next is asked for.
        await unpacked.feed(Uint8Array.from(piece.subarray(at, at + atOnce)))
        yield* unpacked.take()
      }
      if (unpacked.isOver) break
    }
    if (!unpacked.isOver) await unpacked.finish()
    yield* unpacked.take()
    unpacked.throwIfFailed()
  } finally {
    transform.destroy()
  }
}

function isOurs(compression: Compression): compression is keyof typeof decoders {
  return compression in decoders
}

/** As `unpack`, by a decoder that stands at its beginning. */
export async function* unpackWith(
  pieces: AsyncIterable<Uint8Array>,
  decoder: Decoder,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const turn = turnGiver()
  const decode = async function* (bytes: Uint8Array, isLast: boolean): AsyncGenerator<Uint8Array> {
    for (const piece of decoder.feed(bytes, isLast)) {
      count(piece.length)
      yield piece
      // Much may come out of little, and others must have their turn meanwhile.
      await turn()
    }
  }
  for await (const piece of pieces) {
    yield* decode(piece, false)
    if (decoder.isOver) return
  }
  yield* decode(new Uint8Array(0), true)
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
