/** Idea 8 of behaviours.md, section 4: the radar for dead tokens, over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { watchPlans } from '../../../tests/support/plans.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { neededPermissions } from './radar-queries.ts'

const dayMs = 86_400_000

interface Found {
  readonly token: { readonly id: string; readonly last4: string }
  readonly kind: string
  readonly since: string
  readonly advice: string
  readonly permissions?: string[]
}

describe.each(dialects)('the radar for dead tokens (idea 8) on %s', (dialect) => {
  let running: TestHub
  let ask: Ask
  let mara: TestUser
  let cookie: string

  beforeAll(async () => {
    running = await startHubOn(dialect)
    ask = jsonClient(running.url)
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    await makeOrganization(running, 'acme', mara)
    await ask('POST', '/api/repos/create', mara.token, { name: 'm1', organization: 'acme', private: true })
    cookie = await signInAs(running, mara)
  })
  afterAll(() => running.stop())

  const set = async (value: string, change: Record<string, number | null>) => {
    await running.hub.transaction((tx) =>
      tx.updateTable('accessToken').set(change).where('last4', '=', value.slice(-4)).execute(),
    )
  }
  const radar = async (query = '') => {
    const answer = await ask('GET', `/api/settings/tokens/radar${query}`, cookie)
    expect(answer.status, answer.text).toBe(200)
    return { found: answer.json<Found[]>(), next: answer.headers.get('link') }
  }
  const kindsOf = async (value: string) =>
    (await radar()).found.filter(({ token }) => token.last4 === value.slice(-4)).map(({ kind }) => kind)

  test('never used, unused for 90 days and about to expire are told; a token in use is not', async () => {
    const now = Date.now()
    const [fresh, never, unused, used] = [
      await makeToken(running, mara, { role: 'read' }),
      await makeToken(running, mara, { role: 'read' }),
      await makeToken(running, mara, { role: 'read' }),
      await makeToken(running, mara, { role: 'read' }),
    ]
    const ending = await makeToken(running, mara, { role: 'read', expiresAt: now + 5 * dayMs })
    const over = await makeToken(running, mara, { role: 'read' })
    await set(never, { createdAt: now - 8 * dayMs })
    await set(unused, { createdAt: now - 200 * dayMs, lastUsedAt: now - 91 * dayMs })
    await set(used, { createdAt: now - 200 * dayMs, lastUsedAt: now - 89 * dayMs })
    await set(ending, { createdAt: now - 60 * dayMs, lastUsedAt: now })
    await set(over, { createdAt: now - 60 * dayMs, expiresAt: now - 1 })
    expect(await kindsOf(fresh)).toEqual([])
    expect(await kindsOf(never)).toEqual(['never_used'])
    expect(await kindsOf(unused)).toEqual(['unused'])
    expect(await kindsOf(used)).toEqual([])
    expect(await kindsOf(ending)).toEqual(['expiring'])
    expect(await kindsOf(over)).toEqual([])
    const { found } = await radar()
    expect(found.find(({ kind }) => kind === 'expiring')?.advice).toContain('within 7 days')
  })

  test('permissions that nothing needed are told of a token that was used, once it is a month old', async () => {
    const value = await makeToken(running, mara, {
      role: 'fineGrained',
      scoped: ['model:acme/m1=repo.content.read,discussion.write'],
    })
    expect((await ask('GET', '/api/models/acme/m1', value)).status).toBe(200)
    await running.writeGathered()
    expect(await kindsOf(value)).toEqual([])
    await set(value, { createdAt: Date.now() - 31 * dayMs })
    const { found } = await radar()
    const own = found.filter(({ token }) => token.last4 === value.slice(-4))
    expect(own).toMatchObject([{ kind: 'unused_permissions', permissions: ['discussion.write'] }])
  })

  test('it goes by pages, and a cursor of another list is refused', async () => {
    const { found } = await radar()
    expect(found.length).toBeGreaterThan(2)
    const first = await radar('?limit=1')
    const cursor = /cursor=([^&>]+)/.exec(first.next ?? '')?.[1] ?? ''
    const second = await radar(`?limit=200&cursor=${cursor}`)
    expect([...first.found, ...second.found]).toEqual(found)
    expect(second.next).toBeNull()
    expect((await ask('GET', '/api/settings/tokens/radar?cursor=x', cookie)).status).toBe(422)
  })

  test('the page of a child token leads to its parent: there is nothing of a child to edit (idea 14)', async () => {
    const value = await makeToken(running, mara, { role: 'read' })
    const answer = await ask('POST', '/api/tokens/derive', value, { seconds: 600 })
    const { tokenInfo } = answer.json<{ tokenInfo: { id: string } }>()
    const page = await fetch(`${running.url}/settings/tokens/${tokenInfo.id}`, {
      headers: { cookie },
      redirect: 'manual',
    })
    expect(page.status).toBe(303)
    const parent = await running.hub.db.read
      .selectFrom('accessToken')
      .select('id')
      .where('last4', '=', value.slice(-4))
      .where('parentId', 'is', null)
      .executeTakeFirstOrThrow()
    expect(page.headers.get('location')).toBe(`/settings/tokens/${parent.id}`)
  })

  test("AUTH-7: nobody sees anybody else's", async () => {
    const nora = await makeUser(running, 'nora', { password: 'a long enough sentence' })
    const other = await signInAs(running, nora)
    expect((await ask('GET', '/api/settings/tokens/radar', other)).json()).toEqual([])
  })
})

test.each(dialects)('the statement of the radar (idea 8) goes by indexes on %s', async (dialect) => {
  const database = await makeDatabase(dialect)
  const { db, plans, close } = await watchPlans(database, ['token', 'use', 'accessToken', 'tokenUse'])
  await neededPermissions(db.read, '0'.repeat(24))
  expect(plans.length).toBe(1)
  expect(plans.filter(({ scans }) => scans.length > 0)).toEqual([])
  await close()
  await database.remove()
})
