/** Which tokens of its members an organization takes, and what its administrators said of single ones. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .alterTable('organization')
    .addColumn('tokenPolicy', text, (c) => c.notNull().defaultTo('any'))
    .execute()
  await db.schema.alterTable('organization').addColumn('mostTokenDays', int).execute()
  await db.schema
    .alterTable('organization')
    .addColumn('classicTokensAdminister', int, (c) => c.notNull().defaultTo(1))
    .execute()
  await db.schema
    .createTable('organizationToken')
    .addColumn('tokenId', text, (c) => c.notNull().references('accessToken.id').onDelete('cascade'))
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('verdict', text, (c) => c.notNull())
    .addColumn('decidedBy', text)
    .addColumn('decidedAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('organizationTokenKey', ['tokenId', 'organizationId'])
    .execute()
  await db.schema
    .createIndex('organizationTokenByOrganization')
    .on('organizationToken')
    .columns(['organizationId', 'tokenId'])
    .execute()
}
