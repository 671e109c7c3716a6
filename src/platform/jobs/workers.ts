/**
 * Runs jobs. A worker claims due jobs for the length of a lease and renews it while they run; when it dies, the lease
 * ends and another worker takes them up. So each job runs at least once, and its handler must bear being repeated.
 */
import type { Clock } from '../clock.ts'
import type { Db } from '../db/database.ts'
import { blot, type Logger } from '../log/logger.ts'
import { backoffMs } from './backoff.ts'
import {
  buryJob,
  type Claimed,
  claimJobs,
  findExpired,
  finishJob,
  nextReady,
  renewLeases,
  returnJob,
} from './queries.ts'
import { onEnqueued } from './wake.ts'

/**
 * Does one job. The payload is as it was enqueued, so parse it. `signal` fires when the lease is lost, the time limit
 * is over or the program stops: end soon then, by throwing.
 */
export interface JobHandler {
  (payload: unknown, signal: AbortSignal): Promise<void>
  /** In place of that of the workers, for what may last: one file can be half a terabyte. */
  readonly timeLimitMs?: number
}

/** By queue. */
export type JobHandlers = Readonly<Record<string, JobHandler>>

export interface WorkerOptions {
  readonly db: Db
  readonly log: Logger
  readonly clock: Clock
  /** Jobs of other queues are left alone. */
  readonly handlers: JobHandlers
  /** Jobs at the same time. */
  readonly concurrency: number
  /** Default 60 000. Renewed at a third of it. */
  readonly leaseMs?: number
  /** How often to look for jobs of other processes. Default 5 000. */
  readonly pollMs?: number
  /** After this a job's signal fires and the run counts as failed. Default one hour. */
  readonly timeLimitMs?: number
}

export interface Workers {
  /** Takes no new jobs, waits up to `graceMs` (default 20 000) for those that run, then returns the rest to the queue. */
  stop(graceMs?: number): Promise<void>
}

interface Run {
  readonly job: Claimed
  readonly controller: AbortController
  done: Promise<void>
}

const errorLengthKept = 2000
// After its signal fired, a handler gets this long to end before its job is given to others.
const abortGraceMs = 2000

export function startWorkers(options: WorkerOptions): Workers {
  const { db, log, clock, handlers, concurrency } = options
  const leaseMs = options.leaseMs ?? 60_000
  const pollMs = options.pollMs ?? 5000
  const timeLimitMs = options.timeLimitMs ?? 60 * 60 * 1000
  const queues = Object.keys(handlers)
  const worker = clock.id()
  const running = new Map<string, Run>()
  let isStopping = false
  let turn = 0
  let reviveAt = 0
  let stopped: Promise<void> | null = null
  let round: Promise<void> | null = null
  let isRoundWanted = false
  let pollTimer: NodeJS.Timeout | undefined

  /** Looks for work now; calls during a round ask for one more after it. */
  function look(): void {
    if (isStopping || queues.length === 0) return
    if (round !== null) {
      isRoundWanted = true
      return
    }
    clearTimeout(pollTimer)
    round = claimRound()
      .catch((error: unknown) => {
        log.error({ err: error }, 'Jobs could not be claimed; trying again')
        return pollMs
      })
      .then((waitMs) => {
        round = null
        if (isStopping) return
        const wanted = isRoundWanted
        isRoundWanted = false
        if (wanted) look()
        else pollTimer = setTimeout(look, waitMs)
      })
  }

  /** Starts what is due and fits; answers how long to wait before the next look. */
  async function claimRound(): Promise<number> {
    if (clock.now() >= reviveAt) {
      reviveAt = clock.now() + pollMs
      await reviveExpired()
    }
    const free = concurrency - running.size
    if (free <= 0) return pollMs
    const ready = await nextReady(db, queues, free)
    const now = clock.now()
    const soonest = Math.min(...ready.filter((job) => job.runAt > now).map((job) => job.runAt - now))
    // Queues take turns, each round begins with another: a full one does not hold up the rest.
    const due = queues.map((queue) =>
      ready.filter((job) => job.queue === queue && job.runAt <= now).map((job) => job.id),
    )
    due.push(...due.splice(0, turn++ % queues.length))
    const ids = interleave(due, free)
    if (ids.length > 0 && !isStopping) {
      const claimed = await claimJobs(db, ids, { worker, leaseUntil: clock.now() + leaseMs })
      for (const job of claimed) start(job)
      // Others took them: give those a moment instead of racing for the next ones.
      if (claimed.length === 0) return 20 + Math.random() * 80
      isRoundWanted = running.size < concurrency
    }
    return Math.max(1, Math.min(soonest, pollMs * (0.8 + Math.random() * 0.4)))
  }

  async function reviveExpired(): Promise<void> {
    for (const job of await findExpired(db, queues, clock.now(), 100)) {
      if (running.has(job.id)) continue
      log.warn({ job: job.id, queue: job.queue, attempts: job.attempts }, 'A job outlived its worker')
      await fail(job, 'The worker that ran this job stopped or froze.')
    }
  }

  function start(job: Claimed): void {
    const controller = new AbortController()
    const run: Run = { job, controller, done: Promise.resolve() }
    running.set(job.id, run)
    run.done = perform(run)
      .catch((error: unknown) =>
        log.error({ err: error, job: job.id }, 'The end of a job could not be written; it will run again'),
      )
      .finally(() => {
        running.delete(job.id)
        look()
      })
  }

  async function perform({ job, controller }: Run): Promise<void> {
    const handler = handlers[job.queue]
    const limitMs = handler?.timeLimitMs ?? timeLimitMs
    const limit = setTimeout(() => controller.abort(new Error(`The job took longer than ${limitMs} ms.`)), limitMs)
    try {
      if (handler === undefined) throw new Error(`There is no handler for ${job.queue}.`)
      await handler(JSON.parse(job.payload), controller.signal)
    } catch (error) {
      if (isStopping && controller.signal.aborted) {
        await db.transaction((tx) =>
          returnJob(tx, job, { runAt: clock.now(), attempts: job.attempts - 1, lastError: null }),
        )
        return
      }
      log.warn({ err: error, job: job.id, queue: job.queue, attempts: job.attempts }, 'A job failed')
      await fail(job, describe(error))
      return
    } finally {
      clearTimeout(limit)
    }
    await db.transaction((tx) => finishJob(tx, job))
  }

  async function fail(job: Claimed, lastError: string): Promise<void> {
    if (job.attempts >= job.maxAttempts) {
      log.error({ job: job.id, queue: job.queue, attempts: job.attempts }, 'A job is dead')
      await db.transaction((tx) => buryJob(tx, job, lastError))
      return
    }
    const runAt = clock.now() + backoffMs(job.attempts)
    await db.transaction((tx) => returnJob(tx, job, { runAt, attempts: job.attempts, lastError }))
  }

  async function renew(): Promise<void> {
    const ids = [...running.keys()]
    if (ids.length === 0) return
    const held = new Set(await db.transaction((tx) => renewLeases(tx, worker, ids, clock.now() + leaseMs)))
    for (const id of ids) {
      // Ended meanwhile, or taken by another worker because we were frozen.
      if (!held.has(id)) running.get(id)?.controller.abort(new Error('The lease of this job was lost.'))
    }
  }

  const renewTimer = setInterval(() => {
    renew().catch((error: unknown) => log.error({ err: error }, 'Job leases could not be renewed'))
  }, leaseMs / 3)
  const forget = onEnqueued(look)
  look()

  return {
    stop(graceMs = 20_000) {
      stopped ??= stop(graceMs)
      return stopped
    },
  }

  async function stop(graceMs: number): Promise<void> {
    isStopping = true
    forget()
    clearTimeout(pollTimer)
    await round
    const runs = [...running.values()]
    await withinTime(runs, graceMs)
    for (const run of running.values()) run.controller.abort(new Error('The program stops.'))
    await withinTime([...running.values()], Math.min(abortGraceMs, graceMs))
    clearInterval(renewTimer)
    // Handlers that do not listen: their jobs go back, and what they still do is repeated.
    for (const { job } of running.values()) {
      log.warn({ job: job.id, queue: job.queue }, 'A job did not end in time and was returned to the queue')
      await db.transaction((tx) =>
        returnJob(tx, job, { runAt: clock.now(), attempts: job.attempts - 1, lastError: null }),
      )
    }
  }
}

/** One of each list in turn, `limit` in all. */
function interleave(lists: readonly (readonly string[])[], limit: number): string[] {
  const result: string[] = []
  for (let depth = 0; result.length < limit; depth++) {
    const layer = lists.flatMap((list) => list.slice(depth, depth + 1))
    if (layer.length === 0) break
    result.push(...layer)
  }
  return result.slice(0, limit)
}

async function withinTime(runs: readonly Run[], limitMs: number): Promise<void> {
  if (runs.length === 0) return
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  await Promise.race([Promise.all(runs.map((run) => run.done)), over])
  clearTimeout(timer)
}

function describe(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return blot(text).slice(0, errorLengthKept)
}
