/** How much may be called, sums of each month to hold against it, and the workspace that a call is billed to. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  for (const column of ['workspaceId', 'workspaceName', 'parentTokenId']) {
    await db.schema.alterTable('inferenceUsage').addColumn(column, text).execute()
  }
  await db.schema
    .createTable('inferenceLimit')
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('subject', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('requestsPerMinute', int)
    .addColumn('requestsPerMonth', int)
    .addColumn('tokensPerMinute', int)
    .addColumn('tokensPerMonth', int)
    .addPrimaryKeyConstraint('inferenceLimitKey', ['organizationId', 'subject'])
    .execute()
  await db.schema
    .createTable('inferenceMonth')
    .addColumn('billedId', text, (c) => c.notNull())
    .addColumn('month', int, (c) => c.notNull())
    .addColumn('subject', text, (c) => c.notNull())
    .addColumn('calls', int, (c) => c.notNull())
    .addColumn('tokens', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('inferenceMonthKey', ['billedId', 'month', 'subject'])
    .execute()
  await db.schema.createIndex('inferenceMonthByMonth').on('inferenceMonth').columns(['month']).execute()
}
