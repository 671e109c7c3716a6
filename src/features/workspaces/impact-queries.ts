/**
 * What a change would do, for dialogs that say so before it is done: who would see private repos no longer, and who would from then on. The
 * same rules as `canSee`, counted: administrators of the organization always, in a workspace its own roles, outside the organization's.
 * Roles on single repos are left out: whoever has one keeps seeing that repo.
 */
import { type RawBuilder, sql } from 'kysely'
import { holdsAt, opensAt, roleAt } from '../../access/role-at.ts'
import type { Role } from '../../domain/role.ts'
import type { Db } from '../../platform/db/database.ts'
import type { Parties } from '../../web/party-words.ts'
import { countContents } from './content-queries.ts'

/** A place of an organization: a workspace by id, or null for what lies in none. */
export type Place = string | null

/** Of a row `m`, a role in the organization that is not admin: whether its bearer sees private repos there. */
function seesIn(place: Place, now: number): RawBuilder<unknown> {
  if (place === null) return opensAt('m', now)
  return sql`(exists (select 1 from "roleGrant" as "d" where "d"."targetId" = ${place}
      and "d"."principalId" = "m"."principalId" and ${opensAt('d', now)})
    or exists (select 1 from "groupMember" as "gm" cross join "roleGrant" as "gg" where "gm"."principalId" = "m"."principalId"
      and "gg"."targetId" = ${place} and "gg"."principalId" = "gm"."groupId" and ${opensAt('gg', now)}))`
}

export interface ChangeOfPlace {
  readonly lose: Parties
  readonly gain: Parties
}

/** Who would no longer see private repos that go from one place of the organization to another, and who would see them then. */
export async function changeOfPlace(
  db: Db,
  organizationId: string,
  from: Place,
  to: Place,
  now: number,
): Promise<ChangeOfPlace> {
  const [fromHere, toThere] = [seesIn(from, now), seesIn(to, now)]
  const [lose, gain] = await Promise.all([
    countMembers(db, organizationId, sql`${fromHere} and not ${toThere}`, now),
    countMembers(db, organizationId, sql`${toThere} and not ${fromHere}`, now),
  ])
  return { lose, gain }
}

async function countMembers(db: Db, organizationId: string, which: RawBuilder<unknown>, now: number): Promise<Parties> {
  const { rows } = await sql<{ kind: string; count: number }>`select "m"."principalKind" as "kind", count(*) as "count"
    from "roleGrant" as "m" where "m"."targetId" = ${organizationId} and ${roleAt('m', now)} <> 'admin' and ${which}
    group by "m"."principalKind"`.execute(db.list)
  return partiesOf(rows)
}

export interface LossThroughGroup extends Parties {
  /** Private repos that somebody would no longer see. */
  readonly repos: number
}

/** Pairs of a member and a workspace that are looked at one by one. */
const mostPairs = 50_000

/**
 * What members of a group see through it alone: in one workspace or all, one member or all of them. Null where that would take too long to
 * find out: a group of thousands in a hundred workspaces.
 */
export async function lossThroughGroup(
  db: Db,
  group: {
    readonly organizationId: string
    readonly groupId: string
    readonly workspaceId?: string
    readonly principalId?: string
  },
  now: number,
): Promise<LossThroughGroup | null> {
  if (!(await isCountable(db, group))) return null
  const { groupId, workspaceId, principalId } = group
  const inOne = workspaceId === undefined ? sql`true` : sql`"g"."targetId" = ${workspaceId}`
  const ofOne = principalId === undefined ? sql`true` : sql`"gm"."principalId" = ${principalId}`
  const { rows } = await sql<{
    workspaceId: string
    principalId: string
    kind: string
  }>`select "g"."targetId" as "workspaceId",
      "gm"."principalId", "gm"."principalKind" as "kind"
    from "groupMember" as "gm" cross join "roleGrant" as "g" cross join "roleGrant" as "m"
    where "gm"."groupId" = ${groupId} and ${ofOne}
      and "g"."principalId" = ${groupId} and "g"."targetKind" = 'workspace' and ${opensAt('g', now)} and ${inOne}
      and "m"."targetId" = ${group.organizationId} and "m"."principalId" = "gm"."principalId" and ${roleAt('m', now)} <> 'admin'
      and not exists (select 1 from "roleGrant" as "d" where "d"."targetId" = "g"."targetId"
        and "d"."principalId" = "gm"."principalId" and ${opensAt('d', now)})
      and not exists (select 1 from "groupMember" as "og" cross join "roleGrant" as "o" where "og"."principalId" = "gm"."principalId"
        and "og"."groupId" <> ${groupId} and "o"."targetId" = "g"."targetId" and "o"."principalId" = "og"."groupId"
        and ${opensAt('o', now)})`.execute(db.list)
  const kinds = new Map(rows.map((row) => [row.principalId, row.kind]))
  const lost = [...kinds.values()]
  const machines = lost.filter((kind) => kind === 'service-account').length
  const workspaces = [...new Set(rows.map((row) => row.workspaceId))]
  const contents = await countContents(db, workspaces)
  const repos = workspaces.reduce((sum, id) => sum + contents(id).hidden, 0)
  return { people: lost.length - machines, machines, repos }
}

async function isCountable(
  db: Db,
  group: { readonly groupId: string; readonly workspaceId?: string; readonly principalId?: string },
): Promise<boolean> {
  const { rows } = await sql<{ members: number; roles: number }>`select
      (select count(*) from "groupMember" where "groupId" = ${group.groupId}) as "members",
      (select count(*) from "roleGrant" where "principalId" = ${group.groupId}) as "roles"`.execute(db.list)
  const members = group.principalId === undefined ? Number(rows[0]?.members ?? 0) : 1
  const workspaces = group.workspaceId === undefined ? Number(rows[0]?.roles ?? 0) : 1
  return members * workspaces <= mostPairs
}

/** The role in the organization, and the highest in the workspace that comes through groups: what is left without a direct role. */
export async function whatIsLeft(
  db: Db,
  organizationId: string,
  workspaceId: string,
  principalId: string,
  now: number,
): Promise<{ readonly organizationRole: Role | null; readonly throughGroups: readonly Role[] }> {
  const [own, groups] = await Promise.all([
    db.list
      .selectFrom('roleGrant')
      .select(roleAt('roleGrant', now).as('role'))
      .where('targetId', '=', organizationId)
      .where('principalId', '=', principalId)
      .executeTakeFirst(),
    db.list
      .selectFrom('groupMember')
      .innerJoin('roleGrant', 'roleGrant.principalId', 'groupMember.groupId')
      .select(roleAt('roleGrant', now).as('role'))
      .where('groupMember.principalId', '=', principalId)
      .where('roleGrant.targetId', '=', workspaceId)
      .execute(),
  ])
  return { organizationRole: own?.role ?? null, throughGroups: groups.flatMap(({ role }) => role ?? []) }
}

/** How many people of the organization have no role of their own in the workspace: all of them, and those with the role read and more. */
export async function countOutside(
  db: Db,
  organizationId: string,
  workspaceId: string,
): Promise<{ readonly all: number; readonly readPlus: number }> {
  const { rows } = await sql<{ all: number; readPlus: number }>`select count(*) as "all",
      sum(case when "m"."role" <> 'no_access' then 1 else 0 end) as "readPlus"
    from "roleGrant" as "m" where "m"."targetId" = ${organizationId} and "m"."principalKind" = 'user'
      and not exists (select 1 from "roleGrant" as "d" where "d"."targetId" = ${workspaceId} and "d"."principalId" = "m"."principalId")`.execute(
    db.list,
  )
  return { all: Number(rows[0]?.all ?? 0), readPlus: Number(rows[0]?.readPlus ?? 0) }
}

/** Workspaces in which a group has a role, by name. */
export async function workspacesOfGroup(
  db: Db,
  groupId: string,
  limit: number,
  now: number,
): Promise<{ readonly id: string; readonly name: string; readonly role: Role }[]> {
  const rows = await db.list
    .selectFrom('roleGrant')
    .innerJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['workspace.id', 'workspace.name', roleAt('roleGrant', now).as('role')])
    .where('roleGrant.principalId', '=', groupId)
    .where('roleGrant.targetKind', '=', 'workspace')
    .where(holdsAt('roleGrant', now))
    .orderBy('workspace.nameKey')
    .limit(limit)
    .execute()
  return rows.flatMap(({ role, ...workspace }) => (role === null ? [] : { ...workspace, role }))
}

function partiesOf(rows: readonly { kind: string; count: number }[]): Parties {
  const count = (kind: string): number => Number(rows.find((row) => row.kind === kind)?.count ?? 0)
  return { people: count('user'), machines: count('service-account') }
}
