/**
 * The SQL of the job table. Invariant: whoever runs a job holds it by (id, worker, attempts); every statement that ends
 * or prolongs a run names all three, so a worker that lost its lease changes nothing.
 */
import { type SqlBool, sql } from 'kysely'
import type { Db, Tx } from '../db/database.ts'
import type { JobTable } from '../db/schema.ts'

/** A run of a job: this worker's hold on it. */
export interface Held {
  readonly id: string
  readonly worker: string
  readonly attempts: number
  /** Given for a run that was found expired: it must not have been renewed since. */
  readonly leaseUntil?: number | null
}

export interface Claimed extends Held {
  readonly queue: string
  readonly payload: string
  readonly maxAttempts: number
}

/** Inserts, or moves the waiting job with the same key forward. */
export async function insertJob(tx: Tx, job: JobTable): Promise<void> {
  await tx
    .insertInto('job')
    .values(job)
    .onConflict((conflict) =>
      conflict.column('dedupKey').doUpdateSet((eb) => ({
        runAt: eb
          .case()
          .when('excluded.runAt', '<', eb.ref('job.runAt'))
          .then(eb.ref('excluded.runAt'))
          .else(eb.ref('job.runAt'))
          .end(),
      })),
    )
    .execute()
}

/** For jobs without a key. */
export async function insertJobs(tx: Tx, jobs: readonly JobTable[]): Promise<void> {
  await tx.insertInto('job').values(jobs).execute()
}

/** Whether a job with this key waits that begins at `runAt` or before. */
export async function isWaiting(db: Db, dedupKey: string, runAt: number): Promise<boolean> {
  const row = await db.read
    .selectFrom('job')
    .select('id')
    .where('dedupKey', '=', dedupKey)
    .where('runAt', '<=', runAt)
    .executeTakeFirst()
  return row !== undefined
}

/** The next waiting jobs of each queue, due or not, soonest first, `limit` of each. */
export async function nextReady(
  db: Db,
  queues: readonly string[],
  limit: number,
): Promise<{ id: string; queue: string; runAt: number }[]> {
  // One index range per queue: a queue with a million waiting jobs costs no more than an empty one.
  const perQueue = queues.map(
    (queue) => sql`select * from (select "id", "queue", "runAt" from "job"
      where "state" = 'ready' and "queue" = ${queue} order by "runAt" limit ${limit}) as "next"`,
  )
  const { rows } = await sql<{
    id: string
    queue: string
    runAt: number
  }>`${sql.join(perQueue, sql` union all `)}`.execute(db.read)
  return rows
}

/** Takes those of `ids` that are still waiting. Jobs that another worker is taking at this moment are left to it. */
export async function claimJobs(
  db: Db,
  ids: readonly string[],
  holder: { worker: string; leaseUntil: number },
): Promise<Claimed[]> {
  const rows = await db.transaction(async (tx) => {
    const free = tx.selectFrom('job').select('id').where('id', 'in', ids).where('state', '=', 'ready')
    return await tx
      .updateTable('job')
      .set((eb) => ({
        state: 'running',
        worker: holder.worker,
        leaseUntil: holder.leaseUntil,
        attempts: eb('attempts', '+', 1),
        dedupKey: null,
      }))
      .where('id', 'in', db.dialect === 'postgres' ? free.forUpdate().skipLocked() : free)
      .returning(['id', 'queue', 'payload', 'attempts', 'maxAttempts'])
      .execute()
  })
  return rows.map((row) => ({ ...row, worker: holder.worker }))
}

/** Prolongs the leases of running jobs; the ids that come back are still held. */
export async function renewLeases(
  tx: Tx,
  worker: string,
  ids: readonly string[],
  leaseUntil: number,
): Promise<string[]> {
  const rows = await tx
    .updateTable('job')
    .set({ leaseUntil })
    .where('id', 'in', ids)
    .where('worker', '=', worker)
    .where('state', '=', 'running')
    .returning('id')
    .execute()
  return rows.map((row) => row.id)
}

/** Jobs whose worker died or froze. */
export async function findExpired(db: Db, queues: readonly string[], now: number, limit: number): Promise<Claimed[]> {
  const rows = await db.read
    .selectFrom('job')
    .select(['id', 'queue', 'payload', 'worker', 'attempts', 'maxAttempts', 'leaseUntil'])
    .where('state', '=', 'running')
    .where('queue', 'in', queues)
    .where('leaseUntil', '<=', now)
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, worker: row.worker ?? '' }))
}

export async function finishJob(tx: Tx, held: Held): Promise<void> {
  await tx.deleteFrom('job').where(isHeld(held)).execute()
}

/** Back to the waiting ones: after a failure, or unfinished when its worker stops (`attempts` then as before the run). */
export async function returnJob(
  tx: Tx,
  held: Held,
  change: { runAt: number; attempts: number; lastError: string | null },
): Promise<void> {
  await tx
    .updateTable('job')
    .set({ ...change, state: 'ready', worker: null, leaseUntil: null })
    .where(isHeld(held))
    .execute()
}

/** Puts a job aside for a person to look at. */
export async function buryJob(tx: Tx, held: Held, lastError: string): Promise<void> {
  await tx
    .updateTable('job')
    .set({ state: 'dead', worker: null, leaseUntil: null, lastError })
    .where(isHeld(held))
    .execute()
}

/** Dead jobs, oldest first, `limit` after the id `after`. */
export async function listDeadJobs(
  db: Db,
  page: { after: string | null; limit: number },
): Promise<Pick<JobTable, 'id' | 'queue' | 'payload' | 'attempts' | 'lastError' | 'createdAt'>[]> {
  return await db.list
    .selectFrom('job')
    .select(['id', 'queue', 'payload', 'attempts', 'lastError', 'createdAt'])
    // A literal: the index has dead jobs alone, and a plan for any state could not use it.
    .where(sql<SqlBool>`"state" = 'dead'`)
    .where('id', '>', page.after ?? '')
    .orderBy('id')
    .limit(page.limit)
    .execute()
}

/** Gives a dead job a fresh set of attempts. Its queue; null when there is no such dead job. */
export async function retryDeadJob(tx: Tx, id: string, now: number): Promise<string | null> {
  const row = await tx
    .updateTable('job')
    .set({ state: 'ready', attempts: 0, runAt: now })
    .where('id', '=', id)
    .where('state', '=', 'dead')
    .returning('queue')
    .executeTakeFirst()
  return row?.queue ?? null
}

/** Its queue; null when there is no such dead job. */
export async function dropDeadJob(tx: Tx, id: string): Promise<string | null> {
  const row = await tx
    .deleteFrom('job')
    .where('id', '=', id)
    .where('state', '=', 'dead')
    .returning('queue')
    .executeTakeFirst()
  return row?.queue ?? null
}

function isHeld(held: Held) {
  const run = sql<boolean>`"id" = ${held.id} and "worker" = ${held.worker} and "attempts" = ${held.attempts}
    and "state" = 'running'`
  return held.leaseUntil === undefined ? run : sql<boolean>`${run} and "leaseUntil" = ${held.leaseUntil}`
}
