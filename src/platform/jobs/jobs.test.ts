/** Jobs on both dialects: the real tables, real workers, short leases. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { systemClock } from '../clock.ts'
import { makeLogger } from '../log/logger.ts'
import { backoffMs } from './backoff.ts'
import { enqueue } from './enqueue.ts'
import { claimJobs, finishJob, listDeadJobs, nextReady, retryDeadJob } from './queries.ts'
import { startWorkers, type WorkerOptions, type Workers } from './workers.ts'

const clock = systemClock()
const log = makeLogger({ level: 'silent' })

describe.each(dialects)('jobs on %s', (dialect) => {
  let database: TestDatabase
  const started: Workers[] = []

  beforeEach(async () => {
    database = await makeDatabase(dialect)
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((workers) => workers.stop(100)))
    await database.remove()
  })

  function start(handlers: WorkerOptions['handlers'], more: Partial<WorkerOptions> = {}): Workers {
    const workers = startWorkers({ db: database.db, log, clock, handlers, concurrency: 4, ...more })
    started.push(workers)
    return workers
  }

  async function add(queue: string, payload: string | number, options: Parameters<typeof enqueue>[3] = {}) {
    await database.db.transaction((tx) => enqueue(tx, queue, payload, options))
  }

  async function all() {
    return await database.db.read.selectFrom('job').selectAll().orderBy('id').execute()
  }

  async function makeDue() {
    await database.db.transaction((tx) =>
      tx.updateTable('job').set({ runAt: 0 }).where('state', '=', 'ready').execute(),
    )
  }

  test('an enqueued job runs at once, with its payload, and is gone afterwards', async () => {
    const seen: unknown[] = []
    start({ mail: async (payload) => void seen.push(payload) }, { pollMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = Date.now()
    await database.db.transaction((tx) => enqueue(tx, 'mail', { to: 'ann', n: [1, null] }))
    await vi.waitFor(() => expect(seen).toEqual([{ to: 'ann', n: [1, null] }]), { interval: 5 })
    expect(Date.now() - before).toBeLessThan(1000)
    await vi.waitFor(async () => expect(await all()).toEqual([]))
  })

  test('a job of a transaction that rolls back does not exist', async () => {
    await expect(
      database.db.transaction(async (tx) => {
        await enqueue(tx, 'mail', 1)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await all()).toEqual([])
  })

  test('many jobs run once each, never more than the concurrency at a time, and queues take turns', async () => {
    await database.db.transaction(async (tx) => {
      for (let i = 0; i < 40; i++) await enqueue(tx, 'long', i)
      await enqueue(tx, 'short', 'x')
    })
    const order: unknown[] = []
    let now = 0
    let most = 0
    const handler = async (payload: unknown) => {
      now++
      most = Math.max(most, now)
      order.push(payload)
      await new Promise((resolve) => setTimeout(resolve, 1))
      now--
    }
    // Two workers, as two replicas.
    start({ long: handler, short: handler }, { concurrency: 2 })
    start({ long: handler, short: handler }, { concurrency: 2 })
    await vi.waitFor(async () => expect(await all()).toEqual([]), { timeout: 10_000 })
    expect([...order].sort()).toEqual([...Array(40).keys(), 'x'].sort())
    expect(most).toBeLessThanOrEqual(4)
    expect(order.indexOf('x')).toBeLessThan(10)
  })

  test('a job that is not due waits, and runs when its time comes without a poll', async () => {
    const seen: unknown[] = []
    start({ later: async (payload) => void seen.push(payload) }, { pollMs: 60_000 })
    await add('later', 1, { runAt: Date.now() + 300 })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(seen).toEqual([])
    await vi.waitFor(() => expect(seen).toEqual([1]))
  })

  test('a failing job comes back after a pause, keeps its error, and is dead after its last attempt', async () => {
    let runs = 0
    const handlers = {
      bad: async () => {
        runs++
        throw new Error(`broken with hf_${'a'.repeat(34)}`)
      },
    }
    start(handlers, { pollMs: 20 })
    const before = Date.now()
    await add('bad', 7, { maxAttempts: 2, dedupKey: 'k' })
    await vi.waitFor(async () => expect((await all())[0]).toMatchObject({ state: 'ready', attempts: 1, worker: null }))
    expect((await all())[0]?.runAt).toBeGreaterThan(before + 400)
    await makeDue()
    await vi.waitFor(async () => expect((await all())[0]).toMatchObject({ state: 'dead', attempts: 2 }))
    expect(runs).toBe(2)
    const [dead] = await listDeadJobs(database.db, { after: null, limit: 10 })
    expect(dead).toMatchObject({ queue: 'bad', payload: '7', attempts: 2 })
    expect(dead?.lastError).toContain('broken with hf_[hidden]')

    const id = dead?.id ?? ''
    expect(await database.db.transaction((tx) => retryDeadJob(tx, id, Date.now()))).toBe('bad')
    expect(await database.db.transaction((tx) => retryDeadJob(tx, id, Date.now()))).toBeNull()
    await vi.waitFor(() => expect(runs).toBe(3))
  })

  test('a job outlives its worker: when the lease ends, another takes it; the late one changes nothing', async () => {
    await add('work', 1)
    const [ready] = await nextReady(database.db, ['work'], 1)
    const [lost] = await claimJobs(database.db, [ready?.id ?? ''], {
      worker: 'dead-worker',
      leaseUntil: Date.now() + 200,
    })
    if (lost === undefined) throw new Error('not claimed')
    const seen: unknown[] = []
    let finish: () => void = () => undefined
    const until = new Promise<void>((resolve) => {
      finish = resolve
    })
    start(
      {
        work: async (payload) => {
          seen.push(payload)
          await until
        },
      },
      { pollMs: 50 },
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(seen).toEqual([])
    await vi.waitFor(async () => expect((await all())[0]).toMatchObject({ state: 'ready', attempts: 1 }))
    await makeDue()
    await vi.waitFor(() => expect(seen).toEqual([1]))
    await database.db.transaction((tx) => finishJob(tx, lost))
    expect(await all()).toHaveLength(1)
    finish()
    await vi.waitFor(async () => expect(await all()).toEqual([]))
  })

  test('a lease is renewed while the job runs, and losing it tells the handler', async () => {
    await add('work', 1)
    const reasons: string[] = []
    let runs = 0
    start(
      {
        work: async (_, signal) => {
          runs++
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      },
      {
        leaseMs: 300,
        pollMs: 30,
        log: makeLogger({ level: 'warn', destination: { write: (line) => void reasons.push(line) } }),
      },
    )
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(runs).toBe(1)
    await database.db.transaction((tx) =>
      tx
        .updateTable('job')
        .set({ worker: 'thief', leaseUntil: Date.now() + 60_000 })
        .execute(),
    )
    await vi.waitFor(() => expect(reasons.join()).toContain('The lease of this job was lost'))
    expect((await all())[0]).toMatchObject({ worker: 'thief', state: 'running' })
  })

  test('a crash loop ends in a dead job, not in an endless one', async () => {
    await add('work', 1, { maxAttempts: 1 })
    const [ready] = await nextReady(database.db, ['work'], 1)
    await claimJobs(database.db, [ready?.id ?? ''], { worker: 'crashed', leaseUntil: 1 })
    start({ work: async () => undefined }, { pollMs: 30 })
    await vi.waitFor(async () => expect((await all())[0]).toMatchObject({ state: 'dead' }))
  })

  test('jobs with the same key are one while they wait; the earlier time wins; a running one does not count', async () => {
    const soon = Date.now() + 50_000
    await add('gc', 'first', { dedupKey: 'repo', runAt: soon + 1000 })
    await add('gc', 'second', { dedupKey: 'repo', runAt: soon })
    await add('gc', 'third', { dedupKey: 'repo', runAt: soon + 2000 })
    await add('other', 'own key space', { dedupKey: 'repo', runAt: soon })
    const rows = await all()
    expect(rows.map((row) => row.payload)).toEqual(['"first"', '"own key space"'])
    expect(rows[0]?.runAt).toBe(soon)
    await claimJobs(database.db, [rows[0]?.id ?? ''], { worker: 'w', leaseUntil: Date.now() + 1000 })
    await add('gc', 'fourth', { dedupKey: 'repo', runAt: soon })
    expect((await all()).map((row) => row.payload)).toEqual(['"first"', '"own key space"', '"fourth"'])
  })

  test('two claimers never get the same job', async () => {
    for (let i = 0; i < 10; i++) await add('work', i)
    const ids = (await nextReady(database.db, ['work'], 10)).map((job) => job.id)
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        claimJobs(database.db, ids, { worker: `w${i}`, leaseUntil: Date.now() + 1000 }),
      ),
    )
    expect(
      claims
        .flat()
        .map((job) => job.id)
        .sort(),
    ).toEqual([...ids].sort())
  })

  test('stop waits for what runs; what does not end goes back without a lost attempt', async () => {
    await add('quick', 1)
    await add('slow', 2)
    await add('deaf', 3)
    let begun = 0
    let quickDone = false
    const workers = start({
      quick: async () => {
        begun++
        await new Promise((resolve) => setTimeout(resolve, 150))
        quickDone = true
      },
      slow: async (_, signal) => {
        begun++
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      deaf: async () => {
        begun++
        await new Promise(() => undefined)
      },
    })
    await vi.waitFor(() => expect(begun).toBe(3))
    await add('quick', 'after stop began', { runAt: Date.now() + 50 })
    await workers.stop(400)
    expect(quickDone).toBe(true)
    const rows = await all()
    expect(rows.map((row) => row.queue)).toEqual(['slow', 'deaf', 'quick'])
    expect(rows.every((row) => row.state === 'ready' && row.attempts === 0 && row.worker === null)).toBe(true)
  })

  test('a job beyond the time limit is told to end and counts as failed', async () => {
    await add('slow', 1)
    start(
      {
        slow: (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
      { timeLimitMs: 50 },
    )
    await vi.waitFor(async () => expect((await all())[0]?.lastError).toContain('took longer than 50 ms'))
  })
})

test('the pause doubles up to fifteen minutes and is scattered over its upper half', () => {
  expect([1, 2, 3, 11, 100].map((attempt) => backoffMs(attempt, 0))).toEqual([500, 1000, 2000, 450_000, 450_000])
  expect(backoffMs(2, 0.999)).toBe(1999)
})
