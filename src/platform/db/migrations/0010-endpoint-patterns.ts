/** Which inference endpoints a service account's token is for, by the patterns of their names. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema.alterTable('accessToken').addColumn('endpointPatterns', text).execute()
}
