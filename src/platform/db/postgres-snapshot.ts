/** One unmoving view of a PostgreSQL, on a connection of its own without time limits: a dump of a large table takes what it takes. */
import type { CompiledQuery, QueryResult } from 'kysely'
import { execute } from './postgres-connection.ts'
import { openPool } from './postgres-pool.ts'
import type { SnapshotConnection } from './snapshot.ts'

/** The view is of the moment at which this resolves. */
export async function openPostgresSnapshot(url: string): Promise<SnapshotConnection> {
  const pool = openPool(url, 1, 0)
  try {
    const client = await pool.connect()
    await client.query(
      'begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = 0; select 1',
    )
    let cursors = 0
    return {
      executeQuery: (query) => execute(client, query),
      async *streamQuery<R>({ sql, parameters }: CompiledQuery, chunkSize: number): AsyncGenerator<QueryResult<R>> {
        const cursor = `holdfast_snapshot_${++cursors}`
        await client.query(`declare ${cursor} no scroll cursor for ${sql}`, [...parameters])
        for (;;) {
          const rows = (await client.query(`fetch forward ${Math.max(1, Math.floor(chunkSize))} from ${cursor}`)).rows
          // Kysely's row type is a promise of the caller's query, which no driver can check.
          if (rows.length > 0) yield { rows: rows as R[] }
          if (rows.length < chunkSize) break
        }
        // One that is left early ends with the view.
        await client.query(`close ${cursor}`)
      },
      async close() {
        client.release(true)
        await pool.end()
      },
    }
  } catch (error) {
    await pool.end()
    throw error
  }
}
