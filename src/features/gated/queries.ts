/** The SQL of requests to pass a gate. Whoever may see or change them was decided before: by an `Allowed`. */
import { sql } from 'kysely'
import type { AccessStatus, RepoKind } from '../../domain/facts.ts'
import { repoAddress } from '../../domain/names.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { AccessRequestTable } from '../../platform/db/schema.ts'

/** Whom a gate can let in: a person, or a service account. */
export interface Entrant {
  readonly id: string
  readonly kind: 'user' | 'service-account'
  /** As it stands in addresses and on the wire. */
  readonly name: string
  readonly fullname: string | null
  /** The organization of a service account. */
  readonly organization: { readonly id: string; readonly name: string } | null
}

interface EntrantRow {
  id: string
  name: string
  fullname: string | null
  organizationId: string | null
  organizationName: string | null
}

const personByKey = prepared<{ key: string }, EntrantRow>((q, param) =>
  q
    .selectFrom('namespace as n')
    .innerJoin('user as u', 'u.id', 'n.id')
    .select(['n.id', 'n.name', 'u.fullname'])
    .select([sql<null>`null`.as('organizationId'), sql<null>`null`.as('organizationName')])
    .where('n.nameKey', '=', param('key'))
    .where('u.state', '=', 'active'),
)

const personById = prepared<{ id: string }, EntrantRow>((q, param) =>
  q
    .selectFrom('user as u')
    .innerJoin('namespace as n', 'n.id', 'u.id')
    .select(['n.id', 'n.name', 'u.fullname'])
    .select([sql<null>`null`.as('organizationId'), sql<null>`null`.as('organizationName')])
    .where('u.id', '=', param('id'))
    .where('u.state', '=', 'active'),
)

const machineById = prepared<{ id: string }, EntrantRow>((q, param) =>
  q
    .selectFrom('serviceAccount as m')
    .innerJoin('namespace as n', 'n.id', 'm.organizationId')
    .select(['m.id', 'm.name', 'm.name as fullname', 'n.id as organizationId', 'n.name as organizationName'])
    .where('m.id', '=', param('id')),
)

/** An active person by the key of the name, or null. */
export async function findPerson(
  db: Db,
  by: { readonly key: string } | { readonly id: string },
): Promise<Entrant | null> {
  const row = 'key' in by ? await personByKey.first(db.read, by) : await personById.first(db.read, by)
  return row === null ? null : { id: row.id, kind: 'user', name: row.name, fullname: row.fullname, organization: null }
}

export async function findMachine(db: Db, id: string): Promise<Entrant | null> {
  const row = await machineById.first(db.read, { id })
  if (row === null || row.organizationId === null) return null
  return {
    id: row.id,
    kind: 'service-account',
    name: `sa-${row.id}`,
    fullname: row.fullname,
    organization: { id: row.organizationId, name: row.organizationName ?? '' },
  }
}

/** The service accounts of these organizations (names), by organization and name, up to `limit`. */
export async function listMachines(db: Db, nameKeys: readonly string[], limit: number): Promise<Entrant[]> {
  if (nameKeys.length === 0) return []
  const rows = await db.list
    .selectFrom('namespace as n')
    .innerJoin('serviceAccount as m', 'm.organizationId', 'n.id')
    .select(['m.id', 'm.name', 'n.id as organizationId', 'n.name as organizationName'])
    .where('n.nameKey', 'in', nameKeys)
    .where('m.disabledAt', 'is', null)
    .orderBy('n.nameKey')
    .orderBy('m.nameKey')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    kind: 'service-account',
    name: `sa-${row.id}`,
    fullname: row.name,
    organization: { id: row.organizationId, name: row.organizationName },
  }))
}

const oneRequest = prepared<{ repoId: string; principalId: string }, AccessRequestTable>((q, param) =>
  q
    .selectFrom('accessRequest')
    .selectAll()
    .where('repoId', '=', param('repoId'))
    .where('principalId', '=', param('principalId')),
)

export async function findRequest(
  on: Db['read'] | Tx,
  repoId: string,
  principalId: string,
): Promise<AccessRequestTable | null> {
  return await oneRequest.first(on, { repoId, principalId })
}

const principalByRequest = prepared<{ repoId: string; id: string }, { principalId: string }>((q, param) =>
  q
    .selectFrom('accessRequest')
    .select('principalId')
    .where('id', '=', param('id'))
    .where('repoId', '=', param('repoId')),
)

/** Whose request this is, of this repo; null for none. */
export async function findAskerOf(db: Db, repoId: string, requestId: string): Promise<string | null> {
  return (await principalByRequest.first(db.read, { repoId, id: requestId }))?.principalId ?? null
}

/** False where there is one already. */
export async function insertRequest(tx: Tx, row: AccessRequestTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('accessRequest')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('repoId')
    .executeTakeFirst()
  return inserted !== undefined
}

/** False where its state is no longer `from`. */
export async function updateRequest(
  tx: Tx,
  key: { readonly repoId: string; readonly principalId: string; readonly from: AccessStatus },
  change: Pick<AccessRequestTable, 'status' | 'reason' | 'reviewedAt' | 'reviewedBy'> & { readonly grantedBy?: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('accessRequest')
    .set(change)
    .where('repoId', '=', key.repoId)
    .where('principalId', '=', key.principalId)
    .where('status', '=', key.from)
    .returning('repoId')
    .executeTakeFirst()
  return row !== undefined
}

/** False where its state is no longer `from`. */
export async function deleteRequest(
  tx: Tx,
  key: { readonly repoId: string; readonly principalId: string; readonly from: AccessStatus },
): Promise<boolean> {
  const row = await tx
    .deleteFrom('accessRequest')
    .where('repoId', '=', key.repoId)
    .where('principalId', '=', key.principalId)
    .where('status', '=', key.from)
    .returning('repoId')
    .executeTakeFirst()
  return row !== undefined
}

export async function keepTerms(tx: Tx, hash: string, terms: string, now: number): Promise<void> {
  await tx
    .insertInto('gateTerms')
    .values({ hash, terms, firstAt: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** A text that somebody agreed to at this repo; null for one that nobody did. */
export async function findTermsOfRepo(db: Db, repoId: string, hash: string): Promise<string | null> {
  const agreed = await db.list
    .selectFrom('accessRequest')
    .select('principalId')
    .where('repoId', '=', repoId)
    .where('termsHash', '=', hash)
    .limit(1)
    .executeTakeFirst()
  if (agreed === undefined) return null
  return (
    (await db.list.selectFrom('gateTerms').select('terms').where('hash', '=', hash).executeTakeFirst())?.terms ?? null
  )
}

export interface ListedRequest extends AccessRequestTable {
  /** Null where the account is gone. */
  readonly name: string | null
  readonly fullname: string | null
  readonly machineName: string | null
  readonly organizationName: string | null
  readonly askerName: string | null
  readonly granterName: string | null
  readonly reviewerName: string | null
}

/** Where a page begins: after this row. */
export interface RequestPosition {
  readonly askedAt: number
  readonly principalId: string
}

/** The requests in one state, newest first. `after` and `before`: asked strictly between these times. */
export async function listRequests(
  db: Db,
  repoId: string,
  status: AccessStatus,
  page: {
    readonly from: RequestPosition | null
    readonly after?: number | undefined
    readonly before?: number | undefined
    readonly limit: number
  },
): Promise<ListedRequest[]> {
  const from = page.from ?? { askedAt: Number.MAX_SAFE_INTEGER, principalId: '' }
  return await withNames(db)
    .where('a.repoId', '=', repoId)
    .where('a.status', '=', status)
    .where(sql<boolean>`("a"."askedAt", "a"."principalId") < (${from.askedAt}, ${from.principalId})`)
    .where('a.askedAt', '<', page.before ?? Number.MAX_SAFE_INTEGER)
    .where('a.askedAt', '>', page.after ?? -1)
    .orderBy('a.askedAt', 'desc')
    .orderBy('a.principalId', 'desc')
    .limit(page.limit)
    .execute()
}

function withNames(db: Db) {
  return db.list
    .selectFrom('accessRequest as a')
    .leftJoin('namespace as n', 'n.id', 'a.principalId')
    .leftJoin('user as u', 'u.id', 'a.principalId')
    .leftJoin('serviceAccount as m', 'm.id', 'a.principalId')
    .leftJoin('namespace as mn', 'mn.id', 'm.organizationId')
    .leftJoin('namespace as an', 'an.id', 'a.askedBy')
    .leftJoin('namespace as gn', 'gn.id', 'a.grantedBy')
    .leftJoin('namespace as rn', 'rn.id', 'a.reviewedBy')
    .selectAll('a')
    .select(['n.name', 'u.fullname', 'm.name as machineName', 'mn.name as organizationName'])
    .select(['an.name as askerName', 'gn.name as granterName', 'rn.name as reviewerName'])
}

/** How many are in each state, counted no further than `most`. */
export async function countRequests(db: Db, repoId: string, most: number): Promise<Record<AccessStatus, number>> {
  const count = async (status: AccessStatus): Promise<number> => {
    const { rows } = await sql<{ count: number }>`select count(*) as "count" from (
      select 1 from "accessRequest" where "repoId" = ${repoId} and "status" = ${status} limit ${most}) as "some"`.execute(
      db.list,
    )
    return Number(rows[0]?.count ?? 0)
  }
  const [pending, accepted, rejected] = await Promise.all([count('pending'), count('accepted'), count('rejected')])
  return { pending, accepted, rejected }
}

/** Of these service accounts, what became of their requests at this repo. */
export async function requestsAmong(
  db: Db,
  repoId: string,
  principalIds: readonly string[],
): Promise<ReadonlyMap<string, AccessStatus>> {
  if (principalIds.length === 0) return new Map()
  const rows = await db.list
    .selectFrom('accessRequest')
    .select(['principalId', 'status'])
    .where('repoId', '=', repoId)
    .where('principalId', 'in', principalIds)
    .execute()
  return new Map(rows.map(({ principalId, status }) => [principalId, status]))
}

export interface OwnRequest extends AccessRequestTable {
  readonly kind: RepoKind
  readonly fullName: string
  readonly gated: 'open' | 'auto' | 'manual'
  readonly machineName: string | null
  readonly organizationName: string | null
}

/** What this person asked for, and for which service accounts; newest first, of living repos. */
export async function listOwnRequests(db: Db, userId: string, limit: number): Promise<OwnRequest[]> {
  const some = (column: 'principalId' | 'askedBy') => {
    const found = db.list
      .selectFrom('accessRequest as a')
      .innerJoin('repo as r', 'r.id', 'a.repoId')
      .leftJoin('serviceAccount as m', 'm.id', 'a.principalId')
      .leftJoin('namespace as mn', 'mn.id', 'm.organizationId')
      .selectAll('a')
      .select(['r.kind', 'r.fullName', 'r.gated', 'm.name as machineName', 'mn.name as organizationName'])
      .where('r.deletedAt', 'is', null)
      .orderBy('a.askedAt', 'desc')
      .limit(limit)
    return column === 'principalId'
      ? found.where('a.principalId', '=', userId).execute()
      : // Of who was let in by hand, `askedBy` is who did it: their own list is that of the repo.
        found
          .where('a.askedBy', '=', userId)
          // Spelled as the partial index spells it.
          .where(sql<boolean>`"a"."principalKind" = 'service-account'`)
          .where('a.grantedBy', 'is', null)
          .execute()
  }
  const [own, forMachines] = await Promise.all([some('principalId'), some('askedBy')])
  return [...own, ...forMachines].sort((a, b) => b.askedAt - a.askedAt).slice(0, limit)
}

/** The address that a person has proved and reads first, or null. */
export async function addressToShare(db: Db, userId: string): Promise<string | null> {
  const row = await db.read
    .selectFrom('email')
    .select('address')
    .where('userId', '=', userId)
    .where('isPrimary', '=', 1)
    .where('verifiedAt', 'is not', null)
    .executeTakeFirst()
  return row?.address ?? null
}

export interface GateNotices {
  readonly address: string | null
  readonly mode: 'bulk' | 'real-time'
}

/** Whom new requests are told to; null for a repo that is gone. */
export async function noticesOf(on: Db['read'] | Tx, repoId: string): Promise<GateNotices | null> {
  const row = await on
    .selectFrom('repo')
    .select(['gatedNotificationsEmail as address', 'gatedNotificationsMode as mode'])
    .where('id', '=', repoId)
    .where('deletedAt', 'is', null)
    .executeTakeFirst()
  return row ?? null
}

/** Where a repo stands, and who owns it; null for one that is gone. */
export async function findOwnerOfGate(
  db: Db,
  repoId: string,
): Promise<{ id: string; name: string; path: string; owner: { kind: 'user' | 'organization'; id: string } } | null> {
  const row = await db.list
    .selectFrom('repo')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .select([
      'repo.id',
      'repo.kind',
      'repo.name',
      'repo.ownerId',
      'namespace.kind as ownerKind',
      'namespace.name as owner',
    ])
    .where('repo.id', '=', repoId)
    .where('repo.deletedAt', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return null
  const path = `/${repoAddress(row.kind, row.owner, row.name)}`
  return { id: row.id, name: `${row.owner}/${row.name}`, path, owner: { kind: row.ownerKind, id: row.ownerId } }
}
