/**
 * The SQL of access tokens and of what they list. A value is found by its keyed hash alone; every statement that changes a token names its
 * owner, so a wrong id reaches nobody else's (UAT-13).
 */
import { sql } from 'kysely'
import { rankThroughGroups } from '../../access/group-roles.ts'
import { roleAt } from '../../access/role-at.ts'
import type { RepoKind } from '../../domain/facts.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { AccessTokenTable, TokenGrantTable } from '../../platform/db/schema.ts'

/** A grant with what its entity is today and what the token's owner is to it. Columns of other entity types are null. */
export interface GrantRow extends TokenGrantTable {
  readonly namespaceName: string | null
  readonly directRole: string | null
  readonly repoKind: RepoKind | null
  readonly repoName: string | null
  readonly repoOwnerId: string | null
  readonly repoOwnerKind: 'user' | 'organization' | null
  readonly repoOwnerName: string | null
  readonly repoVisibility: 'public' | 'private' | 'protected' | null
  readonly repoWorkspaceId: string | null
  readonly repoCreatorId: string | null
  readonly repoGated: 'open' | 'auto' | 'manual' | null
  readonly repoOrgMembersGated: 0 | 1 | null
  /** Of the owner of the token, at the gate of the repo. */
  readonly accessStatus: 'pending' | 'accepted' | 'rejected' | null
  readonly accessReviewedAt: number | null
  readonly workspaceName: string | null
  readonly workspaceOrganization: string | null
  readonly organizationRole: string | null
  /** Direct, in the workspace of a repo. */
  readonly workspaceRole: string | null
  /** Through groups, in the workspace itself or in that of a repo. */
  readonly workspaceRank: number | null
}

/** False where the owner, or the parent of a child, has a token with this name. */
export async function insertToken(tx: Tx, row: AccessTokenTable): Promise<boolean> {
  const inserted = await tx
    .insertInto('accessToken')
    .values(row)
    // Another of this name: of the owner, or of the same parent. No two values are the same.
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** Not those that trusted publishers got: nobody made them, and they are gone in an hour. */
export async function countTokens(tx: Tx, ownerId: string): Promise<number> {
  const row = await tx
    .selectFrom('accessToken')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('ownerId', '=', ownerId)
    .where('publisherId', 'is', null)
    .where('parentId', 'is', null)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

const tokenById = prepared<{ id: string; ownerId: string }, AccessTokenTable>((q, param) =>
  q
    .selectFrom('accessToken')
    .selectAll()
    .where('id', '=', param('id'))
    .where('ownerId', '=', param('ownerId'))
    .where('publisherId', 'is', null),
)

export async function findToken(on: Tx | Db['read'], ownerId: string, id: string): Promise<AccessTokenTable | null> {
  return await tokenById.first(on, { id, ownerId })
}

/** The newest first, without children and without those that trusted publishers got. */
export async function listTokens(on: Tx | Db['read'], ownerId: string, limit: number): Promise<AccessTokenTable[]> {
  return await on
    .selectFrom('accessToken')
    .selectAll()
    .where('ownerId', '=', ownerId)
    .where('publisherId', 'is', null)
    .where('parentId', 'is', null)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Throws a unique violation where another token has the name. */
export async function updateToken(
  tx: Tx,
  ownerId: string,
  id: string,
  change: Partial<
    Pick<
      AccessTokenTable,
      | 'name'
      | 'role'
      | 'description'
      | 'canReadGatedRepos'
      | 'globalPermissions'
      | 'endpointPatterns'
      | 'expiresAt'
      | 'networks'
      | 'limits'
      | 'notBefore'
    >
  >,
): Promise<void> {
  if (Object.keys(change).length === 0) return
  await tx.updateTable('accessToken').set(change).where('id', '=', id).where('ownerId', '=', ownerId).execute()
}

/** Null where an event told of it since `quietSince`, or it is gone. Of two that ask at once, one is told. */
export async function claimFenceEvent(
  tx: Tx,
  id: string,
  at: number,
  quietSince: number,
): Promise<Pick<AccessTokenTable, 'name' | 'ownerId'> | null> {
  const row = await tx
    .updateTable('accessToken')
    .set({ fencedAt: at })
    .where('id', '=', id)
    .where((q) => q.or([q('fencedAt', 'is', null), q('fencedAt', '<=', quietSince)]))
    .returning(['name', 'ownerId'])
    .executeTakeFirst()
  return row ?? null
}

/** Compare and swap on the hash: false where somebody replaced or deleted the token since it was read. */
export async function swapValue(
  tx: Tx,
  ownerId: string,
  id: string,
  oldHash: string,
  change: Pick<AccessTokenTable, 'hash' | 'last4' | 'rotatedAt' | 'expiresAt'>,
): Promise<boolean> {
  const row = await tx
    .updateTable('accessToken')
    .set({ ...change, lastUsedAt: null, lastIp: null, lastUserAgent: null })
    .where('id', '=', id)
    .where('ownerId', '=', ownerId)
    .where('hash', '=', oldHash)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export type DeletedToken = Pick<AccessTokenTable, 'id' | 'name' | 'last4' | 'role' | 'hash' | 'createdAt' | 'rotatedAt'>

/** Their grants go with them. */
export async function deleteTokens(tx: Tx, ownerId: string, id: string | null): Promise<DeletedToken[]> {
  let query = tx.deleteFrom('accessToken').where('ownerId', '=', ownerId)
  if (id !== null) query = query.where('id', '=', id)
  return await query.returning(['id', 'name', 'last4', 'role', 'hash', 'createdAt', 'rotatedAt']).execute()
}

export async function replaceGrants(tx: Tx, tokenId: string, grants: readonly TokenGrantTable[]): Promise<void> {
  await tx.deleteFrom('tokenGrant').where('tokenId', '=', tokenId).execute()
  for (const grant of grants) await tx.insertInto('tokenGrant').values(grant).execute()
}

const grantsOf = prepared<{ ownerId: string; tokenId: string; now: number }, GrantRow>((q, param) =>
  q
    .selectFrom('tokenGrant as t')
    .innerJoin('accessToken as a', 'a.id', 't.tokenId')
    .leftJoin('namespace as n', 'n.id', 't.entityId')
    .leftJoin('repo as r', (join) => join.onRef('r.id', '=', 't.entityId').on('r.deletedAt', 'is', null))
    .leftJoin('namespace as rn', 'rn.id', 'r.ownerId')
    .leftJoin('workspace as w', 'w.id', 't.entityId')
    .leftJoin('namespace as wn', 'wn.id', 'w.organizationId')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 't.entityId').onRef('g.principalId', '=', 'a.ownerId'),
    )
    .leftJoin('roleGrant as og', (join) =>
      join
        .on('og.targetId', '=', sql<string>`coalesce("r"."ownerId", "w"."organizationId")`)
        .onRef('og.principalId', '=', 'a.ownerId'),
    )
    .leftJoin('roleGrant as wg', (join) =>
      join.onRef('wg.targetId', '=', 'r.workspaceId').onRef('wg.principalId', '=', 'a.ownerId'),
    )
    .leftJoin('accessRequest as ar', (join) =>
      join.onRef('ar.repoId', '=', 'r.id').onRef('ar.principalId', '=', 'a.ownerId'),
    )
    .select([
      't.tokenId',
      't.entityType',
      't.entityId',
      't.entityName',
      't.permissions',
      't.throughId',
      'n.name as namespaceName',
      roleAt('g', param('now')).as('directRole'),
      'r.kind as repoKind',
      'r.name as repoName',
      'r.ownerId as repoOwnerId',
      'rn.kind as repoOwnerKind',
      'rn.name as repoOwnerName',
      'r.visibility as repoVisibility',
      'r.workspaceId as repoWorkspaceId',
      'r.creatorId as repoCreatorId',
      'r.gated as repoGated',
      'r.orgMembersGated as repoOrgMembersGated',
      'ar.status as accessStatus',
      'ar.reviewedAt as accessReviewedAt',
      'w.name as workspaceName',
      'wn.name as workspaceOrganization',
      roleAt('og', param('now')).as('organizationRole'),
      roleAt('wg', param('now')).as('workspaceRole'),
      rankThroughGroups(sql`coalesce("r"."workspaceId", "w"."id")`, sql`"a"."ownerId"`, param('now')).as(
        'workspaceRank',
      ),
    ])
    .where('a.ownerId', '=', param('ownerId'))
    .where((w) => w.or([w('a.id', '=', param('tokenId')), w(param('tokenId'), '=', '')]))
    .orderBy('t.tokenId')
    .orderBy('t.entityId'),
)

/** What the owner's tokens list, or one of them where `tokenId` is not null. */
export async function listGrants(
  on: Tx | Db['read'],
  ownerId: string,
  tokenId: string | null,
  now: number,
): Promise<GrantRow[]> {
  return await grantsOf.run(on, { ownerId, tokenId: tokenId ?? '', now })
}

// What a new grant may name: the same columns, found by id or by name.

const entityById = prepared<{ userId: string; id: string; now: number }, EntityRow>((q, param) =>
  q
    .selectFrom('namespace as n')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 'n.id').on('g.principalId', '=', param('userId')),
    )
    .select(['n.id', 'n.kind', 'n.name', roleAt('g', param('now')).as('role')])
    .where('n.id', '=', param('id')),
)

const entityByName = prepared<{ userId: string; key: string; now: number }, EntityRow>((q, param) =>
  q
    .selectFrom('namespace as n')
    .leftJoin('roleGrant as g', (join) =>
      join.onRef('g.targetId', '=', 'n.id').on('g.principalId', '=', param('userId')),
    )
    .select(['n.id', 'n.kind', 'n.name', roleAt('g', param('now')).as('role')])
    .where('n.nameKey', '=', param('key')),
)

export interface EntityRow {
  readonly id: string
  readonly kind: 'user' | 'organization'
  readonly name: string
  readonly role: string | null
}

/** A user or an organization and the asker's role there. */
export async function findNamespaceFor(
  db: Db,
  userId: string,
  by: { readonly id: string } | { readonly key: string },
  now: number,
): Promise<EntityRow | null> {
  return 'id' in by
    ? await entityById.first(db.read, { userId, id: by.id, now })
    : await entityByName.first(db.read, { userId, key: by.key, now })
}

export interface RepoForRow {
  readonly id: string
  readonly kind: RepoKind
  readonly name: string
  readonly ownerId: string
  readonly ownerKind: 'user' | 'organization'
  readonly ownerName: string
  readonly visibility: 'public' | 'private' | 'protected'
  readonly creatorId: string
  readonly workspaceId: string | null
  readonly organizationRole: string | null
  readonly workspaceRole: string | null
  readonly workspaceRank: number | null
  readonly repoRole: string | null
}

/** A repo and what the asker is to it; whether it may be seen is the policy's to say. */
export async function findRepoFor(
  db: Db,
  userId: string,
  kind: RepoKind,
  by: { readonly id: string } | { readonly namespaceKey: string; readonly nameKey: string },
  now: number,
): Promise<RepoForRow | null> {
  const role = (as: 'og' | 'wg' | 'rg', target: 'r.ownerId' | 'r.workspaceId' | 'r.id') =>
    sql<
      string | null
    >`(select ${roleAt(as, now)} from "roleGrant" as ${sql.ref(as)} where ${sql.ref(`${as}.targetId`)} = ${sql.ref(target)} and ${sql.ref(`${as}.principalId`)} = ${userId})`
  let query = db.read
    .selectFrom('repo as r')
    .innerJoin('namespace as n', 'n.id', 'r.ownerId')
    .select([
      'r.id',
      'r.kind',
      'r.name',
      'r.ownerId',
      'n.kind as ownerKind',
      'n.name as ownerName',
      'r.visibility',
      'r.creatorId',
      'r.workspaceId',
      role('og', 'r.ownerId').as('organizationRole'),
      role('wg', 'r.workspaceId').as('workspaceRole'),
      rankThroughGroups(sql.ref('r.workspaceId'), sql.val(userId), now).as('workspaceRank'),
      role('rg', 'r.id').as('repoRole'),
    ])
    .where('r.kind', '=', kind)
    .where('r.deletedAt', 'is', null)
  query =
    'id' in by
      ? query.where('r.id', '=', by.id)
      : query.where('n.nameKey', '=', by.namespaceKey).where('r.nameKey', '=', by.nameKey)
  return (await query.executeTakeFirst()) ?? null
}

/** A workspace of an organization that the asker belongs to, with both roles. */
export async function findWorkspaceFor(
  db: Db,
  userId: string,
  id: string,
  now: number,
): Promise<{
  id: string
  name: string
  organization: string
  organizationRole: string | null
  role: string | null
  rank: number | null
} | null> {
  const row = await db.read
    .selectFrom('workspace as w')
    .innerJoin('namespace as n', 'n.id', 'w.organizationId')
    .leftJoin('roleGrant as og', (join) =>
      join.onRef('og.targetId', '=', 'w.organizationId').on('og.principalId', '=', userId),
    )
    .leftJoin('roleGrant as g', (join) => join.onRef('g.targetId', '=', 'w.id').on('g.principalId', '=', userId))
    .select(['w.id', 'w.name', 'n.name as organization'])
    .select([roleAt('og', now).as('organizationRole'), roleAt('g', now).as('role')])
    .select(rankThroughGroups(sql.ref('w.id'), sql.val(userId), now).as('rank'))
    .where('w.id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

/** A live token with whose it is: `organizationId` for that of a service account. */
export interface LiveToken {
  readonly id: string
  readonly hash: string
  readonly name: string
  readonly last4: string
  readonly ownerId: string
  readonly ownerName: string
  readonly organizationId: string | null
  /** It is the value that the token had before, taken beside the new one for a while. */
  readonly isOld: boolean
  /** It opens nothing; that it was found is told all the same. */
  readonly isHoney?: boolean
}

/** Those of these values (by hash) that a request could still be made with, as far as the token itself says. */
export async function selectLive(tx: Tx, hashes: readonly string[], now: number): Promise<LiveToken[]> {
  if (hashes.length === 0) return []
  const rows = await tx
    .selectFrom('accessToken')
    .leftJoin('namespace', 'namespace.id', 'accessToken.ownerId')
    .leftJoin('serviceAccount', 'serviceAccount.id', 'accessToken.ownerId')
    .leftJoin('organization', 'organization.id', 'accessToken.ownerId')
    .select(['accessToken.id', 'accessToken.hash', 'accessToken.name', 'accessToken.last4', 'accessToken.ownerId'])
    .select(['namespace.name as userName', 'serviceAccount.name as machineName'])
    .select((q) => q.fn.coalesce('serviceAccount.organizationId', 'organization.id').as('organizationId'))
    .where('accessToken.hash', 'in', hashes)
    .where((q) => q.or([q('accessToken.expiresAt', 'is', null), q('accessToken.expiresAt', '>', now)]))
    .orderBy('accessToken.id')
    .execute()
  const old = await tx
    .selectFrom('formerTokenValue')
    .select(['tokenId as id', 'hash', 'name', 'last4', 'ownerId', 'ownerName', 'organizationId'])
    .where('hash', 'in', hashes)
    .where('validUntil', '>', now)
    .orderBy('tokenId')
    .execute()
  return [
    ...rows.map(({ userName, machineName, ...row }) => ({
      ...row,
      ownerName: machineName ?? userName ?? '',
      isOld: false,
    })),
    ...old.map((row) => ({ ...row, isOld: true })),
  ]
}

/** `acme/m1` by id. */
export async function namesOfRepos(db: Db, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.list
    .selectFrom('repo')
    .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
    .select(['repo.id', 'repo.name', 'namespace.name as owner'])
    .where('repo.id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, `${row.owner}/${row.name}`]))
}

// Children: narrower tokens that a token derived from itself.

/** They end with their parent, without a trace of their values: whoever holds one knows nothing of the parent's end. */
export async function deleteChildren(tx: Tx, parentId: string): Promise<void> {
  await tx.deleteFrom('accessToken').where('parentId', '=', parentId).execute()
}

export async function deleteEndedChildren(tx: Tx, ownerId: string, now: number): Promise<void> {
  await tx
    .deleteFrom('accessToken')
    .where('ownerId', '=', ownerId)
    .where('parentId', 'is not', null)
    .where((q) => q.or([q('expiresAt', '<=', now), q('usesLeft', '=', 0)]))
    .execute()
}

export async function countChildren(
  tx: Tx,
  ownerId: string,
  parentId: string,
): Promise<{ readonly ofParent: number; readonly ofOwner: number }> {
  const row = await tx
    .selectFrom('accessToken')
    .select((q) => [
      q.fn.countAll<number>().as('ofOwner'),
      q.fn.countAll<number>().filterWhere('parentId', '=', parentId).as('ofParent'),
    ])
    .where('ownerId', '=', ownerId)
    .where('parentId', 'is not', null)
    .executeTakeFirstOrThrow()
  return { ofParent: Number(row.ofParent), ofOwner: Number(row.ofOwner) }
}

/** Those that are still taken, the newest first. */
export async function listLiveChildren(
  on: Tx | Db['read'],
  ownerId: string,
  parentId: string,
  now: number,
): Promise<AccessTokenTable[]> {
  return await on
    .selectFrom('accessToken')
    .selectAll()
    .where('parentId', '=', parentId)
    .where('ownerId', '=', ownerId)
    .where('expiresAt', '>', now)
    .where((q) => q.or([q('usesLeft', 'is', null), q('usesLeft', '>', 0)]))
    .orderBy('id', 'desc')
    .execute()
}

/** Where these repos lie. */
export async function placesOfRepos(
  db: Db,
  ids: readonly string[],
): Promise<Map<string, { readonly ownerId: string; readonly workspaceId: string | null }>> {
  if (ids.length === 0) return new Map()
  const rows = await db.list
    .selectFrom('repo')
    .select(['id', 'ownerId', 'workspaceId'])
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map(({ id, ...place }) => [id, place]))
}

/** Holds the row, so that what is derived from it and what ends it come one after the other. Null where it is gone or has another value. */
export async function lockParent(tx: Tx, dialect: Db['dialect'], id: string): Promise<AccessTokenTable | null> {
  const query = tx.selectFrom('accessToken').selectAll().where('id', '=', id)
  return (await (dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()) ?? null
}
