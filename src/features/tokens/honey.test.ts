/** Idea 20 of behaviours.md, section 4: honey tokens, on both databases, with a real mail server. Each attack opens with its story. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { makeTokenValue } from '../../domain/token.ts'
import { systemClock } from '../../platform/clock.ts'

const day = 86_400_000
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Made {
  readonly token: string
  readonly tokenInfo: { readonly id: string }
}

describe.each(dialects)('honey tokens (idea 20) on %s', (dialect) => {
  let ahead = 0
  let sink: SmtpSink
  let running: TestHub
  let ask: Ask
  let mara: TestUser
  let cookie: string

  beforeAll(async () => {
    sink = await startSmtpSink()
    const env = { HOLDFAST_SMTP_URL: sink.url, HOLDFAST_MAIL_FROM: 'hub@example.org' }
    running = await startHubOn(dialect, { env, clock: systemClock(() => Date.now() + ahead) })
    ask = jsonClient(running.url)
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    await makeUser(running, 'jonas', { password: 'a long enough sentence' })
    await makeOrganization(running, 'acme', mara, { jonas: 'admin' })
    cookie = await signInAs(running, mara)
  })
  afterAll(async () => {
    await running.stop()
    await sink.stop()
  })

  async function make(at = '/api/settings/honey-tokens', name = 'bait'): Promise<Made> {
    const answer = await ask('POST', at, cookie, { name, place: '~/.netrc of build-3' })
    expect(answer.status, answer.text).toBe(201)
    return answer.json<Made>()
  }
  async function use(value: string, path = '/api/whoami-v2') {
    const response = await fetch(`${running.url}${path}`, {
      headers: { authorization: `Bearer ${value}`, 'user-agent': 'thief/1.0' },
    })
    const text = (await response.text()).replace(/"requestId":"[^"]*"|\(request [^)]*\)/, '')
    const headers = [...response.headers].filter(([name]) => !/^(x-request-id|date|ratelimit)$/.test(name))
    return { status: response.status, headers: Object.fromEntries(headers), text }
  }
  const events = async (action: string) =>
    await running.hub.db.read.selectFrom('event').selectAll().where('action', '=', action).orderBy('id').execute()
  async function told(action: string, count: number) {
    for (let at = 0; at < 100 && (await events(action)).length < count; at++) await wait(50)
    return await events(action)
  }

  test('story: a thief finds a honey token in a dotfile and tries it: refused, and its owner learns from where', async () => {
    const { token, tokenInfo } = await make()
    const mails = sink.mails.length
    await Promise.all(Array.from({ length: 10 }, () => use(token)))
    const [event, ...others] = await told('token.honey_used', 1)
    expect(others).toEqual([])
    expect(event).toMatchObject({ resourceId: tokenInfo.id, ownerId: mara.id, ip: '127.0.0.1', userAgent: 'thief/1.0' })
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ place: '~/.netrc of build-3', owner: 'mara' })
    expect(await events('token.reused')).toEqual([])
    await sink.received(mails + 1)
    const mail = sink.mails.at(-1)
    expect(mail?.to).toBe(mara.email)
    expect(mail?.text).toMatch(/honey token "bait".*127\.0\.0\.1, by "thief\/1\.0".*\.netrc of build-3/s)
    expect(mail?.text).not.toContain(token)
    const listed = (await ask('GET', '/api/settings/honey-tokens', cookie)).json<Record<string, unknown>[]>()
    expect(listed[0]).toMatchObject({ name: 'bait', lastUsedIp: '127.0.0.1', lastUsedBy: 'thief/1.0' })
    ahead += day
    await use(token)
    expect(await told('token.honey_used', 2)).toHaveLength(2)
    cookie = await signInAs(running, mara)
  })

  test('story: the finder compares it with what was revoked, and with what never was, on every surface: all are one answer', async () => {
    const { token } = await make()
    const dead = await makeToken(running, mara, { role: 'read' })
    const row = await running.hub.db.read
      .selectFrom('accessToken')
      .select('id')
      .where('last4', '=', dead.slice(-4))
      .executeTakeFirstOrThrow()
    expect((await ask('DELETE', `/api/settings/tokens/${row.id}`, cookie)).status).toBe(204)
    const never = makeTokenValue(
      (length) => Buffer.alloc(length, 9),
      (text) => running.hub.keys.mac('token-checksum', text),
    )
    for (const path of [
      '/api/whoami-v2',
      '/api/models',
      '/mara/x/resolve/main/a.txt',
      '/mara/x.git/info/refs?service=git-upload-pack',
    ]) {
      const [bait, revoked, unknown] = [await use(token, path), await use(dead, path), await use(never, path)]
      expect(bait.status).toBe(401)
      // No warning but the one that every refusal carries.
      expect(bait.headers['x-hf-warning'] ?? 'denied-').toMatch(/^denied-/)
      expect(bait, path).toEqual(revoked)
      expect(bait, path).toEqual(unknown)
    }
    // It takes the same statement. In turns, and by the fast quarter, since the machine does other things too.
    const times: { bait: number[]; dead: number[] } = { bait: [], dead: [] }
    for (let at = 0; at < 80; at++) {
      const which = at % 2 === 0 ? 'bait' : 'dead'
      const begun = performance.now()
      await use(which === 'bait' ? token : dead)
      times[which].push(performance.now() - begun)
    }
    const fast = (of: number[]) => of.sort((a, b) => a - b)[10] ?? 0
    expect(fast(times.bait)).toBeLessThan(2 * fast(times.dead) + 2)
    expect(fast(times.dead)).toBeLessThan(2 * fast(times.bait) + 2)
  })

  test('story: a thief with a real token looks up which others are bait: no token may, not in lists and not in the log', async () => {
    const { token } = await make()
    for (const path of ['/api/settings/honey-tokens', '/api/organizations/acme/honey-tokens']) {
      expect((await ask('GET', path, mara.token)).headers.get('x-hub-denied')).toContain('session_needed')
      expect((await ask('POST', path, mara.token, { name: 'x' })).status).toBe(403)
    }
    for (const event of await events('token.honey.create')) expect(JSON.stringify(event)).not.toContain(token.slice(-4))
  })

  test('an organization has its own: any use is told to all administrators; deleted, it is a value that never was', async () => {
    const { token, tokenInfo } = await make('/api/organizations/acme/honey-tokens', 'ci bait')
    const ofThis = async () =>
      (await events('token.honey_used')).filter(({ resourceId }) => resourceId === tokenInfo.id)
    await use(token)
    for (let at = 0; at < 100 && (await ofThis()).length === 0; at++) await wait(50)
    expect(await ofThis()).toMatchObject([{ resourceName: 'ci bait' }])
    const readers = () => new Set(sink.mails.filter(({ text }) => text.includes('"ci bait"')).map(({ to }) => to))
    for (let at = 0; at < 100 && readers().size < 2; at++) await wait(50)
    expect(readers()).toEqual(new Set(['mara@example.org', 'jonas@example.org']))
    const page = await ask('GET', '/organizations/acme/settings/tokens/honey', cookie)
    expect(page.text).toContain('ci bait')
    expect(page.text).toContain('thief/1.0')
    expect((await ask('DELETE', `/api/settings/honey-tokens/${tokenInfo.id}`, cookie)).status).toBe(404)
    expect((await ask('DELETE', `/api/organizations/acme/honey-tokens/${tokenInfo.id}`, cookie)).status).toBe(204)
    ahead += day
    await use(token)
    await wait(700)
    expect(await ofThis()).toHaveLength(1)
    cookie = await signInAs(running, mara)
  })

  test('whoever reports one is served as with a live token, and it goes on to tell on its users', async () => {
    const { token, tokenInfo } = await make()
    const before = (await events('token.leaked')).length
    const report = () => ask('POST', '/api/credentials/revoke', '', { credentials: [token] })
    expect((await report()).status).toBe(202)
    expect((await told('token.leaked', before + 1)).at(-1)).toMatchObject({ resourceId: tokenInfo.id })
    expect((await report()).status).toBe(202)
    const used = (await events('token.honey_used')).length
    await use(token)
    await told('token.honey_used', used + 1)
    expect(await events('token.leaked')).toHaveLength(before + 1)
  })

  test('the page makes one, shows its value once, and deletes it', async () => {
    const form = (path: string, body: Record<string, string>) =>
      fetch(`${running.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, origin: running.url, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(body),
      })
    const made = await form('/settings/tokens/honey', { name: 'by page', place: 'wiki' })
    expect(made.headers.get('cache-control')).toContain('no-store')
    expect(await made.text()).toMatch(/by page.*hf_[A-Za-z0-9]{34}/s)
    const page = await ask('GET', '/settings/tokens/honey', cookie)
    expect(page.text).not.toMatch(/hf_[A-Za-z0-9]{34}/)
    expect((await form('/settings/tokens/honey', { name: '' })).status).toBe(422)
    const [row] = (await ask('GET', '/api/settings/honey-tokens', cookie)).json<{ id: string; name: string }[]>()
    expect(row?.name).toBe('by page')
    expect((await form(`/settings/tokens/honey/${row?.id}/delete`, {})).status).toBe(303)
  })
})
