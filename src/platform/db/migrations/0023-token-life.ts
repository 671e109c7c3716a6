/**
 * Values that an access token had before: for as long as both are valid after a rotation, and then for ninety days as the tripwire, so that the
 * use of a dead value is noticed. And the fence of a token: from which networks and from when on it is taken.
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('formerTokenValue')
    .addColumn('hash', text, (c) => c.primaryKey().notNull())
    .addColumn('tokenId', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('last4', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('ownerName', text, (c) => c.notNull())
    .addColumn('organizationId', text)
    .addColumn('contact', text)
    .addColumn('since', int, (c) => c.notNull())
    .addColumn('endedAt', int, (c) => c.notNull())
    .addColumn('validUntil', int)
    .addColumn('lastUsedAt', int)
    .addColumn('lastIp', text)
    .addColumn('lastUserAgent', text)
    .addColumn('alertedAt', int)
    .execute()
  await db.schema
    .createIndex('formerTokenValueByToken')
    .on('formerTokenValue')
    .columns(['tokenId', 'validUntil'])
    .execute()
  await db.schema
    .createIndex('formerTokenValueByOwner')
    .on('formerTokenValue')
    .columns(['ownerId', 'validUntil'])
    .execute()
  await db.schema.alterTable('accessToken').addColumn('networks', text).execute()
  await db.schema.alterTable('accessToken').addColumn('notBefore', int).execute()
  await db.schema.alterTable('accessToken').addColumn('fencedAt', int).execute()
  await db.schema.createIndex('formerTokenValueByEnd').on('formerTokenValue').column('endedAt').execute()
}
