/** Whoever has a role on single repos, of whatever owner: a second factor that an organization asks for concerns them too. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index "roleGrantOnRepos" on "roleGrant" ("principalId", "targetId") where "targetKind" = 'repo'`.execute(
    db,
  )
}
