/** Statements of roles for a while and of emergency administration go by an index, however many roles an organization has given. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { findGrant, lockGrant } from '../temporary-roles/service.ts'
import { listEmergencies, selectPolicy } from './queries.ts'

const members = 3_000
const organization = '0'.repeat(24)
const idOf = (number: number): string => number.toString(16).padStart(24, '0')

describe.each(dialects)('statements of temporary roles on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await database.db.transaction(async (tx) => {
      for (let from = 1; from <= members; from += 500) {
        const ids = Array.from({ length: 500 }, (_, at) => idOf(from + at))
        await tx
          .insertInto('roleGrant')
          .values(
            ids.map((principalId, at) => ({
              targetId: organization,
              targetKind: 'organization' as const,
              principalId,
              principalKind: 'user' as const,
              role: 'read' as const,
              createdAt: 1,
              createdBy: null,
              ...(from === 1 && at < 3
                ? { temporaryRole: 'admin' as const, temporaryUntil: 10, temporaryKind: 'break_glass' as const }
                : {}),
            })),
          )
          .execute()
      }
    })
    watched = await watchPlans(database, ['roleGrant', 'organization', 'namespace'])
  })
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  test('idea 16: whoever administers in an emergency is found among thousands of members by what is temporary alone', async () => {
    const { db, tx } = watched
    await watched.expectCheap(() => listEmergencies(db.read, organization, 5), 30)
    await watched.expectCheap(() => selectPolicy(db.read, organization), 5)
    await watched.expectCheap(() => findGrant(db.read, organization, idOf(7)), 5)
    await watched.expectCheap(() => lockGrant(tx, dialect, organization, idOf(7)), 5)
    expect(watched.plans.length).toBeGreaterThan(3)
  })
})
