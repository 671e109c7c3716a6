/** What a question costs on a hub with many: each statement goes by an index, on both databases, and there are two of them for the caller. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { loadFactsAbout } from '../../access/explain-facts.ts'
import { administeredNow } from '../organizations/service.ts'
import { findParty, findTokenOwner, findUser, findWays, isMachineOf } from './explain-queries.ts'
import { machinesToPick, membersToPick, tokensOfMachines } from './picker-queries.ts'

const people = 2_000
const idOf = (number: number): string => number.toString(16).padStart(24, '0')
const organization = idOf(900_000)
const large = ['repo', 'user', 'namespace', 'serviceAccount', 'roleGrant', 'accessToken', 'accessRequest']

describe.each(dialects)('statements of questions on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await fill(database)
    watched = await watchPlans(database, large)
  }, 120_000)
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  test('facts about somebody else are one statement, by keys', async () => {
    const { db } = watched
    const targets = [
      { on: 'repo', kind: 'model', namespace: 'acme', name: 'x' },
      { on: 'organization', name: 'acme' },
      { on: 'workspace', organization: 'acme', id: idOf(5) },
      { on: 'self' },
    ] as const
    for (const about of [
      { kind: 'account', id: idOf(7) },
      { kind: 'token', id: idOf(100_007) },
    ] as const) {
      for (const target of targets) {
        const before = watched.plans.length
        await watched.expectCheap(() => loadFactsAbout(db, about, target, 1), 250)
        expect(watched.plans.length - before).toBe(1)
      }
    }
  })

  test('finding who and which token is meant', async () => {
    const { db } = watched
    await watched.expectCheap(() => findParty(db, organization, 'p7', 1), 250)
    await watched.expectCheap(() => findParty(db, organization, `sa-${idOf(7)}`, 1), 250)
    await watched.expectCheap(() => findUser(db, 'p7'), 250)
    await watched.expectCheap(() => isMachineOf(db, organization, idOf(7)), 250)
    await watched.expectCheap(() => findTokenOwner(db, idOf(100_007)), 250)
  })

  test('by what a role is had is two statements, by keys', async () => {
    const { db } = watched
    const at = { organizationId: organization, workspaceId: idOf(5), repoId: idOf(500_000) }
    const before = watched.plans.length
    await watched.expectCheap(() => findWays(db, idOf(7), at, 1), 250)
    expect(watched.plans.length - before).toBe(2)
  })
})

describe.each(dialects)('lists to choose from on %s', (dialect) => {
  test('one organization is read, and no other', async () => {
    const database = await makeDatabase(dialect)
    await fill(database)
    const watched = await watchPlans(database, ['namespace', 'serviceAccount', 'accessToken', 'user'])
    const { db } = watched
    const slice = { find: '', after: 'p1', limit: 21 }
    await watched.expectCheap(() => administeredNow(db, idOf(7), 1, 100), 250)
    expect(await membersToPick(db, organization, slice, 1)).toHaveLength(21)
    await watched.expectCheap(() => membersToPick(db, idOf(1), slice, 1), 250)
    await watched.expectCheap(() => machinesToPick(db, idOf(1), { ...slice, find: 'x' }), 250)
    await watched.expectCheap(() => tokensOfMachines(db, [idOf(7), idOf(8)], 100), 250)
    await watched.close()
    await database.remove()
  }, 120_000)
})

/** Everybody is a member of one organization, and has a token. */
async function fill({ db }: TestDatabase): Promise<void> {
  await db.transaction(async (tx) => {
    await tx
      .insertInto('namespace')
      .values({ id: organization, kind: 'organization', name: 'acme', nameKey: 'acme', createdAt: 1 })
      .execute()
    await tx
      .insertInto('organization')
      .values({ id: organization, fullname: null, defaultVisibility: 'private', createdAt: 1, createdBy: idOf(1) })
      .execute()
    for (let at = 1; at <= people; at += 100) {
      const some = Array.from({ length: 100 }, (_, index) => at + index)
      await tx
        .insertInto('namespace')
        .values(
          some.map((n) => ({ id: idOf(n), kind: 'user' as const, name: `p${n}`, nameKey: `p${n}`, createdAt: 1 })),
        )
        .execute()
      await tx
        .insertInto('user')
        .values(
          some.map((n) => ({
            id: idOf(n),
            fullname: null,
            passwordHash: null,
            passwordChangedAt: null,
            isAdmin: 0 as const,
            state: 'active' as const,
            createdAt: 1,
            secondFactorAt: null,
          })),
        )
        .execute()
      await tx
        .insertInto('roleGrant')
        .values(
          some.map((n) => ({
            principalKind: 'user' as const,
            principalId: idOf(n),
            targetKind: 'organization' as const,
            targetId: organization,
            role: 'read' as const,
            createdAt: 1,
          })),
        )
        .execute()
      await tx
        .insertInto('accessToken')
        .values(
          some.map((n) => ({
            id: idOf(100_000 + n),
            hash: `hash ${n}`,
            last4: 'abcd',
            ownerId: idOf(n),
            name: `token ${n}`,
            role: 'read' as const,
            canReadGatedRepos: 0 as const,
            globalPermissions: '[]',
            createdAt: 1,
            rotatedAt: null,
            expiresAt: null,
            lastUsedAt: null,
            lastIp: null,
            lastUserAgent: null,
          })),
        )
        .execute()
    }
  })
  for (let n = 0; n < 200; n++) {
    const owner = { id: organization, name: 'acme' }
    await insertRepo(db, { id: idOf(500_000 + n), owner, name: n === 0 ? 'x' : `m${n}`, visibility: 'private' })
  }
}
