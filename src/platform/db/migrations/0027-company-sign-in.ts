/** Sign-in through a company's OpenID provider: who is who there, and what its groups give here. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  // By what the waiting sign-in was begun.
  await db.schema
    .alterTable('pendingSignIn')
    .addColumn('begunBy', text, (c) => c.notNull().defaultTo('password'))
    .execute()

  await db.schema
    .createTable('companyIdentity')
    .addColumn('issuer', text, (c) => c.notNull())
    .addColumn('subject', text, (c) => c.notNull())
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('label', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('lastUsedAt', int)
    .addPrimaryKeyConstraint('companyIdentityKey', ['issuer', 'subject'])
    .execute()
  // A person has one identity there: with a second one somebody else could come in unseen.
  await db.schema
    .createIndex('companyIdentityByUser')
    .unique()
    .on('companyIdentity')
    .columns(['userId', 'issuer'])
    .execute()

  await db.schema
    .createTable('companyGroupMapping')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('externalGroup', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('groupId', text, (c) => c.references('memberGroup.id').onDelete('cascade'))
    .addColumn('workspaceId', text, (c) => c.references('workspace.id').onDelete('cascade'))
    .addColumn('targetId', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text)
    .execute()
  await db.schema
    .createIndex('companyGroupMappingByGroup')
    .unique()
    .on('companyGroupMapping')
    .columns(['externalGroup', 'targetId'])
    .execute()
  await db.schema
    .createIndex('companyGroupMappingByOrganization')
    .on('companyGroupMapping')
    .columns(['organizationId', 'externalGroup', 'id'])
    .execute()
  // What cascades looks for.
  await db.schema.createIndex('companyGroupMappingByMemberGroup').on('companyGroupMapping').column('groupId').execute()
  await db.schema
    .createIndex('companyGroupMappingByWorkspace')
    .on('companyGroupMapping')
    .column('workspaceId')
    .execute()

  // What somebody has by such a mapping alone. What is given by hand has no row here, and is never touched.
  await db.schema
    .createTable('companyGrant')
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('targetId', text, (c) => c.notNull())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('givenAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('companyGrantKey', ['userId', 'targetId'])
    .execute()
  await db.schema
    .createIndex('companyGrantByTarget')
    .on('companyGrant')
    .columns(['organizationId', 'targetId'])
    .execute()
}
