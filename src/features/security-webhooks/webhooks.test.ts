/** Idea 18: security events at a receiver, signed, in order, at least once; and what somebody tries with webhooks. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Answer, type Ask, asking } from '../../../tests/support/asking.ts'
import { writeEvents } from '../../../tests/support/audit-events.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { isInScope } from '../../domain/event-scopes.ts'
import { givenUpAfterMs } from './deliver.ts'

const password = 'a long and quiet word'

interface Received {
  readonly signature: string
  readonly body: string
}
interface Delivery {
  readonly delivery: string
  readonly events: readonly { readonly _id: string; readonly type: string; readonly sequence: string }[]
}

/** As docs/webhooks.md tells receivers to. */
function isGenuine({ signature, body }: Received, secret: string, now: number): boolean {
  const parts = signature.split(',').map((part) => part.split('='))
  const time = Number(parts.find(([name]) => name === 't')?.[1])
  if (!(Math.abs(now / 1000 - time) <= 300)) return false
  const expected = createHmac('sha256', secret).update(`${time}.${body}`).digest()
  return parts.some(([name, hex]) => {
    const given = Buffer.from(hex ?? '', 'hex')
    return name === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

test('scopes choose events by their names', () => {
  const given = ['org.token.revoke', 'token.create', 'org.change_role', 'org.member.remove', 'org.token_policy.update']
  expect(given.filter((action) => isInScope(['token.*'], action))).toEqual([
    'org.token.revoke',
    'token.create',
    // Of both: it decides about tokens.
    'org.token_policy.update',
  ])
  expect(given.filter((action) => isInScope(['member.*'], action))).toEqual(['org.change_role', 'org.member.remove'])
  expect(given.filter((action) => isInScope(['policy.*'], action))).toEqual(['org.token_policy.update'])
  expect(given.filter((action) => isInScope(['*'], action))).toEqual(given)
})

describe.each(dialects)('security webhooks on %s', (dialect) => {
  let running: TestHub
  let ask: Ask
  let ada: TestUser
  let cookie: string
  let sink: SmtpSink
  let acme: { id: string; name: string }
  let receiver: Server
  let address: string
  let answer: (respond: (status: number, headers?: Record<string, string>) => void) => void
  let received: Received[] = []
  /** What every name leads to, and who was asked for. */
  let leadsTo: readonly string[] = []
  let resolved: string[] = []

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        received.push({ signature: String(request.headers['x-hub-signature-256']), body })
        answer((status, headers = {}) => response.writeHead(status, headers).end())
      })
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
    sink = await startSmtpSink()
    running = await startHub({
      dialect,
      env: { HOLDFAST_OUTBOUND_ALLOW: '127.0.0.1', HOLDFAST_SMTP_URL: sink.url },
      resolver: (host, then) => {
        resolved.push(host)
        then(
          null,
          leadsTo.map((one) => ({ address: one, family: 4 })),
        )
      },
    })
    ask = asking(running)
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password })
    acme = await makeOrganization(running, 'acme', ada)
    cookie = await signInAs(running, ada)
  })
  afterAll(async () => {
    await running.stop()
    await sink.stop()
    receiver.closeAllConnections()
    await new Promise((resolve) => receiver.close(resolve))
  })
  beforeEach(async () => {
    received = []
    leadsTo = ['127.0.0.1']
    resolved = []
    answer = (respond) => respond(200)
    await running.hub.transaction((tx) => tx.deleteFrom('securityWebhook').execute())
  })

  const base = '/api/organizations/acme/security-webhooks'
  const send = (method: string, path: string, body?: unknown): Promise<Answer> =>
    ask(method, path, { cookie, ...(body === undefined ? {} : { body }) })
  async function create(scopes: readonly string[] = ['*'], url = address): Promise<{ id: string; secret: string }> {
    const made = await send('POST', base, { url, scopes })
    expect(made.text).toContain('whsec_')
    return made.json()
  }
  const happen = (count: number, action = 'org.token.revoke') =>
    writeEvents(running.hub, count, { action, ownerId: acme.id })
  const told = () => received.flatMap(({ body }) => (JSON.parse(body) as Delivery).events)
  const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 50 })
  const state = async (id: string) =>
    (await send('GET', `${base}/${id}`)).json<{ active: boolean; failures: number; lastError: string | null }>()
  const dueNow = () => running.hub.transaction((tx) => tx.updateTable('securityWebhook').set({ nextAt: 0 }).execute())

  // Mallory, an administrator, sends thirty creations at once to have one delivery of each event to thirty receivers: each counted before any was there.
  test('attack: creations at once stay within the limit of twenty webhooks', async () => {
    for (let count = 0; count < 17; count++) await create()
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => send('POST', base, { url: address, scopes: ['*'] })),
    )
    expect(answers.filter(({ text }) => text.includes('whsec_'))).toHaveLength(3)
    expect(answers.filter(({ text }) => text.includes('There are 20 webhooks already'))).toHaveLength(9)
    expect((await running.hub.db.read.selectFrom('securityWebhook').select('id').execute()).length).toBe(20)
  })

  test('idea 18: events of the organization in their order, batched, signed; nobody else’s, and only of the scopes', async () => {
    const { secret } = await create(['token.*'])
    const ids = await happen(150)
    await happen(3, 'repo.create')
    await writeEvents(running.hub, 2, { action: 'org.token.revoke', ownerId: '9'.repeat(24) })
    await until(() => expect(told()).toHaveLength(150))
    expect(told().map(({ _id }) => _id)).toEqual(ids)
    expect(received.length).toBeLessThan(10)
    expect(received.every((one) => isGenuine(one, secret, Date.now()))).toBe(true)
    expect(received.map(({ body }) => body).join()).not.toContain('whsec_')
    const list = (await send('GET', base)).text
    expect(list).not.toContain('whsec_')
    const row = await running.hub.db.read.selectFrom('securityWebhook').select('secret').executeTakeFirstOrThrow()
    expect(row.secret).not.toContain(secret.slice(6))
  })

  test('the story: a receiver is down while things happen, and the hub is killed between delivery and note. Nothing is lost, doubles have one id', async () => {
    const { id } = await create(['token.*'])
    answer = (respond) => respond(503)
    const ids = await happen(3)
    await until(async () => expect(await state(id)).toMatchObject({ failures: 1, lastError: 'It answered 503.' }))
    answer = (respond) => respond(200)
    received = []
    const before = await running.hub.db.read.selectFrom('securityWebhook').selectAll().executeTakeFirstOrThrow()
    await dueNow()
    await until(() => expect(told().map(({ _id }) => _id)).toEqual(ids))
    await until(async () => expect(await state(id)).toMatchObject({ failures: 0 }))
    const { seal, position } = before
    await running.hub.transaction((tx) => tx.updateTable('securityWebhook').set({ seal, position }).execute())
    await until(() => expect(told()).toHaveLength(6))
    expect(new Set(told().map(({ _id }) => _id)).size).toBe(3)
  })

  test('the story: somebody who saw a delivery sends it again later, or with another body. The signature is over both time and body', async () => {
    const { id, secret } = await create()
    expect((await send('POST', `${base}/${id}/test`)).json()).toMatchObject({ status: 200, kind: 'test' })
    const genuine = received[0]
    if (genuine === undefined) throw new Error('Nothing came.')
    expect(isGenuine(genuine, secret, Date.now())).toBe(true)
    expect(isGenuine(genuine, secret, Date.now() + 301_000)).toBe(false)
    expect(isGenuine({ ...genuine, body: genuine.body.replace('test', 'best') }, secret, Date.now())).toBe(false)
    const later = genuine.signature.replace(/t=\d+/, `t=${Math.floor(Date.now() / 1000) + 60}`)
    expect(isGenuine({ ...genuine, signature: later }, secret, Date.now())).toBe(false)
    expect(isGenuine(genuine, 'whsec_guessed', Date.now())).toBe(false)
  })

  test('a secret is followed by another: both sign until the overlap is over', async () => {
    const { id, secret } = await create()
    const next = (await send('POST', `${base}/${id}/rotate`, { overlapSeconds: 60 })).json<{ secret: string }>().secret
    await send('POST', `${base}/${id}/test`)
    const both = received.at(-1) as Received
    expect([secret, next].map((one) => isGenuine(both, one, Date.now()))).toEqual([true, true])
    await running.hub.transaction((tx) =>
      tx.updateTable('securityWebhook').set({ oldSecretUntil: Date.now() }).execute(),
    )
    await send('POST', `${base}/${id}/test`)
    const one = received.at(-1) as Received
    expect([secret, next].map((each) => isGenuine(one, each, Date.now()))).toEqual([false, true])
  })

  test('the story: an administrator of an organization points a webhook at the metadata of the cloud, or at a name or a redirect that leads there', async () => {
    // Written down as an address, in whatever spelling, it is refused when the webhook is made, and when it is changed.
    const { id: mine } = await create()
    for (const url of [
      'http://169.254.169.254/latest/meta-data',
      'https://10.0.0.7/',
      'https://[::1]/',
      'https://167772167/',
      'https://0x0a000007/',
      'https://[::ffff:10.0.0.7]/',
      'https://user:pass@siem.example.org/',
    ]) {
      const refused = await send('POST', base, { url, scopes: ['*'] })
      expect([url, refused.status]).toEqual([url, 422])
      expect(refused.text).not.toContain('whsec_')
      expect((await send('PATCH', `${base}/${mine}`, { url })).status).toBe(422)
    }
    expect((await send('GET', base)).json()).toHaveLength(1)
    const { id } = await create()
    answer = (respond) => respond(302, { location: 'http://169.254.169.254/latest/meta-data' })
    const { error, status } = (await send('POST', `${base}/${id}/test`)).json<{ error: string; status: null }>()
    expect(status).toBeNull()
    expect(error).toContain('redirects')
  })

  test('the story: DNS rebinding. The name of a webhook leads to a server that is let through while it is made and tried, and inside afterwards, alone or beside the first address', async () => {
    let inside = 0
    const secret = createServer((_request, response) => {
      inside++
      response.end()
    })
    await new Promise<void>((resolve) => secret.listen(0, '127.0.0.2', resolve))
    const { port } = secret.address() as AddressInfo
    try {
      const { id } = await create(['token.*'], `http://hook.example:${new URL(address).port}/`)
      expect((await send('POST', `${base}/${id}/test`)).json()).toMatchObject({ status: 200, error: null })
      expect(resolved).toEqual(['hook.example'])
      await send('PATCH', `${base}/${id}`, { url: `http://hook.example:${port}/` })
      for (const addresses of [['127.0.0.2'], ['127.0.0.1', '127.0.0.2'], ['10.0.0.7'], ['169.254.169.254']]) {
        leadsTo = addresses
        const { status, error } = (await send('POST', `${base}/${id}/test`)).json<{ status: null; error: string }>()
        expect([addresses, status]).toEqual([addresses, null])
        expect(error).toContain('hook.example is not on the public internet')
      }
      // Not only when somebody tries it: also what the hub sends by itself.
      leadsTo = ['127.0.0.2']
      const asked = resolved.length
      await happen(1)
      await until(async () => expect(await state(id)).toMatchObject({ failures: 1 }))
      expect((await state(id)).lastError).toContain('hook.example is not on the public internet')
      // Each connection asks once, and goes where that answer was judged to lead.
      expect(resolved.length).toBe(asked + 1)
      expect(inside).toBe(0)
    } finally {
      secret.closeAllConnections()
      await new Promise((resolve) => secret.close(resolve))
    }
  })

  test('events that are none of its business cost a webhook no write each: its place moves over them once a minute', async () => {
    const { id } = await create(['token.*'])
    const row = () => running.hub.db.read.selectFrom('securityWebhook').selectAll().where('id', '=', id).execute()
    await happen(1, 'repo.create')
    const [made] = await row()
    // The first time is written down, and then a minute passes.
    await until(async () => expect((await row())[0]?.seal).toBeGreaterThan(made?.seal ?? 0))
    const before = await row()
    for (let round = 0; round < 3; round++) {
      await happen(2, 'repo.create')
      await new Promise((resolve) => setTimeout(resolve, 1_500))
    }
    expect(await row()).toEqual(before)
    const ids = await happen(2)
    await until(() => expect(told().map(({ _id }) => _id)).toEqual(ids))
    await until(async () => expect((await row())[0]?.seal).toBeGreaterThan(before[0]?.seal ?? 0))
  })

  test('the story: a receiver takes each delivery and never answers, to hold the hub’s workers. Mail and others’ webhooks go on', async () => {
    const slow = await create(['token.*'])
    let isHeld = true
    answer = (respond) => {
      if (!isHeld) respond(200)
    }
    await happen(1)
    await until(() => expect(received).toHaveLength(1))
    isHeld = false
    const { id } = await create(['token.*'])
    const ids = await happen(1)
    await until(() => expect(told().filter(({ _id }) => _id === ids[0]).length).toBeGreaterThan(0))
    await until(async () => expect(await state(id)).toMatchObject({ failures: 0 }))
    await until(async () => expect(await state(slow.id)).toMatchObject({ failures: 1 }))
  })

  test('what takes nothing for five days is switched off, says so in the log, and can be switched on again', async () => {
    const { id } = await create(['token.*'])
    answer = (respond) => respond(500)
    await happen(1)
    await until(async () => expect(await state(id)).toMatchObject({ failures: 1, active: true }))
    const failingSince = Date.now() - givenUpAfterMs - 1
    await running.hub.transaction((tx) => tx.updateTable('securityWebhook').set({ failingSince, nextAt: 0 }).execute())
    await until(async () => expect(await state(id)).toMatchObject({ active: false }))
    const log = await ask('GET', '/api/organizations/acme/audit-log?event=webhook.*', { token: ada.token ?? '' })
    expect(log.text).toContain('webhook.switched_off')
    // Whoever can mend it is written to, with where to do so.
    await sink.received(1)
    const mail = sink.mails[0]
    expect(mail?.to).toBe('ada@example.org')
    expect(mail?.text).toContain('It answered 500.')
    expect(mail?.text).toContain(`/organizations/acme/settings/security-webhooks/${id}`)
    answer = (respond) => respond(200)
    await send('PATCH', `${base}/${id}`, { active: true })
    await until(async () => expect(await state(id)).toMatchObject({ active: true, failures: 0, lastError: null }))
    let rows: { id: string; status: number }[] = []
    await until(async () => {
      rows = (await send('GET', `${base}/${id}/deliveries`)).json()
      expect(rows.map(({ status }) => status)).toEqual([200, 500, 500])
    })
    received = []
    expect((await send('POST', `${base}/${id}/deliveries/${rows[0]?.id}/redeliver`)).json()).toMatchObject({
      status: 200,
    })
    expect((JSON.parse(received[0]?.body ?? '') as Delivery).delivery).toBe(rows[0]?.id)
    expect((await send('DELETE', `${base}/${id}`)).status).toBe(200)
    expect((await send('GET', `${base}/${id}`)).status).toBe(404)
  })

  test('a member, a token, and the administrator of another organization have no part in it', async () => {
    const { id } = await create()
    expect((await ask('GET', base, { token: ada.token ?? '' })).status).toBe(403)
    const eve = await makeUser(running, `eve${dialect}`, { password })
    const eveCookie = await signInAs(running, eve)
    await makeOrganization(running, `evil${dialect}`, eve)
    expect((await ask('GET', `${base}/${id}`, { cookie: eveCookie })).status).toBe(403)
    expect(
      (await ask('GET', `/api/organizations/evil${dialect}/security-webhooks/${id}`, { cookie: eveCookie })).status,
    ).toBe(404)
    expect((await ask('GET', '/api/security-webhooks', { cookie: eveCookie })).status).toBe(403)
  })
})
