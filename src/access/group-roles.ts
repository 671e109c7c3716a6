/**
 * Roles in a workspace that come through groups (GRP-5), for every statement that asks what somebody is there. Of several roles the highest
 * counts (GRP-6), so they are compared as ranks: places in the list of roles.
 */
import { type Expression, type RawBuilder, sql } from 'kysely'
import { isRole, type Role, roles, stronger } from '../domain/role.ts'

const rankOf = sql.join(
  roles.map((role, rank) => sql`when ${sql.lit(role)} then ${sql.lit(rank)}`),
  sql` `,
)

/**
 * A subquery: the highest rank that the groups of `principal` have in `workspace`, or null. Begins with the groups of the one principal,
 * of which there are few, whatever the number of groups in the workspace.
 */
export function rankThroughGroups(
  workspace: Expression<unknown>,
  principal: Expression<unknown>,
): RawBuilder<number | null> {
  return sql<number | null>`(select max(case "gg"."role" ${rankOf} end) from "groupMember" as "gm"
    cross join "roleGrant" as "gg" where "gm"."principalId" = ${principal}
    and "gg"."targetId" = ${workspace} and "gg"."principalId" = "gm"."groupId")`
}

/** Of a direct role and a rank through groups. */
export function highestRole(direct: string | null | undefined, rank: number | null | undefined): Role | null {
  const own = direct != null && isRole(direct) ? direct : null
  return stronger(own, rank == null ? null : (roles[Number(rank)] ?? null))
}
