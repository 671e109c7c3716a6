/** Model signatures: whom an organization trusts, what was found of signed revisions, digests of contents, and where only signed models are handed out. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('trustedModelKey')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('fingerprint', text, (c) => c.notNull())
    .addColumn('pem', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text)
    .addUniqueConstraint('trustedModelKeyOnce', ['organizationId', 'fingerprint'])
    .execute()

  await db.schema
    .createTable('modelSignature')
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('commit', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('reason', text)
    .addColumn('detail', text)
    .addColumn('file', text)
    .addColumn('bundle', text)
    .addColumn('keyId', text)
    .addColumn('signer', text)
    .addColumn('trust', text, (c) => c.notNull())
    .addColumn('report', text, (c) => c.notNull())
    .addColumn('seenAt', int, (c) => c.notNull())
    .addColumn('checkedAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('modelSignatureKey', ['repoId', 'commit'])
    .execute()
  // Since when a signature is here, whatever commit it came with.
  await db.schema.createIndex('modelSignatureByBundle').on('modelSignature').columns(['repoId', 'bundle']).execute()
  // What a key verified: before it is removed.
  await db.schema.createIndex('modelSignatureByKey').on('modelSignature').columns(['keyId', 'status']).execute()

  await db.schema
    .createTable('signedContent')
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('content', text, (c) => c.notNull())
    .addColumn('commit', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('signedContentKey', ['repoId', 'content', 'commit'])
    .execute()

  await db.schema
    .createTable('contentDigest')
    .addColumn('content', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('digest', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('contentDigestKey', ['content', 'kind'])
    .execute()

  for (const table of ['organization', 'workspace']) {
    await db.schema
      .alterTable(table)
      .addColumn('signedModelsSince', int, (c) => c.notNull().defaultTo(0))
      .execute()
  }
  await db.schema
    .alterTable('organization')
    .addColumn('modelKeyRemovedAt', int, (c) => c.notNull().defaultTo(0))
    .execute()
}
