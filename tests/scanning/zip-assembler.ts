/** Puts zips together with what honest writers never write. */
import { Buffer } from 'node:buffer'
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipPart {
  readonly name: string
  readonly data: Buffer
  readonly isDeflated?: boolean
  readonly flags?: number
  readonly localName?: string
  readonly localMethod?: number
  readonly crc?: number
  /** Left out of the directory. */
  readonly isHidden?: boolean
}

export function zipOf(parts: readonly ZipPart[], prefix: Buffer = Buffer.alloc(0)): Buffer {
  const files: Buffer[] = [prefix]
  const entries: Buffer[] = []
  let at = 0
  for (const part of parts) {
    const packed = part.isDeflated ? deflateRawSync(part.data) : part.data
    const method = part.isDeflated ? 8 : 0
    const crc = part.crc ?? crc32(part.data)
    const local = header(30, 0x04034b50, 4, { ...part, method: part.localMethod ?? method, crc, packed: packed.length })
    const localName = Buffer.from(part.localName ?? part.name)
    local.writeUInt16LE(localName.length, 26)
    const file = Buffer.concat([local, localName, packed])
    if (part.isHidden !== true) {
      const entry = header(46, 0x02014b50, 6, { ...part, method, crc, packed: packed.length })
      entry.writeUInt16LE(Buffer.byteLength(part.name), 28)
      entry.writeUInt32LE(at, 42)
      entries.push(Buffer.concat([entry, Buffer.from(part.name)]))
    }
    files.push(file)
    at += file.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(Math.min(entries.length, 0xffff), 8)
  end.writeUInt16LE(Math.min(entries.length, 0xffff), 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...files, directory, end])
}

interface Fields {
  readonly data: Buffer
  readonly flags?: number
  readonly method: number
  readonly crc: number
  readonly packed: number
}

function header(length: number, signature: number, flagsAt: number, fields: Fields): Buffer {
  const bytes = Buffer.alloc(length)
  const shift = flagsAt === 4 ? 0 : 2
  bytes.writeUInt32LE(signature)
  bytes.writeUInt16LE(20, 4)
  bytes.writeUInt16LE(fields.flags ?? 0, 6 + shift)
  bytes.writeUInt16LE(fields.method, 8 + shift)
  bytes.writeUInt32LE(fields.crc, 14 + shift)
  bytes.writeUInt32LE(fields.packed, 18 + shift)
  bytes.writeUInt32LE(fields.data.length, 22 + shift)
  return bytes
}

/** A tar of one file, in the oldest format. */
export function tarOf(name: string, data: Buffer): Buffer {
  const head = Buffer.alloc(512)
  head.write(name, 0, 'latin1')
  head.write('0000644\0', 100)
  head.write('0000000\0', 108)
  head.write('0000000\0', 116)
  head.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
  head.write('00000000000\0', 136)
  head.write('        ', 148)
  head.write('0', 156)
  let sum = 0
  for (const byte of head) sum += byte
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([head, data, Buffer.alloc((512 - (data.length % 512)) % 512), Buffer.alloc(1024)])
}
