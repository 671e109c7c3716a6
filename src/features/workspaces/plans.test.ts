/** What the lists of groups and workspaces cost: no table is read without an index, however many groups, workspaces and members there are. */
import { CompiledQuery, type DatabaseConnection, Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { makeDatabase } from '../../../tests/support/databases.ts'
import { visibleAmong } from '../../access/viewer-reach.ts'
import { visibleWorkspaces } from '../../access/visible-workspaces.ts'
import type { Db } from '../../platform/db/database.ts'
import { kyselyProps } from '../../platform/db/kysely-handle.ts'
import type { Schema } from '../../platform/db/schema.ts'
import { findGroup, findRosterRow, listGroups, listRoster } from '../groups/queries.ts'
import { countContents, firstContents, listContents } from './content-queries.ts'
import { changeOfPlace, countOutside, lossThroughGroup, whatIsLeft, workspacesOfGroup } from './impact-queries.ts'
import { listPlacesToCreate, listWorkspaces } from './queries.ts'
import {
  countRoles,
  findGroupHolder,
  findHolder,
  firstHolders,
  listGroupHolders,
  listHolders,
} from './roster-queries.ts'

const ada = { kind: 'user', id: 'u1', name: 'ada', fullname: null, isAdmin: false, hasSecondFactor: false } as const

test('every list and every question of a dialog goes by an index', async () => {
  const { db, remove } = await makeDatabase('sqlite')
  const plans = new Map<string, string[]>()
  const connection: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery) => {
      const explained = CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters])
      const { rows } = await db.read.executeQuery<{ detail: string }>(explained)
      plans.set(
        query.sql,
        rows.map(({ detail }) => detail),
      )
      return await db.list.executeQuery<R>(CompiledQuery.raw(query.sql, [...query.parameters]))
    },
    streamQuery: () => {
      throw new Error('Lists are not streamed.')
    },
  }
  const watched: Db = { ...db, list: new Kysely<Schema>(kyselyProps('sqlite', () => connection)) }
  const page = { after: 'x', limit: 10 }
  const viewer = { principal: ada, credential: { kind: 'session', id: 's', isFresh: false } } as const
  const about = { organizationId: 'o1', groupId: 'g1' }
  await listGroups(watched, 'o1', page)
  await findGroup(watched, 'g1')
  for (const after of ['', 's:x']) await listRoster(watched, 'g1', { ...page, after, now: 1 })
  await findRosterRow(watched, 'g1', 'ada')
  for (const principal of [null, 'u1']) await listWorkspaces(watched, 'o1', principal, { ...page, now: 1 })
  await listPlacesToCreate(watched, 'u1', 10, 1)
  await firstHolders(watched, ['w1', 'w2'], 10, 1)
  await listHolders(watched, 'w1', { ...page, now: 1 })
  await listGroupHolders(watched, 'w1', { ...page, now: 1 })
  await countRoles(watched, ['w1', 'w2'], 1)
  await findHolder(watched, 'w1', 'ada')
  await findGroupHolder(watched, 'w1', 'g1')
  await firstContents(watched, ['w1', 'w2'], 10)
  await listContents(watched, 'w1', page)
  await countContents(watched, ['w1', 'w2'])
  for (const [from, to] of [
    [null, 'w1'],
    ['w1', null],
    ['w1', 'w2'],
  ] as const) {
    await changeOfPlace(watched, 'o1', from, to, 1)
  }
  for (const more of [{}, { workspaceId: 'w1' }, { principalId: 'u1' }])
    await lossThroughGroup(watched, { ...about, ...more }, 1)
  await whatIsLeft(watched, 'o1', 'w1', 'u1', 1)
  await countOutside(watched, 'o1', 'w1')
  await workspacesOfGroup(watched, 'g1', 10, 1)
  await visibleAmong(watched, viewer, ['r1'], 1)
  await visibleWorkspaces(watched, viewer, ['w1'], 1)
  await remove()

  expect(plans.size).toBeGreaterThan(25)
  /** The list of ids that was sent along, and what a union of index searches gathered. */
  const bounded = [/^SCAN json_each /, /^SCAN (places|own|CONSTANT ROW)$/]
  for (const [statement, plan] of plans) {
    // `SCAN g` reads the bounded subquery of that name; the table under it must be reached by an index.
    const isBounded = (step: string) => step === 'SCAN g' && plan.includes('CO-ROUTINE g')
    const scans = plan.filter(
      (step) => step.startsWith('SCAN ') && !isBounded(step) && !bounded.some((scan) => scan.test(step)),
    )
    expect({ statement, scans }).toEqual({ statement, scans: [] })
    const searches = plan.filter((step) => step.startsWith('SEARCH '))
    const unindexed = searches.filter((step) => !/USING (COVERING )?INDEX|USING INTEGER PRIMARY KEY/.test(step))
    expect({ statement, unindexed }).toEqual({ statement, unindexed: [] })
  }
})
