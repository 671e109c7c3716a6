/** The SQL of sessions and of who is signing in. A session is stored by the hash of its cookie alone. */
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { SessionTable } from '../../platform/db/schema.ts'

export interface SignInRow {
  readonly id: string
  readonly name: string
  readonly passwordHash: string | null
  readonly state: 'active' | 'deactivated' | 'deleted'
}

const byName = prepared<{ key: string }, SignInRow>((q, param) =>
  q
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .select(['user.id', 'namespace.name', 'user.passwordHash', 'user.state'])
    .where('namespace.nameKey', '=', param('key')),
)

const byEmail = prepared<{ key: string }, SignInRow>((q, param) =>
  q
    .selectFrom('email')
    .innerJoin('user', 'user.id', 'email.userId')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .select(['user.id', 'namespace.name', 'user.passwordHash', 'user.state'])
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

/** The account as it is now, held until the transaction ends: a deactivation or a new password comes before or after. */
export async function holdUser(
  tx: Tx,
  userId: string,
): Promise<{ state: SignInRow['state']; passwordHash: string | null } | null> {
  const row = await tx
    .updateTable('user')
    .set((q) => ({ state: q.ref('state') }))
    .where('id', '=', userId)
    .returning(['state', 'passwordHash'])
    .executeTakeFirst()
  return row ?? null
}

export async function insertSession(tx: Tx, row: SessionTable): Promise<void> {
  await tx.insertInto('session').values(row).execute()
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
