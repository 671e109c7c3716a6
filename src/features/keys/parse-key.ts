/** What somebody pastes as a key, read into what is stored; private keys are told apart first of all. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { PrivateKeyGiven, parseOpenPgpKey } from '../../platform/signatures/openpgp-key.ts'
import { parseSshKey } from '../../platform/signatures/ssh-key.ts'

export type KeyKind = 'gpg' | 'ssh'

const signer = z.object({
  id: z.string(),
  fingerprint: z.string(),
  algorithm: z.string(),
  spki: z.string(),
  createdAt: z.number().nullable(),
  expiresAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
  isCompromised: z.boolean(),
})

/** What is kept of a key beside its text. */
export const keyDetails = z.object({
  userIds: z.array(z.string()),
  emails: z.array(z.string()),
  createdAt: z.number().nullable(),
  expiresAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
  signers: z.array(signer).readonly(),
  otherKeys: z.array(z.object({ id: z.string(), algorithm: z.string() })),
})
export type KeyDetails = z.infer<typeof keyDetails>

export interface ParsedKey {
  readonly kind: KeyKind
  readonly fingerprint: string
  readonly title: string
  readonly publicKey: string
  readonly isCompromised: boolean
  readonly details: KeyDetails
}

/** Keys with many certificates have some tens of kilobytes; more is a photo album. */
const longestKey = 100_000

const privateKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|-----BEGIN SSH2 ENCRYPTED/

/** Throws `private_key_exposed`, `field_too_large` and `invalid_key`. No message quotes what was pasted. */
export async function parseKey(kind: KeyKind, text: string): Promise<ParsedKey> {
  if (privateKey.test(text)) throw new HoldfastError('private_key_exposed')
  if (text.length > longestKey) {
    throw new HoldfastError('field_too_large', { field: 'key', limit: `${longestKey} characters` })
  }
  try {
    return kind === 'ssh' ? parseSsh(text) : await parseGpg(text)
  } catch (error) {
    if (error instanceof PrivateKeyGiven) throw new HoldfastError('private_key_exposed')
    if (error instanceof TypeError) throw new HoldfastError('invalid_key', { reason: error.message, field: 'key' })
    throw error
  }
}

/** Which kind a text is of, for those who have one place for both. */
export function kindOfKey(text: string): KeyKind {
  return /^\s*(?:ssh-|ecdsa-|sk-)/.test(text) ? 'ssh' : 'gpg'
}

async function parseGpg(text: string): Promise<ParsedKey> {
  const key = await parseOpenPgpKey(text)
  return {
    kind: 'gpg',
    fingerprint: key.fingerprint,
    title: (key.userIds[0] ?? '').slice(0, 200),
    publicKey: key.armored,
    isCompromised: key.isCompromised,
    details: {
      userIds: [...key.userIds],
      emails: [...key.emails],
      createdAt: key.createdAt,
      expiresAt: key.expiresAt,
      revokedAt: key.revokedAt,
      signers: key.signers,
      otherKeys: [...key.otherKeys],
    },
  }
}

function parseSsh(text: string): ParsedKey {
  const key = parseSshKey(text)
  return {
    kind: 'ssh',
    fingerprint: key.signer.fingerprint,
    title: key.comment === '' ? key.signer.algorithm : key.comment,
    publicKey: key.comment === '' ? key.line : `${key.line} ${key.comment}`,
    isCompromised: false,
    details: {
      userIds: [],
      emails: [],
      createdAt: null,
      expiresAt: null,
      revokedAt: null,
      signers: [key.signer],
      otherKeys: [],
    },
  }
}
