/** Where a database is opened, and what other folders import. */
import type { Db } from './db.ts'
import { openSqliteDatabase } from './sqlite-database.ts'

export type { Db, Lists } from './db.ts'
export { afterCommit, type TransactionOptions, type Tx } from './transaction.ts'

export interface OpenOptions {
  /** `postgres://user@host:port/name`, or null for SQLite. */
  readonly url: string | null
  /** The folder of `holdfast.sqlite`; made when missing. */
  readonly folder: string
  /** Limit of one `list` query, or of one chunk of a stream. Default 5 000. */
  readonly readTimeoutMs?: number
}

/** Opens the database without changing its tables: `migrate` does that. PostgreSQL is asked once, so a wrong address fails here. */
export async function openDatabase(options: OpenOptions): Promise<Db> {
  const readTimeoutMs = options.readTimeoutMs ?? 5000
  if (options.url !== null) {
    // Loaded only when needed: the driver would cost a hub on SQLite some megabytes.
    const { openPostgresDatabase } = await import('./postgres-database.ts')
    return await openPostgresDatabase(options.url, readTimeoutMs)
  }
  return openSqliteDatabase(options.folder, readTimeoutMs)
}
