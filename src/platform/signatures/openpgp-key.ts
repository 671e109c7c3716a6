/** OpenPGP public keys: their certificates are checked once, when they are added; what remains is plain keys with their times. */
import type { KeyObject } from 'node:crypto'
import type { AnyKeyPacket, Key, SignaturePacket } from 'openpgp'
import { ecdsaKey, ed25519Key, rsaBits, rsaKey, type SignerKey, toSpki } from './public-key.ts'

export interface OpenPgpKey {
  readonly fingerprint: string
  /** The key as it was given, armoured anew: comments and other blocks are gone. */
  readonly armored: string
  /** User ids that the key itself certifies and has not revoked. */
  readonly userIds: readonly string[]
  /** The addresses in them. */
  readonly emails: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly isCompromised: boolean
  /** The keys of it that may sign; at least one. */
  readonly signers: readonly SignerKey[]
  /** Subkeys that do not sign, for the list of keys. */
  readonly otherKeys: readonly { readonly id: string; readonly algorithm: string }[]
}

export class PrivateKeyGiven extends Error {}

/** The library is loaded when the first key is read: a hub without keys does not pay for it. */
const load = () => import('openpgp')
type Library = Awaited<ReturnType<typeof load>>

/** Throws `TypeError` with a sentence that says what is wrong, `PrivateKeyGiven` for a key that should never have left its owner. */
export async function parseOpenPgpKey(text: string): Promise<OpenPgpKey> {
  const library = await load()
  let keys: Key[]
  try {
    keys = await library.readKeys({ armoredKeys: text })
  } catch (error) {
    throw new TypeError('It is not an OpenPGP public key, from "-----BEGIN PGP PUBLIC KEY BLOCK-----" to its end.', {
      cause: error,
    })
  }
  if (keys.some((key) => key.isPrivate())) throw new PrivateKeyGiven()
  const [key] = keys
  if (key === undefined || keys.length !== 1) throw new TypeError('It has more than one key. Add them one by one.')
  if (key.keyPacket.version !== 4)
    throw new TypeError('It is a key of a version that git and gpg do not sign with yet.')
  const armored = key.armor()
  const revocation = await revocationOf(library, key, key.revocationSignatures, 'keyRevocation', null)
  const subkeys = await Promise.all(
    key.subkeys.map(async (subkey) => ({
      subkey,
      revocation: await revocationOf(library, key, subkey.revocationSignatures, 'subkeyRevocation', subkey.keyPacket),
    })),
  )
  // Revocations are dealt with by their times; what follows asks only whether everything else of the key holds.
  key.revocationSignatures = []
  for (const { subkey } of subkeys) subkey.revocationSignatures = []
  const userIds = await validUserIds(key)
  if (userIds.length === 0) throw new TypeError('No user id of it is certified by the key itself.')
  const expiresAt = timeOf(await key.getExpirationTime())
  const primary = { revocation, expiresAt }
  const signers = [await signerOf(key, key.keyPacket, primary)]
  for (const { subkey, revocation: own } of subkeys) {
    const ownExpiry = timeOf(await subkey.getExpirationTime(null as unknown as Date).catch(() => null))
    signers.push(
      await signerOf(key, subkey.keyPacket, {
        revocation: earlier(own, revocation),
        expiresAt: least(expiresAt, ownExpiry),
      }),
    )
  }
  const able = signers.filter((signer) => signer !== null)
  if (able.length === 0) {
    throw new TypeError(
      'No key of it can sign in a way that this hub checks: RSA from 2,048 bits, Ed25519, NIST curves.',
    )
  }
  const signing = new Set(able.map(({ id }) => id))
  const otherKeys = key.subkeys
    .map(({ keyPacket }) => ({ id: idOf(keyPacket), algorithm: keyPacket.getAlgorithmInfo().algorithm }))
    .filter(({ id }) => !signing.has(id))
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    armored,
    userIds,
    emails: [...new Set(userIds.map(emailOf).filter((email) => email !== null))],
    createdAt: key.getCreationTime().getTime(),
    expiresAt,
    revokedAt: revocation?.at ?? null,
    isCompromised: revocation?.isHard ?? false,
    signers: able,
    otherKeys,
  }
}

interface Revocation {
  readonly at: number
  readonly isHard: boolean
}

/** Superseded and retired keys keep what they signed before; with any other reason, or none, somebody else may have signed. */
const softReasons: readonly (number | null)[] = [1, 3]

async function revocationOf(
  library: Library,
  key: Key,
  signatures: readonly SignaturePacket[],
  type: 'keyRevocation' | 'subkeyRevocation',
  bind: AnyKeyPacket | null,
): Promise<Revocation | null> {
  let found: Revocation | null = null
  for (const signature of signatures) {
    const data = bind === null ? { key: key.keyPacket } : { key: key.keyPacket, bind }
    try {
      await signature.verify(key.keyPacket, library.enums.signature[type], data, undefined, false, library.config)
    } catch {
      // Not by this key: anybody can attach one.
      continue
    }
    const isHard = !softReasons.includes(signature.reasonForRevocationFlag)
    found = earlier(found, { at: (signature.created ?? new Date(0)).getTime(), isHard })
  }
  return found
}

function earlier(one: Revocation | null, other: Revocation | null): Revocation | null {
  if (one === null || other === null) return one ?? other
  return { at: Math.min(one.at, other.at), isHard: one.isHard || other.isHard }
}

function least(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}

/** `null` as a date asks the library for no check of times: an expired key verifies what it signed before. */
const anyTime = null as unknown as Date

async function validUserIds(key: Key): Promise<string[]> {
  const valid: string[] = []
  for (const user of key.users) {
    if (user.userID === null) continue
    try {
      await user.verify(anyTime)
      valid.push(user.userID.userID)
    } catch {
      // Somebody else's user id, attached to this key, or one that was revoked.
    }
  }
  return valid
}

/** Null for a key that may not sign, or not in a way that is checked here. */
async function signerOf(
  key: Key,
  packet: AnyKeyPacket,
  life: { readonly revocation: Revocation | null; readonly expiresAt: number | null },
): Promise<SignerKey | null> {
  try {
    const signing = await key.getSigningKey(packet.getKeyID(), anyTime)
    if (signing.getFingerprint() !== packet.getFingerprint()) return null
  } catch {
    // No signing flag, no back signature of a subkey, too weak: the library says which, the list of keys shows that it does not sign.
    return null
  }
  const read = keyOf(packet)
  if (read === null) return null
  return {
    id: idOf(packet),
    fingerprint: packet.getFingerprint().toUpperCase(),
    algorithm: read.algorithm,
    spki: toSpki(read.key),
    createdAt: packet.created.getTime(),
    expiresAt: life.expiresAt,
    revokedAt: life.revocation?.at ?? null,
    isCompromised: life.revocation?.isHard ?? false,
  }
}

function keyOf(packet: AnyKeyPacket): { key: KeyObject; algorithm: string } | null {
  const { algorithm, curve } = packet.getAlgorithmInfo()
  // The library types these as a bare object; their members follow from the algorithm (RFC 9580, 5.5.5).
  const parts = packet.publicParams as { n?: Uint8Array; e?: Uint8Array; Q?: Uint8Array; A?: Uint8Array }
  if (/^rsa/.test(algorithm) && parts.n && parts.e) {
    const key = rsaKey(parts.n, parts.e)
    return { key, algorithm: `rsa${rsaBits(key)}` }
  }
  if (algorithm === 'eddsaLegacy' && parts.Q?.length === 33) {
    return { key: ed25519Key(parts.Q.subarray(1)), algorithm: 'ed25519' }
  }
  if (algorithm === 'ed25519' && parts.A) return { key: ed25519Key(parts.A), algorithm: 'ed25519' }
  const name = ({ nistP256: 'nistp256', nistP384: 'nistp384', nistP521: 'nistp521' } as const)[String(curve)]
  if (algorithm === 'ecdsa' && name !== undefined && parts.Q) return { key: ecdsaKey(name, parts.Q), algorithm: name }
  return null
}

function idOf(packet: AnyKeyPacket): string {
  return packet.getKeyID().toHex().toUpperCase()
}

function timeOf(date: Date | typeof Infinity | null): number | null {
  return date instanceof Date && Number.isFinite(date.getTime()) ? date.getTime() : null
}

/** The address in `Name (comment) <address>`, or the user id where it is one. */
function emailOf(userId: string): string | null {
  const address = /<([^<>\s]+@[^<>\s]+)>\s*$/.exec(userId)?.[1] ?? userId.trim()
  return /^[^\s<>@]+@[^\s<>@]+$/.test(address) ? address : null
}
