/** Child tokens: narrower ones that a token derives from itself, and that end with it. Honey tokens, which open nothing and tell on their users. What each token touched. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .alterTable('accessToken')
    .addColumn('parentId', text, (c) => c.references('accessToken.id').onDelete('cascade'))
    .execute()
  await db.schema.alterTable('accessToken').addColumn('usesLeft', int).execute()
  await db.schema.createIndex('accessTokenByParent').on('accessToken').columns(['parentId', 'id']).execute()
  // Names of children are their parents' own: whoever derives one learns no name of another token.
  await db.schema.dropIndex('accessTokenByOwner').execute()
  await sql`create unique index "accessTokenByOwner" on "accessToken" ("ownerId", "name", coalesce("parentId", ''))`.execute(
    db,
  )
  await db.schema.alterTable('tokenGrant').addColumn('throughId', text).execute()

  await db.schema
    .createTable('honeyToken')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('hash', text, (c) => c.notNull().unique())
    .addColumn('last4', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('place', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull().references('namespace.id').onDelete('cascade'))
    .addColumn('ownerName', text, (c) => c.notNull())
    .addColumn('organizationId', text)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('lastUsedAt', int)
    .addColumn('lastIp', text)
    .addColumn('lastUserAgent', text)
    .addColumn('reportedAt', int)
    .execute()
  await db.schema.alterTable('accessToken').addColumn('newAddressAt', int).execute()
  await db.schema
    .createTable('tokenUse')
    .addColumn('tokenId', text, (c) => c.notNull().references('accessToken.id').onDelete('cascade'))
    .addColumn('day', int, (c) => c.notNull())
    .addColumn('thingKind', text, (c) => c.notNull())
    .addColumn('thingId', text, (c) => c.notNull())
    .addColumn('permission', text, (c) => c.notNull())
    .addColumn('uses', int, (c) => c.notNull())
    .addColumn('bytes', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('tokenUseKey', ['tokenId', 'day', 'thingId', 'permission'])
    .execute()
  await db.schema.createIndex('tokenUseByDay').on('tokenUse').columns(['day', 'tokenId']).execute()
  await db.schema
    .createTable('tokenCaller')
    .addColumn('tokenId', text, (c) => c.notNull().references('accessToken.id').onDelete('cascade'))
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('value', text, (c) => c.notNull())
    .addColumn('firstAt', int, (c) => c.notNull())
    .addColumn('lastAt', int, (c) => c.notNull())
    .addColumn('uses', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('tokenCallerKey', ['tokenId', 'kind', 'value'])
    .execute()
  await db.schema.createIndex('honeyTokenByOwner').on('honeyToken').columns(['ownerId', 'id']).execute()
}
