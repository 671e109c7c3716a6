/**
 * Connections to PostgreSQL. Every one starts read-only, so that a query outside a transaction cannot write, as on
 * SQLite; transactions say `read write`. Columns arrive as on SQLite: integers as numbers, truth values as 0 or 1.
 * No statement here runs long enough to be worth compiling: JIT made one of 3 ms take half a second.
 */
import pg from 'pg'
import { parseInteger } from './integers.ts'

// Longer than a transaction's own limit, which ends it first; this one is for a process that froze.
const idleInTransactionMs = 60_000

const oids = { bool: 16, int8: 20, numeric: 1700 }

export function openPool(url: string, max: number, statementTimeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: withOptions(url),
    max,
    application_name: 'holdfast',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    types: { getTypeParser: columnParser },
  })
  // A connection that breaks while idle is replaced by the pool, and one in use fails its query: nothing is hidden,
  // but without listeners the event would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Added to the address because the driver lets the address win over its other settings. */
function withOptions(url: string): string {
  const parsed = new URL(url)
  const given = parsed.searchParams.get('options')
  const options = '-c default_transaction_read_only=on -c jit=off'
  parsed.searchParams.set('options', given === null ? options : `${given} ${options}`)
  return parsed.toString()
}

const columnParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  if (oid === oids.int8 || oid === oids.numeric) return parseInteger
  if (oid === oids.bool) return (text: string) => (text === 't' ? 1 : 0)
  return pg.types.getTypeParser(oid, format)
}
