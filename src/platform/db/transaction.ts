/**
 * One transaction from begin to commit, the same on both dialects. Invariants: a `Tx` works only until its callback
 * ends; no other handle works inside the callback (on SQLite it would not see the transaction's writes, on PostgreSQL
 * it could wait for a pool that waits for us); a transaction that stays open too long is rolled back.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type DatabaseConnection, type KyselyProps, Transaction } from 'kysely'
import { DatabaseError } from './errors.ts'
import type { Schema } from './schema.ts'

declare const txBrand: unique symbol

/** The right to write. Made only by `db.transaction(fn)`, worthless after `fn` ends. */
export type Tx = Transaction<Schema> & { readonly [txBrand]: true }

/** A connection inside a transaction that has begun, or begins with its first statement. */
export interface TransactionConnection extends DatabaseConnection {
  commit(): Promise<void>
  /** Never rejects: when the connection is gone, so is the transaction. */
  rollback(): Promise<void>
  /** Gives up at once, whatever statement is running; the connection is not used again. */
  abandon(): void
}

export interface TransactionOptions {
  /** Milliseconds from begin to the end of the callback. Default 10 000. */
  readonly timeLimitMs?: number
}

interface Scope {
  state: 'open' | 'ended' | 'overdue'
  readonly afterCommit: (() => void)[]
}

const current = new AsyncLocalStorage<Scope>()
const scopes = new WeakMap<Transaction<Schema>, Scope>()

/** Throws when called inside a running transaction callback: only `tx` may be used there. */
export function assertOutsideTransaction(handle: string): void {
  if (current.getStore()?.state === 'open') {
    throw new DatabaseError('misuse', `${handle} was used inside a transaction. Use the transaction's own tx there.`)
  }
}

/** Runs `callback` once `tx` is committed, and never when it is rolled back. For wake-ups, not for work that must happen. */
export function afterCommit(tx: Tx, callback: () => void): void {
  const scope = scopes.get(tx)
  if (scope?.state !== 'open') throw endedError('ended')
  scope.afterCommit.push(callback)
}

/** Runs `fn` on a connection from `begin`, commits when it returns, rolls back when it throws. */
export async function runTransaction<T>(
  props: KyselyProps,
  begin: (timeLimitMs: number) => Promise<TransactionConnection>,
  fn: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  assertOutsideTransaction('db.transaction')
  const limit = options.timeLimitMs ?? 10_000
  const connection = await begin(limit)
  const scope: Scope = { state: 'open', afterCommit: [] }
  const tx = makeTx(props, connection, scope)
  let timer: NodeJS.Timeout | undefined
  let result: T
  try {
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        scope.state = 'overdue'
        connection.abandon()
        reject(new DatabaseError('timeout', `A transaction was open longer than ${limit} ms and was rolled back.`))
      }, limit)
    })
    result = await Promise.race([current.run(scope, () => fn(tx)), overdue])
  } catch (error) {
    clearTimeout(timer)
    if (scope.state === 'open') {
      scope.state = 'ended'
      await connection.rollback()
    }
    throw error
  }
  clearTimeout(timer)
  scope.state = 'ended'
  await connection.commit()
  for (const callback of scope.afterCommit) callback()
  return result
}

function makeTx(props: KyselyProps, connection: TransactionConnection, scope: Scope): Tx {
  const executor = props.executor.withConnectionProvider({
    provideConnection: async (consumer) => {
      if (scope.state !== 'open') throw endedError(scope.state)
      return await consumer(connection)
    },
  })
  const tx = new Transaction<Schema>({ ...props, executor })
  scopes.set(tx, scope)
  // The one place where the brand is given.
  return tx as Tx
}

function endedError(state: Scope['state']): DatabaseError {
  if (state === 'overdue')
    return new DatabaseError('timeout', 'This transaction was rolled back because it took too long.')
  return new DatabaseError(
    'misuse',
    'A tx was used after its transaction ended. Await every statement inside the callback.',
  )
}
