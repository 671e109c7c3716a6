/** Child tokens: narrower ones that a token derives from itself, and that end with it. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .alterTable('accessToken')
    .addColumn('parentId', text, (c) => c.references('accessToken.id').onDelete('cascade'))
    .execute()
  await db.schema.alterTable('accessToken').addColumn('usesLeft', int).execute()
  await db.schema.createIndex('accessTokenByParent').on('accessToken').columns(['parentId', 'id']).execute()
  // Names of children are their parents' own: whoever derives one learns no name of another token.
  await db.schema.dropIndex('accessTokenByOwner').execute()
  await sql`create unique index "accessTokenByOwner" on "accessToken" ("ownerId", "name", coalesce("parentId", ''))`.execute(
    db,
  )
  await db.schema.alterTable('tokenGrant').addColumn('throughId', text).execute()
}
