/** The groups of a workspace without the people, of whom there may be thousands: what somebody in many groups is there is asked of each of them. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index "roleGrantOfGroups" on "roleGrant" ("targetId", "principalId") where "principalKind" = 'group'`.execute(
    db,
  )
}
