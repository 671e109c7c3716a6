/** SSH public keys, as `ssh-keygen` writes them in one line. */
import { createHash, type KeyObject } from 'node:crypto'
import { ecdsaKey, ed25519Key, isCurveName, rsaBits, rsaKey, type SignerKey, toSpki } from './public-key.ts'
import { SshReader } from './ssh-wire.ts'

export interface SshKey {
  readonly signer: SignerKey
  /** Type and key, without the comment. */
  readonly line: string
  readonly comment: string
}

/** What hardware keys sign is more than the message: their application stands in it. */
export interface SshPublicKey {
  readonly type: string
  readonly key: KeyObject
  readonly application: Buffer | null
}

const smallestRsa = 2_048
const largestRsa = 16_384

/** Reads one line. Throws `TypeError` with a sentence that says what is wrong. */
export function parseSshKey(text: string): SshKey {
  const match = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(text.trim())
  if (match === null)
    throw new TypeError('It is not the line of an SSH public key, such as "ssh-ed25519 AAAA... name".')
  const [, type = '', base64 = '', comment = ''] = match
  const blob = Buffer.from(base64, 'base64')
  let parsed: SshPublicKey
  try {
    parsed = readSshBlob(blob)
  } catch (error) {
    if (error instanceof TypeError && error.message.endsWith('.')) throw error
    throw new TypeError('It is not an SSH public key: what stands after its type is broken.', { cause: error })
  }
  if (parsed.type !== type) throw new TypeError(`It says that it is ${type}, and is ${parsed.type}.`)
  const fingerprint = sshFingerprint(blob)
  return {
    signer: {
      id: fingerprint,
      fingerprint,
      algorithm: algorithmOf(parsed),
      spki: toSpki(parsed.key),
      createdAt: null,
      expiresAt: null,
      revokedAt: null,
      isCompromised: false,
    },
    line: `${type} ${blob.toString('base64')}`,
    comment: comment.replace(/\p{C}/gu, '').trim().slice(0, 200),
  }
}

/** The key in a blob. Throws where it is not whole, or of a kind that signs nothing here. */
export function readSshBlob(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob)
  const type = reader.text()
  let key: KeyObject
  let application: Buffer | null = null
  if (type === 'ssh-ed25519' || type === 'sk-ssh-ed25519@openssh.com') {
    const point = reader.string()
    if (point.length !== 32) throw new TypeError('An Ed25519 key has 32 bytes.')
    key = ed25519Key(point)
  } else if (type === 'ssh-rsa') {
    const e = reader.string()
    key = rsaKey(reader.string(), e)
    const bits = rsaBits(key)
    if (bits < smallestRsa) throw new TypeError(`An RSA key of ${bits} bits is too weak: at least ${smallestRsa}.`)
    if (bits > largestRsa) throw new TypeError(`An RSA key has at most ${largestRsa} bits.`)
  } else {
    const curve = /^(?:sk-)?ecdsa-sha2-(nistp\d+)(?:@openssh\.com)?$/.exec(type)?.[1] ?? ''
    if (!isCurveName(curve) || reader.text() !== curve) {
      throw new TypeError('It is of a kind that this hub does not check: use ed25519, ecdsa or rsa, no certificate.')
    }
    key = ecdsaKey(curve, reader.string())
  }
  if (type.startsWith('sk-')) application = reader.string()
  if (!reader.isAtEnd) throw new TypeError('There is more in it than a key.')
  return { type, key, application }
}

/** As `ssh-keygen -l` shows it. */
export function sshFingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

function algorithmOf({ type, key }: SshPublicKey): string {
  if (type === 'ssh-rsa') return `rsa${rsaBits(key)}`
  return /ed25519|nistp\d+/.exec(type)?.[0] ?? type
}
