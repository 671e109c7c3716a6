/** Workspaces (behaviours.md, 1.6, and the workspace rows of 1.2), over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { type Answer, type Ask, asker, nextOf } from '../../../tests/support/ask.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { insertServiceAccount, type TestMachine } from '../../../tests/support/service-account-rows.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { type Role, roles } from '../../domain/role.ts'

interface WorkspaceJson {
  id: string
  name: string
  description: string | null
  autoJoin: { enabled: boolean; role?: string; scope?: string }
  users: { _id: string; type: string; name: string; role: string; fullname: string; addedBy?: string }[]
  resources: { name: string; type: string; private: boolean }[]
  repos: unknown[]
}

describe.each(dialects)('workspaces on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let acme: { id: string; name: string }
  let ci: TestMachine
  const people: Record<string, TestUser> = {}
  const who = (name: string) => people[name]?.token ?? ''
  const base = '/api/organizations/acme/resource-groups'
  const members: Record<string, Role> = {
    mara: 'write',
    mel: 'write',
    rae: 'read',
    connie: 'contributor',
    nora: 'no_access',
  }
  let made = 0

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ask = asker(test)
    for (const name of ['ada', 'out', ...Object.keys(members)]) {
      people[name] = await makeUser(test, name, { tokenRole: 'write' })
    }
    acme = await makeOrganization(test, 'acme', people.ada as TestUser, members)
    ci = await insertServiceAccount(test, acme.id, 'ci', 'no_access')
  })
  afterAll(() => test.stop())

  async function makeWorkspace(users: Record<string, Role> = {}, more: object = {}): Promise<string> {
    const answer = await ask('POST', base, who('ada'), {
      name: `place ${++made}`,
      users: Object.entries(users).map(([user, role]) => ({ user, role })),
      ...more,
    })
    expect(answer.status, answer.text).toBe(200)
    return answer.json<WorkspaceJson>().id
  }

  async function makeRepo(more: object = {}, token = who('ada')): Promise<string> {
    const name = `m${++made}`
    const answer = await ask('POST', '/api/repos/create', token, { name, organization: 'acme', private: true, ...more })
    expect(answer.status, answer.text).toBe(200)
    return `/api/models/acme/${name}`
  }

  const move = (repo: string, resourceGroupId: string | null, more: object = {}, token = who('ada')) =>
    ask('POST', `${repo}/resource-group`, token, { resourceGroupId, ...more })
  const sees = async (repo: string, token: string) => (await ask('GET', repo, token)).status
  const writes = async (repo: string, token: string) => (await ask('GET', `${repo}/auth-check/write`, token)).status
  const bare = (answer: Answer) => ({
    status: answer.status,
    text: answer.text.replace(/"requestId":"[^"]*"/, '').replaceAll(/[0-9a-f]{24}/g, '…'),
    code: answer.headers.get('x-error-code'),
    denied: answer.headers.get('x-hub-denied'),
  })

  it("answers in the Hub's shape of a resource group, and in no other", async () => {
    const repo = (await makeRepo()).split('/').slice(3).join('/')
    const answer = await ask('POST', base, who('ada'), {
      name: 'Robotics',
      description: 'arms and legs',
      users: [
        { user: 'MARA', role: 'admin' },
        { user: ci.name, role: 'write' },
      ],
      repos: [{ name: repo, type: 'model' }],
      autoJoin: { enabled: false },
    })
    const created = answer.json<WorkspaceJson>()
    const entry = { type: 'model', name: repo, private: true }
    const { users, ...rest } = created
    expect(rest).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      name: 'Robotics',
      description: 'arms and legs',
      autoJoin: { enabled: false },
      resources: [entry],
      repos: [entry],
    })
    const user = (name: string, fullname: string, role: string) => ({
      type: 'user',
      _id: expect.stringMatching(/^[0-9a-f]{24}$/),
      name,
      fullname,
      role,
      avatarUrl: expect.stringContaining('/avatars/'),
      addedBy: 'ada',
    })
    expect(users).toHaveLength(2)
    expect(users).toEqual(expect.arrayContaining([user('mara', 'mara', 'admin'), user(ci.name, 'ci', 'write')]))
    const there = await ask('GET', `${base}/${created.id}`, who('mara'))
    expect(there.json()).toEqual(created)
    const of = await ask('GET', `/api/models/${repo}/resource-group`, who('mara'))
    expect(of.json()).toEqual({ id: created.id, name: 'Robotics', numUsers: 2 })
    const patched = await ask('PATCH', `${base}/${created.id}`, who('mara'), {
      description: 'wheels',
      spendLimits: { total: null },
    })
    expect(patched.json()).toMatchObject({ name: 'Robotics', description: 'wheels' })
    expect((await ask('POST', base, who('ada'), { name: 'ROBOTICS' })).status).toBe(409)
    const other = await makeWorkspace()
    expect((await ask('PATCH', `${base}/${other}`, who('ada'), { name: 'robotics' })).status).toBe(409)
    expect((await ask('DELETE', `${base}/${created.id}`, who('ada'))).json()).toEqual({ success: true })
  })

  it('WS-1: a repo lies in one workspace; a list that would take it from another is refused until it says that it moves', async () => {
    const first = await makeWorkspace({ mara: 'read' })
    const second = await makeWorkspace({ mel: 'read' })
    const repo = await makeRepo()
    const name = repo.split('/').slice(3).join('/')
    expect((await move(repo, first)).json()).toEqual({ name, type: 'model', private: true, addedBy: 'ada' })
    // With what the caller believes, it is a compare-and-set.
    expect((await move(repo, second, { from: null })).status).toBe(409)
    expect((await move(repo, second, { from: second })).status).toBe(409)
    expect(await sees(repo, who('mara'))).toBe(200)
    expect((await move(repo, second, { from: first })).status).toBe(200)
    expect([await sees(repo, who('mara')), await sees(repo, who('mel'))]).toEqual([404, 200])
    const taking = (more: object) =>
      ask('POST', base, who('ada'), { name: `taking ${++made}`, repos: [{ name, type: 'model' }], ...more })
    const refused = await taking({})
    expect(refused.status).toBe(409)
    expect(refused.text).toContain(`${name} lies in the workspace`)
    expect(await sees(repo, who('mel'))).toBe(200)
    const took = await taking({ moveRepos: true })
    expect(took.json<WorkspaceJson>().resources).toEqual([{ name, type: 'model', private: true }])
    expect(await sees(repo, who('mel'))).toBe(404)
    // As on the Hub, the call that names one repo and one place is its own confirmation.
    expect((await move(repo, first)).status).toBe(200)
    expect((await ask('GET', `${base}/${took.json<WorkspaceJson>().id}`, who('ada'))).json()).toMatchObject({
      repos: [],
    })
  })

  it('WS-2: one person and one service account have different roles in several workspaces', async () => {
    const reading = await makeWorkspace({ mara: 'read', [ci.name]: 'write' })
    const writing = await makeWorkspace({ mara: 'write', [ci.name]: 'read' })
    const repos = [await makeRepo(), await makeRepo()] as const
    await move(repos[0], reading)
    await move(repos[1], writing)
    for (const [token, first, second] of [
      [who('mara'), 403, 200],
      [ci.token, 200, 403],
    ] as const) {
      expect([await sees(repos[0], token), await sees(repos[1], token)]).toEqual([200, 200])
      expect([await writes(repos[0], token), await writes(repos[1], token)]).toEqual([first, second])
    }
  })

  it('SA-10: a service account has any role in a workspace that a person can have, and may there what a person may', async () => {
    const may = { read: [200, 403, 403], contributor: [200, 403, 403], write: [200, 200, 403], admin: [200, 200, 200] }
    for (const [role, expected] of Object.entries(may)) {
      const id = await makeWorkspace({ [ci.name]: role as Role })
      const repo = await makeRepo()
      await move(repo, id)
      // What an administrator of the workspace alone may: say what it is called.
      const manages = (await ask('PATCH', `${base}/${id}`, ci.token, { description: 'by a machine' })).status
      expect([await sees(repo, ci.token), await writes(repo, ci.token), manages], role).toEqual(expected)
      const isMaker = role === 'read' ? 403 : 200
      const made_ = { name: `made-${++made}`, organization: 'acme', private: true, resourceGroupId: id }
      expect((await ask('POST', '/api/repos/create', ci.token, made_)).status, role).toBe(isMaker)
      if (isMaker === 200) expect(await writes(`/api/models/acme/${made_.name}`, ci.token), role).toBe(200)
    }
  })

  it('1.2: who sees and writes private and public repos, outside and inside a workspace, by role', async () => {
    const outside = await makeRepo()
    const inside = await makeRepo()
    const open = await makeRepo({ private: false })
    const id = await makeWorkspace()
    await move(inside, id)
    await move(open, id)
    const byRole: Record<string, string> = { ...members, ada: 'admin', out: 'none' }
    for (const [name, role] of Object.entries(byRole)) {
      const token = who(name)
      const hasRead = ['read', 'contributor', 'write', 'admin'].includes(role)
      expect(await sees(outside, token), `outside, ${role}`).toBe(hasRead ? 200 : 404)
      expect(await writes(outside, token), `outside, ${role}`).toBe(
        role === 'write' || role === 'admin' ? 200 : hasRead ? 403 : 404,
      )
      expect(await sees(inside, token), `inside, ${role}`).toBe(role === 'admin' ? 200 : 404)
      expect(await sees(open, token), `public, ${role}`).toBe(200)
      // On a workspace's repos write rights come from there alone, public ones too.
      expect(await writes(open, token), `public, ${role}`).toBe(role === 'admin' ? 200 : 403)
    }
    expect(await sees(inside, '')).toBe(401)
  })

  it('1.2, WS-3: inside a workspace its own role alone counts, whatever the role in the organization', async () => {
    const repo = await makeRepo()
    const id = await makeWorkspace()
    await move(repo, id)
    for (const [name] of Object.entries(members)) {
      for (const role of roles) {
        await ask('DELETE', `${base}/${id}/users/${name}`, who('ada'))
        const added = await ask('POST', `${base}/${id}/users`, who('ada'), { users: [{ name, role }] })
        expect(added.status).toBe(200)
        expect(await sees(repo, who(name)), `${name} as ${role}`).toBe(role === 'no_access' ? 404 : 200)
        const expected = role === 'no_access' ? 404 : role === 'write' || role === 'admin' ? 200 : 403
        expect(await writes(repo, who(name)), `${name} as ${role}`).toBe(expected)
      }
      await ask('DELETE', `${base}/${id}/users/${name}`, who('ada'))
    }
    const hidden = await ask('GET', repo, who('mara'))
    const missing = await ask('GET', '/api/models/acme/never-was', who('mara'))
    expect(bare(hidden)).toEqual(bare(missing))
  })

  it('ROL-e: a member with no_access works in a workspace, and sees nothing else of the organization', async () => {
    const inside = await makeRepo()
    const outside = await makeRepo()
    const id = await makeWorkspace({ nora: 'contributor' })
    await move(inside, id)
    expect([await sees(inside, who('nora')), await sees(outside, who('nora'))]).toEqual([200, 404])
    const own = await makeRepo({ resourceGroupId: id }, who('nora'))
    expect(await writes(own, who('nora'))).toBe(200)
    expect((await ask('POST', '/api/repos/create', who('nora'), { name: 'root', organization: 'acme' })).status).toBe(
      403,
    )
    expect((await ask('GET', base, who('nora'))).json<WorkspaceJson[]>().map((each) => each.id)).toContain(id)
  })

  it('WS-4: a move holds from the next request on, for tokens that run', async () => {
    const repo = await makeRepo()
    const id = await makeWorkspace({ nora: 'read' })
    const scoped = await makeToken(test, people.mara as TestUser, {
      role: 'fineGrained',
      scoped: [`model:${repo.split('/').slice(3).join('/')}=repo.content.read`],
    })
    const listed = async (token: string) =>
      (await ask('GET', '/api/models?author=acme&limit=1000', token))
        .json<{ id: string }[]>()
        .some((each) => `/api/models/${each.id}` === repo)
    const all = async () => ({
      mara: [await sees(repo, who('mara')), await listed(who('mara'))],
      scoped: await sees(repo, scoped),
      nora: [await sees(repo, who('nora')), await listed(who('nora'))],
    })
    const before = { mara: [200, true], scoped: 200, nora: [404, false] }
    expect(await all()).toEqual(before)
    await move(repo, id)
    expect(await all()).toEqual({ mara: [404, false], scoped: 404, nora: [200, true] })
    await move(repo, null)
    expect(await all()).toEqual(before)
  })

  it('WS-5: an administrator of a workspace manages who is in it and its repos; only the organization moves repos', async () => {
    const id = await makeWorkspace({ mara: 'admin' })
    const other = await makeWorkspace({ mara: 'admin' })
    const repo = await makeRepo()
    const stays = await makeRepo()
    await move(repo, id)
    expect(
      (await ask('POST', `${base}/${id}/users`, who('mara'), { users: [{ user: 'rae', role: 'read' }] })).status,
    ).toBe(200)
    expect((await ask('PATCH', `${base}/${id}/users/rae`, who('mara'), { role: 'write' })).status).toBe(200)
    expect(await writes(repo, who('rae'))).toBe(200)
    expect((await ask('PUT', `${repo}/settings`, who('mara'), { description: 'ours' })).status).toBe(200)
    expect((await ask('DELETE', `${base}/${id}/users/rae`, who('mara'))).status).toBe(200)
    expect((await ask('POST', `${base}/${id}/settings`, who('mara'), { autoJoin: { enabled: false } })).status).toBe(
      200,
    )
    for (const to of [other, null]) {
      const refused = await move(repo, to, {}, who('mara'))
      expect(refused.status).toBe(403)
      expect(refused.headers.get('x-hub-denied')).toBe(
        `role; need=admin; have=write; entity=${repo.replace('/api/models/', 'model:')}`,
      )
    }
    expect((await move(stays, id, {}, who('mara'))).status).toBe(403)
    expect((await ask('DELETE', `${base}/${id}`, who('mara'))).status).toBe(403)
    // Less than an administrator of it sees it, and manages nothing.
    await ask('POST', `${base}/${id}/users`, who('ada'), { users: [{ user: 'mel', role: 'write' }] })
    expect((await ask('GET', `${base}/${id}`, who('mel'))).status).toBe(200)
    for (const [method, path, body] of [
      ['POST', '/users', { users: [{ user: 'rae', role: 'read' }] }],
      ['PATCH', '/users/mel', { role: 'admin' }],
      ['DELETE', '/users/mara', undefined],
      ['PATCH', '', { name: 'mine' }],
      ['POST', '/settings', { autoJoin: { enabled: true, role: 'admin' } }],
      ['DELETE', '', undefined],
    ] as const) {
      expect((await ask(method, `${base}/${id}${path}`, who('mel'), body)).status, `${method} ${path}`).toBe(403)
    }
  })

  it('WS-6: who may make a workspace is a setting; who does not administer the organization names an administrator', async () => {
    const create = (name: string, users: object[] = []) =>
      ask('POST', base, who(name), { name: `by ${name} ${++made}`, users })
    const setting = (workspaceCreation: 'admin' | 'write' | 'contributor' | 'read') =>
      test.hub.transaction((tx) =>
        tx.updateTable('organization').set({ workspaceCreation }).where('id', '=', acme.id).execute(),
      )
    const order = ['nora', 'rae', 'connie', 'mara', 'ada']
    for (const [least, first] of [
      ['admin', 4],
      ['write', 3],
      ['contributor', 2],
      ['read', 1],
    ] as const) {
      await setting(least)
      for (const [at, name] of order.entries()) {
        const answer = await create(name, [{ user: name, role: 'admin' }])
        expect(answer.status, `${least}: ${name}`).toBe(at >= first ? 200 : 403)
      }
    }
    const without = await create('rae', [{ user: 'rae', role: 'write' }])
    expect(without).toMatchObject({ status: 400 })
    expect(without.json()).toMatchObject({ code: 'workspace_admin_needed' })
    expect((await create('rae', [{ user: 'mara', role: 'admin' }])).status).toBe(200)
    expect((await create('ada')).status).toBe(200)
    await setting('admin')
  })

  it('WS-7: auto-join takes in who is there at once and who comes later, never a service account, and lets nobody go', async () => {
    const owner = people.ada as TestUser
    const org = await makeOrganization(test, 'joining', owner, { mara: 'read', nora: 'no_access' })
    const machine = await insertServiceAccount(test, org.id, 'ci', 'write')
    const there = '/api/organizations/joining/resource-groups'
    const make = async (body: object) =>
      (await ask('POST', there, who('ada'), { name: `j${++made}`, ...body })).json<WorkspaceJson>()
    const usersOf = async (id: string) =>
      Object.fromEntries(
        (await ask('GET', `${there}/${id}`, who('ada')))
          .json<WorkspaceJson>()
          .users.map((user) => [user.name, user.role]),
      )
    const some = await make({ users: [{ user: 'mara', role: 'admin' }] })
    const enabled = await ask('POST', `${there}/${some.id}/settings`, who('ada'), {
      autoJoin: { enabled: 'true', role: 'contributor', scope: 'read_plus' },
    })
    expect(enabled.json<WorkspaceJson>().autoJoin).toEqual({ enabled: true, role: 'contributor', scope: 'read_plus' })
    const all = await make({ autoJoin: { enabled: true, role: 'read' } })
    expect(all.autoJoin).toEqual({ enabled: true, role: 'read', scope: 'all' })
    // A role that somebody has stays as it is.
    expect(await usersOf(some.id)).toEqual({ ada: 'contributor', mara: 'admin' })
    expect(await usersOf(all.id)).toEqual({ ada: 'read', mara: 'read', nora: 'read' })

    const add = (user: string, role: Role) =>
      ask('POST', '/api/organizations/joining/members', who('ada'), { user, role })
    await add('mel', 'write')
    await add('rae', 'no_access')
    expect(await usersOf(some.id)).toEqual({ ada: 'contributor', mara: 'admin', mel: 'contributor' })
    expect(Object.keys(await usersOf(all.id)).sort()).toEqual(['ada', 'mara', 'mel', 'nora', 'rae'])
    // A changed role takes in whom it makes fit, and only then: who was taken out by hand stays out.
    await ask('DELETE', `${there}/${some.id}/users/mel`, who('ada'))
    const groups = [{ id: all.id, role: 'read' }]
    const change = (name: string, role: Role) =>
      ask('PUT', `/api/organizations/joining/members/${name}/role`, who('ada'), { role, resourceGroups: groups })
    expect((await change('mel', 'read')).status).toBe(200)
    expect((await change('rae', 'read')).status).toBe(200)
    expect(await usersOf(some.id)).toEqual({ ada: 'contributor', mara: 'admin', rae: 'contributor' })
    expect((await change('rae', 'no_access')).status).toBe(200)

    const off = await ask('POST', `${there}/${all.id}/settings`, who('ada'), { autoJoin: { enabled: false } })
    expect(off.json<WorkspaceJson>().autoJoin).toEqual({ enabled: false })
    expect(Object.keys(await usersOf(all.id)).sort()).toEqual(['ada', 'mara', 'mel', 'nora', 'rae'])
    await add('connie', 'write')
    expect(Object.keys(await usersOf(all.id))).not.toContain('connie')
    for (const id of [some.id, all.id]) expect(Object.keys(await usersOf(id))).not.toContain(machine.name)
    const useless = await ask('POST', `${there}/${all.id}/settings`, who('ada'), {
      autoJoin: { enabled: true, role: 'no_access' },
    })
    expect(useless.status).toBe(422)
    const event = await test.hub.db.read
      .selectFrom('event')
      .where('action', '=', 'resource_group.settings')
      .where('resourceId', '=', some.id)
      .select('data')
      .executeTakeFirst()
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ autoJoin: { role: 'contributor' }, joined: 1 })
  })

  it('WS-7: who is added while it is turned on is in it, whichever comes first', async () => {
    const org = await makeOrganization(test, 'racing', people.ada as TestUser)
    const there = `/api/organizations/racing/resource-groups`
    for (let round = 0; round < 5; round++) {
      const user = await makeUser(test, `racer-${round}`)
      const { id } = (await ask('POST', there, who('ada'), { name: `r${round}` })).json<WorkspaceJson>()
      const both = await Promise.all([
        ask('POST', `${there}/${id}/settings`, who('ada'), { autoJoin: { enabled: true, role: 'read' } }),
        ask('POST', '/api/organizations/racing/members', who('ada'), { user: user.name, role: 'read' }),
      ])
      expect(both.map(({ status }) => status)).toEqual([200, 201])
      const { users } = (await ask('GET', `${there}/${id}`, who('ada'))).json<WorkspaceJson>()
      expect(users.map(({ name }) => name)).toContain(user.name)
    }
    expect(org.name).toBe('racing')
  })

  it('WS-8: a deleted workspace gives its repos back to the organization, and nothing else of it is left', async () => {
    const id = await makeWorkspace({ nora: 'write', [ci.name]: 'write' })
    const repos = await Promise.all([makeRepo(), makeRepo(), makeRepo({ private: false })])
    for (const repo of repos) await move(repo, id)
    const [first] = repos
    const scoped = await makeToken(test, people.nora as TestUser, { role: 'fineGrained', scoped: [] })
    await test.hub.transaction((tx) =>
      tx
        .insertInto('tokenGrant')
        .columns(['tokenId', 'entityType', 'entityId', 'entityName', 'permissions'])
        .expression((q) =>
          q
            .selectFrom('accessToken')
            .select([
              'accessToken.id',
              q.val('resource-group').as('entityType'),
              q.val(id).as('entityId'),
              q.val('place').as('entityName'),
              q.val('["repo.content.read"]').as('permissions'),
            ])
            .where('accessToken.ownerId', '=', people.nora?.id ?? '')
            .where('accessToken.role', '=', 'fineGrained'),
        )
        .execute(),
    )
    expect(await sees(first, scoped)).toBe(200)
    expect([await sees(first, who('nora')), await sees(first, ci.token), await sees(first, who('rae'))]).toEqual([
      200, 200, 404,
    ])
    expect((await ask('DELETE', `${base}/${id}`, who('ada'))).status).toBe(200)
    // Private ones become visible to read and more.
    for (const repo of repos) expect(await sees(repo, who('rae'))).toBe(200)
    expect([await sees(first, who('nora')), await sees(first, ci.token), await sees(first, scoped)]).toEqual([
      404, 404, 404,
    ])
    expect((await ask('GET', `${base}/${id}`, who('ada'))).status).toBe(404)
    for (const table of ['roleGrant', 'tokenGrant'] as const) {
      const column = table === 'roleGrant' ? 'targetId' : 'entityId'
      const rows = await test.hub.db.list
        .selectFrom(table)
        .select(column as never)
        .where(column as never, '=', id as never)
        .execute()
      expect(rows).toEqual([])
    }
    const event = await test.hub.db.read
      .selectFrom('event')
      .where('action', '=', 'resource_group.delete')
      .where('resourceId', '=', id)
      .select('data')
      .executeTakeFirst()
    expect(JSON.parse(event?.data ?? '')).toEqual({ repos: 3, roles: 2 })
  })

  it('WS-9: a repo is made in a workspace with the role contributor there; the role in the organization does not count', async () => {
    const id = await makeWorkspace({ nora: 'contributor', mara: 'read' })
    const create = (name: string, resourceGroupId: string) =>
      ask('POST', '/api/repos/create', who(name), {
        name: `n${++made}`,
        organization: 'acme',
        private: true,
        resourceGroupId,
      })
    const own = await create('nora', id)
    expect(own.status).toBe(200)
    const repo = `/api/models/${own.json<{ name: string }>().name}`
    expect([await writes(repo, who('nora')), await sees(repo, who('mel'))]).toEqual([200, 404])
    expect((await create('ada', id)).status).toBe(200)
    const weak = await create('mara', id)
    expect([weak.status, weak.headers.get('x-hub-denied')]).toEqual([
      403,
      'role; need=contributor; have=read; entity=namespace:acme',
    ])
    // Who is not in it, and one that is not there, are answered alike.
    const unknown = await create('mel', 'f'.repeat(24))
    expect(unknown.status).toBe(404)
    expect(bare(await create('mel', id))).toEqual(bare(unknown))
    const info = await ask('GET', `${repo}?expand[]=resourceGroup`, who('nora'))
    expect(info.json()).toMatchObject({ resourceGroup: { id } })
    // A token for the workspace alone does it too.
    const token = await makeToken(test, people.nora as TestUser, {
      role: 'fineGrained',
      scoped: [],
      name: 'for the place',
    })
    const row = await test.hub.db.list
      .selectFrom('accessToken')
      .select('id')
      .where('name', '=', 'for the place')
      .executeTakeFirstOrThrow()
    await test.hub.transaction((tx) =>
      tx
        .insertInto('tokenGrant')
        .values({
          tokenId: row.id,
          entityType: 'resource-group',
          entityId: id,
          entityName: 'p',
          permissions: '["repo.write"]',
        })
        .execute(),
    )
    const body = { name: `n${++made}`, organization: 'acme', resourceGroupId: id }
    expect((await ask('POST', '/api/repos/create', token, body)).status).toBe(200)
    expect(
      (await ask('POST', '/api/repos/create', token, { ...body, name: `n${++made}`, resourceGroupId: undefined }))
        .status,
    ).toBe(403)
  })

  it('WS-10, GRP-5, GRP-6, GRP-7: a group has a role in a workspace, and of several roles the highest counts', async () => {
    const id = await makeWorkspace({ mara: 'admin', rae: 'read' })
    const repo = await makeRepo()
    await move(repo, id)
    const group = async (name: string) =>
      (await ask('POST', '/api/organizations/acme/groups', who('ada'), { name: `${name} ${++made}` })).json<{
        id: string
        name: string
      }>()
    const writers = await group('writers')
    const readers = await group('readers')
    const put = (groupId: string, name: string) =>
      ask('PUT', `/api/organizations/acme/groups/${groupId}/members/${name}`, who('ada'), { role: 'member' })
    const give = (value: string, role: Role, token = who('mara')) =>
      ask('POST', `${base}/${id}/groups`, token, { group: value, role })
    for (const name of ['rae', ci.name]) await put(writers.id, name)
    // Nobody but administrators of the workspace and of the organization.
    expect((await give(writers.id, 'write', who('rae'))).status).toBe(403)
    expect((await give(writers.id, 'write', who('mel'))).status).toBe(404)
    expect((await give(writers.id, 'write')).status).toBe(201)
    expect((await give(writers.name.toUpperCase(), 'write')).status).toBe(409)
    expect((await give(readers.name, 'read', who('ada'))).status).toBe(201)
    expect((await give('f'.repeat(24), 'read')).status).toBe(404)
    expect([await writes(repo, who('rae')), await writes(repo, ci.token)]).toEqual([200, 200])
    // Added later: has it too.
    await put(writers.id, 'nora')
    expect(await writes(repo, who('nora'))).toBe(200)
    const listed = (await ask('GET', `${base}/${id}/groups`, who('rae'))).json<
      { id: string; role: string; numUsers: number }[]
    >()
    expect(listed).toMatchObject([
      { id: writers.id, role: 'write', numUsers: 2, numServiceAccounts: 1 },
      { id: readers.id, role: 'read', numUsers: 0 },
    ])
    // Removing one source falls back to the next.
    expect((await ask('PATCH', `${base}/${id}/groups/${writers.id}`, who('mara'), { role: 'read' })).status).toBe(200)
    expect([await sees(repo, who('rae')), await writes(repo, who('rae'))]).toEqual([200, 403])
    await ask('PATCH', `${base}/${id}/groups/${writers.id}`, who('mara'), { role: 'write' })
    expect((await ask('DELETE', `${base}/${id}/users/rae`, who('mara'))).status).toBe(200)
    expect(await writes(repo, who('rae'))).toBe(200)
    await put(readers.id, 'rae')
    expect((await ask('DELETE', `${base}/${id}/groups/${writers.id}`, who('mara'))).status).toBe(200)
    expect([await sees(repo, who('rae')), await writes(repo, who('rae')), await sees(repo, who('nora'))]).toEqual([
      200, 403, 404,
    ])
    // Deleting a group takes exactly what came through it.
    expect((await ask('DELETE', `/api/organizations/acme/groups/${readers.id}`, who('ada'))).status).toBe(204)
    expect([await sees(repo, who('rae')), await sees(repo, who('mara'))]).toEqual([404, 200])
    expect((await ask('GET', `${base}/${id}/groups`, who('mara'))).json()).toEqual([])
  })

  it('lists the workspaces of the caller a page at a time, administrators all of them', async () => {
    const org = await makeOrganization(test, 'many', people.ada as TestUser, { mara: 'read', rae: 'admin' })
    const there = '/api/organizations/many/resource-groups'
    const names = ['delta', 'Alpha', 'charlie', 'bravo', 'Echo']
    for (const name of names) {
      const users = ['Alpha', 'delta', 'Echo'].includes(name)
        ? [{ user: 'mara', role: name === 'Echo' ? 'no_access' : 'read' }]
        : []
      await ask('POST', there, who('ada'), { name, users })
    }
    const listed = async (token: string) => {
      const seen: string[] = []
      for (let path: string | null = `${there}?limit=2`; path !== null; ) {
        const answer = await ask('GET', path, token)
        seen.push(...answer.json<WorkspaceJson[]>().map(({ name }) => name))
        path = nextOf(answer)
      }
      return seen
    }
    expect(await listed(who('rae'))).toEqual(['Alpha', 'bravo', 'charlie', 'delta', 'Echo'])
    expect(await listed(who('mara'))).toEqual(['Alpha', 'delta'])
    expect((await ask('GET', there, who('out'))).status).toBe(403)
    expect(org.name).toBe('many')
  })

  it('names the workspace of a repo only to who may see it, one repo at a time and in lists', async () => {
    const id = await makeWorkspace({ mara: 'read' })
    const repo = await makeRepo({ private: false })
    await move(repo, id)
    const path = repo.split('/').slice(3).join('/')
    const asked = async (token: string | null) => {
      const list = (await ask('GET', `/api/models?author=acme&expand[]=resourceGroup&limit=1000`, token)).json<
        { id: string; resourceGroup?: { id: string } }[]
      >()
      return [
        (await ask('GET', `${repo}?expand[]=resourceGroup`, token)).json<{ resourceGroup?: { id: string } }>()
          .resourceGroup?.id,
        list.find((each) => each.id === path)?.resourceGroup?.id,
        (await ask('GET', `${repo}/resource-group`, token)).status,
      ]
    }
    for (const name of ['ada', 'mara']) expect(await asked(who(name)), name).toEqual([id, id, 200])
    for (const token of [who('rae'), who('out'), null]) expect(await asked(token)).toEqual([undefined, undefined, 404])
    const blind = await makeToken(test, people.mara as TestUser, {
      role: 'fineGrained',
      scoped: ['org:acme=repo.content.read'],
    })
    expect(await asked(blind)).toEqual([undefined, undefined, 404])
    const sighted = await makeToken(test, people.mara as TestUser, {
      role: 'fineGrained',
      scoped: ['org:acme=repo.content.read,org.read'],
    })
    expect(await asked(sighted)).toEqual([id, id, 200])
  })
})
