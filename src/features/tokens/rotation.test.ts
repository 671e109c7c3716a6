/** Idea 2 of behaviours.md, section 4: a refresh with an overlap, over HTTP, on both databases. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase, type TestDatabase } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { type Watched, watchPlans } from '../../../tests/support/plans.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { tokenHash } from '../../access/credentials.ts'
import { loadFacts } from '../../access/load-facts.ts'
import { systemClock } from '../../platform/clock.ts'
import { listWindows } from './former-queries.ts'
import { revokeLeaked } from './leaked.ts'

const hour = 3_600_000

interface Made {
  readonly token: string
  readonly tokenInfo: {
    readonly id: string
    readonly oldValue: {
      readonly last4: string
      readonly validUntil: string
      readonly lastUsedBy: string | null
    } | null
  }
}

describe.each(dialects)('a refresh with overlap on %s', (dialect) => {
  let time = Date.now()
  let running: TestHub
  let ask: Ask
  let mara: TestUser
  let cookie: string
  let acme: { id: string; name: string }
  let made = 0

  beforeAll(async () => {
    running = await startHubOn(dialect, { clock: systemClock(() => time) })
    ask = jsonClient(running.url)
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    acme = await makeOrganization(running, 'acme', mara)
    await ask('POST', '/api/repos/create', mara.token, { name: 'm1', organization: 'acme', private: true })
  })
  afterAll(() => running.stop())
  // Tests move the clock, and a refresh asks for a recent sign-in.
  beforeEach(async () => {
    cookie = await signInAs(running, mara)
  })

  async function post(path: string, body: unknown = {}) {
    const response = await fetch(`${running.url}${path}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, text, json: <T>() => JSON.parse(text) as T }
  }

  async function create(input: Record<string, unknown> = {}): Promise<Made> {
    const answer = await post('/api/settings/tokens', { name: `token ${++made}`, role: 'read', ...input })
    expect(answer.status, answer.text).toBe(201)
    return answer.json<Made>()
  }

  async function rotate(id: string, body: Record<string, unknown> = {}): Promise<Made> {
    const answer = await post(`/api/settings/tokens/${id}/rotate`, body)
    expect(answer.status, answer.text).toBe(200)
    return answer.json<Made>()
  }

  async function use(value: string, userAgent = 'a test') {
    const response = await fetch(`${running.url}/api/whoami-v2`, {
      headers: { authorization: `Bearer ${value}`, 'user-agent': userAgent },
    })
    return { status: response.status, warning: response.headers.get('x-hf-warning') }
  }

  const eventsOf = async (id: string) =>
    (
      await running.hub.db.read
        .selectFrom('event')
        .select(['action', 'data'])
        .where('resourceId', '=', id)
        // What people did. That a dead value was tried is told a moment later, by a job: tripwire.test.ts.
        .where('action', '<>', 'token.reused')
        .orderBy('id')
        .execute()
    ).map(({ action, data }) => ({ action, ...JSON.parse(data) }))

  test('without overlapSeconds the old value is refused from the next request; the body takes 0 to 604800', async () => {
    const first = await create()
    const second = await rotate(first.tokenInfo.id)
    expect([(await use(first.token)).status, (await use(second.token)).status]).toEqual([401, 200])
    expect(second.tokenInfo.oldValue).toBeNull()
    for (const overlapSeconds of [-1, 604_801, 1.5, '60', null]) {
      const answer = await post(`/api/settings/tokens/${first.tokenInfo.id}/rotate`, { overlapSeconds })
      expect(answer.status, String(overlapSeconds)).toBe(400)
    }
    expect((await use(second.token)).status).toBe(200)
  })

  test('story: who kept the old value of a refreshed token uses it until the window is over, warned, and not a moment longer', async () => {
    const first = await create({ name: 'nightly' })
    const { id } = first.tokenInfo
    const second = await rotate(id, { overlapSeconds: 3600 })
    expect(second.tokenInfo.oldValue).toMatchObject({
      last4: first.token.slice(-4),
      validUntil: new Date(time + hour).toISOString(),
      lastUsedBy: null,
    })
    const old = await use(first.token)
    expect(old.status).toBe(200)
    expect(old.warning).toMatch(
      /^token-refreshed; The access token "nightly" \(hf_\.\.\..{4}\) was refreshed: this old value/,
    )
    expect(await use(second.token)).toEqual({ status: 200, warning: null })
    time += hour - 1
    expect((await use(first.token)).status).toBe(200)
    time += 1
    expect(await use(first.token)).toEqual({ status: 401, warning: expect.stringMatching(/^denied-token_revoked; /) })
    expect((await use(second.token)).status).toBe(200)
    const listed = await fetch(`${running.url}/api/settings/tokens/${id}`, { headers: { cookie } })
    expect(await listed.json()).toMatchObject({ oldValue: null })
    expect(await eventsOf(id)).toMatchObject([
      { action: 'token.create' },
      { action: 'token.rotate', oldLast4: first.token.slice(-4), oldUntil: time, last4: second.token.slice(-4) },
    ])
  })

  test('the old value never outlives the end that it had', async () => {
    const first = await create({ expiresAt: time + 600_000 })
    const second = await rotate(first.tokenInfo.id, { overlapSeconds: 604_800, expiresAt: null })
    time += 600_000
    expect([(await use(first.token)).status, (await use(second.token)).status]).toEqual([401, 200])
  })

  test('story: a thief holds the oldest of three values; a second refresh inside the window refuses it at once', async () => {
    const first = await create()
    const { id } = first.tokenInfo
    const second = await rotate(id, { overlapSeconds: 3600 })
    const third = await rotate(id, { overlapSeconds: 3600 })
    const states = await Promise.all([first, second, third].map(({ token }) => use(token)))
    expect(states.map(({ status }) => status)).toEqual([401, 200, 200])
    const fourth = await rotate(id)
    const after = await Promise.all([second, third, fourth].map(({ token }) => use(token)))
    expect(after.map(({ status }) => status)).toEqual([401, 401, 200])
  })

  test('story: two administrators refresh at the same moment inside the window; one wins, and never are three values taken', async () => {
    const first = await create()
    const { id } = first.tokenInfo
    const second = await rotate(id, { overlapSeconds: 3600 })
    const body = { overlapSeconds: 3600 }
    const answers = await Promise.all([1, 2, 3].map(() => post(`/api/settings/tokens/${id}/rotate`, body)))
    const won = answers.filter(({ status }) => status === 200)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    expect(won.length).toBeGreaterThan(0)
    const values = [first.token, second.token, ...won.map((answer) => answer.json<Made>().token)]
    const taken = (await Promise.all(values.map((value) => use(value)))).filter(({ status }) => status === 200)
    expect(taken).toHaveLength(2)
    expect((await use(first.token)).status).toBe(401)
  })

  test('"Finish now" ends the window by API and page; a second time there is nothing to end; strangers end nothing', async () => {
    const first = await create()
    const { id } = first.tokenInfo
    const second = await rotate(id, { overlapSeconds: 3600 })
    const rob = await makeUser(running, 'rob', { password: 'a long enough sentence' })
    const robs = await signInAs(running, rob)
    const strange = await fetch(`${running.url}/api/settings/tokens/${id}/rotate/finish`, {
      method: 'POST',
      headers: { cookie: robs },
    })
    expect(strange.status).toBe(404)
    expect((await use(first.token)).status).toBe(200)
    expect((await post(`/api/settings/tokens/${id}/rotate/finish`)).status).toBe(200)
    expect([(await use(first.token)).status, (await use(second.token)).status]).toEqual([401, 200])
    expect((await post(`/api/settings/tokens/${id}/rotate/finish`)).status).toBe(404)
    expect((await eventsOf(id)).at(-1)).toMatchObject({
      action: 'token.finish_rotation',
      oldLast4: first.token.slice(-4),
    })
  })

  test('deleting the token refuses both values', async () => {
    const first = await create()
    const second = await rotate(first.tokenInfo.id, { overlapSeconds: 3600 })
    await fetch(`${running.url}/api/settings/tokens/${first.tokenInfo.id}`, { method: 'DELETE', headers: { cookie } })
    expect([(await use(first.token)).status, (await use(second.token)).status]).toEqual([401, 401])
  })

  test('an old value that leaks is refused alone: its owner has moved on to the new one', async () => {
    const { hub } = running
    const first = await create()
    const second = await rotate(first.tokenInfo.id, { overlapSeconds: 3600 })
    const hashes = [tokenHash(hub.keys, first.token)]
    const revoke = () => hub.transaction((tx) => revokeLeaked(hub, tx, hashes, () => ({ repo: null, data: {} })))
    expect(await revoke()).toMatchObject([{ ownerName: 'mara', last4: first.token.slice(-4) }])
    expect(await revoke()).toEqual([])
    expect([(await use(first.token)).status, (await use(second.token)).status]).toEqual([401, 200])
  })

  test('story: a Xet token taken with the old value just before the window closes ends with the window', async () => {
    const first = await create({ role: 'write' })
    const ticket = async (value: string) => {
      const answer = await ask('GET', '/api/models/acme/m1/xet-read-token/main', value)
      expect(answer.status, answer.text).toBe(200)
      return answer.json<{ accessToken: string; casUrl: string }>()
    }
    // 404: the credential was good, and there is no such file.
    const reach = async ({ casUrl, accessToken }: { casUrl: string; accessToken: string }) =>
      (
        await fetch(`${casUrl}/v1/reconstructions/${'0'.repeat(64)}`, {
          headers: { authorization: `Bearer ${accessToken}` },
        })
      ).status
    const before = await ticket(first.token)
    time += 1000
    const second = await rotate(first.tokenInfo.id, { overlapSeconds: 600 })
    time += 1000
    const [byOld, byNew] = [await ticket(first.token), await ticket(second.token)]
    expect([await reach(before), await reach(byOld), await reach(byNew)]).toEqual([404, 404, 404])
    time += 599_000
    expect([await reach(before), await reach(byOld), await reach(byNew)]).toEqual([401, 401, 404])
  })

  test('SA-25: a service account too; disabling it refuses both values', async () => {
    const account = await makeServiceAccount(running, acme, 'ci')
    const value = await makeAccountToken(running, acme, account)
    const at = `/api/organizations/acme/service-accounts/${account.id}`
    const [{ _id: id } = { _id: '' }] = (await ask('GET', `${at}/tokens`, mara.token)).json<{ _id: string }[]>()
    const rotated = await ask('POST', `${at}/tokens/${id}/rotate`, mara.token, { overlapSeconds: 3600 })
    expect(rotated.status, rotated.text).toBe(200)
    const { token, tokenInfo } = rotated.json<Made>()
    expect(tokenInfo.oldValue).toMatchObject({ last4: value.slice(-4) })
    expect((await use(value)).warning).toContain('token-refreshed; ')
    expect((await use(token)).warning).toBeNull()
    expect((await ask('POST', `${at}/tokens/${id}/rotate/finish`, mara.token)).status).toBe(200)
    expect((await use(value)).status).toBe(401)
    const again = await ask('POST', `${at}/tokens/${id}/rotate`, mara.token, { overlapSeconds: 3600 })
    expect((await use(token)).status).toBe(200)
    await ask('POST', `${at}/disable`, mara.token)
    expect([(await use(token)).status, (await use(again.json<Made>().token)).status]).toEqual([401, 401])
    expect(await eventsOf(id)).toMatchObject([
      { action: 'org.service_account.token.create' },
      { action: 'org.service_account.token.rotate' },
      { action: 'org.service_account.token.finish_rotation' },
      { action: 'org.service_account.token.rotate', oldUntil: time + hour },
    ])
  })

  test('story: who stole a value refreshes the token with it inside the window, to stay when it closes; the old value makes nothing', async () => {
    const first = await create({ role: 'write' })
    const second = await rotate(first.tokenInfo.id, { overlapSeconds: 3600 })
    const account = await makeServiceAccount(running, acme, `ci ${++made}`, 'read')
    const at = `/api/organizations/acme/service-accounts/${account.id}/tokens`
    const id = (await ask('POST', at, second.token, { mode: 'inherit' })).json<{ tokenInfo: { _id: string } }>()
      .tokenInfo._id
    for (const path of [at, `${at}/${id}/rotate`, `${at}/${id}/rotate/finish`]) {
      const refused = await ask('POST', path, first.token, {})
      expect(refused.status, path).toBe(403)
      expect(refused.json<{ denied: { code: string } }>().denied.code).toBe('former_value')
    }
    expect((await ask('GET', at, first.token)).json()).toHaveLength(1)
  })

  test('the page says who still uses the old value, and finishes', async () => {
    const first = await create({ name: 'shown' })
    const { id } = first.tokenInfo
    await rotate(id, { overlapSeconds: 604_800 })
    await running.hub.transaction((tx) =>
      tx
        .updateTable('formerTokenValue')
        .set({ lastUsedAt: time, lastIp: '10.0.3.7', lastUserAgent: 'hf/1.20' })
        .where('tokenId', '=', id)
        .execute(),
    )
    const page = async () => await (await fetch(`${running.url}/settings/tokens/${id}`, { headers: { cookie } })).text()
    expect(await page()).toMatch(/still used.*10\.0\.3\.7.*hf\/1\.20.*Finish now/s)
    const dialog = await (
      await fetch(`${running.url}/settings/tokens?dialog=refresh&token=${id}`, { headers: { cookie } })
    ).text()
    expect(dialog).toContain('name="overlap"')
    const finished = await fetch(`${running.url}/settings/tokens/${id}/finish`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
    })
    expect(finished.status).toBe(303)
    expect((await use(first.token)).status).toBe(401)
    expect(await page()).not.toContain('Finish now')
  })
})

describe.each(dialects)('how %s looks up a value', (dialect) => {
  const tokens = 3_000
  let database: TestDatabase
  let watched: Watched

  beforeAll(async () => {
    database = await makeDatabase(dialect)
    const { db } = database
    await db.transaction(async (tx) => {
      for (let at = 0; at < tokens; at++) {
        const common = { last4: 'abcd', ownerId: `user ${at % 50}`, name: `token ${at}` }
        await tx
          .insertInto('accessToken')
          .values({
            ...common,
            id: `t${at}`,
            hash: `new ${at}`,
            role: 'read',
            canReadGatedRepos: 0,
            globalPermissions: '[]',
            createdAt: 1,
            rotatedAt: 10,
          })
          .execute()
        await tx
          .insertInto('formerTokenValue')
          .values({
            ...common,
            hash: `old ${at}`,
            tokenId: `t${at}`,
            ownerName: 'x',
            since: 1,
            endedAt: 10,
            validUntil: at % 2 === 0 ? null : 1_000,
          })
          .execute()
      }
    })
    watched = await watchPlans(database, ['accessToken', 'formerTokenValue'])
  })
  afterAll(async () => {
    await watched.close()
    await database.remove()
  })

  test('one statement by indexes, whichever value comes', async () => {
    const looked = [
      { kind: 'token', hash: 'new 7' },
      { kind: 'token', hash: 'old 7' },
      { kind: 'token', hash: 'none' },
      { kind: 'signed', credential: { kind: 'token', id: 't7' }, issuedAt: 5 },
    ] as const
    for (const presented of looked) {
      const before = watched.plans.length
      await loadFacts(watched.db, presented, { on: 'self' }, 100).catch(() => null)
      const plans = watched.plans.slice(before)
      expect(plans).toHaveLength(1)
      for (const { statement, scans, rowsRead } of plans) {
        expect(scans, statement).toEqual([])
        expect(rowsRead ?? 0, statement).toBeLessThan(20)
      }
    }
    const before = watched.plans.length
    expect(await listWindows(watched.db.read, 'user 7')).toHaveLength(60)
    for (const { statement, scans, rowsRead } of watched.plans.slice(before)) {
      expect(scans, statement).toEqual([])
      expect(rowsRead ?? 0, statement).toBeLessThan(100)
    }
  })
})
