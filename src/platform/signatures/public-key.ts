/** Public keys in the form in which they are kept and used, and signatures under them. */
import { createPublicKey, type KeyObject } from 'node:crypto'

/** One key that can sign: an SSH key, the primary key of an OpenPGP key, or one of its subkeys. */
export interface SignerKey {
  /** What signatures name it by: 16 hex digits (upper case) of OpenPGP, `SHA256:...` of SSH. */
  readonly id: string
  readonly fingerprint: string
  /** As people call it: `rsa4096`, `ed25519`, `nistp256`. */
  readonly algorithm: string
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly spki: string
  /** Milliseconds. SSH keys say nothing of time. */
  readonly createdAt: number | null
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** Nothing that it ever signed counts: revoked as compromised, or without a reason. */
  readonly isCompromised: boolean
}

const curves = { nistp256: ['P-256', 32], nistp384: ['P-384', 48], nistp521: ['P-521', 66] } as const
export type CurveName = keyof typeof curves

export const isCurveName = (name: string): name is CurveName => Object.hasOwn(curves, name)

/** Bytes of one coordinate, and of each half of a signature. */
export function curveBytes(curve: CurveName): number {
  return curves[curve][1]
}

export function rsaKey(n: Uint8Array, e: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'RSA', n: url(trimmed(n)), e: url(trimmed(e)) }, format: 'jwk' })
}

export function ed25519Key(point: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: url(point) }, format: 'jwk' })
}

/** `point` is uncompressed: 4, x, y. Throws for a point that is not on the curve. */
export function ecdsaKey(curve: CurveName, point: Uint8Array): KeyObject {
  const [crv, bytes] = curves[curve]
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) throw new TypeError('The point of the key has another length.')
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)]
  return createPublicKey({ key: { kty: 'EC', crv, x: url(x), y: url(y) }, format: 'jwk' })
}

export function toSpki(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64')
}

const known = new Map<string, KeyObject>()

/** Reading a key costs more than checking a signature with it, and few keys sign many commits. */
export function fromSpki(spki: string): KeyObject {
  let key = known.get(spki)
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })
    if (known.size >= 1_000) known.clear()
    known.set(spki, key)
  }
  return key
}

export function rsaBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0
}

/** A number as both formats write it may have zeros in front, or lack them. */
export function padded(bytes: Uint8Array, length: number): Buffer {
  const number = trimmed(bytes)
  if (number.length > length) throw new RangeError('The number is too long.')
  return Buffer.concat([Buffer.alloc(length - number.length), number])
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let zeros = 0
  while (zeros < bytes.length - 1 && bytes[zeros] === 0) zeros++
  return bytes.subarray(zeros)
}

function url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
