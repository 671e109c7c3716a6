/** Idea 11 of behaviours.md, section 4: from where, and from when on, a token is taken; over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { tokenHash } from '../../access/credentials.ts'
import { isInside, parseNetworks } from '../../access/fence.ts'
import { loadFacts } from '../../access/load-facts.ts'
import { systemClock } from '../../platform/clock.ts'

const hour = 3_600_000
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('networks', () => {
  test('addresses and CIDR of both families; anything else is refused', () => {
    expect(parseNetworks([' 10.20.0.0/16', '2001:DB8::/32', '192.0.2.7', '10.20.0.0/16', ''])).toEqual([
      '10.20.0.0/16',
      '2001:db8::/32',
      '192.0.2.7',
    ])
    for (const wrong of [
      '10.0.0.0/33',
      '::/129',
      '10.0.0/8',
      'example.org',
      '10.0.0.0/',
      '1.2.3.4/8/9',
      '10.0.0.0/-1',
    ]) {
      expect(() => parseNetworks([wrong]), wrong).toThrow()
    }
    expect(() => parseNetworks(['::ffff:10.0.0.1'])).toThrow('IPv4')
    expect(() => parseNetworks(['fe80::1%eth0'])).toThrow()
    expect(() => parseNetworks(Array.from({ length: 51 }, (_, at) => `10.0.0.${at}`))).toThrow('at most 50')
  })

  test('an unknown address is outside of every fence, and inside where there is none', () => {
    const networks = ['10.20.0.0/16', '2001:db8::/32', 'fe80::/10']
    const asked = ['10.20.255.1', '10.21.0.1', '2001:db8:1::1', '2001:db9::1', 'fe80::1%eth0', 'unknown', null]
    expect(asked.map((address) => isInside(address, networks))).toEqual([true, false, true, false, true, false, false])
    expect(isInside(null, [])).toBe(true)
    expect(isInside('203.0.113.9', ['0.0.0.0/0'])).toBe(true)
    expect(isInside('2001:db8::1', ['0.0.0.0/0'])).toBe(false)
  })
})

describe.each(dialects)('fences of tokens on %s', (dialect) => {
  let ahead = 0
  // Jobs run by the real clock: this one only ever runs ahead of it.
  const now = () => Date.now() + ahead
  let running: TestHub
  let mara: TestUser
  let cookie: string
  let acme: { id: string; name: string }
  let made = 0

  beforeAll(async () => {
    // What reaches the hub from this machine came through a proxy that it trusts.
    const env = { HOLDFAST_TRUSTED_PROXIES: '127.0.0.1,::1' }
    running = await startHubOn(dialect, { env, clock: systemClock(now) })
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    cookie = await signInAs(running, mara)
    acme = await makeOrganization(running, 'acme', mara)
  })
  afterAll(() => running.stop())

  async function ask(method: string, path: string, body: unknown, headers: Record<string, string> = { cookie }) {
    const response = await fetch(`${running.url}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }

  interface Made {
    readonly token: string
    readonly tokenInfo: {
      readonly id: string
      readonly _id: string
      readonly networks: string[]
      readonly notBefore: string
    }
  }

  async function create(input: Record<string, unknown>): Promise<Made> {
    const answer = await ask('POST', '/api/settings/tokens', { name: `token ${++made}`, role: 'write', ...input })
    expect(answer.status, answer.text).toBe(201)
    return answer.json<Made>()
  }

  const from = (value: string, forwarded?: string) => ({
    authorization: `Bearer ${value}`,
    'user-agent': 'a test',
    ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
  })
  const use = (value: string, forwarded?: string, path = '/api/whoami-v2') =>
    ask('GET', path, undefined, from(value, forwarded))

  test('story: a thief outside writes an address of the fence into X-Forwarded-For; the proxy adds the true one, which counts', async () => {
    const { token, tokenInfo } = await create({ networks: ['10.20.0.0/16', '2001:db8::/32'] })
    expect(tokenInfo.networks).toEqual(['10.20.0.0/16', '2001:db8::/32'])
    expect((await use(token, '10.20.0.5')).status).toBe(200)
    expect((await use(token, '2001:db8::7')).status).toBe(200)
    for (const forwarded of ['10.20.0.5, 203.0.113.9', '203.0.113.9', '10.20.0.5, junk', undefined]) {
      const refused = await use(token, forwarded)
      expect(refused.status, forwarded).toBe(403)
      expect(refused.headers.get('x-hub-denied')).toMatch(/^token_outside_network; /)
      expect(refused.json<{ code: string }>().code).toBe('token_outside_network')
    }
  })

  // A pipeline makes a token with "networks": ["$RUNNER_CIDR"] on a machine where the variable is empty. The blank was dropped, and with it the
  // fence: the token was taken from everywhere, and nobody was told.
  test('idea 11, story: a fence whose entries are blank is refused, not left out, of a new token, an edit and a child', async () => {
    const blanks = [{ networks: [''] }, { networks: ['10.20.0.0/16', ' '] }, { paths: [''] }, { programs: [' '] }]
    const { token, tokenInfo } = await create({ networks: ['10.20.0.0/16'] })
    const open = await create({})
    for (const blank of blanks) {
      const asked = await ask('POST', '/api/settings/tokens', { name: 'blank', role: 'read', ...blank })
      expect([asked.status, asked.text]).toEqual([400, expect.stringContaining('A blank entry limits nothing')])
      expect((await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, blank)).status).toBe(400)
    }
    const child = await ask('POST', '/api/tokens/derive', { seconds: 60, networks: [''] }, from(open.token))
    expect(child.status).toBe(400)
    expect((await use(token, '203.0.113.9')).status).toBe(403)
    // What is meant to be taken away says so.
    expect((await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, { networks: [] })).status).toBe(200)
    expect((await use(token, '203.0.113.9')).status).toBe(200)
  })

  test('AUTH-6, AUTH-7: outside it opens nothing, not even what is public, and says the same of what is hidden and what is not there', async () => {
    await ask('POST', '/api/repos/create', { name: 'open', private: false }, from(mara.token))
    await ask('POST', '/api/repos/create', { name: 'closed', private: true }, from(mara.token))
    const { token } = await create({ networks: ['10.20.0.0/16'] })
    const paths = ['open', 'closed', 'none'].map((name) => `/api/models/mara/${name}`)
    for (const path of paths) expect((await use(token, '203.0.113.9', path)).status, path).toBe(403)
    const inside = await Promise.all(paths.map((path) => use(token, '10.20.0.5', path)))
    expect(inside.map(({ status }) => status)).toEqual([200, 200, 404])
    // As git asks.
    const git = await use(token, '203.0.113.9', '/mara/open.git/info/refs?service=git-upload-pack')
    expect(git.status).toBe(403)
    expect(git.text).toContain('This token is not taken from this address.')
  })

  test('not before its first day; a fence is changed and taken away by an edit, from the next request on', async () => {
    const { token, tokenInfo } = await create({ notBefore: now() + hour })
    const early = await use(token)
    expect([early.status, early.json<{ code: string }>().code]).toEqual([403, 'token_not_yet'])
    const at = `/api/settings/tokens/${tokenInfo.id}`
    expect((await ask('PATCH', at, { name: 'kept fence' })).json<Made['tokenInfo']>().notBefore).toBe(
      tokenInfo.notBefore,
    )
    ahead += hour
    expect((await use(token)).status).toBe(200)
    cookie = await signInAs(running, mara)
    await ask('PATCH', at, { networks: ['192.0.2.0/24'] })
    expect((await use(token)).status).toBe(403)
    const wrong = await ask('PATCH', at, { networks: ['everywhere'] })
    expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('neither an address nor a network')])
    await ask('PATCH', at, { networks: [], notBefore: null })
    expect((await use(token)).status).toBe(200)
    const events = await running.hub.db.read
      .selectFrom('event')
      .select('data')
      .where('resourceId', '=', tokenInfo.id)
      .where('action', '=', 'token.update')
      .orderBy('id')
      .execute()
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      from: { fence: ['192.0.2.0/24', expect.any(String)] },
      to: { fence: [] },
    })
  })

  test('an unknown address fails closed', async () => {
    const { token } = await create({ networks: ['0.0.0.0/0', '::/0'] })
    const presented = { kind: 'token', hash: tokenHash(running.hub.keys, token) } as const
    const load = (address: string | null) => loadFacts(running.hub.db, presented, { on: 'self' }, now(), address)
    expect((await load('203.0.113.9')).facts.principal.kind).toBe('user')
    await expect(load(null)).rejects.toThrow('not taken from this address')
  })

  test('an event at most once an hour tells of it, with the address', async () => {
    const { token, tokenInfo } = await create({ networks: ['10.20.0.0/16'] })
    const told = async () =>
      await running.hub.db.read
        .selectFrom('event')
        .select(['ip', 'userAgent', 'ownerId'])
        .where('action', '=', 'token.fenced')
        .where('resourceId', '=', tokenInfo.id)
        .execute()
    const until = async (count: number) => {
      for (let at = 0; at < 100 && (await told()).length < count; at++) await wait(50)
      return await told()
    }
    for (let at = 0; at < 10; at++) await use(token, '203.0.113.9')
    expect(await until(1)).toEqual([{ ip: '203.0.113.9', userAgent: 'a test', ownerId: mara.id }])
    ahead += hour
    await use(token, '203.0.113.10')
    expect(await until(2)).toHaveLength(2)
  })

  test('story: who holds a fenced token makes one that is taken from everywhere; it makes none, widens none and refreshes none', async () => {
    cookie = await signInAs(running, mara)
    const { token } = await create({ networks: ['10.20.0.0/16', '192.0.2.1'] })
    const account = await makeServiceAccount(running, acme, 'ci', 'read')
    const at = `/api/organizations/acme/service-accounts/${account.id}/tokens`
    const open = (await ask('POST', at, { mode: 'inherit' }, from(mara.token))).json<Made>().tokenInfo._id
    const by = from(token, '10.20.0.5')
    const refusals = [
      await ask('POST', at, { mode: 'inherit', networks: [] }, by),
      await ask('POST', at, { mode: 'inherit', networks: ['10.20.0.0/16', '0.0.0.0/0'] }, by),
      await ask('POST', `${at}/${open}/rotate`, {}, by),
    ]
    for (const refusal of refusals) {
      expect(refusal.status, refusal.text).toBe(403)
      expect(refusal.json<{ code: string }>().code).toBe('beyond_minter')
    }
    const child = await ask('POST', at, { mode: 'inherit' }, by)
    expect(child.status, child.text).toBe(201)
    expect(child.json<Made>().tokenInfo.networks).toEqual(['10.20.0.0/16', '192.0.2.1'])
    const id = child.json<Made>().tokenInfo._id
    expect((await ask('PATCH', `${at}/${id}`, { networks: [] }, by)).status).toBe(403)
    expect((await ask('PATCH', `${at}/${id}`, { networks: ['192.0.2.1'] }, by)).status).toBe(200)
    expect((await use(child.json<Made>().token, '10.20.0.5')).status).toBe(403)
    expect((await use(child.json<Made>().token, '192.0.2.1')).status).toBe(200)
  })

  test('by the forms of people and of service accounts, and shown in lists', async () => {
    cookie = await signInAs(running, mara)
    const post = (path: string, fields: Record<string, string>) =>
      fetch(`${running.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie },
        body: new URLSearchParams(fields),
      })
    const fields = {
      name: 'from the form',
      role: 'read',
      networks: '10.9.0.0/16\n2001:db8:9::/48',
      notBefore: '2020-01-01',
    }
    const answer = await post('/settings/tokens', fields)
    expect(answer.status).toBe(200)
    const value = /hf_[0-9A-Za-z]{34}/.exec(await answer.text())?.[0] ?? ''
    expect([(await use(value, '10.9.1.1')).status, (await use(value, '10.8.1.1')).status]).toEqual([200, 403])
    const list = await ask('GET', '/settings/tokens', undefined)
    expect(list.text).toContain('only from <code>10.9.0.0/16</code> and 1 more')
    const wrong = await post('/settings/tokens', { ...fields, name: 'another', networks: 'lan' })
    expect(await wrong.text()).toContain('neither an address nor a network')
    const account = await makeServiceAccount(running, acme, 'deploy')
    const at = `/organizations/acme/settings/service-accounts/${account.id}`
    const machine = await post(`${at}/tokens`, { ...fields, role: 'inherit' })
    expect(machine.status).toBe(200)
    expect(await machine.text()).toContain('only from <code>10.9.0.0/16</code> and 1 more')
    const [token] = (await ask('GET', `/api${at.replace('/settings', '')}/tokens`, undefined)).json<
      { _id: string; networks: string[] }[]
    >()
    expect(token?.networks).toEqual(['10.9.0.0/16', '2001:db8:9::/48'])
    const saved = await post(`${at}/tokens/${token?._id}`, { name: 'n', role: 'inherit', networks: '', notBefore: '' })
    expect(saved.status).toBe(303)
    const [after] = (await ask('GET', `/api${at.replace('/settings', '')}/tokens`, undefined)).json<
      { networks: string[] }[]
    >()
    expect(after?.networks).toEqual([])
  })
})
