/** The SQL of applications and of what people let them do. Every secret is found by its hash alone. */
import { opensAt, roleAt } from '../../access/role-at.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type {
  OauthClientTable,
  OauthCodeTable,
  OauthConsentTable,
  OauthDeviceTable,
  OauthGrantTable,
  OauthRefreshTokenTable,
  OauthSigningKeyTable,
} from '../../platform/db/schema.ts'
import type { EndedToken } from '../tokens/service.ts'

type On = Tx | Db['read']

const clientById = prepared<{ id: string }, OauthClientTable>((q, param) =>
  q.selectFrom('oauthClient').selectAll().where('id', '=', param('id')),
)

export async function findClientRow(on: On, id: string): Promise<OauthClientTable | null> {
  return await clientById.first(on, { id })
}

/** The newest first. */
export async function listClientRows(on: On, ownerId: string, limit: number): Promise<OauthClientTable[]> {
  return await on
    .selectFrom('oauthClient')
    .selectAll()
    .where('ownerId', '=', ownerId)
    .orderBy('createdAt', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function insertClient(tx: Tx, row: OauthClientTable): Promise<void> {
  await tx.insertInto('oauthClient').values(row).execute()
}

/** In the place of one of the same id. */
export async function putClient(tx: Tx, row: OauthClientTable): Promise<void> {
  const { name, scope, takesDevices } = row
  await tx
    .insertInto('oauthClient')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ name, scope, takesDevices }))
    .execute()
}

/** False where the owner has none of this id. */
export async function updateClient(
  tx: Tx,
  ownerId: string,
  id: string,
  change: Partial<
    Pick<OauthClientTable, 'name' | 'redirectUris' | 'scope' | 'takesDevices' | 'secretHash' | 'secretLast4'>
  >,
): Promise<boolean> {
  const row = await tx
    .updateTable('oauthClient')
    .set(change)
    .where('id', '=', id)
    .where('ownerId', '=', ownerId)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** With everything that people let it do, and its access tokens. Returns those; null where the owner has none of this id. */
export async function deleteClient(
  tx: Tx,
  ownerId: string,
  id: string,
): Promise<{ name: string; ended: EndedToken[] } | null> {
  const found = await tx
    .selectFrom('oauthClient')
    .select('name')
    .where('id', '=', id)
    .where('ownerId', '=', ownerId)
    .executeTakeFirst()
  if (found === undefined) return null
  const ended = await tx
    .deleteFrom('accessToken')
    .where('id', 'in', (q) => q.selectFrom('oauthGrant').select('tokenId').where('clientId', '=', id))
    .returning(['id', 'ownerId', 'name', 'last4', 'hash', 'createdAt', 'rotatedAt'])
    .execute()
  await tx.deleteFrom('oauthClient').where('id', '=', id).execute()
  return { name: found.name, ended }
}

export async function findConsent(on: On, userId: string, clientId: string): Promise<OauthConsentTable | null> {
  const row = await on
    .selectFrom('oauthConsent')
    .selectAll()
    .where('userId', '=', userId)
    .where('clientId', '=', clientId)
    .executeTakeFirst()
  return row ?? null
}

export async function putConsent(tx: Tx, row: OauthConsentTable): Promise<void> {
  const { scope, organizationIds, grantedAt } = row
  await tx
    .insertInto('oauthConsent')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['userId', 'clientId']).doUpdateSet({ scope, organizationIds, grantedAt }),
    )
    .execute()
}

export async function deleteConsent(tx: Tx, userId: string, clientId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('oauthConsent')
    .where('userId', '=', userId)
    .where('clientId', '=', clientId)
    .returning('clientId')
    .executeTakeFirst()
  return row !== undefined
}

/** What an application was allowed and has not fetched: answered devices, and codes. Whoever is fetching one is waited for. */
export async function dropUnfetched(tx: Tx, userId: string, clientId: string): Promise<void> {
  for (const table of ['oauthDevice', 'oauthCode'] as const) {
    await tx.deleteFrom(table).where('clientId', '=', clientId).where('userId', '=', userId).execute()
  }
}

export interface ConnectionRow {
  readonly clientId: string
  readonly name: string
  readonly ownerName: string | null
  readonly ownerId: string | null
  readonly scope: string
  readonly organizationIds: string
  readonly grantedAt: number
  readonly tokens: number | string
  readonly lastUsedAt: number | string | null
}

/** The applications that somebody let act, the last allowed first. */
export async function listConnectionRows(on: On, userId: string, limit: number): Promise<ConnectionRow[]> {
  return await on
    .selectFrom('oauthConsent as c')
    .innerJoin('oauthClient as a', 'a.id', 'c.clientId')
    .leftJoin('namespace as n', 'n.id', 'a.ownerId')
    .leftJoin('oauthGrant as g', (join) =>
      join.onRef('g.userId', '=', 'c.userId').onRef('g.clientId', '=', 'c.clientId'),
    )
    .leftJoin('accessToken as t', 't.id', 'g.tokenId')
    .select(['c.clientId', 'a.name', 'n.name as ownerName', 'a.ownerId', 'c.scope', 'c.organizationIds', 'c.grantedAt'])
    .select((q) => [
      q.fn.count<number | string>('g.id').as('tokens'),
      q.fn.max<number | string | null>('t.lastUsedAt').as('lastUsedAt'),
    ])
    .where('c.userId', '=', userId)
    .groupBy(['c.clientId', 'a.name', 'n.name', 'a.ownerId', 'c.scope', 'c.organizationIds', 'c.grantedAt'])
    .orderBy('c.grantedAt', 'desc')
    .orderBy('c.clientId')
    .limit(limit)
    .execute()
}

export async function insertGrant(tx: Tx, row: OauthGrantTable): Promise<void> {
  await tx.insertInto('oauthGrant').values(row).execute()
}

const grantByToken = prepared<{ tokenId: string }, OauthGrantTable>((q, param) =>
  q.selectFrom('oauthGrant').selectAll().where('tokenId', '=', param('tokenId')),
)

export async function findGrantOfToken(on: On, tokenId: string): Promise<OauthGrantTable | null> {
  return await grantByToken.first(on, { tokenId })
}

/** The oldest first. */
export async function listGrantsOf(on: On, userId: string, clientId: string): Promise<OauthGrantTable[]> {
  return await on
    .selectFrom('oauthGrant')
    .selectAll()
    .where('userId', '=', userId)
    .where('clientId', '=', clientId)
    .orderBy('id')
    .execute()
}

/** Sign-ins that newer ones push out. */
export async function dropTokens(tx: Tx, ownerId: string, tokenIds: readonly string[]): Promise<void> {
  if (tokenIds.length === 0) return
  await tx.deleteFrom('accessToken').where('id', 'in', tokenIds).where('ownerId', '=', ownerId).execute()
}

/** By the hash of an access token. */
export async function findGrantByValue(on: On, hash: string): Promise<OauthGrantTable | null> {
  const row = await on
    .selectFrom('oauthGrant as g')
    .innerJoin('accessToken as t', 't.id', 'g.tokenId')
    .selectAll('g')
    .where('t.hash', '=', hash)
    .executeTakeFirst()
  return row ?? null
}

export async function insertRefreshToken(tx: Tx, row: OauthRefreshTokenTable): Promise<void> {
  await tx.insertInto('oauthRefreshToken').values(row).execute()
}

export type RefreshRow = OauthRefreshTokenTable &
  Pick<OauthGrantTable, 'tokenId' | 'userId' | 'clientId' | 'scope' | 'lifetimeSeconds'>

export async function findRefreshToken(on: On, hash: string): Promise<RefreshRow | null> {
  const row = await on
    .selectFrom('oauthRefreshToken as r')
    .innerJoin('oauthGrant as g', 'g.id', 'r.grantId')
    .selectAll('r')
    .select(['g.tokenId', 'g.userId', 'g.clientId', 'g.scope', 'g.lifetimeSeconds'])
    .where('r.hash', '=', hash)
    .executeTakeFirst()
  return row ?? null
}

/** True for the first alone. */
export async function spendRefreshToken(tx: Tx, hash: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('oauthRefreshToken')
    .set({ usedAt: now })
    .where('hash', '=', hash)
    .where('usedAt', 'is', null)
    .returning('hash')
    .executeTakeFirst()
  return row !== undefined
}

/** False where the short code is that of another device. */
export async function insertDevice(tx: Tx, row: OauthDeviceTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('oauthDevice')
    .values(row)
    .onConflict((conflict) => conflict.column('userCodeHash').doNothing())
    .returning('deviceHash')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function findDevice(on: On, deviceHash: string): Promise<OauthDeviceTable | null> {
  const row = await on.selectFrom('oauthDevice').selectAll().where('deviceHash', '=', deviceHash).executeTakeFirst()
  return row ?? null
}

/** One that waits for an answer, by the codes that a ring with several keys may have made of what was typed. */
export async function findWaitingDevice(
  on: On,
  userCodeHashes: readonly string[],
  now: number,
): Promise<OauthDeviceTable | null> {
  const row = await on
    .selectFrom('oauthDevice')
    .selectAll()
    .where('userCodeHash', 'in', userCodeHashes)
    .where('expiresAt', '>', now)
    .where('verdict', 'is', null)
    .executeTakeFirst()
  return row ?? null
}

/** True for the first answer alone. */
export async function answerDevice(
  tx: Tx,
  deviceHash: string,
  answer: { readonly verdict: 'approved' | 'denied'; readonly userId: string; readonly organizationIds: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('oauthDevice')
    .set(answer)
    .where('deviceHash', '=', deviceHash)
    .where('verdict', 'is', null)
    .returning('deviceHash')
    .executeTakeFirst()
  return row !== undefined
}

export async function notePoll(tx: Tx, deviceHash: string, lastPolledAt: number, pollSeconds: number): Promise<void> {
  await tx.updateTable('oauthDevice').set({ lastPolledAt, pollSeconds }).where('deviceHash', '=', deviceHash).execute()
}

/** True for the first alone: each device code gives one token. */
export async function deleteDevice(tx: Tx, deviceHash: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('oauthDevice')
    .where('deviceHash', '=', deviceHash)
    .returning('deviceHash')
    .executeTakeFirst()
  return row !== undefined
}

export async function insertCode(tx: Tx, row: OauthCodeTable): Promise<void> {
  await tx.insertInto('oauthCode').values(row).execute()
}

export async function findCode(on: On, hash: string): Promise<OauthCodeTable | null> {
  const row = await on.selectFrom('oauthCode').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row ?? null
}

/** True for the first alone. */
export async function spendCode(tx: Tx, hash: string, usedAt: number, tokenId: string | null): Promise<boolean> {
  const row = await tx
    .updateTable('oauthCode')
    .set({ usedAt, tokenId })
    .where('hash', '=', hash)
    .where('usedAt', 'is', null)
    .returning('hash')
    .executeTakeFirst()
  return row !== undefined
}

export interface Person {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
}

const activePerson = prepared<{ id: string }, Person>((q, param) =>
  q
    .selectFrom('user as u')
    .innerJoin('namespace as n', 'n.id', 'u.id')
    .select(['u.id', 'n.name', 'u.fullname'])
    .where('u.id', '=', param('id'))
    .where('u.state', '=', 'active'),
)

/** Null for whose account is deactivated or deleted. */
export async function findActivePerson(on: On, id: string): Promise<Person | null> {
  return await activePerson.first(on, { id })
}

const primaryEmail = prepared<{ userId: string }, { address: string; verifiedAt: number | null }>((q, param) =>
  q
    .selectFrom('email')
    .select(['address', 'verifiedAt'])
    .where('userId', '=', param('userId'))
    .where('isPrimary', '=', 1),
)

export async function findPrimaryEmail(
  on: On,
  userId: string,
): Promise<{ address: string; verifiedAt: number | null } | null> {
  return await primaryEmail.first(on, { userId })
}

export interface MembershipRow {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
  readonly role: string
}

/** The organizations in which somebody has a role of their own that opens anything at this moment. */
export async function listMemberships(on: On, userId: string, now: number): Promise<MembershipRow[]> {
  const rows = await on
    .selectFrom('roleGrant as g')
    .innerJoin('organization as o', 'o.id', 'g.targetId')
    .innerJoin('namespace as n', 'n.id', 'o.id')
    .select(['o.id', 'n.name', 'o.fullname', roleAt('g', now).as('role')])
    .where('g.principalId', '=', userId)
    .where('g.targetKind', '=', 'organization')
    .where(opensAt('g', now))
    .orderBy('n.nameKey')
    .limit(200)
    .execute()
  return rows.map((row) => ({ ...row, role: row.role ?? 'no_access' }))
}

/** The newest first. */
export async function listSigningKeys(on: On, since: number): Promise<OauthSigningKeyTable[]> {
  return await on
    .selectFrom('oauthSigningKey')
    .selectAll()
    .where('createdAt', '>', since)
    .orderBy('createdAt', 'desc')
    .limit(10)
    .execute()
}

/** False where another process made the key of this time. */
export async function insertSigningKey(tx: Tx, row: OauthSigningKeyTable): Promise<void> {
  await tx
    .insertInto('oauthSigningKey')
    .values(row)
    .onConflict((conflict) => conflict.column('createdAt').doNothing())
    .execute()
}

/** What has expired, at most `limit` of each table. Returns whether there may be more. */
export async function deleteExpired(tx: Tx, now: number, codesBefore: number, limit: number): Promise<boolean> {
  const counts = [
    await tx
      .deleteFrom('oauthDevice')
      .where('deviceHash', 'in', (q) =>
        q
          .selectFrom('oauthDevice')
          .select('deviceHash')
          .where('expiresAt', '<=', now)
          .orderBy('expiresAt')
          .limit(limit),
      )
      .executeTakeFirst(),
    await tx
      .deleteFrom('oauthCode')
      .where('hash', 'in', (q) =>
        q
          .selectFrom('oauthCode')
          .select('hash')
          .where('expiresAt', '<=', codesBefore)
          .orderBy('expiresAt')
          .limit(limit),
      )
      .executeTakeFirst(),
    await tx
      .deleteFrom('oauthRefreshToken')
      .where('hash', 'in', (q) =>
        q
          .selectFrom('oauthRefreshToken')
          .select('hash')
          .where('expiresAt', '<=', now)
          .orderBy('expiresAt')
          .limit(limit),
      )
      .executeTakeFirst(),
  ]
  return counts.some(({ numDeletedRows }) => Number(numDeletedRows) === limit)
}
