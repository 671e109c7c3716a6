/** Rate limits with the Hub's headers (behaviours.md, section 2.8): who is counted, for how long, and that nobody frees themselves by asking more. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser, type TestUser } from '../../tests/support/accounts.ts'
import { dialects } from '../../tests/support/databases.ts'
import type { TestHub } from '../../tests/support/start-hub.ts'
import { startHubOn } from '../../tests/support/start-hub-on.ts'
import { systemClock } from '../platform/clock.ts'
import { callerKey, rateLimiter, windowMs } from './rate-limit.ts'

describe('windows', () => {
  test("each caller's window begins with its first request and lasts five minutes", () => {
    let time = 1_000
    const limiter = rateLimiter(2, () => time)
    expect(limiter.count('a')).toEqual({ limit: 2, remaining: 1, secondsLeft: 300, isOver: false })
    time += 100_000
    expect(limiter.count('b').secondsLeft).toBe(300)
    expect(limiter.count('a')).toEqual({ limit: 2, remaining: 0, secondsLeft: 200, isOver: false })
    expect(limiter.count('a')).toMatchObject({ remaining: 0, isOver: true })
    time += windowMs - 100_000
    // All clients that wait do not come back at one moment: only this window has ended.
    expect(limiter.count('a')).toEqual({ limit: 2, remaining: 1, secondsLeft: 300, isOver: false })
    expect(limiter.count('b')).toMatchObject({ remaining: 0, secondsLeft: 100 })
  })

  test('0 is no limit, and remembers nobody', () => {
    const limiter = rateLimiter(0, () => 0)
    for (let at = 0; at < 50; at++) expect(limiter.count('a').isOver).toBe(false)
    expect(limiter.size()).toBe(0)
  })

  test('as many callers as fit are remembered, and those whose windows have ended are not', () => {
    let time = 0
    const limiter = rateLimiter(5, () => time, 100)
    for (let at = 0; at < 1_000; at++) limiter.count(`caller ${at}`)
    expect(limiter.size()).toBe(100)
    expect(limiter.count('caller 999').remaining).toBe(3)
    time += windowMs
    limiter.count('another')
    expect(limiter.size()).toBe(1)
  })

  // A caller over its limit lets a hundred thousand addresses ask once each: the table was full then, was emptied as a whole, and the caller began
  // anew. Now the windows that began first make room, one for each newcomer.
  test('a full table frees nobody but those whose windows began first', () => {
    let time = 0
    const limiter = rateLimiter(1, () => time, 100)
    for (let at = 0; at < 99; at++) limiter.count(`early ${at}`)
    time += 1_000
    limiter.count('attacker')
    expect(limiter.count('attacker').isOver).toBe(true)
    for (let at = 0; at < 98; at++) limiter.count(`new ${at}`)
    expect(limiter.count('attacker').isOver).toBe(true)
  })

  // Whoever has one IPv6 subscription has 2^64 addresses: counted one by one, none of them was ever over.
  test('an IPv6 network is one caller', () => {
    expect(callerKey(null, '2001:db8:1:2::1')).toBe(callerKey(null, '2001:db8:1:2:ffff::9'))
    expect(callerKey(null, '2001:db8:1:2::1')).not.toBe(callerKey(null, '2001:db8:1:3::1'))
    expect(callerKey(null, '192.0.2.1')).not.toBe(callerKey(null, '192.0.2.2'))
    expect(callerKey(null, null)).toBe('unknown')
  })
})

describe.each(dialects)('rate limits over HTTP, on %s', (dialect) => {
  let ahead = 0
  let running: TestHub
  let mara: TestUser
  let bob: TestUser

  beforeAll(async () => {
    // What reaches the hub from this machine came through a proxy that it trusts.
    running = await startHubOn(dialect, {
      clock: systemClock(() => Date.now() + ahead),
      env: {
        HOLDFAST_RATE_LIMIT_API: '20',
        HOLDFAST_RATE_LIMIT_RESOLVERS: '10',
        HOLDFAST_RATE_LIMIT_PAGES: '8',
        HOLDFAST_TRUSTED_PROXIES: '127.0.0.1,::1',
      },
    })
    mara = await makeUser(running, 'mara', { tokenRole: 'write' })
    bob = await makeUser(running, 'bob', { tokenRole: 'write' })
  })
  afterAll(() => running.stop())

  async function ask(path: string, headers: Readonly<Record<string, string>>, method = 'GET', body?: string) {
    const answer = await fetch(`${running.url}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    })
    await answer.arrayBuffer()
    return answer
  }
  const as = (token: string, address = '192.0.2.1') => ({
    authorization: `Bearer ${token}`,
    'x-forwarded-for': address,
  })
  const from = (address: string) => ({ 'x-forwarded-for': address })

  async function countUntilRefused(path: string, headers: () => Readonly<Record<string, string>>): Promise<number> {
    for (let asked = 0; asked < 40; asked++) if ((await ask(path, headers())).status === 429) return asked
    throw new Error('Nothing was refused.')
  }

  test('every answer says what is left, in the words that huggingface_hub reads; the refusal says when to come again', async () => {
    const first = await ask('/api/models', from('198.51.100.1'))
    expect(first.headers.get('ratelimit')).toBe('"api";r=19;t=300')
    expect(first.headers.get('ratelimit-policy')).toBe('"fixed window";"api";q=20;w=300')
    expect(await countUntilRefused('/api/models', () => from('198.51.100.1'))).toBe(19)
    const refused = await ask('/api/models', from('198.51.100.1'))
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit')).toMatch(/^"api";r=0;t=(300|299|298)$/)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(295)
    expect(refused.headers.get('x-error-message')).toBe('Too many requests.')
    // Another surface has a window of its own.
    const file = await ask('/mara/none/resolve/main/x', from('198.51.100.1'))
    expect(file.headers.get('ratelimit')).toBe('"resolvers";r=9;t=300')
    expect((await ask('/login', from('198.51.100.1'))).headers.get('ratelimit')).toBe('"pages";r=7;t=300')
    ahead += windowMs
    expect((await ask('/api/models', from('198.51.100.1'))).status).toBe(200)
  })

  test('an account is counted wherever it comes from, and not with its neighbours', async () => {
    let address = 0
    const asked = await countUntilRefused('/api/models', () => as(mara.token, `192.0.2.${++address}`))
    expect(asked).toBe(20)
    expect((await ask('/api/models', as(bob.token, '192.0.2.1'))).status).toBe(200)
    expect((await ask('/api/models', from('192.0.2.1'))).status).toBe(200)
  })

  test('whoami takes a tenth of it (AUTH-9), with the seconds in Retry-After', async () => {
    ahead += windowMs
    expect(await countUntilRefused('/api/whoami-v2', () => as(mara.token))).toBe(2)
    const refused = await ask('/api/whoami-v2', as(mara.token))
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(295)
    expect((await ask('/api/models', as(mara.token))).status).toBe(200)
  })

  // Somebody who tries tokens writes a new address into X-Forwarded-For with each. A proxy appends the address it sees, and what stands before that is
  // the client's word.
  test('addresses that a client makes up are not believed', async () => {
    ahead += windowMs
    let made = 0
    const forged = () => from(`203.0.113.${++made}, 198.51.100.7`)
    expect(await countUntilRefused('/api/models', forged)).toBe(20)
  })

  // Routes that read their body before they decide looked up the token first and counted later: a wrong one was refused uncounted, so tokens
  // could be tried there without end.
  test.each([
    ['GET', '/api/models', undefined],
    ['POST', '/api/repos/create', '{"name":"x"}'],
    ['POST', '/api/models/mara/none/commit/main', '{}'],
  ] as const)('wrong tokens count against their address: %s %s', async (method, path, body) => {
    ahead += windowMs
    const address = '198.51.100.9'
    const wrong = (at: number) => as(`hf_${String(at).padStart(34, 'x')}`, address)
    const statuses: number[] = []
    for (let at = 0; at < 22; at++) {
      statuses.push((await ask(path, { ...wrong(at), 'content-type': 'application/json' }, method, body)).status)
    }
    expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true)
    expect(statuses.slice(20)).toEqual([429, 429])
    // Others behind the same address who have a token are not shut out by that.
    expect((await ask('/api/models', as(bob.token, address))).status).toBe(200)
  })

  test('strangers are counted where a body would be read first', async () => {
    ahead += windowMs
    const headers = { ...from('198.51.100.11'), 'content-type': 'application/json' }
    const statuses: number[] = []
    for (let at = 0; at < 21; at++)
      statuses.push((await ask('/api/repos/create', headers, 'POST', '{"name":"x"}')).status)
    expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true)
    expect(statuses[20]).toBe(429)
  })
})
