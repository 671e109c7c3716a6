/** Every statement about applications goes by an index, on both databases, and what has expired is swept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import {
  answerDevice,
  deleteClient,
  deleteConsent,
  deleteDevice,
  deleteExpired,
  dropTokens,
  dropUnfetched,
  findClientRow,
  findCode,
  findConsent,
  findDevice,
  findGrantByValue,
  findGrantOfToken,
  findRefreshToken,
  findWaitingDevice,
  insertClient,
  insertCode,
  insertDevice,
  insertGrant,
  insertRefreshToken,
  listClientRows,
  listConnectionRows,
  listGrantsOf,
  listMemberships,
  notePoll,
  putConsent,
  spendCode,
  spendRefreshToken,
} from './queries.ts'

const large = [
  'accessToken',
  'oauthClient',
  'oauthConsent',
  'oauthGrant',
  'oauthRefreshToken',
  'oauthDevice',
  'oauthCode',
]
const people = 60

describe.each(dialects)('statements about applications on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await database.db.transaction(async (tx) => {
      for (let i = 0; i < people; i++) {
        const user = {
          id: `u${i}`,
          fullname: null,
          passwordHash: null,
          passwordChangedAt: null,
          isAdmin: 0 as const,
          state: 'active' as const,
          createdAt: i,
          secondFactorAt: null,
        }
        await tx.insertInto('user').values(user).execute()
        await insertClient(tx, {
          id: `c${i}`,
          ownerId: `u${i}`,
          name: `App ${i}`,
          secretHash: null,
          secretLast4: null,
          redirectUris: '[]',
          scope: 'openid',
          takesDevices: 1,
          createdAt: i,
        })
        await putConsent(tx, {
          userId: `u${i}`,
          clientId: `c${i}`,
          scope: 'openid',
          organizationIds: '[]',
          grantedAt: i,
        })
        await tx
          .insertInto('accessToken')
          .values({
            id: `t${i}`,
            hash: `hash ${i}`,
            last4: 'abcd',
            ownerId: `u${i}`,
            name: `oauth-${i}`,
            role: 'fineGrained',
            description: null,
            canReadGatedRepos: 0,
            globalPermissions: '[]',
            createdAt: i,
          } as never)
          .execute()
        const scope = { scope: 'openid', organizationIds: '[]' }
        const of = { userId: `u${i}`, clientId: `c${i}`, createdAt: i }
        await insertGrant(tx, { id: `g${i}`, tokenId: `t${i}`, lifetimeSeconds: 60, ...scope, ...of })
        await insertRefreshToken(tx, {
          hash: `r${i}`,
          grantId: `g${i}`,
          createdAt: i,
          expiresAt: 1_000 + i,
          usedAt: null,
        })
        await insertDevice(tx, {
          deviceHash: `d${i}`,
          userCodeHash: `uc${i}`,
          clientId: `c${i}`,
          scope: 'openid',
          ip: null,
          userAgent: null,
          createdAt: i,
          expiresAt: 1_000 + i,
          pollSeconds: 5,
          lastPolledAt: null,
          verdict: null,
          userId: null,
          organizationIds: null,
        })
        await insertCode(tx, {
          hash: `code ${i}`,
          redirectUri: 'https://app.example',
          challenge: null,
          nonce: null,
          expiresAt: 1_000 + i,
          usedAt: null,
          tokenId: null,
          ...scope,
          ...of,
        })
      }
    })
    watched = await watchPlans(database, large)
  })
  afterAll(async () => {
    await watched.close()
    await database.remove()
  })

  test('what requests ask and change', async () => {
    const { read } = watched.db
    const { tx } = watched
    await watched.expectCheap(async () => {
      await findClientRow(read, 'c7')
      expect(await listClientRows(read, 'u7', 10)).toHaveLength(1)
      expect(await findConsent(read, 'u7', 'c7')).not.toBeNull()
      expect(await listConnectionRows(read, 'u7', 10)).toMatchObject([{ clientId: 'c7' }])
      expect(await findGrantOfToken(read, 't7')).not.toBeNull()
      expect(await listGrantsOf(read, 'u7', 'c7')).toHaveLength(1)
      expect(await findGrantByValue(read, 'hash 7')).not.toBeNull()
      expect(await findRefreshToken(read, 'r7')).toMatchObject({ userId: 'u7', clientId: 'c7' })
      expect(await findDevice(read, 'd7')).not.toBeNull()
      expect(await findWaitingDevice(read, ['uc7', 'none'], 5)).not.toBeNull()
      expect(await findCode(read, 'code 7')).not.toBeNull()
      await listMemberships(read, 'u7', 5)
      expect(await spendRefreshToken(tx, 'r7', 5)).toBe(true)
      expect(await spendRefreshToken(tx, 'r7', 5)).toBe(false)
      expect(await spendCode(tx, 'code 7', 5, null)).toBe(true)
      expect(await spendCode(tx, 'code 7', 5, null)).toBe(false)
      await notePoll(tx, 'd7', 5, 5)
      const answer = { verdict: 'approved', userId: 'u7', organizationIds: '[]' } as const
      expect(await answerDevice(tx, 'd7', answer)).toBe(true)
      expect(await answerDevice(tx, 'd7', answer)).toBe(false)
      expect(await deleteDevice(tx, 'd7')).toBe(true)
      expect(await deleteConsent(tx, 'u7', 'c7')).toBe(true)
      await dropUnfetched(tx, 'u7', 'c7')
      await dropTokens(tx, 'u7', ['t7'])
    }, 8)
    expect(await findGrantOfToken(database.db.read, 't7')).toBeNull()
    expect(await findRefreshToken(database.db.read, 'r7')).toBeNull()
  })

  test('an application is deleted with its tokens; somebody else’s is not', async () => {
    await watched.expectCheap(async () => {
      expect(await deleteClient(watched.tx, 'u9', 'c8')).toBeNull()
      expect(await deleteClient(watched.tx, 'u8', 'c8')).toMatchObject({
        name: 'App 8',
        ended: [{ ownerId: expect.any(String) }],
      })
    }, 8)
    expect(await findCode(database.db.read, 'code 8')).toBeNull()
    expect(await findConsent(database.db.read, 'u8', 'c8')).toBeNull()
  })

  test('what has expired is swept in batches, and nothing else', async () => {
    await watched.expectCheap(async () => {
      expect(await deleteExpired(watched.tx, 1_004, 1_002, 3)).toBe(true)
    }, 20)
    expect(await deleteExpired(watched.tx, 1_004, 1_002, 3)).toBe(false)
    const { read } = database.db
    expect(await findDevice(read, 'd4')).toBeNull()
    expect(await findDevice(read, 'd5')).not.toBeNull()
    // Used codes are kept for longer, to be noticed when they come again.
    expect(await findCode(read, 'code 2')).toBeNull()
    expect(await findCode(read, 'code 3')).not.toBeNull()
    expect(await findRefreshToken(read, 'r4')).toBeNull()
    expect(await findRefreshToken(read, 'r5')).not.toBeNull()
  })
})
