/** What quarantine costs where bytes are handed out: no table is read without an index, however many files were scanned. */
import { CompiledQuery, type DatabaseConnection, Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { makeDatabase } from '../../../tests/support/databases.ts'
import type { Db } from '../../platform/db/database.ts'
import { kyselyProps } from '../../platform/db/kysely-handle.ts'
import type { Schema } from '../../platform/db/schema.ts'
import {
  selectAllowList,
  selectHeldOfRepo,
  selectImportSets,
  selectImportSetsOf,
  selectImportSetsOfRepo,
  selectPolicy,
  selectVerdicts,
} from './quarantine-queries.ts'

test('every question of quarantine goes by an index', async () => {
  const { db, remove } = await makeDatabase('sqlite')
  const plans = new Map<string, string[]>()
  const connection: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery) => {
      const explained = CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters])
      const { rows } = await db.list.executeQuery<{ detail: string }>(explained)
      plans.set(
        query.sql,
        rows.map(({ detail }) => detail),
      )
      return await db.list.executeQuery<R>(CompiledQuery.raw(query.sql, [...query.parameters]))
    },
    streamQuery: () => {
      throw new Error('Nothing here is streamed.')
    },
  }
  const asked = new Kysely<Schema>(kyselyProps('sqlite', () => connection))
  const watched: Db = { ...db, read: asked, list: asked }
  await selectPolicy(watched, 'o1', 'w1')
  await selectAllowList(watched, 'o1')
  await selectVerdicts(watched, ['git:1', 'sha256:2'])
  await selectHeldOfRepo(watched, 'r1', 'git:', 0)
  await selectImportSetsOf(watched, ['git:1', 'sha256:2'])
  await selectImportSets(watched, ['a', 'b'])
  await selectImportSetsOfRepo(watched, 'r1', 'git:', 0, 10)
  await remove()

  expect(plans.size).toBe(7)
  for (const [statement, plan] of plans) {
    const scans = plan.filter((step) => step.startsWith('SCAN ') && !step.startsWith('SCAN json_each'))
    expect({ statement, scans }).toEqual({ statement, scans: [] })
    const unindexed = plan
      .filter((step) => step.startsWith('SEARCH '))
      .filter((step) => !/USING (COVERING )?INDEX|USING INTEGER PRIMARY KEY/.test(step))
    expect({ statement, unindexed }).toEqual({ statement, unindexed: [] })
  }
})
