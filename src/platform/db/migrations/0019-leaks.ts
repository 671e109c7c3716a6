/** What an organization does with leaked tokens and other secrets in what is pushed to its repos. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .alterTable('organization')
    .addColumn('leakedTokens', text, (c) => c.notNull().defaultTo('record'))
    .execute()
  await db.schema
    .alterTable('organization')
    .addColumn('pushProtection', text, (c) => c.notNull().defaultTo('off'))
    .execute()
}
