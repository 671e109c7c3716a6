/** Migrations on both dialects. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { dialects, makeDatabase } from '../../../tests/support/databases.ts'
import { openDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations/index.ts'

const one: Migration = { up: async (db) => void (await sql`create table "one" ("x" text)`.execute(db)) }
const two: Migration = { up: async (db) => void (await sql`create table "two" ("x" text)`.execute(db)) }
const now = () => 1

describe.each(dialects)('migrations on %s', (dialect) => {
  test('run once, in order, and start where the last start ended', async () => {
    const { db, remove } = await makeDatabase(dialect, { migrated: false })
    try {
      expect(await migrate(db, now, { '0001-one': one })).toEqual({ applied: ['0001-one'], changed: [] })
      expect(await migrate(db, now, { '0002-two': two, '0001-one': one })).toEqual({
        applied: ['0002-two'],
        changed: [],
      })
      expect(await migrate(db, now, { '0002-two': two, '0001-one': one })).toEqual({ applied: [], changed: [] })
    } finally {
      await remove()
    }
  })

  test('an edited migration is reported', async () => {
    const { db, remove } = await makeDatabase(dialect, { migrated: false })
    try {
      await migrate(db, now, { '0001-one': one })
      expect(await migrate(db, now, { '0001-one': two })).toEqual({ applied: [], changed: ['0001-one'] })
    } finally {
      await remove()
    }
  })

  test('a database that a newer program changed is refused', async () => {
    const { db, remove } = await makeDatabase(dialect, { migrated: false })
    try {
      await migrate(db, now, { '0001-one': one, '0002-two': two })
      await expect(migrate(db, now, { '0001-one': one })).rejects.toThrow('newer Holdfast (0002-two)')
    } finally {
      await remove()
    }
  })

  test('a migration that fails undoes all of them', async () => {
    const { db, remove } = await makeDatabase(dialect, { migrated: false })
    try {
      const broken: Migration = { up: async (tx) => void (await sql`select nonsense`.execute(tx)) }
      await expect(migrate(db, now, { '0001-one': one, '0002-two': broken })).rejects.toThrow('nonsense')
      expect(await migrate(db, now, { '0001-one': one, '0002-two': two })).toMatchObject({
        applied: ['0001-one', '0002-two'],
      })
    } finally {
      await remove()
    }
  })

  test('two programs that start together migrate once', async () => {
    const { db, options, remove } = await makeDatabase(dialect, { migrated: false })
    const other = await openDatabase(options)
    try {
      const reports = await Promise.all([db, other].map((each) => migrate(each, now, { '0001-one': one })))
      expect(reports.flatMap((report) => report.applied)).toEqual(['0001-one'])
    } finally {
      await other.close()
      await remove()
    }
  })

  test('the real ones run, and tell their statements the same way each time', async () => {
    const { db, remove } = await makeDatabase(dialect)
    try {
      expect(await migrate(db)).toEqual({ applied: [], changed: [] })
    } finally {
      await remove()
    }
  })
})
