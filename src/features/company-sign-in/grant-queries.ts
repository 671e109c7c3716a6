/** The SQL of what a company's groups give: the mappings, and what people have by them. */
import type { Insertable, Selectable } from 'kysely'
import { sql } from 'kysely'
import { atLeast, isRole, type Role } from '../../domain/role.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { prepared } from '../../platform/db/prepared.ts'
import type { CompanyGrantTable, CompanyGroupMappingTable } from '../../platform/db/schema.ts'
import { nothingTemporary } from '../temporary-roles/service.ts'

export type MappingRow = Selectable<CompanyGroupMappingTable>

const atOnce = 500

/** Those of any of these groups, in all organizations. */
export async function mappingsOf(tx: Tx, groups: readonly string[]): Promise<MappingRow[]> {
  const found: MappingRow[] = []
  for (let at = 0; at < groups.length; at += atOnce) {
    const some = groups.slice(at, at + atOnce)
    found.push(...(await tx.selectFrom('companyGroupMapping').selectAll().where('externalGroup', 'in', some).execute()))
  }
  return found
}

export async function grantsOf(tx: Tx, userId: string): Promise<CompanyGrantTable[]> {
  return await tx.selectFrom('companyGrant').selectAll().where('userId', '=', userId).execute()
}

export interface SyncedOrganization {
  readonly id: string
  readonly name: string
  readonly defaultRole: Role
}

export async function organizationsById(tx: Tx, ids: readonly string[]): Promise<SyncedOrganization[]> {
  if (ids.length === 0) return []
  return await tx
    .selectFrom('organization')
    .innerJoin('namespace', 'namespace.id', 'organization.id')
    .select(['organization.id', 'namespace.name', 'organization.defaultRole'])
    .where('organization.id', 'in', ids)
    .orderBy('organization.id')
    .execute()
}

export async function putGrant(tx: Tx, row: CompanyGrantTable): Promise<void> {
  await tx
    .insertInto('companyGrant')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['userId', 'targetId']).doUpdateSet({ role: row.role, givenAt: row.givenAt, kind: row.kind }),
    )
    .execute()
}

export async function deleteGrant(tx: Tx, userId: string, targetId: string): Promise<void> {
  await tx.deleteFrom('companyGrant').where('userId', '=', userId).where('targetId', '=', targetId).execute()
}

export async function deleteGrantsIn(tx: Tx, userId: string, organizationId: string): Promise<void> {
  await tx
    .deleteFrom('companyGrant')
    .where('userId', '=', userId)
    .where('organizationId', '=', organizationId)
    .execute()
}

type PartKind = 'group' | 'workspace'

/** The name of the group or workspace, kept from being deleted; null where it is gone. */
export async function holdPart(tx: Tx, dialect: Db['dialect'], kind: PartKind, id: string): Promise<string | null> {
  const query = tx
    .selectFrom(kind === 'group' ? 'memberGroup' : 'workspace')
    .select('name')
    .where('id', '=', id)
  const row = await (dialect === 'sqlite' ? query : query.forShare()).executeTakeFirst()
  return row?.name ?? null
}

/** What somebody has somewhere, as it holds without an end. A temporary role over it is given by hand, and stays as it is. */
export interface Held {
  readonly role: string
  /** The temporary role that counts now; null for none. */
  readonly temporary: Role | null
  /** There is nothing but a temporary role, which is given by hand. */
  readonly isTemporaryAlone: boolean
}

/** In an organization or a workspace; null for nothing. */
export async function heldRole(tx: Tx, targetId: string, userId: string, now: number): Promise<Held | null> {
  const row = await tx
    .selectFrom('roleGrant')
    .select(['role', 'temporaryRole', 'temporaryUntil', 'endsWhole'])
    .where('targetId', '=', targetId)
    .where('principalId', '=', userId)
    .executeTakeFirst()
  if (row === undefined) return null
  const isRunning = row.temporaryUntil !== null && row.temporaryUntil > now
  return { role: row.role, temporary: isRunning ? row.temporaryRole : null, isTemporaryAlone: row.endsWhole === 1 }
}

/** The role that holds without an end. A temporary one that is no stronger any more goes. */
export async function setRole(tx: Tx, targetId: string, userId: string, role: Role, held: Held): Promise<void> {
  const isOvertaken = held.temporary !== null && atLeast(role, held.temporary)
  await tx
    .updateTable('roleGrant')
    .set(isOvertaken ? { role, ...nothingTemporary } : { role })
    .where('targetId', '=', targetId)
    .where('principalId', '=', userId)
    .execute()
}

/** The temporary role that lies over it stays until its end, and nothing is left then. */
export async function leaveTemporary(tx: Tx, targetId: string, userId: string): Promise<void> {
  await tx
    .updateTable('roleGrant')
    .set({ role: 'no_access', endsWhole: 1 })
    .where('targetId', '=', targetId)
    .where('principalId', '=', userId)
    .execute()
}

/** What the person themselves has there; null for nothing. */
export async function heldInPart(
  tx: Tx,
  kind: PartKind,
  id: string,
  userId: string,
  now: number,
): Promise<Held | null> {
  if (kind === 'workspace') return await heldRole(tx, id, userId, now)
  const row = await tx
    .selectFrom('groupMember')
    .select('role')
    .where('groupId', '=', id)
    .where('principalId', '=', userId)
    .executeTakeFirst()
  return row === undefined ? null : { role: row.role, temporary: null, isTemporaryAlone: false }
}

/** `held`: what is there already. */
export async function giveInPart(
  tx: Tx,
  kind: PartKind,
  grant: {
    readonly id: string
    readonly userId: string
    readonly role: string
    readonly now: number
    readonly held: Held | null
  },
): Promise<void> {
  const { id, userId, now, held } = grant
  if (kind === 'group') {
    const role = grant.role === 'manager' ? 'manager' : 'member'
    await tx
      .insertInto('groupMember')
      .values({ groupId: id, principalId: userId, principalKind: 'user', role, createdAt: now, createdBy: null })
      .onConflict((conflict) => conflict.columns(['groupId', 'principalId']).doUpdateSet({ role }))
      .execute()
    return
  }
  if (!isRole(grant.role)) throw new Error(`"${grant.role}" is no role.`)
  if (held !== null) return await setRole(tx, id, userId, grant.role, held)
  await tx
    .insertInto('roleGrant')
    .values({
      targetId: id,
      targetKind: 'workspace',
      principalId: userId,
      principalKind: 'user',
      role: grant.role,
      createdAt: now,
      createdBy: null,
    })
    .onConflict((conflict) => conflict.columns(['targetId', 'principalId']).doNothing())
    .execute()
}

export async function takeInPart(tx: Tx, kind: PartKind, id: string, userId: string): Promise<void> {
  if (kind === 'group') {
    await tx.deleteFrom('groupMember').where('groupId', '=', id).where('principalId', '=', userId).execute()
  } else {
    await tx.deleteFrom('roleGrant').where('targetId', '=', id).where('principalId', '=', userId).execute()
  }
}

/** Whether somebody gave the person anything inside the organization by hand: what a workspace takes in by itself does not count. */
export async function hasByHand(tx: Tx, organizationId: string, userId: string, now: number): Promise<boolean> {
  const { rows } = await sql<{ one: number }>`select 1 as "one" where exists (
      select 1 from "roleGrant" as "g" inner join "workspace" as "w" on "w"."id" = "g"."targetId"
      where "g"."principalId" = ${userId} and "w"."organizationId" = ${organizationId}
        and ("g"."temporaryUntil" > ${now} or ("g"."createdBy" is not null and not exists (
          select 1 from "companyGrant" as "c" where "c"."userId" = ${userId} and "c"."targetId" = "g"."targetId")))
    ) or exists (
      select 1 from "roleGrant" as "g" inner join "repo" as "r" on "r"."id" = "g"."targetId"
      where "g"."principalId" = ${userId} and "r"."ownerId" = ${organizationId}
    ) or exists (
      select 1 from "groupMember" as "m" inner join "memberGroup" as "mg" on "mg"."id" = "m"."groupId"
      where "m"."principalId" = ${userId} and "mg"."organizationId" = ${organizationId}
        and not exists (select 1 from "companyGrant" as "c" where "c"."userId" = ${userId} and "c"."targetId" = "m"."groupId")
    )`.execute(tx)
  return rows.length > 0
}

// What administrators see and change

export interface ListedMapping extends MappingRow {
  /** Of the group or the workspace; null for the organization itself. */
  readonly targetName: string | null
  /** How many people have by the company's groups what it gives. */
  readonly people: number
}

const listed = prepared<{ organizationId: string; group: string; id: string; limit: number }, ListedMapping>(
  (q, param) =>
    q
      .selectFrom('companyGroupMapping as m')
      .leftJoin('memberGroup as g', 'g.id', 'm.groupId')
      .leftJoin('workspace as w', 'w.id', 'm.workspaceId')
      .selectAll('m')
      .select((e) => [
        e.fn.coalesce('g.name', 'w.name').as('targetName'),
        sql<number>`(select count(*) from "companyGrant" as "c" where "c"."organizationId" = "m"."organizationId" and "c"."targetId" = "m"."targetId")`.as(
          'people',
        ),
      ])
      .where('m.organizationId', '=', param('organizationId'))
      .where((e) =>
        e.or([
          e('m.externalGroup', '>', param('group')),
          e.and([e('m.externalGroup', '=', param('group')), e('m.id', '>', param('id'))]),
        ]),
      )
      .orderBy('m.externalGroup')
      .orderBy('m.id')
      .limit(param('limit')),
)

/** By group, `limit` after the mapping `after`. */
export async function listMappings(
  db: Db,
  organizationId: string,
  after: { readonly group: string; readonly id: string },
  limit: number,
): Promise<ListedMapping[]> {
  const rows = await listed.run(db.list, { organizationId, ...after, limit })
  return rows.map((row) => ({ ...row, people: Number(row.people) }))
}

export async function findMapping(db: Db, organizationId: string, id: string): Promise<ListedMapping | null> {
  const row = await db.read
    .selectFrom('companyGroupMapping')
    .select('externalGroup')
    .where('id', '=', id)
    .where('organizationId', '=', organizationId)
    .executeTakeFirst()
  if (row === undefined) return null
  const near = await listed.run(db.list, { organizationId, group: row.externalGroup, id: '', limit: 500 })
  const found = near.find((one) => one.id === id)
  return found === undefined ? null : { ...found, people: Number(found.people) }
}

export async function countMappings(tx: Tx, organizationId: string): Promise<number> {
  const row = await tx
    .selectFrom('companyGroupMapping')
    .select((q) => q.fn.countAll<number>().as('count'))
    .where('organizationId', '=', organizationId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** False where the group gives something there already. */
export async function insertMapping(tx: Tx, row: Insertable<CompanyGroupMappingTable>): Promise<boolean> {
  const inserted = await tx
    .insertInto('companyGroupMapping')
    .values(row)
    .onConflict((conflict) => conflict.columns(['externalGroup', 'targetId']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function deleteMapping(tx: Tx, organizationId: string, id: string): Promise<MappingRow | null> {
  const row = await tx
    .deleteFrom('companyGroupMapping')
    .where('id', '=', id)
    .where('organizationId', '=', organizationId)
    .returningAll()
    .executeTakeFirst()
  return row ?? null
}

/** Groups and workspaces of an organization, for a form to offer; the first `limit` of each by name. */
export async function partsToOffer(
  db: Db,
  organizationId: string,
  limit: number,
): Promise<{ readonly kind: PartKind; readonly id: string; readonly name: string }[]> {
  const of = async (kind: PartKind) => {
    const rows = await db.list
      .selectFrom(kind === 'group' ? 'memberGroup' : 'workspace')
      .select(['id', 'name'])
      .where('organizationId', '=', organizationId)
      .orderBy('nameKey')
      .limit(limit)
      .execute()
    return rows.map((row) => ({ kind, ...row }))
  }
  const [groups, workspaces] = await Promise.all([of('group'), of('workspace')])
  return [...groups, ...workspaces]
}

/** The name of the part where it is of this organization. */
export async function partOf(tx: Tx, organizationId: string, kind: PartKind, id: string): Promise<string | null> {
  const row = await tx
    .selectFrom(kind === 'group' ? 'memberGroup' : 'workspace')
    .select('name')
    .where('id', '=', id)
    .where('organizationId', '=', organizationId)
    .executeTakeFirst()
  return row?.name ?? null
}
