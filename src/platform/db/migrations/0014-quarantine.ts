/** Quarantine: the policy of an organization, since when a content has its level, and what an administrator released. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('scanRelease')
    .addColumn('content', text, (c) => c.primaryKey().notNull())
    .addColumn('reason', text, (c) => c.notNull())
    .addColumn('releasedAt', int, (c) => c.notNull())
    .addColumn('releasedBy', text)
    .execute()
  await db.schema
    .alterTable('organization')
    .addColumn('scanPolicy', text, (c) => c.notNull().defaultTo('warn'))
    .execute()
  await db.schema
    .alterTable('contentScan')
    .addColumn('foundAt', int, (c) => c.notNull().defaultTo(0))
    .execute()
}
