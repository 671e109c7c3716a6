/** Settings of an organization, its seats, and what is left of somebody who leaves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { serviceAccountName } from '../../domain/facts.ts'

const password = 'a long enough sentence'

describe.each(dialects)('settings and members on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let ada: TestUser
  let token: string
  beforeAll(async () => {
    test = await startHubOn(dialect)
    ask = asking(test)
    ada = await makeUser(test, 'ada', { password })
    token = await makeToken(test, ada, { role: 'write' })
  })
  afterAll(() => test.stop())

  const patch = (org: string, body: object) => ask('PATCH', `/api/organizations/${org}/settings`, { token, body })
  const eventsOf = async (org: { id: string }, like = 'org.%') =>
    await test.hub.db.read
      .selectFrom('event')
      .select(['action', 'data'])
      .where('ownerId', '=', org.id)
      .where('action', 'like', like)
      .orderBy('id')
      .execute()
  const setFactor = (user: { id: string }, at: number | null) =>
    test.hub.transaction((tx) => tx.updateTable('user').set({ secondFactorAt: at }).where('id', '=', user.id).execute())
  async function makeMachine(org: { id: string }, role: 'read' | 'admin'): Promise<string> {
    const id = test.hub.clock.id()
    await test.hub.transaction(async (tx) => {
      const named = { organizationId: org.id, name: `ci ${id}`, nameKey: `ci ${id}`, description: null, contact: null }
      const state = { createdAt: 1, createdBy: null, expiresAt: null, disabledAt: null }
      await tx
        .insertInto('serviceAccount')
        .values({ id, ...named, ...state })
        .execute()
      const grant = { targetId: org.id, targetKind: 'organization', principalId: id, principalKind: 'service-account' }
      await tx
        .insertInto('roleGrant')
        .values({ ...grant, role, createdAt: 1, createdBy: null } as never)
        .execute()
    })
    return id
  }

  it('are changed one by one, with events under the Hub’s names that tell the old and the new', async () => {
    const org = await makeOrganization(test, 'settled', ada)
    const changed = await patch('settled', {
      fullname: '  Settled   Ltd ',
      description: 'One\r\nTwo',
      defaultRole: 'write',
      defaultVisibility: 'public',
      membersVisibility: 'public',
      workspaceCreation: 'contributor',
    })
    expect(changed.json()).toEqual({
      name: 'settled',
      fullname: 'Settled Ltd',
      description: 'One\nTwo',
      defaultRole: 'write',
      defaultVisibility: 'public',
      membersVisibility: 'public',
      workspaceCreation: 'contributor',
      scanPolicy: 'warn',
      pickleAdmission: 'off',
      pickleAllowList: '',
      leakedTokens: 'record',
      pushProtection: 'off',
      secondFactorRequired: false,
    })
    const told = await eventsOf(org, 'org.%settings%')
    expect(told.map(({ action }) => action).sort()).toEqual([
      'org.settings.profile',
      'org.settings.security.members_privacy.disable',
      'org.update_settings',
    ])
    const rules = told.find(({ action }) => action === 'org.update_settings')
    expect(JSON.parse(rules?.data ?? '')).toEqual({
      defaultRole: { from: 'read', to: 'write' },
      defaultVisibility: { from: 'private', to: 'public' },
      workspaceCreation: { from: 'admin', to: 'contributor' },
    })
    // What is so already changes nothing and tells nothing.
    await patch('settled', { fullname: 'Settled Ltd', membersVisibility: 'public' })
    expect(await eventsOf(org, 'org.%settings%')).toHaveLength(3)
    await patch('settled', { membersVisibility: 'members' })
    expect((await eventsOf(org, 'org.%settings%')).at(-1)?.action).toBe('org.settings.security.members_privacy.enable')
    expect((await ask('GET', '/settled')).text).toContain('One\nTwo')
    expect((await patch('settled', { fullname: null })).json()).toMatchObject({ fullname: null })
    for (const [body, status] of [
      [{ defaultRole: 'admin' }, 422],
      [{ fullname: 'x'.repeat(101) }, 422],
      [{ description: 'a\u0000b' }, 422],
      [{ defaultRole: 'god' }, 400],
      [{ secondFactorRequired: true }, 400],
      [{ seatLimit: 1 }, 400],
    ] as const) {
      expect((await patch('settled', body)).status, JSON.stringify(body)).toBe(status)
    }
  })

  it('AUTH-4e: a second factor is required by who has one, told how many are kept out, and holds from the next request', async () => {
    const plain = await makeUser(test, 'plain')
    const org = await makeOrganization(test, 'strict', ada, { plain: 'write' })
    const cookie = await signInAs(test, ada)
    const value = await makeToken(test, plain, { role: 'write' })
    const require = (secondFactorRequired: boolean, how: object = { cookie }) =>
      ask('PUT', '/api/organizations/strict/settings/security', { ...how, body: { secondFactorRequired } })
    expect((await require(true, { token })).json()).toMatchObject({ code: 'session_needed' })
    const alone = await require(true)
    expect(alone.json()).toMatchObject({ code: 'own_factor_first' })
    expect((await ask('GET', '/organizations/strict/settings/profile', { cookie })).text).toContain(
      'You have none yourself',
    )
    await setFactor(ada, 1)
    const page = await ask('GET', '/organizations/strict/settings/profile?dialog=second-factor', { cookie })
    expect(page.text).toContain('1 member without one is kept out from the next request')
    const members = () => ask('GET', '/api/organizations/strict/members', { token: value })
    expect((await members()).status).toBe(200)
    expect((await require(true)).json()).toEqual({ secondFactorRequired: true, membersWithoutSecondFactor: 1 })
    expect((await members()).json()).toMatchObject({ code: 'second_factor_required' })
    // They may leave all the same.
    expect((await ask('POST', '/api/organizations/strict/leave', { token: value })).status).toBe(204)
    expect((await require(false)).json()).toMatchObject({ secondFactorRequired: false })
    expect((await eventsOf(org, 'org.settings.security.2fa%')).map(({ action }) => action)).toEqual([
      'org.settings.security.2fa.enable',
      'org.settings.security.2fa.disable',
    ])
    await setFactor(ada, null)
  })

  it('SEAT-2, SEAT-3: service accounts are a figure of their own and change no number of seats', async () => {
    const org = await makeOrganization(test, 'counted', ada)
    const reader = await makeUser(test, 'reader')
    const value = await makeToken(test, reader, { role: 'read' })
    await ask('POST', '/api/organizations/counted/members', { token, body: { user: 'reader', role: 'no_access' } })
    for (let i = 0; i < 20; i++) await makeMachine(org, i === 0 ? 'admin' : 'read')
    await test.hub.transaction((tx) =>
      tx
        .updateTable('serviceAccount')
        .set({ disabledAt: 1 })
        .where('organizationId', '=', org.id)
        .where('nameKey', 'like', 'ci %0')
        .execute(),
    )
    const seats = (await ask('GET', '/api/organizations/counted/seats', { token })).json<{
      seats: object
      serviceAccounts: { total: number; active: number }
    }>()
    expect(seats.seats).toEqual({ used: 2, limit: null })
    expect(seats.serviceAccounts.total).toBe(20)
    await ask('PUT', '/api/organizations/counted/members/reader/role', { token, body: { role: 'read' } })
    const forReader = await ask('GET', '/api/organizations/counted/seats', { token: value })
    expect(forReader.json()).toEqual({ seats: { used: 2, limit: null } })
    const cookie = await signInAs(test, ada)
    const page = (await ask('GET', '/organizations/counted/settings/storage', { cookie })).text
    expect(page).toMatch(/Seats<\/p><p[^>]*>2<\/p>/)
    expect(page).toMatch(/Service accounts<\/p><p[^>]*>20<\/p>/)
  })

  it('SA-5, ROL-c: service accounts are no members: not listed, not changed, not removed, and no last administrator', async () => {
    const org = await makeOrganization(test, 'machines', ada)
    const id = await makeMachine(org, 'admin')
    const name = serviceAccountName(id)
    const members = (await ask('GET', '/api/organizations/machines/members', { token })).json<{ user: string }[]>()
    expect(members.map(({ user }) => user)).toEqual(['ada'])
    for (const known of [name, id, 'sa-000000000000000000000000']) {
      const at = `/api/organizations/machines/members/${known}`
      expect((await ask('PUT', `${at}/role`, { token, body: { role: 'read' } })).status).toBe(404)
      expect((await ask('DELETE', at, { token })).status).toBe(404)
      expect((await ask('POST', '/api/organizations/machines/members', { token, body: { user: known } })).status).toBe(
        404,
      )
    }
    const demoted = await ask('PUT', '/api/organizations/machines/members/ada/role', { token, body: { role: 'read' } })
    expect(demoted.json()).toMatchObject({ code: 'last_admin' })
    expect((await ask('POST', '/api/organizations/machines/leave', { token })).json()).toMatchObject({
      code: 'last_admin',
    })
  })

  it('GRP-8: who leaves, leaves everything, and who is added again gets nothing back', async () => {
    const user = await makeUser(test, 'comes')
    const org = await makeOrganization(test, 'goes', ada, { comes: 'read' })
    const [group, workspace, open] = [test.hub.clock.id(), test.hub.clock.id(), test.hub.clock.id()]
    await test.hub.transaction(async (tx) => {
      const named = { organizationId: org.id, description: null, createdAt: 1, createdBy: null }
      await tx
        .insertInto('memberGroup')
        .values({ id: group, name: 'g', nameKey: 'g', ...named })
        .execute()
      await tx
        .insertInto('workspace')
        .values([
          { id: workspace, name: 'w', nameKey: 'w', ...named, autoJoin: null, autoJoinRole: null },
          { id: open, name: 'o', nameKey: 'o', ...named, autoJoin: 'read_plus', autoJoinRole: 'contributor' },
        ])
        .execute()
      const given = { createdAt: 1, createdBy: null }
      const person = { principalId: user.id, principalKind: 'user' as const, ...given }
      await tx
        .insertInto('groupMember')
        .values({ groupId: group, role: 'manager', ...person })
        .execute()
      await tx
        .insertInto('roleGrant')
        .values({ targetId: workspace, targetKind: 'workspace', role: 'admin', ...person })
        .execute()
    })
    const left = async () => [
      ...(await test.hub.db.read.selectFrom('groupMember').select('role').where('principalId', '=', user.id).execute()),
      ...(await test.hub.db.read
        .selectFrom('roleGrant')
        .select(['role', 'targetKind'])
        .where('principalId', '=', user.id)
        .execute()),
    ]
    expect(await left()).toHaveLength(3)
    await ask('DELETE', '/api/organizations/goes/members/comes', { token })
    expect(await left()).toEqual([])
    await ask('POST', '/api/organizations/goes/members', { token, body: { user: 'comes', role: 'no_access' } })
    expect(await left()).toEqual([{ role: 'no_access', targetKind: 'organization' }])
    // WS-7: what takes in everybody with the role read takes them in once they have it.
    const cookie = await signInAs(test, ada)
    await ask('POST', '/organizations/goes/settings/members/comes', { cookie, form: { role: 'read' } })
    expect(await left()).toHaveLength(2)
    const value = await makeToken(test, user, { role: 'write' })
    expect((await ask('POST', '/api/organizations/goes/leave', { token: value })).status).toBe(204)
    expect(await left()).toEqual([])
  })

  it('ROL-c: of two administrators who demote each other at the same moment, one stays', async () => {
    for (let round = 0; round < 6; round++) {
      const [left, right] = [await makeUser(test, `l-${round}`), await makeUser(test, `r-${round}`)]
      const org = await makeOrganization(test, `duel-${round}`, left, { [right.name]: 'admin' })
      const values = [await makeToken(test, left, { role: 'write' }), await makeToken(test, right, { role: 'write' })]
      const demote = (who: TestUser, value = '') =>
        ask('PUT', `/api/organizations/duel-${round}/members/${who.name}/role`, {
          token: value,
          body: { role: 'read' },
        })
      await Promise.all([
        demote(right, values[0]),
        demote(left, values[1]),
        demote(left, values[0]),
        demote(right, values[1]),
      ])
      const admins = await test.hub.db.read
        .selectFrom('roleGrant')
        .select('principalId')
        .where('targetId', '=', org.id)
        .where('role', '=', 'admin')
        .execute()
      expect(admins.length).toBeGreaterThanOrEqual(1)
    }
  })

  it('the list of members is searched and filtered, and never by e-mail address', async () => {
    for (const name of ['anton', 'berta', 'bertram', 'caesar_x'.replace('_', '-')]) await makeUser(test, name)
    await makeOrganization(test, 'searched', ada, {
      anton: 'read',
      berta: 'write',
      bertram: 'read',
      'caesar-x': 'write',
    })
    const names = async (query: string) =>
      (await ask('GET', `/api/organizations/searched/members?${query}`, { token }))
        .json<{ user: string }[]>()
        .map(({ user }) => user)
    expect(await names('search=BERT')).toEqual(['berta', 'bertram'])
    expect(await names('search=%25')).toEqual([])
    expect(await names('search=r_x')).toEqual([])
    expect(await names('role=write')).toEqual(['berta', 'caesar-x'])
    expect(await names('search=bert&role=read')).toEqual(['bertram'])
    const first = await ask('GET', '/api/organizations/searched/members?search=bert&limit=1', { token })
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    expect((await ask('GET', next, { token })).json<{ user: string }[]>().map(({ user }) => user)).toEqual(['bertram'])
    expect((await ask('GET', '/api/organizations/searched/members?email=berta@example.org', { token })).status).toBe(
      422,
    )
    const cookie = await signInAs(test, ada)
    const page = (
      await ask('GET', '/organizations/searched/settings/members?search=bert&role=write&factor=without', { cookie })
    ).text
    expect(page).toContain('Role of berta')
    expect(page).not.toContain('Role of bertram')
    expect((await ask('GET', '/organizations/searched/settings/members?factor=with', { cookie })).text).toContain(
      'No member fits',
    )
  })

  it('ROL-d: the page says what the Hub’s interface does to workspaces, and leaves them alone itself', async () => {
    await makeUser(test, 'warned')
    await makeOrganization(test, 'warns', ada, { warned: 'read' })
    const cookie = await signInAs(test, ada)
    const page = (await ask('GET', '/organizations/warns/settings/members', { cookie })).text
    expect(page).toContain('takes the member out of all of them')
  })
})
