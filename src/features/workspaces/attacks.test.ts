/** Ways to reach what lies in a workspace without a role there, each with the story of who tries it (behaviours.md, section 5). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { type Answer, type Ask, asker } from '../../../tests/support/ask.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { insertServiceAccount, type TestMachine } from '../../../tests/support/service-account-rows.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import type { Role } from '../../domain/role.ts'

describe.each(dialects)('attacks on workspaces on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let acme: { id: string; name: string }
  let evil: { id: string; name: string }
  let ci: TestMachine
  let made = 0
  const people: Record<string, TestUser> = {}
  const who = (name: string) => people[name]?.token ?? ''
  const base = '/api/organizations/acme/resource-groups'
  const groups = '/api/organizations/acme/groups'
  const nothing = 'f'.repeat(24)

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ask = asker(test)
    for (const name of ['ada', 'mara', 'mel', 'rae', 'eve'])
      people[name] = await makeUser(test, name, { tokenRole: 'write' })
    acme = await makeOrganization(test, 'acme', people.ada as TestUser, { mara: 'write', mel: 'write', rae: 'read' })
    evil = await makeOrganization(test, 'evil', people.eve as TestUser)
    ci = await insertServiceAccount(test, acme.id, 'ci', 'write')
    await test.hub.transaction((tx) =>
      tx.updateTable('organization').set({ workspaceCreation: 'read' }).where('id', '=', acme.id).execute(),
    )
  })
  afterAll(() => test.stop())

  async function makeWorkspace(users: Record<string, Role> = {}): Promise<string> {
    const body = { name: `p${++made}`, users: Object.entries(users).map(([user, role]) => ({ user, role })) }
    return (await ask('POST', base, who('ada'), body)).json<{ id: string }>().id
  }

  async function makeGroup(members: Record<string, 'member' | 'manager'> = {}): Promise<string> {
    const { id } = (await ask('POST', groups, who('ada'), { name: `g${++made}` })).json<{ id: string }>()
    for (const [name, role] of Object.entries(members))
      await ask('PUT', `${groups}/${id}/members/${name}`, who('ada'), { role })
    return id
  }

  async function makeRepo(workspace?: string, more: object = {}): Promise<string> {
    const name = `m${++made}`
    const body = { name, organization: 'acme', private: true, resourceGroupId: workspace, ...more }
    expect((await ask('POST', '/api/repos/create', who('ada'), body)).status).toBe(200)
    return `acme/${name}`
  }

  const sees = async (repo: string, token: string) => (await ask('GET', `/api/models/${repo}`, token)).status
  const writes = async (repo: string, token: string) =>
    (await ask('GET', `/api/models/${repo}/auth-check/write`, token)).status
  /** An answer without what differs between any two: ids of requests, and the names that were asked for. */
  const bare = (answer: Answer, ...names: string[]) => {
    const kept = ['x-error-code', 'x-error-message', 'x-hub-denied', 'content-type']
    const text = names.reduce((rest, name) => rest.replaceAll(name, '…'), answer.text)
    return [
      answer.status,
      text.replace(/"requestId":"[^"]*"/, ''),
      kept.map((name) => names.reduce((rest, each) => rest?.replaceAll(each, '…') ?? null, answer.headers.get(name))),
    ]
  }

  it('moving repos to see them: a workspace of one’s own does not pull in what one may not move', async () => {
    // mara may make workspaces and administers the ones she makes. She names a repo of a workspace that is closed to her, and one that she
    // sees, as the first content of hers: if that worked she would be reading and writing both.
    const closed = await makeWorkspace({ mel: 'admin' })
    const hidden = await makeRepo(closed)
    const seen = await makeRepo()
    const take = (name: string, more: object = {}) =>
      ask('POST', base, who('mara'), {
        name: 'trap',
        users: [{ user: 'mara', role: 'admin' }],
        repos: [{ name, type: 'model' }],
        ...more,
      })
    const missing = await take('acme/never-was', { moveRepos: true })
    expect(missing.status).toBe(404)
    expect(bare(await take(hidden, { moveRepos: true }), hidden)).toEqual(bare(missing, 'acme/never-was'))
    expect((await take(seen)).status).toBe(403)
    // Nothing of it was made.
    const listed = (await ask('GET', base, who('ada'))).json<{ name: string }[]>()
    expect(listed.map(({ name }) => name)).not.toContain('trap')
    // Nor by moving them later, nor out of the workspace that mel administers, nor into her own namespace.
    const own = (await ask('POST', base, who('mara'), { name: 'own', users: [{ user: 'mara', role: 'admin' }] })).json<{
      id: string
    }>().id
    const move = (repo: string, token: string, resourceGroupId: string | null) =>
      ask('POST', `/api/models/${repo}/resource-group`, token, { resourceGroupId })
    expect((await move(hidden, who('mara'), own)).status).toBe(404)
    expect((await move(seen, who('mara'), own)).status).toBe(403)
    expect((await move(hidden, who('mel'), null)).status).toBe(403)
    const away = await ask('POST', '/api/repos/move', who('mel'), {
      fromRepo: hidden,
      toRepo: `mel/${hidden.slice(5)}`,
    })
    expect(away.status).toBe(403)
    expect([await sees(hidden, who('mara')), await sees(hidden, who('mel')), await writes(seen, who('rae'))]).toEqual([
      404, 200, 403,
    ])
  })

  it('a rename into a name that one had: a repo in a workspace is not found under its old address either', async () => {
    // rae knew the repo while it lay in the organization. It is renamed and goes into a workspace; the old address still leads to it, and
    // must lead her nowhere.
    const repo = await makeRepo()
    expect(await sees(repo, who('rae'))).toBe(200)
    await ask('POST', '/api/repos/move', who('ada'), { fromRepo: repo, toRepo: `${repo}-new` })
    expect((await ask('GET', `/api/models/${repo}`, who('rae'))).status).toBe(307)
    const id = await makeWorkspace()
    await ask('POST', `/api/models/${repo}-new/resource-group`, who('ada'), { resourceGroupId: id })
    const missing = await ask('GET', '/api/models/acme/never-was', who('rae'))
    for (const address of [repo, `${repo}-new`]) {
      expect(bare(await ask('GET', `/api/models/${address}`, who('rae')), address)).toEqual(
        bare(missing, 'acme/never-was'),
      )
    }
  })

  it('guessing ids across organizations: those of another one are answered like ids that nobody has', async () => {
    // eve administers evil, and learned the ids of a workspace and of a group of acme from a log. Under the addresses of her own
    // organization she would be their administrator, if the ids alone counted.
    const workspace = await makeWorkspace({ mara: 'read' })
    const group = await makeGroup({ mara: 'member' })
    await makeRepo(workspace)
    const own = (await ask('POST', '/api/organizations/evil/resource-groups', who('eve'), { name: 'own' })).json<{
      id: string
    }>().id
    const there = '/api/organizations/evil'
    const users = { users: [{ user: 'eve', role: 'admin' }] }
    const attempts: [string, (id: string) => string, unknown?][] = [
      ['GET', (id) => `${there}/resource-groups/${id}`],
      ['PATCH', (id) => `${there}/resource-groups/${id}`, { name: 'mine' }],
      ['DELETE', (id) => `${there}/resource-groups/${id}`],
      ['POST', (id) => `${there}/resource-groups/${id}/settings`, { autoJoin: { enabled: true, role: 'admin' } }],
      ['GET', (id) => `${there}/resource-groups/${id}/users`],
      ['POST', (id) => `${there}/resource-groups/${id}/users`, users],
      ['PATCH', (id) => `${there}/resource-groups/${id}/users/mara`, { role: 'admin' }],
      ['DELETE', (id) => `${there}/resource-groups/${id}/users/mara`],
      ['GET', (id) => `${there}/resource-groups/${id}/repos`],
      ['GET', (id) => `${there}/resource-groups/${id}/groups`],
      ['POST', (id) => `${there}/resource-groups/${id}/groups`, { group, role: 'admin' }],
      ['GET', (id) => `${there}/groups/${id}`],
      ['PATCH', (id) => `${there}/groups/${id}`, { name: 'mine' }],
      ['DELETE', (id) => `${there}/groups/${id}`],
      ['GET', (id) => `${there}/groups/${id}/members`],
      ['PUT', (id) => `${there}/groups/${id}/members/eve`, { role: 'manager' }],
      ['DELETE', (id) => `${there}/groups/${id}/members/mara`],
    ]
    for (const [method, path, body] of attempts) {
      const unknown = await ask(method, path(nothing), who('eve'), body)
      expect(unknown.status, `${method} ${path(nothing)}`).toBe(404)
      const known = path('').includes('/groups/') && !path('').includes('resource-groups') ? group : workspace
      expect(bare(await ask(method, path(known), who('eve'), body), known), `${method} ${path(known)}`).toEqual(
        bare(unknown, nothing),
      )
      // In its own organization the same id is not hers either.
      const inAcme = await ask(method, path(known).replace('/evil/', '/acme/'), who('eve'), body)
      expect(inAcme.status, `${method} ${path(known)} in acme`).toBe(404)
    }
    // Ids in bodies: a group of acme in her workspace, her repo in acme's workspace, a new one there, a member's role there.
    const give = (id: string) =>
      ask('POST', `${there}/resource-groups/${own}/groups`, who('eve'), { group: id, role: 'read' })
    expect(bare(await give(group), group)).toEqual(bare(await give(nothing), nothing))
    await ask('POST', '/api/repos/create', who('eve'), { name: 'bait', organization: 'evil' })
    const put = (id: string) => ask('POST', '/api/models/evil/bait/resource-group', who('eve'), { resourceGroupId: id })
    expect((await put(nothing)).status).toBe(404)
    expect(bare(await put(workspace), workspace)).toEqual(bare(await put(nothing), nothing))
    const create = (id: string, organization: string) =>
      ask('POST', '/api/repos/create', who('eve'), { name: 'bait2', organization, resourceGroupId: id })
    for (const organization of ['evil', 'acme']) {
      expect((await create(nothing, organization)).status).toBe(404)
      expect(bare(await create(workspace, organization), workspace)).toEqual(
        bare(await create(nothing, organization), nothing),
      )
    }
    const member = await ask('PUT', `${there}/members/eve/role`, who('eve'), {
      role: 'admin',
      resourceGroups: [{ id: workspace, role: 'admin' }],
    })
    expect(member.status).toBe(422)
    const kept = await ask('GET', `${base}/${workspace}`, who('ada'))
    expect(kept.json()).toMatchObject({ autoJoin: { enabled: false }, users: [{ name: 'mara', role: 'read' }] })
    expect(evil.name).toBe('evil')
  })

  it('GRP-4: a manager of a group has no say in the workspaces that the group is in', async () => {
    // mara manages a group that reads a workspace. She tries to make herself its administrator, to raise the role of her group, and to put
    // her group into a workspace that it has nothing to do with.
    const group = await makeGroup({ mara: 'manager', mel: 'member' })
    const workspace = await makeWorkspace()
    const foreign = await makeWorkspace()
    await ask('POST', `${base}/${workspace}/groups`, who('ada'), { group, role: 'read' })
    const repo = await makeRepo(workspace)
    for (const [method, path, body] of [
      ['POST', `${workspace}/users`, { users: [{ user: 'mara', role: 'admin' }] }],
      ['PATCH', `${workspace}/groups/${group}`, { role: 'admin' }],
      ['DELETE', `${workspace}/groups/${group}`, undefined],
      ['PATCH', workspace, { name: 'mine' }],
      ['POST', `${workspace}/settings`, { autoJoin: { enabled: true, role: 'admin' } }],
    ] as const) {
      expect((await ask(method, `${base}/${path}`, who('mara'), body)).status, `${method} ${path}`).toBe(403)
    }
    expect((await ask('POST', `${base}/${foreign}/groups`, who('mara'), { group, role: 'admin' })).status).toBe(404)
    expect([await sees(repo, who('mara')), await writes(repo, who('mara'))]).toEqual([200, 403])
    // Being its manager without the group having a role gives nothing at all.
    await ask('DELETE', `${base}/${workspace}/groups/${group}`, who('ada'))
    expect(await sees(repo, who('mara'))).toBe(404)
  })

  it('an outsider through a group: who is not of the organization is not added, and has nothing from a row that is there', async () => {
    // mara manages a group and wants to let eve, who is of no part of acme, read what the group reads.
    const group = await makeGroup({ mara: 'manager' })
    const workspace = await makeWorkspace()
    await ask('POST', `${base}/${workspace}/groups`, who('ada'), { group, role: 'write' })
    const repo = await makeRepo(workspace)
    expect((await ask('PUT', `${groups}/${group}/members/eve`, who('mara'), { role: 'member' })).status).toBe(404)
    const added = await ask('POST', `${base}/${workspace}/users`, who('ada'), {
      users: [{ user: 'eve', role: 'read' }],
    })
    expect(added.status).toBe(404)
    // Were such a row left by a fault, or by a restored backup, it would be worth nothing.
    await test.hub.transaction(async (tx) => {
      const eve = { principalId: people.eve?.id ?? '', principalKind: 'user', createdAt: 1, createdBy: null } as const
      await tx
        .insertInto('groupMember')
        .values({ ...eve, groupId: group, role: 'manager' })
        .execute()
      await tx
        .insertInto('roleGrant')
        .values({ ...eve, targetId: workspace, targetKind: 'workspace', role: 'admin' })
        .execute()
    })
    expect(await sees(repo, who('eve'))).toBe(404)
    expect((await ask('GET', `${base}/${workspace}`, who('eve'))).status).toBe(404)
    expect((await ask('GET', `${groups}/${group}`, who('eve'))).status).toBe(404)
    expect((await ask('GET', '/api/models?author=acme&limit=1000', who('eve'))).text).not.toContain(repo)
  })

  it('a role kept after leaving: who left the organization has none in its workspaces, and regains none when invited again', async () => {
    // lena has a role in a workspace, another through a group, and made a repo there. She is removed, or leaves, and is added again later by
    // somebody who does not know of all that.
    const lena = await makeUser(test, `lena-${dialect}`, { tokenRole: 'write' })
    const join = () =>
      ask('POST', '/api/organizations/acme/members', who('ada'), { user: lena.name, role: 'no_access' })
    const workspace = await makeWorkspace()
    const throughGroup = await makeWorkspace()
    const group = await makeGroup()
    await ask('POST', `${base}/${throughGroup}/groups`, who('ada'), { group, role: 'write' })
    const second = await makeRepo(throughGroup)
    for (const goes of [
      () => ask('DELETE', `/api/organizations/acme/members/${lena.name}`, who('ada')),
      () => ask('POST', '/api/organizations/acme/leave', lena.token),
    ]) {
      expect((await join()).status).toBe(201)
      await ask('POST', `${base}/${workspace}/users`, who('ada'), { users: [{ user: lena.name, role: 'admin' }] })
      await ask('PUT', `${groups}/${group}/members/${lena.name}`, who('ada'), { role: 'manager' })
      const name = `own${++made}`
      const body = { name, organization: 'acme', private: true, resourceGroupId: workspace }
      expect((await ask('POST', '/api/repos/create', lena.token, body)).status).toBe(200)
      const own = `acme/${name}`
      expect([await writes(own, lena.token), await writes(second, lena.token)]).toEqual([200, 200])
      expect((await goes()).status).toBe(204)
      const outside = [await sees(own, lena.token), await sees(second, lena.token)]
      expect(outside).toEqual([404, 404])
      await join()
      expect([await sees(own, lena.token), await sees(second, lena.token)]).toEqual([404, 404])
      expect((await ask('GET', base, lena.token)).json()).toEqual([])
      await ask('DELETE', `/api/organizations/acme/members/${lena.name}`, who('ada'))
    }
  })

  it('GRP-8: added to a group while leaving: whichever comes first, nothing of it outlasts the membership', async () => {
    // On PostgreSQL the two run at the same moment: the one must not look before the other and write after it.
    const lena = await makeUser(test, `flicker-${dialect}`)
    const group = await makeGroup()
    const workspace = await makeWorkspace()
    for (let round = 0; round < 8; round++) {
      await ask('POST', '/api/organizations/acme/members', who('ada'), { user: lena.name })
      const [gone] = await Promise.all([
        ask('DELETE', `/api/organizations/acme/members/${lena.name}`, who('ada')),
        ask('PUT', `${groups}/${group}/members/${lena.name}`, who('ada'), { role: 'manager' }),
        ask('POST', `${base}/${workspace}/users`, who('ada'), { users: [{ user: lena.name, role: 'admin' }] }),
      ])
      expect(gone.status).toBe(204)
      const left = await test.hub.db.list
        .selectFrom('roleGrant')
        .selectAll()
        .where('principalId', '=', lena.id)
        .execute()
      const in_ = await test.hub.db.list
        .selectFrom('groupMember')
        .selectAll()
        .where('principalId', '=', lena.id)
        .execute()
      expect([left, in_]).toEqual([[], []])
    }
  })

  it('races of two role changes: one after the other, and the log tells which', async () => {
    // Two administrators change the same role at the same moment, one to write and one to read; a third removes it.
    const workspace = await makeWorkspace({ rae: 'contributor' })
    for (let round = 0; round < 5; round++) {
      const both = await Promise.all(
        (['write', 'read'] as const).map((role) =>
          ask('PATCH', `${base}/${workspace}/users/rae`, who('ada'), { role }),
        ),
      )
      expect(both.map(({ status }) => status)).toEqual([200, 200])
      await ask('PATCH', `${base}/${workspace}/users/rae`, who('ada'), { role: 'contributor' })
    }
    const events = await test.hub.db.list
      .selectFrom('event')
      .select('data')
      .where('action', '=', 'resource_group.change_role')
      .where('resourceId', '=', workspace)
      .orderBy('id')
      .execute()
    const steps = events.map(({ data }) => JSON.parse(data) as { from: string; to: string })
    expect(steps).toHaveLength(15)
    // Every change says what it found: a chain without a gap, in one order. Ids of events made at one moment may be out of order by one.
    const used = new Map<string, number>()
    for (const { from, to } of steps) {
      used.set(from, (used.get(from) ?? 0) - 1)
      used.set(to, (used.get(to) ?? 0) + 1)
    }
    expect([...used.values()].every((count) => count === 0)).toBe(true)
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        ask('DELETE', `${base}/${workspace}/users/rae`, who('ada')),
        ask('PATCH', `${base}/${workspace}/users/rae`, who('ada'), { role: 'admin' }),
      ])
      // Changing a role never brings back one that was taken.
      const { users } = (await ask('GET', `${base}/${workspace}`, who('ada'))).json<{ users: unknown[] }>()
      expect(users).toEqual([])
      await ask('POST', `${base}/${workspace}/users`, who('ada'), { users: [{ user: 'rae', role: 'read' }] })
    }
  })

  it('races with an end: nothing goes into a workspace or a group that is being deleted', async () => {
    // A repo that went into a workspace at the moment of its deletion would be lost to everybody but administrators.
    for (let round = 0; round < 6; round++) {
      const workspace = await makeWorkspace()
      const group = await makeGroup()
      const repo = await makeRepo()
      const answers = await Promise.all([
        ask('DELETE', `${base}/${workspace}`, who('ada')),
        ask('POST', `/api/models/${repo}/resource-group`, who('ada'), { resourceGroupId: workspace }),
        ask('POST', '/api/repos/create', who('ada'), {
          name: `late${++made}`,
          organization: 'acme',
          resourceGroupId: workspace,
        }),
        ask('POST', `${base}/${workspace}/groups`, who('ada'), { group, role: 'read' }),
        ask('POST', `${base}/${workspace}/users`, who('ada'), { users: [{ user: 'rae', role: 'read' }] }),
      ])
      expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([])
      const list = test.hub.db.list
      expect(await list.selectFrom('repo').select('fullName').where('workspaceId', '=', workspace).execute()).toEqual(
        [],
      )
      expect(await list.selectFrom('roleGrant').selectAll().where('targetId', '=', workspace).execute()).toEqual([])
      expect(await sees(repo, who('rae'))).toBe(200)
      const other = await makeWorkspace()
      const others = await Promise.all([
        ask('DELETE', `${groups}/${group}`, who('ada')),
        ask('POST', `${base}/${other}/groups`, who('ada'), { group, role: 'admin' }),
        ask('PUT', `${groups}/${group}/members/rae`, who('ada'), { role: 'member' }),
      ])
      expect(others.map(({ status }) => status).filter((status) => status >= 500)).toEqual([])
      expect(await list.selectFrom('roleGrant').selectAll().where('principalId', '=', group).execute()).toEqual([])
      expect(await list.selectFrom('groupMember').selectAll().where('groupId', '=', group).execute()).toEqual([])
    }
  })

  it('a service account adding itself: its token puts it neither into a group nor into a workspace', async () => {
    // Somebody holds the token of a pipeline that writes to the organization, and wants what lies in its workspaces.
    const workspace = await makeWorkspace()
    const group = await makeGroup()
    await ask('POST', `${base}/${workspace}/groups`, who('ada'), { group, role: 'admin' })
    const repo = await makeRepo(workspace)
    expect((await ask('PUT', `${groups}/${group}/members/${ci.name}`, ci.token, { role: 'manager' })).status).toBe(403)
    const users = { users: [{ user: ci.name, role: 'admin' }] }
    expect((await ask('POST', `${base}/${workspace}/users`, ci.token, users)).status).toBe(404)
    expect(await sees(repo, ci.token)).toBe(404)
    // With a role in one it reaches that one alone.
    await ask('POST', `${base}/${workspace}/users`, who('ada'), { users: [{ user: ci.name, role: 'read' }] })
    expect((await ask('PATCH', `${base}/${workspace}/users/${ci.name}`, ci.token, { role: 'admin' })).status).toBe(403)
    expect([await sees(repo, ci.token), await writes(repo, ci.token)]).toEqual([200, 403])
  })
})
