/** Signatures of `ssh-keygen -Y sign` (SSHSIG): read, checked, and made. */
import { createHash, type KeyObject, verify } from 'node:crypto'
import { curveBytes, isCurveName, padded } from './public-key.ts'
import { readSshBlob, sshFingerprint } from './ssh-key.ts'
import { SshReader, sshString } from './ssh-wire.ts'

export interface SshSignature {
  /** Of the key that it says it was made with. */
  readonly fingerprint: string
  readonly namespace: string
  /** Whether it is of these bytes, under the key that stands in it. */
  verify(payload: Buffer): boolean
}

const magic = Buffer.from('SSHSIG')
const armor = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----$/
const hashes: readonly string[] = ['sha256', 'sha512']

/** Null for what is not one whole signature. */
export function readSshSignature(text: string): SshSignature | null {
  const base64 = armor.exec(text.replaceAll('\r', '').trim())?.[1]
  if (base64 === undefined) return null
  try {
    const reader = new SshReader(Buffer.from(base64, 'base64'))
    if (!reader.take(magic.length).equals(magic) || reader.number() !== 1) return null
    const blob = reader.string()
    const namespace = reader.text()
    const reserved = reader.string()
    const hash = reader.text()
    const signature = reader.string()
    if (!reader.isAtEnd || !hashes.includes(hash)) return null
    const key = readSshBlob(blob)
    return {
      fingerprint: sshFingerprint(blob),
      namespace,
      verify: (payload) => isOf(key, signature, signedBytes(namespace, reserved, hash, payload)),
    }
  } catch (error) {
    // Cut off, or a key that is none.
    if (error instanceof RangeError || error instanceof TypeError || isKeyFault(error)) return null
    throw error
  }
}

/** An armoured signature in git's namespace with an Ed25519 key. `sign` gets the bytes to sign. */
export function makeSshSignature(publicBlob: Buffer, payload: Buffer, sign: (bytes: Buffer) => Buffer): string {
  const empty = Buffer.alloc(0)
  const raw = sign(signedBytes('git', empty, 'sha512', payload))
  const signature = Buffer.concat([sshString('ssh-ed25519'), sshString(raw)])
  const version = Buffer.from([0, 0, 0, 1])
  const parts = [publicBlob, 'git', empty, 'sha512', signature].map(sshString)
  const base64 = Buffer.concat([magic, version, ...parts]).toString('base64')
  return `-----BEGIN SSH SIGNATURE-----\n${base64.replace(/.{70}(?=.)/g, '$&\n')}\n-----END SSH SIGNATURE-----`
}

function signedBytes(namespace: string, reserved: Buffer, hash: string, payload: Buffer): Buffer {
  const digest = createHash(hash).update(payload).digest()
  return Buffer.concat([magic, ...[namespace, reserved, hash, digest].map(sshString)])
}

function isOf(
  { type, key, application }: { type: string; key: KeyObject; application: Buffer | null },
  signature: Buffer,
  message: Buffer,
): boolean {
  const reader = new SshReader(signature)
  const algorithm = reader.text()
  const raw = reader.string()
  if (type === 'ssh-rsa') {
    // The old "ssh-rsa" of SHA-1 is not among them.
    const digest = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }[algorithm]
    return digest !== undefined && reader.isAtEnd && verify(digest, message, key, raw)
  }
  if (algorithm !== type) return false
  let signed = message
  if (application !== null) {
    const flags = reader.take(1)
    const counter = reader.take(4)
    // The owner touched the key: what malware could ask of it alone does not count.
    if (((flags[0] ?? 0) & 1) === 0) return false
    signed = Buffer.concat([sha256(application), flags, counter, sha256(message)])
  }
  if (!reader.isAtEnd) return false
  if (type.includes('ed25519')) return raw.length === 64 && verify(null, signed, key, raw)
  const curve = /nistp\d+/.exec(type)?.[0] ?? ''
  if (!isCurveName(curve)) return false
  const numbers = new SshReader(raw)
  const length = curveBytes(curve)
  const both = Buffer.concat([padded(numbers.string(), length), padded(numbers.string(), length)])
  const digest = { nistp256: 'sha256', nistp384: 'sha384', nistp521: 'sha512' }[curve]
  return numbers.isAtEnd && verify(digest, signed, { key, dsaEncoding: 'ieee-p1363' }, both)
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function isKeyFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^ERR_(CRYPTO|OSSL)/.test(String(error.code))
}
