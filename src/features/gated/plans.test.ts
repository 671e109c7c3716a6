/** What requests cost on a hub with many: each statement goes by an index, on both databases, and reads about as many rows as it is asked for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { insertPeople, insertRepo } from '../../../tests/support/rows.ts'
import { loadFacts } from '../../access/load-facts.ts'
import { accessStatuses } from '../../domain/facts.ts'
import type { AccessRequestTable } from '../../platform/db/schema.ts'
import { firstAdmins } from '../organizations/service.ts'
import {
  addressToShare,
  countRequests,
  deleteRequest,
  findAskerOf,
  findMachine,
  findOwnerOfGate,
  findPerson,
  findRequest,
  findTermsOfRepo,
  insertRequest,
  keepTerms,
  listMachines,
  listOwnRequests,
  listRequests,
  noticesOf,
  requestsAmong,
  updateRequest,
} from './queries.ts'

const people = 2_000
/** Few enough that PostgreSQL may read them all; `most` counts that in. */
const repos = 200
const perRepo = 40
const large = ['repo', 'user', 'namespace', 'email', 'accessRequest', 'gateTerms', 'serviceAccount', 'roleGrant']

const idOf = (number: number): string => number.toString(16).padStart(24, '0')
const personOf = (number: number): string => idOf(1 + (number % people))
const repoOf = (number: number): string => idOf(10_000 + (number % repos))
const hashOf = (number: number): string => number.toString(16).padStart(64, '0')

describe.each(dialects)('statements of access requests on %s', (dialect) => {
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

  const expectCheap = (act: () => Promise<unknown>, most = 250): Promise<void> => watched.expectCheap(act, most)

  test('what a decision reads is still one statement, by keys', async () => {
    const { db } = watched
    const before = watched.plans.length
    const target = { on: 'repo-id', id: repoOf(1) } as const
    await expectCheap(() => loadFacts(db, { kind: 'session', hash: 'session 1' }, target, 1))
    expect(watched.plans.length - before).toBe(1)
  })

  test('asking, and being decided about', async () => {
    const { db, tx } = watched
    await expectCheap(() => findPerson(db, { key: 'p1' }))
    await expectCheap(() => findPerson(db, { id: personOf(1) }))
    await expectCheap(() => findMachine(db, idOf(50_001)))
    await expectCheap(() => addressToShare(db, personOf(1)))
    await expectCheap(() => findRequest(db.read, repoOf(1), personOf(1)))
    await expectCheap(() => findAskerOf(db, repoOf(0), idOf(100_000)))
    await expectCheap(() => keepTerms(tx, hashOf(1), '{}', 1))
    await expectCheap(() => insertRequest(tx, { ...requestOf(0, 0), id: idOf(999_999), principalId: idOf(9_999) }))
    const key = { repoId: repoOf(0), principalId: idOf(9_999) }
    const change = { status: 'accepted', reason: null, reviewedAt: 1, reviewedBy: personOf(2) } as const
    await expectCheap(() => updateRequest(tx, { ...key, from: requestOf(0, 0).status }, change))
    await expectCheap(() => deleteRequest(tx, { ...key, from: 'accepted' }))
    await expectCheap(() => noticesOf(db.read, repoOf(1)))
    await expectCheap(() => findOwnerOfGate(db, repoOf(1)))
    await expectCheap(() => firstAdmins(db.read, personOf(1), 5))
  })

  test('lists', async () => {
    const { db } = watched
    const from = { askedAt: 20, principalId: personOf(9) }
    await expectCheap(() => listRequests(db, repoOf(1), 'pending', { from: null, limit: 10 }))
    await expectCheap(() => listRequests(db, repoOf(1), 'pending', { from, after: 1, before: 30, limit: 10 }))
    await expectCheap(() => countRequests(db, repoOf(1), 100))
    await expectCheap(() => requestsAmong(db, repoOf(1), [personOf(1), personOf(2)]))
    await expectCheap(() => findTermsOfRepo(db, repoOf(1), hashOf(1)))
    await expectCheap(() => listOwnRequests(db, personOf(1), 50))
    await expectCheap(() => listMachines(db, ['p0'], 50))
  })
})

function requestOf(repo: number, number: number): AccessRequestTable {
  return {
    id: idOf(100_000 + repo * perRepo + number),
    repoId: repoOf(repo),
    principalId: personOf(repo * 7 + number),
    principalKind: 'user',
    status: accessStatuses[number % 3] ?? 'pending',
    reason: null,
    fields: '{}',
    email: null,
    termsHash: hashOf(number % 5),
    askedAt: number,
    askedBy: personOf(repo * 7 + number),
    grantedBy: null,
    reviewedAt: null,
    reviewedBy: null,
  }
}

async function fill({ db }: TestDatabase): Promise<void> {
  await db.transaction(async (tx) => {
    for (let at = 0; at < people; at += 100) {
      const some = Array.from({ length: 100 }, (_, index) => at + index)
      await insertPeople(
        tx,
        some.map((n) => ({ id: personOf(n), name: `p${n}` })),
      )
    }
    await tx
      .insertInto('session')
      .values({
        id: 's1',
        tokenHash: 'session 1',
        userId: personOf(1),
        createdAt: 0,
        lastUsedAt: 0,
        lastIp: null,
        userAgent: null,
        expiresAt: 9,
      })
      .execute()
  })
  for (let repo = 0; repo < repos; repo++) {
    const gate = repo % 20 === 1 ? { gated: 'manual' as const } : {}
    const owner = { id: personOf(0), name: 'p0' }
    await insertRepo(db, { id: repoOf(repo), owner, name: `m${repo}`, visibility: 'public', ...gate })
    const rows = Array.from({ length: perRepo }, (_, number) => requestOf(repo, number))
    await db.transaction((tx) => tx.insertInto('accessRequest').values(rows).execute())
  }
}
