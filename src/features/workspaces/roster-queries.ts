/** The SQL of roles in workspaces: of people, of service accounts, of groups. */
import { type Insertable, type RawBuilder, sql } from 'kysely'
import { endsAt, holdsAt, roleAfter, roleAt } from '../../access/role-at.ts'
import { serviceAccountName } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { RoleGrantTable } from '../../platform/db/schema.ts'
import { nothingTemporary, type Temporary, type TemporaryRow, temporaryOf } from '../temporary-roles/service.ts'

/** False where the principal has a role there already. */
export async function insertRole(tx: Tx, row: Insertable<RoleGrantTable>): Promise<boolean> {
  const inserted = await tx
    .insertInto('roleGrant')
    .values(row)
    .onConflict((conflict) => conflict.columns(['targetId', 'principalId']).doNothing())
    .returning('targetId')
    .executeTakeFirst()
  return inserted !== undefined
}

/** The role that the principal itself has there at that moment, whatever comes through groups. */
export async function findRole(tx: Tx, workspaceId: string, principalId: string, now: number): Promise<Role | null> {
  const row = await tx
    .selectFrom('roleGrant')
    .select(roleAt('roleGrant', now).as('role'))
    .where('targetId', '=', workspaceId)
    .where('principalId', '=', principalId)
    .executeTakeFirst()
  return row?.role ?? null
}

/** Without an end: a temporary role is over. */
export async function updateRole(tx: Tx, workspaceId: string, principalId: string, role: Role): Promise<void> {
  await tx
    .updateTable('roleGrant')
    .set({ role, ...nothingTemporary })
    .where('targetId', '=', workspaceId)
    .where('principalId', '=', principalId)
    .execute()
}

export async function deleteRole(tx: Tx, workspaceId: string, principalId: string): Promise<void> {
  await tx.deleteFrom('roleGrant').where('targetId', '=', workspaceId).where('principalId', '=', principalId).execute()
}

/** A person or a service account with a role of its own in a workspace. */
export interface Holder {
  readonly workspaceId: string
  readonly id: string
  readonly kind: 'user' | 'service-account'
  /** User name. */
  readonly name: string
  readonly fullname: string | null
  readonly role: Role
  readonly temporary: Temporary | null
  readonly addedAt: number
  /** User name of who added them, where that is known. */
  readonly addedBy: string | null
  /** A person whose account is not active, a service account that is disabled (SA-30). */
  readonly isOff: boolean
}

interface HolderRow {
  workspaceId: string
  id: string
  kind: 'user' | 'service-account'
  userName: string | null
  fullname: string | null
  state: string | null
  machineName: string | null
  disabledAt: number | null
  expiresAt: number | null
  role: Role
  until: number | null
  roleAfter: Role | null
  reason: string | null
  addedAt: number
  adderName: string | null
  adderMachine: string | null
}

/** `grants`: rows of `roleGrant` under the name `g`. */
function holders(grants: RawBuilder<unknown>, now: number): RawBuilder<HolderRow> {
  return sql<HolderRow>`select "g"."targetId" as "workspaceId", "g"."principalId" as "id", "g"."principalKind" as "kind",
      "n"."name" as "userName", "u"."fullname", "u"."state", "m"."name" as "machineName", "m"."disabledAt", "m"."expiresAt",
      ${roleAt('g', now)} as "role", ${endsAt('g', now)} as "until", ${roleAfter('g', now)} as "roleAfter",
      "g"."temporaryReason" as "reason", "g"."createdAt" as "addedAt", "bn"."name" as "adderName", "bm"."id" as "adderMachine"
    from ${grants}
    left join "namespace" as "n" on "n"."id" = "g"."principalId"
    left join "user" as "u" on "u"."id" = "g"."principalId"
    left join "serviceAccount" as "m" on "m"."id" = "g"."principalId"
    left join "namespace" as "bn" on "bn"."id" = "g"."createdBy"
    left join "serviceAccount" as "bm" on "bm"."id" = "g"."createdBy"`
}

function holderOf(row: HolderRow, now: number): Holder {
  const isMachine = row.kind === 'service-account'
  const isExpired = row.expiresAt !== null && row.expiresAt <= now
  return {
    workspaceId: row.workspaceId,
    id: row.id,
    kind: row.kind,
    name: isMachine ? serviceAccountName(row.id) : (row.userName ?? row.id),
    fullname: isMachine ? row.machineName : row.fullname,
    role: row.role,
    temporary: temporaryOf(row),
    addedAt: row.addedAt,
    addedBy: row.adderName ?? (row.adderMachine === null ? null : serviceAccountName(row.adderMachine)),
    isOff: isMachine ? row.disabledAt !== null || isExpired : row.state !== 'active',
  }
}

/** A list of ids as one parameter, so that the statement's text does not depend on how many there are. */
export function idTable(db: Db, ids: readonly string[]): RawBuilder<unknown> {
  const json = JSON.stringify(ids)
  return db.dialect === 'postgres'
    ? sql`json_array_elements_text(${json}::json) as "place" ("id")`
    : sql`(select "value" as "id" from json_each(${json})) as "place"`
}

/** The first `most` holders of each workspace, in the order of their ids: one descent into the index for each. */
export async function firstHolders(
  db: Db,
  workspaceIds: readonly string[],
  most: number,
  now: number,
): Promise<Holder[]> {
  if (workspaceIds.length === 0) return []
  const inPlace = sql`"x"."targetId" = "place"."id" and "x"."principalKind" <> 'group' and ${holdsAt('x', now)} order by "x"."principalId" limit ${most}`
  const places = idTable(db, workspaceIds)
  // SQLite has no LATERAL, but its IN may name the outer row.
  const grants =
    db.dialect === 'postgres'
      ? sql`${places} cross join lateral (select "x".* from "roleGrant" as "x" where ${inPlace}) as "g"`
      : sql`${places} cross join "roleGrant" as "g" on "g".rowid in (select "x".rowid from "roleGrant" as "x" where ${inPlace})`
  const { rows } = await sql<HolderRow>`${holders(grants, now)} order by "g"."targetId", "g"."principalId"`.execute(
    db.list,
  )
  return rows.map((row) => holderOf(row, now))
}

/** Holders of one workspace after this id. */
export async function listHolders(
  db: Db,
  workspaceId: string,
  page: { readonly after: string; readonly limit: number; readonly now: number },
): Promise<Holder[]> {
  const grants = sql`(select * from "roleGrant" as "x" where "targetId" = ${workspaceId} and "principalKind" <> 'group'
    and "principalId" > ${page.after} and ${holdsAt('x', page.now)} order by "principalId" limit ${page.limit}) as "g"`
  const { rows } = await sql<HolderRow>`${holders(grants, page.now)} order by "g"."principalId"`.execute(db.list)
  return rows.map((row) => holderOf(row, page.now))
}

export interface GroupHolder {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly role: Role
  readonly temporary: Temporary | null
  readonly people: number
  readonly machines: number
  readonly addedAt: number
}

const membersOf = (kind: 'user' | 'service-account') =>
  sql<number>`(select count(*) from "groupMember" as "m" where "m"."groupId" = "memberGroup"."id" and "m"."principalKind" = ${sql.lit(kind)})`

type GroupRow = Omit<GroupHolder, 'temporary' | 'role'> & TemporaryRow & { readonly role: Role | null }

const groups = prepared<{ workspaceId: string; after: string; limit: number; now: number }, GroupRow>((q, param) =>
  q
    .selectFrom('roleGrant')
    .innerJoin('memberGroup', 'memberGroup.id', 'roleGrant.principalId')
    .select(['memberGroup.id', 'memberGroup.name', 'memberGroup.description'])
    .select([roleAt('roleGrant', param('now')).as('role'), endsAt('roleGrant', param('now')).as('until')])
    .select([roleAfter('roleGrant', param('now')).as('roleAfter'), 'roleGrant.temporaryReason as reason'])
    .select(['roleGrant.createdAt as addedAt', membersOf('user').as('people')])
    .select(membersOf('service-account').as('machines'))
    .where('roleGrant.targetId', '=', param('workspaceId'))
    .where('roleGrant.principalKind', '=', sql.lit('group'))
    .where('roleGrant.principalId', '>', param('after'))
    .where(holdsAt('roleGrant', param('now')))
    .orderBy('roleGrant.principalId')
    .limit(param('limit')),
)

/** Groups with a role in the workspace, after this id. */
export async function listGroupHolders(
  db: Db,
  workspaceId: string,
  page: { readonly after: string; readonly limit: number; readonly now: number },
): Promise<GroupHolder[]> {
  const rows = await groups.run(db.list, { workspaceId, ...page })
  return rows.map(({ until, roleAfter: then, reason, ...row }) => ({
    ...row,
    role: row.role ?? 'no_access',
    temporary: temporaryOf({ until, roleAfter: then, reason }),
    people: Number(row.people),
    machines: Number(row.machines),
  }))
}

export interface RoleCounts {
  readonly people: number
  readonly machines: number
  readonly groups: number
}

const noRoles: RoleCounts = { people: 0, machines: 0, groups: 0 }

/** How many have a role of their own in each of these workspaces. */
export async function countRoles(
  db: Db,
  workspaceIds: readonly string[],
  now: number,
): Promise<(id: string) => RoleCounts> {
  if (workspaceIds.length === 0) return () => noRoles
  const rows = await db.list
    .selectFrom('roleGrant')
    .select(['targetId', 'principalKind'])
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('targetId', 'in', workspaceIds)
    .where(holdsAt('roleGrant', now))
    .groupBy(['targetId', 'principalKind'])
    .execute()
  const counts = new Map<string, RoleCounts>()
  const names = { user: 'people', 'service-account': 'machines', group: 'groups' } as const
  for (const { targetId, principalKind, count } of rows) {
    counts.set(targetId, { ...(counts.get(targetId) ?? noRoles), [names[principalKind]]: Number(count) })
  }
  return (id) => counts.get(id) ?? noRoles
}

/** A person or a service account by user name, for a question about their role; null for whoever has none of their own there. */
export async function findHolder(
  db: Db,
  workspaceId: string,
  name: string,
): Promise<{ id: string; kind: 'user' | 'service-account'; name: string; shown: string } | null> {
  const key = nameKey(name)
  const machine = await db.list
    .selectFrom('roleGrant')
    .innerJoin('serviceAccount', 'serviceAccount.id', 'roleGrant.principalId')
    .select(['serviceAccount.id', 'serviceAccount.name'])
    .where('roleGrant.targetId', '=', workspaceId)
    .where('roleGrant.principalId', '=', key.replace(/^sa-/, ''))
    .executeTakeFirst()
  if (machine !== undefined) {
    return { id: machine.id, kind: 'service-account', name: serviceAccountName(machine.id), shown: machine.name }
  }
  const person = await db.list
    .selectFrom('namespace')
    .innerJoin('roleGrant', 'roleGrant.principalId', 'namespace.id')
    .select(['namespace.id', 'namespace.name'])
    .where('namespace.nameKey', '=', key)
    .where('roleGrant.targetId', '=', workspaceId)
    .executeTakeFirst()
  return person === undefined ? null : { id: person.id, kind: 'user', name: person.name, shown: person.name }
}

export async function findGroupHolder(
  db: Db,
  workspaceId: string,
  groupId: string,
): Promise<{ id: string; name: string } | null> {
  const row = await db.list
    .selectFrom('roleGrant')
    .innerJoin('memberGroup', 'memberGroup.id', 'roleGrant.principalId')
    .select(['memberGroup.id', 'memberGroup.name'])
    .where('roleGrant.targetId', '=', workspaceId)
    .where('roleGrant.principalId', '=', groupId)
    .executeTakeFirst()
  return row ?? null
}
