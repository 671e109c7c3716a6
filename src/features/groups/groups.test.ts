/** Groups (behaviours.md, 1.5), over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asker, nextOf } from '../../../tests/support/ask.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { insertServiceAccount, type TestMachine } from '../../../tests/support/service-account-rows.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

interface GroupJson {
  id: string
  name: string
  numUsers: number
  numServiceAccounts: number
  members: { name: string; type: string; role: string; active: boolean }[]
}

describe.each(dialects)('groups on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let acme: { id: string; name: string }
  let ci: TestMachine
  const people: Record<string, TestUser> = {}
  const who = (name: string) => people[name]?.token ?? ''
  const groups = '/api/organizations/acme/groups'

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ask = asker(test)
    for (const name of ['ada', 'mara', 'mel', 'rae', 'nora', 'out']) {
      people[name] = await makeUser(test, name, { tokenRole: 'write' })
    }
    acme = await makeOrganization(test, 'acme', people.ada as TestUser, {
      mara: 'read',
      mel: 'read',
      rae: 'read',
      nora: 'no_access',
    })
    ci = await insertServiceAccount(test, acme.id, 'ci', 'write')
  })
  afterAll(() => test.stop())

  async function makeGroup(name: string, members: Record<string, string> = {}): Promise<string> {
    const made = await ask('POST', groups, who('ada'), { name })
    expect(made.status).toBe(201)
    const { id } = made.json<GroupJson>()
    for (const [member, role] of Object.entries(members)) {
      expect((await ask('POST', `${groups}/${id}/members/${member}`, who('ada'), { role })).status).toBe(201)
    }
    return id
  }

  it('GRP-1: people of the organization and its service accounts are in it, and no group is', async () => {
    const id = await makeGroup('mixed')
    const inner = await makeGroup('inner')
    expect((await ask('POST', `${groups}/${id}/members/mara`, who('ada'))).status).toBe(201)
    expect((await ask('POST', `${groups}/${id}/members/NORA`, who('ada'), { role: 'member' })).status).toBe(201)
    expect((await ask('PUT', `${groups}/${id}/members/${ci.name}`, who('ada'), { role: 'manager' })).status).toBe(201)
    expect((await ask('POST', `${groups}/${id}/members/mara`, who('ada'))).status).toBe(409)
    for (const name of ['inner', inner, 'acme']) {
      expect((await ask('PUT', `${groups}/${id}/members/${name}`, who('ada'), { role: 'member' })).status).toBe(404)
    }
    const shown = (await ask('GET', `${groups}/${id}`, who('ada'))).json<GroupJson>()
    expect(shown).toMatchObject({ name: 'mixed', numUsers: 2, numServiceAccounts: 1 })
    expect(shown.members.map(({ name, type, role }) => ({ name, type, role }))).toEqual([
      { name: 'mara', type: 'user', role: 'member' },
      { name: 'nora', type: 'user', role: 'member' },
      { name: ci.name, type: 'service-account', role: 'manager' },
    ])
  })

  it('GRP-1: a stranger and a name that nobody bears are refused in the same words', async () => {
    const id = await makeGroup('strangers')
    const other = await makeOrganization(test, 'elsewhere', people.out as TestUser)
    const foreign = await insertServiceAccount(test, other.id, 'theirs', 'write')
    const answers = await Promise.all(
      ['out', 'ghost', foreign.name, `sa-${'0'.repeat(24)}`].map(async (name) => {
        const answer = await ask('PUT', `${groups}/${id}/members/${name}`, who('ada'), { role: 'member' })
        return { status: answer.status, text: answer.text.replaceAll(name, '…').replace(/"requestId":"[^"]*"/, '') }
      }),
    )
    expect(answers[0]).toMatchObject({ status: 404 })
    expect(answers[0]?.text).toContain('acme has no member and no service account called …')
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it('GRP-2: administrators create and delete; a name is there once, and every member of the organization sees it', async () => {
    const id = await makeGroup('Quay side')
    expect((await ask('POST', groups, who('ada'), { name: ' quay  SIDE ' })).status).toBe(409)
    for (const name of ['', '   ', 'x'.repeat(101), 'a‮b']) {
      expect((await ask('POST', groups, who('ada'), { name })).status, JSON.stringify(name)).toBe(422)
    }
    for (const name of ['mara', 'nora']) {
      expect((await ask('POST', groups, who(name), { name: 'mine' })).status).toBe(403)
      expect((await ask('DELETE', `${groups}/${id}`, who(name))).status).toBe(403)
      expect((await ask('PATCH', `${groups}/${id}`, who(name), { name: 'mine' })).status).toBe(403)
      const listed = (await ask('GET', groups, who(name))).json<GroupJson[]>()
      expect(listed.map((group) => group.name)).toContain('Quay side')
    }
    const renamed = await ask('PATCH', `${groups}/${id}`, who('ada'), { name: 'Berth', description: 'who berths' })
    expect(renamed.json()).toMatchObject({ id, name: 'Berth', description: 'who berths' })
    await makeGroup('Pier')
    expect((await ask('PATCH', `${groups}/${id}`, who('ada'), { name: 'PIER' })).status).toBe(409)
    expect((await ask('DELETE', `${groups}/${id}`, who('ada'))).status).toBe(204)
    expect((await ask('GET', `${groups}/${id}`, who('ada'))).status).toBe(404)
    // Free again, with a new id and nobody in it.
    const again = await makeGroup('Berth')
    expect(again).not.toBe(id)
  })

  it('GRP-3: a manager says who is in the group and who manages it, and nothing else', async () => {
    const id = await makeGroup('managed', { mara: 'manager', mel: 'member' })
    const other = await makeGroup('other')
    const change = (path: string, role: string, token: string) => ask('PUT', `${groups}/${path}`, token, { role })
    expect((await change(`${id}/members/rae`, 'member', who('mara'))).status).toBe(201)
    expect((await change(`${id}/members/rae`, 'manager', who('mara'))).status).toBe(200)
    expect((await ask('DELETE', `${groups}/${id}/members/mel`, who('rae'))).status).toBe(204)
    expect((await ask('DELETE', `${groups}/${id}/members/mel`, who('rae'))).status).toBe(404)
    // Somebody who is only in it, and a manager of another group, say nothing.
    expect((await change(`${id}/members/rae`, 'member', who('ada'))).status).toBe(200)
    expect((await change(`${id}/members/mel`, 'member', who('rae'))).status).toBe(403)
    expect((await change(`${other}/members/mara`, 'member', who('mara'))).status).toBe(403)
    expect((await ask('PATCH', `${groups}/${id}`, who('mara'), { name: 'taken over' })).status).toBe(403)
    expect((await ask('DELETE', `${groups}/${id}`, who('mara'))).status).toBe(403)
    // An administrator manages it without being in it.
    expect((await ask('DELETE', `${groups}/${id}/members/mara`, who('ada'))).status).toBe(204)
    expect((await change(`${id}/members/mara`, 'member', who('mara'))).status).toBe(403)
  })

  it('GRP-8: who leaves the organization leaves its groups, and comes back into none', async () => {
    const leaver = await makeUser(test, 'leaver', { tokenRole: 'write' })
    const elsewhere = await makeOrganization(test, 'second', people.ada as TestUser, { leaver: 'read' })
    const kept = (await ask('POST', `/api/organizations/second/groups`, who('ada'), { name: 'kept' })).json<GroupJson>()
    await ask('PUT', `/api/organizations/second/groups/${kept.id}/members/leaver`, who('ada'), { role: 'member' })
    const id = await makeGroup('left')
    for (const goes of [
      () => ask('DELETE', '/api/organizations/acme/members/leaver', who('ada')),
      () => ask('POST', '/api/organizations/acme/leave', leaver.token),
    ]) {
      expect((await ask('POST', '/api/organizations/acme/members', who('ada'), { user: 'leaver' })).status).toBe(201)
      expect((await ask('PUT', `${groups}/${id}/members/leaver`, who('ada'), { role: 'manager' })).status).toBe(201)
      expect((await goes()).status).toBe(204)
      expect((await ask('GET', `${groups}/${id}`, who('ada'))).json<GroupJson>().members).toEqual([])
      await ask('POST', '/api/organizations/acme/members', who('ada'), { user: 'leaver' })
      expect((await ask('GET', `${groups}/${id}`, who('ada'))).json<GroupJson>()).toMatchObject({
        numUsers: 0,
        members: [],
      })
      await ask('DELETE', '/api/organizations/acme/members/leaver', who('ada'))
    }
    const there = await ask('GET', `/api/organizations/${elsewhere.name}/groups/${kept.id}`, who('ada'))
    expect(there.json<GroupJson>().numUsers).toBe(1)
  })

  it('GRP-8, SA-30: a disabled service account stays listed, greyed', async () => {
    const machine = await insertServiceAccount(test, acme.id, 'sleeper', 'read')
    const id = await makeGroup('sleepers', { [machine.name]: 'member' })
    await test.hub.transaction((tx) =>
      tx.updateTable('serviceAccount').set({ disabledAt: 1 }).where('id', '=', machine.id).execute(),
    )
    const { members } = (await ask('GET', `${groups}/${id}`, who('ada'))).json<GroupJson>()
    expect(members).toMatchObject([{ name: machine.name, fullname: 'sleeper', active: false }])
  })

  it('GRP-9: a service account that manages a group changes who is in it, within its token', async () => {
    const robot = await insertServiceAccount(test, acme.id, 'robot', 'read')
    const id = await makeGroup('robots', { [robot.name]: 'manager' })
    expect((await ask('PUT', `${groups}/${id}/members/mel`, robot.token, { role: 'member' })).status).toBe(201)
    expect((await ask('DELETE', `${groups}/${id}/members/mel`, robot.token)).status).toBe(204)
    expect((await ask('DELETE', `${groups}/${id}`, robot.token)).status).toBe(403)
    const event = await test.hub.db.read
      .selectFrom('event')
      .where('action', '=', 'org.group.add_member')
      .where('resourceId', '=', id)
      .where('actorId', '=', robot.id)
      .select(['actorKind', 'actorName', 'data'])
      .executeTakeFirst()
    expect(event).toMatchObject({ actorKind: 'service-account', actorName: 'robot' })
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ member: 'mel', role: 'member' })
    // A person's token that only reads does not, whoever they are.
    const reading = await makeToken(test, people.ada as TestUser, { role: 'read' })
    expect((await ask('PUT', `${groups}/${id}/members/mel`, reading, { role: 'member' })).status).toBe(403)
    const scoped = await makeToken(test, people.ada as TestUser, {
      role: 'fineGrained',
      scoped: ['org:acme=org.members.write'],
    })
    expect((await ask('PUT', `${groups}/${id}/members/mel`, scoped, { role: 'member' })).status).toBe(201)
  })

  it('GRP-10: others of the organization read it; to who is of no part of it, it is not there', async () => {
    const id = await makeGroup('seen', { mel: 'member' })
    for (const name of ['rae', 'nora']) {
      expect((await ask('GET', `${groups}/${id}`, who(name))).json<GroupJson>().members).toHaveLength(1)
      expect((await ask('GET', `${groups}/${id}/members`, who(name))).status).toBe(200)
    }
    const there = await ask('GET', `${groups}/${id}`, who('out'))
    const nowhere = await ask('GET', `${groups}/${'0'.repeat(24)}`, who('out'))
    const strip = (text: string) => text.replace(/"requestId":"[^"]*"/, '')
    expect(there.status).toBe(404)
    expect(strip(there.text)).toBe(strip(nowhere.text))
    expect((await ask('DELETE', `${groups}/${id}`, who('out'))).status).toBe(404)
    expect((await ask('GET', `${groups}/${id}`, null)).status).toBe(401)
    expect((await ask('GET', groups, who('out'))).status).toBe(403)
  })

  it('lists groups and members a page at a time', async () => {
    const org = await makeOrganization(test, 'paged', people.ada as TestUser, { mara: 'read', mel: 'read' })
    const machines = [
      await insertServiceAccount(test, org.id, 'beta', 'read'),
      await insertServiceAccount(test, org.id, 'alpha', 'read'),
    ]
    const base = `/api/organizations/paged/groups`
    const names = ['delta', 'Alpha', 'charlie', 'bravo', 'Echo']
    for (const name of names) await ask('POST', base, who('ada'), { name })
    const seen: string[] = []
    let first = ''
    for (let path: string | null = `${base}?limit=2`; path !== null; ) {
      const answer = await ask('GET', path, who('mara'))
      for (const { id, name } of answer.json<GroupJson[]>()) {
        first ||= id
        seen.push(name)
      }
      path = nextOf(answer)
    }
    expect(seen).toEqual(['Alpha', 'bravo', 'charlie', 'delta', 'Echo'])
    for (const name of ['mel', 'ada', 'mara', ...machines.map((machine) => machine.name)]) {
      await ask('PUT', `${base}/${first}/members/${name}`, who('ada'), { role: 'member' })
    }
    const members: string[] = []
    let path: string | null = `${base}/${first}?limit=2`
    const whole = await ask('GET', path, who('mara'))
    members.push(...whole.json<GroupJson>().members.map(({ name }) => name))
    for (path = nextOf(whole); path !== null; ) {
      const answer = await ask('GET', path, who('mara'))
      members.push(...answer.json<GroupJson['members']>().map(({ name }) => name))
      path = nextOf(answer)
    }
    expect(members).toEqual(['ada', 'mara', 'mel', machines[1]?.name, machines[0]?.name])
  })
})
