/** What is removed, and when; and that whoever comes in between, at any step, keeps what was promised. */
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import {
  day,
  inventory,
  makePlace,
  nameBlobs,
  openStoredBytes,
  type Place,
  putFile,
  putObject,
  putXorb,
  randomXorb,
  readBlob,
  registerFile,
  type StoredBytes,
  unnameBlobs,
  wholeFile,
} from '../../../tests/support/stored-bytes.ts'
import type { TestFile, TestXorb } from '../../../tests/support/xet-upload.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { holdCollection } from '../../platform/db/collection-hold.ts'
import { hashToString } from '../../platform/xet/hash.ts'
import { leaseCollector } from './collector-lease.ts'
import {
  type CollectionReport,
  collectStorage,
  findSiblingXorbs,
  hasHalfRemoved,
  holdClaimedXorb,
  holdLinkedBlobs,
  planCollection,
} from './service.ts'

const collect = async (hub: Hub, withStrays = false): Promise<CollectionReport> =>
  await collectStorage(hub, { proveRepo: async () => undefined, reason: 'test', withStrays })

/** Runs `before` and `after` around each transaction and each removal of bytes. */
function withSteps(hub: Hub, before: (step: number) => Promise<void>, after: () => void = () => undefined): Hub {
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
    const result = await work()
    after()
    return result
  }
  return {
    ...hub,
    transaction: (fn) => around(() => hub.transaction(fn)),
    blobs: { ...hub.blobs, delete: (name) => around(() => hub.blobs.delete(name)) },
  }
}

describe.each(dialects)('collection on %s', (dialect) => {
  let test_: StoredBytes
  let hub: Hub
  let place: Place
  const nothing = {
    blob: 0,
    repoBlob: 0,
    xorb: 0,
    xorbScope: 0,
    xetFile: 0,
    xetFileXorb: 0,
    xetChunk: 0,
    objects: 0,
    xorbs: 0,
  }

  beforeAll(async () => {
    test_ = await openStoredBytes(dialect, { HOLDFAST_UNDO_DAYS: '40' })
    hub = test_.hub
    place = await makePlace(hub)
  })
  afterAll(async () => await test_[Symbol.asyncDispose]())

  test('what no commit names goes when its lease is over, in every form; what one names stays; a dry run says so', async () => {
    const raw = randomBytes(5_000)
    const shared = randomXorb()
    const kept = wholeFile(shared)
    const lost = wholeFile(shared, randomXorb())
    await putObject(hub, place, raw)
    await putFile(hub, place, lost)
    await nameBlobs(hub, place, await putFile(hub, place, kept))
    await collect(hub)
    expect(await readBlob(hub, lost.sha256, lost.raw.length)).toEqual(lost.raw)

    test_.pass(29 * day)
    const planned = await planCollection(hub, false)
    const { removed, stopped } = await collect(hub)
    expect(stopped).toBeNull()
    expect(removed).toEqual(planned)
    expect(removed.blobs).toEqual({ count: 2, bytes: raw.length })
    expect(removed.files.count).toBe(1)
    expect(removed.xorbs).toEqual({ count: 1, bytes: lost.terms[1]?.xorb.bytes.length })
    expect(await inventory(hub)).toEqual({
      ...nothing,
      blob: 1,
      repoBlob: 1,
      xorb: 1,
      xorbScope: 1,
      xetFile: 1,
      xetFileXorb: 1,
      xetChunk: 1,
      xorbs: 1,
    })
    expect(await readBlob(hub, kept.sha256, kept.raw.length)).toEqual(kept.raw)
    const used = await hub.db.read
      .selectFrom('repo')
      .select('usedStorage')
      .where('id', '=', place.repoId)
      .executeTakeFirst()
    expect(used?.usedStorage).toBe(kept.raw.length)
    const events = await hub.db.read
      .selectFrom('event')
      .select('data')
      .where('action', '=', 'storage.collect')
      .execute()
    expect(JSON.parse(events.at(-1)?.data ?? '{}')).toMatchObject({ blobs: 2, xorbs: 1, stopped: null })

    // The last name goes: the undo window begins, whatever the lease.
    await unnameBlobs(hub, place, kept.sha256)
    test_.pass(39 * day)
    await collect(hub)
    expect(await readBlob(hub, kept.sha256, kept.raw.length)).toEqual(kept.raw)
    test_.pass(2 * day)
    await collect(hub)
    expect(await inventory(hub)).toEqual(nothing)
  })

  test('a blob that lies in both forms, and a file that two clients cut differently', async () => {
    const [a, b] = [randomXorb(1), randomXorb(1)]
    const file = wholeFile(a, b)
    await putFile(hub, place, file)
    await putObject(hub, place, file.raw)
    await putFile(hub, place, { ...file, hash: 'f'.repeat(64) })
    test_.pass(29 * day)
    const { removed } = await collect(hub)
    expect(removed).toMatchObject({
      blobs: { count: 1, bytes: file.raw.length },
      files: { count: 2 },
      xorbs: { count: 2 },
    })
    expect(await inventory(hub)).toEqual(nothing)
  })

  test('git is asked before anything goes; a repo that cannot be read keeps everything', async () => {
    const sha256 = await putObject(hub, place, randomBytes(100))
    test_.pass(29 * day)
    const asked: string[] = []
    const prove = async (repoId: string) => {
      asked.push(repoId)
      await nameBlobs(hub, place, sha256)
    }
    await collectStorage(hub, { proveRepo: prove, reason: 'test' })
    expect(asked).toEqual([place.repoId])
    expect((await inventory(hub)).objects).toBe(1)
    await unnameBlobs(hub, place, sha256)
    test_.pass(41 * day)
    const fail = async () => await Promise.reject(new Error('broken pack'))
    expect((await collectStorage(hub, { proveRepo: fail, reason: 'test' })).stopped).toBeNull()
    expect((await inventory(hub)).objects).toBe(1)
    await collect(hub)
    expect(await inventory(hub)).toEqual(nothing)
  })

  test('one collector at a time, none during a backup, and none that has slept', async () => {
    await putObject(hub, place, randomBytes(100))
    test_.pass(29 * day)
    const lease = await leaseCollector(hub)
    expect((await collect(hub)).stopped).toContain('Another')
    test_.pass(8 * 60_000)
    expect(() => lease?.check()).toThrow('over')
    await expect(lease?.keep()).rejects.toThrow('over')
    test_.pass(3 * 60_000)
    const next = await leaseCollector(hub)
    await lease?.release()
    expect(await leaseCollector(hub)).toBeNull()
    await next?.release()

    const hold = await holdCollection(hub.db, hub.clock)
    expect((await collect(hub)).stopped).toContain('backup')
    await hold.release()
    // A backup that begins after the collection did: what is not claimed yet stays.
    const { stopped } = await collect(
      withSteps(hub, async (step) => {
        if (step === 1) await holdCollection(hub.db, hub.clock)
      }),
    )
    expect(stopped).toContain('backup')
    expect((await inventory(hub)).objects).toBe(1)
    test_.pass(11 * 60_000)
    await collect(hub)
    expect(await inventory(hub)).toEqual(nothing)
  })

  test('who is asked to stop finishes what is claimed, and no more', async () => {
    const stopping = new AbortController()
    for (let count = 0; count < 150; count++) await putObject(hub, place, randomBytes(20))
    test_.pass(29 * day)
    const stepped = withSteps(hub, async (step) => {
      if (step === 2) stopping.abort()
    })
    const options = { proveRepo: async () => undefined, reason: 'test', signal: stopping.signal }
    const { stopped, removed } = await collectStorage(stepped, options)
    expect(stopped).toContain('asked to stop')
    expect(removed.blobs.count).toBe(100)
    expect(await hasHalfRemoved(hub.db)).toBe(false)
    await collect(hub)
    expect(await inventory(hub)).toEqual(nothing)
  })

  test('claims of a scope that has no file of a xorb any more end after 28 days', async () => {
    const elsewhere = await makePlace(hub, { id: 'b'.repeat(24), name: 'elsewhere' })
    const xorb = randomXorb()
    const file = wholeFile(xorb)
    await putFile(hub, place, file)
    await nameBlobs(hub, elsewhere, await putFile(hub, elsewhere, file))
    const scopes = async () =>
      (
        await hub.db.read
          .selectFrom('xorbScope')
          .select('scope')
          .where('xorbHash', '=', xorb.hash)
          .orderBy('scope')
          .execute()
      ).map((row) => row.scope)
    await hub.transaction((tx) => tx.deleteFrom('repoBlob').where('repoId', '=', place.repoId).execute())
    test_.pass(29 * day)
    expect((await collect(hub)).removed.claims.count).toBe(0)
    expect(await scopes()).toEqual([place.scope, elsewhere.scope])
    // Sent again: not stale after all.
    await putXorb(hub, place, xorb)
    await collect(hub)
    test_.pass(29 * day)
    await collect(hub)
    test_.pass(27 * day)
    expect((await collect(hub)).removed.claims.count).toBe(0)
    test_.pass(2 * day)
    expect((await planCollection(hub, false)).claims.count).toBe(1)
    expect((await collect(hub)).removed.claims.count).toBe(1)
    expect(await scopes()).toEqual([elsewhere.scope])
    expect(await readBlob(hub, file.sha256, file.raw.length)).toEqual(file.raw)
    await unnameBlobs(hub, elsewhere, file.sha256)
    test_.pass(41 * day)
    await collect(hub)
    expect(await inventory(hub)).toEqual(nothing)
  })

  interface Prey {
    readonly raw: Buffer
    readonly file: TestFile
    readonly xorb: TestXorb
  }

  /** An object and a Xet file, both due. */
  async function prey(): Promise<Prey> {
    const xorb = randomXorb(2)
    const made = { raw: randomBytes(3_000), xorb, file: wholeFile(xorb) }
    await putObject(hub, place, made.raw)
    await putFile(hub, place, made.file)
    test_.pass(29 * day)
    return made
  }

  const isBusy = (error: unknown) => error instanceof HoldfastError && error.code === 'busy'

  /** Does it now or, where it is told to wait, gives what to do later. */
  async function orLater(work: () => Promise<void>): Promise<(() => Promise<void>) | null> {
    return await work().then(
      () => null,
      (error: unknown) => {
        if (isBusy(error)) return work
        throw error
      },
    )
  }

  const intruders: Record<string, (prey: Prey) => Promise<() => Promise<void>>> = {
    'an upload of the same object': async ({ raw }) => {
      const upload = async () => await nameBlobs(hub, place, await putObject(hub, place, raw))
      const later = await orLater(upload)
      return async () => await later?.()
    },
    'an upload of the same Xet file': async ({ file }) => {
      const upload = async () => await nameBlobs(hub, place, await putFile(hub, place, file))
      const later = await orLater(upload)
      return async () => await later?.()
    },
    'another file of the same xorb, answered by global dedup': async ({ xorb, file }) => {
      const found = await findSiblingXorbs(
        hub.db,
        place.scope,
        hashToString(xorb.chunks[0]?.hash ?? Buffer.alloc(32)),
        8,
      )
      const isHeld = found.includes(xorb.hash) && (await holdClaimedXorb(hub, place.scope, xorb.hash)) !== null
      return async () => {
        // What was answered as stored stays, with the claim: no byte is sent again.
        if (!isHeld) await putXorb(hub, place, xorb)
        expect(await holdClaimedXorb(hub, place.scope, xorb.hash)).toBe(xorb.bytes.length)
        await nameBlobs(hub, place, await registerFile(hub, place, file))
      }
    },
    'an "already stored" and a commit': async ({ raw, file }) => {
      const all = [createHash('sha256').update(raw).digest('hex'), file.sha256]
      const held = await holdLinkedBlobs(hub, place.repoId, all)
      await nameBlobs(hub, place, ...held.keys())
      return async () => {
        if (!held.has(all[0] ?? '')) await nameBlobs(hub, place, await putObject(hub, place, raw))
        if (!held.has(file.sha256)) await nameBlobs(hub, place, await putFile(hub, place, file))
      }
    },
  }

  test.each(Object.keys(intruders))('%s, before each step', async (name) => {
    const intruder = intruders[name]
    if (intruder === undefined) throw new Error(name)
    let steps = 1
    for (let strike = 0; strike < steps; strike++) {
      const made = await prey()
      let finish: () => Promise<void> = async () => undefined
      let seen = 0
      const stepped = withSteps(hub, async (step) => {
        seen = step
        if (step === strike) finish = await intruder(made)
      })
      await collect(stepped)
      await finish()
      steps = Math.max(steps, seen + 1)
      const rows = await hub.db.read.selectFrom('repoBlob').selectAll().where('referencedAt', 'is not', null).execute()
      for (const row of rows) {
        const expected = row.size === made.raw.length ? made.raw : made.file.raw
        expect(await readBlob(hub, row.sha256, row.size), `after step ${strike}`).toEqual(expected)
      }
      expect(rows.length, `after step ${strike}`).toBeGreaterThan(0)
      await unnameBlobs(hub, place, ...rows.map((row) => row.sha256))
      test_.pass(41 * day)
      await collect(hub)
      expect(await inventory(hub), `after step ${strike}`).toEqual(nothing)
    }
    expect(steps).toBeGreaterThan(10)
  })

  test('a crash before or after each step is finished by the next run', async () => {
    let isOver = false
    let strike = 0
    for (; !isOver; strike++) {
      for (const isBefore of [true, false]) {
        await prey()
        let seen = 0
        const stepped = withSteps(
          hub,
          async (step) => {
            seen = step
            if (isBefore && step === strike) throw new Error('crash')
          },
          () => {
            if (!isBefore && seen === strike) throw new Error('crash')
          },
        )
        await collect(stepped).catch((error: unknown) => expect(String(error)).toContain('crash'))
        isOver = seen < strike
        // The dead collector's lease ends.
        test_.pass(11 * 60_000)
        await collect(hub)
        expect(await inventory(hub), `crash at step ${strike}`).toEqual(nothing)
        expect(await hasHalfRemoved(hub.db)).toBe(false)
      }
    }
    expect(strike).toBeGreaterThan(10)
  })

  test('strays go only where a check saw them 28 days ago, and never what got a row meanwhile', async () => {
    const raw = randomBytes(700)
    const sha256 = await putObject(hub, place, raw)
    const other = await putObject(hub, place, randomBytes(800))
    await hub.transaction(async (tx) => {
      await tx.deleteFrom('repoBlob').execute()
      await tx.deleteFrom('blob').execute()
      const at = { foundAt: hub.clock.now(), checkedAt: hub.clock.now(), fault: 'stray' as const, reason: 'x' }
      await tx
        .insertInto('storeFinding')
        .values([
          { kind: 'object', hash: sha256, size: 700, ...at },
          { kind: 'object', hash: other, size: 800, ...at },
        ])
        .execute()
    })
    test_.pass(27 * day)
    await collect(hub, true)
    expect((await inventory(hub)).objects).toBe(2)
    test_.pass(2 * day)
    await putObject(hub, place, raw)
    await collect(hub)
    expect((await inventory(hub)).objects).toBe(2)
    expect((await collect(hub, true)).removed.strays).toEqual({ count: 1, bytes: 800 })
    expect(await readBlob(hub, sha256, 700)).toEqual(raw)
    expect(await hub.db.read.selectFrom('storeFinding').selectAll().execute()).toEqual([])
    test_.pass(29 * day)
    await collect(hub)
    expect(await inventory(hub)).toEqual(nothing)
  })
})
