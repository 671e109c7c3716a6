/** The SQL of the list of members. Service accounts are none (SA-5). */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'

export interface MemberRow {
  readonly userId: string
  readonly name: string
  readonly nameKey: string
  readonly fullname: string | null
  readonly role: Role
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
      'roleGrant.role',
      'roleGrant.createdAt as joinedAt',
      'user.state',
      'user.secondFactorAt',
    ])
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where('namespace.nameKey', '>', page.after)
  if (page.role !== undefined) query = query.where('roleGrant.role', '=', page.role)
  if (page.hasSecondFactor !== undefined) {
    query = query.where('user.secondFactorAt', page.hasSecondFactor ? 'is not' : 'is', null)
  }
  if (page.search !== undefined) query = query.where(matches(page.search))
  return await query.orderBy('namespace.nameKey').limit(page.limit).execute()
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
): Promise<MemberWorkspace[]> {
  if (userIds.length === 0) return []
  return await db.list
    .selectFrom('roleGrant')
    .innerJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['roleGrant.principalId as userId', 'workspace.id', 'workspace.name', 'roleGrant.role'])
    .where('roleGrant.principalId', 'in', userIds)
    .where('roleGrant.targetKind', '=', 'workspace')
    .where('workspace.organizationId', '=', organizationId)
    .orderBy('workspace.nameKey')
    .execute()
}

/** How many people have a role themselves in each of these workspaces. */
export async function countUsersOf(db: Db, workspaceIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (workspaceIds.length === 0) return new Map()
  const rows = await db.list
    .selectFrom('roleGrant')
    .select((q) => ['targetId', q.fn.countAll<number>().as('count')])
    .where('targetId', 'in', workspaceIds)
    .where('principalKind', '=', 'user')
    .groupBy('targetId')
    .execute()
  return new Map(rows.map((row) => [row.targetId, Number(row.count)]))
}
