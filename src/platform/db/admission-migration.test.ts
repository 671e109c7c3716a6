/** What stands in a hub when pickle admission comes to it. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { dialects, makeDatabase } from '../../../tests/support/databases.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'

// Story: pickles that were scanned before the upgrade had no import set, and were handed out under "refuse" until each was scanned again.
describe.each(dialects)('0016-admission on %s', (dialect) => {
  test('what was found in before, or could not be scanned, is admitted by no list until it is scanned again', async () => {
    const { db, remove } = await makeDatabase(dialect, { migrated: false })
    try {
      const before = Object.entries(migrations).filter(([name]) => name < '0016')
      await migrate(db, () => 1, Object.fromEntries(before))
      for (const [content, state, level] of [
        ['a', 'done', 'suspicious'],
        ['b', 'error', 'error'],
        ['c', 'done', 'safe'],
      ]) {
        const insert = sql`insert into "contentScan" ("content", "size", "state", "level", "scanners", "attempts", "dueAt", "queuedAt", "foundAt")
          values (${content}, 1, ${state}, ${level}, 'v1', 3, 9, 9, 0)`
        await db.transaction((tx) => insert.execute(tx))
      }
      await migrate(db, () => 1)
      const rows = await db.read.selectFrom('contentScan').select(['content', 'state', 'importSet']).execute()
      expect(rows.sort((one, other) => (one.content < other.content ? -1 : 1))).toEqual([
        { content: 'a', state: 'queued', importSet: 'unknown' },
        { content: 'b', state: 'queued', importSet: 'unknown' },
        { content: 'c', state: 'done', importSet: null },
      ])
    } finally {
      await remove()
    }
  })
})
