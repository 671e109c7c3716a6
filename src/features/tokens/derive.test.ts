/** Idea 14 of behaviours.md, section 4: child tokens, over HTTP, on both databases. Each attack opens with its story. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'

interface Derived {
  readonly token: string
  readonly tokenInfo: { readonly id: string; readonly expiresAt: string; readonly permissions: readonly string[] }
}

describe.each(dialects)('child tokens (idea 14) on %s', (dialect) => {
  let ahead = 0
  let running: TestHub
  let ask: Ask
  let mara: TestUser
  let cookie: string
  let acme: { id: string; name: string }

  beforeAll(async () => {
    running = await startHubOn(dialect, { clock: systemClock(() => Date.now() + ahead) })
    ask = jsonClient(running.url)
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    acme = await makeOrganization(running, 'acme', mara)
    await makeOrganization(running, 'other', mara)
    for (const name of ['m1', 'm2']) {
      await ask('POST', '/api/repos/create', mara.token, { name, organization: 'acme', private: true })
    }
    cookie = await signInAs(running, mara)
  })
  afterAll(() => running.stop())

  const newToken = async (scoped?: readonly string[], expiresAt?: number) =>
    await makeToken(running, mara, {
      role: scoped === undefined ? 'write' : 'fineGrained',
      scoped,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    })
  async function derive(parent: string, body: Record<string, unknown> = {}): Promise<Derived> {
    const answer = await ask('POST', '/api/tokens/derive', parent, { seconds: 3600, ...body })
    expect(answer.status, answer.text).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    return answer.json<Derived>()
  }
  async function refusal(parent: string, body: Record<string, unknown> = {}) {
    const answer = await ask('POST', '/api/tokens/derive', parent, { seconds: 3600, ...body })
    return `${answer.status} ${answer.headers.get('x-hub-denied')?.split(';')[0] ?? answer.headers.get('x-error-message')}`
  }
  const status = async (value: string, path = '/api/whoami-v2') => (await ask('GET', path, value)).status
  const idOf = async (value: string) =>
    (
      await running.hub.db.read
        .selectFrom('accessToken')
        .select('id')
        .where('last4', '=', value.slice(-4))
        .executeTakeFirstOrThrow()
    ).id
  async function write(value: string, repo: string) {
    const lines = [
      { key: 'header', value: { summary: 'a line' } },
      { key: 'file', value: { path: 'a.txt', content: `${Math.random()}` } },
    ]
    const answer = await fetch(`${running.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${value}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    return answer.status
  }

  test('a token gives a child one repo to read; the child reads that one and nothing else, and writes nothing', async () => {
    const parent = await newToken()
    const { token, tokenInfo } = await derive(parent, { name: 'agent', repos: [{ type: 'model', name: 'acme/m1' }] })
    expect(tokenInfo.permissions).toEqual(['model:acme/m1=repo.content.read'])
    expect(await status(token, '/api/models/acme/m1')).toBe(200)
    expect(await status(token, '/api/models/acme/m2')).toBe(404)
    expect(await write(token, 'acme/m1')).toBe(403)
    const list = (await ask('GET', '/api/models?author=acme', token)).json<{ id: string }[]>()
    expect(list.map(({ id }) => id)).toEqual(['acme/m1'])
    const who = (await ask('GET', '/api/whoami-v2', token)).json<{ auth: { expiresAt: string } }>()
    expect(who.auth.expiresAt).toBe(tokenInfo.expiresAt)
  })

  test('children are listed under their parent, by a session; the owner ends one; the log has them with their parent', async () => {
    const parent = await newToken()
    const parentId = await idOf(parent)
    const { token, tokenInfo } = await derive(parent, { name: 'agent', role: 'write' })
    const listed = (await ask('GET', `/api/settings/tokens/${parentId}/children`, cookie)).json<{ id: string }[]>()
    expect(listed).toMatchObject([{ id: tokenInfo.id, name: 'agent', parent: parentId, usesLeft: null }])
    expect(JSON.stringify(listed)).not.toContain(token)
    const own = (await ask('GET', '/api/settings/tokens', cookie)).json<{ id: string }[]>()
    expect(own.map(({ id }) => id)).not.toContain(tokenInfo.id)
    const page = await ask('GET', `/settings/tokens/${parentId}`, cookie)
    expect(page.text).toContain('Child tokens')
    expect(page.text).toContain('End agent')
    expect(await write(token, 'acme/m1')).toBe(200)
    const event = (action: string) =>
      running.hub.db.read
        .selectFrom('event')
        .select(['data', 'resourceId', 'credentialId'])
        .where('action', '=', action)
        .orderBy('id', 'desc')
        .executeTakeFirstOrThrow()
    expect(JSON.parse((await event('token.derive')).data)).toMatchObject({ parent: parentId, uses: null })
    // What the child does stands apart from what its parent does, and names it.
    const pushed = await event('repo.push')
    expect(pushed.credentialId).toBe(tokenInfo.id)
    expect(JSON.parse(pushed.data)).toMatchObject({ parentToken: parentId })
    expect((await ask('DELETE', `/api/settings/tokens/${tokenInfo.id}`, cookie)).status).toBe(204)
    expect(await status(token)).toBe(401)
    expect(await status(parent)).toBe(200)
  })

  test('story: an agent holds a read token and asks for a child that writes: refused, whatever way it asks', async () => {
    const read = await makeToken(running, mara, { role: 'read' })
    const repos = [{ type: 'model', name: 'acme/m1' }]
    expect(await refusal(read, { role: 'write' })).toBe('403 beyond_minter')
    expect(await refusal(read, { role: 'write', repos })).toBe('403 beyond_minter')
    expect(await refusal(read, { repos, permissions: ['repo.write'] })).toBe('403 beyond_minter')
    expect(await refusal(read, { repos, permissions: ['repo.settings.write'] })).toBe('403 beyond_minter')
    const fine = await newToken(['model:acme/m1=repo.content.read'])
    expect(await refusal(fine, { repos, permissions: ['repo.write'] })).toBe('403 beyond_minter')
    expect(await refusal(fine, { permissions: ['org.write'] })).toBe('403 beyond_minter')
    // What cannot be seen is told from what is missing by nobody.
    for (const name of ['acme/m2', 'acme/gone']) {
      expect(await refusal(fine, { repos: [{ type: 'model', name }] })).toBe(
        `422 There is no repository "${name}" that you can see.`,
      )
    }
    expect(await refusal(fine, { seconds: 86_401 })).toMatch(/^400 /)
    expect(await refusal(cookie)).toBe('403 token_needed')
  })

  test('story: a child derives another child, or makes a service account token, to outlive its end: it makes nothing', async () => {
    const { token } = await derive(mara.token, { role: 'write' })
    expect(await refusal(token)).toBe('403 child_token')
    const account = await makeServiceAccount(running, acme, `ci-${dialect}`)
    const minted = await ask('POST', `/api/organizations/acme/service-accounts/${account.id}/tokens`, token, {
      permissions: ['repo.content.read'],
    })
    expect(minted.headers.get('x-hub-denied')).toContain('child_token')
  })

  test('story: a child is to outlive its parent: it never does, whether that expires, is deleted, refreshed or edited', async () => {
    const soon = Date.now() + ahead + 60_000
    const short = await derive(await newToken(undefined, soon), { seconds: 86_400 })
    expect(Date.parse(short.tokenInfo.expiresAt)).toBe(soon)
    const ends: readonly (readonly [string, string, unknown?])[] = [
      ['DELETE', ''],
      ['POST', '/rotate', {}],
      // The overlap is for those who have the old value, not for what they made of it.
      ['POST', '/rotate', { overlapSeconds: 3600 }],
      ['PATCH', '', { networks: ['127.0.0.1'] }],
      ['PATCH', '', { fineGrained: { scoped: [] } }],
    ]
    for (const [method, path, body] of ends) {
      const parent = await newToken(['model:acme/m1=repo.content.read'])
      const child = await derive(parent)
      expect(await status(child.token)).toBe(200)
      const done = await ask(method, `/api/settings/tokens/${await idOf(parent)}${path}`, cookie, body)
      expect(done.status, done.text).toBeLessThan(300)
      expect(await status(child.token), `${method} ${path}`).toBe(401)
    }
    const { tokenInfo } = await derive(mara.token)
    expect(
      (await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, cookie, { name: 'x' })).headers.get('x-hub-denied'),
    ).toContain('child_token')
    const rotated = await ask('POST', `/api/settings/tokens/${tokenInfo.id}/rotate`, cookie, {})
    expect(rotated.headers.get('x-hub-denied')).toContain('child_token')
  })

  test('story: a finder of the old value in an overlap derives a child from it: it makes none', async () => {
    const parent = await newToken()
    const id = await idOf(parent)
    expect((await ask('POST', `/api/settings/tokens/${id}/rotate`, cookie, { overlapSeconds: 3600 })).status).toBe(200)
    expect(await status(parent)).toBe(200)
    expect(await refusal(parent)).toBe('403 former_value')
  })

  test('story: a token that an organization does not take derives a fine-grained, short-lived child to get in: it is judged as its parent', async () => {
    const parent = await newToken()
    const { token } = await derive(parent, { repos: [{ type: 'model', name: 'acme/m1' }] })
    expect(await status(token, '/api/models/acme/m1')).toBe(200)
    for (const policy of [{ tokenPolicy: 'fine_grained' }, { mostTokenDays: 30 }] as const) {
      await running.hub.db.transaction(async (tx) => {
        await tx.updateTable('organization').set(policy).where('id', '=', acme.id).execute()
      })
      expect(await status(token, '/api/models/acme/m1'), JSON.stringify(policy)).not.toBe(200)
      expect((await ask('GET', '/api/models?author=acme', token)).json<unknown[]>()).toEqual([])
      await running.hub.db.transaction(async (tx) => {
        await tx
          .updateTable('organization')
          .set({ tokenPolicy: 'any', mostTokenDays: null })
          .where('id', '=', acme.id)
          .execute()
      })
    }
    expect(await status(token, '/api/models/acme/m1')).toBe(200)
  })

  test('story: the repo of a child moves to where its parent has nothing: the child loses it with the parent', async () => {
    await ask('POST', '/api/repos/create', mara.token, { name: 'moving', organization: 'acme', private: true })
    const parent = await newToken(['org:acme=repo.content.read'])
    const { token } = await derive(parent, { repos: [{ type: 'model', name: 'acme/moving' }] })
    expect(await status(token, '/api/models/acme/moving')).toBe(200)
    const moved = await ask('POST', '/api/repos/move', mara.token, {
      fromRepo: 'acme/moving',
      toRepo: 'other/moving',
      type: 'model',
    })
    expect(moved.status, moved.text).toBe(200)
    expect(await status(parent, '/api/models/other/moving')).toBe(404)
    expect(await status(token, '/api/models/other/moving')).toBe(404)
    expect((await ask('GET', '/api/models?author=other', token)).json<unknown[]>()).toEqual([])
  })

  test('uses are counted one by one: of ten requests at once with three left, three pass', async () => {
    const { token, tokenInfo } = await derive(mara.token, { uses: 3 })
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('GET', '/api/whoami-v2', token)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, ...Array(7).fill(401)])
    expect(answers.find((answer) => answer.status === 401)?.headers.get('x-hub-denied')).toContain('token_used_up')
    const row = await running.hub.db.read
      .selectFrom('accessToken')
      .select('usesLeft')
      .where('id', '=', tokenInfo.id)
      .executeTakeFirst()
    expect(row?.usesLeft).toBe(0)
  })

  test('story: an agent in a loop derives without end: a token has fifty children at a time, and those that ended make room', async () => {
    const parent = await newToken()
    const made = await Promise.all(
      Array.from({ length: 60 }, () => ask('POST', '/api/tokens/derive', parent, { seconds: 60 })),
    )
    expect(made.filter((answer) => answer.status === 201)).toHaveLength(50)
    expect(made.find((answer) => answer.status !== 201)?.status).toBe(409)
    ahead += 61_000
    await derive(parent, { seconds: 60 })
    const id = await idOf(parent)
    const rows = await running.hub.db.read.selectFrom('accessToken').select('id').where('parentId', '=', id).execute()
    expect(rows).toHaveLength(1)
  })

  test('networks are within those of the parent, which a child has without asking', async () => {
    const { value, id } = await (async () => {
      const answer = await ask('POST', '/api/settings/tokens', cookie, {
        name: `fenced ${dialect}`,
        role: 'read',
        networks: ['127.0.0.0/8'],
      })
      const { token, tokenInfo } = answer.json<Derived>()
      return { value: token, id: tokenInfo.id }
    })()
    await derive(value, { networks: ['127.1.0.0/16'] })
    expect(await refusal(value, { networks: ['0.0.0.0/0'] })).toBe('403 beyond_minter')
    expect(await refusal(value, { networks: ['10.0.0.1'] })).toBe('403 beyond_minter')
    await derive(value)
    const listed = (await ask('GET', `/api/settings/tokens/${id}/children`, cookie)).json<{ networks: string[] }[]>()
    expect(listed.map(({ networks }) => networks)).toEqual([['127.0.0.0/8'], ['127.1.0.0/16']])
  })

  test('service accounts: a token that inherits gives reading alone; one that keeps a repo out keeps it out of its child', async () => {
    const account = await makeServiceAccount(running, acme, `agent-${dialect}`)
    const inherit = await makeAccountToken(running, acme, account)
    const { token, tokenInfo } = await derive(inherit)
    expect(tokenInfo.permissions).toEqual(['org:acme=repo.content.read'])
    expect(await status(token, '/api/models/acme/m1')).toBe(200)
    expect(await write(token, 'acme/m1')).toBe(403)
    // SA-23: what is listed for m1 stands in place of the rest.
    const kept = await makeAccountToken(running, acme, account, [
      'org:acme=repo.write',
      'model:acme/m1=repo.content.read',
    ])
    const child = await derive(kept, { role: 'write' })
    expect(await write(child.token, 'acme/m2')).toBe(200)
    expect(await write(child.token, 'acme/m1')).toBe(403)
    expect(await refusal(kept, { role: 'write', repos: [{ type: 'model', name: 'acme/m1' }] })).toBe(
      '403 beyond_minter',
    )
    const id = await idOf(kept)
    const address = `/api/organizations/acme/service-accounts/${account.id}/tokens/${id}/children`
    expect((await ask('GET', address, mara.token)).json<unknown[]>()).toHaveLength(1)
    const page = await ask('GET', `/organizations/acme/settings/service-accounts/${account.id}/tokens/${id}`, cookie)
    expect(page.text).toContain('Child tokens')
  })

  test('a child of a fine-grained token has its entities with what reads, and no name of another token is told', async () => {
    const parent = await newToken(['org:acme=repo.write,org.write', 'user:mara=repo.content.read'])
    const { tokenInfo } = await derive(parent)
    expect(tokenInfo.permissions).toEqual(
      expect.arrayContaining(['user:mara=repo.content.read', expect.stringMatching(/^org:acme=.*repo\.content\.read/)]),
    )
    expect(tokenInfo.permissions.join(' ')).not.toMatch(/write/)
    await makeToken(running, mara, { role: 'read', name: 'secret project' })
    await derive(parent, { name: 'secret project' })
    expect(await refusal(parent, { name: 'secret project' })).toMatch(/^409 /)
  })

  test('story: an agent derives fifty children to take fifty times the bytes and requests of a limited token: they share what it has', async () => {
    await ask('POST', '/api/repos/create', mara.token, { name: 'm4', organization: 'acme', private: true })
    expect(await write(mara.token, 'acme/m4')).toBe(200)
    const limited = async (limits: Record<string, unknown>) => {
      const answer = await ask('POST', '/api/settings/tokens', cookie, {
        name: `limited ${Object.keys(limits).join()} ${dialect}`,
        role: 'read',
        ...limits,
      })
      expect(answer.status, answer.text).toBe(201)
      return answer.json<Derived>().token
    }
    const file = '/acme/m4/resolve/main/a.txt'
    const few = await limited({ bytesPerDay: 60 })
    const [first, second] = [await derive(few), await derive(few)]
    const answers = []
    for (let at = 0; at < 6; at++) answers.push(await status([first, second][at % 2]?.token ?? '', file))
    expect(answers).toContain(200)
    expect(answers.at(-1)).toBe(403)
    expect(await status(few, file)).toBe(403)
    const slow = await limited({ requestsPerMinute: 8 })
    const [one, two] = [await derive(slow), await derive(slow)]
    const many = await Promise.all(Array.from({ length: 14 }, (_, at) => status([one, two][at % 2]?.token ?? '')))
    expect(many.filter((code) => code === 429).length).toBeGreaterThanOrEqual(6)
  })
})
