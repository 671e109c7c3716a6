/**
 * Brings the tables up to what this program expects. All that is missing runs in one transaction, so a migration that
 * fails leaves the database as it was, and two programs that start together take turns. A database that a newer
 * program has changed is refused rather than guessed at.
 */
import { createHash } from 'node:crypto'
import { type CompiledQuery, Kysely, sql } from 'kysely'
import type { Db } from './db.ts'
import { DatabaseError } from './errors.ts'
import { type DialectName, kyselyProps } from './kysely-handle.ts'
import { migrations as everyMigration, type Migration } from './migrations/index.ts'
import type { Schema } from './schema.ts'

export interface MigrationReport {
  /** Names of the migrations that ran now. */
  readonly applied: readonly string[]
  /** Names whose statements differ from those that ran at the time: someone edited a merged migration, or Kysely writes its SQL otherwise. */
  readonly changed: readonly string[]
}

interface MigrationRow {
  readonly name: string
  readonly checksum: string
}

type MigrationTables = { migration: MigrationRow & { appliedAt: number } }
type MigrationHandle = Kysely<Schema & MigrationTables>

// Building indexes on large tables takes time.
const timeLimitMs = 60 * 60 * 1000

/** Runs the migrations that this database has not seen. Throws when it has seen some that this program does not know. */
export async function migrate(
  db: Db,
  now: () => number = Date.now,
  migrations: Readonly<Record<string, Migration>> = everyMigration,
): Promise<MigrationReport> {
  const names = Object.keys(migrations).sort()
  const before = (await hasMigrationTable(db)) ? await readApplied(db.read.withTables<MigrationTables>()) : []
  const missingBefore = missing(names, before)
  // Looked at first without a lock, so that a start with nothing to do needs no writer.
  if (missingBefore.length === 0) return { applied: [], changed: await findChanged(db.dialect, migrations, before) }

  const applied = await db.transaction(
    async (transaction) => {
      const tx = transaction.withTables<MigrationTables>()
      if (db.dialect === 'postgres') {
        await sql`select pg_advisory_xact_lock(hashtext('holdfast migrations in ' || current_schema()))`.execute(tx)
      }
      await createMigrationTable(tx, db.dialect)
      // A migration speaks of the tables of its time, not of today's schema.
      const untyped = new Kysely<unknown>({
        ...kyselyProps(db.dialect, refuse),
        executor: transaction.getExecutor(),
      })
      const todo = missing(names, await readApplied(tx))
      for (const name of todo) {
        const migration = getMigration(migrations, name)
        await migration.up(untyped, db.dialect)
        const checksum = await checksumOf(migration, db.dialect)
        await tx.insertInto('migration').values({ name, checksum, appliedAt: now() }).execute()
      }
      return todo
    },
    { timeLimitMs },
  )
  return { applied, changed: await findChanged(db.dialect, migrations, before) }
}

function missing(known: readonly string[], applied: readonly MigrationRow[]): string[] {
  const unknown = applied.filter((row) => !known.includes(row.name)).map((row) => row.name)
  if (unknown.length > 0) {
    throw new DatabaseError(
      'misuse',
      `This database was changed by a newer Holdfast (${unknown.join(', ')}). Start that version, or restore a backup made before it.`,
    )
  }
  const seen = new Set(applied.map((row) => row.name))
  return known.filter((name) => !seen.has(name))
}

async function hasMigrationTable(db: Db): Promise<boolean> {
  const query =
    db.dialect === 'postgres'
      ? sql<{ name: string | null }>`select to_regclass('migration')::text as name`
      : sql<{ name: string | null }>`select name from sqlite_master where type = 'table' and name = 'migration'`
  const { rows } = await query.execute(db.read)
  return rows[0]?.name != null
}

async function createMigrationTable(db: MigrationHandle, dialect: DialectName): Promise<void> {
  await db.schema
    .createTable('migration')
    .ifNotExists()
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('checksum', 'text', (c) => c.notNull())
    .addColumn('appliedAt', dialect === 'postgres' ? 'bigint' : 'integer', (c) => c.notNull())
    .execute()
}

async function readApplied(db: MigrationHandle): Promise<MigrationRow[]> {
  return await db.selectFrom('migration').select(['name', 'checksum']).execute()
}

async function findChanged(
  dialect: DialectName,
  migrations: Readonly<Record<string, Migration>>,
  applied: readonly MigrationRow[],
): Promise<string[]> {
  const changed: string[] = []
  for (const row of applied) {
    if ((await checksumOf(getMigration(migrations, row.name), dialect)) !== row.checksum) changed.push(row.name)
  }
  return changed
}

/** SHA-256 of the statements that a migration would run on an empty database. */
async function checksumOf(migration: Migration, dialect: DialectName): Promise<string> {
  const hash = createHash('sha256')
  const recorder = new Kysely<unknown>(
    kyselyProps(dialect, () => ({
      executeQuery: async (query: CompiledQuery) => {
        hash.update(`${query.sql}\n${JSON.stringify(query.parameters)}\n`)
        return { rows: [] }
      },
      streamQuery: refuse,
    })),
  )
  await migration.up(recorder, dialect)
  return hash.digest('hex')
}

function refuse(): never {
  throw new DatabaseError('misuse', 'A migration uses only the handle that it is given, and does not stream.')
}

function getMigration(migrations: Readonly<Record<string, Migration>>, name: string): Migration {
  const migration = migrations[name]
  if (migration === undefined) throw new DatabaseError('misuse', `There is no migration ${name}.`)
  return migration
}
