/** Holdfast's database on SQLite: one file, a read-only connection here for point reads, workers for all else. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CompiledQuery, type DatabaseConnection, Kysely, type QueryResult } from 'kysely'
import type { Db } from './db.ts'
import { readsDirectly } from './direct-reads.ts'
import { DatabaseError } from './errors.ts'
import { kyselyProps } from './kysely-handle.ts'
import type { Schema } from './schema.ts'
import { withSnapshot } from './snapshot.ts'
import { SqliteLists } from './sqlite-lists.ts'
import { SqliteSession, type StatementResult } from './sqlite-session.ts'
import { openSqliteSnapshot } from './sqlite-snapshot.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import { assertOutsideTransaction, runTransaction, type TransactionConnection } from './transaction.ts'

export function openSqliteDatabase(folder: string, readTimeoutMs: number): Db {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'holdfast.sqlite')
  // A read-only connection cannot create the file or switch it to WAL.
  new SqliteSession(path, { readonly: false, busyTimeoutMs: 5000, cacheKib: 1024 }).close()
  // In WAL mode a reader waits only for recovery after a crash, and this one must not hold up the event loop.
  const reader = new SqliteSession(path, { readonly: true, busyTimeoutMs: 250, cacheKib: 16_384 })
  const reads = new SharedReads(reader)
  const readConnection = connect(reads)
  const writer = new SqliteWriter(path)
  const lists = new SqliteLists(path, readTimeoutMs)
  let isClosed = false

  const assertReadable = (): void => {
    assertOutsideTransaction('db.read')
    if (isClosed) throw new DatabaseError('unavailable', 'The database is closed.')
  }
  const readProps = kyselyProps('sqlite', () => {
    assertReadable()
    return readConnection
  })
  const listProps = kyselyProps('sqlite', () => {
    assertOutsideTransaction('db.list')
    return lists.connection
  })
  const read = new Kysely<Schema>(readProps)
  readsDirectly(read, (sql, parameters) => {
    assertReadable()
    return reads.run(sql, parameters).rows
  })
  return {
    dialect: 'sqlite',
    read,
    list: new Kysely<Schema>(listProps),
    transaction: (fn, options) =>
      runTransaction(readProps, async () => seenByReads(await writer.begin(), reads), fn, options),
    snapshot: (fn) => withSnapshot('sqlite', () => openSqliteSnapshot(path), fn),
    async close() {
      if (isClosed) return
      isClosed = true
      await lists.close()
      reads.renew()
      reader.close()
      // Last, so that SQLite folds the log into the file.
      await writer.close()
    },
  }
}

/**
 * Reads of one turn of the event loop share a read transaction: beginning and ending one costs more system calls than a point read.
 * It ends with the turn, or earlier when a transaction of this process commits. So whoever has seen a write acknowledged, and asks after
 * that, is answered with it: by this process because the commit renews, by another one because a later request is a later turn.
 */
class SharedReads {
  readonly #session: SqliteSession
  #isOpen = false

  constructor(session: SqliteSession) {
    this.#session = session
  }

  run(sql: string, parameters: readonly unknown[]): StatementResult {
    if (!this.#isOpen) {
      this.#session.run('begin', [])
      this.#isOpen = true
      setImmediate(() => this.renew())
    }
    return this.#session.run(sql, parameters)
  }

  /** The next read sees everything that is committed now. */
  renew(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    // A disk error may have ended it already.
    if (this.#session.inTransaction) this.#session.run('commit', [])
  }
}

/** What is committed on `connection` is seen by the next read. */
function seenByReads(connection: TransactionConnection, reads: SharedReads): TransactionConnection {
  return {
    executeQuery: (query) => connection.executeQuery(query),
    streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
    commit: async () => {
      try {
        await connection.commit()
      } finally {
        // Also after a failure: the commit may have gone through before the answer was lost.
        reads.renew()
      }
    },
    rollback: () => connection.rollback(),
    abandon: () => connection.abandon(),
  }
}

function connect(reads: SharedReads): DatabaseConnection {
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      // Kysely's row type is a promise of the caller's query, which no driver can check.
      return { rows: reads.run(query.sql, query.parameters).rows as R[] }
    },
    // biome-ignore lint/correctness/useYield: it only refuses
    async *streamQuery() {
      throw new DatabaseError('misuse', 'Stream with db.list: db.read runs on the event loop.')
    },
  }
}
