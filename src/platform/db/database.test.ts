/** What the rest of the program may rely on, run on SQLite and on PostgreSQL alike. */
import { rename } from 'node:fs/promises'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { afterCommit, type Db, openDatabase, type Tx } from './database.ts'
import { isConflict, isTimeout, isUnavailable, isUniqueViolation } from './errors.ts'
import { prepared } from './prepared.ts'

const slowQuery = sql<{ n: number }>`with recursive "c"("x") as (
  select 1 union all select "x" + 1 from "c" where "x" < 4000000) select count(*) as "n" from "c"`

async function put(tx: Tx, key: string, value = 'v') {
  return await tx.insertInto('instance').values({ key, value }).executeTakeFirst()
}

async function keys(db: Db): Promise<string[]> {
  const rows = await db.read.selectFrom('instance').select('key').orderBy('key').execute()
  return rows.map((row) => row.key)
}

describe.each(dialects)('the database on %s', (dialect) => {
  let database: TestDatabase
  let db: Db

  beforeEach(async () => {
    database = await makeDatabase(dialect)
    db = database.db
  })
  afterEach(async () => {
    await database.remove()
  })

  test('what a transaction wrote is read at once by every handle, and its result is handed back', async () => {
    const result = await db.transaction(async (tx) => {
      await put(tx, 'a')
      expect(await tx.selectFrom('instance').select('key').execute()).toEqual([{ key: 'a' }])
      return 7
    })
    expect(result).toBe(7)
    expect(await keys(db)).toEqual(['a'])
    expect(await db.list.selectFrom('instance').selectAll().execute()).toEqual([{ key: 'a', value: 'v' }])
  })

  test('a transaction that throws leaves nothing', async () => {
    const failing = db.transaction(async (tx) => {
      await put(tx, 'a')
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await keys(db)).toEqual([])
  })

  test('counts of changed rows, and rows by returning', async () => {
    await db.transaction(async (tx) => {
      expect((await put(tx, 'a'))?.numInsertedOrUpdatedRows).toBe(1n)
      await put(tx, 'b')
      const updated = await tx.updateTable('instance').set({ value: 'w' }).executeTakeFirst()
      expect(updated.numUpdatedRows).toBe(2n)
      const missing = await tx.updateTable('instance').set({ value: 'x' }).where('key', '=', 'no').executeTakeFirst()
      expect(missing.numUpdatedRows).toBe(0n)
      expect(await tx.deleteFrom('instance').where('key', '=', 'a').returning('value').execute()).toEqual([
        { value: 'w' },
      ])
      expect((await tx.deleteFrom('instance').executeTakeFirst()).numDeletedRows).toBe(1n)
    })
  })

  test('reading handles refuse to write', async () => {
    const value = { key: 'a', value: 'v' }
    await expect(db.read.insertInto('instance').values(value).execute()).rejects.toThrow(/read-?only/)
    await expect(db.list.insertInto('instance').values(value).execute()).rejects.toThrow(/read-?only/)
    await expect(db.read.deleteFrom('instance').execute()).rejects.toThrow(/read-?only/)
    await expect(db.read.transaction().execute(async () => undefined)).rejects.toThrow('db.transaction(fn)')
    expect(await keys(db)).toEqual([])
  })

  test('only tx works inside a transaction; elsewhere at the same time everything does', async () => {
    const other = db.read.selectFrom('instance').selectAll()
    await db.transaction(async (tx) => {
      await put(tx, 'a')
      await expect(other.execute()).rejects.toThrow('db.read was used inside a transaction')
      await expect(db.list.selectFrom('instance').selectAll().execute()).rejects.toThrow('db.list was used inside')
      await expect(db.list.selectFrom('instance').selectAll().stream(1).next()).rejects.toThrow(
        'db.list was used inside',
      )
      await expect(db.transaction(async () => 1)).rejects.toThrow('db.transaction was used inside a transaction')
      await expect(tx.selectFrom('instance').selectAll().stream(1).next()).rejects.toThrow('Stream with db.list')
    })
    let release: (() => void) | null = null
    const held = db.transaction(async (tx) => {
      await put(tx, 'b')
      await new Promise<void>((resolve) => {
        release = resolve
      })
    })
    const free = await vi.waitUntil(() => release)
    expect(await keys(db)).toEqual(['a'])
    free()
    await held
    expect(await keys(db)).toEqual(['a', 'b'])
  })

  test('a tx is worthless after its transaction', async () => {
    let kept: Tx | null = null
    await db.transaction(async (tx) => {
      kept = tx
      await put(tx, 'a')
    })
    const stale = kept as Tx | null
    if (stale === null) throw new Error('no tx')
    await expect(put(stale, 'b')).rejects.toThrow('after its transaction ended')
    expect(() => afterCommit(stale, () => undefined)).toThrow('after its transaction ended')
    expect(await keys(db)).toEqual(['a'])
  })

  test('a failed statement dooms its transaction, even when the error is caught', async () => {
    await db.transaction((tx) => put(tx, 'a'))
    const doomed = db.transaction(async (tx) => {
      await put(tx, 'b')
      await expect(put(tx, 'a')).rejects.toSatisfy(isUniqueViolation)
      await expect(put(tx, 'c')).rejects.toThrow(/transaction/)
    })
    await expect(doomed).rejects.toThrow('rolled back instead of committed')
    await expect(db.transaction((tx) => put(tx, 'a'))).rejects.toSatisfy(isUniqueViolation)
    expect(await keys(db)).toEqual(['a'])
    await db.transaction((tx) =>
      tx
        .insertInto('instance')
        .values({ key: 'a', value: 'w' })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: 'w' }))
        .execute(),
    )
  })

  test('transactions at the same time lose no update', async () => {
    await db.transaction((tx) => put(tx, 'n', '0'))
    await Promise.all(
      Array.from({ length: 30 }, () =>
        db.transaction(async (tx) => {
          const locked = tx.selectFrom('instance').select('value').where('key', '=', 'n')
          const row = await (dialect === 'postgres' ? locked.forUpdate() : locked).executeTakeFirstOrThrow()
          await tx
            .updateTable('instance')
            .set({ value: String(Number(row.value) + 1) })
            .execute()
        }),
      ),
    )
    expect(await db.read.selectFrom('instance').select('value').execute()).toEqual([{ value: '30' }])
  })

  test('a transaction that stays open too long is rolled back, and others go on', async () => {
    const overdue = db.transaction(
      async (tx) => {
        await put(tx, 'a')
        await new Promise((resolve) => setTimeout(resolve, 300))
        await put(tx, 'b')
      },
      { timeLimitMs: 100 },
    )
    const next = db.transaction((tx) => put(tx, 'c'))
    await expect(overdue).rejects.toSatisfy(isTimeout)
    await next
    expect(await keys(db)).toEqual(['c'])
  })

  test('a statement that runs beyond the limit is not waited for', async () => {
    const before = Date.now()
    const overdue = db.transaction(
      async (tx) => {
        await put(tx, 'a')
        await slowQuery.execute(tx)
      },
      { timeLimitMs: 100 },
    )
    await expect(overdue).rejects.toSatisfy(isTimeout)
    expect(Date.now() - before).toBeLessThan(600)
    await db.transaction((tx) => put(tx, 'b'))
    expect(await keys(db)).toEqual(['b'])
  })

  test('callbacks after the commit run then, and not after a rollback', async () => {
    const calls: string[] = []
    await db.transaction(async (tx) => {
      afterCommit(tx, () => calls.push('committed'))
      expect(calls).toEqual([])
    })
    await db
      .transaction(async (tx) => {
        afterCommit(tx, () => calls.push('never'))
        throw new Error('no')
      })
      .catch(() => undefined)
    expect(calls).toEqual(['committed'])
  })

  test('integers are exact or an error, truth values are 0 or 1, sums are numbers', async () => {
    const at = 1_790_000_000_123
    await db.transaction((tx) =>
      tx.insertInto('throttle').values({ key: 'k', count: at, windowStartedAt: 0 }).execute(),
    )
    const row = await db.read
      .selectFrom('throttle')
      .select((eb) => [eb.fn.sum<number>('count').as('sum'), eb.fn.countAll<number>().as('rows')])
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ sum: at, rows: 1 })
    const { rows } = await sql<{ yes: number }>`select exists (select 1 from "throttle") as "yes"`.execute(db.read)
    expect(rows).toEqual([{ yes: 1 }])
    for (const on of [db.read, db.list]) {
      await expect(sql`select 9007199254740993 as "n"`.execute(on)).rejects.toThrow('cannot hold exactly')
      expect((await sql`select 9007199254740991 as "n"`.execute(on)).rows).toEqual([{ n: 9007199254740991 }])
    }
  })

  test('large lists are streamed in chunks, and may be left early', async () => {
    await db.transaction(async (tx) => {
      for (let i = 0; i < 10; i++) await put(tx, `k${i}`)
    })
    const query = db.list.selectFrom('instance').select('key').where('key', '>', 'k0').orderBy('key')
    const seen: string[] = []
    for await (const row of query.stream(4)) seen.push(row.key)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `k${i}`))
    // More often than there are readers, to see that each is given back.
    for (let round = 0; round < 8; round++) {
      for await (const row of query.stream(2)) {
        expect(row.key).toBe('k1')
        // Lists go on beside a stream.
        expect(await query.limit(1).execute()).toEqual([{ key: 'k1' }])
        break
      }
    }
    await expect(db.read.selectFrom('instance').select('key').stream(1).next()).rejects.toThrow('Stream with db.list')
  })

  test('a prepared statement runs on every handle with its own parameters', async () => {
    const find = prepared<{ key: string; limit: number }, { key: string; value: string }>((q, param) =>
      q
        .selectFrom('instance')
        .selectAll()
        .where('key', '>=', param('key'))
        .where('value', '!=', 'w')
        .limit(param('limit')),
    )
    await db.transaction(async (tx) => {
      await put(tx, 'a')
      await put(tx, 'b')
      await put(tx, 'c', 'w')
      expect(await find.run(tx, { key: 'a', limit: 5 })).toHaveLength(2)
    })
    expect(await find.first(db.read, { key: 'b', limit: 1 })).toEqual({ key: 'b', value: 'v' })
    expect(await find.first(db.read, { key: 'c', limit: 1 })).toBeNull()
    expect(await find.run(db.list, { key: '', limit: 1 })).toHaveLength(1)
  })

  test('errors name their kind', async () => {
    expect(isTimeout(new Error('x'))).toBe(false)
    expect(isUniqueViolation('x')).toBe(false)
    await expect(sql`select nonsense`.execute(db.read)).rejects.toThrow(/nonsense/)
    await expect(sql`select nonsense`.execute(db.list)).rejects.toThrow(/nonsense/)
  })

  test('a closed database refuses', async () => {
    await db.transaction((tx) => put(tx, 'a'))
    await db.close()
    await expect(keys(db)).rejects.toThrow()
    await expect(db.list.selectFrom('instance').selectAll().execute()).rejects.toThrow()
    await expect(db.transaction((tx) => put(tx, 'b'))).rejects.toThrow()
  })
})

describe.each(dialects)('list queries with a time limit on %s', (dialect) => {
  test('a slow query ends in a timeout, and the next one is served', async () => {
    const { db, remove } = await makeDatabase(dialect, { readTimeoutMs: 150 })
    try {
      await sql`select 1`.execute(db.list)
      const before = Date.now()
      await expect(slowQuery.execute(db.list)).rejects.toSatisfy(isTimeout)
      expect(Date.now() - before).toBeLessThan(600)
      expect(await db.read.selectFrom('instance').selectAll().execute()).toEqual([])
      await vi.waitFor(async () => expect((await sql`select 1 as "n"`.execute(db.list)).rows).toEqual([{ n: 1 }]))
    } finally {
      await remove()
    }
  })
})

describe('SQLite alone', () => {
  test('a list that is too long for memory is refused, and streams instead', async () => {
    const { db, remove } = await makeDatabase('sqlite')
    const many = sql<{
      x: number
    }>`with recursive "c"("x") as (select 1 union all select "x" + 1 from "c" where "x" < 60000)
      select "x" from "c"`
    try {
      await expect(many.execute(db.list)).rejects.toThrow('more than 50000 rows')
      let count = 0
      const numbers = db.list.selectFrom(sql<{ x: number }>`(${many})`.as('numbers')).select('numbers.x')
      for await (const row of numbers.stream(1000)) count += row.x > 0 ? 1 : 0
      expect(count).toBe(60_000)
    } finally {
      await remove()
    }
  })

  test('two processes on one file wait for each other', async () => {
    const { db, options, remove } = await makeDatabase('sqlite')
    const other = await openDatabase(options)
    try {
      await Promise.all(
        [db, other].flatMap((one, side) =>
          Array.from({ length: 20 }, (_, i) => one.transaction((tx) => put(tx, `${side}-${i}`))),
        ),
      )
      expect(await keys(db)).toHaveLength(40)
      expect(await keys(other)).toHaveLength(40)
    } finally {
      await other.close()
      await remove()
    }
  })

  test('a worker that cannot start fails its transaction; the next one starts a new worker', async () => {
    const { db, options, remove } = await makeDatabase('sqlite', { migrated: false })
    try {
      await rename(options.folder, `${options.folder}-away`)
      const failing = db.transaction((tx) => sql`create table "t" ("x" text)`.execute(tx))
      await expect(failing).rejects.toSatisfy(isUnavailable)
      await rename(`${options.folder}-away`, options.folder)
      await db.transaction((tx) => sql`create table "t" ("x" text)`.execute(tx))
    } finally {
      await remove()
    }
  })
})

test.runIf(dialects.includes('postgres'))('PostgreSQL runs a transaction again after a deadlock', async () => {
  const { db, remove } = await makeDatabase('postgres')
  try {
    await db.transaction(async (tx) => {
      await put(tx, 'a')
      await put(tx, 'b')
    })
    let runs = 0
    const update = (tx: Tx, key: string) =>
      tx.updateTable('instance').set({ value: 'w' }).where('key', '=', key).execute()
    const cross = (first: string, second: string) =>
      db.transaction(async (tx) => {
        runs++
        await update(tx, first)
        await new Promise((resolve) => setTimeout(resolve, 100))
        await update(tx, second)
      })
    await Promise.all([cross('a', 'b'), cross('b', 'a')])
    expect(runs).toBeGreaterThan(2)
    expect(isConflict(Object.assign(new Error('x'), { code: '40001' }))).toBe(true)
  } finally {
    await remove()
  }
})
