/**
 * A database that a worker thread reads by itself: no row crosses from one thread to another, and no statement runs on the event loop that
 * serves requests. Never opened there: on SQLite it reads at once.
 */
import { join } from 'node:path'
import { type CompiledQuery, type DatabaseConnection, Kysely, type QueryResult } from 'kysely'
import type { OpenOptions } from './database.ts'
import type { Lists } from './db.ts'
import { DatabaseError } from './errors.ts'
import { kyselyProps } from './kysely-handle.ts'
import type { Schema } from './schema.ts'
import { SqliteSession } from './sqlite-session.ts'

const rowsAtMost = 50_000
const cacheKib = 32_768

/**
 * Lends a view of the database as it is at this moment for as long as `fn` runs, on a connection that is closed afterwards. One statement on
 * PostgreSQL may take `readTimeoutMs` (5 000); on SQLite whoever started the thread ends it.
 */
export async function readInOneMoment<T>(options: OpenOptions, fn: (db: Lists) => Promise<T>): Promise<T> {
  if (options.url === null) return await onSqlite(join(options.folder, 'holdfast.sqlite'), fn)
  return await onPostgres(options.url, options.readTimeoutMs ?? 5000, fn)
}

async function onSqlite<T>(path: string, fn: (db: Lists) => Promise<T>): Promise<T> {
  const session = new SqliteSession(path, { readonly: true, busyTimeoutMs: 5000, cacheKib })
  try {
    session.run('begin', [])
    const connection: DatabaseConnection = {
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        // Kysely's row type is a promise of the caller's query, which no driver can check.
        return { rows: session.query(sql, parameters, rowsAtMost).rows as R[] }
      },
      streamQuery: refuseStream,
    }
    return await fn({ list: new Kysely<Schema>(kyselyProps('sqlite', () => connection)) })
  } finally {
    session.close()
  }
}

async function onPostgres<T>(url: string, limitMs: number, fn: (db: Lists) => Promise<T>): Promise<T> {
  const [{ execute }, { openPool }] = await Promise.all([
    import('./postgres-connection.ts'),
    import('./postgres-pool.ts'),
  ])
  const pool = openPool(url, 1, limitMs)
  try {
    const client = await pool.connect()
    try {
      await client.query('begin isolation level repeatable read read only')
      // Statements of one transaction go one after the other.
      let last: Promise<unknown> = Promise.resolve()
      const connection: DatabaseConnection = {
        executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
          const next = last.then(() => execute<R>(client, query))
          // Who asked is told; the next one has its own answer.
          last = next.catch(() => undefined)
          return next
        },
        streamQuery: refuseStream,
      }
      return await fn({ list: new Kysely<Schema>(kyselyProps('postgres', () => connection)) })
    } finally {
      client.release(true)
    }
  } finally {
    await pool.end()
  }
}

// biome-ignore lint/correctness/useYield: it only refuses
async function* refuseStream(): AsyncGenerator<never> {
  throw new DatabaseError('misuse', 'A thread of its own reads in pages.')
}
