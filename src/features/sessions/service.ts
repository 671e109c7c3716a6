/**
 * Signing in and out. A session is a random cookie of which only the hash is kept; it ends when it is not used for the configured time,
 * when its owner ends it, and with every change of the password or deactivation.
 */
import { addressBucket } from '../../access/address-bucket.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { emailKey, nameKey } from '../../domain/names.ts'
import { passwordMaximum } from '../../domain/password.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { verifyPassword } from '../../platform/crypto/password.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { deviceWords } from './device.ts'
import {
  deleteExpiredSessions,
  deleteOldestSessions,
  deletePendingSignIns,
  deleteSession,
  deleteSessionsExcept,
  findByEmail,
  findByName,
  freshenSession,
  holdUser,
  insertSession,
  listSessions,
} from './queries.ts'
import { type Counted, countAttempt, forgiveAttempt, quietMs } from './throttle.ts'
import { deleteQuietThrottles } from './throttle-queries.ts'

export { endedSessionCookie, sessionCookie } from './cookie.ts'
export { type HeldUser, holdUser } from './queries.ts'
export { type Counted, countAttempt, forgiveAttempt } from './throttle.ts'

/** More sessions than this at a time end the longest unused. */
const mostSessions = 100

/** By what somebody proved who they are. */
export type SignInMethod =
  | 'password'
  | 'password and code'
  | 'password and recovery code'
  | 'password and passkey'
  | 'passkey'
  | CompanyMethod

/** Through the company's provider, with a second factor of this hub or of the provider's own. */
export type CompanyMethod =
  | 'company'
  | 'company with its second factor'
  | 'company and code'
  | 'company and recovery code'
  | 'company and passkey'

/** A right password makes a session (the value of its cookie is kept nowhere), or waits for the second factor of its owner. */
export type SignIn =
  | { readonly done: true; readonly cookie: string }
  | { readonly done: false; readonly user: { readonly id: string; readonly passwordChangedAt: number | null } }

/**
 * Checks name (or verified address) and password, and starts a session where the account has no second factor. Throws `wrong_password` (the same for an unknown name, after the same work), `too_many_attempts`, or `account_deactivated` to who knew
 * the password.
 */
export async function signIn(
  hub: Hub,
  allowed: Allowed<'session.create'>,
  origin: Origin,
  input: { readonly username: string; readonly password: string },
): Promise<SignIn> {
  const username = input.username.trim()
  const byNameCounted: Counted = { limit: 'sign-in-name', about: username.toLowerCase() }
  const byAddressCounted: Counted = { limit: 'sign-in-address', about: addressBucket(origin.ip) }
  await countAttempt(hub, [byNameCounted, byAddressCounted])
  const user = username.includes('@')
    ? await findByEmail(hub.db, emailKey(username))
    : await findByName(hub.db, nameKey(username))
  const isRight =
    input.password.length <= passwordMaximum && (await verifyPassword(user?.passwordHash ?? null, input.password))
  if (user === null || user.state === 'deleted' || !isRight) throw new HoldfastError('wrong_password')
  await forgiveAttempt(hub, [byNameCounted], [byAddressCounted])
  if (user.state !== 'active') throw new HoldfastError('account_deactivated')
  refuseWhereCompanyOnly(hub, user)
  if (user.secondFactorAt !== null) return { done: false, user }
  const cookie = await hub.transaction((tx) => startSession(hub, tx, allowed, origin, user, 'password'))
  return { done: true, cookie }
}

/**
 * Starts a session for somebody who has just proved who they are. Throws `account_deactivated`, `wrong_password` where the password
 * that proved it (`passwordHash`) was changed meanwhile, `sign_in_expired` where a password, or the word of the company, is no longer enough,
 * or `password_sign_in_off` where only the company signs people in.
 */
export async function startSession(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  user: { readonly id: string; readonly name: string; readonly passwordHash: string | null },
  method: SignInMethod,
): Promise<string> {
  const cookie = newSecret()
  const now = hub.clock.now()
  const id = hub.clock.id()
  const current = await holdUser(tx, user.id)
  if (current?.state !== 'active') throw new HoldfastError('account_deactivated')
  if (current.passwordHash !== user.passwordHash) throw new HoldfastError('wrong_password')
  if (!method.startsWith('company')) refuseWhereCompanyOnly(hub, current)
  if ((method === 'password' || method === 'company') && current.secondFactorAt !== null) {
    throw new HoldfastError('sign_in_expired')
  }
  await insertSession(tx, {
    id,
    tokenHash: hashSecret(cookie),
    userId: user.id,
    createdAt: now,
    lastUsedAt: now,
    lastIp: origin.ip,
    userAgent: origin.userAgent,
    expiresAt: now + hub.config.sessionLifetime,
    freshAt: null,
  })
  await deleteOldestSessions(tx, user.id, mostSessions)
  await recordEvent(hub, tx, allowed, origin, {
    action: 'session.create',
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data: { session: id, device: deviceWords(origin.userAgent), method },
  })
  return cookie
}

/** Administrators get in by themselves: somebody must, when the provider is down or badly set up. */
function refuseWhereCompanyOnly(hub: Hub, user: { readonly isAdmin: number }): void {
  const { company } = hub.config
  if (company?.isOnly === true && user.isAdmin !== 1) {
    throw new HoldfastError('password_sign_in_off', { company: company.name })
  }
}

/** Ends the session that asks. */
export async function signOut(hub: Hub, allowed: Allowed<'session.delete'>, origin: Origin): Promise<void> {
  if (allowed.credential?.kind === 'session') await endSession(hub, allowed, origin, allowed.credential.id)
}

export interface Session {
  readonly id: string
  readonly device: string
  readonly ip: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly isCurrent: boolean
}

/** The last used first, at most a hundred. */
export async function listOwnSessions(hub: Hub, allowed: Allowed<'session.read'>): Promise<Session[]> {
  const { id } = person(allowed)
  const rows = await listSessions(hub.db, id, hub.clock.now(), mostSessions)
  return rows.map((row) => ({
    id: row.id,
    device: deviceWords(row.userAgent),
    ip: row.lastIp,
    createdAt: row.createdAt,
    lastUsedAt: row.lastUsedAt,
    isCurrent: row.id === allowed.credential?.id,
  }))
}

/** Throws `not_found` for a session that is not one's own, or has ended. */
export async function endSession(
  hub: Hub,
  allowed: Allowed<'session.delete'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const user = person(allowed)
  await hub.transaction(async (tx) => {
    if (!(await deleteSession(tx, user.id, id))) throw new HoldfastError('not_found')
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { sessions: [id] },
    })
  })
}

/** Ends all sessions but the one that asks. Returns how many. */
export async function endOtherSessions(hub: Hub, allowed: Allowed<'session.delete'>, origin: Origin): Promise<number> {
  const user = person(allowed)
  const keptId = allowed.credential?.kind === 'session' ? allowed.credential.id : null
  return await hub.transaction(async (tx) => {
    const ended = await deleteSessionsExcept(tx, user.id, keptId)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { ended, others: true },
    })
    return ended
  })
}

/** The session that asks counts as begun just now. Throws `unauthenticated` where it has ended. */
export async function refreshSession(hub: Hub, tx: Tx, allowed: Allowed<'session.refresh'>): Promise<void> {
  const { principal, credential } = allowed
  if (principal.kind !== 'user' || credential?.kind !== 'session') throw new Error('Only a session is confirmed.')
  if (!(await freshenSession(tx, principal.id, credential.id, hub.clock.now()))) {
    throw new HoldfastError('unauthenticated')
  }
}

/**
 * For a change that ends sessions on its own (password, deactivation, a first second factor): all of them, or all but one. Sign-ins that
 * wait for a second factor end as well.
 */
export async function endSessionsOf(tx: Tx, userId: string, keptId: string | null = null): Promise<number> {
  await deletePendingSignIns(tx, userId)
  return await deleteSessionsExcept(tx, userId, keptId)
}

/** Part of the hourly cleaning. Returns whether there may be more. */
export async function cleanSessions(hub: Hub): Promise<boolean> {
  const now = hub.clock.now()
  const batch = 1_000
  const removed = await hub.transaction(async (tx) => {
    await deleteQuietThrottles(tx, now - quietMs)
    return await deleteExpiredSessions(tx, now, batch)
  })
  return removed === batch
}

function person(allowed: Allowed<'session.read' | 'session.delete'>): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('Sessions belong to a person.')
  return allowed.principal
}
