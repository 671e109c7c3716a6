/**
 * Xet storage: xorbs (packs of chunks), which dedup scope claims which of them, the files made of their chunks, and by which chunks global
 * dedup finds them. A blob may now lie in the blob store as a large file, in a Xet file, or in both. Hash columns hold the text of a Xet
 * hash; bytes are `blob` on SQLite and `bytea` on PostgreSQL.
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  const bytes = dialect === 'postgres' ? sql`bytea` : sql`blob`

  await db.schema.alterTable('blob').addColumn('xetHash', text).execute()
  await db.schema
    .alterTable('blob')
    .addColumn('hasObject', int, (c) => c.notNull().defaultTo(1))
    .execute()

  await db.schema
    .createTable('xorb')
    .addColumn('hash', text, (c) => c.primaryKey())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('rawSize', int, (c) => c.notNull())
    .addColumn('chunkCount', int, (c) => c.notNull())
    .addColumn('chunkIndex', bytes, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('leaseUntil', int, (c) => c.notNull())
    .addColumn('leaseGeneration', int, (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.createIndex('xorbByLease').on('xorb').column('leaseUntil').execute()

  await db.schema
    .createTable('xorbScope')
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('xorbHash', text, (c) => c.notNull().references('xorb.hash').onDelete('cascade'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('xorbScopeKey', ['scope', 'xorbHash'])
    .execute()
  await db.schema.createIndex('xorbScopeByXorb').on('xorbScope').column('xorbHash').execute()

  await db.schema
    .createTable('xetFile')
    .addColumn('hash', text, (c) => c.primaryKey())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('sha256', text, (c) => c.notNull())
    .addColumn('terms', bytes, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('xetFileBySha256').on('xetFile').column('sha256').execute()

  await db.schema
    .createTable('xetFileXorb')
    .addColumn('fileHash', text, (c) => c.notNull().references('xetFile.hash').onDelete('cascade'))
    // Without "cascade": a xorb that a file is made of cannot be deleted, whatever a collection believes.
    .addColumn('xorbHash', text, (c) => c.notNull().references('xorb.hash'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('xetFileXorbKey', ['fileHash', 'xorbHash'])
    .execute()
  await db.schema.createIndex('xetFileXorbByXorb').on('xetFileXorb').columns(['xorbHash', 'createdAt']).execute()

  await db.schema
    .createTable('xetChunk')
    .addColumn('scope', text, (c) => c.notNull())
    .addColumn('chunkHash', text, (c) => c.notNull())
    .addColumn('xorbHash', text, (c) => c.notNull().references('xorb.hash').onDelete('cascade'))
    .addPrimaryKeyConstraint('xetChunkKey', ['scope', 'chunkHash'])
    .execute()
  await db.schema.createIndex('xetChunkByXorb').on('xetChunk').column('xorbHash').execute()
}
