/** The SQL of the throttle: one row per thing that is guessed at, counted inside a transaction so that parallel guesses queue up. */
import type { Tx } from '../../platform/db/database.ts'
import type { ThrottleTable } from '../../platform/db/schema.ts'

/** The row, made where there is none, and held until the transaction ends. */
export async function takeThrottle(tx: Tx, key: string, now: number): Promise<ThrottleTable> {
  // The update changes nothing: it locks the row on PostgreSQL and returns it on both dialects.
  return await tx
    .insertInto('throttle')
    .values({ key, count: 0, windowStartedAt: now, blockedUntil: null })
    .onConflict((conflict) => conflict.column('key').doUpdateSet((q) => ({ count: q.ref('throttle.count') })))
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function writeThrottle(tx: Tx, row: ThrottleTable): Promise<void> {
  const { key, ...rest } = row
  await tx.updateTable('throttle').set(rest).where('key', '=', key).execute()
}

export async function deleteThrottle(tx: Tx, key: string): Promise<void> {
  await tx.deleteFrom('throttle').where('key', '=', key).execute()
}

/** Takes one attempt back. */
export async function refundThrottle(tx: Tx, key: string): Promise<void> {
  await tx
    .updateTable('throttle')
    .set((q) => ({ count: q('count', '-', 1), blockedUntil: null }))
    .where('key', '=', key)
    .where('count', '>', 0)
    .execute()
}

export async function deleteQuietThrottles(tx: Tx, before: number): Promise<void> {
  await tx.deleteFrom('throttle').where('windowStartedAt', '<', before).execute()
}
