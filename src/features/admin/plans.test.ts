/** The lists of the administration go by an index, however many accounts, organizations and jobs there are. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { insertPeople } from '../../../tests/support/rows.ts'
import { listDeadJobs } from '../../platform/jobs/queries.ts'
import { selectOrganizations, selectPeople, selectQueues } from './queries.ts'

const many = 3_000
const idOf = (number: number): string => number.toString(16).padStart(24, '0')

describe.each(dialects)('statements of the administration on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await database.db.transaction(async (tx) => {
      for (let from = 0; from < many; from += 500) {
        const numbers = Array.from({ length: 500 }, (_, at) => from + at)
        const people = numbers.map((number) => ({ id: idOf(number), name: `user-${number}` }))
        const organizations = numbers.map((number) => ({ id: idOf(many + number), name: `org-${number}` }))
        await insertPeople(tx, people)
        await tx
          .insertInto('namespace')
          .values(
            organizations.map((one) => ({ ...one, kind: 'organization' as const, nameKey: one.name, createdAt: 1 })),
          )
          .execute()
        await tx
          .insertInto('organization')
          .values(
            organizations.map(({ id }) => ({
              id,
              fullname: null,
              description: null,
              defaultVisibility: 'private' as const,
              createdAt: 1,
              createdBy: idOf(0),
            })),
          )
          .execute()
        await tx
          .insertInto('job')
          .values(
            numbers.map((number) => ({
              id: idOf(number),
              queue: number % 2 === 0 ? 'even' : 'odd',
              payload: '{}',
              state: number % 3 === 0 ? ('dead' as const) : ('ready' as const),
              runAt: number,
              attempts: 0,
              maxAttempts: 12,
              leaseUntil: null,
              worker: null,
              dedupKey: null,
              lastError: null,
              createdAt: 1,
            })),
          )
          .execute()
      }
    })
    // As the database does by itself after a while: how few of the jobs are dead decides how they are listed.
    await database.db.transaction((tx) => sql`analyze "job"`.execute(tx))
    watched = await watchPlans(database, ['namespace', 'user', 'email', 'organization', 'job', 'roleGrant', 'repo'])
  }, 60_000)
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  test('people by page, by the beginning of a name, by an address', async () => {
    const { db } = watched
    await watched.expectCheap(() => selectPeople(db, { search: '', after: 'user-2', limit: 21 }), 120)
    await watched.expectCheap(() => selectPeople(db, { search: 'user-77', after: '', limit: 21 }), 120)
    await watched.expectCheap(() => selectPeople(db, { search: 'user-7@example.org', after: '', limit: 21 }), 20)
  })

  test('organizations by page and by the beginning of a name', async () => {
    const { db } = watched
    await watched.expectCheap(() => selectOrganizations(db, { search: '', after: idOf(4_000), limit: 21 }), 120)
    await watched.expectCheap(() => selectOrganizations(db, { search: 'org-77', after: null, limit: 21 }), 120)
  })

  test('queues and what failed', async () => {
    const { db } = watched
    await watched.expectCheap(() => selectQueues(db, ['even', 'none']), 2_500)
    await watched.expectCheap(() => listDeadJobs(db, { after: null, limit: 26 }), 60)
    const [even] = await selectQueues(db, ['even'])
    expect(even).toEqual({ queue: 'even', waiting: 1_000, nextAt: 2, running: 0, failed: 500 })
  })
})
