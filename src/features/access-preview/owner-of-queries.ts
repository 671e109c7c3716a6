/** To whom the target of a grant belongs, as SQL. */
import { type RawBuilder, sql } from 'kysely'

/**
 * The owner of an organization, a workspace or a repo by its id (ids are of one kind each). Asked of each row: joined with all workspaces and
 * repos, PostgreSQL reads them all for every slice.
 */
export function ownerOfTarget(id: RawBuilder<unknown>): RawBuilder<string> {
  return sql<string>`coalesce((select "organizationId" from "workspace" where "id" = ${id}), (select "ownerId" from "repo" where "id" = ${id}), ${id})`
}
