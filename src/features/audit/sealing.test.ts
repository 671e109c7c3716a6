/** Sealing: everything that is committed is sealed once, soon, whoever wrote it and however late. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditEvent, checkLog, writeEvents } from '../../../tests/support/audit-events.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { firstIdAt } from '../../domain/ids.ts'
import { type Hub, openHub } from '../../hub.ts'
import { makeLogger } from '../../platform/log/logger.ts'
import { canonicalEvent, hashEvent, hashSeal, isCheckpointDue, noHash } from './seal-format.ts'
import { sealNow, startSealer } from './service.ts'

test('what is hashed is as docs/audit.md says, byte for byte', () => {
  const text = canonicalEvent({ id: '1', at: 5, action: 'a"b', data: '{"ü":1}', actorId: null, ip: 'x\0y' })
  expect(text).toBe('{"action":"a\\"b","at":5,"data":"{\\"ü\\":1}","id":"1","ip":"x\uFFFDy"}')
  expect(hashEvent('{}')).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
  const sum = hashSeal({ number: 1, sealedAt: 2, total: 1, previous: noHash })
  sum.add('id', 'hash')
  // printf 'holdfast audit seal 1\n1\n2\n1\n%064d\nid hash\n' 0 | sha256sum
  expect(sum.digest()).toBe('5ad30e092be7275623e6924fe75c0e3043301ade46a90e07c67a932775758ab5')
  expect(isCheckpointDue({ count: 1, firstAt: 0 }, 59_999)).toBe(false)
  expect(isCheckpointDue({ count: 1, firstAt: 0 }, 60_000)).toBe(true)
  expect(isCheckpointDue({ count: 100, firstAt: 0 }, 0)).toBe(true)
})

describe.each(dialects)('on %s', (dialect) => {
  let running: TestHub
  let hub: Hub
  let other: Hub

  beforeAll(async () => {
    running = await startHub({ dialect })
    hub = running.hub
    other = await openHub(hub.config, { log: makeLogger({ level: 'silent' }) })
  })
  afterAll(async () => {
    await other.close()
    await running.stop()
  })

  async function untilSealed(limitMs: number): Promise<number> {
    const from = performance.now()
    for (;;) {
      const { unsealed } = (await checkLog(hub)).report
      if (unsealed?.count === 0) return performance.now() - from
      if (performance.now() - from > limitMs) throw new Error(`${unsealed?.count} events are still unsealed.`)
      await delay(50)
    }
  }

  test('a running server seals within about a second, what another process wrote too', async () => {
    await writeEvents(hub, 3)
    await writeEvents(other, 2)
    await untilSealed(5000)
    const { report, kinds } = await checkLog(hub)
    expect([report.events, kinds]).toEqual([5, []])
    expect(report.outOfOrder.count).toBe(0)
  })

  test('many at once become seals of at most 500, signed on request; verify --since begins at a checkpoint', async () => {
    await writeEvents(hub, 1800)
    await sealNow(hub)
    const { report, kinds } = await checkLog(hub)
    expect([report.events, report.unsignedSeals, kinds]).toEqual([1805, 0, []])
    const { rows } = await largestSeal(hub)
    expect(rows).toBe(500)
    await delay(5)
    const since = hub.clock.now()
    await writeEvents(hub, 7)
    await sealNow(hub)
    const later = await checkLog(hub, { since })
    expect(later.kinds).toEqual([])
    expect(later.report.events).toBeGreaterThanOrEqual(7)
    expect(later.report.events).toBeLessThan(500)
    expect(later.report.checkedFrom?.number).toBeGreaterThan(1)
  })

  test('an event that commits after younger ones were sealed is sealed then, and none twice', async () => {
    // The id is taken when the transaction begins; it is held open while others commit and are sealed.
    const late = auditEvent(hub)
    const isLateHeld = dialect === 'postgres'
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = hub.transaction(async (tx) => {
      await tx.insertInto('event').values(late).execute()
      if (isLateHeld) await held
    })
    if (!isLateHeld) await slow
    await writeEvents(other, 2)
    await untilSealed(5000)
    release()
    await slow
    await untilSealed(5000)
    expect((await checkLog(hub)).kinds).toEqual([])
  })

  test('an event whose id is a day old, and ids of the far future, are sealed by the round over all', async () => {
    const day = 24 * 3_600_000
    const old = `${firstIdAt(hub.clock.now() - day).slice(0, 12)}${'5'.repeat(12)}`
    const future = `${firstIdAt(hub.clock.now() + day).slice(0, 12)}${'5'.repeat(12)}`
    await writeEvents(hub, 1, { id: old })
    await writeEvents(hub, 1, { id: future })
    await writeEvents(hub, 3)
    // A start begins a round; the server's sealer gives the lease back when it stops, and this one need not wait for that.
    await hub.transaction((tx) => tx.deleteFrom('instance').where('key', '=', 'auditSealer').execute())
    const sealer = startSealer(hub)
    try {
      await untilSealed(15_000)
    } finally {
      await sealer.stop()
    }
    const { report, kinds } = await checkLog(hub)
    expect(kinds).toEqual([])
    expect(report.outOfOrder.eventIds).toEqual([old])
  })

  test('several sealers at once, on two processes, while events come: one chain, each event once', async () => {
    const sealers = [startSealer(hub), startSealer(other)]
    const writers = [hub, other].map(async (one) => {
      for (let round = 0; round < 10; round++) await writeEvents(one, 20)
    })
    const hurried = [sealNow(hub), sealNow(other)]
    await Promise.all([...writers, ...hurried])
    await Promise.all(sealers.map((sealer) => sealer.stop()))
    await untilSealed(5000)
    expect((await checkLog(hub)).kinds).toEqual([])
  })

  test('a stop seals and signs what is there', async () => {
    const again = await startHub({ dialect })
    await writeEvents(again.hub, 2)
    const { db, config } = again.hub
    const sealer = startSealer(again.hub)
    await sealer.stop()
    const last = await db.read.selectFrom('auditCheckpoint').selectAll().executeTakeFirst()
    expect(last).toMatchObject({ number: 1, total: 2 })
    expect(config.dataFolder).toBe(again.folder)
    await again.stop()
  })
})

async function largestSeal({ db }: Hub): Promise<{ rows: number }> {
  return await db.read
    .selectFrom('sealedEvent')
    .select((e) => e.fn.countAll<number>().as('rows'))
    .groupBy('seal')
    .orderBy('rows', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
}
