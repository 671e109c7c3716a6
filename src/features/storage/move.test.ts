/** Large files move into Xet storage: the same bytes for every reader at every moment, and the object goes only when nobody can miss it. */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import {
  day,
  inventory,
  makePlace,
  nameBlobs,
  openStoredBytes,
  owner,
  type Place,
  putFile,
  putObject,
  readBlob,
  type StoredBytes,
  wholeFile,
} from '../../../tests/support/stored-bytes.ts'
import { makeXorb } from '../../../tests/support/xet-upload.ts'
import type { Hub } from '../../hub.ts'
import { fannedOut } from '../../platform/blobs/blob-path.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { holdCollection } from '../../platform/db/collection-hold.ts'
import { moveBlob } from './move-blob.ts'
import { type MoveReport, moveObjects } from './move-objects.ts'
import { collectStorage, linkBlob, planMove, prepareBlob } from './service.ts'

const hour = 3_600_000
const never = new AbortController().signal
const apart = <T>(wait: () => Promise<T>): Promise<T> => wait()
const pace = { apart, work: apart }

const move = (hub: Hub): Promise<MoveReport> => moveObjects(hub, { signal: never, pace })
const rowOf = async (hub: Hub, sha256: string) =>
  await hub.db.read.selectFrom('blob').selectAll().where('sha256', '=', sha256).executeTakeFirstOrThrow()
const hasBytes = async (hub: Hub, sha256: string): Promise<boolean> =>
  (await hub.blobs.findSize(objectNamed(sha256))) !== null

/** Text that compresses, unlike any other. */
function someText(size: number): Buffer {
  const lines = Array.from(
    { length: Math.ceil(size / 40) },
    () => `${randomBytes(12).toString('hex')} ${'x'.repeat(14)}\n`,
  )
  return Buffer.from(lines.join('')).subarray(0, size)
}

/** Calls `before` ahead of each transaction and each change of the blob store. */
function withSteps(hub: Hub, before: (step: number) => Promise<void>): Hub {
  let steps = 0
  let isInside = false
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isInside) return await work()
    isInside = true
    try {
      await before(steps++)
    } finally {
      isInside = false
    }
    return await work()
  }
  return {
    ...hub,
    transaction: (fn) => around(() => hub.transaction(fn)),
    blobs: {
      ...hub.blobs,
      delete: (name) => around(() => hub.blobs.delete(name)),
      openStaged: async () => {
        const staged = await hub.blobs.openStaged()
        return { ...staged, publish: (name) => around(() => staged.publish(name)) }
      },
    },
  }
}

/** Announce a xorb, remove what a crash left of it, publish, complete, make it known; register the file, retire, claim, remove, end. */
const stepsInAll = 10

describe.each(dialects)('the move on %s', (dialect) => {
  let at: StoredBytes
  let hub: Hub
  let place: Place

  beforeAll(async () => {
    at = await openStoredBytes(dialect)
    hub = at.hub
    place = await makePlace(hub)
  })
  afterAll(async () => await at[Symbol.asyncDispose]())
  /** What a test left half done is ended, so that the next one sees only its own. */
  beforeEach(async () => {
    await move(hub)
    at.pass(day)
    await move(hub)
  })

  const putNamed = async (raw: Buffer, where = place): Promise<string> => {
    const sha256 = await putObject(hub, where, raw)
    await nameBlobs(hub, where, sha256)
    return sha256
  }

  test('what a commit names is read from Xet, and after an hour and more its object goes', async () => {
    const raw = someText(5_000_000)
    const sha256 = await putNamed(raw)
    const small = await putNamed(randomBytes(100_000))
    const unnamed = await putObject(hub, place, randomBytes(2_000_000))
    const { moved, nextAt } = await move(hub)
    expect(moved).toMatchObject({ count: 1, bytes: raw.length })
    expect(moved.stored).toBeLessThan(raw.length * 0.8)
    expect(nextAt).toBeGreaterThan(hub.clock.now())
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 0, retiredAt: hub.clock.now() })
    for (const other of [small, unnamed]) expect(await rowOf(hub, other)).toMatchObject({ hasObject: 1, xetHash: null })
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
    expect(await hasBytes(hub, sha256)).toBe(true)

    at.pass(hour + 1)
    expect((await move(hub)).removed.count).toBe(0)
    // As long as an upload that was announced before may last.
    at.pass(Math.ceil((raw.length / 65_536) * 1000) + 15 * 60_000)
    expect((await move(hub)).removed).toEqual({ count: 1, bytes: raw.length })
    expect(await hasBytes(hub, sha256)).toBe(false)
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 0, retiredAt: null })
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
    expect(await move(hub)).toEqual({
      moved: { count: 0, bytes: 0, stored: 0 },
      removed: { count: 0, bytes: 0 },
      nextAt: null,
    })
  })

  test('a later version with a small change stores little', async () => {
    const first = randomBytes(24_000_000)
    const second = Buffer.concat([
      first.subarray(0, 9_000_000),
      randomBytes(300),
      first.subarray(9_000_000),
      randomBytes(20_000),
    ])
    await putNamed(first)
    await move(hub)
    const sha256 = await putNamed(second)
    const { moved } = await move(hub)
    expect(moved.count).toBe(1)
    expect(moved.stored).toBeLessThan(600_000)
    expect((await readBlob(hub, sha256, second.length)).equals(second)).toBe(true)
  })

  test('another owner shares nothing of it, but builds on what it holds itself', async () => {
    const other = await makePlace(hub, { id: 'b'.repeat(24), name: 'other' })
    const shared = randomBytes(6_000_000)
    await putNamed(shared)
    await move(hub)
    const theirs = Buffer.concat([shared, randomBytes(10)])
    await putNamed(theirs, other)
    expect((await move(hub)).moved.stored).toBeGreaterThan(5_900_000)

    // A blob that both hold before it moves: both may build on its chunks.
    const both = randomBytes(3_000_000)
    await putNamed(both)
    await putNamed(both, other)
    await move(hub)
    const claims = await hub.db.read
      .selectFrom('xetFileXorb')
      .innerJoin('xetFile', 'xetFile.hash', 'xetFileXorb.fileHash')
      .innerJoin('xorbScope', 'xorbScope.xorbHash', 'xetFileXorb.xorbHash')
      .select('scope')
      .where('xetFile.sha256', '=', createHash('sha256').update(both).digest('hex'))
      .orderBy('scope')
      .execute()
    expect(claims.map(({ scope }) => scope)).toEqual([owner.id, other.scope])
  })

  test('one that was sent again after it had moved is retired again, after it was read back', async () => {
    const raw = randomBytes(2_500_000)
    const sha256 = await putNamed(raw)
    await move(hub)
    at.pass(2 * hour)
    await move(hub)
    expect(await hasBytes(hub, sha256)).toBe(false)
    await putObject(hub, place, raw)
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 1 })
    const { moved } = await move(hub)
    expect(moved).toEqual({ count: 1, bytes: raw.length, stored: 0 })
    at.pass(2 * hour)
    expect((await move(hub)).removed.count).toBe(1)
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
  })

  test('a large file that came by Xet as well loses only its object', async () => {
    const xorb = makeXorb(Array.from({ length: 30 }, () => randomBytes(60_000)))
    const file = wholeFile(xorb)
    const sha256 = await putFile(hub, place, file)
    await putNamed(file.raw)
    await move(hub)
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 0, xetHash: file.hash })
  })

  test('attack: an object that rotted is neither moved nor removed, and is told', async () => {
    const raw = randomBytes(1_500_000)
    const sha256 = await putNamed(raw)
    const file = path.join(at.folder, 'blobs', fannedOut(sha256))
    const rotten = Buffer.from(raw)
    rotten[777_777] = (rotten[777_777] ?? 0) ^ 1
    await writeFile(file, rotten)
    const { moved } = await move(hub)
    expect(moved.count).toBe(0)
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 1, xetHash: null })
    expect((await readFile(file)).equals(rotten)).toBe(true)
    const findings = await hub.db.read.selectFrom('storeFinding').selectAll().where('hash', '=', sha256).execute()
    expect(findings).toMatchObject([{ kind: 'object', fault: 'damaged' }])
    // It is left alone until somebody has mended it.
    expect(await hub.db.read.selectFrom('xetFile').select('hash').where('sha256', '=', sha256).execute()).toEqual([])
  })

  test('attack: chunks that rot between writing and reading back register nothing, and the object stays', async () => {
    const raw = randomBytes(1_700_000)
    const sha256 = await putNamed(raw)
    const spoilt: string[] = []
    const spoiling: Hub = {
      ...hub,
      blobs: {
        ...hub.blobs,
        openStaged: async () => {
          const staged = await hub.blobs.openStaged()
          return {
            ...staged,
            publish: async (name) => {
              await staged.publish(name)
              const file = path.join(at.folder, 'blobs', 'xorbs', fannedOut(name.hash))
              const bytes = await readFile(file)
              bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1
              await writeFile(file, bytes)
              spoilt.push(name.hash)
            },
          }
        },
      },
    }
    expect((await move(spoiling)).moved.count).toBe(0)
    expect(spoilt.length).toBeGreaterThan(0)
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 1, xetHash: null })
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
    const findings = await hub.db.read.selectFrom('storeFinding').select('hash').where('kind', '=', 'xorb').execute()
    expect(findings.map(({ hash }) => hash)).toEqual([spoilt[0]])
    // Nothing new is built on it either.
    const next = Buffer.concat([raw, randomBytes(1_000_000)])
    const later = await putNamed(next)
    expect(
      (await moveBlob(hub, { sha256: later, size: next.length, xetHash: null }, pace, never))?.stored,
    ).toBeGreaterThan(2_600_000)
  })

  test('while a removal is under way nobody may write the same bytes; one that was interrupted is ended', async () => {
    const raw = randomBytes(1_200_000)
    const sha256 = await putNamed(raw)
    await move(hub)
    at.pass(2 * hour)
    let refused: unknown = null
    const killed: Hub = {
      ...hub,
      blobs: {
        ...hub.blobs,
        delete: async () => {
          refused = await prepareBlob(hub, { sha256, size: raw.length }).catch((error: unknown) => error)
          throw new Error('The power went.')
        },
      },
    }
    await expect(move(killed)).rejects.toThrow('The power went.')
    expect(refused).toMatchObject({ code: 'busy' })
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
    at.pass(20 * 60_000)
    await move(hub)
    expect(await hasBytes(hub, sha256)).toBe(false)
    await putObject(hub, place, raw)
    expect(await hasBytes(hub, sha256)).toBe(true)
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
  })

  test('an upload of the same bytes that is under way keeps the object', async () => {
    const raw = randomBytes(1_300_000)
    const sha256 = await putNamed(raw)
    const blob = { sha256, size: raw.length }
    await move(hub)
    at.pass(2 * hour)
    // It finds the object and writes nothing; its row comes later.
    await prepareBlob(hub, blob)
    await hub.blobs.put(Readable.from([raw]), blob)
    at.pass(hour)
    expect((await move(hub)).removed.count).toBe(0)
    await hub.transaction((tx) => linkBlob(tx, place.repoId, blob, hub.clock.now()))
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 1 })
    expect(await hasBytes(hub, sha256)).toBe(true)
  })

  test('a backup that is being made keeps objects; a collection takes both forms', async () => {
    const raw = randomBytes(1_100_000)
    const sha256 = await putNamed(raw)
    await move(hub)
    at.pass(2 * hour)
    const hold = await holdCollection(hub.db, hub.clock)
    const { removed, nextAt } = await move(hub)
    expect([removed.count, nextAt]).toEqual([0, hub.clock.now() + 15 * 60_000])
    await hold.release()
    await hub.db.transaction((tx) =>
      tx.updateTable('repoBlob').set({ referencedAt: null }).where('sha256', '=', sha256).execute(),
    )
    at.pass(60 * day)
    await collectStorage(hub, { proveRepo: async () => undefined, reason: 'test' })
    expect(await hasBytes(hub, sha256)).toBe(false)
    expect(await hub.db.read.selectFrom('blob').select('sha256').where('sha256', '=', sha256).execute()).toEqual([])
    await move(hub)
  })
})

describe.each(dialects)('each step of the move on %s', (dialect) => {
  let at: StoredBytes
  let hub: Hub
  let place: Place

  beforeAll(async () => {
    at = await openStoredBytes(dialect)
    hub = at.hub
    place = await makePlace(hub)
  })
  afterAll(async () => await at[Symbol.asyncDispose]())

  const put = async (raw: Buffer): Promise<string> => {
    const sha256 = await putObject(hub, place, raw)
    await nameBlobs(hub, place, sha256)
    return sha256
  }

  test('interrupted at any step, it is ended by the next run, and every byte is there all the time', async () => {
    let interrupted = 0
    for (let at_ = 0; at_ < stepsInAll; at_++) {
      const raw = randomBytes(1_050_000)
      const sha256 = await put(raw)
      const dying = withSteps(hub, async (step) => {
        if (step !== at_) return
        interrupted++
        throw new Error('The power went.')
      })
      const run = async (): Promise<void> => {
        await move(dying)
        at.pass(2 * hour)
        await move(dying)
      }
      await run().catch((error: unknown) => {
        if (!(error instanceof Error) || error.message !== 'The power went.') throw error
      })
      expect((await readBlob(hub, sha256, raw.length)).equals(raw), `step ${at_}`).toBe(true)
      for (let round = 0; round < 3; round++) {
        at.pass(2 * hour)
        await move(hub)
      }
      expect(await rowOf(hub, sha256), `step ${at_}`).toMatchObject({ hasObject: 0, retiredAt: null })
      expect(await hasBytes(hub, sha256)).toBe(false)
      expect((await readBlob(hub, sha256, raw.length)).equals(raw), `step ${at_}`).toBe(true)
    }
    expect(interrupted).toBe(stepsInAll)
  })

  test('whoever sends the same bytes again, at any step, finds them where the row says', async () => {
    let sent = 0
    let refused = 0
    for (let at_ = 0; at_ < stepsInAll; at_++) {
      const raw = randomBytes(1_060_000)
      const sha256 = await put(raw)
      const shared = withSteps(hub, async (step) => {
        if (step !== at_) return
        await putObject(hub, place, raw).then(
          () => sent++,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'busy' })
            refused++
          },
        )
      })
      await move(shared)
      at.pass(2 * hour)
      await move(shared)
      const row = await rowOf(hub, sha256)
      if (row.hasObject === 1) expect(await hub.blobs.findSize(objectNamed(sha256)), `step ${at_}`).toBe(raw.length)
      expect((await readBlob(hub, sha256, raw.length)).equals(raw), `step ${at_}`).toBe(true)
      at.pass(day)
      await move(hub)
      at.pass(day)
      await move(hub)
      expect(await hasBytes(hub, sha256), `step ${at_}`).toBe(false)
      expect((await readBlob(hub, sha256, raw.length)).equals(raw), `step ${at_}`).toBe(true)
    }
    // Before the bytes are removed, and before it is written that they were.
    expect([sent, refused]).toEqual([stepsInAll - 2, 2])
  })
})

describe('the move', () => {
  test('is off where the setting says so, and can be asked for', async () => {
    await using at = await openStoredBytes('sqlite', { HOLDFAST_XET_MOVE: 'off', HOLDFAST_XET_MOVE_LEAST: '0B' })
    const place = await makePlace(at.hub)
    const sha256 = await putObject(at.hub, place, Buffer.from('x'))
    await nameBlobs(at.hub, place, sha256)
    await nameBlobs(at.hub, place, await putObject(at.hub, place, Buffer.alloc(0)))
    expect((await move(at.hub)).moved.count).toBe(0)
    expect(await planMove(at.hub)).toEqual({ toMove: { count: 1, bytes: 1 }, retired: { count: 0, bytes: 0 } })
    expect((await moveObjects(at.hub, { signal: never, pace, isAsked: true })).moved.count).toBe(1)
    expect(await readBlob(at.hub, sha256, 1)).toEqual(Buffer.from('x'))
  })

  test('stops when it is told to, leaves no file behind, and finds what it had stored', async () => {
    await using at = await openStoredBytes('sqlite')
    const { hub } = at
    const place = await makePlace(hub)
    const raw = randomBytes(150 << 20)
    const sha256 = await putObject(hub, place, raw)
    await nameBlobs(hub, place, sha256)
    const stop = new AbortController()
    const xorbs = async () => (await hub.blobs.list('xorb', null, 100)).length
    const stopping = {
      apart,
      work: async <T>(piece: () => Promise<T>): Promise<T> => {
        stop.signal.throwIfAborted()
        const result = await piece()
        if ((await xorbs()) === 2) stop.abort(new Error('The program stops.'))
        return result
      },
    }
    await expect(moveObjects(hub, { signal: stop.signal, pace: stopping })).rejects.toThrow('The program stops.')
    expect(await xorbs()).toBe(2)
    expect(await rowOf(hub, sha256)).toMatchObject({ hasObject: 1, xetHash: null })
    expect(await readdir(path.join(at.folder, 'blobs', 'incoming'))).toEqual([])
    const { moved } = await move(hub)
    expect(moved.count).toBe(1)
    expect(moved.stored).toBeLessThan(24 << 20)
    expect((await readBlob(hub, sha256, raw.length)).equals(raw)).toBe(true)
    expect((await inventory(hub)).xorbs).toBe(3)
  })
})
