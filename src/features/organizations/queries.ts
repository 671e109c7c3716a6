/**
 * The SQL of organizations and their members. Whatever could take an organization's last administrator away locks its row first, so that
 * two such changes at the same moment run one after the other, on PostgreSQL too.
 */
import type { Insertable, Selectable } from 'kysely'
import { endsAt, holdsAt, roleAt } from '../../access/role-at.ts'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { OrganizationTable, RoleGrantTable } from '../../platform/db/schema.ts'
import { nothingTemporary } from '../temporary-roles/service.ts'

export type OrganizationRow = Selectable<OrganizationTable>

export interface MembershipRow {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
  readonly role: Role
  /** When the role ends; null for never. */
  readonly until: number | null
}

export async function insertOrganization(tx: Tx, row: Insertable<OrganizationTable>): Promise<void> {
  await tx.insertInto('organization').values(row).execute()
}

/** Until the transaction ends nobody else changes these organizations' administrators. Always in the same order: no deadlocks. */
export async function lockOrganizations(tx: Tx, dialect: Db['dialect'], ids: readonly string[]): Promise<void> {
  if (dialect === 'sqlite' || ids.length === 0) return
  await tx.selectFrom('organization').select('id').where('id', 'in', ids).orderBy('id').forUpdate().execute()
}

const organizationById = prepared<{ id: string }, OrganizationRow>((q, param) =>
  q.selectFrom('organization').selectAll().where('id', '=', param('id')),
)

export async function findOrganization(db: Db, id: string): Promise<OrganizationRow | null> {
  return await organizationById.first(db.read, { id })
}

/** An active user by name. */
const activeUser = prepared<{ key: string }, { id: string; name: string; fullname: string | null }>((q, param) =>
  q
    .selectFrom('namespace')
    .innerJoin('user', 'user.id', 'namespace.id')
    .select(['user.id', 'namespace.name', 'user.fullname'])
    .where('namespace.nameKey', '=', param('key'))
    .where('user.state', '=', 'active'),
)

export async function findActiveUser(
  on: Tx | Db['read'],
  key: string,
): Promise<{ id: string; name: string; fullname: string | null } | null> {
  return await activeUser.first(on, { key })
}

/** A member by name, whatever the state of the account: a deactivated one can be removed too. */
export async function findMember(
  on: Tx | Db['read'],
  organizationId: string,
  nameKey: string,
  now: number,
): Promise<{ userId: string; name: string; role: Role } | null> {
  const row = await on
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.principalId')
    .select(['roleGrant.principalId as userId', 'namespace.name', roleAt('roleGrant', now).as('role')])
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where('namespace.nameKey', '=', nameKey)
    .where(holdsAt('roleGrant', now))
    .executeTakeFirst()
  return row === undefined || row.role === null ? null : { ...row, role: row.role }
}

const organizationRole = prepared<{ organizationId: string; userId: string; now: number }, { role: Role | null }>(
  (q, param) =>
    q
      .selectFrom('roleGrant')
      .select(roleAt('roleGrant', param('now')).as('role'))
      .where('targetId', '=', param('organizationId'))
      .where('principalId', '=', param('userId')),
)

/** Null for who is no member. */
export async function roleIn(
  on: Tx | Db['read'],
  organizationId: string,
  userId: string,
  now: number,
): Promise<Role | null> {
  return (await organizationRole.first(on, { organizationId, userId, now }))?.role ?? null
}

/** False where the principal has a role there already. */
export async function insertGrant(tx: Tx, grant: Insertable<RoleGrantTable>): Promise<boolean> {
  const row = await tx
    .insertInto('roleGrant')
    .values(grant)
    .onConflict((conflict) => conflict.columns(['targetId', 'principalId']).doNothing())
    .returning('targetId')
    .executeTakeFirst()
  return row !== undefined
}

/** Without an end: a temporary role is over. */
export async function updateRole(tx: Tx, organizationId: string, userId: string, role: Role): Promise<void> {
  await tx
    .updateTable('roleGrant')
    .set({ role, ...nothingTemporary })
    .where('targetId', '=', organizationId)
    .where('principalId', '=', userId)
    .execute()
}

/** Membership, workspaces and repos: everything the organization gave. */
export async function deleteGrantsInOrganization(tx: Tx, organizationId: string, userId: string): Promise<void> {
  await deleteWorkspaceGrants(tx, organizationId, userId)
  await tx
    .deleteFrom('roleGrant')
    .where('principalId', '=', userId)
    .where('targetKind', '=', 'repo')
    .where('targetId', 'in', (q) => q.selectFrom('repo').select('repo.id').where('repo.ownerId', '=', organizationId))
    .execute()
  await tx.deleteFrom('roleGrant').where('principalId', '=', userId).where('targetId', '=', organizationId).execute()
}

export async function deleteWorkspaceGrants(tx: Tx, organizationId: string, userId: string): Promise<void> {
  await tx
    .deleteFrom('roleGrant')
    .where('principalId', '=', userId)
    .where('targetKind', '=', 'workspace')
    .where('targetId', 'in', (q) =>
      q.selectFrom('workspace').select('workspace.id').where('workspace.organizationId', '=', organizationId),
    )
    .execute()
}

/** Those of `ids` that are workspaces of the organization. */
export async function workspacesIn(tx: Tx, organizationId: string, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx
    .selectFrom('workspace')
    .select('id')
    .where('organizationId', '=', organizationId)
    .where('id', 'in', ids)
    .execute()
  return rows.map((row) => row.id)
}

/** Lasting administrators (no temporary ones) whose accounts are active, up to two: one needs to know only "none, one, more". */
export async function someActiveAdmins(on: Tx | Db['read'], organizationId: string): Promise<string[]> {
  const rows = await on
    .selectFrom('roleGrant')
    .innerJoin('user', 'user.id', 'roleGrant.principalId')
    .select('user.id')
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.principalKind', '=', 'user')
    .where('roleGrant.role', '=', 'admin')
    .where('user.state', '=', 'active')
    .limit(2)
    .execute()
  return rows.map((row) => row.id)
}

/** Its lasting administrators whose accounts are active, the first `limit` by when they became so: who is told of what happens there. */
export async function firstAdmins(on: Tx | Db['read'], organizationId: string, limit: number): Promise<string[]> {
  const rows = await on
    .selectFrom('roleGrant')
    .innerJoin('user', 'user.id', 'roleGrant.principalId')
    .select('user.id')
    .where('roleGrant.targetId', '=', organizationId)
    .where('roleGrant.role', '=', 'admin')
    .where('user.state', '=', 'active')
    .orderBy('roleGrant.createdAt')
    .orderBy('user.id')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** Lastingly: a temporary administrator is not the last one of anything. */
export async function administeredBy(on: Tx | Db['read'], userId: string): Promise<{ id: string; name: string }[]> {
  return await on
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.targetId')
    .select(['namespace.id', 'namespace.name'])
    .where('roleGrant.principalId', '=', userId)
    .where('roleGrant.targetKind', '=', 'organization')
    .where('roleGrant.role', '=', 'admin')
    .orderBy('namespace.nameKey')
    .execute()
}

const administering = prepared<{ userId: string; now: number; limit: number }, { id: string; name: string }>(
  (q, param) =>
    q
      .selectFrom('roleGrant')
      .innerJoin('namespace', 'namespace.id', 'roleGrant.targetId')
      .select(['namespace.id', 'namespace.name'])
      .where('roleGrant.principalId', '=', param('userId'))
      .where('roleGrant.targetKind', '=', 'organization')
      .where(roleAt('roleGrant', param('now')), '=', 'admin')
      .orderBy('namespace.nameKey')
      .limit(param('limit')),
)

/** At that moment (ms), for a while or for good; by name. */
export async function administeredNow(
  db: Db,
  userId: string,
  now: number,
  limit: number,
): Promise<{ id: string; name: string }[]> {
  return await administering.run(db.read, { userId, now, limit })
}

const memberships = prepared<{ userId: string; now: number }, Omit<MembershipRow, 'role'> & { role: Role | null }>(
  (q, param) =>
    q
      .selectFrom('roleGrant')
      .innerJoin('organization', 'organization.id', 'roleGrant.targetId')
      .innerJoin('namespace', 'namespace.id', 'organization.id')
      .select(['organization.id', 'namespace.name', 'organization.fullname'])
      .select([roleAt('roleGrant', param('now')).as('role'), endsAt('roleGrant', param('now')).as('until')])
      .where('roleGrant.principalId', '=', param('userId'))
      .where('roleGrant.targetKind', '=', 'organization')
      .orderBy('namespace.nameKey'),
)

export async function membershipsOf(db: Db, userId: string, now: number): Promise<MembershipRow[]> {
  const rows = await memberships.run(db.read, { userId, now })
  return rows.flatMap(({ role, ...row }) => (role === null ? [] : { ...row, role }))
}

/** How many public repos of each kind a namespace has. */
export async function countPublicRepos(db: Db, ownerId: string): Promise<{ kind: string; count: number }[]> {
  const rows = await db.list
    .selectFrom('repo')
    .select((q) => ['kind', q.fn.countAll<number>().as('count')])
    .where('ownerId', '=', ownerId)
    .where('visibility', '=', 'public')
    .where('deletedAt', 'is', null)
    .groupBy('kind')
    .execute()
  return rows.map((row) => ({ kind: row.kind, count: Number(row.count) }))
}
