/** Idea 8 of behaviours.md, section 4: the radar for tokens that reach an organization, over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { watchPlans } from '../../../tests/support/plans.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { listNeedingAttention, radarKinds } from './radar-queries.ts'

const dayMs = 86_400_000

interface Found {
  readonly id: string
  readonly owner: { readonly kind: string; readonly name: string }
  readonly displayName: string | null
  readonly last4: string
  readonly findings: readonly { readonly kind: string; readonly advice: string }[]
}

describe.each(dialects)("an organization's radar for tokens (idea 8) on %s", (dialect) => {
  let running: TestHub
  let ask: Ask
  let ada: TestUser
  let bob: TestUser
  let acme: { id: string; name: string }

  beforeAll(async () => {
    running = await startHubOn(dialect)
    ask = jsonClient(running.url)
    ada = await makeUser(running, 'ada', { tokenRole: 'write' })
    bob = await makeUser(running, 'bob', { tokenRole: 'write' })
    acme = await makeOrganization(running, 'acme', ada, { bob: 'write' })
  })
  afterAll(() => running.stop())

  const path = '/api/organizations/acme/token-radar'
  const set = (value: string, change: Record<string, number | null>) =>
    running.hub.transaction((tx) =>
      tx.updateTable('accessToken').set(change).where('last4', '=', value.slice(-4)).execute(),
    )
  const radar = async (query = '?limit=200') => {
    const answer = await ask('GET', `${path}${query}`, ada.token)
    expect(answer.status, answer.text).toBe(200)
    return { found: answer.json<Found[]>(), next: answer.headers.get('link'), text: answer.text }
  }
  const kindsOf = async (value: string) =>
    (await radar()).found
      .filter(({ last4 }) => last4 === value.slice(-4))
      .flatMap((one) => one.findings.map(({ kind }) => kind))
  const fine = (expiresAt: number | null = Date.now() + 60 * dayMs) =>
    makeToken(running, bob, {
      role: 'fineGrained',
      scoped: ['org:acme=repo.content.read'],
      ...(expiresAt === null ? {} : { expiresAt }),
    })

  test('each kind is told where it is so, and a token that is well is not listed', async () => {
    const now = Date.now()
    const [well, never, unused, ending, short, endless] = [
      await fine(),
      await fine(),
      await fine(),
      await fine(now + 5 * dayMs),
      await fine(now + 5 * dayMs),
      await fine(null),
    ]
    const classic = await makeToken(running, bob, { role: 'write', expiresAt: now + 60 * dayMs })
    const refreshed = await fine()
    await set(never, { createdAt: now - 8 * dayMs })
    await set(unused, { createdAt: now - 200 * dayMs, lastUsedAt: now - 91 * dayMs })
    await set(ending, { createdAt: now - 60 * dayMs, lastUsedAt: now })
    await set(refreshed, { createdAt: now - 60 * dayMs, rotatedAt: now - 60_000, lastUsedAt: null })
    expect(await kindsOf(well)).toEqual([])
    expect(await kindsOf(never)).toEqual(['never_used'])
    expect(await kindsOf(unused)).toEqual(['unused'])
    expect(await kindsOf(ending)).toEqual(['expiring'])
    expect(await kindsOf(short)).toEqual([])
    expect(await kindsOf(endless)).toEqual(['never_expires'])
    expect(await kindsOf(classic)).toEqual(['classic_write'])
    expect(await kindsOf(refreshed)).toEqual([])
  })

  test('uses of the value before a refresh count, as in the radar for one’s own', async () => {
    const now = Date.now()
    const value = await fine()
    await set(value, { createdAt: now - 200 * dayMs, rotatedAt: now - 20 * dayMs })
    expect(await kindsOf(value)).toEqual(['never_used'])
    const use = (lastUsedAt: number) =>
      running.hub.transaction(async (tx) => {
        const { id } = await tx
          .selectFrom('accessToken')
          .select('id')
          .where('last4', '=', value.slice(-4))
          .executeTakeFirstOrThrow()
        await tx.deleteFrom('formerTokenValue').where('tokenId', '=', id).execute()
        const owner = { ownerId: bob.id, ownerName: 'bob', organizationId: null, contact: null }
        const times = { since: now - 200 * dayMs, endedAt: now - 20 * dayMs, validUntil: now - 19 * dayMs, lastUsedAt }
        const from = { lastIp: null, lastUserAgent: null, alertedAt: null }
        const row = { hash: `old of ${id}`, tokenId: id, name: 'old', last4: 'aaaa', ...owner, ...times, ...from }
        await tx.insertInto('formerTokenValue').values(row).execute()
      })
    await use(now - 19.5 * dayMs)
    expect(await kindsOf(value)).toEqual([])
    await use(now - 100 * dayMs)
    expect(await kindsOf(value)).toEqual(['unused'])
  })

  test('a service account without a contact is told of, one with a contact, or disabled, is not', async () => {
    const machine = await makeServiceAccount(running, acme, 'ci')
    const value = await makeAccountToken(running, acme, machine, 'inherit', { expiresAt: Date.now() + 60 * dayMs })
    expect(await kindsOf(value)).toEqual(['no_contact'])
    const [one] = (await radar('?kind=no_contact')).found
    expect(one).toMatchObject({ owner: { kind: 'service-account', name: 'ci' } })
    const change = (row: { contact?: string | null; disabledAt?: number }) =>
      running.hub.transaction((tx) => tx.updateTable('serviceAccount').set(row).where('id', '=', machine.id).execute())
    await change({ contact: 'ops@example.com' })
    expect(await kindsOf(value)).toEqual([])
    await change({ contact: null, disabledAt: Date.now() })
    expect(await kindsOf(value)).toEqual([])
  })

  test('a token of a deactivated account is told of; one revoked here, or of somebody who left, is not', async () => {
    const carl = await makeUser(running, 'carl')
    await running.hub.transaction(async (tx) => {
      const row = await tx
        .selectFrom('roleGrant')
        .selectAll()
        .where('principalId', '=', bob.id)
        .executeTakeFirstOrThrow()
      await tx
        .insertInto('roleGrant')
        .values({ ...row, principalId: carl.id })
        .execute()
    })
    const expiresAt = Date.now() + 60 * dayMs
    const value = await makeToken(running, carl, { role: 'read', expiresAt })
    expect(await kindsOf(value)).toEqual([])
    await running.hub.transaction((tx) =>
      tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', carl.id).execute(),
    )
    expect(await kindsOf(value)).toEqual(['owner_left'])
    const id = (await radar()).found.find(({ last4 }) => last4 === value.slice(-4))?.id
    expect((await ask('POST', `/api/organizations/acme/settings/tokens/${id}/revoke`, ada.token)).status).toBe(200)
    expect(await kindsOf(value)).toEqual([])
    const endless = await makeToken(running, carl, { role: 'read' })
    expect(await kindsOf(endless)).toEqual(['owner_left', 'never_expires'])
    await running.hub.transaction((tx) => tx.deleteFrom('roleGrant').where('principalId', '=', carl.id).execute())
    expect(await kindsOf(endless)).toEqual([])
  })

  test('it goes by pages and by kind; what is no cursor or kind of it is refused', async () => {
    const { found } = await radar()
    expect(found.length).toBeGreaterThan(4)
    for (const kind of [null, 'never_expires', 'classic_write']) {
      const all = found.filter(({ findings }) => kind === null || findings.some((one) => one.kind === kind))
      const paged: Found[] = []
      const more = kind === null ? '' : `&kind=${kind}`
      for (let query: string | null = `?limit=1${more}`; query !== null; ) {
        const page = await radar(query)
        paged.push(...page.found)
        query = /token-radar(\?[^>]*)>; rel="next"/.exec(page.next ?? '')?.[1] ?? null
      }
      expect(all.length).toBeGreaterThan(0)
      expect(paged).toEqual(all)
    }
    for (const query of ['?cursor=x', '?kind=x'])
      expect((await ask('GET', `${path}${query}`, ada.token)).status).toBeGreaterThan(399)
  })

  // Story: an administrator of one organization wants to learn what a member's tokens are called, what they are, and what they do elsewhere.
  test('story: nothing of a person’s token is told that the list of tokens that reach us would not show', async () => {
    const elsewhere = await makeToken(running, bob, {
      role: 'fineGrained',
      scoped: ['user:bob=repo.write'],
      name: 'hidden',
    })
    const here = await makeToken(running, bob, { role: 'write', name: 'my private plans' })
    const { found, text } = await radar()
    const ends = found.map(({ last4 }) => last4)
    expect(ends).toContain(here.slice(-4))
    expect(ends).not.toContain(elsewhere.slice(-4))
    for (const secret of [here.slice(3, -4), 'my private plans', 'hidden']) expect(text).not.toContain(secret)
  })

  test('AUTH-7: a member is refused; to others the organization answers as for any list of its administrators', async () => {
    expect((await ask('GET', path, bob.token)).status).toBe(403)
    const eve = await makeUser(running, 'eve', { tokenRole: 'write' })
    const other = await ask('GET', path, eve.token)
    expect(other.status).toBe((await ask('GET', '/api/organizations/acme/settings/tokens', eve.token)).status)
    expect(other.status).toBeGreaterThan(399)
  })
})

test.each(dialects)("the statements of an organization's radar (idea 8) go by indexes on %s", async (dialect) => {
  const database = await makeDatabase(dialect)
  const names = ['member', 'token', 'owner', 'said', 'listed', 'repo', 'workspace', 'machine', 'person', 'old']
  const { db, plans, close } = await watchPlans(database, [
    ...names,
    'roleGrant',
    'accessToken',
    'serviceAccount',
    'user',
  ])
  const id = '0'.repeat(24)
  for (const kind of [null, ...radarKinds]) {
    await listNeedingAttention(db, id, Date.now(), { after: { ownerId: id, id }, limit: 10, kind })
  }
  expect(plans.length).toBe(2 * (radarKinds.length + 1))
  expect(plans.filter(({ scans }) => scans.length > 0)).toEqual([])
  await close()
  await database.remove()
})
