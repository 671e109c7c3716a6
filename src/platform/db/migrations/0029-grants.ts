/** Roles that are held for a while, and whether an organization takes emergency administration. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  for (const column of ['temporaryRole', 'temporaryKind', 'temporaryReason', 'temporaryBy']) {
    await db.schema.alterTable('roleGrant').addColumn(column, text).execute()
  }
  await db.schema.alterTable('roleGrant').addColumn('temporarySince', int).execute()
  await db.schema.alterTable('roleGrant').addColumn('temporaryUntil', int).execute()
  await db.schema
    .alterTable('roleGrant')
    .addColumn('endsWhole', int, (c) => c.notNull().defaultTo(0))
    .execute()
  // By target: who administers an organization in an emergency is asked for each of its pages.
  await sql`create index "roleGrantTemporary" on "roleGrant" ("targetId", "temporaryUntil") where "temporaryUntil" is not null`.execute(
    db,
  )
  await sql`create index "roleGrantByEnd" on "roleGrant" ("temporaryUntil") where "temporaryUntil" is not null`.execute(
    db,
  )
  await db.schema
    .alterTable('organization')
    .addColumn('breakGlass', int, (c) => c.notNull().defaultTo(1))
    .execute()
}
