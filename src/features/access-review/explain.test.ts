/** `POST /api/access/explain` (idea 1): the rows agree with the real request, and it is no oracle (issue 6, "oracle questions to explain"). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Answer, type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

interface Explained {
  allowed: boolean
  status: number
  code: string | null
  denied: { entity?: string } | null
  principal: string | null
  message?: string
  assumes?: string[]
  rows: {
    check: string
    pass: boolean
    need: string | null
    have: string | null
    code?: string
    remedy?: string
    sources?: object[]
  }[]
}

const password = 'a long enough sentence'
const unknownId = 'f'.repeat(24)

describe.each(dialects)('explaining access on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let now = Date.now()
  let ada: TestUser
  let bob: TestUser
  let carl: TestUser
  let rita: TestUser
  let acme: { id: string; name: string }
  let cookies: { ada: string; bob: string; carl: string; rita: string }

  beforeAll(async () => {
    site = await startHubOn(dialect, {
      env: { HOLDFAST_RATE_LIMIT_API: '0', HOLDFAST_RATE_LIMIT_RESOLVERS: '0', HOLDFAST_RATE_LIMIT_PAGES: '0' },
    })
    ask = jsonClient(site.url)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    bob = await makeUser(site, 'bob', { tokenRole: 'write', password })
    carl = await makeUser(site, 'carl', { tokenRole: 'write', password })
    rita = await makeUser(site, 'rita', { tokenRole: 'write', password, isAdmin: true })
    acme = await makeOrganization(site, 'acme', ada, { bob: 'read' })
    for (const [name, isPrivate] of [
      ['secret', true],
      ['open', false],
    ] as const) {
      const made = await ask('POST', '/api/repos/create', ada.token, { name, organization: 'acme', private: isPrivate })
      expect(made.status).toBe(200)
    }
    cookies = {
      ada: await signInAs(site, ada),
      bob: await signInAs(site, bob),
      carl: await signInAs(site, carl),
      rita: await signInAs(site, rita),
    }
    now = Date.now()
  })
  afterAll(() => site.stop())

  const question = (credential: string, body: object): Promise<Answer> =>
    ask('POST', '/api/access/explain', credential, body)
  async function explained(credential: string, body: object): Promise<Explained> {
    const answer = await question(credential, body)
    expect(answer.status, answer.text).toBe(200)
    return answer.json<Explained>()
  }
  const codeOf = (answer: Answer) => answer.headers.get('x-hub-denied')?.split(';')[0] ?? null
  const failing = (answer: Explained) => answer.rows.filter(({ pass }) => !pass).map(({ check }) => check)
  async function idOf(value: string): Promise<string> {
    const row = await site.hub.db.read
      .selectFrom('accessToken')
      .select('id')
      .where('last4', '=', value.slice(-4))
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    return row.id
  }

  it('idea 1: gives the code and the status that the real request gets, for each credential', async () => {
    const read = await makeToken(site, ada, { role: 'read' })
    const lists = await makeToken(site, ada, { role: 'fineGrained', scoped: ['model:acme/secret=repo.content.read'] })
    const nothing = await makeToken(site, ada, { role: 'fineGrained' })
    const seen = new Set<string | null>()
    for (const credential of [ada.token, bob.token, carl.token, read, lists, nothing, '', cookies.ada, cookies.bob]) {
      for (const repo of ['acme/secret', 'acme/open', 'acme/missing', 'nobody/x']) {
        const real = await ask('PUT', `/api/models/${repo}/settings`, credential, { description: 'x' })
        const said = await explained(credential, { action: 'repo.update_settings', resource: `model:${repo}` })
        const code = real.status === 200 ? null : codeOf(real)
        expect([said.status, said.code], `${repo} ${credential.slice(0, 8)}`).toEqual([real.status, code])
        expect(said.allowed).toBe(real.status === 200)
        seen.add(code)
      }
    }
    expect([...seen].sort()).toEqual([null, 'role', 'token_permission', 'token_role', 'unauthenticated'].sort())
  })

  // Somebody was a member for two hours, and went. Until a job had tidied up, the administrators of the organization went on asking about them.
  it('story: who was a member for a while is nobody that an administrator may ask about, from the moment of the end', async () => {
    const guest = await makeUser(site, 'guest', { password })
    const body = { action: 'repo.read', resource: 'model:acme/secret', principal: 'guest' }
    const never = await question(cookies.ada, { ...body, principal: 'nobody-at-all' })
    const grant = {
      targetId: acme.id,
      targetKind: 'organization' as const,
      principalId: guest.id,
      principalKind: 'user' as const,
      role: 'no_access' as const,
      createdAt: 1,
      createdBy: null,
      temporaryRole: 'read' as const,
      temporaryUntil: Date.now() + 3_600_000,
      endsWhole: 1 as const,
    }
    await site.hub.transaction((tx) => tx.insertInto('roleGrant').values(grant).execute())
    expect((await question(cookies.ada, body)).json<Explained>().principal).toBe('guest')
    await site.hub.transaction((tx) =>
      tx.updateTable('roleGrant').set({ temporaryUntil: 2 }).where('principalId', '=', guest.id).execute(),
    )
    const gone = await question(cookies.ada, body)
    expect(gone.status).toBe(never.status)
    expect(gone.text.replaceAll('guest', 'nobody-at-all').replace(/"requestId":"[^"]*"/, '')).toBe(
      never.text.replace(/"requestId":"[^"]*"/, ''),
    )
    await site.hub.transaction((tx) => tx.deleteFrom('roleGrant').where('principalId', '=', guest.id).execute())
  })

  it('idea 1: tells every check with what it needs, what there is, and what to do', async () => {
    const read = await makeToken(site, bob, { role: 'read' })
    const said = await explained(read, { action: 'repo.push', resource: 'model:ACME/Secret' })
    expect(failing(said)).toEqual(['role', 'token'])
    expect([said.code, said.status, said.denied?.entity]).toEqual(['role', 403, 'model:acme/secret'])
    expect(said.rows.find(({ check }) => check === 'role')).toMatchObject({
      need: 'write',
      have: 'read',
      code: 'role',
      remedy: expect.stringContaining('administrator of the resource'),
      sources: [{ of: 'organization', role: 'read', counts: true }],
    })
    expect(said.rows.find(({ check }) => check === 'token')).toMatchObject({
      need: 'write',
      have: 'read',
      code: 'token_role',
    })
    expect(said.rows[0]).toMatchObject({ check: 'credential', pass: true, have: `a read token, …${read.slice(-4)}` })
  })

  it('works for every kind of resource', async () => {
    const group = await ask('POST', '/api/organizations/acme/groups', ada.token, { name: 'eval' })
    const groupId = group.json<{ id: string }>().id
    const place = await ask('POST', '/api/organizations/acme/resource-groups', ada.token, { name: 'prod' })
    const placeId = place.json<{ id: string }>().id
    for (const [action, resource, code] of [
      ['org.update_settings', 'organization:acme', 'role'],
      ['org.group.change_members', `group:acme/${groupId}`, 'role'],
      ['resource_group.read', `workspace:acme/${placeId}`, null],
      ['repo.create', 'namespace:acme', 'role'],
      ['repo.create', `namespace:acme/${placeId}`, null],
      ['repo.create', 'namespace:bob', null],
      ['user.create', 'instance', 'role'],
      ['token.create', 'self', 'session_needed'],
    ] as const) {
      const said = await explained(bob.token, { action, resource })
      expect([said.code, failing(said).length > 0], resource).toEqual([code, resource !== 'namespace:bob'])
    }
    // A workspace that bob has no role in is not there for him, as one that does not exist.
    const hidden = await explained(bob.token, { action: 'resource_group.read', resource: `workspace:acme/${placeId}` })
    const missing = await explained(bob.token, {
      action: 'resource_group.read',
      resource: `workspace:acme/${unknownId}`,
    })
    expect({ ...hidden, resource: '' }).toEqual({ ...missing, resource: '' })
  })

  it('refuses what is no question, whoever asks', async () => {
    for (const body of [
      {},
      { action: 'repo.push' },
      { action: 'repo.fly', resource: 'model:acme/x' },
      { action: 'constructor', resource: 'instance' },
      { action: 'repo.push', resource: 'organization:acme' },
      { action: 'repo.push', resource: 'model:acme' },
      { action: 'repo.push', resource: 'model:acme/x/y' },
      { action: 'repo.push', resource: 'model:../x' },
      { action: 'repo.push', resource: `model:acme/${'x'.repeat(400)}` },
      { action: 'resource_group.read', resource: 'workspace:acme/prod' },
      { action: 'user.create', resource: 'instance:x' },
      { action: 'repo.push', resource: 'model:acme/x', extra: 1 },
      { action: 'repo.push', resource: 'model:acme/x', token: ada.token },
      { action: 'repo.push', resource: 'model:acme/open', token: unknownId, principal: 'ada' },
    ]) {
      const answer = await question(ada.token, body)
      expect([400, 422], JSON.stringify(body)).toContain(answer.status)
      expect(answer.text).not.toContain(ada.token)
    }
    const large = await question(ada.token, {
      action: 'repo.push',
      resource: 'model:acme/x',
      principal: 'x'.repeat(9_000),
    })
    expect([400, 413]).toContain(large.status)
    // Whoever mistypes an action is told where they stand, not all 200 of them.
    const mistyped = await question(ada.token, { action: 'repo.fly', resource: 'model:acme/x' })
    expect(mistyped.text).toContain('no action of this name: /docs/permissions')
    expect(mistyped.text.length).toBeLessThan(300)
    expect((await question(`hf_${'x'.repeat(34)}`, { action: 'user.read', resource: 'instance' })).status).toBe(401)
  })

  it('idea 1: one’s own tokens are told apart: expired, not yet, outside of its network, revoked here', async () => {
    const expired = await makeToken(site, ada, { role: 'read', expiresAt: now + 60_000 })
    const expiredId = await idOf(expired)
    await site.hub.transaction((tx) =>
      tx
        .updateTable('accessToken')
        .set({ expiresAt: now - 1 })
        .where('id', '=', expiredId)
        .execute(),
    )
    const real = await ask('GET', '/api/models/acme/secret', expired)
    const body = { action: 'repo.read', resource: 'model:acme/secret' }
    const said = await explained(cookies.ada, { ...body, token: expiredId })
    expect([said.status, said.code]).toEqual([real.status, codeOf(real)])
    expect(said.code).toBe('token_expired')
    // The rest of the chain is walked all the same: refreshed, it would do.
    expect(failing(said)).toEqual(['expiry'])
    const fenced = await idOf(await makeToken(site, ada, { role: 'read' }))
    await site.hub.transaction((tx) =>
      tx
        .updateTable('accessToken')
        .set({ networks: '["10.1.0.0/16"]', notBefore: now + 600_000 })
        .where('id', '=', fenced)
        .execute(),
    )
    const outside = await explained(cookies.ada, { ...body, token: fenced })
    expect([outside.code, failing(outside)]).toEqual(['token_not_yet', ['first_day', 'network']])
    const push = { action: 'repo.push', resource: 'model:acme/secret' }
    expect(failing(await explained(cookies.ada, { ...push, token: fenced }))).toEqual(['first_day', 'network', 'token'])
  })

  it('an administrator asks about members, service accounts and tokens of the organization', async () => {
    const machine = await makeServiceAccount(site, acme, 'ci bot', 'read')
    const value = await makeAccountToken(site, acme, machine)
    const push = { action: 'repo.push', resource: 'model:acme/secret' }
    for (const credential of [cookies.ada, ada.token]) {
      const member = await explained(credential, { ...push, principal: 'Bob' })
      expect([member.principal, member.code, failing(member)]).toEqual(['bob', 'role', ['role']])
      for (const principal of [`sa-${machine.id}`, 'CI bot']) {
        const said = await explained(credential, { ...push, principal })
        expect([said.principal, said.code, failing(said)]).toEqual([`sa-${machine.id}`, 'role', ['role']])
      }
      const ofMachine = await explained(credential, { ...push, token: await idOf(value) })
      expect([ofMachine.code, ofMachine.assumes]).toEqual(['role', ['inside its networks']])
      const ofMember = await explained(credential, { ...push, token: await idOf(bob.token) })
      expect([ofMember.principal, failing(ofMember)]).toEqual(['bob', ['role']])
      expect(ofMember.rows.map(({ check }) => check)).not.toContain('network')
    }
    // A service account in nobody's session: what only people do, and what needs a session, it cannot.
    const person = await explained(cookies.ada, {
      action: 'org.rename',
      resource: 'organization:acme',
      principal: 'ci bot',
    })
    expect(person.code).toBe('person_needed')
    await site.hub.transaction((tx) =>
      tx.updateTable('serviceAccount').set({ disabledAt: now }).where('id', '=', machine.id).execute(),
    )
    const disabled = await explained(cookies.ada, { ...push, principal: 'ci bot' })
    expect([disabled.code, failing(disabled)]).toEqual(['owner_inactive', ['account']])
  })

  it('an administrator of the hub asks about anybody, of the hub alone', async () => {
    const said = await explained(cookies.rita, { action: 'user.create', resource: 'instance', principal: 'bob' })
    expect([said.principal, said.code]).toEqual(['bob', 'role'])
    expect(
      (await explained(cookies.rita, { action: 'user.create', resource: 'instance', principal: 'rita' })).allowed,
    ).toBe(true)
    // By a token nobody does, and it gives no eyes in organizations.
    expect((await question(rita.token, { action: 'user.create', resource: 'instance', principal: 'bob' })).status).toBe(
      403,
    )
    const peek = await question(cookies.rita, { action: 'repo.read', resource: 'model:acme/secret', principal: 'bob' })
    expect([peek.status, codeOf(peek)]).toEqual([403, 'role'])
  })

  // Mallory is of no organization. She asks why she may not read models whose names she guesses, and compares the answers letter by letter: one
  // row, one code or one status that differs names a private model of a competitor.
  it('attack: guessing names gets the same answer for what is hidden and for what is missing', async () => {
    const nothing = await makeToken(site, ada, { role: 'fineGrained' })
    const blind = await makeToken(site, ada, { role: 'fineGrained', scoped: ['org:acme=org.write'] })
    for (const credential of [cookies.carl, carl.token, nothing, blind, '']) {
      for (const action of ['repo.read', 'repo.push', 'repo.content.read', 'repo.delete']) {
        const [hidden, missing] = await Promise.all([
          question(credential, { action, resource: 'model:acme/secret' }),
          question(credential, { action, resource: 'model:acme/missin' }),
        ])
        expect(hidden.text.replaceAll('secret', 'NAME')).toBe(missing.text.replaceAll('missin', 'NAME'))
        const said = hidden.json<Explained>()
        expect([said.code, said.denied, said.rows.at(-1)?.check]).toEqual([null, null, 'resource'])
      }
    }
  })

  // Mallory administers acme by a token that lists its settings alone. The token sees none of its repos; so she asks about a member who does, and
  // reads from the answer what her token would not show her.
  it('attack: a token borrows nobody’s eyes', async () => {
    const blind = await makeToken(site, ada, { role: 'fineGrained', scoped: ['org:acme=org.write'] })
    const eyes = await idOf(bob.token)
    for (const about of [{ principal: 'bob' }, { token: eyes }, { principal: 'nobody' }, { token: unknownId }]) {
      const [hidden, missing] = await Promise.all([
        question(blind, { action: 'repo.read', resource: 'model:acme/secret', ...about }),
        question(blind, { action: 'repo.read', resource: 'model:acme/missin', ...about }),
      ])
      expect([hidden.status, hidden.text.replaceAll('secret', 'NAME')]).toEqual([
        200,
        missing.text.replaceAll('missin', 'NAME'),
      ])
      const said = hidden.json<Explained>()
      expect([said.allowed, said.principal, said.rows.map(({ check }) => check)]).toEqual([false, null, ['resource']])
    }
    // About its own owner by name, it is asked about itself.
    const own = await explained(blind, { action: 'repo.read', resource: 'model:acme/secret', principal: 'ada' })
    expect([own.status, own.code]).toEqual([404, null])
    // Of its siblings it says nothing: that needs a session.
    const sibling = await question(blind, {
      action: 'repo.create',
      resource: 'namespace:ada',
      token: await idOf(ada.token),
    })
    expect(sibling.status).toBe(404)
  })

  // Mallory administers an organization of her own and is a member of none other. She asks about people and tokens elsewhere, to learn who exists,
  // who is a member of what, and which ids of tokens are live.
  it('attack: asking about others tells who is no administrator nothing about them', async () => {
    await makeOrganization(site, `mallory-${dialect}`, carl)
    const push = { action: 'repo.push', resource: 'model:acme/secret' }
    const tokens = [await idOf(bob.token), await idOf(ada.token), unknownId]
    for (const credential of [cookies.carl, carl.token, cookies.bob, bob.token, '']) {
      const others = ['rita', 'nobody-of-that-name', `sa-${unknownId}`].map((principal) => ({ principal }))
      const isBob = credential === cookies.bob || credential === bob.token
      const theirs = tokens.filter((_, index) => !(isBob && index === 0)).map((token) => ({ token }))
      const answers = await Promise.all(
        [...others, ...theirs].flatMap((about) => [
          question(credential, { ...push, ...about }),
          question(credential, { ...push, resource: 'model:acme/missing', ...about }),
        ]),
      )
      const texts = new Set(answers.map((each) => each.text.replaceAll(/"requestId":"[^"]*"/g, '')))
      expect([...texts], credential.slice(0, 8)).toHaveLength(1)
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => (credential === '' ? 401 : 403)))
    }
    // In her own organization nobody of acme is anybody: bob answers as who does not exist.
    const mine = { action: 'org.update_settings', resource: `organization:mallory-${dialect}` }
    const answers = await Promise.all(
      [{ principal: 'bob' }, { principal: 'nobody' }, { principal: `sa-${unknownId}` }].map((about) =>
        question(cookies.carl, { ...mine, ...about }),
      ),
    )
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(404)
    const ids = await Promise.all(tokens.map((token) => question(cookies.carl, { ...mine, token })))
    expect(new Set(ids.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(ids[0]?.status).toBe(404)
  })

  // Bob has no role in a workspace. An administrator asks what he may do there and passes the answer on: it says to bob's face what he would get,
  // not what is behind it.
  it('attack: the answer about somebody names no reason behind what they do not see', async () => {
    const outsider = await makeUser(site, `out-${dialect}`)
    await ask('POST', '/api/organizations/acme/members', ada.token, { user: outsider.name, role: 'no_access' })
    const [hidden, missing] = await Promise.all(
      ['model:acme/secret', 'model:acme/missin'].map((resource) =>
        explained(cookies.ada, { action: 'repo.push', resource, principal: outsider.name }),
      ),
    )
    expect([hidden?.status, hidden?.code, hidden?.rows.at(-1)?.check]).toEqual([404, null, 'resource'])
    expect(hidden?.rows.at(-1)).toEqual(missing?.rows.at(-1))
    expect(JSON.stringify(hidden)).not.toContain('sources')
  })

  // Mallory asks a thousand times a minute about everybody whom she administers, to map the organization without leaving a trace in its lists.
  it('attack: questions about others are counted, on top of what is counted anyway', async () => {
    const { token } = await makeUser(site, `busy-${dialect}`, { tokenRole: 'write' })
    const body = { action: 'user.create', resource: 'instance', principal: 'bob' }
    let answer = await question(token, body)
    for (let count = 1; count < 300; count++) answer = await question(token, body)
    expect(answer.status).toBe(403)
    const over = await question(token, body)
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)])
    expect((await question(token, { action: 'user.create', resource: 'instance' })).status).toBe(200)
  })

  it('follows a repo that was moved, for those who see it', async () => {
    await ask('POST', '/api/repos/create', ada.token, { name: 'before', organization: 'acme', private: true })
    const moved = await ask('POST', '/api/repos/move', ada.token, {
      fromRepo: 'acme/before',
      toRepo: 'acme/after',
      type: 'model',
    })
    expect(moved.status).toBe(200)
    const said = await explained(bob.token, { action: 'repo.push', resource: 'model:acme/before' })
    expect([said.code, said.denied?.entity]).toEqual(['role', 'model:acme/after'])
    const stranger = await explained(carl.token, { action: 'repo.push', resource: 'model:acme/before' })
    expect([stranger.status, stranger.code]).toEqual([404, null])
  })
})
