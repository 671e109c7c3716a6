/** What groups of the company give, brought up to date at each sign-in: over HTTP, on both databases. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type CompanyProvider, CookieJar, startCompanyProvider } from '../../../tests/support/company-provider.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'

const password = 'a long enough sentence'

describe.each(dialects)('groups of the company, on %s', (dialect) => {
  let provider: CompanyProvider
  let site: TestHub
  let ada: TestUser
  let acme: { id: string; name: string }
  let admin: CookieJar

  beforeEach(async () => {
    provider = await startCompanyProvider()
    provider.person = person('eve', [])
    site = await startHub({ dialect, env: { ...provider.env, HOLDFAST_OIDC_JOIN: 'true' } })
    ada = await makeUser(site, 'ada', { password, tokenRole: 'write' })
    acme = await makeOrganization(site, 'acme', ada)
    admin = new CookieJar(site.url)
    admin.set('token', (await signInAs(site, ada)).slice('token='.length))
  })
  afterEach(async () => {
    await site.stop()
    await provider.stop()
  })

  function person(name: string, groups: unknown) {
    return { sub: `sub of ${name}`, email: `${name}@acme.example`, preferred_username: name, groups }
  }
  const signIn = async (name: string, groups: unknown): Promise<Response> => {
    provider.person = person(name, groups)
    const reply = await new CookieJar(site.url).signIn()
    expect([name, reply.status]).toEqual([name, 303])
    return reply
  }
  const map = async (externalGroup: string, target: string, role: string, organization = 'acme'): Promise<Response> =>
    await admin.fetch(`/organizations/${organization}/settings/company-groups`, {
      method: 'POST',
      body: new URLSearchParams({ externalGroup, target, role }),
    })
  const mapped = async (...mapping: Parameters<typeof map>): Promise<void> => {
    expect((await map(...mapping)).status).toBe(303)
  }
  const api = async (path: string, body: object): Promise<{ id: string }> => {
    const response = await fetch(`${site.url}/api/organizations/acme${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(response.status).toBeLessThan(300)
    return (await response.json()) as { id: string }
  }
  const idOf = async (name: string): Promise<string> =>
    (await site.hub.db.read.selectFrom('namespace').select('id').where('name', '=', name).executeTakeFirstOrThrow()).id
  const rolesOf = async (name: string): Promise<Record<string, string>> => {
    const rows = await site.hub.db.read
      .selectFrom('roleGrant')
      .leftJoin('workspace', 'workspace.id', 'roleGrant.targetId')
      .leftJoin('namespace', 'namespace.id', 'roleGrant.targetId')
      .select((q) => [q.fn.coalesce('workspace.name', 'namespace.name').as('on'), 'roleGrant.role'])
      .where('roleGrant.principalId', '=', await idOf(name))
      .execute()
    const groups = await site.hub.db.read
      .selectFrom('groupMember')
      .innerJoin('memberGroup', 'memberGroup.id', 'groupMember.groupId')
      .select(['memberGroup.name as on', 'groupMember.role'])
      .where('groupMember.principalId', '=', await idOf(name))
      .execute()
    return Object.fromEntries([...rows, ...groups].map((row) => [row.on ?? '', row.role]))
  }
  const events = async (action: string) =>
    (await site.hub.db.read.selectFrom('event').selectAll().where('action', '=', action).execute()).map((event) => ({
      ...event,
      data: JSON.parse(String(event.data)) as Record<string, unknown>,
    }))

  it('issue 6: membership comes, changes and goes with the groups, each with an event', async () => {
    await mapped('researchers', 'organization', 'read')
    await mapped('leads', 'organization', 'admin')
    await signIn('eve', ['researchers', 'chess club'])
    expect(await rolesOf('eve')).toEqual({ acme: 'read' })
    // Several groups: the strongest role.
    await signIn('eve', ['leads', 'researchers'])
    expect(await rolesOf('eve')).toEqual({ acme: 'admin' })
    await signIn('eve', ['researchers'])
    expect(await rolesOf('eve')).toEqual({ acme: 'read' })
    await signIn('eve', ['chess club'])
    expect(await rolesOf('eve')).toEqual({})
    const [added] = await events('org.add_user')
    expect(added).toMatchObject({ actorKind: 'system', ownerId: acme.id })
    expect(added?.data).toMatchObject({ role: 'read', groups: ['researchers'], by: 'groups of the company' })
    expect((await events('org.change_role')).map(({ data }) => [data.from, data.to])).toEqual([
      ['read', 'admin'],
      ['admin', 'read'],
    ])
    expect((await events('org.remove_user')).length).toBe(1)
    // Nothing is written where nothing changes.
    await signIn('eve', ['researchers'])
    const before = (await site.hub.db.read.selectFrom('event').selectAll().execute()).length
    await signIn('eve', ['researchers'])
    expect((await site.hub.db.read.selectFrom('event').selectAll().execute()).length).toBe(before + 1)
  })

  it('a place in a group and a role in a workspace bring the membership with them, and go with the mapping', async () => {
    const group = await api('/groups', { name: 'Vision' })
    const workspace = await api('/resource-groups', { name: 'secret' })
    await mapped('/vision', `group:${group.id}`, 'manager')
    await mapped('/vision', `workspace:${workspace.id}`, 'write')
    await signIn('eve', ['/vision'])
    const roles = await rolesOf('eve')
    expect(roles).toMatchObject({ Vision: 'manager', secret: 'write' })
    expect(Object.keys(roles).sort()).toEqual(['Vision', 'acme', 'secret'])
    const page = await (await admin.fetch('/organizations/acme/settings/company-groups')).text()
    const remove = /\?remove=([^"&]+)"[^>]*aria-label="Remove what \/vision gives: manager of the group Vision/.exec(
      page,
    )?.[1]
    const dialog = await (await admin.fetch(`/organizations/acme/settings/company-groups?remove=${remove}`)).text()
    expect(dialog).toContain('1 person has it through groups of the company now.')
    const gone = await admin.fetch(`/organizations/acme/settings/company-groups/${remove}/remove`, { method: 'POST' })
    expect(gone.status).toBe(303)
    expect(await rolesOf('eve')).toMatchObject({ Vision: 'manager' })
    await signIn('eve', ['/vision'])
    expect(Object.keys(await rolesOf('eve')).sort()).toEqual(['acme', 'secret'])
    // With the workspace goes its mapping, by itself.
    const ended = await fetch(`${site.url}/api/organizations/acme/resource-groups/${workspace.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${ada.token}` },
    })
    expect(ended.status).toBeLessThan(300)
    expect(await site.hub.db.read.selectFrom('companyGroupMapping').selectAll().execute()).toEqual([])
    await signIn('eve', ['/vision'])
    expect(await rolesOf('eve')).toEqual({})
    expect(await site.hub.db.read.selectFrom('companyGrant').selectAll().execute()).toEqual([])
  })

  it('what is given by hand is never touched, and what was changed by hand is by hand from then on', async () => {
    await mapped('researchers', 'organization', 'read')
    await signIn('eve', [])
    await signIn('fay', ['researchers'])
    const byHand = async (method: string, path: string, body: object) => {
      const response = await fetch(`${site.url}/api/organizations/acme${path}`, {
        method,
        headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect([path, response.status < 300]).toEqual([path, true])
    }
    await byHand('POST', '/members', { user: 'eve', role: 'write' })
    await byHand('PUT', '/members/fay/role', { role: 'contributor' })
    for (const groups of [['researchers'], []]) {
      await signIn('eve', groups)
      await signIn('fay', groups)
      expect([await rolesOf('eve'), await rolesOf('fay')]).toEqual([{ acme: 'write' }, { acme: 'contributor' }])
    }
  })

  it('what was given by hand inside the organization stays when the groups end the membership, which then gives nothing', async () => {
    const workspace = await api('/resource-groups', { name: 'secret' })
    await mapped('researchers', 'organization', 'write')
    await signIn('eve', ['researchers'])
    await api(`/resource-groups/${workspace.id}/users`, { users: [{ user: 'eve', role: 'read' }] })
    await signIn('eve', [])
    expect(await rolesOf('eve')).toEqual({ acme: 'no_access', secret: 'read' })
    await signIn('eve', ['researchers'])
    expect(await rolesOf('eve')).toEqual({ acme: 'write', secret: 'read' })
  })

  it('a role for a while, given by hand over that of a group, stays until its end, whatever the groups say', async () => {
    await mapped('researchers', 'organization', 'read')
    await signIn('eve', ['researchers'])
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const raised = await fetch(`${site.url}/api/organizations/acme/members/eve/role`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ role: 'write', until, reason: 'a release' }),
    })
    expect([raised.status, await raised.text()]).toEqual([200, expect.anything()])
    const row = async () =>
      await site.hub.db.read
        .selectFrom('roleGrant')
        .select(['role', 'temporaryRole', 'endsWhole'])
        .where('targetId', '=', acme.id)
        .where('principalId', '=', await idOf('eve'))
        .executeTakeFirst()
    await mapped('contributors', 'organization', 'contributor')
    await signIn('eve', ['contributors'])
    expect(await row()).toEqual({ role: 'contributor', temporaryRole: 'write', endsWhole: 0 })
    await signIn('eve', [])
    expect(await row()).toEqual({ role: 'no_access', temporaryRole: 'write', endsWhole: 1 })
    await signIn('eve', [])
    expect(await row()).toEqual({ role: 'no_access', temporaryRole: 'write', endsWhole: 1 })
    // Over one that is no stronger the lasting role counts.
    await signIn('fay', ['contributors'])
    await mapped('leads', 'organization', 'admin')
    await signIn('fay', ['leads'])
    expect(await rolesOf('fay')).toEqual({ acme: 'admin' })
  })

  it('the last administrator stays, and no seat is taken beyond the limit', async () => {
    await mapped('leads', 'organization', 'admin')
    await signIn('eve', ['leads'])
    await site.hub.transaction((tx) =>
      tx
        .updateTable('user')
        .set({ state: 'deactivated' })
        .where('id', '=', ada.id)
        .execute()
        .then(() => undefined),
    )
    await signIn('eve', [])
    expect(await rolesOf('eve')).toEqual({ acme: 'admin' })
    expect((await events('org.company_group.kept')).length).toBe(1)

    await site.hub.transaction((tx) =>
      tx
        .updateTable('organization')
        .set({ seatLimit: 2 })
        .execute()
        .then(() => undefined),
    )
    const reply = await signIn('fay', ['leads'])
    const flash = /flash=([^;]+)/.exec(reply.headers.getSetCookie().join('\n'))?.[1] ?? ''
    expect(Buffer.from(flash, 'base64url').toString()).toContain('acme has as many members as it may have: 2.')
    expect(await rolesOf('fay')).toEqual({})
    expect((await events('org.company_group.no_seat')).length).toBe(1)
  })

  it('a claim that is no list, nested, cut off or elsewhere takes nothing away, and gives no more than it says', async () => {
    // Somebody who may write into a claim tries what a hub makes of it; or the provider changes its mind about its shape.
    await mapped('researchers', 'organization', 'read')
    await mapped('leads', 'organization', 'admin')
    await signIn('eve', ['leads'])
    for (const odd of [
      undefined,
      null,
      'researchers',
      'researchers,leads',
      { researchers: true },
      [['researchers']],
      [{ name: 'researchers' }, 7, null, ''],
      Array.from({ length: 10_000 }, (_, index) => `group ${index}`),
      ['researchers', ['leads']],
    ]) {
      await signIn('eve', odd)
      expect([JSON.stringify(odd)?.slice(0, 50), await rolesOf('eve')]).toEqual([
        JSON.stringify(odd)?.slice(0, 50),
        { acme: 'admin' },
      ])
    }
    provider.bent.claims = {
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'http://10.0.0.1/' } },
    }
    await signIn('eve', undefined)
    expect(await rolesOf('eve')).toEqual({ acme: 'admin' })
    provider.bent = {}
    for (const odd of ['leads', 'researchers,leads', [['leads']], [{ name: 'leads' }], 'LEADS']) {
      await signIn('fay', odd)
      expect(await rolesOf('fay')).toEqual({})
    }
    await signIn('fay', ['LEADS', 'leads ', 'lead'])
    expect(await rolesOf('fay')).toEqual({})
    // A whole list of four thousand is read whole.
    await signIn('eve', [...Array.from({ length: 4_000 }, (_, index) => `group ${index}`), 'researchers'])
    expect(await rolesOf('eve')).toEqual({ acme: 'read' })
  })

  it('only administrators of the organization map, in a session, to places of their own organization', async () => {
    // Mallory administers another organization, and maps the groups that everybody is in to workspaces of acme.
    const workspace = await api('/resource-groups', { name: 'secret' })
    const mallory = await makeUser(site, 'mallory', { password })
    await makeOrganization(site, 'evil', mallory)
    const hers = new CookieJar(site.url)
    hers.set('token', (await signInAs(site, mallory)).slice('token='.length))
    const post = (jar: CookieJar, organization: string, target: string) =>
      jar.fetch(`/organizations/${organization}/settings/company-groups`, {
        method: 'POST',
        body: new URLSearchParams({ externalGroup: 'everybody', target, role: 'read' }),
      })
    expect((await post(hers, 'acme', 'organization')).status).toBe(403)
    expect((await hers.fetch('/organizations/acme/settings/company-groups')).status).toBe(403)
    expect((await post(hers, 'evil', `workspace:${workspace.id}`)).status).toBe(422)
    const token = await makeToken(site, ada, { role: 'write' })
    const byToken = await fetch(`${site.url}/organizations/acme/settings/company-groups`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: new URLSearchParams({ externalGroup: 'everybody', target: 'organization', role: 'admin' }),
    })
    expect(byToken.status).toBe(403)
    for (const [group, target, role] of [
      ['', 'organization', 'read'],
      ['x'.repeat(257), 'organization', 'read'],
      ['a\u0007b', 'organization', 'read'],
      ['g', 'organization', 'member'],
      ['g', 'organization', 'owner'],
      ['g', `workspace:${workspace.id}`, 'manager'],
      ['g', `workspace:${workspace.id}`, 'no_access'],
      ['g', 'group:', 'member'],
      ['g', 'repo:1', 'read'],
    ] as const) {
      expect([group.slice(0, 9), target, role, (await map(group, target, role)).status]).toEqual([
        group.slice(0, 9),
        target,
        role,
        422,
      ])
    }
    await mapped('g', 'organization', 'read')
    expect((await map('g', 'organization', 'admin')).status).toBe(409)
    // Another organization maps the same group for itself: the provider is everybody's.
    const own = await post(hers, 'evil', 'organization')
    expect(own.status).toBe(303)
  })
})
