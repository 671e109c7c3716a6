import { Buffer } from 'node:buffer'

/** What a run of bytes is, by its first bytes. Names and endings of files are never looked at. */
export const formats = [
  'zip',
  'gzip',
  'zlib',
  'zstd',
  'tar',
  'npy',
  '7z',
  'rar',
  'bzip2',
  'xz',
  'lzma',
  'lz4',
  'other',
] as const
export type Format = (typeof formats)[number]

/** As many bytes as tell every format. */
export const headBytes = 512

const magics: readonly (readonly [Format, readonly number[]])[] = [
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
  ['zip', [0x50, 0x4b, 0x07, 0x08]],
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['npy', [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['rar', [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
]

export function formatOf(head: Uint8Array): Format {
  const packed = packedFormatOf(head)
  // Two bytes are little beside the checksum of a tar, whose first file may have any name.
  const isWeak = packed === 'zlib' || packed === 'lzma' || packed === 'other'
  return isWeak && isTarHeader(head) ? 'tar' : packed
}

function packedFormatOf(head: Uint8Array): Format {
  const found = magics.find(([, magic]) => magic.every((byte, index) => head[index] === byte))
  if (found !== undefined) return found[0]
  if (isZlib(head)) return 'zlib'
  if (isBzip2(head)) return 'bzip2'
  if (isLzma(head)) return 'lzma'
  return 'other'
}

/** Window of 32 KiB, as every writer has it. Two bytes are little: who unpacks it must be ready for it to be something else. */
function isZlib(head: Uint8Array): boolean {
  return head.length > 2 && head[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(head[1] ?? 0)
}

function isBzip2(head: Uint8Array): boolean {
  return /^BZh[1-9](1AY&SY|\x17rE8P\x90)/.test(Buffer.from(head.subarray(0, 10)).toString('latin1'))
}

/**
 * The old format of lzma. joblib knows it by its usual properties; whoever goes by the name of the file takes all that liblzma does: a dictionary of 2^n or
 * 2^n + 2^(n-1) bytes, and a length that is unknown or below 2^38. The data begins with a zero byte.
 */
function isLzma(head: Uint8Array): boolean {
  if (head.length < 18 || head[13] !== 0) return false
  const [properties = 0] = head
  if (properties === 0x5d && head[1] === 0) return true
  if (properties >= 225 || (properties % 9) + (Math.floor(properties / 9) % 5) > 4) return false
  const dictionary = Buffer.from(head.subarray(1, 5)).readUInt32LE()
  const length = Buffer.from(head.subarray(5, 13)).readBigUInt64LE()
  const isPlausible = length === 2n ** 64n - 1n || length < 2n ** 38n
  return isPlausible && (dictionary === 2 ** 32 - 1 || /^(0|110*|10*)$/.test(dictionary.toString(2)))
}

/** By its checksum, as Python's tarfile knows them; the word ustar need not be there. */
export function isTarHeader(block: Uint8Array): boolean {
  if (block.length < 512) return false
  const expected = tarNumber(block.subarray(148, 156))
  if (expected === null) return false
  let sum = 0
  let signed = 0
  for (let index = 0; index < 512; index++) {
    const byte = index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0)
    sum += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  return sum > 256 && (expected === sum || expected === signed)
}

/** Octal, in all the ways in which Python's int() takes it, or big-endian with the highest bit set. Null where it is no number. */
export function tarNumber(field: Uint8Array): number | null {
  const [first = 0] = field
  if ((first & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x7f)
    return Number.isSafeInteger(value) ? value : null
  }
  const text = Buffer.from(field).toString('latin1').replace(/\0.*$/s, '').trim()
  if (text === '') return 0
  if (!/^\+?(0o_?)?[0-7]+(_[0-7]+)*$/i.test(text)) return null
  return Number.parseInt(text.replace(/^\+?(0o)?|_/gi, ''), 8)
}
