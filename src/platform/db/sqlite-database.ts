/** Holdfast's database on SQLite: one file, a read-only connection here for point reads, workers for all else. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CompiledQuery, type DatabaseConnection, Kysely, type QueryResult } from 'kysely'
import type { Db } from './db.ts'
import { DatabaseError } from './errors.ts'
import { kyselyProps } from './kysely-handle.ts'
import type { Schema } from './schema.ts'
import { SqliteLists } from './sqlite-lists.ts'
import { SqliteSession } from './sqlite-session.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { assertOutsideTransaction, runTransaction } from './transaction.ts'

export function openSqliteDatabase(folder: string, readTimeoutMs: number): Db {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'holdfast.sqlite')
  // A read-only connection cannot create the file or switch it to WAL.
  new SqliteSession(path, { readonly: false, busyTimeoutMs: 5000, cacheKib: 1024 }).close()
  // In WAL mode a reader waits only for recovery after a crash, and this one must not hold up the event loop.
  const reader = new SqliteSession(path, { readonly: true, busyTimeoutMs: 250, cacheKib: 16_384 })
  const readConnection = connect(reader)
  const writer = new SqliteWriter(path)
  const lists = new SqliteLists(path, readTimeoutMs)
  let isClosed = false

  const readProps = kyselyProps('sqlite', () => {
    assertOutsideTransaction('db.read')
    if (isClosed) throw new DatabaseError('unavailable', 'The database is closed.')
    return readConnection
  })
  const listProps = kyselyProps('sqlite', () => {
    assertOutsideTransaction('db.list')
    return lists.connection
  })
  return {
    dialect: 'sqlite',
    read: new Kysely<Schema>(readProps),
    list: new Kysely<Schema>(listProps),
    transaction: (fn, options) => runTransaction(readProps, () => writer.begin(), fn, options),
    async close() {
      if (isClosed) return
      isClosed = true
      await lists.close()
      reader.close()
      // Last, so that SQLite folds the log into the file.
      await writer.close()
    },
  }
}

function connect(session: SqliteSession): DatabaseConnection {
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      // Kysely's row type is a promise of the caller's query, which no driver can check.
      return { rows: session.run(query.sql, query.parameters).rows as R[] }
    },
    // biome-ignore lint/correctness/useYield: it only refuses
    async *streamQuery() {
      throw new DatabaseError('misuse', 'Stream with db.list: db.read runs on the event loop.')
    },
  }
}
