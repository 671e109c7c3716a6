/** Ed25519 keys that are derived from a secret, so that they need no place of their own, and checking with public ones alone. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export interface PublicKey {
  /** The first 16 hex digits of the SHA-256 of the key (SubjectPublicKeyInfo, DER). */
  readonly id: string
  readonly pem: string
  /** Whether `signature` (base64) is of `text` under this key. */
  verify(text: string, signature: string): boolean
  verifyBytes(bytes: Buffer, signature: Buffer): boolean
}

export interface SigningKey extends PublicKey {
  /** Base64. */
  sign(text: string): string
  /** The 64 bytes of a signature, for formats of their own. */
  signBytes(bytes: Buffer): Buffer
  /** The same, in a thread: for what is long. */
  signAside(bytes: Buffer): Promise<Buffer>
}

/** RFC 8410: an Ed25519 private key in PKCS #8 is this, then its 32 bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The key of 32 secret bytes: always the same. */
export function signingKey(seed: Buffer): SigningKey {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  return {
    ...publicKey(createPublicKey(key)),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64'),
    signBytes: (bytes) => sign(null, bytes, key),
    signAside: (bytes) =>
      new Promise((resolve, reject) => {
        sign(null, bytes, key, (error, signature) => (error === null ? resolve(signature) : reject(error)))
      }),
  }
}

const block = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g

/** All Ed25519 public keys of a PEM text. Empty where there is none. Throws where one is not readable. */
export function parsePublicKeys(pem: string): PublicKey[] {
  return [...pem.matchAll(block)].map(([text]) => publicKey(createPublicKey(text)))
}

function publicKey(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('It is not an Ed25519 key.')
  const der = key.export({ format: 'der', type: 'spki' })
  return {
    id: createHash('sha256').update(der).digest('hex').slice(0, 16),
    pem: key.export({ format: 'pem', type: 'spki' }).toString(),
    verify: (text, signature) => verify(null, Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'base64')),
    verifyBytes: (bytes, signature) => verify(null, bytes, key, signature),
  }
}
