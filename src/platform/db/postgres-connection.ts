/** Statements and transactions on PostgreSQL. */
import type { CompiledQuery, QueryResult } from 'kysely'
import type pg from 'pg'
import { DatabaseError } from './errors.ts'
import { statementName } from './statement-names.ts'
import type { TransactionConnection } from './transaction.ts'

const writingCommands = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])
const defaultLimitMs = 15_000

/** Runs one statement on a pool or on one of its connections. */
export async function execute<R>(on: pg.Pool | pg.PoolClient, query: CompiledQuery): Promise<QueryResult<R>> {
  const name = statementName(query.sql)
  const result = await on.query({
    text: query.sql,
    values: [...query.parameters],
    ...(name === null ? {} : { name }),
  })
  // Kysely's row type is a promise of the caller's query, which no driver can check.
  const rows = result.rows as R[]
  return writingCommands.has(result.command) ? { rows, numAffectedRows: BigInt(result.rowCount ?? 0) } : { rows }
}

export async function beginTransaction(pool: pg.Pool, limitMs: number): Promise<TransactionConnection> {
  const client = await pool.connect()
  let isOver = false
  const finish = (broken: boolean) => {
    if (isOver) return
    isOver = true
    client.release(broken)
  }
  try {
    const longer = limitMs > defaultLimitMs ? `; set local statement_timeout = ${Math.ceil(limitMs)}` : ''
    await client.query(`begin isolation level read committed read write${longer}`)
  } catch (error) {
    finish(true)
    throw error
  }
  return {
    executeQuery: (query) => execute(client, query),
    // biome-ignore lint/correctness/useYield: it only refuses
    async *streamQuery() {
      throw new DatabaseError('misuse', 'Stream with db.list: a transaction must be short.')
    },
    async commit() {
      try {
        const result = await client.query('commit')
        finish(false)
        // PostgreSQL answers COMMIT with ROLLBACK when a statement had failed.
        if (result.command === 'ROLLBACK') {
          throw new DatabaseError(
            'aborted',
            'A statement of this transaction failed, so it was rolled back instead of committed.',
          )
        }
      } catch (error) {
        finish(true)
        throw error
      }
    },
    async rollback() {
      try {
        await client.query('rollback')
        finish(false)
      } catch {
        // Closing the connection rolls back as well; the caller gets the error that led here.
        finish(true)
      }
    },
    abandon() {
      finish(true)
    },
  }
}
