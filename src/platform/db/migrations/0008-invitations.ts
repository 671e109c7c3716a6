/** Invitations to organizations by e-mail. A row is an open invitation: one that was accepted, declined or withdrawn is gone, and its events tell of it. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('invitation')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('address', text, (c) => c.notNull())
    .addColumn('addressKey', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('proof', text, (c) => c.notNull())
    .addColumn('tokenHash', text, (c) => c.unique())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('inviterId', text)
    .addColumn('inviterName', text, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .addColumn('sentAt', int)
    .addColumn('accountId', text)
    .execute()
  // One for each address, and the keyset of the list.
  await db.schema
    .createIndex('invitationByAddress')
    .on('invitation')
    .columns(['organizationId', 'addressKey'])
    .unique()
    .execute()
  await db.schema.createIndex('invitationByExpiry').on('invitation').column('expiresAt').execute()
}
