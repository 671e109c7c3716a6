/**
 * Zips, read as all of their readers would: by every directory that the end of the file may mean, by the headers before the data where they say
 * something else, and what no directory names. Checksums and the mark "encrypted" stop no reading: torch does not look at them.
 */
import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { type ByteSource, partOf } from '../byte-source.ts'
import { type Compression, unpack } from './compressed.ts'
import { Damaged, NotDecoded } from './decoders/decoder.ts'
import type { Reading } from './reading.ts'
import { LimitReached, type Place, type ScanContext } from './scan-context.ts'
import { findDirectories, type LocalHeader, listEntries, readLocalHeader, type ZipEntry } from './zip-directory.ts'

const stored = 0
/** Methods of compression, by their numbers; Python's zipfile reads the first three. */
const compressions: Readonly<Record<number, Compression>> = {
  8: 'deflate',
  12: 'bzip2',
  14: 'lzma in a zip',
  20: 'zstd',
  93: 'zstd',
  95: 'xz',
}
const isEncrypted = (flags: number): boolean => (flags & 1) !== 0
const sizesFollow = (flags: number): boolean => (flags & 8) !== 0
const mostHidden = 10_000

type Range = readonly [from: number, to: number]

export async function readZip(context: ScanContext, place: Place, source: ByteSource, read: Reading): Promise<void> {
  const directories = await findDirectories(source)
  if (directories.length === 0) context.sayBroken(place, 'the zip has no directory')
  const covered: Range[] = []
  const done = new Set<string>()
  for (const directory of directories) {
    covered.push([directory.from, directory.to])
    let listed = 0
    for await (const entry of listEntries(source, directory)) {
      context.signal.throwIfAborted()
      context.countEntry()
      listed++
      const local = await readLocalHeader(source, entry.at)
      if (local === null) {
        context.sayBroken([...place, entry.name], 'there is no header before its data')
        continue
      }
      compare(context, place, entry, local)
      const end = local.dataAt + entry.compressedSize
      covered.push([entry.at, end + (sizesFollow(local.flags) ? 24 : 0)])
      const once = async (one: ZipEntry): Promise<void> => {
        const key = `${local.dataAt} ${one.method} ${one.compressedSize}`
        if (done.has(key)) return
        done.add(key)
        await readEntry(context, place, source, { ...one, dataAt: local.dataAt }, read)
      }
      await once(entry)
      const isOther =
        local.method !== entry.method || (!sizesFollow(local.flags) && local.compressedSize !== entry.compressedSize)
      if (isOther) await once(sizesFollow(local.flags) ? { ...entry, method: local.method } : local)
    }
    if (listed < directory.entries && directory.entries < 0xffff) {
      context.sayBroken(place, 'the directory of the zip lists less than it says')
    }
  }
  const hasDirectory = directories.length > 0
  for (const gap of gapsBetween(covered, source.size)) await readGap(context, place, source, gap, read, hasDirectory)
}

function compare(context: ScanContext, place: Place, entry: ZipEntry, local: LocalHeader): void {
  if (entry.name !== local.name) {
    context.find(place, 'zip-names-differ', `${JSON.stringify(entry.name)} and ${JSON.stringify(local.name)}`, entry.at)
  }
  if (entry.method !== local.method)
    context.find([...place, entry.name], 'zip-methods-differ', `${entry.method} and ${local.method}`, entry.at)
}

async function readEntry(
  context: ScanContext,
  place: Place,
  source: ByteSource,
  entry: ZipEntry & { readonly dataAt: number },
  read: Reading,
): Promise<void> {
  if (entry.compressedSize === 0) return
  const inside = [...place, entry.name]
  let crc = 0
  let size = 0
  const watch = (piece: Uint8Array): void => {
    crc = crc32(piece, crc)
    size += piece.length
  }
  const end = entry.dataAt + entry.compressedSize
  if (end > source.size) context.sayBroken(inside, 'its data is cut')
  const data = partOf(source, entry.dataAt, end)
  const compression = compressions[entry.method]
  if (entry.method === stored) await read.source(inside, data, { watch })
  else if (compression !== undefined) {
    try {
      await read.pieces(
        inside,
        unpack(data.read(0, data.size), compression, (bytes) => context.countUnpacked(bytes)),
        { watch },
      )
    } catch (error) {
      if (error instanceof NotDecoded) return context.sayPartly(inside, error.message)
      if (!(error instanceof Damaged)) throw error
      if (!isEncrypted(entry.flags)) context.sayBroken(inside, 'its data cannot be unpacked')
    }
  } else {
    return context.sayPartly(inside, `compression method ${entry.method} is not read`)
  }
  const isRight = crc === entry.crc && (entry.size === size || sizesFollow(entry.flags))
  if (isEncrypted(entry.flags)) {
    if (isRight) context.find(inside, 'zip-says-encrypted', `${size} bytes`, entry.at)
    else context.sayPartly(inside, 'it is encrypted')
  } else if (!isRight && !(sizesFollow(entry.flags) && entry.crc === 0)) {
    context.sayBroken(inside, 'its checksum is wrong')
  }
}

function gapsBetween(covered: readonly Range[], size: number): readonly Range[] {
  const gaps: Range[] = []
  let at = 0
  for (const [from, to] of covered.toSorted((one, other) => one[0] - other[0])) {
    if (from > at) gaps.push([at, from])
    at = Math.max(at, to)
  }
  if (at < size) gaps.push([at, size])
  return gaps
}

/** What no directory names: entries, or anything else. */
async function readGap(
  context: ScanContext,
  place: Place,
  source: ByteSource,
  [from, to]: Range,
  read: Reading,
  hasDirectory: boolean,
): Promise<void> {
  const gap = partOf(source, from, to)
  for (const at of await findHeaders(context, gap)) {
    const header = await readLocalHeader(gap, at)
    if (header === null || header.name.length === 0) continue
    context.countEntry()
    if (hasDirectory) context.find(place, 'zip-hidden-entry', JSON.stringify(header.name), from + at)
    const inside = [...place, header.name]
    const compression = compressions[header.method]
    if (compression !== undefined) await readHidden(context, inside, gap, header, compression, read)
    else if (header.method !== stored) context.sayPartly(inside, `compression method ${header.method} is not read`)
  }
  // Entries that are stored as they are lie in here too.
  await read.pieces(place, gap.read(0, gap.size), { isPlain: true })
}

async function readHidden(
  context: ScanContext,
  inside: Place,
  gap: ByteSource,
  header: LocalHeader,
  compression: Compression,
  read: Reading,
): Promise<void> {
  try {
    await read.pieces(
      inside,
      unpack(gap.read(header.dataAt, gap.size), compression, (bytes) => context.countUnpacked(bytes)),
    )
  } catch (error) {
    if (error instanceof NotDecoded) return context.sayPartly(inside, error.message)
    if (error instanceof LimitReached || !(error instanceof Damaged)) throw error
    context.sayBroken(inside, 'its data cannot be unpacked')
  }
}

async function findHeaders(context: ScanContext, gap: ByteSource): Promise<readonly number[]> {
  const signature = Buffer.from([0x50, 0x4b, 0x03, 0x04])
  const found: number[] = []
  let base = 0
  let carry: Buffer = Buffer.alloc(0)
  for await (const piece of gap.read(0, gap.size)) {
    context.signal.throwIfAborted()
    const bytes = Buffer.concat([carry, piece])
    for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1)) {
      if (found.length >= mostHidden) throw new LimitReached('it has too many hidden entries')
      found.push(base + at)
    }
    carry = Buffer.from(bytes.subarray(Math.max(0, bytes.length - 3)))
    base += bytes.length - carry.length
  }
  return found
}
