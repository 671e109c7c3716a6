/** Idea 19: what an export, a plan and an apply ask the database for: each statement goes by an index, whatever other organizations have. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import type { Tx } from '../../platform/db/database.ts'
import {
  lockParts,
  selectAccounts,
  selectGrants,
  selectGroupMembers,
  selectGroups,
  selectOrganization,
  selectPeople,
  selectWorkspaces,
  type View,
} from './queries.ts'
import { readWorld } from './world.ts'

const large = [
  'organization',
  'roleGrant',
  'namespace',
  'user',
  'memberGroup',
  'groupMember',
  'workspace',
  'serviceAccount',
]
const organizations = 60
/** People, groups, workspaces and service accounts of each. */
const each = 12

/** An id of one kind: `organization`, and which of it. */
const id = (kind: string, organization: number, n = 0): string =>
  `${kind}${String(organization).padStart(5, '0')}${String(n).padStart(5, '0')}`

describe.each(dialects)('statements of access files on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    for (let organization = 0; organization < organizations; organization++)
      await database.db.transaction((tx) => fill(tx, organization), { timeLimitMs: 60_000 })
    await database.db.transaction((tx) => sql`analyze`.execute(tx).then(() => undefined))
    watched = await watchPlans(database, large)
  }, 120_000)
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  const organization = id('o', 7)
  const statements: Readonly<Record<string, (on: View) => Promise<unknown[]>>> = {
    selectOrganization: async (on) => [await selectOrganization(on, organization)],
    'selectGrants of the organization': (on) => selectGrants(on, organization, ''),
    'selectGrants after somebody': (on) => selectGrants(on, organization, id('u', 7)),
    'selectGrants of a workspace': (on) => selectGrants(on, id('w', 7), ''),
    selectGroups: (on) => selectGroups(on, organization, ''),
    selectGroupMembers: (on) => selectGroupMembers(on, id('g', 7), ''),
    selectWorkspaces: (on) => selectWorkspaces(on, organization, ''),
    selectAccounts: (on) => selectAccounts(on, organization, ''),
    selectPeople: (on) => selectPeople(on, [id('u', 7), id('u', 8), 'nobody']),
  }

  test.each(Object.keys(statements))(
    'idea 19: %s reads by an index what is of the organization alone',
    async (name) => {
      const run = statements[name]
      if (run === undefined) throw new Error(name)
      // A row of each of the joined tables for every one that is answered.
      await watched.expectCheap(async () => expect((await run(watched.db.list)).length).toBeGreaterThan(0), 12 * each)
    },
  )

  test('idea 19: the whole of an organization is read by as many statements as it has groups and workspaces', async () => {
    const before = watched.plans.length
    await watched.expectCheap(() => readWorld(watched.db.list, { id: organization, name: organization }, 1), 12 * each)
    expect(watched.plans.length - before).toBe(5 + 2 * each)
  })

  test('idea 19: what a change holds still is found by an index', async () => {
    const before = watched.plans.length
    await lockParts(watched.tx, dialect, organization)
    const made = watched.plans.slice(before)
    expect(made.length).toBe(dialect === 'sqlite' ? 0 : 3)
    for (const { statement, scans } of made) expect({ statement, scans }).toEqual({ statement, scans: [] })
  })
})

async function fill(tx: Tx, n: number): Promise<void> {
  const organization = id('o', n)
  const named = (name: string) => ({ id: name, name, nameKey: name })
  const kinds = { u: 'user', g: 'group', s: 'service-account' } as const
  const grant = (target: string, principal: string) => ({
    targetId: target,
    targetKind: target.startsWith('w') ? ('workspace' as const) : ('organization' as const),
    principalId: principal,
    principalKind: kinds[principal[0] as keyof typeof kinds],
    role: 'read' as const,
    createdAt: 0,
  })
  await tx
    .insertInto('namespace')
    .values({ ...named(organization), kind: 'organization', createdAt: 0 })
    .execute()
  await tx
    .insertInto('organization')
    .values({ id: organization, fullname: null, defaultVisibility: 'private', createdAt: 0, createdBy: '' })
    .execute()
  const part = { organizationId: organization, createdAt: 0 }
  for (let one = 0; one < each; one++) {
    const [user, group, place, account] = ['u', 'g', 'w', 's'].map((kind) => id(kind, n, one)) as [
      string,
      string,
      string,
      string,
    ]
    await tx
      .insertInto('namespace')
      .values({ ...named(user), kind: 'user', createdAt: 0 })
      .execute()
    await tx.insertInto('user').values({ id: user, isAdmin: 0, state: 'active', createdAt: 0 }).execute()
    await tx
      .insertInto('memberGroup')
      .values({ ...named(group), ...part })
      .execute()
    await tx
      .insertInto('workspace')
      .values({ ...named(place), ...part })
      .execute()
    await tx
      .insertInto('serviceAccount')
      .values({ ...named(account), ...part })
      .execute()
    await tx
      .insertInto('groupMember')
      .values({ groupId: group, principalId: user, principalKind: 'user', role: 'member', createdAt: 0 })
      .execute()
    await tx
      .insertInto('roleGrant')
      .values([grant(organization, user), grant(organization, account), grant(place, user), grant(place, group)])
      .execute()
  }
}
