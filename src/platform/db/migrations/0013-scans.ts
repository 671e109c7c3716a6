/** What scanners found in stored bytes, by content and not by repo; where the bytes lie; and which bytes still wait to be scanned. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('contentScan')
    .addColumn('content', text, (c) => c.primaryKey().notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('level', text, (c) => c.notNull())
    .addColumn('scanners', text)
    .addColumn('reason', text)
    .addColumn('attempts', int, (c) => c.notNull())
    .addColumn('dueAt', int, (c) => c.notNull())
    .addColumn('claim', text)
    .addColumn('queuedAt', int, (c) => c.notNull())
    .addColumn('scannedAt', int)
    .execute()
  // The queue, and the claims that ran out.
  await db.schema.createIndex('contentScanByDue').on('contentScan').columns(['state', 'dueAt']).execute()
  // The few contents that are not safe: what a repo is asked about.
  await db.schema.createIndex('contentScanByLevel').on('contentScan').columns(['level', 'content']).execute()

  await db.schema
    .createTable('scanResult')
    .addColumn('content', text, (c) => c.notNull().references('contentScan.content').onDelete('cascade'))
    .addColumn('scanner', text, (c) => c.notNull())
    .addColumn('version', text, (c) => c.notNull())
    .addColumn('level', text, (c) => c.notNull())
    .addColumn('message', text)
    .addColumn('details', text, (c) => c.notNull())
    .addColumn('scannedAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('scanResultKey', ['content', 'scanner', 'version'])
    .execute()

  await db.schema
    .createTable('scanPlace')
    .addColumn('content', text, (c) => c.notNull().references('contentScan.content').onDelete('cascade'))
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('oid', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('scanPlaceKey', ['content', 'repoId', 'oid'])
    .execute()
  await db.schema.createIndex('scanPlaceByRepo').on('scanPlace').column('repoId').execute()

  await db.schema
    .createTable('repoScan')
    .addColumn('repoId', text, (c) => c.primaryKey().notNull().references('repo.id').onDelete('cascade'))
    .addColumn('heads', text, (c) => c.notNull())
    .addColumn('listedAt', int, (c) => c.notNull())
    .execute()
}
