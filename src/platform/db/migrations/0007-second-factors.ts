/** What a person signs in with beside a password, and sign-ins that wait for it. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('totpSecret')
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('secret', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('lastStep', int, (c) => c.notNull())
    .addColumn('lastUsedAt', int)
    .addPrimaryKeyConstraint('totpSecretPrimary', ['userId', 'state'])
    .execute()

  await db.schema
    .createTable('passkey')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('credentialId', text, (c) => c.notNull().unique())
    .addColumn('publicKey', text, (c) => c.notNull())
    .addColumn('counter', int, (c) => c.notNull())
    .addColumn('transports', text, (c) => c.notNull())
    .addColumn('isBackedUp', int, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('lastUsedAt', int)
    .execute()
  await db.schema.createIndex('passkeyByUser').on('passkey').columns(['userId', 'createdAt', 'id']).execute()

  await db.schema
    .createTable('recoveryCode')
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('codeHash', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('usedAt', int)
    .addPrimaryKeyConstraint('recoveryCodePrimary', ['userId', 'codeHash'])
    .execute()

  await db.schema
    .createTable('pendingSignIn')
    .addColumn('tokenHash', text, (c) => c.primaryKey().notNull())
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('passwordChangedAt', int)
    .addColumn('attempts', int, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('pendingSignInByUser').on('pendingSignIn').column('userId').execute()
  await db.schema.createIndex('pendingSignInByEnd').on('pendingSignIn').column('expiresAt').execute()

  await db.schema
    .createTable('spentChallenge')
    .addColumn('hash', text, (c) => c.primaryKey().notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('spentChallengeByEnd').on('spentChallenge').column('expiresAt').execute()
}
