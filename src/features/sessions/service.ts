/**
 * Signing in and out. A session is a random cookie of which only the hash is kept; it ends when it is not used for the configured time,
 * when its owner ends it, and with every change of the password or deactivation.
 */
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
  deleteSession,
  deleteSessionsExcept,
  findByEmail,
  findByName,
  holdUser,
  insertSession,
  listSessions,
} from './queries.ts'
import { addressBucket, type Counted, countAttempt, forgiveAttempt, quietMs } from './throttle.ts'
import { deleteQuietThrottles } from './throttle-queries.ts'

export { endedSessionCookie, sessionCookie } from './cookie.ts'
export { addressBucket, type Counted, countAttempt, forgiveAttempt } from './throttle.ts'

/** More sessions than this at a time end the longest unused. */
const mostSessions = 100

/**
 * Checks name (or verified address) and password and starts a session. Returns the cookie's value, which is kept nowhere.
 * Throws `wrong_password` (the same for an unknown name, after the same work), `too_many_attempts`, or `account_deactivated` to who knew
 * the password.
 */
export async function signIn(
  hub: Hub,
  allowed: Allowed<'session.create'>,
  origin: Origin,
  input: { readonly username: string; readonly password: string },
): Promise<{ cookie: string; userId: string }> {
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
  const cookie = await hub.transaction(async (tx) => await startSession(hub, tx, allowed, origin, user))
  return { cookie, userId: user.id }
}

/**
 * Starts a session for somebody who has just proved who they are. Throws `account_deactivated`, or `wrong_password` where the password
 * that proved it (`passwordHash`) was changed meanwhile.
 */
export async function startSession(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  user: { readonly id: string; readonly name: string; readonly passwordHash: string | null },
): Promise<string> {
  const cookie = newSecret()
  const now = hub.clock.now()
  const id = hub.clock.id()
  const current = await holdUser(tx, user.id)
  if (current?.state !== 'active') throw new HoldfastError('account_deactivated')
  if (current.passwordHash !== user.passwordHash) throw new HoldfastError('wrong_password')
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
    data: { session: id, device: deviceWords(origin.userAgent) },
  })
  return cookie
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

/** For a change that ends sessions on its own (password, deactivation): all of them, or all but one. */
export async function endSessionsOf(tx: Tx, userId: string, keptId: string | null = null): Promise<number> {
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
