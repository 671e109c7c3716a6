/**
 * Detached OpenPGP signatures of version 4 (RFC 9580, 5.2.3), as gpg makes them for commits: read here and checked with `node:crypto`, some ten
 * times as fast as with a whole OpenPGP library. Keys, with their certificates, are another matter: see `openpgp-key.ts`.
 */
import { createHash, type KeyObject, verify } from 'node:crypto'
import { curveBytes, isCurveName, padded, rsaBits } from './public-key.ts'

export interface OpenPgpSignature {
  /** 16 hex digits, upper case, as the signature says; null where it does not. */
  readonly issuer: string | null
  /** Milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number | null
  /** Whether it is of these bytes under this key. */
  verify(payload: Buffer, key: KeyObject): boolean
}

const armor =
  /^-----BEGIN PGP SIGNATURE-----\n(?:[A-Za-z]+: [^\n]*\n)*\n([A-Za-z0-9+/=\n]+?)\n(?:=[A-Za-z0-9+/]{4}\n)?-----END PGP SIGNATURE-----$/

/** No MD5, SHA-1 or RIPEMD: their collisions can be made. */
const hashes: Readonly<Record<number, string>> = {
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  11: 'sha224',
  12: 'sha3-256',
  14: 'sha3-512',
}

/** Subpackets that are understood, or say nothing about validity. One that is critical and not here makes the signature void. */
const understood = new Set([2, 3, 16, 20, 26, 28, 33])

/** Null for what is not one whole signature of this kind. */
export function readOpenPgpSignature(text: string): OpenPgpSignature | null {
  const base64 = armor.exec(text.replaceAll('\r', '').trim())?.[1]
  if (base64 === undefined) return null
  try {
    return parse(onlyPacket(Buffer.from(base64, 'base64')))
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The body of the one packet, which is a signature. Throws `RangeError`. */
function onlyPacket(bytes: Buffer): Buffer {
  const first = bytes.readUInt8(0)
  let tag: number
  let start: number
  let length: number
  if ((first & 0xc0) === 0xc0) {
    tag = first & 0x3f
    ;[length, start] = lengthAt(bytes, 1)
  } else {
    tag = (first >> 2) & 0x0f
    const kind = first & 3
    if ((first & 0x80) === 0 || kind === 3) throw new RangeError('not a packet of known length')
    start = 1 + 2 ** kind
    length = bytes.readUIntBE(1, 2 ** kind)
  }
  if (tag !== 2 || start + length !== bytes.length) throw new RangeError('not one signature')
  return bytes.subarray(start)
}

/** Length and the place after it, in the format that new packets and subpackets share. */
function lengthAt(bytes: Buffer, at: number): [length: number, next: number] {
  const first = bytes.readUInt8(at)
  if (first < 192) return [first, at + 1]
  if (first < 224) return [((first - 192) << 8) + bytes.readUInt8(at + 1) + 192, at + 2]
  if (first < 255) throw new RangeError('partial lengths are for data')
  return [bytes.readUInt32BE(at + 1), at + 5]
}

function parse(body: Buffer): OpenPgpSignature | null {
  const [version, type, algorithm, hashId] = [0, 1, 2, 3].map((at) => body.readUInt8(at))
  if (version !== 4 || type !== 0 || algorithm === undefined || hashId === undefined) return null
  const hashedEnd = 6 + body.readUInt16BE(4)
  const unhashedEnd = hashedEnd + 2 + body.readUInt16BE(hashedEnd)
  const hashed = subpackets(body.subarray(6, hashedEnd))
  const unhashed = subpackets(body.subarray(hashedEnd + 2, unhashedEnd))
  const created = hashed.find((part) => part.type === 2)?.value
  if (created?.length !== 4) return null
  const createdAt = created.readUInt32BE() * 1000
  const lifetime = hashed.find((part) => part.type === 3)?.value.readUInt32BE() ?? 0
  const isUnderstood = hashed.every((part) => !part.isCritical || (understood.has(part.type) && part.type !== 20))
  const left = body.subarray(unhashedEnd, unhashedEnd + 2)
  const numbers = body.subarray(unhashedEnd + 2)
  return {
    issuer: issuerOf([...hashed, ...unhashed]),
    createdAt,
    expiresAt: lifetime === 0 ? null : createdAt + lifetime * 1000,
    verify: (payload, key) => {
      const hash = hashes[hashId]
      if (hash === undefined || !isUnderstood) return false
      const tail = Buffer.alloc(6)
      tail.writeUInt16BE(0x04ff)
      tail.writeUInt32BE(hashedEnd, 2)
      const message = Buffer.concat([payload, body.subarray(0, hashedEnd), tail])
      const digest = createHash(hash).update(message).digest()
      if (!digest.subarray(0, 2).equals(left)) return false
      try {
        return isOf(algorithm, numbers, { hash, message, digest }, key)
      } catch (error) {
        // A number that is longer than its key, or cut off.
        if (error instanceof RangeError) return false
        throw error
      }
    },
  }
}

function isOf(
  algorithm: number,
  numbers: Buffer,
  signed: { readonly hash: string; readonly message: Buffer; readonly digest: Buffer },
  key: KeyObject,
): boolean {
  const { hash, message, digest } = signed
  const type = key.asymmetricKeyType
  if (algorithm === 1 || algorithm === 3) {
    if (type !== 'rsa') return false
    const [number = Buffer.alloc(0)] = mpis(numbers, 1)
    return verify(hash, message, key, padded(number, Math.ceil(rsaBits(key) / 8)))
  }
  if (algorithm === 22) {
    if (type !== 'ed25519') return false
    return verify(null, digest, key, Buffer.concat(mpis(numbers, 2).map((number) => padded(number, 32))))
  }
  if (algorithm === 27) return type === 'ed25519' && numbers.length === 64 && verify(null, digest, key, numbers)
  if (algorithm !== 19 || type !== 'ec') return false
  const named = { prime256v1: 'nistp256', secp384r1: 'nistp384', secp521r1: 'nistp521' }
  const curve = named[(key.asymmetricKeyDetails?.namedCurve ?? '') as keyof typeof named] ?? ''
  if (!isCurveName(curve)) return false
  const both = Buffer.concat(mpis(numbers, 2).map((number) => padded(number, curveBytes(curve))))
  return verify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, both)
}

interface Subpacket {
  readonly type: number
  readonly isCritical: boolean
  readonly value: Buffer
}

function subpackets(bytes: Buffer): Subpacket[] {
  const parts: Subpacket[] = []
  for (let at = 0; at < bytes.length; ) {
    const [length, start] = lengthAt(bytes, at)
    if (length === 0 || start + length > bytes.length) throw new RangeError('a subpacket is cut off')
    const type = bytes.readUInt8(start)
    parts.push({ type: type & 0x7f, isCritical: type >= 0x80, value: bytes.subarray(start + 1, start + length) })
    at = start + length
  }
  return parts
}

function issuerOf(parts: readonly Subpacket[]): string | null {
  const fingerprint = parts.find((part) => part.type === 33 && part.value.length === 21 && part.value[0] === 4)
  const id = fingerprint?.value.subarray(13) ?? parts.find((part) => part.type === 16 && part.value.length === 8)?.value
  return id === undefined ? null : id.toString('hex').toUpperCase()
}

/** So many numbers with their length in bits in front, and nothing after them. */
function mpis(bytes: Buffer, count: number): Buffer[] {
  const numbers: Buffer[] = []
  let at = 0
  while (numbers.length < count) {
    const length = Math.ceil(bytes.readUInt16BE(at) / 8)
    if (at + 2 + length > bytes.length) throw new RangeError('a number is cut off')
    numbers.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  if (at !== bytes.length) throw new RangeError('there is more than the numbers')
  return numbers
}
