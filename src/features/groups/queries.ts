/** The SQL of groups and of who is in them. */
import { type Insertable, type Selectable, sql } from 'kysely'
import { serviceAccountName } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { GroupMemberTable, MemberGroupTable } from '../../platform/db/schema.ts'

export type GroupRow = Selectable<MemberGroupTable>
export type GroupRole = GroupMemberTable['role']

/** False where the organization has a group of that name. */
export async function insertGroup(tx: Tx, row: Insertable<MemberGroupTable>): Promise<boolean> {
  const inserted = await tx
    .insertInto('memberGroup')
    .values(row)
    .onConflict((conflict) => conflict.columns(['organizationId', 'nameKey']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

/** The group as it is now, kept from whoever would change it or who is in it; `share`: kept from being deleted. */
export async function lockGroup(
  tx: Tx,
  dialect: Db['dialect'],
  id: string,
  mode: 'share' | 'update',
): Promise<GroupRow | null> {
  const query = tx.selectFrom('memberGroup').selectAll().where('id', '=', id)
  const locked = dialect === 'sqlite' ? query : mode === 'share' ? query.forShare() : query.forUpdate()
  return (await locked.executeTakeFirst()) ?? null
}

export async function updateGroupRow(
  tx: Tx,
  id: string,
  change: Partial<Pick<GroupRow, 'name' | 'nameKey' | 'description'>>,
): Promise<void> {
  await tx.updateTable('memberGroup').set(change).where('id', '=', id).execute()
}

/** With its members and its roles in workspaces. Returns how many of each there were. */
export async function deleteGroupRows(tx: Tx, id: string): Promise<{ members: number; workspaces: number }> {
  const roles = await tx.deleteFrom('roleGrant').where('principalId', '=', id).executeTakeFirst()
  const members = await tx.deleteFrom('groupMember').where('groupId', '=', id).executeTakeFirst()
  await tx.deleteFrom('memberGroup').where('id', '=', id).execute()
  return { members: Number(members.numDeletedRows), workspaces: Number(roles.numDeletedRows) }
}

/** Null for whoever is not in the group. */
export async function findGroupRole(tx: Tx, groupId: string, principalId: string): Promise<GroupRole | null> {
  const row = await tx
    .selectFrom('groupMember')
    .select('role')
    .where('groupId', '=', groupId)
    .where('principalId', '=', principalId)
    .executeTakeFirst()
  return row?.role ?? null
}

export async function insertGroupMember(tx: Tx, row: GroupMemberTable): Promise<void> {
  await tx.insertInto('groupMember').values(row).execute()
}

export async function updateGroupMember(tx: Tx, groupId: string, principalId: string, role: GroupRole): Promise<void> {
  await tx
    .updateTable('groupMember')
    .set({ role })
    .where('groupId', '=', groupId)
    .where('principalId', '=', principalId)
    .execute()
}

/** The role that is gone, or null. */
export async function deleteGroupMember(tx: Tx, groupId: string, principalId: string): Promise<GroupRole | null> {
  const row = await tx
    .deleteFrom('groupMember')
    .where('groupId', '=', groupId)
    .where('principalId', '=', principalId)
    .returning('role')
    .executeTakeFirst()
  return row?.role ?? null
}

/** Names of the groups of the organization that the principal was in. */
export async function deleteMemberships(tx: Tx, organizationId: string, principalId: string): Promise<string[]> {
  const groups = await tx
    .selectFrom('groupMember')
    .innerJoin('memberGroup', 'memberGroup.id', 'groupMember.groupId')
    .select(['memberGroup.id', 'memberGroup.name'])
    .where('groupMember.principalId', '=', principalId)
    .where('memberGroup.organizationId', '=', organizationId)
    .orderBy('memberGroup.nameKey')
    .execute()
  await tx
    .deleteFrom('groupMember')
    .where('principalId', '=', principalId)
    .where('groupId', 'in', (q) =>
      q.selectFrom('memberGroup').select('memberGroup.id').where('memberGroup.organizationId', '=', organizationId),
    )
    .execute()
  return groups.map(({ name }) => name)
}

export interface ListedGroup extends GroupRow {
  readonly people: number
  readonly machines: number
}

const countOf = (kind: GroupMemberTable['principalKind']) =>
  sql<number>`(select count(*) from "groupMember" as "m" where "m"."groupId" = "memberGroup"."id" and "m"."principalKind" = ${sql.lit(kind)})`

const groupList = prepared<{ organizationId: string; after: string; limit: number }, ListedGroup>((q, param) =>
  q
    .selectFrom('memberGroup')
    .selectAll('memberGroup')
    .select([countOf('user').as('people'), countOf('service-account').as('machines')])
    .where('memberGroup.organizationId', '=', param('organizationId'))
    .where('memberGroup.nameKey', '>', param('after'))
    .orderBy('memberGroup.nameKey')
    .limit(param('limit')),
)

/** By name; `after` is the `nameKey` of the last one that was shown, empty for the first page. */
export async function listGroups(
  db: Db,
  organizationId: string,
  page: { readonly after: string; readonly limit: number },
): Promise<ListedGroup[]> {
  const rows = await groupList.run(db.list, { organizationId, ...page })
  return rows.map((row) => ({ ...row, people: Number(row.people), machines: Number(row.machines) }))
}

const groupById = prepared<{ id: string }, ListedGroup>((q, param) =>
  q
    .selectFrom('memberGroup')
    .selectAll('memberGroup')
    .select([countOf('user').as('people'), countOf('service-account').as('machines')])
    .where('memberGroup.id', '=', param('id')),
)

export async function findGroup(db: Db, id: string): Promise<ListedGroup | null> {
  const row = await groupById.first(db.list, { id })
  return row === null ? null : { ...row, people: Number(row.people), machines: Number(row.machines) }
}

export interface RosterRow {
  readonly id: string
  readonly kind: GroupMemberTable['principalKind']
  /** User name. */
  readonly name: string
  readonly fullname: string | null
  readonly role: GroupRole
  readonly addedAt: number
  /** A person whose account is not active, a service account that is disabled (SA-30). */
  readonly isOff: boolean
  /** Where the list goes on after this row. */
  readonly cursor: string
}

interface PersonRow {
  id: string
  name: string
  nameKey: string
  fullname: string | null
  state: string
  role: GroupRole
  createdAt: number
}

const peopleOf = prepared<{ groupId: string; after: string; limit: number }, PersonRow>((q, param) =>
  q
    .selectFrom('groupMember')
    .innerJoin('namespace', 'namespace.id', 'groupMember.principalId')
    .innerJoin('user', 'user.id', 'groupMember.principalId')
    .select(['user.id', 'namespace.name', 'namespace.nameKey', 'user.fullname', 'user.state'])
    .select(['groupMember.role', 'groupMember.createdAt'])
    .where('groupMember.groupId', '=', param('groupId'))
    .where('namespace.nameKey', '>', param('after'))
    .orderBy('namespace.nameKey')
    .limit(param('limit')),
)

interface MachineRow {
  id: string
  name: string
  nameKey: string
  disabledAt: number | null
  expiresAt: number | null
  role: GroupRole
  createdAt: number
}

const machinesOf = prepared<{ groupId: string; after: string; limit: number }, MachineRow>((q, param) =>
  q
    .selectFrom('groupMember')
    .innerJoin('serviceAccount', 'serviceAccount.id', 'groupMember.principalId')
    .select(['serviceAccount.id', 'serviceAccount.name', 'serviceAccount.nameKey'])
    .select(['serviceAccount.disabledAt', 'serviceAccount.expiresAt', 'groupMember.role', 'groupMember.createdAt'])
    .where('groupMember.groupId', '=', param('groupId'))
    .where('serviceAccount.nameKey', '>', param('after'))
    .orderBy('serviceAccount.nameKey')
    .limit(param('limit')),
)

/** People by name, then service accounts by name. `after` is the cursor of the last row that was shown, or empty. */
export async function listRoster(
  db: Db,
  groupId: string,
  page: { readonly after: string; readonly limit: number; readonly now: number },
): Promise<RosterRow[]> {
  const inMachines = page.after.startsWith('s:')
  const key = page.after.slice(2)
  const people = inMachines ? [] : await peopleOf.run(db.list, { groupId, after: key, limit: page.limit })
  const rows: RosterRow[] = people.map((row) => ({
    id: row.id,
    kind: 'user',
    name: row.name,
    fullname: row.fullname,
    role: row.role,
    addedAt: row.createdAt,
    isOff: row.state !== 'active',
    cursor: `u:${row.nameKey}`,
  }))
  const left = page.limit - rows.length
  if (left === 0) return rows
  const machines = await machinesOf.run(db.list, { groupId, after: inMachines ? key : '', limit: left })
  for (const row of machines) {
    rows.push({
      id: row.id,
      kind: 'service-account',
      name: serviceAccountName(row.id),
      fullname: row.name,
      role: row.role,
      addedAt: row.createdAt,
      isOff: row.disabledAt !== null || (row.expiresAt !== null && row.expiresAt <= page.now),
      cursor: `s:${row.nameKey}`,
    })
  }
  return rows
}

/** By name, or by id. */
export async function findGroupId(
  on: Tx | Db['read'],
  organizationId: string,
  nameOrId: string,
): Promise<string | null> {
  const row = await on
    .selectFrom('memberGroup')
    .select('id')
    .where('organizationId', '=', organizationId)
    .where((where) =>
      where.or([where('id', '=', nameOrId), where('nameKey', '=', nameKey(nameOrId.normalize('NFC').trim()))]),
    )
    .orderBy('id')
    .executeTakeFirst()
  return row?.id ?? null
}

/** One member by user name, for a question about them; null for whoever is not in the group. */
export async function findRosterRow(
  db: Db,
  groupId: string,
  name: string,
): Promise<{ readonly id: string; readonly name: string; readonly shown: string } | null> {
  const key = nameKey(name)
  const machine = await db.list
    .selectFrom('groupMember')
    .innerJoin('serviceAccount', 'serviceAccount.id', 'groupMember.principalId')
    .select(['serviceAccount.id', 'serviceAccount.name as shown'])
    .where('groupMember.groupId', '=', groupId)
    .where('groupMember.principalId', '=', key.replace(/^sa-/, ''))
    .executeTakeFirst()
  if (machine !== undefined) return { ...machine, name: serviceAccountName(machine.id) }
  const person = await db.list
    .selectFrom('namespace')
    .innerJoin('groupMember', 'groupMember.principalId', 'namespace.id')
    .select(['namespace.id', 'namespace.name'])
    .where('namespace.nameKey', '=', key)
    .where('groupMember.groupId', '=', groupId)
    .executeTakeFirst()
  return person === undefined ? null : { ...person, shown: person.name }
}
