/** The hub as a provider of OAuth and OpenID Connect: applications, what people let them do, and the codes and refresh tokens on the way. */
import { type ColumnDataType, type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('oauthClient')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('ownerId', text)
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('secretHash', text)
    .addColumn('secretLast4', text)
    .addColumn('redirectUris', text, (c) => c.notNull())
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('takesDevices', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('oauthClientByOwner').on('oauthClient').columns(['ownerId', 'createdAt']).execute()

  const ofClient = (c: ColumnDefinitionBuilder) => c.notNull().references('oauthClient.id').onDelete('cascade')

  await db.schema
    .createTable('oauthConsent')
    .addColumn('userId', text, (c) => c.notNull().references('user.id'))
    .addColumn('clientId', text, ofClient)
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('organizationIds', text, (c) => c.notNull())
    .addColumn('grantedAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('oauthConsentKey', ['userId', 'clientId'])
    .execute()
  await db.schema.createIndex('oauthConsentByClient').on('oauthConsent').column('clientId').execute()

  // Goes with its access token, whoever deletes that.
  await db.schema
    .createTable('oauthGrant')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('tokenId', text, (c) => c.notNull().unique().references('accessToken.id').onDelete('cascade'))
    .addColumn('userId', text, (c) => c.notNull())
    .addColumn('clientId', text, ofClient)
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('organizationIds', text, (c) => c.notNull())
    .addColumn('lifetimeSeconds', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('oauthGrantByUser').on('oauthGrant').columns(['userId', 'clientId']).execute()
  await db.schema.createIndex('oauthGrantByClient').on('oauthGrant').column('clientId').execute()

  await db.schema
    .createTable('oauthRefreshToken')
    .addColumn('hash', text, (c) => c.primaryKey().notNull())
    .addColumn('grantId', text, (c) => c.notNull().references('oauthGrant.id').onDelete('cascade'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .addColumn('usedAt', int)
    .execute()
  await db.schema.createIndex('oauthRefreshTokenByGrant').on('oauthRefreshToken').column('grantId').execute()
  await db.schema.createIndex('oauthRefreshTokenByExpiry').on('oauthRefreshToken').column('expiresAt').execute()

  await db.schema
    .createTable('oauthDevice')
    .addColumn('deviceHash', text, (c) => c.primaryKey().notNull())
    .addColumn('userCodeHash', text, (c) => c.notNull().unique())
    .addColumn('clientId', text, ofClient)
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('ip', text)
    .addColumn('userAgent', text)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .addColumn('pollSeconds', int, (c) => c.notNull())
    .addColumn('lastPolledAt', int)
    .addColumn('verdict', text)
    .addColumn('userId', text)
    .addColumn('organizationIds', text)
    .execute()
  await db.schema.createIndex('oauthDeviceByExpiry').on('oauthDevice').column('expiresAt').execute()
  await db.schema.createIndex('oauthDeviceByClient').on('oauthDevice').column('clientId').execute()

  await db.schema
    .createTable('oauthCode')
    .addColumn('hash', text, (c) => c.primaryKey().notNull())
    .addColumn('clientId', text, ofClient)
    .addColumn('userId', text, (c) => c.notNull())
    .addColumn('redirectUri', text, (c) => c.notNull())
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('organizationIds', text, (c) => c.notNull())
    .addColumn('challenge', text)
    .addColumn('nonce', text)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .addColumn('usedAt', int)
    .addColumn('tokenId', text)
    .execute()
  await db.schema.createIndex('oauthCodeByExpiry').on('oauthCode').column('expiresAt').execute()
  await db.schema.createIndex('oauthCodeByClient').on('oauthCode').column('clientId').execute()

  // RS256, which every client takes, needs keys that cannot be derived from the ring: made once, and kept encrypted with it.
  await db.schema
    .createTable('oauthSigningKey')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('publicJwk', text, (c) => c.notNull())
    .addColumn('privateKey', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull().unique())
    .execute()
}
