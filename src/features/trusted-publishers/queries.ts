/** The SQL of trusted publishers, of the tokens that they got, and of ID tokens that were used up. */
import { sql } from 'kysely'
import type { RepoKind } from '../../domain/facts.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { TrustedPublisherTable } from '../../platform/db/schema.ts'
import type { EndedToken } from '../tokens/service.ts'

/** What a publisher is of: a repo or a service account, by id. */
export type Holder =
  | { readonly kind: 'repo'; readonly id: string }
  | { readonly kind: 'service-account'; readonly id: string }

const columnOf = { repo: 'repoId', 'service-account': 'serviceAccountId' } as const

/** Where an exchange leads to: a repo or a service account that is there, with whom it belongs to. */
export interface Place {
  readonly id: string
  /** `acme/m1`, or the name of the account. */
  readonly name: string
  /** The user or organization that it belongs to. */
  readonly ownerId: string
  /** `service-account` or the kind of the repo. */
  readonly kind: RepoKind | 'service-account'
  readonly disabledAt: number | null
  readonly expiresAt: number | null
}

type PlaceRow = Omit<Place, 'name'> & { readonly name: string; readonly ownerName: string }

const repoByName = prepared<{ kind: string; namespaceKey: string; nameKey: string }, PlaceRow>((q, param) =>
  q
    .selectFrom('namespace as n')
    .innerJoin('repo as r', (join) =>
      join
        .onRef('r.ownerId', '=', 'n.id')
        .on('r.kind', '=', param('kind') as never)
        .on('r.nameKey', '=', param('nameKey'))
        .on('r.deletedAt', 'is', null),
    )
    .select(['r.id', 'r.name', 'r.ownerId', 'n.name as ownerName', 'r.kind', 'r.disabledAt'])
    .select(sql<null>`null`.as('expiresAt'))
    .where('n.nameKey', '=', param('namespaceKey')),
)

const accountBy = (key: 'nameKey' | 'id') =>
  prepared<{ namespaceKey: string; key: string }, PlaceRow>((q, param) =>
    q
      .selectFrom('namespace as n')
      .innerJoin('serviceAccount as a', 'a.organizationId', 'n.id')
      .select(['a.id', 'a.name', 'a.organizationId as ownerId', 'n.name as ownerName', 'a.disabledAt', 'a.expiresAt'])
      .select(sql<'service-account'>`'service-account'`.as('kind'))
      .where('n.nameKey', '=', param('namespaceKey'))
      .where(`a.${key}`, '=', param('key')),
  )
const accountByName = accountBy('nameKey')
const accountById = accountBy('id')

export async function findRepo(db: Db, kind: RepoKind, namespaceKey: string, nameKey: string): Promise<Place | null> {
  const row = await repoByName.first(db.read, { kind, namespaceKey, nameKey })
  return row === null ? null : { ...row, name: `${row.ownerName}/${row.name}` }
}

/** `id`: null where the name does not look like one; where it does, it counts before an account of that name. */
export async function findAccount(
  db: Db,
  namespaceKey: string,
  nameKey: string,
  id: string | null,
): Promise<Place | null> {
  const byId = id === null ? null : await accountById.first(db.read, { namespaceKey, key: id })
  return byId ?? (await accountByName.first(db.read, { namespaceKey, key: nameKey }))
}

/** Whether anybody here trusts it: only then is it asked for its keys. */
const issuerRow = prepared<{ issuer: string }, { id: string }>((q, param) =>
  q.selectFrom('trustedPublisher').select('id').where('issuer', '=', param('issuer')).limit(1),
)

export async function isKnownIssuer(db: Db, issuer: string): Promise<boolean> {
  return (await issuerRow.first(db.read, { issuer })) !== null
}

export type PublisherRow = TrustedPublisherTable & {
  readonly creatorName: string | null
  readonly creatorState: string | null
}

/** In the order in which they were made; there are never many. */
export async function listPublishers(on: Tx | Db['read'], holder: Holder): Promise<PublisherRow[]> {
  return await on
    .selectFrom('trustedPublisher as p')
    .leftJoin('namespace as n', 'n.id', 'p.createdBy')
    .leftJoin('user as u', 'u.id', 'p.createdBy')
    .selectAll('p')
    .select(['n.name as creatorName', 'u.state as creatorState'])
    .where(`p.${columnOf[holder.kind]}`, '=', holder.id)
    .orderBy('p.id')
    .execute()
}

/** Holds the repo or the account until the transaction ends, so that two who add at once do not pass the limit together. */
export async function lockHolder(tx: Tx, dialect: Db['dialect'], holder: Holder): Promise<void> {
  if (dialect !== 'postgres') return
  const table = holder.kind === 'repo' ? 'repo' : 'serviceAccount'
  await tx.selectFrom(table).select('id').where('id', '=', holder.id).forUpdate().execute()
}

export async function insertPublisher(tx: Tx, row: TrustedPublisherTable): Promise<void> {
  await tx.insertInto('trustedPublisher').values(row).execute()
}

/** Their tokens go first. Null where the holder has no such publisher. */
export async function deletePublisher(
  tx: Tx,
  holder: Holder,
  id: string,
): Promise<(TrustedPublisherTable & { readonly ended: EndedToken[] }) | null> {
  const row = await tx
    .selectFrom('trustedPublisher')
    .selectAll()
    .where('id', '=', id)
    .where(columnOf[holder.kind], '=', holder.id)
    .executeTakeFirst()
  if (row === undefined) return null
  const ended = await tx
    .deleteFrom('accessToken')
    .where('publisherId', '=', id)
    .returning(['id', 'ownerId', 'name', 'last4', 'hash', 'createdAt', 'rotatedAt'])
    .execute()
  const gone = await tx.deleteFrom('trustedPublisher').where('id', '=', id).returning('id').executeTakeFirst()
  return gone === undefined ? null : { ...row, ended }
}

/** False where it is gone. From here on it stays until the transaction ends. */
export async function markUse(tx: Tx, id: string, at: number, run: string): Promise<boolean> {
  const row = await tx
    .updateTable('trustedPublisher')
    .set({ lastUsedAt: at, lastRun: run })
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** False where an event told of another since `quietSince`, or it is gone. Of two at once, one is told. */
export async function claimRefusal(tx: Tx, id: string, at: number, quietSince: number): Promise<boolean> {
  const row = await tx
    .updateTable('trustedPublisher')
    .set({ refusedAt: at })
    .where('id', '=', id)
    .where((q) => q.or([q('refusedAt', 'is', null), q('refusedAt', '<=', quietSince)]))
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** False where one of them was used before. */
export async function useUp(tx: Tx, hashes: readonly string[], expiresAt: number): Promise<boolean> {
  // In one order for all, so that two with the same ones do not wait for each other.
  for (const hash of [...hashes].sort()) {
    const row = await tx
      .insertInto('usedIdToken')
      .values({ hash, expiresAt })
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .returning('hash')
      .executeTakeFirst()
    if (row === undefined) return false
  }
  return true
}

export async function countLiveTokens(tx: Tx, publisherId: string, now: number): Promise<number> {
  const row = await tx
    .selectFrom('accessToken')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('publisherId', '=', publisherId)
    .where('expiresAt', '>', now)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** At most `limit` of each: ID tokens that have expired, and tokens of publishers that expired before `tokensBefore`. Returns whether there may be more. */
export async function deleteExpired(tx: Tx, now: number, tokensBefore: number, limit: number): Promise<boolean> {
  const used = await tx
    .deleteFrom('usedIdToken')
    .where('hash', 'in', (q) =>
      q.selectFrom('usedIdToken').select('usedIdToken.hash').where('usedIdToken.expiresAt', '<=', now).limit(limit),
    )
    .returning('hash')
    .execute()
  const tokens = await tx
    .deleteFrom('accessToken')
    .where('id', 'in', (q) =>
      q
        .selectFrom('accessToken')
        .select('accessToken.id')
        .where('accessToken.publisherId', 'is not', null)
        .where('accessToken.expiresAt', '<=', tokensBefore)
        .limit(limit),
    )
    .returning('id')
    .execute()
  return used.length === limit || tokens.length === limit
}
