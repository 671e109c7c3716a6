/**
 * How work is left for later. The job is a row of the caller's transaction: it exists exactly when the change that made
 * it necessary does. Jobs run at least once, so handlers must bear being repeated.
 */

import { systemClock } from '../clock.ts'
import { afterCommit, type Db, type Tx } from '../db/database.ts'
import type { JobTable } from '../db/schema.ts'
import { insertJob, insertJobs, isWaiting } from './queries.ts'
import { wakeWorkers } from './wake.ts'

export type JobPayload =
  | string
  | number
  | boolean
  | null
  | readonly JobPayload[]
  | { readonly [key: string]: JobPayload }

export interface EnqueueOptions {
  /** Milliseconds since 1970; default now. */
  readonly runAt?: number
  /**
   * While a job with this key waits, enqueueing another changes nothing, except that the earlier `runAt` wins.
   * The key is free again as soon as the job starts, so what happens meanwhile gets a run of its own.
   */
  readonly dedupKey?: string
  /** Attempts before the job is put aside as dead. Default 12, which is about an hour and a half. */
  readonly maxAttempts?: number
}

const clock = systemClock()
const defaultMaxAttempts = 12

/** Writes a job; workers of this process look at once after the commit, others within seconds. */
export async function enqueue(tx: Tx, queue: string, payload: JobPayload, options: EnqueueOptions = {}): Promise<void> {
  await insertJob(tx, newJob(queue, payload, options))
  afterCommit(tx, wakeWorkers)
}

/** A job for each payload. */
export async function enqueueEach(
  tx: Tx,
  queue: string,
  payloads: readonly JobPayload[],
  options: Omit<EnqueueOptions, 'dedupKey'> = {},
): Promise<void> {
  const atOnce = 500
  for (let at = 0; at < payloads.length; at += atOnce) {
    await insertJobs(
      tx,
      payloads.slice(at, at + atOnce).map((payload) => newJob(queue, payload, options)),
    )
  }
  afterCommit(tx, wakeWorkers)
}

/**
 * For work that each start leaves behind: like `enqueue` in a transaction of its own, but only looks where the job waits already, so that
 * a start with nothing to do needs no writer.
 */
export async function ensureEnqueued(
  db: Db,
  queue: string,
  payload: JobPayload,
  options: EnqueueOptions & { readonly dedupKey: string },
): Promise<void> {
  if (await isWaiting(db, keyOf(queue, options.dedupKey), options.runAt ?? clock.now())) return
  await db.transaction((tx) => enqueue(tx, queue, payload, options))
}

function newJob(queue: string, payload: JobPayload, options: EnqueueOptions): JobTable {
  const now = clock.now()
  return {
    id: clock.id(),
    queue,
    payload: JSON.stringify(payload),
    state: 'ready',
    runAt: options.runAt ?? now,
    attempts: 0,
    maxAttempts: options.maxAttempts ?? defaultMaxAttempts,
    leaseUntil: null,
    worker: null,
    dedupKey: options.dedupKey === undefined ? null : keyOf(queue, options.dedupKey),
    lastError: null,
    createdAt: now,
  }
}

function keyOf(queue: string, dedupKey: string): string {
  return `${queue}:${dedupKey}`
}
