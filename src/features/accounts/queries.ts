/** The SQL of accounts: users, their addresses, and the links that work once. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { EmailTable, OneTimeLinkTable, UserTable } from '../../platform/db/schema.ts'

export type Purpose = OneTimeLinkTable['purpose']

export interface UserRow extends UserTable {
  readonly name: string
}

const userById = prepared<{ id: string }, UserRow>((q, param) =>
  q
    .selectFrom('user')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .selectAll('user')
    .select('namespace.name')
    .where('user.id', '=', param('id')),
)

const userByName = prepared<{ key: string }, UserRow>((q, param) =>
  q
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .selectAll('user')
    .select('namespace.name')
    .where('namespace.nameKey', '=', param('key')),
)

export async function findUser(db: Db, id: string): Promise<UserRow | null> {
  return await userById.first(db.read, { id })
}

export async function findUserByName(db: Db, key: string): Promise<UserRow | null> {
  return await userByName.first(db.read, { key })
}

/** The user as the transaction sees it. */
export async function findUserIn(tx: Tx, id: string): Promise<UserRow | null> {
  return await userById.first(tx, { id })
}

export async function insertUser(tx: Tx, row: UserTable): Promise<void> {
  await tx.insertInto('user').values(row).execute()
}

export async function updateUser(tx: Tx, id: string, change: Partial<Omit<UserTable, 'id'>>): Promise<void> {
  await tx.updateTable('user').set(change).where('id', '=', id).execute()
}

/** The first active administrators of the hub, up to two. */
export async function someAdmins(on: Tx | Db['read']): Promise<string[]> {
  const rows = await on
    .selectFrom('user')
    .select('id')
    .where('isAdmin', '=', 1)
    .where('state', '=', 'active')
    .orderBy('id')
    .limit(2)
    .execute()
  return rows.map((row) => row.id)
}

/** Until the transaction ends nobody else stops being an administrator of the hub. */
export async function lockAdmins(tx: Tx, dialect: Db['dialect']): Promise<void> {
  if (dialect === 'sqlite') return
  await tx.selectFrom('user').select('id').where('isAdmin', '=', 1).orderBy('id').forUpdate().execute()
}

export interface UserListRow {
  readonly id: string
  readonly name: string
  readonly nameKey: string
  readonly fullname: string | null
  readonly email: string | null
  readonly isAdmin: 0 | 1
  readonly state: UserTable['state']
  readonly createdAt: number
}

/** By name; `after` is the `nameKey` of the last one. */
export async function listUsers(db: Db, page: { after: string; limit: number }): Promise<UserListRow[]> {
  return await db.list
    .selectFrom('user')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .leftJoin('email', (join) => join.onRef('email.userId', '=', 'user.id').on('email.isPrimary', '=', 1))
    .select([
      'user.id',
      'namespace.name',
      'namespace.nameKey',
      'user.fullname',
      'email.address as email',
      'user.isAdmin',
      'user.state',
      'user.createdAt',
    ])
    .where('namespace.nameKey', '>', page.after)
    .orderBy('namespace.nameKey')
    .limit(page.limit)
    .execute()
}

// Addresses

const emailsByUser = prepared<{ userId: string }, EmailTable>((q, param) =>
  q
    .selectFrom('email')
    .selectAll()
    .where('userId', '=', param('userId'))
    .orderBy('isPrimary', 'desc')
    .orderBy('createdAt'),
)

/** The primary one first. */
export async function emailsOf(on: Tx | Db['read'], userId: string): Promise<EmailTable[]> {
  return await emailsByUser.run(on, { userId })
}

const emailById = prepared<{ id: string }, EmailTable>((q, param) =>
  q.selectFrom('email').selectAll().where('id', '=', param('id')),
)

export async function findEmail(on: Tx | Db['read'], id: string): Promise<EmailTable | null> {
  return await emailById.first(on, { id })
}

const verifiedEmail = prepared<{ key: string }, EmailTable>((q, param) =>
  q.selectFrom('email').selectAll().where('addressKey', '=', param('key')).where('verifiedAt', 'is not', null),
)

/** The one account's row that has proved this address. */
export async function findVerifiedEmail(on: Tx | Db['read'], key: string): Promise<EmailTable | null> {
  return await verifiedEmail.first(on, { key })
}

/** False where this account has the address already. */
export async function insertEmail(tx: Tx, row: EmailTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('email')
    .values(row)
    .onConflict((conflict) => conflict.columns(['userId', 'addressKey']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function verifyEmailRow(tx: Tx, id: string, now: number): Promise<void> {
  await tx.updateTable('email').set({ verifiedAt: now }).where('id', '=', id).execute()
}

export async function makeEmailPrimary(tx: Tx, userId: string, id: string): Promise<void> {
  await tx.updateTable('email').set({ isPrimary: 0 }).where('userId', '=', userId).execute()
  await tx.updateTable('email').set({ isPrimary: 1 }).where('id', '=', id).where('userId', '=', userId).execute()
}

export async function deleteEmail(tx: Tx, userId: string, id: string): Promise<void> {
  await tx.deleteFrom('email').where('id', '=', id).where('userId', '=', userId).execute()
}

/** Primary addresses that nobody has verified, oldest first. */
export async function unverifiedEmails(
  db: Db,
  limit: number,
): Promise<{ id: string; address: string; userId: string; name: string }[]> {
  return await db.list
    .selectFrom('email')
    .innerJoin('user', 'user.id', 'email.userId')
    .innerJoin('namespace', 'namespace.id', 'user.id')
    .select(['email.id', 'email.address', 'email.userId', 'namespace.name'])
    .where('email.verifiedAt', 'is', null)
    .where('user.state', '=', 'active')
    .orderBy('email.id')
    .limit(limit)
    .execute()
}

// Links that work once

export async function insertLink(tx: Tx, row: OneTimeLinkTable): Promise<void> {
  await tx.insertInto('oneTimeLink').values(row).execute()
}

/** A link that was not used and has not expired. */
export async function findLink(db: Db, tokenHash: string, now: number): Promise<OneTimeLinkTable | null> {
  const row = await db.read
    .selectFrom('oneTimeLink')
    .selectAll()
    .where('tokenHash', '=', tokenHash)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .executeTakeFirst()
  return row ?? null
}

/** Marks the link as used. Null where somebody was first, or it is not there, not for this, or too old. */
export async function takeLink(
  tx: Tx,
  tokenHash: string,
  purposes: readonly Purpose[],
  now: number,
): Promise<OneTimeLinkTable | null> {
  const row = await tx
    .updateTable('oneTimeLink')
    .set({ usedAt: now })
    .where('tokenHash', '=', tokenHash)
    .where('purpose', 'in', purposes)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst()
  return row ?? null
}

/** Marks every open setup link as used; returns their hashes. Two that come at once queue up here, and one of them finds nothing. */
export async function takeAllSetupLinks(tx: Tx, now: number): Promise<string[]> {
  const rows = await tx
    .updateTable('oneTimeLink')
    .set({ usedAt: now })
    .where('purpose', '=', 'setup')
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .returning('tokenHash')
    .execute()
  return rows.map((row) => row.tokenHash)
}

/** Links of one purpose for one user, or of every purpose. */
export async function deleteLinksOf(tx: Tx, userId: string, purpose: Purpose | null): Promise<void> {
  let query = tx.deleteFrom('oneTimeLink').where('userId', '=', userId)
  if (purpose !== null) query = query.where('purpose', '=', purpose)
  await query.execute()
}

export async function deleteLinksForEmail(tx: Tx, emailId: string, purpose: Purpose): Promise<void> {
  await tx.deleteFrom('oneTimeLink').where('emailId', '=', emailId).where('purpose', '=', purpose).execute()
}

/** At most `limit` at a time. Returns how many. */
export async function deleteExpiredLinks(tx: Tx, before: number, limit: number): Promise<number> {
  const rows = await tx
    .deleteFrom('oneTimeLink')
    .where('id', 'in', (q) =>
      q.selectFrom('oneTimeLink').select('oneTimeLink.id').where('oneTimeLink.expiresAt', '<=', before).limit(limit),
    )
    .returning('id')
    .execute()
  return rows.length
}

// The end of an account

export async function countOwnRepos(db: Db, ownerId: string): Promise<number> {
  const row = await db.list
    .selectFrom('repo')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('ownerId', '=', ownerId)
    .where('deletedAt', 'is', null)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

export async function markReposDeleted(
  tx: Tx,
  ownerId: string,
  now: number,
): Promise<{ id: string; kind: string; fullName: string }[]> {
  return await tx
    .updateTable('repo')
    .set({ deletedAt: now })
    .where('ownerId', '=', ownerId)
    .where('deletedAt', 'is', null)
    .returning(['id', 'kind', 'fullName'])
    .execute()
}

/** Tokens (their grants go with them), addresses, links, second factors and roles of somebody whose account ends. */
export async function deleteBelongings(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom('accessToken').where('ownerId', '=', userId).execute()
  await tx.deleteFrom('formerTokenValue').where('ownerId', '=', userId).execute()
  await tx.deleteFrom('oneTimeLink').where('userId', '=', userId).execute()
  await tx.deleteFrom('email').where('userId', '=', userId).execute()
  await tx.deleteFrom('totpSecret').where('userId', '=', userId).execute()
  await tx.deleteFrom('passkey').where('userId', '=', userId).execute()
  await tx.deleteFrom('recoveryCode').where('userId', '=', userId).execute()
  await tx.deleteFrom('companyIdentity').where('userId', '=', userId).execute()
  await tx.deleteFrom('companyGrant').where('userId', '=', userId).execute()
  await tx.deleteFrom('roleGrant').where('principalId', '=', userId).execute()
  await tx.deleteFrom('accessRequest').where('principalId', '=', userId).execute()
  // What they asked for service accounts stays, without the address that they shared. Spelled as the partial index spells it.
  await tx
    .updateTable('accessRequest')
    .set({ email: null })
    .where('askedBy', '=', userId)
    .where(sql<boolean>`"principalKind" = 'service-account'`)
    .where('grantedBy', 'is', null)
    .execute()
  await tx.deleteFrom('groupMember').where('principalId', '=', userId).execute()
}
