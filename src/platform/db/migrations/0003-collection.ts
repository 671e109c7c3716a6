/**
 * What collection, checks and accounting of stored bytes need: until when a blob is kept so that its loss can be taken back, since when a
 * scope has no file of a xorb that it claims, since when a deleted repo is being removed for good, what a check of the stored bytes found, and how much each repo and namespace stores. The lists
 * of leases hold all that a collector reads: a row of a xorb is large.
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .alterTable('blob')
    .addColumn('keptUntil', int, (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.dropIndex('blobByLease').execute()
  await db.schema.createIndex('blobByLease').on('blob').columns(['leaseUntil', 'sha256']).execute()
  await db.schema.dropIndex('xorbByLease').execute()
  await db.schema
    .createIndex('xorbByLease')
    .on('xorb')
    .columns(['leaseUntil', 'hash', 'leaseGeneration', 'chunkCount', 'size'])
    .execute()

  await db.schema.alterTable('xorbScope').addColumn('staleSince', int).execute()

  await db.schema.alterTable('repo').addColumn('removedAt', int).execute()
  await sql`create index "repoDeleted" on "repo" ("deletedAt", "id") where "deletedAt" is not null`.execute(db)

  await db.schema
    .createTable('storeFinding')
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .addColumn('fault', text, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('reason', text, (c) => c.notNull())
    .addColumn('foundAt', int, (c) => c.notNull())
    .addColumn('checkedAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('storeFindingKey', ['kind', 'hash'])
    .execute()
  await db.schema
    .createIndex('storeFindingByFault')
    .on('storeFinding')
    .columns(['fault', 'foundAt', 'kind', 'hash'])
    .execute()

  await db.schema
    .createTable('storageUsage')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('holder', text, (c) => c.notNull())
    .addColumn('files', int, (c) => c.notNull())
    .addColumn('logical', int, (c) => c.notNull())
    .addColumn('stored', int, (c) => c.notNull())
    .addColumn('countedAt', int, (c) => c.notNull())
    .execute()
}
