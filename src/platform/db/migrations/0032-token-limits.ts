/** What narrows a token beside its permissions: files, programs, requests, bytes; and what it took on the last day. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema.alterTable('accessToken').addColumn('limits', text).execute()
  await db.schema.alterTable('accessToken').addColumn('bytesDay', int).execute()
  await db.schema.alterTable('accessToken').addColumn('bytesTaken', int).execute()
}
