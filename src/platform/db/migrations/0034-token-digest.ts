/** By which the SHA-256 of a leaked value leads to its token, without anybody sending the value. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  await db.schema
    .createTable('tokenDigest')
    .addColumn('digest', text, (c) => c.primaryKey().notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('tokenDigestByHash').on('tokenDigest').column('hash').execute()
}
