/** The directories of a zip, as every reader may understand them: readers differ on which one counts and from where it is counted. */
import { Buffer } from 'node:buffer'
import { type ByteSource, readBytes } from '../byte-source.ts'

export interface ZipEntry {
  readonly name: string
  /** All that readers may call it: Python ends a name at a zero byte, and takes another one from an extra field. */
  readonly names: readonly string[]
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  /** Where the header before the data begins. */
  readonly at: number
}

export interface ZipDirectory {
  readonly from: number
  readonly to: number
  readonly entries: number
}

const entrySignature = 0x02014b50
const end64Signature = 0x06064b50
const locator64Signature = 0x07064b50
const headerSignature = 0x04034b50
const mostEnds = 16
const tailBytes = 65_557

/** Every directory that an end record in the tail may mean. Empty where there is none. */
export async function findDirectories(source: ByteSource): Promise<readonly (ZipDirectory & { shift: number })[]> {
  const tailStart = Math.max(0, source.size - tailBytes)
  const tail = Buffer.from(await readBytes(source, tailStart, tailBytes))
  const found: (ZipDirectory & { shift: number })[] = []
  let at = tail.length
  for (let tries = 0; tries < mostEnds; tries++) {
    at = at <= 0 ? -1 : tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]), at - 1)
    if (at < 0) break
    if (at + 22 > tail.length) continue
    const end = await readEnd(source, tail, at, tailStart)
    for (const from of new Set([end.recordAt - end.size, end.offset])) {
      if (from < 0 || from + end.size > source.size) continue
      const signature = Buffer.from(await readBytes(source, from, 4))
      const isEmpty = end.size === 0 && end.entries === 0
      if (!isEmpty && (signature.length < 4 || signature.readUInt32LE() !== entrySignature)) continue
      found.push({ from, to: from + end.size, entries: end.entries, shift: from - end.offset })
    }
  }
  return found
}

interface End {
  readonly size: number
  readonly offset: number
  readonly entries: number
  /** Where the directory must end. */
  readonly recordAt: number
}

async function readEnd(source: ByteSource, tail: Buffer, at: number, tailStart: number): Promise<End> {
  const plain: End = {
    entries: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
    recordAt: tailStart + at,
  }
  const locatorAt = at - 20
  if (locatorAt < 0 || tail.readUInt32LE(locatorAt) !== locator64Signature) return plain
  const recordAt = Number(tail.readBigUInt64LE(locatorAt + 8))
  for (const place of new Set([recordAt, tailStart + locatorAt - 56])) {
    if (place < 0 || place + 56 > source.size) continue
    const record = Buffer.from(await readBytes(source, place, 56))
    if (record.length < 56 || record.readUInt32LE() !== end64Signature) continue
    return {
      entries: Number(record.readBigUInt64LE(32)),
      size: Number(record.readBigUInt64LE(40)),
      offset: Number(record.readBigUInt64LE(48)),
      recordAt: place,
    }
  }
  return plain
}

/** The entries of a directory, read piece by piece; ends at what is none. */
export async function* listEntries(
  source: ByteSource,
  directory: ZipDirectory & { shift: number },
): AsyncGenerator<ZipEntry> {
  let carry: Buffer = Buffer.alloc(0)
  for await (const piece of source.read(directory.from, directory.to)) {
    let bytes = Buffer.concat([carry, piece])
    for (;;) {
      if (bytes.length < 46) break
      if (bytes.readUInt32LE() !== entrySignature) return
      const [nameLength, extraLength, commentLength] = [
        bytes.readUInt16LE(28),
        bytes.readUInt16LE(30),
        bytes.readUInt16LE(32),
      ]
      const length = 46 + nameLength + extraLength + commentLength
      if (bytes.length < length) break
      yield entryOf(bytes, nameLength, extraLength, directory.shift)
      bytes = bytes.subarray(length)
    }
    carry = Buffer.from(bytes)
  }
}

function entryOf(bytes: Buffer, nameLength: number, extraLength: number, shift: number): ZipEntry {
  let [compressedSize, size, at] = [bytes.readUInt32LE(20), bytes.readUInt32LE(24), bytes.readUInt32LE(42)]
  const extra = bytes.subarray(46 + nameLength, 46 + nameLength + extraLength)
  const large = largeFields(extra)
  let field = 0
  const next = (): number => Number(large?.length && field + 8 <= large.length ? large.readBigUInt64LE(field) : 0n)
  if (size === 0xffffffff && large !== null) {
    size = next()
    field += 8
  }
  if (compressedSize === 0xffffffff && large !== null) {
    compressedSize = next()
    field += 8
  }
  if (at === 0xffffffff && large !== null) at = next()
  const name = bytes.toString('utf8', 46, 46 + nameLength)
  return {
    name,
    names: namesOf(name, extra),
    flags: bytes.readUInt16LE(8),
    method: bytes.readUInt16LE(10),
    crc: bytes.readUInt32LE(16),
    compressedSize,
    size,
    at: at + shift,
  }
}

function largeFields(extra: Buffer): Buffer | null {
  for (const [kind, field] of extraFields(extra)) if (kind === 1) return field
  return null
}

function* extraFields(extra: Buffer): Generator<readonly [kind: number, field: Buffer]> {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    yield [extra.readUInt16LE(at), extra.subarray(at + 4, at + 4 + length)]
    at += 4 + length
  }
}

const unicodePath = 0x7075

function namesOf(name: string, extra: Buffer): readonly string[] {
  const names = [name, name.replace(/\0.*$/s, '')]
  // Behind its version and the checksum of the other name.
  for (const [kind, field] of extraFields(extra))
    if (kind === unicodePath) names.push(field.toString('utf8', 5).replace(/\0.*$/s, ''))
  return names
}

export interface LocalHeader extends ZipEntry {
  readonly dataAt: number
}

/** What stands before the data; null where no header is. Sizes may be zero: they come after the data then. */
export async function readLocalHeader(source: ByteSource, at: number): Promise<LocalHeader | null> {
  if (at < 0 || at + 30 > source.size) return null
  const fixed = Buffer.from(await readBytes(source, at, 30))
  if (fixed.length < 30 || fixed.readUInt32LE() !== headerSignature) return null
  const [nameLength, extraLength] = [fixed.readUInt16LE(26), fixed.readUInt16LE(28)]
  const names = Buffer.from(await readBytes(source, at + 30, nameLength + extraLength))
  let [compressedSize, size] = [fixed.readUInt32LE(18), fixed.readUInt32LE(22)]
  const large = largeFields(names.subarray(nameLength))
  if (large !== null && large.length >= 16) {
    if (size === 0xffffffff) size = Number(large.readBigUInt64LE(0))
    if (compressedSize === 0xffffffff) compressedSize = Number(large.readBigUInt64LE(8))
  }
  const name = names.toString('utf8', 0, nameLength)
  return {
    name,
    names: namesOf(name, names.subarray(nameLength)),
    flags: fixed.readUInt16LE(6),
    method: fixed.readUInt16LE(8),
    crc: fixed.readUInt32LE(14),
    compressedSize,
    size,
    at,
    dataAt: at + 30 + nameLength + extraLength,
  }
}
