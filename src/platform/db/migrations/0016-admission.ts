/** Pickle admission: what an organization lets pickles import, and what the pickles in a content import beyond the lists of frameworks. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('importSet')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('imports', text, (c) => c.notNull())
    .addColumn('barred', text)
    .execute()
  await db.schema.alterTable('contentScan').addColumn('importSet', text).execute()
  // The few contents that may not be admitted: what a repo is asked about.
  await db.schema
    .createIndex('contentScanWithImports')
    .on('contentScan')
    .columns(['foundAt', 'content', 'importSet'])
    .where(sql.ref('importSet'), 'is not', null)
    .execute()

  await db.schema
    .alterTable('organization')
    .addColumn('pickleAdmission', text, (c) => c.notNull().defaultTo('off'))
    .execute()
  await db.schema
    .alterTable('organization')
    .addColumn('pickleAllowList', text, (c) => c.notNull().defaultTo(''))
    .execute()
  await db.schema
    .alterTable('organization')
    .addColumn('admissionAt', int, (c) => c.notNull().defaultTo(0))
    .execute()

  // What was found in them is known, not all of what they import: they are scanned again, and until then no list admits them (a set that is not
  // there). What is safe imports nothing that needs to be admitted.
  await sql`update ${sql.table('contentScan')} set ${sql.ref('state')} = 'queued', ${sql.ref('dueAt')} = 0, ${sql.ref('attempts')} = 0,
    ${sql.ref('importSet')} = 'unknown' where ${sql.ref('state')} = 'error'
    or (${sql.ref('state')} = 'done' and ${sql.ref('level')} in ('caution', 'suspicious', 'unsafe'))`.execute(db)
}
