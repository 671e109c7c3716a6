/** Which servers answer for a model, and what was called: without a word of what was asked or answered. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .createTable('inferenceModel')
    .addColumn('repoId', text, (c) => c.primaryKey().notNull().references('repo.id').onDelete('cascade'))
    .addColumn('revision', text)
    .addColumn('commit', text)
    .addColumn('updatedAt', int, (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('inferenceBackend')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('repoId', text, (c) => c.notNull().references('inferenceModel.repoId').onDelete('cascade'))
    .addColumn('position', int, (c) => c.notNull())
    .addColumn('url', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('model', text)
    .addColumn('secret', text)
    .addColumn('weight', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('inferenceBackendByRepo')
    .on('inferenceBackend')
    .columns(['repoId', 'position'])
    .unique()
    .execute()
  await db.schema
    .createTable('inferenceUsage')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('at', int, (c) => c.notNull())
    .addColumn('repoId', text, (c) => c.notNull())
    .addColumn('repoName', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('billedId', text, (c) => c.notNull())
    .addColumn('billedName', text, (c) => c.notNull())
    .addColumn('commit', text)
    .addColumn('route', text, (c) => c.notNull())
    .addColumn('actorKind', text, (c) => c.notNull())
    .addColumn('actorId', text, (c) => c.notNull())
    .addColumn('actorName', text, (c) => c.notNull())
    .addColumn('tokenId', text)
    .addColumn('tokenLast4', text)
    .addColumn('backend', text)
    .addColumn('status', int, (c) => c.notNull())
    .addColumn('tokensIn', int)
    .addColumn('tokensOut', int)
    .addColumn('firstByteMs', int)
    .addColumn('tookMs', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('inferenceUsageByBilled').on('inferenceUsage').columns(['billedId', 'id']).execute()
  await db.schema.createIndex('inferenceUsageByOwner').on('inferenceUsage').columns(['ownerId', 'id']).execute()
}
