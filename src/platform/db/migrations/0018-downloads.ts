/** Who downloaded what, and lists of what is held and what is released. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  // Without references: what was downloaded stays known when the repo, the account or the token is gone.
  await db.schema
    .createTable('downloadRecord')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('key', text, (c) => c.notNull().unique())
    .addColumn('content', text, (c) => c.notNull())
    .addColumn('repoId', text, (c) => c.notNull())
    .addColumn('repoKind', text, (c) => c.notNull())
    .addColumn('repoName', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('path', text)
    .addColumn('commits', text, (c) => c.notNull())
    .addColumn('via', text, (c) => c.notNull())
    .addColumn('actorKind', text, (c) => c.notNull())
    .addColumn('actorId', text)
    .addColumn('actorName', text, (c) => c.notNull())
    .addColumn('credentialKind', text)
    .addColumn('credentialId', text)
    .addColumn('credentialLast4', text)
    .addColumn('ip', text)
    .addColumn('userAgent', text)
    .addColumn('requests', int, (c) => c.notNull())
    .addColumn('bytes', int, (c) => c.notNull())
    .addColumn('firstAt', int, (c) => c.notNull())
    .addColumn('lastAt', int, (c) => c.notNull())
    .execute()
  // Each list is a piece of one of these: of a content, of a content in the repos of one owner, of a repo.
  await db.schema.createIndex('downloadByContent').on('downloadRecord').columns(['content', 'id']).execute()
  await db.schema.createIndex('downloadByOwner').on('downloadRecord').columns(['ownerId', 'content', 'id']).execute()
  await db.schema.createIndex('downloadByRepo').on('downloadRecord').columns(['repoId', 'id']).execute()

  await db.schema.createIndex('contentScanByFound').on('contentScan').columns(['level', 'foundAt', 'content']).execute()
  await db.schema.createIndex('scanReleaseByTime').on('scanRelease').columns(['releasedAt', 'content']).execute()
}
