/**
 * Large results from PostgreSQL in chunks, through a cursor declared in SQL (so that no driver addition is needed).
 * A stream holds a connection and an old snapshot, so their number is bounded and a slow reader is let go.
 */
import type { CompiledQuery, QueryResult } from 'kysely'
import type pg from 'pg'
import { DatabaseError } from './errors.ts'
import type { Turns } from './turns.ts'

const streamIdleMs = 30_000

export async function* streamRows<R>(
  pool: pg.Pool,
  turns: Turns,
  query: CompiledQuery,
  chunkSize: number,
): AsyncIterableIterator<QueryResult<R>> {
  await turns.take()
  let client: pg.PoolClient | null = null
  let isTooSlow = false
  let isDone = false
  try {
    client = await pool.connect()
    await client.query('begin read only')
    await client.query(`declare holdfast_rows no scroll cursor for ${query.sql}`, [...query.parameters])
    const fetch = `fetch forward ${Math.max(1, Math.floor(chunkSize))} from holdfast_rows`
    while (true) {
      if (isTooSlow) throw new DatabaseError('timeout', 'The reader of a list was too slow.')
      // Kysely's row type is a promise of the caller's query, which no driver can check.
      const rows = (await client.query(fetch)).rows as R[]
      if (rows.length > 0) {
        const held = client
        const timer = setTimeout(() => {
          isTooSlow = true
          client = null
          held.release(true)
        }, streamIdleMs)
        try {
          yield { rows }
        } finally {
          clearTimeout(timer)
        }
      }
      if (rows.length < chunkSize) break
    }
    await client?.query('commit')
    isDone = true
  } finally {
    // A stream that was left early is closed with its connection: cheaper to reason about than a rollback that may fail.
    client?.release(!isDone)
    turns.give()
  }
}
