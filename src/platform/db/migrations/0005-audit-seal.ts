/**
 * The seals of the audit log: a chain of seals, which events each of them seals in which order, and the signed checkpoints. Events themselves
 * know nothing of it, so that writing one costs what it did. No foreign keys: a missing row shall be found and told, whoever took it away.
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`
  // On SQLite an "integer" primary key would be the row number, which a dump leaves out.
  const number: ColumnDataType = 'bigint'

  await db.schema
    .createTable('auditSeal')
    .addColumn('number', number, (c) => c.primaryKey().notNull())
    .addColumn('sealedAt', int, (c) => c.notNull())
    .addColumn('total', int, (c) => c.notNull())
    .addColumn('previous', text, (c) => c.notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('auditSealByTime').on('auditSeal').columns(['sealedAt', 'number']).execute()

  const sealed = db.schema
    .createTable('sealedEvent')
    .addColumn('eventId', text, (c) => c.primaryKey().notNull())
    .addColumn('seal', int, (c) => c.notNull())
    .addColumn('position', int, (c) => c.notNull())
    .addColumn('hash', text, (c) => c.notNull())
  await (dialect === 'sqlite' ? sealed.modifyEnd(sql`without rowid`) : sealed).execute()
  await db.schema.createIndex('sealedEventBySeal').on('sealedEvent').columns(['seal', 'position']).execute()

  await db.schema
    .createTable('auditCheckpoint')
    .addColumn('number', number, (c) => c.primaryKey().notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .addColumn('total', int, (c) => c.notNull())
    .addColumn('madeAt', int, (c) => c.notNull())
    .addColumn('keyId', text, (c) => c.notNull())
    .addColumn('signature', text, (c) => c.notNull())
    .execute()
}
