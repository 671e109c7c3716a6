/** The deprecated token of an organization, over HTTP and git (OAT-1 to OAT-6). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { gitClient } from '../../../tests/support/git-client.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { plainOrganization } from '../../domain/facts.ts'
import { systemGrant } from '../../domain/policy.ts'
import { tokenInText } from '../../domain/token.ts'
import { routes } from '../index.ts'
import { createLegacyToken } from './service.ts'

const password = 'a long enough sentence'

describe.each(dialects)('the token of an organization on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let ada: TestUser
  let token: string
  let cookies: Record<'ada' | 'rita' | 'nora', string>
  let org: { id: string; name: string }
  let made = 0
  let reading: string
  let writing: string
  let other: { id: string; name: string }

  const makeOwn = (organization: { id: string; name: string }, role: 'read' | 'write') => {
    const target = {
      on: 'organization',
      name: organization.name,
      organization: plainOrganization(organization),
    } as const
    return createLegacyToken(test.hub, systemGrant('org.rotate_token', target, 'tests'), systemOrigin, role)
  }

  beforeAll(async () => {
    test = await startHubOn(dialect, { env: { HOLDFAST_LEGACY_ORG_TOKENS: 'true' } })
    ask = asking(test)
    ada = await makeUser(test, 'ada', { password })
    const rita = await makeUser(test, 'rita', { password })
    const nora = await makeUser(test, 'nora', { password })
    token = await makeToken(test, ada, { role: 'write' })
    cookies = { ada: await signInAs(test, ada), rita: await signInAs(test, rita), nora: await signInAs(test, nora) }
  }, 60_000)
  afterAll(() => test.stop())

  beforeEach(async () => {
    org = await makeOrganization(test, `acme${++made}`, ada, { rita: 'read', nora: 'no_access' })
    other = await makeOrganization(test, `other${made}`, ada)
    for (const [organization, name] of [
      [org.name, 'hidden'],
      [org.name, 'inside'],
      [other.name, 'hidden'],
    ]) {
      await ask('POST', '/api/repos/create', { token, body: { name, organization, private: true } })
    }
    await ask('POST', `/api/organizations/${org.name}/resource-groups`, {
      token,
      body: {
        name: 'w',
        users: [{ user: 'ada', role: 'admin' }],
        repos: [{ name: `${org.name}/inside`, type: 'model' }],
      },
    })
    writing = await makeOwn(org, 'write')
    reading = await makeOwn(other, 'read')
  })

  const path = () => `/api/organizations/${org.name}/legacy-token`
  const sees = async (value: string, repo: string) => (await ask('GET', `/api/models/${repo}`, { token: value })).status
  const commit = (value: string, repo: string) =>
    fetch(`${test.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${value}` },
      body: [
        { key: 'header', value: { summary: 'by the organization' } },
        { key: 'file', value: { path: 'a.txt', content: 'eA==', encoding: 'base64' } },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    })

  it('OAT-1, OAT-5: made by the command line alone, one for each organization', async () => {
    expect(writing).toMatch(/^api_org_[0-9A-Za-z]{34}$/)
    await expect(makeOwn(org, 'read')).rejects.toMatchObject({ code: 'organization_token_exists' })
    const makers = routes.filter(({ path: at }) => at.includes('legacy-token'))
    expect(makers.map(({ method }) => method).sort()).toEqual(['DELETE', 'GET', 'POST'])
    expect(await ask('POST', path(), { cookie: cookies.ada, body: {} })).toMatchObject({ status: 405 })
    await ask('DELETE', path(), { cookie: cookies.ada })
    expect((await ask('POST', `${path()}/rotate`, { cookie: cookies.ada, body: {} })).status).toBe(404)
  })

  it('OAT-1: a hub that takes none refuses those that there are', async () => {
    const off = await startHubOn(dialect)
    try {
      const eve = await makeUser(off, 'eve')
      const place = await makeOrganization(off, 'place', eve)
      const on = { ...off.hub, config: { ...off.hub.config, legacyOrgTokens: true } }
      const target = { on: 'organization', name: place.name, organization: plainOrganization(place) } as const
      const allowed = systemGrant('org.rotate_token', target, 'tests')
      const value = await createLegacyToken(on, allowed, systemOrigin, 'write')
      const refused = await asking(off)('GET', '/api/whoami-v2', { token: value })
      expect([refused.status, refused.headers.get('x-hub-denied')]).toEqual([
        401,
        expect.stringContaining('organization_token_off'),
      ])
      await expect(createLegacyToken(off.hub, allowed, systemOrigin, 'write')).rejects.toMatchObject({
        code: 'organization_token_off',
      })
    } finally {
      await off.stop()
    }
  })

  it('idea 14, OAT-4: no child token comes of it', async () => {
    const refused = await ask('POST', '/api/tokens/derive', { token: writing, body: { seconds: 600 } })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('x-hub-denied')).toContain('organization_token; need=a person or a service account')
  })

  it('OAT-2: members see that it is there, nobody sees it, administrators refresh it', async () => {
    const seen = await ask('GET', path(), { cookie: cookies.rita })
    expect(seen.json()).toMatchObject({
      enabled: true,
      deprecated: true,
      token: { role: 'write', last4: writing.slice(-4) },
    })
    expect(seen.text).not.toContain(writing)
    expect((await ask('GET', path(), { cookie: cookies.nora })).status).toBe(403)
    expect((await ask('POST', `${path()}/rotate`, { cookie: cookies.rita, body: {} })).status).toBe(403)
    expect((await ask('POST', `${path()}/rotate`, { token, body: {} })).status).toBe(403)
    // A script that refreshes all tokens with an hour to hand the new values out: here the old one would be dead at once.
    const counted = await ask('POST', `${path()}/rotate`, { cookie: cookies.ada, body: { overlapSeconds: 3600 } })
    expect([counted.status, counted.text]).toEqual([400, expect.stringContaining('the old value ends at once')])
    expect(await sees(writing, `${org.name}/hidden`)).toBe(200)
    const rotated = await ask('POST', `${path()}/rotate`, { cookie: cookies.ada, body: {} })
    const { value } = rotated.json<{ value: string }>()
    expect(value).toMatch(/^api_org_/)
    expect(await sees(writing, `${org.name}/hidden`)).toBe(401)
    expect(await sees(value, `${org.name}/hidden`)).toBe(200)
    const events = await test.hub.db.read
      .selectFrom('event')
      .select(['action', 'data', 'actorName'])
      .where('ownerId', '=', org.id)
      .where('action', 'like', 'org.%_token')
      .orderBy('id')
      .execute()
    expect(events.map(({ action }) => action)).toEqual(['org.create_token', 'org.rotate_token'])
    expect(JSON.stringify(events)).not.toMatch(tokenInText)
  })

  it('OAT-3: it is the organization, reads all of its repos, and writes by its role', async () => {
    expect((await ask('GET', '/api/whoami-v2', { token: writing })).json()).toMatchObject({
      type: 'org',
      id: org.id,
      name: org.name,
    })
    for (const name of ['hidden', 'inside']) expect(await sees(writing, `${org.name}/${name}`)).toBe(200)
    const listed = (await ask('GET', '/api/models', { token: writing })).json<{ id: string }[]>()
    expect(listed.map(({ id }) => id).sort()).toEqual([`${org.name}/hidden`, `${org.name}/inside`])
    // What is not its own is as hidden as it is to a stranger.
    expect(await sees(writing, `${other.name}/hidden`)).toBe(404)
    expect((await commit(writing, `${org.name}/hidden`)).status).toBe(200)
    expect(await sees(reading, `${other.name}/hidden`)).toBe(200)
    const refused = await commit(reading, `${other.name}/hidden`)
    expect([refused.status, refused.headers.get('x-hub-denied')]).toEqual([403, expect.stringContaining('role')])
    const create = (value: string, organization: string) =>
      ask('POST', '/api/repos/create', { token: value, body: { name: 'new', organization, private: true } })
    expect([(await create(writing, org.name)).status, (await create(reading, other.name)).status]).toEqual([200, 403])
    expect((await create(writing, other.name)).status).toBe(403)
    const log = await ask('GET', `/api/organizations/${org.name}/audit-log`, { token })
    expect(log.text).toContain('"kind":"organization"')
  })

  it('OAT-3: by git over HTTP', { timeout: 60_000 }, async () => {
    await using git = await gitClient(test.url, writing, org.name)
    await git.sh(`git clone $URL/${org.name}/hidden r; cd r; echo 1 > b.txt; git add .; git commit -m b; git push`)
    const tree = await ask('GET', `/api/models/${org.name}/hidden/tree/main`, { token })
    expect(tree.text).toContain('b.txt')
    await using reader = await gitClient(test.url, reading, other.name)
    await reader.sh(`git clone $URL/${other.name}/hidden r; cd r; echo 1 > b.txt; git add .; git commit -m b`)
    expect(await reader.fails('cd r; git push')).toMatch(/403/)
  })

  // Story: the token of an organization leaks from a pipeline; who finds it adds a member, makes a token that lasts, or loosens a policy.
  it('OAT-3: it manages nothing, whatever its role', async () => {
    const base = `/api/organizations/${org.name}`
    const group = (await ask('POST', `${base}/groups`, { token, body: { name: 'g' } })).json<{ id: string }>()
    const [place] = (await ask('GET', `${base}/resource-groups`, { token })).json<{ id: string }[]>()
    const attempts: [string, string, object?][] = [
      ['POST', `${base}/members`, { user: 'rita' }],
      ['PUT', `${base}/members/rita/role`, { role: 'admin' }],
      ['DELETE', `${base}/members/rita`],
      ['POST', `${base}/service-accounts`, { name: 'x' }],
      ['GET', `${base}/service-accounts`],
      ['POST', `${base}/groups`, { name: 'x' }],
      ['DELETE', `${base}/groups/${group.id}`],
      ['POST', `${base}/resource-groups`, { name: 'x', users: [] }],
      ['DELETE', `${base}/resource-groups/${place?.id}`],
      ['PATCH', `${base}/settings`, { description: 'mine' }],
      ['PUT', `${base}/token-policy`, { policy: 'any' }],
      ['GET', `${base}/settings/tokens`],
      ['POST', `${path()}/rotate`, {}],
      ['DELETE', path()],
      ['GET', `${base}/audit-log`],
      ['POST', `${base}/break-glass`, { reason: 'because' }],
      ['POST', `${base}/leave`, {}],
    ]
    for (const [method, at, body] of attempts) {
      const answer = await ask(method, at, { token: writing, ...(body === undefined ? {} : { body }) })
      expect([method, at, answer.status]).toEqual([method, at, 403])
    }
  })

  it('OAT-4: every answer says that it is deprecated, refusals too', async () => {
    for (const at of ['/api/whoami-v2', `/api/models/${org.name}/hidden`, `/api/models/${other.name}/hidden`]) {
      const { headers } = await ask('GET', at, { token: writing })
      expect(headers.get('x-hf-warning')).toMatch(/^organization-token-deprecated; .*service account/)
    }
    const refused = await ask('POST', `/api/organizations/${org.name}/members`, { token: writing, body: { user: 'x' } })
    expect(refused.headers.get('x-hf-warning')).toContain('deprecated')
  })

  it('OAT-6: an organization that takes fine-grained tokens alone refuses its own', async () => {
    for (const policy of ['fine_grained', 'approval']) {
      await ask('PUT', `/api/organizations/${org.name}/token-policy`, { cookie: cookies.ada, body: { policy } })
      const refused = await ask('GET', `/api/organizations/${org.name}/settings`, { token: writing })
      expect([refused.status, refused.headers.get('x-hub-denied')]).toEqual([
        403,
        expect.stringContaining('token_policy'),
      ])
      // The same for what is there and what is not.
      for (const name of ['hidden', 'missing']) expect(await sees(writing, `${org.name}/${name}`)).toBe(403)
      expect((await ask('GET', '/api/models', { token: writing })).json()).toEqual([])
      expect((await commit(writing, `${org.name}/hidden`)).status).toBeGreaterThanOrEqual(403)
    }
  })

  // Story: somebody pastes it into a repo, or finds it and reports it.
  it('a leaked one is revoked: from a report, and from a push', async () => {
    await ask('POST', '/api/credentials/revoke', { body: { credentials: [writing] } })
    await expect.poll(() => sees(writing, `${org.name}/hidden`), { timeout: 10_000 }).toBe(401)
    const leak = await fetch(`${test.url}/api/models/${other.name}/hidden/commit/main`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
      body: [
        { key: 'header', value: { summary: 'oops' } },
        {
          key: 'file',
          value: { path: 'env.txt', content: Buffer.from(`T=${reading}\n`).toString('base64'), encoding: 'base64' },
        },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    })
    await leak.arrayBuffer()
    await expect.poll(() => sees(reading, `${other.name}/hidden`), { timeout: 10_000 }).toBe(401)
  })

  it('goes with its organization', async () => {
    const gone = await ask('POST', `/organizations/${org.name}/settings/account/delete`, {
      cookie: cookies.ada,
      form: { confirm: org.name },
    })
    expect(gone.status).toBe(303)
    const left = test.hub.db.read.selectFrom('accessToken').select('id').where('ownerId', '=', org.id)
    expect(await left.execute()).toEqual([])
    expect((await ask('GET', '/api/whoami-v2', { token: writing })).status).toBe(401)
  })
})
