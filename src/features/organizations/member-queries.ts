/** The SQL of the list of members. Service accounts are none (SA-5). */
import { type Expression, type SqlBool, sql } from 'kysely'
import { endsAt, holdsAt, roleAfter, roleAt } from '../../access/role-at.ts'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { type Temporary, temporaryOf } from '../temporary-roles/service.ts'

export interface MemberRow {
  readonly userId: string
  readonly name: string
  readonly nameKey: string
  readonly fullname: string | null
  readonly role: Role
  readonly temporary: Temporary | null
  readonly joinedAt: number
  readonly state: 'active' | 'deactivated' | 'deleted'
  readonly secondFactorAt: number | null
}

export interface MemberFilter {
  /** In the name or the full name, whatever the capitals. */
  readonly search?: string
  readonly role?: Role
  readonly hasSecondFactor?: boolean
}

export interface MemberPage extends MemberFilter {
  /** The `nameKey` of the last one that was shown, empty for the first page. */
  readonly after: string
  readonly limit: number
  readonly now: number
}

/** By name. */
export async function listMembers(db: Db, organizationId: string, page: MemberPage): Promise<MemberRow[]> {
  let query = db.list
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.principalId')
    .innerJoin('user', 'user.id', 'roleGrant.principalId')
    .select([
      'user.id as userId',
      'namespace.name',
      'namespace.nameKey',
      'user.fullname',
      roleAt('roleGrant', page.now).as('role'),
      endsAt('roleGrant', page.now).as('until'),
      roleAfter('roleGrant', page.now).as('roleAfter'),
      'roleGrant.temporaryReason as reason',
      'roleGrant.createdAt as joinedAt',
      'user.state',
      'user.secondFactorAt',
    ])
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where('namespace.nameKey', '>', page.after)
    .where(holdsAt('roleGrant', page.now))
  if (page.role !== undefined) query = query.where(roleAt('roleGrant', page.now), '=', page.role)
  if (page.hasSecondFactor !== undefined) {
    query = query.where('user.secondFactorAt', page.hasSecondFactor ? 'is not' : 'is', null)
  }
  if (page.search !== undefined) query = query.where(matches(page.search))
  const rows = await query.orderBy('namespace.nameKey').limit(page.limit).execute()
  return rows.map(({ until, roleAfter: then, reason, ...row }) => ({
    ...row,
    role: row.role ?? 'no_access',
    temporary: temporaryOf({ until, roleAfter: then, reason }),
  }))
}

function matches(search: string): Expression<SqlBool> {
  const pattern = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
  return sql<SqlBool>`("namespace"."nameKey" like ${pattern} escape '\\' or lower("user"."fullname") like ${pattern} escape '\\')`
}

/** People of the organization, whatever their role and the state of their accounts: its seats (SEAT-1). */
export async function countMembers(on: Tx | Db['list'], organizationId: string): Promise<number> {
  const row = await on
    .selectFrom('roleGrant')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('targetId', '=', organizationId)
    .where('principalKind', '=', 'user')
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

export interface MemberWorkspace {
  readonly userId: string
  readonly id: string
  readonly name: string
  readonly role: Role
}

/** The roles that these people have themselves in workspaces of the organization, by the name of the workspace. */
export async function workspacesOf(
  db: Db,
  organizationId: string,
  userIds: readonly string[],
  now: number,
): Promise<MemberWorkspace[]> {
  if (userIds.length === 0) return []
  const rows = await db.list
    .selectFrom('roleGrant')
    .innerJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['roleGrant.principalId as userId', 'workspace.id', 'workspace.name'])
    .select(roleAt('roleGrant', now).as('role'))
    .where('roleGrant.principalId', 'in', userIds)
    .where('roleGrant.targetKind', '=', 'workspace')
    .where('workspace.organizationId', '=', organizationId)
    .orderBy('workspace.nameKey')
    .execute()
  return rows.flatMap(({ role, ...row }) => (role === null ? [] : { ...row, role }))
}

/** How many people have a role themselves in each of these workspaces. */
export async function countUsersOf(
  db: Db,
  workspaceIds: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, number>> {
  if (workspaceIds.length === 0) return new Map()
  const rows = await db.list
    .selectFrom('roleGrant')
    .select((q) => ['targetId', q.fn.countAll<number>().as('count')])
    .where('targetId', 'in', workspaceIds)
    .where('principalKind', '=', 'user')
    .where(holdsAt('roleGrant', now))
    .groupBy('targetId')
    .execute()
  return new Map(rows.map((row) => [row.targetId, Number(row.count)]))
}
