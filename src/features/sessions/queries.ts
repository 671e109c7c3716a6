/** The SQL of sessions and of who is signing in. A session is stored by the hash of its cookie alone. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { Flag, SessionTable } from '../../platform/db/schema.ts'

export interface SignInRow {
  readonly id: string
  readonly name: string
  readonly passwordHash: string | null
  readonly passwordChangedAt: number | null
  readonly secondFactorAt: number | null
  readonly state: 'active' | 'deactivated' | 'deleted'
  readonly isAdmin: Flag
}

const signInColumns = [
  'user.id',
  'namespace.name',
  'user.passwordHash',
  'user.passwordChangedAt',
  'user.secondFactorAt',
  'user.state',
  'user.isAdmin',
] as const

const byName = prepared<{ key: string }, SignInRow>((q, param) =>
  q
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .select(signInColumns)
    .where('namespace.nameKey', '=', param('key')),
)

const byEmail = prepared<{ key: string }, SignInRow>((q, param) =>
  q
    .selectFrom('email')
    .innerJoin('user', 'user.id', 'email.userId')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .select(signInColumns)
    .where('email.addressKey', '=', param('key'))
    .where('email.verifiedAt', 'is not', null),
)

export async function findByName(db: Db, key: string): Promise<SignInRow | null> {
  return await byName.first(db.read, { key })
}

/** Only a verified address signs in: anybody can claim one that is not. */
export async function findByEmail(db: Db, key: string): Promise<SignInRow | null> {
  return await byEmail.first(db.read, { key })
}

export type HeldUser = Omit<SignInRow, 'id' | 'name'>

/** The account as it is now, held until the transaction ends: a deactivation or a new password comes before or after. */
export async function holdUser(tx: Tx, userId: string): Promise<HeldUser | null> {
  const row = await tx
    .updateTable('user')
    .set((q) => ({ state: q.ref('state') }))
    .where('id', '=', userId)
    .returning(['state', 'passwordHash', 'passwordChangedAt', 'secondFactorAt', 'isAdmin'])
    .executeTakeFirst()
  return row ?? null
}

export async function insertSession(tx: Tx, row: SessionTable): Promise<void> {
  await tx.insertInto('session').values(row).execute()
}

/** False where the session has ended. */
export async function freshenSession(tx: Tx, userId: string, id: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('session')
    .set({ freshAt: now })
    .where('id', '=', id)
    .where('userId', '=', userId)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** The newest `limit` sessions that are still good. */
export async function listSessions(db: Db, userId: string, now: number, limit: number): Promise<SessionTable[]> {
  return await db.read
    .selectFrom('session')
    .selectAll()
    .where('userId', '=', userId)
    .where('expiresAt', '>', now)
    .orderBy('lastUsedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Those that come after the newest `kept`. */
export async function deleteOldestSessions(tx: Tx, userId: string, kept: number): Promise<void> {
  const newest = await tx
    .selectFrom('session')
    .select('id')
    .where('userId', '=', userId)
    .orderBy('lastUsedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(kept)
    .execute()
  await tx
    .deleteFrom('session')
    .where('userId', '=', userId)
    .where(
      'id',
      'not in',
      newest.map((row) => row.id),
    )
    .execute()
}

export async function deleteSession(tx: Tx, userId: string, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('session')
    .where('id', '=', id)
    .where('userId', '=', userId)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function deleteSessionsExcept(tx: Tx, userId: string, keptId: string | null): Promise<number> {
  let query = tx.deleteFrom('session').where('userId', '=', userId)
  if (keptId !== null) query = query.where('id', '<>', keptId)
  const rows = await query.returning('id').execute()
  return rows.length
}

/** What ends sessions ends sign-ins too that wait for a second factor. */
export async function deletePendingSignIns(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom('pendingSignIn').where('userId', '=', userId).execute()
}

/** At most `limit` at a time, so that no transaction is long. Returns how many. */
export async function deleteExpiredSessions(tx: Tx, now: number, limit: number): Promise<number> {
  const rows = await tx
    .deleteFrom('session')
    .where('id', 'in', (q) =>
      q.selectFrom('session').select('session.id').where('session.expiresAt', '<=', now).limit(limit),
    )
    .returning('id')
    .execute()
  return rows.length
}
