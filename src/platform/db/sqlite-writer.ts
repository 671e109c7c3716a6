/**
 * The one SQLite writer of this process: a connection in a worker thread, so that a commit's fsync and another process's
 * write lock never stop the event loop. Transactions take their turn in the order in which they asked.
 */
import type { CompiledQuery, QueryResult } from 'kysely'
import { DatabaseError } from './errors.ts'
import type { WorkerStart } from './sqlite-protocol.ts'
import { SqliteWorkerLink } from './sqlite-worker-link.ts'
import type { TransactionConnection } from './transaction.ts'

// A writer that nobody needs gives its memory back; starting it again takes some 40 ms.
const idleMs = 120_000

export class SqliteWriter {
  readonly #start: WorkerStart
  readonly #waiting: (() => void)[] = []
  #link: SqliteWorkerLink | null = null
  #isTaken = false
  #isClosed = false
  #idleTimer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#start = { path, role: 'writer' }
  }

  /** Waits for this caller's turn. The connection frees the turn when it commits, rolls back or is abandoned. */
  async begin(): Promise<TransactionConnection> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    if (this.#isClosed) {
      this.#free()
      throw new DatabaseError('unavailable', 'The database is closed.')
    }
    clearTimeout(this.#idleTimer)
    if (this.#link === null || !this.#link.isAlive) this.#link = new SqliteWorkerLink(this.#start)
    return connect(this.#link, () => this.#free())
  }

  /** Waits for the transaction that is under way; those still waiting are refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const link = this.#link
    this.#link = null
    this.#free()
    await link?.end()
  }

  #free(): void {
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.#isTaken = false
    if (this.#link === null || this.#isClosed) return
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => {
      void this.#link?.end()
      this.#link = null
    }, idleMs)
    this.#idleTimer.unref()
  }
}

function connect(link: SqliteWorkerLink, free: () => void): TransactionConnection {
  let isOver = false
  const finish = () => {
    if (isOver) return
    isOver = true
    free()
  }
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const result = await link.call({ kind: 'write', sql: query.sql, parameters: query.parameters })
      // Kysely's row type is a promise of the caller's query, which no driver can check.
      return {
        rows: result.rows as R[],
        ...(result.changes === null ? {} : { numAffectedRows: BigInt(result.changes) }),
      }
    },
    // biome-ignore lint/correctness/useYield: it only refuses
    async *streamQuery() {
      throw new DatabaseError('misuse', 'Stream with db.list: a transaction must be short.')
    },
    async commit() {
      try {
        await link.call({ kind: 'commit' })
      } finally {
        finish()
      }
    },
    async rollback() {
      try {
        await link.call({ kind: 'rollback' })
      } catch (error) {
        // The worker is gone and its transaction with it, or SQLite refuses to roll back: start afresh then.
        link.abandon(
          new DatabaseError('unavailable', `The rollback failed: ${error instanceof Error ? error.message : error}`),
        )
      } finally {
        finish()
      }
    },
    abandon() {
      if (link.isBusy) link.abandon(new DatabaseError('timeout', 'The transaction took too long and was rolled back.'))
      else void this.rollback()
      finish()
    },
  }
}
