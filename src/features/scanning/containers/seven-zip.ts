/** 7z: folders of files, each folder packed as one stream through one coder or several, one behind another. */
import { Buffer } from 'node:buffer'
import { type ByteSource, partOf, readBytes } from '../byte-source.ts'
import { type Compression, unpack, unpackWith } from './compressed.ts'
import { X86Filter } from './decoders/bcj-x86.ts'
import { Damaged, type Decoder, NotDecoded } from './decoders/decoder.ts'
import { LzmaDecoder } from './decoders/lzma-file.ts'
import { Lzma2Decoder } from './decoders/lzma2.ts'
import { Pieces } from './pieces.ts'
import type { Reading } from './reading.ts'
import type { Place, ScanContext } from './scan-context.ts'
import { type Coder, type Folder, readEncodedHeader, readSevenZipHeader, type SevenZip } from './seven-zip-header.ts'

const headBytes = 32
const longestHeader = 8 << 20
/** A header may be packed, and be a packed header again. */
const mostHeaders = 4

/** Coders that Node or a decoder of a format of its own unpacks. */
const plain: Readonly<Record<string, Compression>> = {
  '040108': 'deflate',
  '040202': 'bzip2',
  '04f71101': 'zstd',
  '04f71104': 'lz4',
}

export async function readSevenZip(
  context: ScanContext,
  place: Place,
  source: ByteSource,
  read: Reading,
): Promise<void> {
  let archive: SevenZip
  try {
    archive = await readHeader(context, source)
  } catch (error) {
    if (error instanceof NotDecoded) return context.sayPartly(place, error.message)
    if (error instanceof Damaged) return context.sayBroken(place, error.message)
    throw error
  }
  let file = 0
  for (const folder of archive.folders) {
    const names = archive.names.slice(file, file + folder.files.length)
    file += folder.files.length
    try {
      await readFolder(context, place, source, folder, names, read)
    } catch (error) {
      if (error instanceof NotDecoded) context.sayPartly(place, error.message)
      else if (error instanceof Damaged) context.sayBroken([...place, names[0] ?? '?'], 'its data cannot be unpacked')
      else throw error
    }
  }
}

async function readHeader(context: ScanContext, source: ByteSource): Promise<SevenZip> {
  const head = Buffer.from(await readBytes(source, 0, headBytes))
  if (head.length < headBytes) throw new Damaged('the 7z is cut')
  const from = headBytes + Number(head.readBigUInt64LE(12))
  const length = Number(head.readBigUInt64LE(20))
  if (length === 0) return { folders: [], names: [] }
  if (!(from + length <= source.size)) throw new Damaged('the 7z ends before its header')
  if (length > longestHeader) throw new NotDecoded('its header is longer than is read')
  let bytes = Buffer.from(await readBytes(source, from, length))
  for (let tries = 0; tries < mostHeaders; tries++) {
    const folders = readEncodedHeader(bytes)
    if (folders === null) return readSevenZipHeader(bytes)
    const [folder] = folders
    if (folder === undefined) throw new Damaged('it has no header')
    const parts: Uint8Array[] = []
    let unpacked = 0
    for await (const piece of unpackFolder(context, source, folder)) {
      unpacked += piece.length
      if (unpacked > longestHeader) throw new NotDecoded('its header is longer than is read')
      parts.push(Uint8Array.from(piece))
    }
    bytes = Buffer.concat(parts)
  }
  throw new NotDecoded('its header is packed too often')
}

async function readFolder(
  context: ScanContext,
  place: Place,
  source: ByteSource,
  folder: Folder,
  names: readonly string[],
  read: Reading,
): Promise<void> {
  const pieces = new Pieces(unpackFolder(context, source, folder))
  for (const [index, size] of folder.files.entries()) {
    context.signal.throwIfAborted()
    context.countEntry()
    let left = size
    const entry = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces.upTo(size)) {
        left -= piece.length
        yield piece
      }
    }
    await read.pieces([...place, names[index] ?? '?'], entry())
    if ((await pieces.skip(left)) < left) throw new Damaged('a folder is shorter than its files')
  }
  // What belongs to no file is read too.
  const rest = pieces.upTo(Number.POSITIVE_INFINITY)
  await read.pieces(place, rest, { isPlain: true })
}

function unpackFolder(context: ScanContext, source: ByteSource, folder: Folder): AsyncIterable<Uint8Array> {
  if (folder.unread !== null) throw new NotDecoded(folder.unread)
  const data = partOf(source, folder.from, folder.from + folder.packed)
  const count = (bytes: number): void => context.countUnpacked(bytes)
  let pieces: AsyncIterable<Uint8Array> = data.read(0, data.size)
  for (const [index, coder] of folder.coders.entries()) pieces = through(pieces, coder, folder.sizes[index] ?? 0, count)
  return pieces
}

function through(
  pieces: AsyncIterable<Uint8Array>,
  { method, properties }: Coder,
  size: number,
  count: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  if (method === '00') return pieces
  const known = plain[method]
  if (known !== undefined) return unpack(pieces, known, count)
  return unpackWith(pieces, decoderOf(method, properties, size), count)
}

function decoderOf(method: string, properties: Uint8Array, size: number): Decoder {
  switch (method) {
    case '030101':
      return new LzmaDecoder('raw', { properties, size })
    case '21':
      return new Lzma2Decoder(properties[0] ?? 0)
    case '03030103':
    case '04':
      return new X86Filter()
    case '06f10701':
      throw new NotDecoded('it is encrypted')
    default:
      throw new NotDecoded(`its method ${method} is not read`)
  }
}
