/** Views that do not move, and what the database says about its own tables: the same on both dialects. */
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { systemClock } from '../clock.ts'
import { findCollectionHold, holdCollection, isCollectionHeld } from './collection-hold.ts'
import { migrations } from './migrations/index.ts'
import { describeTables, readMigrations } from './tables.ts'

describe.each(dialects)('a snapshot on %s', (dialect) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await makeDatabase(dialect)
  })
  afterEach(() => database.remove())

  const put = (key: string) =>
    database.db.transaction((tx) => tx.insertInto('instance').values({ key, value: 'v' }).execute())

  test('sees what was committed before it and nothing later, also while it streams', async () => {
    for (let i = 0; i < 5; i++) await put(`before-${i}`)
    const { db } = database
    await db.snapshot(async (view) => {
      await put('later')
      const seen: string[] = []
      for await (const row of view.selectFrom('instance').select('key').orderBy('key').stream(2)) {
        seen.push(row.key)
        await put(`during-${row.key}`)
      }
      expect(seen).toEqual(['before-0', 'before-1', 'before-2', 'before-3', 'before-4'])
      expect(await view.selectFrom('instance').select('key').where('key', '=', 'later').execute()).toEqual([])
      await expect(view.insertInto('instance').values({ key: 'x', value: 'x' }).execute()).rejects.toThrow(/read-?only/)
    })
    expect(await db.read.selectFrom('instance').select('key').execute()).toHaveLength(11)
  })

  test('is worthless after its end, and may be left in the middle of a list', async () => {
    await put('a')
    await put('b')
    const view = await database.db.snapshot(async (given) => {
      for await (const _ of given.selectFrom('instance').selectAll().stream(1)) break
      expect(await given.selectFrom('instance').selectAll().execute()).toHaveLength(2)
      return given
    })
    await expect(view.selectFrom('instance').selectAll().execute()).rejects.toThrow('after it was closed')
    await expect(database.db.snapshot(async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  test('the migrations and every table they make are named; what one dialect has for itself is not', async () => {
    const { db } = database
    const tables = await describeTables(db.read, dialect)
    const names = tables.map((table) => table.name)
    expect(await readMigrations(db.read, dialect)).toEqual(Object.keys(migrations))
    for (const name of ['user', 'repo', 'event', 'blob', 'repoBlob', 'instance']) expect(names).toContain(name)
    expect(names.filter((name) => /migration|Search|sqlite/.test(name))).toEqual([])
    for (const { name, references, key } of tables) {
      expect(key.length, `${name} has a key`).toBeGreaterThan(0)
      // Of a table that refers to itself the rows come by their ids, which grow: a token before its children.
      const others = references.filter((other) => other !== name)
      for (const other of others) expect(names.indexOf(other)).toBeLessThan(names.indexOf(name))
    }
    const repo = tables.find((table) => table.name === 'repo')
    expect(repo?.key).toEqual(['id'])
    expect(repo?.columns.map((column) => column.name)).not.toContain('rowNumber')
    expect(tables.find((table) => table.name === 'repoBlob')?.key).toEqual(['repoId', 'sha256'])
  })

  test('a hold on collections is seen in claims, ends by release and by itself', async () => {
    const { db } = database
    let now = 1_000_000
    const clock = systemClock(() => now)
    const held = () => db.transaction((tx) => isCollectionHeld(tx, dialect, now))
    expect(await held()).toBe(false)
    const one = await holdCollection(db, clock)
    const two = await holdCollection(db, clock)
    expect([await held(), await findCollectionHold(db, now)]).toEqual([true, true])
    await one.release()
    expect(await held()).toBe(true)
    now += 11 * 60_000
    expect([await held(), two.isUnbroken]).toEqual([false, false])
    await (await holdCollection(db, clock)).release()
    expect(await db.read.selectFrom('instance').selectAll().execute()).toEqual([])
  })

  test('a hold is prolonged while its owner lives', async () => {
    const { db } = database
    const clock = systemClock()
    const hold = await holdCollection(db, clock, { holdMs: 400, renewEveryMs: 100 })
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect([hold.isUnbroken, await findCollectionHold(db, clock.now())]).toEqual([true, true])
    await hold.release()
  })

  test.runIf(dialect === 'postgres')('a hold waits for a claim that is under way', async () => {
    const { db } = database
    const clock = systemClock()
    let claimed = false
    const claim = db.transaction(async (tx) => {
      expect(await isCollectionHeld(tx, dialect, clock.now())).toBe(false)
      await sql`select pg_sleep(0.3)`.execute(tx)
      claimed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    const hold = await holdCollection(db, clock)
    expect(claimed).toBe(true)
    await claim
    await hold.release()
  })
})

test.runIf(dialects.includes('postgres'))('both dialects have the same tables, columns and kinds', async () => {
  const [one, two] = [await makeDatabase('sqlite'), await makeDatabase('postgres')]
  try {
    const shape = async ({ db }: TestDatabase) =>
      (await describeTables(db.read, db.dialect)).map(({ name, columns, key, references }) => ({
        name,
        key,
        columns: columns.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        references: [...new Set(references)].sort(),
      }))
    expect(await shape(one)).toEqual(await shape(two))
  } finally {
    await one.remove()
    await two.remove()
  }
})
