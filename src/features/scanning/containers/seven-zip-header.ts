/** The header of a 7z: how its packed streams become folders, and folders files. Every number in it is bounded before it is believed. */
import type { Buffer } from 'node:buffer'
import { Damaged, NotDecoded } from './decoders/decoder.ts'

export interface Coder {
  /** In hexadecimal. */
  readonly method: string
  readonly properties: Uint8Array
}

/** Packed bytes, and the coders they go through, the first one first. */
export interface Folder {
  readonly coders: readonly Coder[]
  /** Where its packed bytes lie in the file, and how many they are. */
  readonly from: number
  readonly packed: number
  /** What each coder, in the same order, makes of them. */
  readonly sizes: readonly number[]
  /** Of the files in it, in order. */
  readonly files: number[]
  /** A checksum stands beside it, and none beside its only file then. */
  readonly hasDigest: boolean
  /** Why it cannot be read, although the header can. */
  readonly unread: string | null
}

export interface SevenZip {
  readonly folders: readonly Folder[]
  /** Of the files that have bytes, in order of the folders. */
  readonly names: readonly string[]
}

const id = {
  end: 0x00,
  header: 0x01,
  archiveProperties: 0x02,
  additionalStreams: 0x03,
  mainStreams: 0x04,
  files: 0x05,
  packInfo: 0x06,
  unpackInfo: 0x07,
  subStreams: 0x08,
  size: 0x09,
  crc: 0x0a,
  folder: 0x0b,
  unpackSizes: 0x0c,
  streamCounts: 0x0d,
  emptyStream: 0x0e,
  names: 0x11,
  encodedHeader: 0x17,
} as const

const headBytes = 32
const mostStreams = 100_000
const mostCoders = 32

/** The streams of a header that is itself packed, else null. */
export function readEncodedHeader(bytes: Buffer): readonly Folder[] | null {
  const reader = new HeaderReader(bytes)
  return reader.number() === id.encodedHeader ? readStreams(reader) : null
}

export function readSevenZipHeader(bytes: Buffer): SevenZip {
  const reader = new HeaderReader(bytes)
  if (reader.number() !== id.header) throw new Damaged('it has no header')
  let folders: readonly Folder[] = []
  let names: readonly string[] = []
  for (let part = reader.number(); part !== id.end; part = reader.number()) {
    if (part === id.archiveProperties) reader.skipProperties()
    else if (part === id.additionalStreams) throw new NotDecoded('its header lies in parts')
    else if (part === id.mainStreams) folders = readStreams(reader)
    else if (part === id.files) names = readFiles(reader)
    else throw new Damaged('its header has an unknown part')
  }
  return { folders, names }
}

function readStreams(reader: HeaderReader): readonly Folder[] {
  let packedAt = headBytes
  let packed: number[] = []
  let folders: Folder[] = []
  for (let part = reader.number(); part !== id.end; part = reader.number()) {
    if (part === id.packInfo) {
      packedAt = headBytes + reader.number()
      packed = readPackInfo(reader)
    } else if (part === id.unpackInfo) folders = readFolders(reader, packedAt, packed)
    else if (part === id.subStreams) readSubStreams(reader, folders)
    else throw new Damaged('its header has an unknown part')
  }
  return folders
}

function readPackInfo(reader: HeaderReader): number[] {
  const count = reader.count(mostStreams)
  let sizes: number[] = []
  for (let part = reader.number(); part !== id.end; part = reader.number()) {
    if (part === id.size) sizes = reader.numbers(count)
    else if (part === id.crc) reader.skipDigests(count)
    else throw new Damaged('its header has an unknown part')
  }
  return sizes
}

interface Plan {
  readonly coders: readonly Coder[]
  readonly packedStreams: number
  /** Places among the sizes that are written for it, in the order of the coders. */
  readonly order: readonly number[]
  readonly outputs: number
  readonly unread: string | null
}

function readFolders(reader: HeaderReader, packedAt: number, packed: readonly number[]): Folder[] {
  if (reader.number() !== id.folder) throw new Damaged('its header has no folders')
  const count = reader.count(mostStreams)
  if (reader.byte() !== 0) throw new NotDecoded('its header lies in parts')
  const plans = Array.from({ length: count }, () => readPlan(reader))
  if (reader.number() !== id.unpackSizes) throw new Damaged('its folders have no sizes')
  const sizes = plans.map(({ outputs }) => reader.numbers(outputs))
  let digests: readonly boolean[] = []
  let part = reader.number()
  if (part === id.crc) {
    digests = reader.skipDigests(count)
    part = reader.number()
  }
  if (part !== id.end) throw new Damaged('its header has an unknown part')
  let stream = 0
  let from = packedAt
  return plans.map((plan, index) => {
    const own = packed.slice(stream, stream + plan.packedStreams)
    stream += plan.packedStreams
    const length = own.reduce((sum, one) => sum + one, 0)
    const at = from
    from += length
    const ordered = plan.order.map((place) => sizes[index]?.[place] ?? 0)
    const { coders, unread } = plan
    const hasDigest = digests[index] === true
    return { coders, from: at, packed: length, sizes: ordered, files: [ordered.at(-1) ?? 0], hasDigest, unread }
  })
}

function readPlan(reader: HeaderReader): Plan {
  const count = reader.count(mostCoders)
  const coders: Coder[] = []
  let inputs = 0
  let outputs = 0
  let isSimple = true
  for (let index = 0; index < count; index++) {
    const flags = reader.byte()
    if ((flags & 0x80) !== 0) throw new Damaged('a coder is of no known kind')
    const method = reader.bytes(flags & 15).toString('hex')
    const [ins, outs] = (flags & 0x10) === 0 ? [1, 1] : [reader.count(mostCoders), reader.count(mostCoders)]
    const properties = (flags & 0x20) === 0 ? new Uint8Array(0) : reader.bytes(reader.number())
    if (ins !== 1 || outs !== 1) isSimple = false
    inputs += ins
    outputs += outs
    coders.push({ method, properties })
  }
  if (count === 0 || outputs === 0) throw new Damaged('a folder has no coders')
  const bonds = Array.from({ length: outputs - 1 }, () => [reader.number(), reader.number()] as const)
  const packedStreams = inputs - bonds.length
  if (packedStreams < 1) throw new Damaged('a folder has no bytes')
  if (packedStreams > 1) for (let index = 0; index < packedStreams; index++) reader.number()
  const order = isSimple && packedStreams === 1 ? chainOf(count, bonds) : null
  const unread = order === null ? 'its coders are not one behind another' : null
  return {
    coders: (order ?? []).map((place) => coders[place] as Coder),
    packedStreams,
    order: order ?? [0],
    outputs,
    unread,
  }
}

/** A bond says whose output (second) is whose input (first). The coder whose input nobody makes comes first. */
function chainOf(count: number, bonds: readonly (readonly [number, number])[]): number[] | null {
  const inputOf = new Map(bonds.map(([input, output]) => [output, input]))
  const made = new Set(bonds.map(([input]) => input))
  const order: number[] = []
  for (
    let coder = Array.from({ length: count }, (_, index) => index).find((index) => !made.has(index));
    coder !== undefined;
  ) {
    if (order.includes(coder) || coder >= count) return null
    order.push(coder)
    coder = inputOf.get(coder)
  }
  return order.length === count ? order : null
}

function readSubStreams(reader: HeaderReader, folders: readonly Folder[]): void {
  const counts = folders.map(() => 1)
  let part = reader.number()
  if (part === id.streamCounts) {
    for (const index of counts.keys()) counts[index] = reader.count(mostStreams)
    part = reader.number()
  }
  let total = 0
  for (const [index, folder] of folders.entries()) {
    const count = counts[index] ?? 0
    total += count
    if (total > mostStreams) throw new NotDecoded('it has more files than are read')
    const sizes = part === id.size && count > 1 ? reader.numbers(count - 1) : []
    const rest = (folder.sizes.at(-1) ?? 0) - sizes.reduce((sum, one) => sum + one, 0)
    folder.files.splice(0, folder.files.length, ...(count === 0 ? [] : [...sizes, Math.max(0, rest)]))
  }
  if (part === id.size) part = reader.number()
  // Checksums are the last, and are not compared.
  if (part === id.crc) {
    reader.skipDigests(
      folders.reduce((sum, { files, hasDigest }) => sum + (files.length === 1 && hasDigest ? 0 : files.length), 0),
    )
    part = reader.number()
  }
  if (part !== id.end) throw new Damaged('its header has an unknown part')
}

/** The names of those that have bytes. */
function readFiles(reader: HeaderReader): readonly string[] {
  const count = reader.count(mostStreams)
  let names: string[] = []
  let isEmpty: readonly boolean[] = []
  for (let part = reader.number(); part !== id.end; part = reader.number()) {
    const bytes = reader.bytes(reader.number())
    if (part === id.emptyStream) isEmpty = new HeaderReader(bytes).flags(count)
    else if (part === id.names) names = bytes.subarray(1).toString('utf16le').split('\0')
  }
  return names.slice(0, count).filter((_, index) => isEmpty[index] !== true)
}

class HeaderReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new Damaged('its header is cut')
    return byte
  }

  bytes(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new Damaged('its header is cut')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** The ones at the front of the first byte say how many bytes follow it; what is left of it is the upper part. */
  number(): number {
    const first = this.byte()
    let value = 0
    for (let index = 0, mask = 0x80; index < 8; index++, mask >>= 1) {
      if ((first & mask) === 0) return this.#safe(value + (first & (mask - 1)) * 256 ** index)
      value += this.byte() * 256 ** index
    }
    return this.#safe(value)
  }

  numbers(count: number): number[] {
    return Array.from({ length: count }, () => this.number())
  }

  /** A number of things that are to be held. */
  count(most: number): number {
    const value = this.number()
    if (value > most) throw new NotDecoded('it has more parts than are read')
    return value
  }

  flags(count: number): boolean[] {
    const flags: boolean[] = []
    for (let byte = 0; flags.length < count; ) {
      const bit = flags.length % 8
      if (bit === 0) byte = this.byte()
      flags.push((byte & (0x80 >> bit)) !== 0)
    }
    return flags
  }

  /** Which of so many have one. */
  skipDigests(count: number): readonly boolean[] {
    const defined = this.byte() !== 0 ? Array.from({ length: count }, () => true) : this.flags(count)
    this.bytes(defined.filter(Boolean).length * 4)
    return defined
  }

  skipProperties(): void {
    for (let part = this.number(); part !== id.end; part = this.number()) this.bytes(this.number())
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw new Damaged('a number in its header is too large')
    return value
  }
}
