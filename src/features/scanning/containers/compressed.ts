import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'

const makers = {
  gzip: () => createGunzip(),
  zlib: () => createInflate(),
  zstd: () => createZstdDecompress(),
  deflate: () => createInflateRaw(),
} as const satisfies Readonly<Record<string, () => Transform>>

export type Compression = keyof typeof makers

/** The compressed bytes are damaged, cut, or none of the kind. */
export class Damaged extends Error {}

/** The pieces unpacked, as they come. Throws Damaged where that is no longer possible; what came before is right. */
export async function* unpack(
  pieces: AsyncIterable<Uint8Array>,
  compression: Compression,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const transform = makers[compression]()
  let inputError: unknown = null
  let limit: unknown = null
  const input = async function* (): AsyncGenerator<Uint8Array> {
    try {
      // The transform works on while the next piece is read into the same memory.
      for await (const piece of pieces) yield Uint8Array.from(piece)
    } catch (error) {
      inputError = error
      throw error
    }
  }
  pipeline(Readable.from(input(), { objectMode: false, highWaterMark: 1 }), transform, () => undefined)
  try {
    for await (const piece of transform) {
      try {
        count(piece.length)
      } catch (error) {
        limit = error
        throw error
      }
      yield piece
    }
  } catch (error) {
    if (limit !== null) throw limit
    if (inputError !== null) throw inputError
    throw new Damaged(error instanceof Error ? error.message : String(error))
  } finally {
    transform.destroy()
  }
}
