/** Checks of stored bytes: every kind of damage is found, told once, and forgotten when it is mended; what is sound stays unmentioned. */
import { randomBytes } from 'node:crypto'
import { open, rename, truncate } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import {
  makePlace,
  openStoredBytes,
  type Place,
  putFile,
  putObject,
  randomXorb,
  type StoredBytes,
  wholeFile,
} from '../../../tests/support/stored-bytes.ts'
import type { Hub } from '../../hub.ts'
import { dueParts, listDamage, partCount, type ScrubReport, scrub } from './scrub.ts'
import { makePace } from './scrub-bytes.ts'

describe.each(dialects)('checks of stored bytes on %s', (dialect) => {
  let stored: StoredBytes
  let hub: Hub
  let place: Place
  beforeAll(async () => {
    stored = await openStoredBytes(dialect)
    hub = stored.hub
    place = await makePlace(hub)
  })
  afterAll(async () => await stored[Symbol.asyncDispose]())

  const all = (options: { isResumed?: boolean; signal?: AbortSignal; onPart?: (report: ScrubReport) => void } = {}) =>
    scrub(hub, {
      round: 'test',
      isResumed: false,
      until: () => partCount + 1,
      bytesPerSecond: Number.POSITIVE_INFINITY,
      ...options,
    })
  const fileOf = (kind: 'object' | 'xorb', hash: string) =>
    path.join(stored.folder, 'blobs', kind === 'xorb' ? 'xorbs' : '', hash.slice(0, 2), hash.slice(2, 4), hash)
  const flip = async (file: string, at: number) => {
    const handle = await open(file, 'r+')
    const byte = Buffer.alloc(1)
    await handle.read(byte, 0, 1, at)
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at)
    await handle.close()
  }

  test('sound bytes, a flipped bit, a short file, a missing one and a stray; mended again', async () => {
    const sound = wholeFile(randomXorb())
    await putFile(hub, place, sound)
    await putObject(hub, place, Buffer.alloc(0))
    const flipped = await putObject(hub, place, randomBytes(70_000))
    const short = await putObject(hub, place, randomBytes(500))
    const gone = await putObject(hub, place, randomBytes(600))
    const broken = randomXorb()
    await putFile(hub, place, wholeFile(broken))
    expect((await all()).damaged).toEqual([])

    await flip(fileOf('object', flipped), 60_000)
    await truncate(fileOf('object', short), 499)
    await rename(fileOf('object', gone), `${stored.folder}/gone`)
    await flip(fileOf('xorb', broken.hash), 20_000)
    const stray = await putObject(hub, place, randomBytes(10))
    await hub.transaction((tx) => tx.deleteFrom('blob').where('sha256', '=', stray).execute())
    const report = await all()
    const found = new Map(report.damaged.map((damage) => [damage.hash, damage]))
    expect([...found.keys()].sort()).toEqual([flipped, short, gone, broken.hash].sort())
    expect(found.get(flipped)?.reason).toContain('SHA-256')
    expect(found.get(short)?.reason).toBe('It has 499 bytes instead of 500.')
    expect(found.get(gone)?.reason).toContain('missing')
    expect(found.get(broken.hash)).toMatchObject({ kind: 'xorb', repos: [expect.stringContaining('model acme/r-')] })
    expect(found.get(flipped)?.repos).toEqual([expect.stringContaining('model acme/r-')])
    expect(report.strays).toBe(1)
    expect(report.xorbs).toBe(2)

    // Told once.
    stored.pass(1_000)
    await all()
    const events = await hub.db.read
      .selectFrom('event')
      .select('resourceId')
      .where('action', '=', 'storage.damaged')
      .execute()
    expect(events.map((event) => event.resourceId).sort()).toEqual([...found.keys()].sort())
    expect(await listDamage(hub, 10)).toHaveLength(4)

    await rename(`${stored.folder}/gone`, fileOf('object', gone))
    await flip(fileOf('object', flipped), 60_000)
    stored.pass(1_000)
    expect((await all()).damaged).toHaveLength(2)
    expect(new Set((await listDamage(hub, 10)).map((damage) => damage.hash))).toEqual(new Set([short, broken.hash]))
  })

  test('a check that was interrupted goes on where it was; an unreachable store is no damage', async () => {
    const stopping = new AbortController()
    const seen: number[] = []
    // Few things lie in the test's store: parts are taken by the hundred.
    const stopped = all({
      signal: stopping.signal,
      onPart: (report) => {
        seen.push(report.parts)
        if (report.parts > 1_000) stopping.abort(new Error('enough'))
      },
    })
    await expect(stopped).rejects.toThrow('enough')
    const rest: number[] = []
    await all({ isResumed: true, onPart: (report) => void rest.push(report.parts) })
    expect(rest[0]).toBe((seen.at(-1) ?? 0) + 1)
    expect(rest.at(-1)).toBe(partCount)
    const before = await listDamage(hub, 100)
    const unreachable: Hub = {
      ...hub,
      blobs: { ...hub.blobs, findSize: async () => await Promise.reject(new Error('no answer')) },
    }
    const check = scrub(unreachable, { round: 'x', isResumed: false, until: () => partCount, bytesPerSecond: 1e9 })
    await expect(check).rejects.toThrow('no answer')
    expect((await listDamage(hub, 100)).length).toBe(before.length)
  })

  test('what is due: everything in the time that is set, a day ahead', async () => {
    const day = 24 * 3_600_000
    expect(dueParts(0, 0, 30)).toBe(137)
    expect(dueParts(29 * day, 0, 30)).toBe(partCount)
    expect(dueParts(30 * day, 0, 30)).toBeGreaterThan(partCount)
    const parts: number[] = []
    const regular = async () => {
      const { isRoundOver } = await scrub(hub, {
        round: 'regular',
        isResumed: true,
        until: (startedAt) => dueParts(hub.clock.now(), startedAt, 4),
        bytesPerSecond: 1e9,
        onPart: ({ parts: done }) => void parts.push(done),
      })
      return isRoundOver
    }
    expect(await regular()).toBe(false)
    expect(parts.at(-1)).toBe(partCount / 4)
    for (const isOver of [false, false, true]) {
      stored.pass(day)
      expect(await regular()).toBe(isOver)
    }
    stored.pass(day)
    parts.length = 0
    await regular()
    expect(parts[0]).toBe(1)
    expect(parts.at(-1)).toBe(partCount / 4)
  })

  test('the pace holds', async () => {
    const pace = makePace(1_000_000)
    const startedAt = performance.now()
    for (let count = 0; count < 30; count++) await pace(10_000)
    expect(performance.now() - startedAt).toBeGreaterThan(250)
  })
})
