/**
 * What makes an organization more than a name: service accounts, groups, workspaces with their rules, and whether it asks its people for a
 * second factor. Roles stay in `roleGrant`, for people, groups and service accounts alike.
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('serviceAccount')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('nameKey', text, (c) => c.notNull())
    .addColumn('description', text)
    .addColumn('contact', text)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text)
    .addColumn('expiresAt', int)
    .addColumn('disabledAt', int)
    .execute()
  await db.schema
    .createIndex('serviceAccountByName')
    .on('serviceAccount')
    .columns(['organizationId', 'nameKey'])
    .unique()
    .execute()

  await db.schema
    .createTable('memberGroup')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('nameKey', text, (c) => c.notNull())
    .addColumn('description', text)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text)
    .execute()
  await db.schema
    .createIndex('memberGroupByName')
    .on('memberGroup')
    .columns(['organizationId', 'nameKey'])
    .unique()
    .execute()

  await db.schema
    .createTable('groupMember')
    .addColumn('groupId', text, (c) => c.notNull().references('memberGroup.id').onDelete('cascade'))
    .addColumn('principalId', text, (c) => c.notNull())
    .addColumn('principalKind', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text)
    .addPrimaryKeyConstraint('groupMemberKey', ['groupId', 'principalId'])
    .execute()
  await db.schema.createIndex('groupMemberByPrincipal').on('groupMember').columns(['principalId', 'groupId']).execute()

  await db.schema.alterTable('accessToken').addColumn('description', text).execute()
  await db.schema.alterTable('session').addColumn('freshAt', int).execute()
  await db.schema.alterTable('user').addColumn('secondFactorAt', int).execute()

  const organization: [string, ColumnDataType | typeof text, string | number | null][] = [
    ['description', text, null],
    ['defaultRole', text, 'read'],
    ['workspaceCreation', text, 'admin'],
    ['membersVisibility', text, 'members'],
    ['secondFactorRequired', int, 0],
    ['seatLimit', int, null],
  ]
  for (const [name, type, fallback] of organization) {
    await db.schema
      .alterTable('organization')
      .addColumn(name, type, (c) => (fallback === null ? c : c.notNull().defaultTo(fallback)))
      .execute()
  }
  for (const name of ['description', 'createdBy', 'autoJoin', 'autoJoinRole']) {
    await db.schema.alterTable('workspace').addColumn(name, text).execute()
  }

  // Auto-join looks for the workspaces of one organization; a workspace that goes gives its repos back.
  await sql`create index "repoByWorkspace" on "repo" ("workspaceId", "id") where "workspaceId" is not null`.execute(db)
}
