/** Figures: what repos and namespaces link and what is stored for them, each chunk once. */
import { randomBytes, randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import {
  makePlace,
  openStoredBytes,
  putFile,
  putObject,
  putXorb,
  randomXorb,
  registerFile,
  type StoredBytes,
  wholeFile,
} from '../../../tests/support/stored-bytes.ts'
import { makeFile } from '../../../tests/support/xet-upload.ts'
import type { Hub } from '../../hub.ts'
import { countNamespace, countRepo, countStore, findUsage } from './accounting.ts'
import { ChunkRanges } from './chunk-ranges.ts'
import { storageJobs } from './jobs.ts'

describe.each(dialects)('accounting on %s', (dialect) => {
  let stored: StoredBytes
  let hub: Hub
  beforeAll(async () => {
    stored = await openStoredBytes(dialect)
    hub = stored.hub
  })
  afterAll(async () => await stored[Symbol.asyncDispose]())

  test('objects, whole xorbs and ranges of them, each once for a repo and once for a namespace', async () => {
    const one = await makePlace(hub)
    const two = await makePlace(hub)
    const shared = randomXorb(4)
    const whole = wholeFile(shared)
    const object = randomBytes(5_000)
    await putObject(hub, one, object)
    await putFile(hub, one, whole)
    // Two versions that share the first chunks of the shared xorb.
    const [a, b] = [randomXorb(1), randomXorb(2)]
    for (const xorb of [a, b]) await putXorb(hub, two, xorb)
    const first = makeFile([
      { xorb: shared, start: 0, end: 2 },
      { xorb: a, start: 0, end: 1 },
    ])
    const second = makeFile([
      { xorb: shared, start: 1, end: 3 },
      { xorb: b, start: 1, end: 2 },
    ])
    for (const file of [first, second]) await registerFile(hub, two, file)
    await putObject(hub, two, object)

    const chunk = 9_008
    expect(await countRepo(hub, one.repoId)).toMatchObject({
      files: 2,
      logical: 5_000 + whole.raw.length,
      stored: 5_000 + 4 * chunk,
    })
    const ofTwo = await countRepo(hub, two.repoId)
    expect(ofTwo).toMatchObject({ files: 3, logical: 5_000 + 6 * 9_000, stored: 5_000 + 5 * chunk })
    expect(await countNamespace(hub, one.scope)).toMatchObject({
      files: 5,
      logical: 10_000 + 10 * 9_000,
      stored: 5_000 + 6 * chunk,
    })
    expect((await findUsage(hub.db, [two.repoId])).get(two.repoId)).toEqual(ofTwo)
    expect(await countStore(hub.db)).toEqual({
      objects: { count: 1, bytes: 5_000 },
      xorbs: { count: 3, bytes: 7 * chunk },
    })
    // A deleted repo no longer counts.
    await hub.transaction((tx) => tx.updateTable('repo').set({ deletedAt: 1 }).where('id', '=', one.repoId).execute())
    expect(await countNamespace(hub, one.scope)).toMatchObject({ files: 3, stored: ofTwo?.stored })
    expect(await countRepo(hub, one.repoId)).toBeNull()
  })

  test('the daily job counts what no push did, and leaves the namespace to another', async () => {
    const place = await makePlace(hub, { id: 'c'.repeat(24), name: 'quiet' })
    await putObject(hub, place, randomBytes(10))
    const jobs = storageJobs(hub)
    await jobs['recount-storage']?.({ after: '' }, new AbortController().signal)
    expect((await findUsage(hub.db, [place.repoId])).get(place.repoId)).toMatchObject({ files: 1, stored: 10 })
    const waiting = await hub.db.read.selectFrom('job').select('payload').where('queue', '=', 'count-storage').execute()
    expect(waiting.map((job) => JSON.parse(job.payload))).toContainEqual({ namespace: 'c'.repeat(24) })
    await jobs['count-storage']?.({ namespace: 'c'.repeat(24) }, new AbortController().signal)
    expect((await findUsage(hub.db, ['c'.repeat(24)])).size).toBe(1)
  })
})

test('ranges of chunks: each chunk once, in as many passes as the memory asks for', () => {
  const truth = new Map<string, Set<number>>()
  const added: [string, number, number][] = []
  for (let count = 0; count < 5_000; count++) {
    const xorb = randomInt(60).toString(16).padStart(64, '0')
    const from = randomInt(200)
    const to = from + 1 + randomInt(6)
    added.push([xorb, from, to])
    const chunks = truth.get(xorb) ?? new Set()
    for (let chunk = from; chunk < to; chunk++) chunks.add(chunk)
    truth.set(xorb, chunks)
  }
  let passes = 0
  for (let from: string | null = ''; from !== null; passes++) {
    const ranges: ChunkRanges = new ChunkRanges(from, 100)
    for (const [xorb, start, end] of added) ranges.add(xorb, start, end)
    for (const [xorb, found] of ranges.all) {
      const chunks = new Set<number>()
      for (let at = 0; at < found.length; at += 2) {
        expect(found[at]).toBeGreaterThan(found[at - 1] ?? -1)
        for (let chunk = found[at] ?? 0; chunk < (found[at + 1] ?? 0); chunk++) chunks.add(chunk)
      }
      expect(chunks).toEqual(truth.get(xorb))
      truth.delete(xorb)
    }
    from = ranges.next
  }
  expect(passes).toBeGreaterThan(3)
  expect(truth.size).toBe(0)
})
