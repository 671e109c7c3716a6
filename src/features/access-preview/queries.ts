/** The SQL of access previews: slices of principals, what they have where, and the repos of an organization by what they are. */
import { sql } from 'kysely'
import { holdsAt, roleAt } from '../../access/role-at.ts'
import type { RepoKind } from '../../domain/facts.ts'
import type { Role } from '../../domain/role.ts'
import type { Lists } from '../../platform/db/database.ts'
import type { RepoTable } from '../../platform/db/schema.ts'
import { inParts, inSlices, mostRows } from './in-parts.ts'
import { ownerOfTarget } from './owner-of-queries.ts'

/** At most so many ids of principals or repos in one statement: for more, PostgreSQL reads whole tables instead of an index. */
export const sliceSize = 250
/** PostgreSQL may go through all repos of the organization once for each such part. */
const workspacesAtOnce = 1000

export async function selectOrganization(db: Lists, id: string) {
  return await db.list
    .selectFrom('organization')
    .select(['secondFactorRequired', 'tokenPolicy', 'mostTokenDays'])
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
export async function memberIds(db: Lists, organizationId: string, after: string, now: number): Promise<string[]> {
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
export async function idsOnRepos(db: Lists, repoIds: readonly string[], after: string): Promise<string[]> {
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

/** Of everybody with a role on a repo of the organization: found by the roles on single repos, which are few, and not by its repos. */
export async function idsOnAnyRepo(db: Lists, organizationId: string, after: string): Promise<string[]> {
  const rows = await db.list
    .selectFrom('roleGrant')
    .select('roleGrant.principalId')
    .distinct()
    // Written out: a plan for any parameter could not use the index of these alone.
    .where('roleGrant.targetKind', '=', sql.lit('repo'))
    // Asked of each role: as a join, databases begin with the repos.
    .where(
      (q) =>
        q
          .selectFrom('repo')
          .select('repo.ownerId')
          .whereRef('repo.id', '=', 'roleGrant.targetId')
          .where('repo.deletedAt', 'is', null),
      '=',
      organizationId,
    )
    .where('roleGrant.principalId', '>', after)
    .orderBy('roleGrant.principalId')
    .limit(sliceSize)
    .execute()
  return rows.map(({ principalId }) => principalId)
}

export async function groupMemberIds(db: Lists, groupId: string, after: string): Promise<string[]> {
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
export async function selectPrincipals(db: Lists, ids: readonly string[], now: number): Promise<PrincipalRow[]> {
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
export async function selectHeld(db: Lists, ids: readonly string[], ownerId: string, now: number): Promise<HeldRow[]> {
  const ask = (some: readonly string[], after: string, limit: number) =>
    db.list
      .selectFrom('roleGrant as g')
      .select(['g.principalId', 'g.targetId', 'g.targetKind'])
      .select(roleAt('g', now).as('role'))
      .where('g.principalId', 'in', [...some])
      .where('g.targetId', '>', after)
      .where(ownerOfTarget(sql.ref('g.targetId')), '=', ownerId)
      .$if(some.length === 1, (q) => q.orderBy('g.targetId'))
      .limit(limit)
      .execute()
  return await inParts(ids, ask, ({ targetId }) => targetId)
}

export interface MembershipRow {
  readonly principalId: string
  readonly groupId: string
}

/** The groups of the organization that they are in. */
export async function selectMemberships(
  db: Lists,
  ids: readonly string[],
  organizationId: string,
): Promise<MembershipRow[]> {
  const ask = (some: readonly string[], after: string, limit: number) =>
    db.list
      .selectFrom('groupMember as m')
      .innerJoin('memberGroup as g', 'g.id', 'm.groupId')
      .select(['m.principalId', 'm.groupId'])
      .where('m.principalId', 'in', [...some])
      .where('g.organizationId', '=', organizationId)
      .where('m.groupId', '>', after)
      .$if(some.length === 1, (q) => q.orderBy('m.groupId'))
      .limit(limit)
      .execute()
  return await inParts(ids, ask, ({ groupId }) => groupId)
}

export interface GroupRoleRow {
  readonly groupId: string
  readonly workspaceId: string
  readonly role: Role | null
}

/** Roles of these groups in workspaces of the organization; `within`: in these alone. */
export async function selectRolesOfGroups(
  db: Lists,
  groupIds: readonly string[],
  organizationId: string,
  now: number,
  within: readonly string[] | null,
): Promise<GroupRoleRow[]> {
  if (within?.length === 0) return []
  const ask = (some: readonly string[], after: string, limit: number) =>
    db.list
      .selectFrom('roleGrant as g')
      .innerJoin('workspace as w', 'w.id', 'g.targetId')
      .select(['g.principalId as groupId', 'g.targetId as workspaceId'])
      .select(roleAt('g', now).as('role'))
      .where('g.principalId', 'in', [...some])
      .where('w.organizationId', '=', organizationId)
      .where('g.targetId', '>', after)
      .$if(within !== null, (q) => q.where('g.targetId', 'in', [...(within ?? [])]))
      .$if(some.length === 1, (q) => q.orderBy('g.targetId'))
      .limit(limit)
      .execute()
  return await inParts(groupIds, ask, ({ workspaceId }) => workspaceId)
}

/** Of a group, in workspaces. */
export async function selectGroupRoles(
  db: Lists,
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
export async function selectRepos(db: Lists, ids: readonly string[], ownerId: string): Promise<RepoRow[]> {
  const found: RepoRow[] = []
  for (const slice of inSlices(ids, sliceSize)) {
    const rows = await db.list
      .selectFrom('repo as r')
      .select(repoColumns)
      .where('r.id', 'in', [...slice])
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
export async function selectRequests(db: Lists, ids: readonly string[], ownerId: string): Promise<RequestRow[]> {
  const ask = (some: readonly string[], after: string, limit: number) =>
    db.list
      .selectFrom('accessRequest as a')
      .innerJoin('repo as r', 'r.id', 'a.repoId')
      .select(['a.principalId', 'a.repoId', 'a.status', 'a.reason'])
      .where('a.principalId', 'in', [...some])
      .where('r.ownerId', '=', ownerId)
      .where('r.deletedAt', 'is', null)
      .where('a.repoId', '>', after)
      .$if(some.length === 1, (q) => q.orderBy('a.repoId'))
      .limit(limit)
      .execute()
  return await inParts(ids, ask, ({ repoId }) => repoId)
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

/** How many repos of each sort the organization has in these workspaces; null: anywhere. */
export async function countRepos(
  db: Lists,
  organizationId: string,
  workspaceIds: readonly string[] | null,
): Promise<RepoClassRow[]> {
  // For databases an expression: where all are counted, they go by the owner, and not through the workspaces of others.
  const place = sql<string>`coalesce("r"."workspaceId", '')`
  const isDisabled = sql<number>`case when "r"."disabledAt" is null then 0 else 1 end`
  const ask = (some: readonly string[], after: string, limit: number) => {
    const [afterPlace = '', afterCreator = ''] = after.split(' ')
    return db.list
      .selectFrom('repo as r')
      .select(['r.workspaceId', 'r.visibility', 'r.gated', 'r.orgMembersGated', 'r.creatorId'])
      .select(isDisabled.as('isDisabled'))
      .select(sql<number>`count(*)`.as('count'))
      .where('r.ownerId', '=', organizationId)
      .where('r.deletedAt', 'is', null)
      .$if(workspaceIds !== null, (q) => q.where('r.workspaceId', 'in', [...some]))
      .$if(after !== '', (q) => q.where(sql<boolean>`(${place}, "r"."creatorId") > (${afterPlace}, ${afterCreator})`))
      .groupBy(['r.workspaceId', 'r.visibility', 'r.gated', 'r.orgMembersGated', 'r.creatorId'])
      .groupBy(isDisabled)
      .$if(some.length === 1, (q) => q.orderBy(place).orderBy('r.creatorId'))
      .limit(limit)
      .execute()
  }
  const keyOf = ({ workspaceId, creatorId }: RepoClassRow) => `${workspaceId ?? ''} ${creatorId}`
  const everywhere = ['']
  const counted: RepoClassRow[] = []
  for (const some of workspaceIds === null ? [everywhere] : inSlices(workspaceIds, workspacesAtOnce)) {
    for (const row of await inParts(some, ask, keyOf))
      counted.push({ ...row, isDisabled: Number(row.isDisabled), count: Number(row.count) })
  }
  return counted
}

/** Ids of all workspaces of the organization, by name. */
export async function allWorkspaces(db: Lists, organizationId: string): Promise<string[]> {
  const ids: string[] = []
  for (let after = ''; ; ) {
    const rows = await db.list
      .selectFrom('workspace')
      .select(['id', 'nameKey'])
      .where('organizationId', '=', organizationId)
      .where('nameKey', '>', after)
      .orderBy('nameKey')
      .limit(mostRows)
      .execute()
    for (const { id } of rows) ids.push(id)
    if (rows.length < mostRows) return ids
    after = rows.at(-1)?.nameKey ?? ''
  }
}

/** Of those among `ids` that the organization has. */
export async function workspaceNames(
  db: Lists,
  ids: readonly string[],
  organizationId: string,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const slice of inSlices(ids, sliceSize)) {
    const rows = await db.list
      .selectFrom('workspace')
      .select(['id', 'name'])
      .where('id', 'in', [...slice])
      .where('organizationId', '=', organizationId)
      .execute()
    for (const { id, name } of rows) names.set(id, name)
  }
  return names
}

/** Workspaces that take in whoever of the organization is there. */
export async function selectAutoJoin(db: Lists, organizationId: string) {
  return await db.list
    .selectFrom('workspace')
    .select(['id', 'autoJoin', 'autoJoinRole'])
    .where('organizationId', '=', organizationId)
    .where('autoJoin', 'is not', null)
    .execute()
}
