import { Buffer } from 'node:buffer'
import { isTarHeader } from './formats.ts'
import { Pieces } from './pieces.ts'
import type { Reading } from './reading.ts'
import type { Place, ScanContext } from './scan-context.ts'

const block = 512
const regularFiles = new Set(['0', '\0', '7'])

/** The files of a tar, one after another. */
export async function readTar(
  context: ScanContext,
  place: Place,
  input: AsyncIterable<Uint8Array>,
  read: Reading,
): Promise<void> {
  const pieces = new Pieces(input)
  for (;;) {
    const header = await pieces.take(block)
    if (header.length === 0) return
    if (header.length < block) return context.sayBroken(place, 'the tar ends in the middle')
    if (header.every((byte) => byte === 0)) return
    if (!isTarHeader(header)) return context.sayBroken(place, 'a header of the tar is damaged')
    context.countEntry()
    const size = sizeOf(header)
    if (size === null) return context.sayBroken(place, 'a header of the tar has no size')
    const type = String.fromCharCode(header[156] ?? 0)
    const padded = Math.ceil(size / block) * block
    let left = padded
    if (regularFiles.has(type) && size > 0) {
      const entry = counted(pieces.upTo(size), (bytes) => {
        left -= bytes
      })
      await read.pieces([...place, nameOf(header)], entry)
    }
    if ((await pieces.skip(left)) < left) return context.sayBroken(place, 'the tar ends in the middle')
  }
}

async function* counted(pieces: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    count(piece.length)
    yield piece
  }
}

/** Octal, or big-endian with the highest bit set. */
function sizeOf(header: Uint8Array): number | null {
  const field = header.subarray(124, 136)
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let size = (field[0] ?? 0) & 0x7f
    for (const byte of field.subarray(1)) size = size * 256 + byte
    return Number.isSafeInteger(size) ? size : null
  }
  const text = Buffer.from(field).toString('latin1').replace(/\0.*$/s, '').trim()
  return text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : null
}

function nameOf(header: Uint8Array): string {
  return Buffer.from(header.subarray(0, 100)).toString('utf8').replace(/\0.*$/s, '')
}
