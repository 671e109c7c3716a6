/** What administrators of the hub say on every page; and the jobs that failed for good, by an index of their own, for their list. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .createTable('announcement')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('text', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('startsAt', int, (c) => c.notNull())
    .addColumn('endsAt', int)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text, (c) => c.notNull())
    .execute()
  await sql`create index "jobDead" on "job" ("id") where "state" = 'dead'`.execute(db)
}
