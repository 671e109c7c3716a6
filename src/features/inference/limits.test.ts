/** Limits of inference: what is let through, what a refusal says, and who sets them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { hello, type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import { helloEvents, type ModelServer, sayHello, startModelServer } from '../../../tests/support/model-server.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { freshMs, spendingOf } from './spending.ts'
import { usageBookOf } from './usage-book.ts'

const path = '/api/organizations/acme/inference-limits'
interface Told {
  readonly organization: Record<string, unknown>
  readonly everyMember: Record<string, unknown>
  readonly workspaces: readonly Record<string, unknown>[]
  readonly members: readonly Record<string, unknown>[]
  readonly serviceAccounts: readonly Record<string, unknown>[]
}

describe.each(dialects)('limits of inference on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let model: string

  const set = async (limits: object, more: object = {}) => {
    const answer = await world.ask('PUT', path, { token: world.ada.token, body: limits, ...more })
    expect(answer.status, answer.text).toBe(200)
    return answer
  }
  const events = () =>
    world.site.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'org.inference_limits.update')
      .orderBy('id')
      .execute()
  const chat = (token: string, billTo: string | null = 'acme') =>
    world.ask('POST', '/v1/chat/completions', {
      token,
      body: { model, ...hello },
      ...(billTo === null ? {} : { headers: { 'x-hf-bill-to': billTo } }),
    })
  /** As in another minute, after others' changes have been read. */
  const anew = () => spendingOf(world.site.hub).forgetLimits()

  beforeAll(async () => {
    world = await startInference(dialect, {
      HOLDFAST_LOG_LEVEL: 'silent',
      HOLDFAST_INFERENCE_PERSON_REQUESTS_PER_MONTH: '3',
    })
    server = await startModelServer()
    model = await world.serve([server.url])
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  test('are set by administrators, with a version, told with what is used, and in the audit log', async () => {
    const machine = await makeServiceAccount(world.site, world.acme, 'robot', 'read')
    const limits = {
      organization: { requestsPerMonth: 5_000 },
      everyMember: { tokensPerMonth: 1_000_000 },
      members: [{ name: 'CARL', tokensPerMonth: 2_000_000 }],
      serviceAccounts: [{ name: machine.name, requestsPerMinute: 100 }],
    }
    const first = await set(limits)
    const version = first.headers.get('etag') ?? ''
    expect(first.json<Told>()).toMatchObject({
      organization: { requestsPerMonth: 5_000, tokensPerMonth: null },
      everyMember: { tokensPerMonth: 1_000_000 },
      members: [{ name: 'carl', tokensPerMonth: 2_000_000 }],
      serviceAccounts: [{ name: 'robot', requestsPerMinute: 100 }],
    })
    expect((await chat(world.carl.token)).status).toBe(200)
    const read = await world.ask('GET', path, { token: world.ada.token })
    expect(read.headers.get('etag')).toBe(version)
    expect(read.json<Told>()).toMatchObject({
      organization: { used: { requestsPerMonth: 1, tokensPerMonth: 10, requestsPerMinute: 1, tokensPerMinute: 10 } },
      members: [{ used: { requestsPerMonth: 1, tokensPerMonth: 10 } }],
    })
    // What was read may be sent back, and changes nothing: no event tells of it.
    const before = (await events()).length
    const again = await world.ask('PUT', path, {
      token: world.ada.token,
      body: read.json<object>(),
      headers: { 'if-match': version },
    })
    expect([again.status, again.headers.get('etag')]).toEqual([200, version])
    const told = await events()
    expect(told.length).toBe(before)
    expect(told.at(-1)?.data).toContain('organization: none to requestsPerMinute=any requestsPerMonth=5000')
    expect(told.at(-1)?.data).toContain('every member: none to')
    expect(told.at(-1)?.data).toContain('robot: none to requestsPerMinute=100')
    await set({})
    const late = await world.ask('PUT', path, {
      token: world.ada.token,
      body: limits,
      headers: { 'if-match': version },
    })
    expect([late.status, late.json<{ code: string }>().code]).toEqual([412, 'inference_limits_changed'])
    expect((await world.ask('GET', path, { token: world.ada.token })).json<Told>().members).toEqual([])
  })

  test('take nobody who is none of the organization, nobody twice, and no amount that is none', async () => {
    for (const limits of [
      { members: [{ name: 'bob' }] },
      { serviceAccounts: [{ name: 'carl' }] },
      { workspaces: [{ id: 'f'.repeat(24) }] },
      { members: [{ name: 'carl' }, { name: 'Carl' }] },
      { organization: { requestsPerMinute: -1 } },
      { organization: { requestsPerMinute: 1.5 } },
      { organization: { requestsPerDay: 1 } },
    ]) {
      const answer = await world.ask('PUT', path, { token: world.ada.token, body: limits })
      expect([400, 422], JSON.stringify(limits)).toContain(answer.status)
    }
  })

  test('headers tell of the tightest window; a refusal says which limit, of whom, and what would help', async () => {
    await set({ organization: { requestsPerMinute: 100 }, everyToken: { requestsPerMinute: 2 } })
    const token = await makeToken(world.site, world.carl, { role: 'read' })
    const first = await chat(token)
    expect(first.status).toBe(200)
    expect(first.headers.get('ratelimit')).toMatch(/^"token_requests_per_minute";r=1;t=\d+$/)
    expect(first.headers.get('ratelimit-policy')).toBe('"fixed window";"token_requests_per_minute";q=2;w=60')
    expect((await chat(token)).status).toBe(200)
    const refused = await chat(token)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit')).toMatch(/^"token_requests_per_minute";r=0;t=\d+$/)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    const { error } = refused.json<{ error: { code: string; type: string; message: string } }>()
    expect([error.type, error.code]).toEqual(['rate_limit_error', 'rate_limit_exceeded'])
    expect(error.message).toMatch(
      /^The limit of 2 requests a minute of each token in acme is used up\. Try again in \d+ seconds\. An administrator of acme can raise it: http.*\/organizations\/acme\/settings\/inference-limits$/,
    )
    const classic = await world.ask('POST', `/models/${model}`, {
      token,
      body: { inputs: 'Hello' },
      headers: { 'x-hf-bill-to': 'acme' },
    })
    expect(classic.status).toBe(429)
    expect(classic.json<{ error: string }>().error).toContain('2 requests a minute')
    // Another token is another one.
    expect((await chat(await makeToken(world.site, world.carl, { role: 'read' }))).status).toBe(200)
  })

  test('tokens count once the server has told them: the call that goes over is answered, the next is not', async () => {
    const dora = await makeServiceAccount(world.site, world.acme, 'dora', 'read')
    const token = await makeAccountToken(world.site, world.acme, dora)
    await set({ serviceAccounts: [{ name: 'dora', tokensPerMonth: 15 }] })
    expect([(await chat(token, null)).status, (await chat(token, null)).status]).toEqual([200, 200])
    const refused = await chat(token, null)
    expect(refused.status).toBe(429)
    const { error } = refused.json<{ error: { code: string; type: string; message: string } }>()
    expect([error.type, error.code]).toEqual(['insufficient_quota', 'insufficient_quota'])
    expect(error.message).toContain('15 tokens a month of this service account of acme')
    expect(refused.headers.get('x-should-retry')).toBe('false')
    // Another process, or this one after a restart, knows no more than the database.
    await usageBookOf(world.site.hub).flush()
    anew()
    expect((await chat(token, null)).status).toBe(429)
    await set({ serviceAccounts: [{ name: 'dora' }] })
    expect((await chat(token, null)).status).toBe(200)
  })

  // The story: servers tell the tokens of a stream only where the caller asks for them. Whoever does not ask was under no limit of tokens.
  test('a stream that tells no tokens counts by what went through it', async () => {
    const silent = await makeServiceAccount(world.site, world.acme, 'silent', 'read')
    const token = await makeAccountToken(world.site, world.acme, silent)
    await set({ serviceAccounts: [{ name: 'silent', tokensPerMonth: 20 }] })
    const stream = () => world.chat(model, token, { stream: true })
    server.play(({ body }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(
        helloEvents(body.model)
          .join('')
          .replace(/,"usage":\{[^}]*\}/, ''),
      )
    })
    const first = await stream()
    server.play(sayHello)
    expect([first.status, first.text.includes('"usage"')]).toEqual([200, false])
    const { members, ...told } = (await world.ask('GET', path, { token: world.ada.token })).json<Told>()
    expect(members).toEqual([])
    const [used] = told.serviceAccounts.map((one) => (one.used as { tokensPerMonth: number }).tokensPerMonth)
    expect(used).toBeGreaterThan(20)
    expect((await stream()).status).toBe(429)
    // The record does not say what nobody told.
    expect((await world.usage()).at(-1)).toMatchObject({ tokensIn: null, tokensOut: null })
    await set({})
  })

  test('what another process let through counts as soon as it is read again', async () => {
    const { hub } = world.site
    const erik = await makeServiceAccount(world.site, world.acme, 'erik', 'read')
    const token = await makeAccountToken(world.site, world.acme, erik)
    await set({ everyServiceAccount: { requestsPerMonth: 10 } })
    expect((await chat(token, null)).status).toBe(200)
    await usageBookOf(hub).flush()
    await hub.transaction((tx) =>
      tx.updateTable('inferenceMonth').set({ calls: 10 }).where('subject', '=', erik.id).execute(),
    )
    await new Promise((done) => setTimeout(done, freshMs + 100))
    expect((await chat(token, null)).status).toBe(429)
  }, 20_000)

  // The story: a thousand calls are sent at the same moment, so that each looks at the limit before any of them is counted.
  test('of a thousand calls at once the limit lets through as many as it says', async () => {
    for (const limits of [{ requestsPerMinute: 10 }, { requestsPerMonth: 10 }]) {
      const racer = await makeServiceAccount(world.site, world.acme, `racer-${Object.keys(limits)[0]}`, 'read')
      const own = await makeAccountToken(world.site, world.acme, racer)
      await set({ everyServiceAccount: limits })
      const asked = server.heard.length
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => chat(own, null)))
      const count = (status: number) => answers.filter((answer) => answer.status === status).length
      expect([count(200), count(429)]).toEqual([10, 990])
      expect(server.heard.length - asked).toBe(10)
    }
  }, 120_000)

  // The story: a member whose limit is used up raises it, or makes a new token in place of the one that is counted.
  test('a member neither raises a limit nor leaves it behind with a token', async () => {
    await set({ members: [{ name: 'carl', requestsPerMonth: 0 }] })
    for (const token of [world.carl.token, world.bob.token]) {
      expect((await world.ask('PUT', path, { token, body: {} })).status).toBe(403)
      expect((await world.ask('GET', path, { token })).status).toBe(403)
    }
    expect((await world.ask('PUT', path, { body: {} })).status).toBe(401)
    expect((await chat(world.carl.token)).status).toBe(429)
    const fresh = await makeToken(world.site, world.carl, { role: 'read' })
    expect((await chat(fresh)).status).toBe(429)
    // Others have theirs, and what carl pays for himself is not acme's.
    expect((await chat(world.ada.token)).status).toBe(200)
    expect((await chat(world.carl.token, null)).status).toBe(200)
    await set({})
  })

  // The story: a token is revoked in the middle of the month and made again, so that what was called with it counts for nobody.
  test('what a revoked token called still counts for its account and its organization', async () => {
    const frank = await makeServiceAccount(world.site, world.acme, 'frank', 'read')
    const old = await makeAccountToken(world.site, world.acme, frank)
    await set({ everyServiceAccount: { requestsPerMonth: 2 } })
    expect([(await chat(old, null)).status, (await chat(old, null)).status]).toEqual([200, 200])
    await world.site.hub.transaction((tx) => tx.deleteFrom('accessToken').where('last4', '=', old.slice(-4)).execute())
    expect((await chat(old, null)).status).toBe(401)
    const next = await makeAccountToken(world.site, world.acme, frank)
    expect((await chat(next, null)).status).toBe(429)
    await set({})
  })

  test('what is refused for another reason takes nothing of a limit', async () => {
    const gina = await makeServiceAccount(world.site, world.acme, 'gina', 'read')
    const token = await makeAccountToken(world.site, world.acme, gina)
    await set({ everyServiceAccount: { requestsPerMonth: 1 } })
    const none = await world.makeModel(false)
    const at = (name: string, body: object) => world.ask('POST', `/models/${name}`, { token, body })
    expect((await at(none, { inputs: 'x' })).status).toBe(404)
    expect((await at(model, { inputs: 5 })).status).toBe(400)
    expect((await chat(token, null)).status).toBe(200)
    expect((await chat(token, null)).status).toBe(429)
    await set({})
  })

  test('INF-4: of a workspace hold for calls that name it, and so do those of its organization', async () => {
    const made = await world.ask('POST', '/api/organizations/acme/resource-groups', {
      token: world.ada.token,
      body: { name: 'Vision', users: [{ user: 'carl', role: 'read' }] },
    })
    expect(made.status, made.text).toBe(200)
    const { id } = made.json<{ id: string }>()
    const hal = await makeServiceAccount(world.site, world.acme, 'hal', 'read')
    const machine = await makeAccountToken(world.site, world.acme, hal)
    await set({ workspaces: [{ id, requestsPerMonth: 1 }] })
    expect((await chat(world.carl.token, id)).status).toBe(200)
    const refused = await chat(world.carl.token, id)
    expect(refused.status).toBe(429)
    expect(refused.json<{ error: { message: string } }>().error.message).toContain(
      '1 requests a month of workspace Vision',
    )
    expect((await chat(world.carl.token)).status).toBe(200)
    await set({ everyWorkspace: { requestsPerMonth: 2 }, workspaces: [] })
    expect([(await chat(world.carl.token, id)).status, (await chat(world.carl.token, id)).status]).toEqual([200, 429])
    // The story: somebody spends what others pay for: by the name of an organization, or by the id of a workspace that was seen somewhere.
    const nobody = [
      await chat(world.bob.token, id),
      await chat(world.bob.token, 'f'.repeat(24)),
      await chat(world.bob.token, 'acme'),
      await chat(world.bob.token, 'nobody-at-all'),
      await chat(machine, id),
      await chat(machine, 'Ada'),
      await chat(machine, 'f'.repeat(24)),
    ]
    expect(nobody.map(({ status }) => status)).toEqual(nobody.map(() => 403))
    const words = nobody.map(({ text }) =>
      text.replaceAll(/[0-9a-f]{24}|acme|nobody-at-all|Ada/g, 'X').replaceAll(/"requestId":"[^"]+"/g, ''),
    )
    expect(words[0]).toBe(words[1])
    expect(words[4]).toBe(words[6])
    expect(words[2]).toBe(words[3])
    expect(nobody[0]?.headers.get('x-hub-denied')).toContain('role; need=read; have=none')
    const added = await world.ask('POST', `/api/organizations/acme/resource-groups/${id}/users`, {
      token: world.ada.token,
      body: { users: [{ user: `sa-${hal.id}`, role: 'read' }] },
    })
    expect(added.status, added.text).toBe(200)
    await set({})
    expect((await chat(machine, id)).status).toBe(200)
    expect((await world.usage()).at(-1)).toMatchObject({ billedName: 'acme', workspaceName: 'Vision', workspaceId: id })
    const usage = await world.ask('GET', '/api/organizations/acme/usage?group_by=workspace', { token: world.ada.token })
    const groups = usage.json<{ groups: { key: string; name: string; calls: number }[] }>().groups
    expect(groups.find(({ key }) => key === id)).toMatchObject({ name: 'Vision', calls: 3 })
    expect(groups.find(({ key }) => key === 'none')?.calls).toBeGreaterThan(3)
    // A fine-grained token needs the permission there, for a workspace as for the organization.
    const narrow = await makeToken(world.site, world.carl, {
      role: 'fineGrained',
      scoped: ['user:carl=inference.serverless.write', 'org:acme=repo.content.read'],
    })
    expect((await chat(narrow, id)).status).toBe(403)
    const wide = await makeToken(world.site, world.carl, {
      role: 'fineGrained',
      scoped: ['org:acme=inference.serverless.write,repo.content.read'],
    })
    expect((await chat(wide, id)).status).toBe(200)
  })

  test('of who pays for themselves are those of the hub', async () => {
    for (let at = 0; at < 3; at++) expect((await chat(world.bob.token, null)).status).toBe(200)
    const refused = await chat(world.bob.token, null)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit')).toMatch(/^"person_requests_per_month";r=0;t=\d+$/)
    expect(refused.json<{ error: { message: string } }>().error.message).toContain('3 requests a month of bob')
  })
})
