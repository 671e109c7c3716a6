/**
 * Keys that sign in the name of a person or a service account. They are added like passwords: in a session, or on the command line, never by a
 * token (GPG-13). What a key changes about commits is judged by a job.
 */
import { serviceAccountEmail } from '../../domain/commit-identity.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import { emailKey } from '../../domain/names.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { SigningKeyTable } from '../../platform/db/schema.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { sshFingerprint } from '../../platform/signatures/ssh-key.ts'
import { recordEvent } from '../audit/service.ts'
import { hubKeyBlobs } from '../repos/service.ts'
import { type KeyDetails, type KeyKind, keyDetails, parseKey } from './parse-key.ts'
import {
  addressesOf,
  countKeysOf,
  countVerifiedBy,
  deleteKeyRow,
  findKeyByFingerprint,
  insertKey,
  listKeysOf,
  renewKey,
} from './queries.ts'

export { type KeyDetails, type KeyKind, keyDetails, kindOfKey } from './parse-key.ts'

/** Whose a key is, and how events name that. */
export interface KeyOwner {
  readonly kind: 'user' | 'service-account'
  readonly id: string
  readonly name: string
  /** The user or organization in whose audit log it stands. */
  readonly logId: string
}

/** Does an address of a key lead to its owner (GPG-3)? */
export type EmailMatch = 'verified' | 'unverified' | 'none'

export interface SigningKey {
  readonly id: string
  readonly kind: KeyKind
  readonly fingerprint: string
  readonly title: string
  readonly publicKey: string
  readonly details: KeyDetails
  readonly isCompromised: boolean
  readonly emails: readonly { readonly address: string; readonly match: EmailMatch }[]
  readonly createdAt: number
}

/** Payload of the job that judges again what a new, changed or verified thing concerns. */
export interface JudgeAgain {
  readonly keyIds?: readonly string[]
  readonly email?: string
}
export const judgeAgainQueue = 'judge-signatures-again'

const mostKeys = 100

/** The person or service account that asks. */
export function ownKeys(allowed: Allowed<Action>): KeyOwner {
  const account = accountOf(allowed.principal)
  if (account === null || account.kind === 'organization') throw new HoldfastError('unauthenticated')
  const logId = account.kind === 'user' ? account.id : account.organization.id
  return { kind: account.kind, id: account.id, name: account.name, logId }
}

/** A service account of an organization. */
export function ownerOf(
  organization: { readonly id: string },
  account: { readonly id: string; readonly name: string },
): KeyOwner {
  return { kind: 'service-account', id: account.id, name: account.name, logId: organization.id }
}

export async function listKeys(hub: Hub, owner: KeyOwner, kind?: KeyKind): Promise<SigningKey[]> {
  const [rows, addresses] = await Promise.all([listKeysOf(hub.db, owner.id), addressesOf(hub.db, owner.id)])
  const own = owner.kind === 'user' ? addresses : new Map([[serviceAccountEmail(owner.id), true]])
  return rows.filter((row) => kind === undefined || row.kind === kind).map((row) => toKey(row, own))
}

/** Throws `key_not_found`. */
export async function getKey(hub: Hub, owner: KeyOwner, id: string): Promise<SigningKey> {
  const key = (await listKeys(hub, owner)).find((one) => one.id === id)
  if (key === undefined) throw new HoldfastError('key_not_found')
  return key
}

/** How many commits lose their "Verified" with a key. */
export async function commitsVerifiedBy(hub: Hub, key: SigningKey): Promise<number> {
  return await countVerifiedBy(hub.db, key.id)
}

/**
 * Adds a key. One's own key that comes again with other certificates (a new expiry, a revocation, more subkeys) is renewed; exactly the same is
 * refused. Throws what `parseKey` throws, and `key_taken`, which does not say by whom.
 */
export async function addKey(
  hub: Hub,
  allowed: Allowed<'user.gpg_key.create' | 'user.ssh_key.create' | 'org.service_account.key.create'>,
  origin: Origin,
  owner: KeyOwner,
  kind: KeyKind,
  text: string,
): Promise<SigningKey> {
  const parsed = await parseKey(kind, text)
  if (hubKeyBlobs(hub).some((blob) => sshFingerprint(blob) === parsed.fingerprint)) throw new HoldfastError('key_taken')
  const details = JSON.stringify(parsed.details)
  const keyIds = [...new Set(parsed.details.signers.map(({ id }) => id))]
  const { title, publicKey } = parsed
  const isCompromised = parsed.isCompromised ? 1 : 0
  const id = await hub.transaction(async (tx) => {
    const known = await findKeyByFingerprint(tx, parsed.fingerprint)
    if (known !== null) {
      if (known.ownerId !== owner.id || known.publicKey === publicKey) throw new HoldfastError('key_taken')
      if (known.isCompromised === 1 && isCompromised === 0) throw new HoldfastError('key_taken')
      await renewKey(tx, known.id, { title, publicKey, details, isCompromised }, keyIds)
      await record(hub, tx, allowed, origin, owner, known, allowed.action.replace(/create$/, 'update'))
      await judgeAgain(tx, { keyIds })
      return known.id
    }
    if ((await countKeysOf(tx, owner.id)) >= mostKeys) {
      throw new HoldfastError('invalid_key', { reason: `An account has at most ${mostKeys} keys.`, field: 'key' })
    }
    const row: SigningKeyTable = {
      id: hub.clock.id(),
      kind,
      ownerKind: owner.kind,
      ownerId: owner.id,
      fingerprint: parsed.fingerprint,
      title,
      publicKey,
      details,
      isCompromised,
      createdAt: hub.clock.now(),
    }
    if (!(await insertKey(tx, row, keyIds))) throw new HoldfastError('key_taken')
    await record(hub, tx, allowed, origin, owner, row)
    await judgeAgain(tx, { keyIds })
    return row.id
  })
  return await getKey(hub, owner, id)
}

/** Throws `key_not_found`. Its commits are unverified from the next look on (GPG-4). */
export async function deleteKey(
  hub: Hub,
  allowed: Allowed<'user.gpg_key.delete' | 'user.ssh_key.delete' | 'org.service_account.key.delete'>,
  origin: Origin,
  owner: KeyOwner,
  id: string,
): Promise<void> {
  await hub.transaction(async (tx) => {
    const row = await deleteKeyRow(tx, owner.id, id)
    if (row === null) throw new HoldfastError('key_not_found')
    await record(hub, tx, allowed, origin, owner, row)
  })
}

async function judgeAgain(tx: Tx, what: JudgeAgain): Promise<void> {
  await enqueue(tx, judgeAgainQueue, { ...what })
}

function toKey(row: SigningKeyTable, own: ReadonlyMap<string, boolean>): SigningKey {
  // Written by `addKey`; the shape is checked because it outlives the release that wrote it.
  const details = keyDetails.parse(JSON.parse(row.details))
  const { id, kind, fingerprint, title, publicKey, createdAt } = row
  const emails = details.emails.map((address) => {
    const isVerified = own.get(emailKey(address))
    return { address, match: isVerified === undefined ? 'none' : isVerified ? 'verified' : 'unverified' } as const
  })
  return { id, kind, fingerprint, title, publicKey, createdAt, details, emails, isCompromised: row.isCompromised === 1 }
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  owner: KeyOwner,
  key: Pick<SigningKeyTable, 'id' | 'kind' | 'fingerprint'>,
  action?: string,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    ...(action === undefined ? {} : { action }),
    resource: { kind: 'signing_key', id: key.id, name: owner.name },
    ownerId: owner.logId,
    data: { kind: key.kind, fingerprint: key.fingerprint },
  })
}
