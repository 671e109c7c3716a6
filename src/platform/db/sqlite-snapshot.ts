/** One unmoving view of an SQLite file, in a worker of its own: a long read must not take the turn of lists. */
import type { CompiledQuery, QueryResult } from 'kysely'
import type { SnapshotConnection } from './snapshot.ts'
import { SqliteWorkerLink } from './sqlite-worker-link.ts'

/** The view is of the moment at which this resolves. While it is open SQLite keeps all later writes in its log file. */
export async function openSqliteSnapshot(path: string): Promise<SnapshotConnection> {
  const link = new SqliteWorkerLink({ path, role: 'lists' })
  await link.started
  const query = (sql: string, parameters: readonly unknown[] = []) => link.call({ kind: 'query', sql, parameters })
  try {
    await query('begin')
    // A deferred transaction begins with its first read.
    await query('select count(*) from sqlite_master')
  } catch (error) {
    await link.end()
    throw error
  }
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      // Kysely's row type is a promise of the caller's query, which no driver can check.
      return { rows: (await query(sql, parameters)).rows as R[] }
    },
    async *streamQuery<R>({ sql, parameters }: CompiledQuery, chunkSize: number): AsyncGenerator<QueryResult<R>> {
      await link.call({ kind: 'open', sql, parameters })
      try {
        for (;;) {
          const { rows } = await link.call({ kind: 'next', count: chunkSize })
          if (rows.length > 0) yield { rows: rows as R[] }
          if (rows.length < chunkSize) return
        }
      } finally {
        if (link.isAlive) await link.call({ kind: 'shut' })
      }
    },
    close: () => link.end(),
  }
}
