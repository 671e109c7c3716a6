import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { tokenHash } from '../../access/credentials.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { selectLeakPolicy } from '../ingest/queries.ts'
import { firstAdmins } from '../organizations/service.ts'
import { leakJobs, mostAdminsTold, revokeLeaked, takeReport } from './leaked.ts'
import { selectLive } from './queries.ts'

const allowed = systemGrant('token.report', { on: 'instance' }, 'tests')

describe.each(dialects)('leaked tokens on %s', (dialect) => {
  let running: TestHub

  beforeAll(async () => {
    running = await startHub({ dialect })
    // From here on no worker takes the jobs.
    await running.rest()
  })
  afterAll(() => running.stop())

  const payloads = async () =>
    (
      await running.hub.db.read
        .selectFrom('job')
        .select('payload')
        .where('queue', '=', 'revoke-reported')
        .orderBy('id')
        .execute()
    ).map(({ payload }) => payload)

  test('story: who reports values to learn which are live finds the same work behind a hit and a miss', async () => {
    const { hub } = running
    const rob = await makeUser(running, 'rob')
    const token = await makeToken(running, rob, { role: 'write' })
    const miss = `hf_${'Zz9'.repeat(12).slice(0, 34)}`
    await takeReport(hub, allowed, systemOrigin, [token, 'x'])
    await takeReport(hub, allowed, systemOrigin, [miss, 'x'])
    const [hit = '', other = ''] = await payloads()
    expect(hit.length).toBe(other.length)
    expect(hit).not.toContain(token)
    // The token lives until the job has run: nothing of it happens while the finder waits.
    const live = () => hub.db.read.selectFrom('accessToken').select('id').where('ownerId', '=', rob.id).execute()
    expect(await live()).toHaveLength(1)
    const { 'revoke-reported': work } = leakJobs(hub)
    // Jobs may be repeated.
    for (const payload of [hit, other, hit]) await work?.(JSON.parse(payload), new AbortController().signal)
    expect(await live()).toHaveLength(0)
    const leaks = await hub.db.read.selectFrom('event').select('data').where('action', '=', 'token.leaked').execute()
    expect(leaks.map(({ data }) => JSON.parse(data))).toMatchObject([{ via: 'report', last4: token.slice(-4) }])
  })

  test("of two that find a token at once, one revokes it; expired ones are dead; a service account's owner is its organization", async () => {
    const { hub } = running
    const ada = await makeUser(running, 'ada')
    const acme = await makeOrganization(running, 'acme', ada)
    const account = await makeServiceAccount(running, acme, 'ci')
    const values = [await makeToken(running, ada, { role: 'read' }), await makeAccountToken(running, acme, account)]
    const expired = await makeToken(running, ada, { role: 'read', expiresAt: Date.now() + 3_600_000 })
    await hub.transaction((tx) =>
      tx.updateTable('accessToken').set({ expiresAt: 1 }).where('last4', '=', expired.slice(-4)).execute(),
    )
    const hashes = [...values, expired].map((value) => tokenHash(hub.keys, value))
    const revoke = () => hub.transaction((tx) => revokeLeaked(hub, tx, hashes, () => ({ repo: null, data: {} })))
    const both = (await Promise.all([revoke(), revoke()])).flat()
    expect(both.map(({ ownerName }) => ownerName).sort()).toEqual(['ada', 'ci'])
    expect(both.map(({ organizationId }) => organizationId).sort()).toEqual([acme.id, null].sort())
  })
})

describe.each(dialects)('statements of the leak trap on %s', (dialect) => {
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    await fill(database)
    watched = await watchPlans(database, ['accessToken', 'roleGrant', 'organization', 'namespace', 'serviceAccount'])
  }, 60_000)
  afterAll(async () => {
    await watched?.close()
    await database?.remove()
  })

  test('a thousand values, administrators and policies are found by an index, among many', async () => {
    const hashes = Array.from({ length: 1_000 }, (_, index) => `hash ${index * 7}`)
    expect(await selectLive(watched.tx, hashes, 1)).toHaveLength(Math.ceil(many / 7))
    await firstAdmins(watched.tx, idOf(7), mostAdminsTold)
    await selectLeakPolicy(watched.db, idOf(7))
    expect(watched.plans.length).toBeGreaterThanOrEqual(3)
    for (const { statement, scans } of watched.plans) expect({ statement, scans }).toEqual({ statement, scans: [] })
  })
})

const many = 5_000
const idOf = (number: number): string => number.toString(16).padStart(24, '0')

async function fill({ db }: TestDatabase): Promise<void> {
  const rows = Array.from({ length: many }, (_, index) => ({
    id: idOf(index),
    hash: `hash ${index}`,
    last4: 'abcd',
    ownerId: idOf(index),
    name: 'x',
    role: 'read' as const,
    canReadGatedRepos: 0 as const,
    globalPermissions: '[]',
    createdAt: 1,
    rotatedAt: null,
    expiresAt: null,
    lastUsedAt: null,
    lastIp: null,
    lastUserAgent: null,
    parentId: null,
    usesLeft: null,
    newAddressAt: null,
  }))
  await db.transaction(async (tx) => {
    for (let at = 0; at < many; at += 500) {
      await tx
        .insertInto('accessToken')
        .values(rows.slice(at, at + 500))
        .execute()
    }
  })
}
