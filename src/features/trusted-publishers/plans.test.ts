/** What an exchange costs on a hub with many publishers, tokens and used ID tokens: each statement goes by an index, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import type { TrustedPublisherTable } from '../../platform/db/schema.ts'
import {
  claimRefusal,
  countLiveTokens,
  deleteExpired,
  deletePublisher,
  findAccount,
  findRepo,
  insertPublisher,
  isKnownIssuer,
  listPublishers,
  lockHolder,
  markUse,
  useUp,
} from './queries.ts'

const large = ['repo', 'namespace', 'serviceAccount', 'trustedPublisher', 'usedIdToken', 'accessToken', 'user']
const count = 3_000

const idOf = (number: number): string => number.toString(16).padStart(24, '0')
const ownerId = idOf(1)
const repoOf = (number: number): string => idOf(100_000 + number)
const accountOf = (number: number): string => idOf(200_000 + number)
const publisherOf = (number: number): string => idOf(300_000 + number)
const hashOf = (number: number): string => number.toString(16).padStart(64, '0')

function publisher(number: number): TrustedPublisherTable {
  const isOfRepo = number % 2 === 0
  return {
    id: publisherOf(number),
    repoId: isOfRepo ? repoOf(number) : null,
    serviceAccountId: isOfRepo ? null : accountOf(number),
    issuer: `https://issuer-${number % 300}.example.org`,
    audience: null,
    claims: '{"sub":["x"]}',
    createdBy: null,
    createdAt: 1,
    lastUsedAt: null,
    lastRun: null,
    refusedAt: null,
  }
}

describe.each(dialects)('statements of trusted publishers on %s', (dialect) => {
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

  test('an exchange reads a few rows, whether or not there is anything', async () => {
    const { db } = watched
    await watched.expectCheap(async () => {
      expect(await isKnownIssuer(db, 'https://issuer-7.example.org')).toBe(true)
      expect(await isKnownIssuer(db, 'https://nobody.example.org')).toBe(false)
      expect(await findRepo(db, 'model', 'acme', 'repo-4')).toMatchObject({ id: repoOf(4), name: 'acme/repo-4' })
      expect(await findRepo(db, 'model', 'acme', 'none')).toBeNull()
      expect(await findAccount(db, 'acme', 'machine-5', null)).toMatchObject({ id: accountOf(5) })
      expect(await findAccount(db, 'acme', '', accountOf(7))).toMatchObject({ id: accountOf(7) })
      expect(await listPublishers(db.read, { kind: 'repo', id: repoOf(4) })).toHaveLength(1)
      expect(await listPublishers(db.read, { kind: 'service-account', id: accountOf(5) })).toHaveLength(1)
    }, 100)
  })

  test('what it writes is found by keys', async () => {
    const { db, tx } = watched
    await watched.expectCheap(async () => {
      await lockHolder(tx, db.dialect, { kind: 'repo', id: repoOf(4) })
      await insertPublisher(tx, { ...publisher(4), id: idOf(999_999) })
      expect(await useUp(tx, [hashOf(count + 1), hashOf(count + 2)], 5_000)).toBe(true)
      expect(await useUp(tx, [hashOf(count + 3), hashOf(count + 2)], 5_000)).toBe(false)
      expect(await markUse(tx, publisherOf(4), 5, '{}')).toBe(true)
      expect(await claimRefusal(tx, publisherOf(4), 10, 5)).toBe(true)
      expect(await claimRefusal(tx, publisherOf(4), 11, 5)).toBe(false)
      expect(await countLiveTokens(tx, publisherOf(4), 1_000)).toBe(1)
      expect(await deletePublisher(tx, { kind: 'repo', id: repoOf(6) }, publisherOf(6))).toMatchObject({ ended: [{}] })
      expect(await deletePublisher(tx, { kind: 'repo', id: repoOf(6) }, publisherOf(8))).toBeNull()
    }, 100)
  })

  test('sweeping reads what it removes', async () => {
    const { tx } = watched
    await watched.expectCheap(async () => {
      expect(await deleteExpired(tx, 1, 1, 100)).toBe(false)
      // Of each ten, one has expired.
      expect(await deleteExpired(tx, 500, 500, 50)).toBe(true)
    }, 1_000)
  })
})

async function fill({ db }: TestDatabase): Promise<void> {
  await db.transaction(async (tx) => {
    await tx
      .insertInto('namespace')
      .values({ id: ownerId, kind: 'organization', name: 'acme', nameKey: 'acme', createdAt: 1 })
      .execute()
    await tx
      .insertInto('organization')
      .values({
        id: ownerId,
        fullname: null,
        description: null,
        defaultVisibility: 'private',
        createdAt: 1,
        createdBy: ownerId,
      })
      .execute()
    for (let i = 0; i < count; i++) {
      await tx
        .insertInto('serviceAccount')
        .values({
          id: accountOf(i),
          organizationId: ownerId,
          name: `machine-${i}`,
          nameKey: `machine-${i}`,
          description: null,
          contact: null,
          createdAt: 1,
          createdBy: null,
          expiresAt: null,
          disabledAt: null,
        })
        .execute()
    }
  })
  for (let i = 0; i < count; i++)
    await insertRepo(db, { id: repoOf(i), owner: { id: ownerId, name: 'acme' }, name: `repo-${i}` })
  await db.transaction(async (tx) => {
    for (let i = 0; i < count; i++) {
      await tx.insertInto('trustedPublisher').values(publisher(i)).execute()
      const expiresAt = i % 10 === 0 && i > 10 ? 500 : 5_000
      await tx
        .insertInto('usedIdToken')
        .values({ hash: hashOf(i), expiresAt })
        .execute()
      await tx
        .insertInto('accessToken')
        .values({
          id: idOf(400_000 + i),
          hash: hashOf(i),
          last4: '0000',
          ownerId: accountOf(i),
          name: 'token',
          role: 'inherit',
          description: null,
          canReadGatedRepos: 0,
          globalPermissions: '[]',
          endpointPatterns: null,
          networks: null,
          notBefore: null,
          fencedAt: null,
          createdAt: 1,
          rotatedAt: null,
          expiresAt,
          lastUsedAt: null,
          lastIp: null,
          lastUserAgent: null,
          publisherId: publisherOf(i),
          publisherRun: '{}',
        })
        .execute()
    }
  })
}
