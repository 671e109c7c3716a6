/** Gated repos: who has to ask, what is asked of them, and what became of each request. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  const repo = () => db.schema.alterTable('repo')
  await repo()
    .addColumn('gated', text, (c) => c.notNull().defaultTo('open'))
    .execute()
  await repo()
    .addColumn('orgMembersGated', int, (c) => c.notNull().defaultTo(0))
    .execute()
  await repo().addColumn('gatedNotificationsEmail', text).execute()
  await repo()
    .addColumn('gatedNotificationsMode', text, (c) => c.notNull().defaultTo('real-time'))
    .execute()
  // A list of gated repos: few among many.
  await sql`create index "repoByGate" on "repo" ("kind", "gated") where "gated" <> 'open'`.execute(db)

  // One row for each person or service account that asked, or was let in by hand.
  await db.schema
    .createTable('accessRequest')
    .addColumn('id', text, (c) => c.notNull().unique())
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id'))
    .addColumn('principalId', text, (c) => c.notNull())
    .addColumn('principalKind', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('reason', text)
    .addColumn('fields', text)
    .addColumn('email', text)
    .addColumn('termsHash', text)
    .addColumn('askedAt', int, (c) => c.notNull())
    .addColumn('askedBy', text, (c) => c.notNull())
    .addColumn('grantedBy', text)
    .addColumn('reviewedAt', int)
    .addColumn('reviewedBy', text)
    .addPrimaryKeyConstraint('accessRequestKey', ['repoId', 'principalId'])
    .execute()
  await db.schema
    .createIndex('accessRequestByStatus')
    .on('accessRequest')
    .columns(['repoId', 'status', 'askedAt', 'principalId'])
    .execute()
  await db.schema
    .createIndex('accessRequestByPrincipal')
    .on('accessRequest')
    .columns(['principalId', 'askedAt'])
    .execute()
  // Those that somebody made for service accounts.
  await sql`create index "accessRequestByAsker" on "accessRequest" ("askedBy", "askedAt")
    where "principalKind" = 'service-account' and "grantedBy" is null`.execute(db)

  await db.schema.createIndex('accessRequestByTerms').on('accessRequest').columns(['repoId', 'termsHash']).execute()

  // The texts that were agreed to, by the SHA-256 of what they say: kept for as long as the hub, whatever becomes of the card.
  await db.schema
    .createTable('gateTerms')
    .addColumn('hash', text, (c) => c.primaryKey().notNull())
    .addColumn('terms', text, (c) => c.notNull())
    .addColumn('firstAt', int, (c) => c.notNull())
    .execute()
}
