/**
 * Large files that came by LFS move into Xet files: which of them lie in the blob store as they came (`blobToMove`: only these are in the
 * index), and since when the Xet file is read in their place while their bytes are still there (`retiredAt`).
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  await db.schema.alterTable('blob').addColumn('retiredAt', int).execute()
  await sql`create index "blobToMove" on "blob" ("size", "sha256") where "hasObject" = 1`.execute(db)
  await sql`create index "blobRetired" on "blob" ("retiredAt", "sha256") where "retiredAt" is not null`.execute(db)
}
