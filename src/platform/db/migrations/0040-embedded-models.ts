/** Models that the hub runs itself. */
import type { ColumnDataType, Kysely } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  await db.schema
    .alterTable('inferenceModel')
    .addColumn('embedded', int, (c) => c.notNull().defaultTo(0))
    .execute()
}
