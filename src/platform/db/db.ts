/**
 * The database as the rest of the program sees it: two handles that only read, and transactions that write. Which of
 * SQLite and PostgreSQL stands behind it shows in nothing but speed.
 */
import type { Kysely } from 'kysely'
import type { DialectName } from './kysely-handle.ts'
import type { Schema } from './schema.ts'
import type { TransactionOptions, Tx } from './transaction.ts'

export interface Db {
  readonly dialect: DialectName
  /** Point reads by an index. On SQLite they run on the event loop, in microseconds; on PostgreSQL in the pool. Always current. */
  readonly read: Kysely<Schema>
  /** Lists, searches, counts and exports, with a time limit (`isTimeout`). Large results: `.stream(chunkSize)`. */
  readonly list: Kysely<Schema>
  /**
   * Runs `fn` in one transaction and commits when it returns. Inside, await only statements of `tx`: other handles throw.
   * A statement that fails dooms the transaction, on both dialects. On PostgreSQL `fn` runs again after a deadlock or a
   * serialization failure, so it must not have effects besides its statements.
   */
  transaction<T>(fn: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Lends a view of the whole database as it is at this moment, which later writes do not change, for as long as `fn` runs. Without time
   * limits: for a dump, not for requests. Large results: `.stream(chunkSize)`, one at a time.
   */
  snapshot<T>(fn: (view: Kysely<Schema>) => Promise<T>): Promise<T>
  /** Waits for the transaction under way, then lets go of threads and connections. */
  close(): Promise<void>
}

/** What queries for lists need: threads of their own have nothing else (own-reader.ts). */
export type Lists = Pick<Db, 'list'>
