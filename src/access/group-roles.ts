/**
 * Roles in a workspace that come through groups (GRP-5), for every statement that asks what somebody is there. Of several roles the highest
 * counts (GRP-6), so they are compared as ranks: places in the list of roles.
 */
import { type Expression, type RawBuilder, sql } from 'kysely'
import { isRole, type Role, roles, stronger } from '../domain/role.ts'
import { roleAt } from './role-at.ts'

const rankOf = sql.join(
  roles.map((role, rank) => sql`when ${sql.lit(role)} then ${sql.lit(rank)}`),
  sql` `,
)

/** Up to here every group of somebody is looked up in the workspace; beyond, every group of the workspace in theirs. */
const fewGroups = 40

/**
 * A subquery: the highest rank that the groups of `principal` have in `workspace` at that moment (ms), or null. Begins with the groups of the one principal,
 * of which there are few, whatever the number of groups in the workspace; with those of the workspace where it is the other way round.
 */
export function rankThroughGroups(
  workspace: Expression<unknown>,
  principal: Expression<unknown>,
  now: Expression<unknown> | number,
): RawBuilder<number | null> {
  const rank = sql`max(case ${roleAt('gg', now)} ${rankOf} end)`
  return sql<
    number | null
  >`(case when (select count(*) from (select 1 from "groupMember" as "gc" where "gc"."principalId" = ${principal} limit ${sql.lit(fewGroups + 1)}) as "few") <= ${sql.lit(fewGroups)}
    then (select ${rank} from "groupMember" as "gm"
      cross join "roleGrant" as "gg" where "gm"."principalId" = ${principal}
      and "gg"."targetId" = ${workspace} and "gg"."principalId" = "gm"."groupId")
    else (select ${rank} from "roleGrant" as "gg"
      cross join "groupMember" as "gm" where "gg"."targetId" = ${workspace} and "gg"."principalKind" = 'group'
      and "gm"."groupId" = "gg"."principalId" and "gm"."principalId" = ${principal}) end)`
}

/** Of a direct role and a rank through groups. */
export function highestRole(direct: string | null | undefined, rank: number | null | undefined): Role | null {
  const own = direct != null && isRole(direct) ? direct : null
  return stronger(own, rank == null ? null : (roles[Number(rank)] ?? null))
}
