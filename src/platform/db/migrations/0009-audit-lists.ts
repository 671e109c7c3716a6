/** What the audit log of one owner is searched by: event and actor. Each index ends in the id, so that a page is a piece of it. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('eventByAction').on('event').columns(['ownerId', 'action', 'id']).execute()
  // By the name that stands in the event: that of a deleted account is known nowhere else.
  await sql`create index "eventByActorName" on "event" ("ownerId", lower("actorName"), "action", "id")`.execute(db)
}
