/**
 * A worker thread that owns one SQLite connection: the writer, or a reader for lists. It answers each request before it
 * looks at the next. As on PostgreSQL, a statement that fails spoils its transaction: what follows is refused, and a
 * commit rolls back, so that code which passes on one dialect passes on the other.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { DatabaseError } from './errors.ts'
import { checkIntegers } from './integers.ts'
import type { WorkerReply, WorkerRequest, WorkerStart } from './sqlite-protocol.ts'
import { SqliteSession, type StatementResult } from './sqlite-session.ts'

const start: WorkerStart = workerData
const session = new SqliteSession(start.path, {
  readonly: start.role === 'lists',
  busyTimeoutMs: 5000,
  cacheKib: start.role === 'lists' ? 32_768 : 16_384,
})
// Beyond this a list would swell the memory of both threads.
const rowsAtMost = 50_000
const nothing: StatementResult = { rows: [], changes: null }
let spoiled = false
let cursor: IterableIterator<object> | null = null

parentPort?.on('message', (request: WorkerRequest) => {
  parentPort?.postMessage(reply(request))
  if (request.kind === 'end') parentPort?.close()
})

parentPort?.postMessage('started')

function reply(request: WorkerRequest): WorkerReply {
  try {
    return answer(request)
  } catch (error) {
    return {
      error: {
        fault: error instanceof DatabaseError ? error.fault : 'statement',
        message: error instanceof Error ? error.message : String(error),
        code: error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null,
      },
    }
  }
}

function answer(request: WorkerRequest): StatementResult {
  switch (request.kind) {
    case 'query':
      return session.query(request.sql, request.parameters, rowsAtMost)
    case 'write':
      return write(request.sql, request.parameters)
    case 'commit':
      return commit()
    case 'rollback':
      spoiled = false
      if (session.inTransaction) session.run('rollback', [])
      return nothing
    case 'open':
      shut()
      cursor = session.iterate(request.sql, request.parameters)
      return nothing
    case 'next':
      return next(request.count)
    case 'shut':
      shut()
      return nothing
    case 'end':
      shut()
      session.close()
      return nothing
  }
}

function write(sql: string, parameters: readonly unknown[]): StatementResult {
  if (spoiled)
    throw new DatabaseError(
      'aborted',
      'An earlier statement of this transaction failed, so it can only be rolled back.',
    )
  // IMMEDIATE: a transaction that reads first and writes later could not upgrade its snapshot.
  if (!session.inTransaction) session.run('begin immediate', [])
  try {
    return session.run(sql, parameters)
  } catch (error) {
    spoiled = true
    throw error
  }
}

function commit(): StatementResult {
  if (spoiled) {
    spoiled = false
    if (session.inTransaction) session.run('rollback', [])
    throw new DatabaseError(
      'aborted',
      'A statement of this transaction failed, so it was rolled back instead of committed.',
    )
  }
  try {
    if (session.inTransaction) session.run('commit', [])
  } catch (error) {
    // A commit that failed (disk full, deferred foreign key) leaves the transaction open; the next one must find a clean start.
    if (session.inTransaction) session.run('rollback', [])
    throw error
  }
  return nothing
}

function next(count: number): StatementResult {
  const rows: object[] = []
  while (cursor !== null && rows.length < count) {
    const step = cursor.next()
    if (step.done) cursor = null
    else rows.push(step.value)
  }
  checkIntegers(rows)
  return { rows, changes: null }
}

function shut(): void {
  cursor?.return?.()
  cursor = null
}
