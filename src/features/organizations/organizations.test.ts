/** Organizations and their members (behaviours.md, 1.2), over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { roles } from '../../domain/role.ts'

const password = 'a long enough sentence'

describe.each(dialects)('organizations on %s', (dialect) => {
  let test: TestHub
  let ada: TestUser
  let token: string

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ada = await makeUser(test, 'ada', { password })
    token = await makeToken(test, ada, { role: 'write' })
  })
  afterAll(() => test.stop())

  async function ask(method: string, path: string, body?: unknown, value: string | null = token) {
    const response = await fetch(`${test.url}${path}`, {
      method,
      headers: {
        ...(value === null ? {} : { authorization: `Bearer ${value}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }

  it('is made by who has a write token, and shares names with people', async () => {
    const made = await ask('POST', '/api/organizations', { name: 'Acme', fullname: 'Acme Ltd' })
    expect(made.status).toBe(201)
    expect((await ask('POST', '/api/organizations', { name: 'acme' })).status).toBe(409)
    expect((await ask('POST', '/api/organizations', { name: 'ADA' })).status).toBe(409)
    expect((await ask('POST', '/api/organizations', { name: 'models' })).status).toBe(409)
    expect((await ask('POST', '/api/organizations', { name: '-x' })).status).toBe(400)
    expect((await ask('POST', '/api/organizations', { name: 'nobodys' }, null)).status).toBe(401)
    const reading = await makeToken(test, ada, { role: 'read' })
    expect((await ask('POST', '/api/organizations', { name: 'readers' }, reading)).status).toBe(403)
    expect((await ask('GET', '/api/organizations/ACME/overview', undefined, null)).json()).toMatchObject({
      name: 'Acme',
      fullname: 'Acme Ltd',
      numUsers: 1,
      numModels: 0,
      avatarUrl: `${test.url}/avatars/Acme.svg`,
    })
    expect((await ask('GET', '/api/organizations/ada/overview')).status).toBe(404)
    const me = (await ask('GET', '/api/whoami-v2')).json<{ orgs: unknown[] }>()
    expect(me.orgs).toMatchObject([{ type: 'org', name: 'Acme', roleInOrg: 'admin' }])
  })

  it('ROL: members are managed by administrators alone, and seen by read and more', async () => {
    const name = 'roles'
    await makeOrganization(test, name, ada)
    const outsider = await makeToken(test, await makeUser(test, 'outsider'), { role: 'write' })
    await makeUser(test, 'subject')
    for (const role of roles) {
      const user = await makeUser(test, `m-${role.replace('_', '-')}`)
      expect((await ask('POST', `/api/organizations/${name}/members`, { user: user.name, role })).status).toBe(201)
      const value = await makeToken(test, user, { role: 'write' })
      const listed = await ask('GET', `/api/organizations/${name}/members`, undefined, value)
      expect(listed.status, role).toBe(role === 'no_access' ? 403 : 200)
      const added = await ask('POST', `/api/organizations/${name}/members`, { user: 'subject', role: 'read' }, value)
      expect(added.status, role).toBe(role === 'admin' ? 201 : 403)
      const changed = await ask('PUT', `/api/organizations/${name}/members/subject/role`, { role: 'write' }, value)
      expect(changed.status, role).toBe(role === 'admin' ? 200 : 403)
      if (role !== 'admin')
        expect(changed.headers.get('x-hub-denied')).toBe(`role; need=admin; have=${role}; entity=organization:${name}`)
    }
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['POST', '', { user: 'subject' }],
      ['PUT', '/subject/role', { role: 'admin' }],
      ['DELETE', '/subject', undefined],
    ] as const) {
      expect((await ask(method, `/api/organizations/${name}/members${path}`, body, outsider)).status).toBe(403)
      expect((await ask(method, `/api/organizations/${name}/members${path}`, body, null)).status).toBe(401)
    }
    expect((await ask('POST', `/api/organizations/${name}/members`, { user: 'subject' })).status).toBe(409)
    expect((await ask('POST', `/api/organizations/${name}/members`, { user: 'nobody' })).status).toBe(404)
    expect((await ask('DELETE', `/api/organizations/${name}/members/subject`)).status).toBe(204)
    expect((await ask('DELETE', `/api/organizations/${name}/members/subject`)).status).toBe(404)
  })

  it('ROL: a fine-grained token needs the permission on this organization', async () => {
    const org = await makeOrganization(test, 'fine', ada)
    await makeUser(test, 'fin')
    const add = (value: string) => ask('POST', `/api/organizations/${org.name}/members`, { user: 'fin' }, value)
    const without = await add(await makeToken(test, ada, { role: 'fineGrained', scoped: ['org:fine=repo.write'] }))
    expect(without.status).toBe(403)
    expect(without.headers.get('x-hub-denied')).toContain('need=org.write or org.members.write')
    expect(
      (await add(await makeToken(test, ada, { role: 'fineGrained', scoped: ['org:Acme=org.write'] }))).status,
    ).toBe(403)
    expect(
      (await add(await makeToken(test, ada, { role: 'fineGrained', scoped: ['org:fine=org.members.write'] }))).status,
    ).toBe(201)
  })

  it('ROL-b: a role change is audited with the old and the new role', async () => {
    const olga = await makeUser(test, 'olga')
    const org = await makeOrganization(test, 'audited', ada, { olga: 'read' })
    expect((await ask('PUT', `/api/organizations/${org.name}/members/OLGA/role`, { role: 'contributor' })).status).toBe(
      200,
    )
    const event = await test.hub.db.read
      .selectFrom('event')
      .where('action', '=', 'org.change_role')
      .where('ownerId', '=', org.id)
      .select(['data', 'actorName', 'resourceId'])
      .executeTakeFirst()
    expect(event).toMatchObject({ actorName: 'ada', resourceId: olga.id })
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ from: 'read', to: 'contributor' })
  })

  it('ROL-c: the last administrator is neither demoted nor removed, and does not leave', async () => {
    const user = await makeUser(test, 'lone', { password })
    const value = await makeToken(test, user, { role: 'write' })
    await makeUser(test, 'helper')
    await makeOrganization(test, 'lonely', user, { helper: 'write' })
    for (const [method, path, body] of [
      ['PUT', '/members/lone/role', { role: 'write' }],
      ['DELETE', '/members/lone', undefined],
      ['POST', '/leave', undefined],
    ] as const) {
      const answer = await ask(method, `/api/organizations/lonely${path}`, body, value)
      expect(answer.status).toBe(409)
      expect(answer.json()).toMatchObject({ code: 'last_admin' })
    }
    // An administrator whose account is deactivated is none.
    await makeUser(test, 'sleeper')
    await ask('POST', '/api/organizations/lonely/members', { user: 'sleeper', role: 'admin' }, value)
    await test.hub.transaction((tx) =>
      tx
        .updateTable('user')
        .set({ state: 'deactivated' })
        .where('id', '=', (q) => q.selectFrom('namespace').select('namespace.id').where('nameKey', '=', 'sleeper'))
        .execute(),
    )
    expect((await ask('POST', '/api/organizations/lonely/leave', undefined, value)).status).toBe(409)
    await ask('PUT', '/api/organizations/lonely/members/helper/role', { role: 'admin' }, value)
    expect((await ask('POST', '/api/organizations/lonely/leave', undefined, value)).status).toBe(204)
  })

  it('ROL-c: of two administrators who step down at the same moment, one stays', async () => {
    for (let round = 0; round < 5; round++) {
      const left = await makeUser(test, `left-${round}`)
      const right = await makeUser(test, `right-${round}`)
      const name = `pair-${round}`
      const org = await makeOrganization(test, name, left, { [right.name]: 'admin' })
      const [mine, theirs] = [
        await makeToken(test, left, { role: 'write' }),
        await makeToken(test, right, { role: 'write' }),
      ]
      const answers = await Promise.all([
        ask('POST', `/api/organizations/${name}/leave`, undefined, mine),
        ask('PUT', `/api/organizations/${name}/members/${right.name}/role`, { role: 'read' }, theirs),
      ])
      expect(answers.filter((answer) => answer.status < 300)).toHaveLength(1)
      const admins = await test.hub.db.read
        .selectFrom('roleGrant')
        .where('targetId', '=', org.id)
        .where('role', '=', 'admin')
        .select('principalId')
        .execute()
      expect(admins).toHaveLength(1)
    }
  })

  it('ROL-d: the role endpoint replaces the member’s resource groups, and without a list removes them', async () => {
    const user = await makeUser(test, 'grouped')
    const org = await makeOrganization(test, 'groups', ada, { grouped: 'read' })
    const id = test.hub.clock.id()
    await test.hub.transaction((tx) =>
      tx
        .insertInto('workspace')
        .values({ id, organizationId: org.id, name: 'w', nameKey: 'w', createdAt: 1 })
        .execute(),
    )
    const path = '/api/organizations/groups/members/grouped/role'
    const groups = async () =>
      (
        await test.hub.db.read
          .selectFrom('roleGrant')
          .where('principalId', '=', user.id)
          .where('targetKind', '=', 'workspace')
          .select('role')
          .execute()
      ).map((row) => row.role)
    expect((await ask('PUT', path, { role: 'read', resourceGroups: [{ id, role: 'write' }] })).status).toBe(200)
    expect(await groups()).toEqual(['write'])
    const foreign = { role: 'read', resourceGroups: [{ id: test.hub.clock.id(), role: 'write' }] }
    expect((await ask('PUT', path, foreign)).status).toBe(422)
    expect(await groups()).toEqual(['write'])
    expect((await ask('PUT', path, { role: 'write' })).status).toBe(200)
    expect(await groups()).toEqual([])
    expect((await ask('PUT', path, { role: 'god' })).status).toBe(400)
  })

  it('lists members a page at a time, by name', async () => {
    const names = ['zoe', 'bob', 'cid', 'dan', 'eve']
    for (const name of names) await makeUser(test, name)
    await makeOrganization(test, 'paged', ada, Object.fromEntries(names.map((name) => [name, 'read' as const])))
    const seen: string[] = []
    let next: string | null = `${test.url}/api/organizations/paged/members?limit=2`
    let pages = 0
    while (next !== null && pages++ < 10) {
      const response: Response = await fetch(next, { headers: { authorization: `Bearer ${token}` } })
      seen.push(...((await response.json()) as { user: string }[]).map((member) => member.user))
      next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1] ?? null
    }
    expect(seen).toEqual(['ada', 'bob', 'cid', 'dan', 'eve', 'zoe'])
    expect(pages).toBe(3)
  })

  it('AUTH-5: who is removed loses what the organization gave with the next request', async () => {
    const user = await makeUser(test, 'leaver')
    await makeOrganization(test, 'gives', ada, { leaver: 'read' })
    const value = await makeToken(test, user, { role: 'read' })
    const members = () => ask('GET', '/api/organizations/gives/members', undefined, value)
    expect((await members()).status).toBe(200)
    await ask('DELETE', '/api/organizations/gives/members/leaver')
    expect((await members()).status).toBe(403)
  })

  it('has pages: making one, adding, changing, removing and leaving', async () => {
    const cookie = await signInAs(test, ada)
    await makeUser(test, 'paul')
    const post = (path: string, form: Record<string, string>, session = cookie) =>
      fetch(`${test.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: session },
        body: new URLSearchParams(form),
      })
    const taken = await post('/organizations/new', { name: 'acme' })
    expect(taken.status).toBe(409)
    expect(await taken.text()).toContain('The name &quot;acme&quot; is taken.')
    const made = await post('/organizations/new', { name: 'paged-org', fullname: '', defaultVisibility: 'public' })
    expect(made.headers.get('location')).toBe('/organizations/paged-org/settings/members')
    const here = '/organizations/paged-org/settings/members'
    const wrong = await post(here, { username: 'nobody', role: 'read' })
    expect(wrong.status).toBe(404)
    expect(await wrong.text()).toContain('This user does not exist')
    expect((await post(here, { username: 'paul', role: 'write' })).status).toBe(303)
    expect((await post(`${here}/paul`, { role: 'contributor' })).status).toBe(303)
    const shown = await (await fetch(`${test.url}${here}?dialog=remove&member=paul`, { headers: { cookie } })).text()
    expect(shown).toContain('Remove paul from paged-org')
    expect(shown).toContain('You are the last admin of paged-org')
    expect((await post(`${here}/ada`, { role: 'read' })).status).toBe(409)
    expect((await post('/organizations/paged-org/leave', {})).status).toBe(409)
    expect((await post(`${here}/paul/remove`, {})).status).toBe(303)
    const own = await (await fetch(`${test.url}/settings/organizations`, { headers: { cookie } })).text()
    expect(own).toContain('Members of paged-org')
    const stranger = await fetch(`${test.url}${here}`, { redirect: 'manual' })
    expect(stranger.headers.get('location')).toContain('/login?next=')
  })
})
