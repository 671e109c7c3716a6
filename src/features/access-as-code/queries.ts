/** The SQL of access as code: what one organization has, page by page, each page by an index. */
import type { ExpressionBuilder, Kysely } from 'kysely'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { Schema } from '../../platform/db/schema.ts'

/** A view of one moment, or the transaction of a change. */
export type View = Kysely<Schema>

/** Rows of one statement, and ids that one names. */
export const pageSize = 500
export const sliceSize = 200

export async function selectOrganization(on: View, id: string) {
  return await on
    .selectFrom('organization')
    .select(['defaultRole', 'secondFactorRequired', 'workspaceCreation', 'membersVisibility'])
    .select(['tokenPolicy', 'mostTokenDays', 'classicTokensAdminister'])
    .where('id', '=', id)
    .executeTakeFirst()
}

export interface GrantRow {
  readonly principalId: string
  readonly principalKind: 'user' | 'group' | 'service-account'
  readonly role: Role
  /** 1: nothing of it lasts beyond `temporaryUntil`. */
  readonly endsWhole: 0 | 1
  readonly temporaryUntil: number | null
  readonly userName: string | null
  readonly userState: string | null
  readonly groupName: string | null
  readonly accountName: string | null
}

type Asking = ExpressionBuilder<Schema, 'roleGrant' | 'groupMember'>
type Principal = 'roleGrant.principalId' | 'groupMember.principalId'

function userName(q: Asking, principal: Principal) {
  return q.selectFrom('namespace').select('namespace.name').whereRef('namespace.id', '=', principal).as('userName')
}

function accountName(q: Asking, principal: Principal) {
  return q
    .selectFrom('serviceAccount')
    .select('serviceAccount.name')
    .whereRef('serviceAccount.id', '=', principal)
    .as('accountName')
}

/** Roles on one organization or workspace, after a principal's id. */
export async function selectGrants(on: View, targetId: string, after: string): Promise<GrantRow[]> {
  return await on
    .selectFrom('roleGrant')
    .select(['roleGrant.principalId', 'roleGrant.principalKind', 'roleGrant.role'])
    .select(['roleGrant.endsWhole', 'roleGrant.temporaryUntil'])
    // Row by row, by their keys: joined, a planner may rather walk all names of the hub in their order.
    .select((q) => [
      q.selectFrom('user').select('user.state').whereRef('user.id', '=', 'roleGrant.principalId').as('userState'),
      userName(q, 'roleGrant.principalId'),
      q
        .selectFrom('memberGroup')
        .select('memberGroup.name')
        .whereRef('memberGroup.id', '=', 'roleGrant.principalId')
        .as('groupName'),
      accountName(q, 'roleGrant.principalId'),
    ])
    .where('roleGrant.targetId', '=', targetId)
    .where('roleGrant.principalId', '>', after)
    .orderBy('roleGrant.principalId')
    .limit(pageSize)
    .execute()
}

export async function selectGroups(on: View, organizationId: string, after: string) {
  return await on
    .selectFrom('memberGroup')
    .select(['id', 'name', 'nameKey', 'description'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
    .orderBy('nameKey')
    .limit(pageSize)
    .execute()
}

export async function selectGroupMembers(on: View, groupId: string, after: string) {
  return await on
    .selectFrom('groupMember')
    .select(['groupMember.principalId', 'groupMember.role'])
    .select((q) => [userName(q, 'groupMember.principalId'), accountName(q, 'groupMember.principalId')])
    .where('groupMember.groupId', '=', groupId)
    .where('groupMember.principalId', '>', after)
    .orderBy('groupMember.principalId')
    .limit(pageSize)
    .execute()
}

export async function selectWorkspaces(on: View, organizationId: string, after: string) {
  return await on
    .selectFrom('workspace')
    .select(['id', 'name', 'nameKey', 'description', 'autoJoin', 'autoJoinRole'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
    .orderBy('nameKey')
    .limit(pageSize)
    .execute()
}

export async function selectAccounts(on: View, organizationId: string, after: string) {
  return await on
    .selectFrom('serviceAccount')
    .select(['id', 'name', 'nameKey', 'expiresAt', 'disabledAt'])
    .where('organizationId', '=', organizationId)
    .where('nameKey', '>', after)
    .orderBy('nameKey')
    .limit(pageSize)
    .execute()
}

/** Those of these names that active people have. */
export async function selectPeople(
  on: View,
  nameKeys: readonly string[],
): Promise<{ id: string; name: string; nameKey: string }[]> {
  if (nameKeys.length === 0) return []
  return await on
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .select(['namespace.id', 'namespace.name', 'namespace.nameKey'])
    .where('namespace.nameKey', 'in', [...nameKeys])
    .where('user.state', '=', 'active')
    .execute()
}

/**
 * Until the transaction ends nobody else changes these parts of the organization, which the transaction holds already: whoever makes one
 * waits for the organization, whoever changes one for its row. In the order of all locks: workspaces, groups, accounts.
 */
export async function lockParts(tx: Tx, dialect: Db['dialect'], organizationId: string): Promise<void> {
  if (dialect === 'sqlite') return
  for (const table of ['workspace', 'memberGroup', 'serviceAccount'] as const) {
    await tx
      .selectFrom(table)
      .select('id')
      .where('organizationId', '=', organizationId)
      .orderBy('id')
      .forUpdate()
      .execute()
  }
}
