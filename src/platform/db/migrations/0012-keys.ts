/** Keys that sign commits, what was found about each signed commit, and what organizations and repos ask for. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('signingKey')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('ownerKind', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('fingerprint', text, (c) => c.notNull().unique())
    .addColumn('title', text, (c) => c.notNull())
    .addColumn('publicKey', text, (c) => c.notNull())
    .addColumn('details', text, (c) => c.notNull())
    .addColumn('isCompromised', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('signingKeyByOwner').on('signingKey').columns(['ownerId', 'createdAt', 'id']).execute()

  await db.schema
    .createTable('signingKeyPart')
    .addColumn('keyId', text, (c) => c.notNull())
    .addColumn('signingKeyId', text, (c) => c.notNull().references('signingKey.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('signingKeyPartKey', ['keyId', 'signingKeyId'])
    .execute()
  await db.schema.createIndex('signingKeyPartByKey').on('signingKeyPart').columns(['signingKeyId']).execute()

  await db.schema
    .createTable('commitSignature')
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('commit', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('reason', text)
    .addColumn('signerKind', text)
    .addColumn('signerId', text)
    .addColumn('signingKeyId', text)
    .addColumn('keyId', text)
    .addColumn('email', text, (c) => c.notNull())
    .addColumn('verifiedAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('commitSignatureKey', ['repoId', 'commit'])
    .execute()
  await db.schema
    .createIndex('commitSignatureByKeyId')
    .on('commitSignature')
    .columns(['keyId', 'repoId', 'commit'])
    .execute()
  await db.schema
    .createIndex('commitSignatureByKey')
    .on('commitSignature')
    .columns(['signingKeyId', 'status'])
    .execute()
  await db.schema
    .createIndex('commitSignatureByEmail')
    .on('commitSignature')
    .columns(['email', 'repoId', 'commit'])
    .execute()

  await db.schema
    .createTable('signingPolicy')
    .addColumn('targetId', text, (c) => c.primaryKey().notNull())
    .addColumn('level', text, (c) => c.notNull())
    .addColumn('humanSignatureOnly', int, (c) => c.notNull())
    .addColumn('bypassUntil', int)
    .addColumn('bypassReason', text)
    .addColumn('updatedAt', int, (c) => c.notNull())
    .execute()
}
