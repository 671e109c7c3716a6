/**
 * One SQLite connection with its statements kept by SQL text. Used by the main thread for point reads and by the
 * workers for everything else; nothing outside this file knows better-sqlite3.
 */
import SqliteFile from 'better-sqlite3'
import { DatabaseError } from './errors.ts'
import { checkIntegers } from './integers.ts'

export interface SessionOptions {
  readonly readonly: boolean
  /** How long to wait for another connection's lock. */
  readonly busyTimeoutMs: number
  readonly cacheKib: number
}

export interface StatementResult {
  readonly rows: object[]
  /** Rows changed by an insert, update or delete without `returning`; null for a query. */
  readonly changes: number | null
}

// Lists of ids make new SQL texts, so the cache is bounded.
const statementsKept = 400
// After a burst of writes the WAL file is cut back to this.
const walBytesKept = 64 * 1024 * 1024

type Statement = SqliteFile.Statement<unknown[], object>

export class SqliteSession {
  readonly #file: SqliteFile.Database
  readonly #statements = new Map<string, Statement>()

  constructor(path: string, options: SessionOptions) {
    this.#file = new SqliteFile(path, { readonly: options.readonly, timeout: options.busyTimeoutMs })
    this.#file.pragma('foreign_keys = on')
    this.#file.pragma(`cache_size = -${options.cacheKib}`)
    // Mapped pages would turn a disk error into SIGBUS, which ends the process.
    this.#file.pragma('mmap_size = 0')
    if (!options.readonly) {
      this.#file.pragma('journal_mode = wal')
      // FULL: in WAL mode NORMAL may lose acknowledged commits when the machine loses power.
      this.#file.pragma('synchronous = full')
      this.#file.pragma(`journal_size_limit = ${walBytesKept}`)
    }
  }

  run(sql: string, parameters: readonly unknown[]): StatementResult {
    const statement = this.#prepare(sql)
    if (!statement.reader) return { rows: [], changes: statement.run(...parameters).changes }
    const rows = statement.all(...parameters)
    checkIntegers(rows)
    return { rows, changes: null }
  }

  /** Like `run` for a query, but refuses a result that does not fit in `rowsAtMost`. */
  query(sql: string, parameters: readonly unknown[], rowsAtMost: number): StatementResult {
    const statement = this.#prepare(sql)
    // A writing statement: SQLite's own refusal is the clearest.
    if (!statement.reader) return this.run(sql, parameters)
    const rows: object[] = []
    for (const row of statement.iterate(...parameters)) {
      if (rows.length === rowsAtMost) {
        throw new DatabaseError('misuse', `A list has more than ${rowsAtMost} rows. Page it, or use stream().`)
      }
      rows.push(row)
    }
    checkIntegers(rows)
    return { rows, changes: null }
  }

  /** Rows one at a time, without keeping them. Closed by leaving the loop. */
  iterate(sql: string, parameters: readonly unknown[]): IterableIterator<object> {
    // Not from the cache: a statement that is being read cannot be used twice.
    return this.#file.prepare<unknown[], object>(sql).iterate(...parameters)
  }

  get inTransaction(): boolean {
    return this.#file.inTransaction
  }

  close(): void {
    this.#statements.clear()
    this.#file.close()
  }

  #prepare(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#file.prepare<unknown[], object>(sql)
    if (this.#statements.size >= statementsKept) {
      const oldest = this.#statements.keys().next().value
      if (oldest !== undefined) this.#statements.delete(oldest)
    }
    this.#statements.set(sql, statement)
    return statement
  }
}
