/** The SQL of access previews: slices of principals, what they have where, their tokens, and the repos of an organization by what they are. */
import { sql } from 'kysely'
import { holdsAt, roleAt } from '../../access/role-at.ts'
import type { RepoKind } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Role } from '../../domain/role.ts'
import type { TokenVerdict } from '../../domain/token-policy.ts'
import type { Db } from '../../platform/db/database.ts'
import type { RepoTable } from '../../platform/db/schema.ts'

/** At most so many ids in one statement. */
export const sliceSize = 250

/** More rows than this come in parts. */
const mostRows = 20_000

/** Rows of many principals: where one answer would be too long, of half of them and of the other half. */
async function inParts<R>(
  ids: readonly string[],
  ask: (some: readonly string[], limit: number) => Promise<R[]>,
): Promise<R[]> {
  if (ids.length <= 1) return ids.length === 0 ? [] : await ask(ids, 50_000)
  const rows = await ask(ids, mostRows + 1)
  if (rows.length <= mostRows) return rows
  const half = ids.length >> 1
  return [...(await inParts(ids.slice(0, half), ask)), ...(await inParts(ids.slice(half), ask))]
}

export async function selectOrganization(db: Db, id: string) {
  return await db.list
    .selectFrom('organization')
    .select(['workspaceCreation', 'membersVisibility', 'secondFactorRequired', 'tokenPolicy', 'mostTokenDays'])
    .select('classicTokensAdminister')
    .where('id', '=', id)
    .executeTakeFirst()
}

export interface PrincipalRow {
  readonly id: string
  readonly userName: string | null
  readonly fullname: string | null
  readonly secondFactorAt: number | null
  readonly machineName: string | null
  readonly organizationId: string | null
  readonly organizationName: string | null
}

/** Ids of those with a role in the organization, whatever it is, in their order. */
export async function memberIds(db: Db, organizationId: string, after: string, now: number): Promise<string[]> {
  const rows = await db.list
    .selectFrom('roleGrant')
    .select('principalId')
    .where('targetId', '=', organizationId)
    .where('principalId', '>', after)
    .where(holdsAt('roleGrant', now))
    .orderBy('principalId')
    .limit(sliceSize)
    .execute()
  return rows.map(({ principalId }) => principalId)
}

/** Of people and service accounts with a role on one of these repos, or a request at its gate. */
export async function idsOnRepos(db: Db, repoIds: readonly string[], after: string): Promise<string[]> {
  const rows = await db.list
    .selectFrom('roleGrant')
    .select('principalId')
    .where('targetId', 'in', [...repoIds])
    .where('principalId', '>', after)
    .union((q) =>
      q
        .selectFrom('accessRequest')
        .select('principalId')
        .where('repoId', 'in', [...repoIds])
        .where('principalId', '>', after),
    )
    .orderBy('principalId')
    .limit(sliceSize)
    .execute()
  return rows.map(({ principalId }) => principalId)
}

/** Of everybody with a role on a repo of the organization. */
export async function idsOnAnyRepo(db: Db, organizationId: string, after: string): Promise<string[]> {
  const rows = await db.list
    .selectFrom('repo')
    .innerJoin('roleGrant', 'roleGrant.targetId', 'repo.id')
    .select('roleGrant.principalId')
    .distinct()
    .where('repo.ownerId', '=', organizationId)
    .where('repo.deletedAt', 'is', null)
    .where('roleGrant.principalId', '>', after)
    .orderBy('roleGrant.principalId')
    .limit(sliceSize)
    .execute()
  return rows.map(({ principalId }) => principalId)
}

export async function groupMemberIds(db: Db, groupId: string, after: string): Promise<string[]> {
  const rows = await db.list
    .selectFrom('groupMember')
    .select('principalId')
    .where('groupId', '=', groupId)
    .where('principalId', '>', after)
    .orderBy('principalId')
    .limit(sliceSize)
    .execute()
  return rows.map(({ principalId }) => principalId)
}

/** Of these, those who can do anything at all: active people, and service accounts that are neither disabled nor expired. */
export async function selectPrincipals(db: Db, ids: readonly string[], now: number): Promise<PrincipalRow[]> {
  if (ids.length === 0) return []
  const [people, machines] = await Promise.all([
    db.list
      .selectFrom('user')
      .innerJoin('namespace', 'namespace.id', 'user.id')
      .select(['user.id', 'namespace.name as userName', 'user.fullname', 'user.secondFactorAt'])
      .where('user.id', 'in', [...ids])
      .where('user.state', '=', 'active')
      .execute(),
    db.list
      .selectFrom('serviceAccount')
      .innerJoin('namespace', 'namespace.id', 'serviceAccount.organizationId')
      .select(['serviceAccount.id', 'serviceAccount.name as machineName', 'serviceAccount.organizationId'])
      .select('namespace.name as organizationName')
      .where('serviceAccount.id', 'in', [...ids])
      .where('serviceAccount.disabledAt', 'is', null)
      .where((q) => q.or([q('serviceAccount.expiresAt', 'is', null), q('serviceAccount.expiresAt', '>', now)]))
      .execute(),
  ])
  const none = { fullname: null, secondFactorAt: null, machineName: null, organizationId: null, organizationName: null }
  return [
    ...people.map((row) => ({ ...none, ...row })),
    ...machines.map((row) => ({ ...none, userName: null, ...row })),
  ]
}

export interface HeldRow {
  readonly principalId: string
  readonly targetId: string
  readonly targetKind: 'organization' | 'workspace' | 'repo'
  readonly role: Role | null
}

/** Roles of their own, in the owner, its workspaces and its repos. */
export async function selectHeld(db: Db, ids: readonly string[], ownerId: string, now: number): Promise<HeldRow[]> {
  return await inParts(ids, (some, limit) =>
    db.list
      .selectFrom('roleGrant as g')
      .leftJoin('workspace as w', 'w.id', 'g.targetId')
      .leftJoin('repo as r', 'r.id', 'g.targetId')
      .select(['g.principalId', 'g.targetId', 'g.targetKind'])
      .select(roleAt('g', now).as('role'))
      .where('g.principalId', 'in', [...some])
      .where((q) =>
        q.or([q('g.targetId', '=', ownerId), q('w.organizationId', '=', ownerId), q('r.ownerId', '=', ownerId)]),
      )
      .limit(limit)
      .execute(),
  )
}

export interface GroupHeldRow {
  readonly principalId: string
  readonly groupId: string
  readonly workspaceId: string
  readonly role: Role | null
}

/** Roles in workspaces of the organization that come through groups; `within`: in these alone. */
export async function selectThroughGroups(
  db: Db,
  ids: readonly string[],
  organizationId: string,
  now: number,
  within: readonly string[] | null,
): Promise<GroupHeldRow[]> {
  if (within?.length === 0) return []
  return await inParts(ids, (some, limit) =>
    db.list
      .selectFrom('groupMember as m')
      .innerJoin('roleGrant as g', 'g.principalId', 'm.groupId')
      .innerJoin('workspace as w', 'w.id', 'g.targetId')
      .select(['m.principalId', 'm.groupId', 'g.targetId as workspaceId'])
      .select(roleAt('g', now).as('role'))
      .where('m.principalId', 'in', [...some])
      .where('w.organizationId', '=', organizationId)
      .$if(within !== null, (q) => q.where('g.targetId', 'in', [...(within ?? [])]))
      .limit(limit)
      .execute(),
  )
}

/** Of a group, in workspaces. */
export async function selectGroupRoles(
  db: Db,
  groupId: string,
  now: number,
): Promise<{ workspaceId: string; role: Role | null }[]> {
  return await db.list
    .selectFrom('roleGrant as g')
    .select('g.targetId as workspaceId')
    .select(roleAt('g', now).as('role'))
    .where('g.principalId', '=', groupId)
    .execute()
}

const repoColumns = [
  'r.id',
  'r.kind',
  'r.name',
  'r.visibility',
  'r.creatorId',
  'r.workspaceId',
  'r.disabledAt',
  'r.gated',
  'r.orgMembersGated',
] as const

export type RepoRow = Pick<RepoTable, 'id' | 'name' | 'visibility' | 'creatorId' | 'workspaceId' | 'disabledAt'> & {
  kind: RepoKind
  gated: 'open' | 'auto' | 'manual'
  orgMembersGated: 0 | 1
}

/** Repos of the owner among these. */
export async function selectRepos(db: Db, ids: readonly string[], ownerId: string): Promise<RepoRow[]> {
  const found: RepoRow[] = []
  for (let start = 0; start < ids.length; start += sliceSize) {
    const rows = await db.list
      .selectFrom('repo as r')
      .select(repoColumns)
      .where('r.id', 'in', ids.slice(start, start + sliceSize))
      .where('r.ownerId', '=', ownerId)
      .where('r.deletedAt', 'is', null)
      .execute()
    found.push(...rows)
  }
  return found
}

export interface RequestRow {
  readonly principalId: string
  readonly repoId: string
  readonly status: 'pending' | 'accepted' | 'rejected'
  readonly reason: string | null
}

/** What became of their requests at the gates of the owner's repos. */
export async function selectRequests(db: Db, ids: readonly string[], ownerId: string): Promise<RequestRow[]> {
  return await inParts(ids, (some, limit) =>
    db.list
      .selectFrom('accessRequest as a')
      .innerJoin('repo as r', 'r.id', 'a.repoId')
      .select(['a.principalId', 'a.repoId', 'a.status', 'a.reason'])
      .where('a.principalId', 'in', [...some])
      .where('r.ownerId', '=', ownerId)
      .where('r.deletedAt', 'is', null)
      .limit(limit)
      .execute(),
  )
}

export interface RepoClassRow {
  readonly workspaceId: string | null
  readonly visibility: RepoTable['visibility']
  readonly gated: 'open' | 'auto' | 'manual'
  readonly orgMembersGated: 0 | 1
  readonly isDisabled: number
  readonly creatorId: string
  readonly count: number
}

/** How many repos of each sort the organization has; `workspaceIds`: only those in them. */
export async function countRepos(
  db: Db,
  organizationId: string,
  workspaceIds: readonly string[] | null,
): Promise<RepoClassRow[]> {
  const isDisabled = sql<number>`case when "r"."disabledAt" is null then 0 else 1 end`
  const query = db.list
    .selectFrom('repo as r')
    .select(['r.workspaceId', 'r.visibility', 'r.gated', 'r.orgMembersGated', 'r.creatorId'])
    .select(isDisabled.as('isDisabled'))
    .select(sql<number>`count(*)`.as('count'))
    .where('r.ownerId', '=', organizationId)
    .where('r.deletedAt', 'is', null)
    .groupBy(['r.workspaceId', 'r.visibility', 'r.gated', 'r.orgMembersGated', 'r.creatorId'])
    .groupBy(isDisabled)
  const rows = await (workspaceIds === null ? query : query.where('r.workspaceId', 'in', [...workspaceIds])).execute()
  return rows.map((row) => ({ ...row, isDisabled: Number(row.isDisabled), count: Number(row.count) }))
}

/** Ids of all workspaces of the organization. */
export async function allWorkspaces(db: Db, organizationId: string): Promise<string[]> {
  const rows = await db.list
    .selectFrom('workspace')
    .select('id')
    .where('organizationId', '=', organizationId)
    .orderBy('nameKey')
    .execute()
  return rows.map(({ id }) => id)
}

/** Of those among `ids` that the organization has. */
export async function workspaceNames(
  db: Db,
  ids: readonly string[],
  organizationId: string,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (let start = 0; start < ids.length; start += sliceSize) {
    const slice = ids.slice(start, start + sliceSize)
    const rows = await db.list
      .selectFrom('workspace')
      .select(['id', 'name'])
      .where('id', 'in', slice)
      .where('organizationId', '=', organizationId)
      .execute()
    for (const { id, name } of rows) names.set(id, name)
  }
  return names
}

export interface TokenRow {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly last4: string
  readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
  readonly canReadGatedRepos: number
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly verdict: TokenVerdict | null
}

/** Tokens of these that have not expired, with what the organization's administrators said of them. */
export async function selectTokens(
  db: Db,
  ids: readonly string[],
  organizationId: string,
  now: number,
): Promise<TokenRow[]> {
  return await inParts(ids, (some, limit) =>
    db.list
      .selectFrom('accessToken as t')
      .leftJoin('organizationToken as v', (join) =>
        join.onRef('v.tokenId', '=', 't.id').on('v.organizationId', '=', organizationId),
      )
      .select(['t.id', 't.ownerId', 't.name', 't.last4', 't.role', 't.canReadGatedRepos', 't.createdAt', 't.rotatedAt'])
      .select(['t.expiresAt', 't.lastUsedAt', 'v.verdict'])
      .where('t.ownerId', 'in', [...some])
      .where('t.parentId', 'is', null)
      .where((q) => q.or([q('t.expiresAt', 'is', null), q('t.expiresAt', '>', now)]))
      .limit(limit)
      .execute(),
  )
}

export interface ListedRow {
  readonly tokenId: string
  readonly entityId: string
  readonly permissions: string
}

/** What fine-grained tokens of these list of the owner, its workspaces and its repos. */
export async function selectListed(db: Db, ids: readonly string[], ownerId: string): Promise<ListedRow[]> {
  return await inParts(ids, (some, limit) =>
    db.list
      .selectFrom('accessToken as t')
      .innerJoin('tokenGrant as g', 'g.tokenId', 't.id')
      .leftJoin('workspace as w', 'w.id', 'g.entityId')
      .leftJoin('repo as r', 'r.id', 'g.entityId')
      .select(['g.tokenId', 'g.entityId', 'g.permissions'])
      .where('t.ownerId', 'in', [...some])
      .where('t.role', '=', 'fineGrained')
      .where((q) =>
        q.or([q('g.entityId', '=', ownerId), q('w.organizationId', '=', ownerId), q('r.ownerId', '=', ownerId)]),
      )
      .limit(limit)
      .execute(),
  )
}

const machinePattern = /^sa-([0-9a-f]{24})$/

/** Somebody of the organization by user name; null for strangers and for names that nobody bears alike. */
export async function findParty(db: Db, organizationId: string, name: string, now: number): Promise<string | null> {
  const key = nameKey(name)
  const machine = machinePattern.exec(key)?.[1]
  if (machine !== undefined) {
    const row = await db.list
      .selectFrom('serviceAccount')
      .select('id')
      .where('id', '=', machine)
      .where('organizationId', '=', organizationId)
      .executeTakeFirst()
    return row?.id ?? null
  }
  const row = await db.list
    .selectFrom('namespace')
    .innerJoin('roleGrant', 'roleGrant.principalId', 'namespace.id')
    .select('namespace.id')
    .where('namespace.nameKey', '=', key)
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where(holdsAt('roleGrant', now))
    .executeTakeFirst()
  return row?.id ?? null
}

/** A group of the organization by id or name. */
export async function findGroup(db: Db, organizationId: string, nameOrId: string): Promise<string | null> {
  const row = await db.list
    .selectFrom('memberGroup')
    .select('id')
    .where('organizationId', '=', organizationId)
    .where((q) => q.or([q('id', '=', nameOrId), q('nameKey', '=', nameKey(nameOrId))]))
    .executeTakeFirst()
  return row?.id ?? null
}

/** Workspaces that take in whoever of the organization is there. */
export async function selectAutoJoin(db: Db, organizationId: string) {
  return await db.list
    .selectFrom('workspace')
    .select(['id', 'autoJoin', 'autoJoinRole'])
    .where('organizationId', '=', organizationId)
    .where('autoJoin', 'is not', null)
    .execute()
}
