/**
 * What a change would do, for dialogs that say so before it is done: who would see private repos no longer, and who would from then on. The
 * same rules as `canSee`, counted: administrators of the organization always, in a workspace its own roles, outside the organization's.
 * Roles on single repos are left out: whoever has one keeps seeing that repo.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Role } from '../../domain/role.ts'
import type { Db } from '../../platform/db/database.ts'
import type { Parties } from '../../web/party-words.ts'

/** A place of an organization: a workspace by id, or null for what lies in none. */
export type Place = string | null

/** Of a row `m`, a role in the organization that is not admin: whether its bearer sees private repos there. */
function seesIn(place: Place): RawBuilder<unknown> {
  if (place === null) return sql`"m"."role" <> 'no_access'`
  return sql`(exists (select 1 from "roleGrant" as "d" where "d"."targetId" = ${place}
      and "d"."principalId" = "m"."principalId" and "d"."role" <> 'no_access')
    or exists (select 1 from "groupMember" as "gm" cross join "roleGrant" as "gg" where "gm"."principalId" = "m"."principalId"
      and "gg"."targetId" = ${place} and "gg"."principalId" = "gm"."groupId" and "gg"."role" <> 'no_access'))`
}

export interface ChangeOfPlace {
  readonly lose: Parties
  readonly gain: Parties
}

/** Who would no longer see private repos that go from one place of the organization to another, and who would see them then. */
export async function changeOfPlace(db: Db, organizationId: string, from: Place, to: Place): Promise<ChangeOfPlace> {
  const [lose, gain] = await Promise.all([
    countMembers(db, organizationId, sql`${seesIn(from)} and not ${seesIn(to)}`),
    countMembers(db, organizationId, sql`${seesIn(to)} and not ${seesIn(from)}`),
  ])
  return { lose, gain }
}

async function countMembers(db: Db, organizationId: string, which: RawBuilder<unknown>): Promise<Parties> {
  const { rows } = await sql<{ kind: string; count: number }>`select "m"."principalKind" as "kind", count(*) as "count"
    from "roleGrant" as "m" where "m"."targetId" = ${organizationId} and "m"."role" <> 'admin' and ${which}
    group by "m"."principalKind"`.execute(db.list)
  return partiesOf(rows)
}

export interface LossThroughGroup extends Parties {
  /** Private repos that somebody would no longer see. */
  readonly repos: number
}

/** What members of a group see through it alone: in one workspace or all, one member or all of them. */
export async function lossThroughGroup(
  db: Db,
  group: {
    readonly organizationId: string
    readonly groupId: string
    readonly workspaceId?: string
    readonly principalId?: string
  },
): Promise<LossThroughGroup> {
  const inOne = group.workspaceId === undefined ? sql`true` : sql`"g"."targetId" = ${group.workspaceId}`
  const ofOne = group.principalId === undefined ? sql`true` : sql`"gm"."principalId" = ${group.principalId}`
  const lost = sql`"groupMember" as "gm"
    inner join "roleGrant" as "g" on "g"."principalId" = "gm"."groupId" and "g"."targetKind" = 'workspace' and "g"."role" <> 'no_access'
    inner join "roleGrant" as "m" on "m"."targetId" = ${group.organizationId} and "m"."principalId" = "gm"."principalId"
    where "gm"."groupId" = ${group.groupId} and ${inOne} and ${ofOne} and "m"."role" <> 'admin'
      and not exists (select 1 from "roleGrant" as "d" where "d"."targetId" = "g"."targetId"
        and "d"."principalId" = "gm"."principalId" and "d"."role" <> 'no_access')
      and not exists (select 1 from "groupMember" as "og" cross join "roleGrant" as "o" where "og"."principalId" = "gm"."principalId"
        and "og"."groupId" <> "gm"."groupId" and "o"."targetId" = "g"."targetId" and "o"."principalId" = "og"."groupId"
        and "o"."role" <> 'no_access')`
  const [{ rows: parties }, { rows: repos }] = await Promise.all([
    sql<{
      kind: string
      count: number
    }>`select "gm"."principalKind" as "kind", count(distinct "gm"."principalId") as "count"
      from ${lost} group by "gm"."principalKind"`.execute(db.list),
    sql<{
      count: number
    }>`select count(*) as "count" from "repo" as "r" where "r"."workspaceId" in (select "g"."targetId" from ${lost})
      and "r"."workspaceId" is not null and "r"."visibility" <> 'public' and "r"."deletedAt" is null`.execute(db.list),
  ])
  return { ...partiesOf(parties), repos: Number(repos[0]?.count ?? 0) }
}

/** The role in the organization, and the highest in the workspace that comes through groups: what is left without a direct role. */
export async function whatIsLeft(
  db: Db,
  organizationId: string,
  workspaceId: string,
  principalId: string,
): Promise<{ readonly organizationRole: Role | null; readonly throughGroups: readonly Role[] }> {
  const [own, groups] = await Promise.all([
    db.list
      .selectFrom('roleGrant')
      .select('role')
      .where('targetId', '=', organizationId)
      .where('principalId', '=', principalId)
      .executeTakeFirst(),
    db.list
      .selectFrom('groupMember')
      .innerJoin('roleGrant', 'roleGrant.principalId', 'groupMember.groupId')
      .select('roleGrant.role')
      .where('groupMember.principalId', '=', principalId)
      .where('roleGrant.targetId', '=', workspaceId)
      .execute(),
  ])
  return { organizationRole: own?.role ?? null, throughGroups: groups.map(({ role }) => role) }
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
): Promise<{ readonly id: string; readonly name: string; readonly role: Role }[]> {
  return await db.list
    .selectFrom('roleGrant')
    .innerJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['workspace.id', 'workspace.name', 'roleGrant.role'])
    .where('roleGrant.principalId', '=', groupId)
    .where('roleGrant.targetKind', '=', 'workspace')
    .orderBy('workspace.nameKey')
    .limit(limit)
    .execute()
}

function partiesOf(rows: readonly { kind: string; count: number }[]): Parties {
  const count = (kind: string): number => Number(rows.find((row) => row.kind === kind)?.count ?? 0)
  return { people: count('user'), machines: count('service-account') }
}
