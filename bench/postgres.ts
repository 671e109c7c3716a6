/** A database of its own on the tests' PostgreSQL, which is started if need be and then stopped again. */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import pg from 'pg'
import { run } from './processes.ts'
import { root } from './program.ts'

export interface Postgres {
  readonly url: string
  /** Drops the database. */
  close(): Promise<void>
}

/** The database, or the sentence that says why there is none. */
export async function openPostgres(): Promise<Postgres | string> {
  const script = path.join(root, 'scripts', 'postgres-for-tests.sh')
  const wasRunning = await run('sh', [script, 'status']).then(
    () => true,
    () => false,
  )
  try {
    await run('sh', [script, 'start'], { timeLimitMs: 120_000 })
  } catch (error) {
    return `PostgreSQL was not measured: ${error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error)}`
  }
  const server = (await run('sh', [script, 'url'])).stdout.trim()
  const name = `bench_${randomBytes(6).toString('hex')}`
  await onServer(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    url: url.href,
    close: async () => {
      await onServer(server, `drop database ${name} with (force)`)
      if (!wasRunning) await run('sh', [script, 'stop'])
    },
  }
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
