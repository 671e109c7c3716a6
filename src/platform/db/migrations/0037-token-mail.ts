/** The weekly mail about tokens that need attention: who was looked at last when, and who switched it off. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .createTable('tokenMail')
    .addColumn('userId', text, (c) => c.primaryKey().notNull().references('user.id').onDelete('cascade'))
    .addColumn('offAt', int)
    .addColumn('toldAt', int)
    .execute()
}
