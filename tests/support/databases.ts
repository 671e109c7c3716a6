/**
 * Fresh databases for tests. SQLite always; PostgreSQL too when HOLDFAST_TEST_POSTGRES_URL is set
 * (`eval "$(scripts/postgres-for-tests.sh start)"`), each in a schema of its own that disappears with the test.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Db, type OpenOptions, openDatabase } from '../../src/platform/db/database.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { migrate } from '../../src/platform/db/migrate.ts'

const postgresUrl = process.env.HOLDFAST_TEST_POSTGRES_URL

/** For `describe.each(dialects)`. */
export const dialects: readonly DialectName[] = postgresUrl === undefined ? ['sqlite'] : ['sqlite', 'postgres']

if (postgresUrl === undefined) {
  console.warn(
    'PostgreSQL tests are left out. Install it (apt-get install postgresql) and run: eval "$(scripts/postgres-for-tests.sh start)"',
  )
}

export interface TestDatabase {
  readonly db: Db
  /** What `openDatabase` was given: open it again to play a second process. */
  readonly options: OpenOptions
  /** Closes the database and removes it. */
  remove(): Promise<void>
}

/** A database of its own, migrated unless `migrated` is false. */
export async function makeDatabase(
  dialect: DialectName,
  settings: { migrated?: boolean; readTimeoutMs?: number } = {},
): Promise<TestDatabase> {
  const { options, drop } = dialect === 'sqlite' ? await makeFolder() : await makeSchema()
  const withLimit =
    settings.readTimeoutMs === undefined ? options : { ...options, readTimeoutMs: settings.readTimeoutMs }
  const db = await openDatabase(withLimit)
  if (settings.migrated !== false) await migrate(db)
  return {
    db,
    options: withLimit,
    async remove() {
      await db.close()
      await drop()
    },
  }
}

async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-db-'))
  return { options: { url: null, folder }, drop: () => rm(folder, { recursive: true, force: true }) }
}

/** A schema of its own in the PostgreSQL of the tests. `drop` removes it with all that is in it. */
export async function makeSchema(): Promise<{ options: { url: string; folder: string }; drop: () => Promise<void> }> {
  if (postgresUrl === undefined) throw new Error('HOLDFAST_TEST_POSTGRES_URL is not set.')
  const schema = `test_${randomBytes(8).toString('hex')}`
  await administer(`create schema ${schema}`)
  const url = new URL(postgresUrl)
  url.searchParams.set('options', `-c search_path=${schema}`)
  return {
    options: { url: url.toString(), folder: tmpdir() },
    drop: () => administer(`drop schema ${schema} cascade`),
  }
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    await client.query(`set client_min_messages = warning; ${statement}`)
  } finally {
    await client.end()
  }
}
