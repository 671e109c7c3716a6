/** Who may get a token for a repo or a service account by an ID token of another place, and which ID tokens were used up. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .createTable('trustedPublisher')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('repoId', text, (c) => c.references('repo.id').onDelete('cascade'))
    .addColumn('serviceAccountId', text, (c) => c.references('serviceAccount.id').onDelete('cascade'))
    .addColumn('issuer', text, (c) => c.notNull())
    .addColumn('audience', text)
    .addColumn('claims', text, (c) => c.notNull())
    .addColumn('createdBy', text, (c) => c.references('user.id').onDelete('set null'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('lastUsedAt', int)
    .addColumn('lastRun', text)
    .addColumn('refusedAt', int)
    .execute()
  for (const [name, column] of [
    ['trustedPublisherByRepo', 'repoId'],
    ['trustedPublisherByServiceAccount', 'serviceAccountId'],
    ['trustedPublisherByIssuer', 'issuer'],
    ['trustedPublisherByCreator', 'createdBy'],
  ] as const) {
    await db.schema.createIndex(name).on('trustedPublisher').column(column).execute()
  }
  await db.schema
    .createTable('usedIdToken')
    .addColumn('hash', text, (c) => c.primaryKey().notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('usedIdTokenByEnd').on('usedIdToken').column('expiresAt').execute()
  await db.schema
    .alterTable('accessToken')
    .addColumn('publisherId', text, (c) => c.references('trustedPublisher.id').onDelete('cascade'))
    .execute()
  await db.schema.alterTable('accessToken').addColumn('publisherRun', text).execute()
  await sql`create index "accessTokenByPublisher" on "accessToken" ("publisherId", "expiresAt") where "publisherId" is not null`.execute(
    db,
  )
  await sql`create index "accessTokenOfPublishersByEnd" on "accessToken" ("expiresAt") where "publisherId" is not null`.execute(
    db,
  )
}
