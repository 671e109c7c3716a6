/** Reads whatever a run of bytes is: pickles, a container of them, or nothing of the kind. */
import { Buffer } from 'node:buffer'
import { turnGiver } from '../../../platform/give-turn.ts'
import { type ByteSource, memorySource, readBytes } from '../byte-source.ts'
import { PickleReader } from '../pickle/read-pickles.ts'
import { unpack } from './compressed.ts'
import { Damaged, NotDecoded } from './decoders/decoder.ts'
import { type Format, formatOf, headBytes, isTarHeader } from './formats.ts'
import { readNpy } from './npy.ts'
import { Pieces } from './pieces.ts'
import type { Reading, ReadOptions } from './reading.ts'
import { LimitReached, type Place, type ScanContext } from './scan-context.ts'
import { readSevenZip } from './seven-zip.ts'
import { readTar } from './tar.ts'
import { readZip } from './zip.ts'
import { findDirectories } from './zip-directory.ts'

/** So much unpacked before the damage, and it was really compressed. */
const someBytes = 1 << 16

/** What lies `depth` containers deep. */
export function readingAt(context: ScanContext, depth: number): Reading {
  return {
    source: (place, source, options) => readSource(context, place, source, depth, options),
    pieces: (place, pieces, options) => readPieces(context, place, pieces, depth, options),
  }
}

function deeper(context: ScanContext, depth: number): Reading {
  if (depth >= context.limits.depth)
    throw new LimitReached(`containers lie more than ${context.limits.depth} deep in each other`)
  return readingAt(context, depth + 1)
}

async function readSource(
  context: ScanContext,
  place: Place,
  source: ByteSource,
  depth: number,
  options: ReadOptions = {},
): Promise<void> {
  const head = await readBytes(source, 0, headBytes)
  const format = formatOf(head)
  // A file that is both: its loader takes it for what it looks for.
  if (format !== 'tar' && isTarHeader(head))
    await readTar(context, place, source.read(0, source.size), deeper(context, depth))
  if (format === '7z') {
    await readSevenZip(context, place, source, deeper(context, depth))
    // Pickles may stand behind it, or between its parts.
    await readPieces(context, place, source.read(0, source.size), depth, { ...options, isPlain: true })
    return
  }
  const isZip = format === 'zip'
  // A zip is found by its end: anything may stand before it.
  if (isZip || (await findDirectories(source)).length > 0) {
    await readZip(context, place, source, deeper(context, depth))
    if (isZip && options.watch === undefined) return
    if (isZip) {
      for await (const piece of source.read(0, source.size)) options.watch?.(piece)
      return
    }
  }
  await readPieces(context, place, source.read(0, source.size), depth, options)
}

async function readPieces(
  context: ScanContext,
  place: Place,
  input: AsyncIterable<Uint8Array>,
  depth: number,
  { watch, isPlain = false }: ReadOptions = {},
): Promise<void> {
  const iterator = input[Symbol.asyncIterator]()
  const turn = turnGiver()
  const first: Uint8Array[] = []
  let length = 0
  let failure: { readonly error: unknown } | null = null
  while (length < headBytes && failure === null) {
    try {
      const next = await iterator.next()
      if (next.done) break
      first.push(Uint8Array.from(next.value))
      length += next.value.length
    } catch (error) {
      // It is thrown again behind what came before it.
      failure = { error }
    }
  }
  const head = Buffer.concat(first).subarray(0, headBytes)
  const format = isPlain ? 'other' : formatOf(head)
  // What comes but once can be read in one way only.
  if (!isPlain && depth > 0 && format !== 'tar' && isTarHeader(head))
    context.sayPartly(place, `it is both a tar and ${format}`)
  // NumPy's first byte is an opcode that needs two values: no unpickler comes further.
  const reader = format === 'npy' ? null : new PickleReader()
  const see = (piece: Uint8Array): Uint8Array => {
    context.signal.throwIfAborted()
    watch?.(piece)
    reader?.write(piece)
    return piece
  }
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    for (const piece of first.splice(0)) yield see(piece)
    if (failure !== null) throw failure.error
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      // What lies in memory comes without waiting: others, and the signal, must have their turn.
      await turn()
      yield see(next.value)
    }
  }
  const pieces = new Pieces(watched())
  try {
    await readContainer(context, place, pieces, format, depth)
    await pieces.skip(Number.POSITIVE_INFINITY)
  } finally {
    // Where the input breaks, what came before it counts.
    if (reader !== null) context.reports.push({ place, report: reader.end() })
  }
}

async function readContainer(
  context: ScanContext,
  place: Place,
  pieces: Pieces,
  format: Format,
  depth: number,
): Promise<void> {
  const all = pieces.upTo(Number.POSITIVE_INFINITY)
  switch (format) {
    case 'other':
      return
    case 'npy':
      return await readNpy(context, place, all)
    case 'tar':
      return await readTar(context, place, all, deeper(context, depth))
    case 'gzip':
    case 'zlib':
    case 'zstd':
    case 'lz4':
    case 'bzip2':
    case 'lzma':
    case 'xz':
      return await readCompressed(context, place, all, format, depth)
    case 'zip':
    case '7z':
      return await readHeld(context, place, pieces, format, depth)
    default:
      context.sayPartly(place, `${format} is not read`)
  }
}

async function readCompressed(
  context: ScanContext,
  place: Place,
  pieces: AsyncIterable<Uint8Array>,
  format: 'gzip' | 'zlib' | 'zstd' | 'lz4' | 'bzip2' | 'lzma' | 'xz',
  depth: number,
): Promise<void> {
  let unpacked = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    const count = (bytes: number): void => {
      unpacked += bytes
      context.countUnpacked(bytes)
    }
    yield* unpack(pieces, format, count)
  }
  try {
    await deeper(context, depth).pieces([...place, format], counted())
  } catch (error) {
    if (error instanceof NotDecoded) return context.sayPartly(place, `its ${format} data is not read: ${error.message}`)
    if (!(error instanceof Damaged)) throw error
    // Two bytes begin zlib and lzma, which anything else may have too.
    const isWeak = format === 'zlib' || format === 'lzma'
    const isStrong = format === 'bzip2' || format === 'xz' || format === 'lz4'
    if (isStrong || (unpacked > 0 && (!isWeak || unpacked >= someBytes))) {
      context.sayBroken(place, `its ${format} data is damaged or cut`)
    }
  }
}

/** An archive whose directory is at its end must be held where it comes as a stream. */
async function readHeld(
  context: ScanContext,
  place: Place,
  pieces: Pieces,
  format: 'zip' | '7z',
  depth: number,
): Promise<void> {
  const parts: Uint8Array[] = []
  let held = 0
  let isHeld = true
  try {
    for await (const piece of pieces.upTo(Number.POSITIVE_INFINITY)) {
      if (!context.hold(piece.length)) {
        isHeld = false
        break
      }
      held += piece.length
      parts.push(Uint8Array.from(piece))
    }
    const reading = format === 'zip' ? readZip : readSevenZip
    if (isHeld) await reading(context, place, memorySource(Buffer.concat(parts)), deeper(context, depth))
    else context.sayPartly(place, 'a compressed archive in an archive is too large')
  } finally {
    context.release(held)
  }
}
