/** The SQL of access as code: what one organization has, page by page, each page by an index. */
import type { Role } from '../../domain/role.ts'
import type { Db } from '../../platform/db/database.ts'

/** Rows of one statement, and ids that one names. */
export const pageSize = 500
export const sliceSize = 200

export async function selectOrganization(db: Db, id: string) {
  return await db.list
    .selectFrom('organization')
    .select(['defaultRole', 'secondFactorRequired', 'workspaceCreation', 'membersVisibility'])
    .select(['tokenPolicy', 'mostTokenDays', 'classicTokensAdminister'])
    .where('id', '=', id)
    .executeTakeFirst()
}

export interface GrantRow {
  readonly targetId: string
  readonly principalId: string
  readonly principalKind: 'user' | 'group' | 'service-account'
  readonly role: Role
  readonly userName: string | null
  readonly groupName: string | null
  readonly accountName: string | null
}

/** Lasting roles on one organization or workspace, after a principal's id. */
export async function selectGrants(db: Db, targetId: string, after: string): Promise<GrantRow[]> {
  return await db.list
    .selectFrom('roleGrant')
    .leftJoin('namespace', 'namespace.id', 'roleGrant.principalId')
    .leftJoin('memberGroup', 'memberGroup.id', 'roleGrant.principalId')
    .leftJoin('serviceAccount', 'serviceAccount.id', 'roleGrant.principalId')
    .select(['roleGrant.targetId', 'roleGrant.principalId', 'roleGrant.principalKind', 'roleGrant.role'])
    .select(['namespace.name as userName', 'memberGroup.name as groupName', 'serviceAccount.name as accountName'])
    .where('roleGrant.targetId', '=', targetId)
    .where('roleGrant.endsWhole', '=', 0)
    .where('roleGrant.principalId', '>', after)
    .orderBy('roleGrant.principalId')
    .limit(pageSize)
    .execute()
}

export async function selectGroups(db: Db, organizationId: string, after: string) {
  return await db.list
    .selectFrom('memberGroup')
    .select(['id', 'name', 'nameKey', 'description'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
    .orderBy('nameKey')
    .limit(pageSize)
    .execute()
}

export async function selectGroupMembers(db: Db, groupId: string, after: string) {
  return await db.list
    .selectFrom('groupMember')
    .leftJoin('namespace', 'namespace.id', 'groupMember.principalId')
    .leftJoin('serviceAccount', 'serviceAccount.id', 'groupMember.principalId')
    .select(['groupMember.principalId', 'groupMember.role'])
    .select(['namespace.name as userName', 'serviceAccount.name as accountName'])
    .where('groupMember.groupId', '=', groupId)
    .where('groupMember.principalId', '>', after)
    .orderBy('groupMember.principalId')
    .limit(pageSize)
    .execute()
}

export async function selectWorkspaces(db: Db, organizationId: string, after: string) {
  return await db.list
    .selectFrom('workspace')
    .select(['id', 'name', 'nameKey', 'description'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
    .orderBy('nameKey')
    .limit(pageSize)
    .execute()
}

export async function selectAccounts(db: Db, organizationId: string, after: string) {
  return await db.list
    .selectFrom('serviceAccount')
    .select(['id', 'name', 'nameKey', 'expiresAt', 'disabledAt'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
    .orderBy('nameKey')
    .limit(pageSize)
    .execute()
}

/** Those of these names that active people have. */
export async function selectPeople(db: Db, nameKeys: readonly string[]): Promise<string[]> {
  if (nameKeys.length === 0) return []
  const rows = await db.list
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .select('namespace.nameKey')
    .where('namespace.nameKey', 'in', [...nameKeys])
    .where('user.state', '=', 'active')
    .execute()
  return rows.map(({ nameKey }) => nameKey)
}
