/**
 * Tars, read as all of their readers would. Readers differ: on entries that say they have bytes and are of a kind that has none, on blocks of zeros, on what follows
 * a damaged header, on sizes that stand elsewhere. So whatever block is a header begins an entry, and what is left unread is said.
 */
import { Buffer } from 'node:buffer'
import { isTarHeader, tarNumber } from './formats.ts'
import { Pieces } from './pieces.ts'
import type { Reading } from './reading.ts'
import type { Place, ScanContext } from './scan-context.ts'

const block = 512
/** Links, devices, folders and pipes: Python looks for the next header right behind theirs, whatever size they say. */
const withoutBytes = new Set(['1', '2', '3', '4', '5', '6'])
/** Headers of pax, which speak of the next entry or of all. */
const pax = new Set(['x', 'X', 'g'])
const sparse = 'S'
const longestPax = 1 << 20

/** The files of a tar, one after another. */
export async function readTar(
  context: ScanContext,
  place: Place,
  input: AsyncIterable<Uint8Array>,
  read: Reading,
): Promise<void> {
  const pieces = new Pieces(input)
  let isEnded = false
  let largeSize: number | null = null
  for (;;) {
    context.signal.throwIfAborted()
    const header = await pieces.take(block)
    if (header.length === 0) return
    if (header.length < block) {
      if (!isEnded) context.sayBroken(place, 'the tar ends in the middle')
      return
    }
    if (!isTarHeader(header)) {
      // Behind a block of zeros some readers stop, and others go on.
      if (header.every((byte) => byte === 0)) isEnded = true
      else if (!isEnded) context.sayBroken(place, 'a header of the tar is damaged')
      continue
    }
    isEnded = false
    context.countEntry()
    const type = String.fromCharCode(header[156] ?? 0)
    const named = tarNumber(header.subarray(124, 136))
    if (named === null) context.sayPartly([...place, nameOf(header)], 'its size in the tar cannot be read')
    if (type === sparse) context.sayPartly([...place, nameOf(header)], 'a file with holes in a tar is not put together')
    // An entry whose next block is a header has no bytes, whatever it says, for some readers at least.
    if (withoutBytes.has(type) && isTarHeader(await pieces.look(block))) continue
    const size: number = pax.has(type) ? (named ?? 0) : (largeSize ?? named ?? 0)
    if (pax.has(type)) {
      const records = Buffer.from(await pieces.look(Math.min(size, longestPax))).toString('latin1')
      const found = sizeIn(records)
      if (type !== 'g') largeSize = found ?? largeSize
      else if (found !== null) context.sayPartly(place, 'a header of the tar gives all files one size')
      if (records.includes('GNU.sparse.')) context.sayPartly(place, 'a file with holes in a tar is not put together')
      if (size > longestPax) context.sayPartly(place, 'a header of the tar is longer than is read')
    } else if (type !== 'L' && type !== 'K') largeSize = null
    let left = Math.ceil(size / block) * block
    if (size > 0) {
      const entry = counted(pieces.upTo(size), (bytes) => {
        left -= bytes
      })
      await read.pieces([...place, nameOf(header)], entry)
    }
    if ((await pieces.skip(left)) < left) return context.sayBroken(place, 'the tar ends in the middle')
  }
}

/** `27 size=8589934592\n` among the records of a pax header; the last one counts. */
function sizeIn(records: string): number | null {
  const found = [...records.matchAll(/\d+ size=(\d{1,15})\n/g)].at(-1)?.[1]
  return found === undefined ? null : Number(found)
}

async function* counted(pieces: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    count(piece.length)
    yield piece
  }
}

function nameOf(header: Uint8Array): string {
  return Buffer.from(header.subarray(0, 100)).toString('utf8').replace(/\0.*$/s, '')
}
