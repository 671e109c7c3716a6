/** A view of one moment for a thread of its own, the same on both dialects. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { readInOneMoment } from './own-reader.ts'

describe.each(dialects)('an own reader on %s', (dialect) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await makeDatabase(dialect)
  })
  afterEach(() => database.remove())

  const put = (key: string) =>
    database.db.transaction((tx) => tx.insertInto('instance').values({ key, value: 'v' }).execute())

  test('sees one moment: what is committed while it reads belongs to the next one', async () => {
    await put('before')
    const keys = await readInOneMoment(database.options, async ({ list }) => {
      const read = () => list.selectFrom('instance').select('key').where('key', 'in', ['before', 'later']).execute()
      const first = await read()
      await put('later')
      // At once, as those who load several things do.
      const again = await Promise.all([read(), read()])
      await expect(list.insertInto('instance').values({ key: 'x', value: 'x' }).execute()).rejects.toThrow(/read-?only/)
      return [first, ...again].map((rows) => rows.map(({ key }) => key))
    })
    expect(keys).toEqual([['before'], ['before'], ['before']])
    expect(
      await readInOneMoment(database.options, ({ list }) =>
        list.selectFrom('instance').select('key').where('key', '=', 'later').execute(),
      ),
    ).toEqual([{ key: 'later' }])
  })

  test('a statement that fails tells who asked, and streams are refused', async () => {
    await readInOneMoment(database.options, async ({ list }) => {
      await expect(
        list
          .selectFrom('instance')
          .select('nothing' as never)
          .execute(),
      ).rejects.toThrow('nothing')
      await expect(list.selectFrom('instance').selectAll().stream(1).next()).rejects.toThrow('in pages')
    })
  })
})
