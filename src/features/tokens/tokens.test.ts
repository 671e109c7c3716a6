/** Access tokens, statement by statement (behaviours.md, 1.0 and 1.1), over HTTP, on both databases. */
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { type Facts, noStanding } from '../../domain/facts.ts'
import { authorize } from '../../domain/policy.ts'
import { systemClock } from '../../platform/clock.ts'
import { findToken, swapValue } from './queries.ts'
import { rotateOwnToken } from './service.ts'

const password = 'a long enough sentence'

interface WireToken {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly last4: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly fineGrained?: {
    readonly canReadGatedRepos: boolean
    readonly global: readonly string[]
    readonly scoped: readonly {
      readonly entity: { readonly _id: string; readonly type: string; readonly name: string }
      readonly permissions: readonly string[]
      readonly effective: boolean
    }[]
  }
}

interface Made {
  readonly token: string
  readonly tokenInfo: WireToken
}

describe.each(dialects)('access tokens on %s', (dialect) => {
  let time = Date.now()
  let test: TestHub
  let mara: TestUser
  let cookie: string
  let made = 0

  beforeAll(async () => {
    test = await startHubOn(dialect, { clock: systemClock(() => time) })
    mara = await makeUser(test, 'mara', { password })
    cookie = await signInAs(test, mara)
  })
  afterAll(() => test.stop())

  async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = { cookie }) {
    const response = await fetch(`${test.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }

  async function create(input: Record<string, unknown> = {}): Promise<Made> {
    const answer = await ask('POST', '/api/settings/tokens', { name: `token ${++made}`, role: 'read', ...input })
    expect(answer.status, answer.text).toBe(201)
    return answer.json<Made>()
  }

  const whoami = (value: string) => ask('GET', '/api/whoami-v2', undefined, { authorization: `Bearer ${value}` })

  it('UAT-1, UAT-2: needs a name and one of the three roles', async () => {
    for (const body of [
      { role: 'read' },
      { name: 'x' },
      { name: 'x', role: 'god' },
      { name: 'x', role: 'admin' },
      { name: '  ', role: 'read' },
      { name: 'x'.repeat(101), role: 'read' },
      { name: 'x', role: 'read', fineGrained: {} },
      { name: 'x', role: 'read', surprise: 1 },
    ]) {
      expect((await ask('POST', '/api/settings/tokens', body)).status).toBeGreaterThanOrEqual(400)
    }
    const { token, tokenInfo } = await create({ name: 'first' })
    expect(token).toMatch(/^hf_[0-9A-Za-z]{34}$/)
    expect(tokenInfo).toMatchObject({ name: 'first', displayName: 'first', role: 'read', last4: token.slice(-4) })
    const again = await ask('POST', '/api/settings/tokens', { name: 'first', role: 'write' })
    expect(again.status).toBe(409)
    expect(again.text).toContain('You already have a token with this name.')
  })

  it('UAT-3, AUTH-10: shows the value once and keeps none', async () => {
    const answer = await ask('POST', '/api/settings/tokens', { name: 'once', role: 'write' })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { token, tokenInfo } = answer.json<Made>()
    const listed = await ask('GET', '/api/settings/tokens')
    const one = await ask('GET', `/api/settings/tokens/${tokenInfo.id}`)
    const page = await ask('GET', '/settings/tokens')
    for (const { text } of [listed, one, page]) expect(text).not.toContain(token)
    const rows = await test.hub.db.read.selectFrom('accessToken').selectAll().execute()
    const events = await test.hub.db.read.selectFrom('event').selectAll().execute()
    expect(JSON.stringify([rows, events])).not.toContain(token)
    expect(events.some((event) => event.action === 'token.create' && event.resourceId === tokenInfo.id)).toBe(true)
  })

  it('AUTH-1, AUTH-2, UAT-20: Bearer, Basic with any name, spaces trimmed; two headers and queries refused', async () => {
    const { token } = await create()
    const get = (headers: Record<string, string>, query = '') => fetch(`${test.url}/api/whoami-v2${query}`, { headers })
    expect((await get({ authorization: `Bearer ${token}  ` })).status).toBe(200)
    expect((await get({ authorization: `bearer   ${token}` })).status).toBe(200)
    for (const name of ['mara', 'hf_user', 'x']) {
      const basic = Buffer.from(`${name}:${token}`).toString('base64')
      expect((await get({ authorization: `Basic ${basic}` })).status).toBe(200)
    }
    expect((await get({ authorization: 'Bearer ' })).status).toBe(401)
    const overview = `${test.url}/api/users/mara/overview`
    expect((await fetch(overview, { headers: { authorization: 'Bearer ' } })).status).toBe(200)
    const query = await get({}, `?token=${token}`)
    expect(query.status).toBe(400)
    expect(await query.text()).not.toContain(token)
    expect((await fetch(overview, { headers: { authorization: 'Bearer hf_wrong' } })).status).toBe(401)
    const twice = await new Promise<number | undefined>((resolve, reject) => {
      const headers = ['host', 'x', 'authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`]
      request(overview, { headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(twice).toBe(400)
  })

  it('AUTH-6: a wrong token is 401 with the words of the Hub, even on what is public', async () => {
    const stranger = `hf_${'a'.repeat(34)}`
    const response = await fetch(`${test.url}/api/users/mara/overview`, {
      headers: { authorization: `Bearer ${stranger}` },
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('x-error-message')).toBe('Invalid credentials in Authorization header')
    expect(await response.json()).toMatchObject({ error: 'Invalid credentials in Authorization header' })
  })

  it('AUTH-9: whoami has the shape that the JavaScript client compares whole', async () => {
    const { token, tokenInfo } = await create({ name: 'shape', role: 'write' })
    const answer = await whoami(token)
    expect(answer.json()).toStrictEqual({
      type: 'user',
      id: mara.id,
      name: 'mara',
      fullname: 'mara',
      email: 'mara@example.org',
      emailVerified: true,
      canPay: false,
      isPro: false,
      periodEnd: null,
      avatarUrl: `${test.url}/avatars/mara.svg`,
      billingMode: 'postpaid',
      orgs: [],
      auth: {
        type: 'access_token',
        accessToken: {
          createdAt: (tokenInfo as unknown as { createdAt: string }).createdAt,
          displayName: 'shape',
          role: 'write',
        },
      },
    })
    expect((await fetch(`${test.url}/api/whoami-v2`)).status).toBe(401)
  })

  it('UAT-11, UAT-12: delete and refresh end the old value at once and leave other tokens alone', async () => {
    const [one, other] = [await create(), await create()]
    const rotated = await ask('POST', `/api/settings/tokens/${one.tokenInfo.id}/rotate`)
    expect(rotated.status).toBe(200)
    expect(rotated.headers.get('cache-control')).toBe('no-store')
    const next = rotated.json<Made>()
    expect(next.tokenInfo).toMatchObject({ id: one.tokenInfo.id, name: one.tokenInfo.name, role: 'read' })
    expect((await whoami(one.token)).status).toBe(401)
    expect((await whoami(next.token)).status).toBe(200)
    expect((await ask('DELETE', `/api/settings/tokens/${one.tokenInfo.id}`)).status).toBe(204)
    expect((await whoami(next.token)).status).toBe(401)
    expect((await whoami(other.token)).status).toBe(200)
    expect((await ask('DELETE', `/api/settings/tokens/${one.tokenInfo.id}`)).status).toBe(404)
  })

  it('UAT-11: of refreshes at once one value remains, and whoever was late is told', async () => {
    const { tokenInfo } = await create()
    const facts: Facts = {
      principal: { kind: 'user', id: mara.id, name: 'mara', fullname: null, isAdmin: false, hasSecondFactor: false },
      credential: { kind: 'session', id: 'x', isFresh: true },
      resource: { on: 'self' },
      standing: noStanding,
    }
    const rotate = () => rotateOwnToken(test.hub, authorize('token.rotate', facts), systemOrigin, tokenInfo.id, {})
    const before = await findToken(test.hub.db.read, mara.id, tokenInfo.id)
    const results = await Promise.allSettled(Array.from({ length: 6 }, rotate))
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'rotated_meanwhile', status: 409 })
    }
    const values = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.value] : []))
    const good = await Promise.all(values.map(async (value) => (await whoami(value)).status))
    expect(good.filter((status) => status === 200)).toHaveLength(1)
    // What was read before them all is too old to be replaced.
    const late = { hash: 'x', last4: 'xxxx', rotatedAt: 1, expiresAt: null }
    const swapped = await test.hub.transaction((tx) => swapValue(tx, mara.id, tokenInfo.id, before?.hash ?? '', late))
    expect(swapped).toBe(false)
  })

  it('UAT-13: one sees and changes only one’s own', async () => {
    const { tokenInfo } = await create()
    const eve = await makeUser(test, `eve-${made}`, { password })
    const hers = { cookie: await signInAs(test, eve) }
    expect((await ask('GET', '/api/settings/tokens', undefined, hers)).json<WireToken[]>()).toEqual([])
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const) {
      const answer = await ask(method, `/api/settings/tokens/${tokenInfo.id}${path}`, undefined, hers)
      expect(answer.status).toBe(404)
    }
    expect((await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, { name: 'mine' }, hers)).status).toBe(404)
  })

  it('UAT-14: a token makes, lists, edits, refreshes and deletes no tokens, whatever its role', async () => {
    const { token, tokenInfo } = await create({ role: 'write' })
    const headers = { authorization: `Bearer ${token}` }
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['POST', '', { name: 'more', role: 'write' }],
      ['PATCH', `/${tokenInfo.id}`, { name: 'other' }],
      ['POST', `/${tokenInfo.id}/rotate`, undefined],
      ['DELETE', `/${tokenInfo.id}`, undefined],
    ] as const) {
      const answer = await ask(method, `/api/settings/tokens${path}`, body, headers)
      expect(answer.status).toBe(403)
      expect(answer.headers.get('x-hub-denied')).toBe('session_needed; need=session; have=token')
    }
  })

  it('UAT-15, UAT-21: expires when said, keeps its expiry at a refresh, and its role for good', async () => {
    const expiresAt = new Date(time + 60_000).toISOString()
    const { token, tokenInfo } = await create({ expiresAt })
    expect(tokenInfo.expiresAt).toBe(expiresAt)
    expect((await whoami(token)).json<{ auth: { expiresAt: string } }>().auth.expiresAt).toBe(expiresAt)
    const next = (await ask('POST', `/api/settings/tokens/${tokenInfo.id}/rotate`)).json<Made>()
    expect(next.tokenInfo.expiresAt).toBe(expiresAt)
    const former = await whoami(token)
    expect(former.headers.get('x-error-message')).toBe('Invalid credentials in Authorization header')
    expect(former.headers.get('x-hub-denied')).toBe('token_revoked')
    // A guess of the right form learns nothing.
    const guessed = await whoami(`hf_${'a'.repeat(token.length - 3)}`)
    expect(guessed.headers.get('x-hub-denied')).toBe('invalid_credentials')
    expect(guessed.json<{ errors: { message: string }[] }>().errors[0]?.message).toContain(
      'Reason: invalid_credentials',
    )
    const role = await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, { role: 'write' })
    expect(role.status).toBe(400)
    expect(role.text).toContain('its role cannot')
    time += 61_000
    const late = await whoami(next.token)
    expect(late.status).toBe(401)
    expect(late.headers.get('x-error-message')).toBe('Invalid credentials in Authorization header')
    expect(late.headers.get('x-hub-denied')).toBe('token_expired')
    expect((await ask('POST', `/api/settings/tokens/${tokenInfo.id}/rotate`)).status).toBe(422)
    const fresh = await ask('POST', `/api/settings/tokens/${tokenInfo.id}/rotate`, { expiresAt: null })
    expect((await whoami(fresh.json<Made>().token)).status).toBe(200)
    expect((await ask('POST', '/api/settings/tokens', { name: 'past', role: 'read', expiresAt: 5 })).status).toBe(422)
  })

  it('AUTH-11: says when it was last used, not counting refused uses', async () => {
    const { token, tokenInfo } = await create()
    await ask('GET', '/api/settings/tokens', undefined, { authorization: `Bearer ${token}` })
    const before = await test.hub.db.read
      .selectFrom('accessToken')
      .where('id', '=', tokenInfo.id)
      .select('lastUsedAt')
      .executeTakeFirst()
    expect(before?.lastUsedAt).toBeNull()
  })

  it('UAT-7: lists entities that its owner can see, by name or id, with permissions that fit', async () => {
    const org = await makeOrganization(test, `acme-${dialect}`, mara)
    const other = await makeUser(test, `olga-${dialect}`)
    const [mine, hidden, open] = [test.hub.clock.id(), test.hub.clock.id(), test.hub.clock.id()]
    await insertRepo(test.hub.db, { id: mine, owner: mara, name: 'm1' })
    await insertRepo(test.hub.db, { id: hidden, owner: other, name: 'secret' })
    await insertRepo(test.hub.db, { id: open, owner: other, name: 'open', visibility: 'public' })
    const scoped = [
      { entity: { type: 'user', name: 'MARA' }, permissions: ['repo.content.read'] },
      { entity: { type: 'org', name: org.name }, permissions: ['repo.write', 'org.read'] },
      { entity: { type: 'model', name: 'mara/M1' }, permissions: ['repo.write'] },
      { entity: { type: 'model', _id: mine }, permissions: ['repo.content.read'] },
      { entity: { type: 'model', name: `${other.name}/open` }, permissions: ['discussion.write'] },
    ]
    const { token, tokenInfo } = await create({
      role: 'fineGrained',
      fineGrained: { scoped, global: ['discussion.write'], canReadGatedRepos: true },
    })
    expect(tokenInfo.fineGrained?.scoped.map(({ entity, permissions }) => [entity.name, permissions])).toEqual(
      expect.arrayContaining([
        ['mara', ['repo.content.read']],
        [org.name, ['org.read', 'repo.write']],
        ['mara/m1', ['repo.content.read', 'repo.write']],
        [`${other.name}/open`, ['discussion.write']],
      ]),
    )
    const { auth } = (await whoami(token)).json<{ auth: { accessToken: { fineGrained: unknown } } }>()
    expect(auth.accessToken.fineGrained).toMatchObject({ canReadGatedRepos: true, global: ['discussion.write'] })
    const refused: [unknown, string][] = [
      [
        { entity: { type: 'model', name: `${other.name}/secret` }, permissions: ['repo.content.read'] },
        'that you can see',
      ],
      [{ entity: { type: 'model', _id: hidden }, permissions: ['repo.content.read'] }, 'that you can see'],
      [{ entity: { type: 'user', name: other.name }, permissions: ['repo.content.read'] }, 'that you can see'],
      [{ entity: { type: 'org', name: 'nobody' }, permissions: ['org.read'] }, 'that you can see'],
      [{ entity: { type: 'user', name: 'mara' }, permissions: ['org.write'] }, 'cannot be given on a user'],
      [{ entity: { type: 'model', name: 'mara/m1' }, permissions: ['job.write'] }, 'cannot be given on a model'],
      [{ entity: { type: 'user', name: 'mara' }, permissions: ['god'] }, 'no permission'],
    ]
    for (const [grant, words] of refused) {
      const body = { name: `refused ${++made}`, role: 'fineGrained', fineGrained: { scoped: [grant] } }
      const answer = await ask('POST', '/api/settings/tokens', body)
      expect(answer.status, answer.text).toBe(422)
      expect(answer.text).toContain(words)
    }
    const missing = await ask('POST', '/api/settings/tokens', {
      name: 'missing',
      role: 'fineGrained',
      fineGrained: {
        scoped: [{ entity: { type: 'model', name: `${other.name}/secrex` }, permissions: ['repo.write'] }],
      },
    })
    // A private repo and a missing one are refused in the same words.
    expect(missing.text.replace('secrex', 'secret')).toContain(
      `There is no model \\"${other.name}/secret\\" that you can see.`,
    )
  })

  it('UAT-9, UAT-10: a grant outlives a rename, is marked when access is lost, and is gone with its repo', async () => {
    const olga = await makeUser(test, `ol-${dialect}`)
    const org = await makeOrganization(test, `ship-${dialect}`, olga, { mara: 'read' })
    const id = test.hub.clock.id()
    await insertRepo(test.hub.db, { id, owner: org, name: 'm1' })
    const { tokenInfo } = await create({
      role: 'fineGrained',
      fineGrained: {
        scoped: [{ entity: { type: 'model', name: `${org.name}/m1` }, permissions: ['repo.content.read'] }],
      },
    })
    const grants = async () =>
      (await ask('GET', `/api/settings/tokens/${tokenInfo.id}`))
        .json<WireToken>()
        .fineGrained?.scoped.map(({ entity, effective }) => [entity.name, effective])
    const { db } = test.hub
    await db.transaction((tx) =>
      tx.updateTable('repo').set({ name: 'm2', nameKey: 'm2' }).where('id', '=', id).execute(),
    )
    expect(await grants()).toEqual([[`${org.name}/m2`, true]])
    await db.transaction((tx) =>
      tx.deleteFrom('roleGrant').where('targetId', '=', org.id).where('principalId', '=', mara.id).execute(),
    )
    await db.transaction((tx) =>
      tx.updateTable('repo').set({ name: 'm3', nameKey: 'm3' }).where('id', '=', id).execute(),
    )
    // What it is called now is no longer for this eye.
    expect(await grants()).toEqual([[`${org.name}/m1`, false]])
    expect((await ask('GET', `/settings/tokens/${tokenInfo.id}`)).text).toContain('no longer effective')
    const kept = await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, {
      name: `kept ${dialect}`,
      fineGrained: {
        scoped: [
          { entity: { type: 'model', name: `${org.name}/m1` }, permissions: ['repo.content.read', 'repo.write'] },
        ],
      },
    })
    expect(kept.json<WireToken>().fineGrained?.scoped[0]).toMatchObject({
      permissions: ['repo.content.read'],
      effective: false,
    })
    await db.transaction((tx) => tx.updateTable('repo').set({ deletedAt: 1 }).where('id', '=', id).execute())
    await insertRepo(db, { id: test.hub.clock.id(), owner: org, name: 'm1', visibility: 'public' })
    expect(await grants()).toEqual([])
  })

  it('UAT-21: an edit of name and grants is audited with what was and what is', async () => {
    const { tokenInfo } = await create({
      role: 'fineGrained',
      fineGrained: { scoped: [{ entity: { type: 'user', name: 'mara' }, permissions: ['repo.content.read'] }] },
    })
    const changed = await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, {
      fineGrained: { scoped: [{ entity: { type: 'user', name: 'mara' }, permissions: ['repo.write'] }] },
    })
    expect(changed.status).toBe(200)
    const event = await test.hub.db.read
      .selectFrom('event')
      .where('resourceId', '=', tokenInfo.id)
      .where('action', '=', 'token.update')
      .select(['data', 'actorName', 'credentialKind'])
      .executeTakeFirst()
    expect(event).toMatchObject({ actorName: 'mara', credentialKind: 'session' })
    expect(JSON.parse(event?.data ?? '{}')).toMatchObject({
      from: { permissions: ['user:mara=repo.content.read'] },
      to: { permissions: ['user:mara=repo.write'] },
    })
    const other = await create()
    const taken = await ask('PATCH', `/api/settings/tokens/${tokenInfo.id}`, { name: other.tokenInfo.name })
    expect(taken.status).toBe(409)
  })

  it('UAT-16, UAT-17: the form guides, can be prefilled, and makes nothing without the press', async () => {
    const count = async () => (await ask('GET', '/api/settings/tokens')).json<WireToken[]>().length
    const before = await count()
    const address =
      '/settings/tokens/new?tokenType=fineGrained&ownUserPermissions=repo.content.read,repo.write&globalPermissions=discussion.write&canReadGatedRepos=true'
    const { text, status } = await ask('GET', address)
    expect(status).toBe(200)
    for (const words of [
      'Use one token per app or use',
      'Only need to read? Choose read',
      'Try not to leak your token',
    ]) {
      expect(text).toContain(words)
    }
    expect(text).toMatch(/value="user:mara=repo.write" checked/)
    expect(text).toMatch(/value="discussion.write" checked/)
    expect(text).not.toMatch(/value="user:mara=job.write" checked/)
    expect(await count()).toBe(before)
  })

  it('makes, refreshes and deletes on the pages, and shows the value in that answer alone', async () => {
    const post = (path: string, form: [string, string][]) =>
      fetch(`${test.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie },
        body: new URLSearchParams(form),
      })
    const missing = await post('/settings/tokens', [['name', 'page token']])
    expect(missing.status).toBe(422)
    expect(await missing.text()).toContain('Choose what the token may do.')
    const picked = await post('/settings/tokens', [
      ['name', 'page token'],
      ['role', 'fineGrained'],
      ['add', 'repo'],
      ['repo', 'nobody/nothing'],
    ])
    expect(await picked.text()).toContain('There is no such repository')
    // Typed and left: no token that silently lacks it. Added and not ticked: the same.
    for (const left of [
      [['repo', 'mara/m1']],
      [
        ['selected', 'model:mara/m1'],
        ['scoped', 'user:mara=repo.write'],
      ],
    ] as [string, string][][]) {
      const answer = await post('/settings/tokens', [['name', 'page token'], ['role', 'fineGrained'], ...left])
      expect(await answer.text()).toMatch(/It is added now|Tick what the token may do on mara\/m1/)
      expect((await ask('GET', '/settings/tokens')).text).not.toContain('page token')
    }
    const response = await post('/settings/tokens', [
      ['name', 'page token'],
      ['role', 'fineGrained'],
      ['expiry', '30'],
      ['scoped', 'user:mara=repo.content.read'],
      ['scoped', 'user:mara=repo.write'],
    ])
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const page = await response.text()
    const value = /hf_[0-9A-Za-z]{34}/.exec(page)?.[0] ?? ''
    expect((await whoami(value)).status).toBe(200)
    const list = await ask('GET', '/settings/tokens')
    expect(list.text).not.toContain(value)
    expect(list.text).toContain('2 permissions on your own namespace')
    const tokens = (await ask('GET', '/api/settings/tokens')).json<WireToken[]>()
    const id = tokens.find((token) => token.name === 'page token')?.id ?? ''
    expect((await ask('GET', `/settings/tokens?dialog=refresh&token=${id}`)).text).toContain(
      'Refresh token “page token”',
    )
    const refreshed = await (await post(`/settings/tokens/${id}/refresh`, [['expiry', 'keep']])).text()
    const second = /hf_[0-9A-Za-z]{34}/.exec(refreshed)?.[0] ?? ''
    expect((await whoami(value)).status).toBe(401)
    expect((await whoami(second)).status).toBe(200)
    expect((await post(`/settings/tokens/${id}/delete`, [['confirm', 'page']])).status).toBe(422)
    expect((await whoami(second)).status).toBe(200)
    expect((await post(`/settings/tokens/${id}/delete`, [['confirm', 'page token']])).status).toBe(303)
    expect((await whoami(second)).status).toBe(401)
    expect((await post('/settings/tokens/delete-all', [['confirm', 'no']])).status).toBe(422)
    expect((await post('/settings/tokens/delete-all', [['confirm', 'delete all tokens']])).status).toBe(303)
    expect((await ask('GET', '/api/settings/tokens')).json<WireToken[]>()).toEqual([])
  })

  it('asks for a verified address where the hub does, for a repo too', async () => {
    const other = await startHubOn(dialect, { env: { HOLDFAST_REQUIRE_VERIFIED_EMAIL: 'true' } })
    try {
      const joined = await fetch(`${other.url}/join`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ username: 'newbie', email: 'n@example.org', password }),
      })
      const session =
        joined.headers
          .getSetCookie()
          .find((value) => value.startsWith('token='))
          ?.split(';')[0] ?? ''
      for (const [path, body] of [
        ['settings/tokens', { name: 'x', role: 'read' }],
        ['repos/create', { name: 'x' }],
      ] as const) {
        const response = await fetch(`${other.url}/api/${path}`, {
          method: 'POST',
          headers: { cookie: session, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        expect(response.status).toBe(403)
        expect(await response.json()).toMatchObject({ code: 'email_not_verified' })
      }
    } finally {
      await other.stop()
    }
  })

  it('AUTH-5: what changes about the owner holds on the next request of a token', async () => {
    const value = await makeToken(test, mara, { role: 'read' })
    expect((await whoami(value)).status).toBe(200)
    await test.hub.db.transaction((tx) =>
      tx.updateTable('user').set({ state: 'deactivated' }).where('id', '=', mara.id).execute(),
    )
    expect((await whoami(value)).status).toBe(401)
    await test.hub.db.transaction((tx) =>
      tx.updateTable('user').set({ state: 'active' }).where('id', '=', mara.id).execute(),
    )
    expect((await whoami(value)).status).toBe(200)
  })
})
