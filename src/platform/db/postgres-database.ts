/** Holdfast's database on PostgreSQL: one pool for point reads and transactions, one with a time limit for lists. */
import { Kysely } from 'kysely'
import type { Db } from './db.ts'
import { DatabaseError, isConflict } from './errors.ts'
import { kyselyProps } from './kysely-handle.ts'
import { beginTransaction, execute } from './postgres-connection.ts'
import { openPool } from './postgres-pool.ts'
import { openPostgresSnapshot } from './postgres-snapshot.ts'
import { streamRows } from './postgres-stream.ts'
import type { Schema } from './schema.ts'
import { withSnapshot } from './snapshot.ts'
import { assertOutsideTransaction, runTransaction } from './transaction.ts'
import { Turns } from './turns.ts'

const connectionsAtMost = 16
const listConnectionsAtMost = 6
const streamsAtMost = 3
const attemptsAtMost = 4
// Of one statement on the main pool; a transaction with a longer limit of its own raises it.
const statementLimitMs = 15_000

export async function openPostgresDatabase(url: string, readTimeoutMs: number): Promise<Db> {
  const main = openPool(url, connectionsAtMost, statementLimitMs)
  const lists = openPool(url, listConnectionsAtMost, readTimeoutMs)
  const streamTurns = new Turns(streamsAtMost, readTimeoutMs)
  try {
    await main.query('select 1')
  } catch (error) {
    await Promise.all([main.end(), lists.end()])
    throw error
  }
  const readProps = kyselyProps('postgres', () => {
    assertOutsideTransaction('db.read')
    return { executeQuery: (query) => execute(main, query), streamQuery: refuseStream }
  })
  const listProps = kyselyProps('postgres', () => {
    assertOutsideTransaction('db.list')
    return {
      executeQuery: (query) => execute(lists, query),
      streamQuery: (query, chunkSize) => streamRows(lists, streamTurns, query, chunkSize),
    }
  })
  let closing: Promise<void> | null = null
  return {
    dialect: 'postgres',
    read: new Kysely<Schema>(readProps),
    list: new Kysely<Schema>(listProps),
    async transaction(fn, options) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await runTransaction(readProps, (limitMs) => beginTransaction(main, limitMs), fn, options)
        } catch (error) {
          if (attempt >= attemptsAtMost || !isConflict(error)) throw error
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt))
        }
      }
    },
    snapshot: (fn) => withSnapshot('postgres', () => openPostgresSnapshot(url), fn),
    async close() {
      closing ??= Promise.all([main.end(), lists.end()]).then(() => undefined)
      await closing
    },
  }
}

// biome-ignore lint/correctness/useYield: it only refuses
async function* refuseStream(): AsyncGenerator<never> {
  throw new DatabaseError('misuse', 'Stream with db.list: db.read is for point reads.')
}
