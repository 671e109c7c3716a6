/**
 * Reads a small pack that git has just checked and indexed, in this process: judging a push of a few files then costs
 * no spawn. Whatever is not small is left to `cat-file`. Format: gitformat-pack(5).
 */
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import type { ObjectType } from './objects.ts'
import { GitFailure } from './run.ts'

export interface PackedEntry {
  oid: string
  type: ObjectType
  size: number
  /** Null when the object was not asked for. */
  bytes: Buffer | null
}

const packBytesLimit = 512 * 1024
const objectsLimit = 200
const inflatedLimit = 4 * 1024 * 1024
const types: Record<number, ObjectType | undefined> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' }
const offsetDelta = 6
const refDelta = 7

/** The objects of the only pack of an object directory; null when it is not one small pack. */
export async function readSmallPack(
  objectDirectory: string,
  isWanted: (type: ObjectType, size: number) => boolean,
): Promise<PackedEntry[] | null> {
  const folder = join(objectDirectory, 'pack')
  const names = await readdir(folder)
  const [index, ...others] = names.filter((name) => name.endsWith('.idx'))
  if (index === undefined || others.length > 0) return null
  const packPath = join(folder, index.replace(/idx$/, 'pack'))
  const { size } = await stat(packPath)
  if (size > packBytesLimit || (await countObjects(packPath)) > objectsLimit) return null
  const [pack, idx] = await Promise.all([readFile(packPath), readFile(join(folder, index))])
  return new SmallPack(pack, idx).entries(isWanted)
}

async function countObjects(packPath: string): Promise<number> {
  const file = await open(packPath)
  try {
    const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 0)
    return buffer.readUInt32BE(8)
  } finally {
    await file.close()
  }
}

interface Raw {
  /** 1 to 4 for whole objects, 6 and 7 for deltas. */
  kind: number
  /** Of the object, or of the delta. */
  size: number
  base: number | null
  data: Buffer
}

class SmallPack {
  readonly #pack: Buffer
  /** Object id by position, in order of position. */
  readonly #byOffset: [offset: number, oid: string][] = []
  readonly #offsets = new Map<string, number>()
  readonly #ends = new Map<number, number>()
  #inflated = 0

  constructor(pack: Buffer, idx: Buffer) {
    this.#pack = pack
    const count = idx.readUInt32BE(8 + 255 * 4)
    const ids = 8 + 1024
    const offsets = ids + count * 24
    for (let place = 0; place < count; place++) {
      const oid = idx.toString('hex', ids + place * 20, ids + place * 20 + 20)
      const offset = idx.readUInt32BE(offsets + place * 4)
      this.#byOffset.push([offset, oid])
      this.#offsets.set(oid, offset)
    }
    this.#byOffset.sort((a, b) => a[0] - b[0])
    for (const [place, [offset]] of this.#byOffset.entries()) {
      this.#ends.set(offset, this.#byOffset[place + 1]?.[0] ?? pack.length - 20)
    }
  }

  /** Null when reading would inflate more than a small pack should hold. */
  entries(isWanted: (type: ObjectType, size: number) => boolean): PackedEntry[] | null {
    const entries: PackedEntry[] = []
    for (const [offset, oid] of this.#byOffset) {
      const { type, size } = this.#describe(offset, 0)
      const isRead = isWanted(type, size)
      if (isRead) this.#inflated += size
      if (this.#inflated > inflatedLimit) return null
      const bytes = isRead ? this.#content(offset, 0) : null
      if (isRead && bytes === null) return null
      entries.push({ oid, type, size, bytes })
    }
    return entries
  }

  #describe(offset: number, depth: number): { type: ObjectType; size: number } {
    const raw = this.#raw(offset, depth)
    const type = types[raw.kind]
    if (type !== undefined) return { type, size: raw.size }
    const base = this.#describe(raw.base ?? 0, depth + 1)
    const delta = this.#inflate(raw)
    return { type: base.type, size: readSize(delta, readSize(delta, 0).next).value }
  }

  #content(offset: number, depth: number): Buffer | null {
    const raw = this.#raw(offset, depth)
    this.#inflated += raw.size
    if (this.#inflated > inflatedLimit) return null
    if (raw.base === null) return this.#inflate(raw)
    const base = this.#content(raw.base, depth + 1)
    return base === null ? null : applyDelta(base, this.#inflate(raw))
  }

  #inflate(raw: Raw): Buffer {
    const bytes = inflateSync(raw.data, { maxOutputLength: Math.max(raw.size, 1) })
    if (bytes.length !== raw.size) throw damaged()
    return bytes
  }

  #raw(offset: number, depth: number): Raw {
    // git's own limit of a chain is 4,095; a longer one is a loop.
    if (depth > 4_095) throw damaged()
    const pack = this.#pack
    const end = this.#ends.get(offset)
    if (end === undefined) throw damaged()
    let at = offset
    let byte = pack.readUInt8(at++)
    const kind = (byte >> 4) & 7
    let size = byte & 15
    for (let factor = 16; byte & 0x80; factor *= 128) {
      byte = pack.readUInt8(at++)
      size += (byte & 0x7f) * factor
    }
    let base: number | null = null
    if (kind === refDelta) {
      base = this.#offsets.get(pack.toString('hex', at, at + 20)) ?? null
      at += 20
      if (base === null) throw damaged()
    } else if (kind === offsetDelta) {
      byte = pack.readUInt8(at++)
      let distance = byte & 0x7f
      while (byte & 0x80) {
        byte = pack.readUInt8(at++)
        distance = (distance + 1) * 128 + (byte & 0x7f)
      }
      base = offset - distance
    }
    return { kind, size, base, data: pack.subarray(at, end) }
  }
}

function readSize(bytes: Buffer, from: number): { value: number; next: number } {
  let at = from
  let value = 0
  let factor = 1
  for (;;) {
    const byte = bytes.readUInt8(at++)
    value += (byte & 0x7f) * factor
    factor *= 128
    if ((byte & 0x80) === 0) return { value, next: at }
  }
}

/** Instructions with the high bit copy from the base, others insert what follows. */
function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const target = readSize(delta, readSize(delta, 0).next)
  const parts: Buffer[] = []
  let at = target.next
  while (at < delta.length) {
    const instruction = delta.readUInt8(at++)
    if ((instruction & 0x80) === 0) {
      parts.push(delta.subarray(at, at + instruction))
      at += instruction
      continue
    }
    let offset = 0
    let size = 0
    for (let bit = 0; bit < 4; bit++) if (instruction & (1 << bit)) offset += delta.readUInt8(at++) * 256 ** bit
    for (let bit = 0; bit < 3; bit++) if (instruction & (0x10 << bit)) size += delta.readUInt8(at++) * 256 ** bit
    parts.push(base.subarray(offset, offset + (size === 0 ? 0x10000 : size)))
  }
  const result = Buffer.concat(parts)
  if (result.length !== target.value) throw damaged()
  return result
}

function damaged(): GitFailure {
  return new GitFailure('broken', 'a received pack does not read as git said')
}
