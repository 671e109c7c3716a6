/** Idea 1, GRP-5: by which group, workspace, temporary role or emergency a role is had, named for those who may see it, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

const password = 'a long enough sentence'

interface Said {
  allowed: boolean
  status: number
  rows: { check: string; sources?: Source[] }[]
}
interface Source {
  of: string
  role: string
  counts: boolean
  name?: string
  through?: { of: string; group?: string; role: string; until?: string; isBreakGlass?: true }[]
}

describe.each(dialects)('by what a role is had on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let bob: TestUser
  let carl: TestUser
  let acme: { id: string; name: string }
  let workspaceId: string
  const until = Date.now() + 3_600_000

  beforeAll(async () => {
    site = await startHubOn(dialect)
    ask = jsonClient(site.url)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    bob = await makeUser(site, 'bob', { tokenRole: 'write', password })
    carl = await makeUser(site, 'carl', { tokenRole: 'write', password })
    acme = await makeOrganization(site, 'acme', ada, { bob: 'read' })
    const posted = async (path: string, body: object) => {
      const answer = await ask('POST', path, ada.token, body)
      expect([200, 201], answer.text).toContain(answer.status)
      return answer.json<{ id: string }>()
    }
    workspaceId = site.hub.clock.id()
    const groupIds = [site.hub.clock.id(), site.hub.clock.id()]
    const born = { organizationId: acme.id, description: null, createdAt: 1, createdBy: ada.id }
    await site.hub.transaction(async (tx) => {
      await tx
        .insertInto('workspace')
        .values({ ...born, id: workspaceId, name: 'prod', nameKey: 'prod', autoJoin: null, autoJoinRole: null })
        .execute()
      for (const [index, name] of ['night shift', 'auditors'].entries()) {
        const id = groupIds[index] ?? ''
        await tx
          .insertInto('memberGroup')
          .values({ ...born, id, name, nameKey: name })
          .execute()
        await tx
          .insertInto('groupMember')
          .values({
            groupId: id,
            principalId: bob.id,
            principalKind: 'user',
            role: 'member',
            createdAt: 1,
            createdBy: null,
          })
          .execute()
        await tx
          .insertInto('roleGrant')
          .values({
            targetId: workspaceId,
            targetKind: 'workspace',
            principalId: id,
            principalKind: 'group',
            role: index === 0 ? 'write' : 'read',
            createdAt: 1,
            createdBy: null,
          })
          .execute()
      }
    })
    const { id } = await posted('/api/repos/create', { name: 'x', organization: 'acme', private: true })
    expect(id).toBeTruthy()
    await site.hub.transaction((tx) => tx.updateTable('repo').set({ workspaceId }).where('name', '=', 'x').execute())
  })
  afterAll(() => site.stop())

  async function sourcesOf(credential: string, more: object = {}): Promise<Source[] | undefined> {
    const body = { action: 'repo.push', resource: 'model:acme/x', ...more }
    const answer = await ask('POST', '/api/access/explain', credential, body)
    expect(answer.status, answer.text).toBe(200)
    return answer.json<Said>().rows.find(({ check }) => check === 'role')?.sources
  }

  // Bob could push to a model and nobody knew why: he was in two groups, and the answer named the workspace alone.
  it('story: a role that comes through groups names each of them, and the workspace', async () => {
    for (const sources of [
      await sourcesOf(bob.token),
      await sourcesOf(await signInAs(site, ada), { principal: 'bob' }),
      await sourcesOf(ada.token, { principal: 'bob' }),
    ]) {
      expect(sources).toEqual([
        { of: 'organization', name: 'acme', role: 'read', counts: false, through: [{ of: 'own', role: 'read' }] },
        {
          of: 'workspace',
          name: 'prod',
          role: 'write',
          counts: true,
          through: expect.arrayContaining([
            { of: 'group', group: 'night shift', role: 'write' },
            { of: 'group', group: 'auditors', role: 'read' },
          ]),
        },
      ])
    }
  })

  // A role was given for an hour, another taken in an emergency. Who looked the next day at what somebody could do saw a plain "admin".
  it('idea 16: a role for a while is told with its end, one taken in an emergency as such', async () => {
    for (const kind of ['given', 'break_glass'] as const) {
      await site.hub.transaction((tx) =>
        tx
          .updateTable('roleGrant')
          .set({ temporaryRole: 'admin', temporaryUntil: until, temporaryKind: kind, temporaryReason: 'x' })
          .where('targetId', '=', acme.id)
          .where('principalId', '=', bob.id)
          .execute(),
      )
      const [source] = (await sourcesOf(bob.token)) ?? []
      const emergency = kind === 'given' ? {} : { isBreakGlass: true }
      expect(source).toEqual({
        of: 'organization',
        name: 'acme',
        role: 'admin',
        counts: true,
        through: [{ of: 'own', role: 'admin', until: new Date(until).toISOString(), ...emergency }],
      })
    }
    await site.hub.transaction((tx) =>
      tx
        .updateTable('roleGrant')
        .set({ temporaryRole: null, temporaryUntil: null, temporaryKind: null, temporaryReason: null })
        .where('principalId', '=', bob.id)
        .execute(),
    )
  })

  // Mallory found a token of bob's that pushes to one model. She asks why it may, to learn of the groups and the workspaces of the organization, which
  // the token does not list.
  it('attack: a token that lists no groups is told of none', async () => {
    const narrow = await makeToken(site, bob, { role: 'fineGrained', scoped: ['model:acme/x=repo.write'] })
    const sources = await sourcesOf(narrow)
    expect(sources).toEqual([
      { of: 'organization', role: 'read', counts: false },
      { of: 'workspace', role: 'write', counts: true },
    ])
    const text = JSON.stringify(sources)
    for (const secret of ['prod', 'night shift', 'auditors']) expect(text).not.toContain(secret)
  })

  // Mallory is of no organization and guesses: no group, and no workspace, stands behind what she is not shown.
  it('attack: a stranger gets the answer of what is not there', async () => {
    const [hidden, missing] = await Promise.all(
      ['x', 'y'].map((name) =>
        ask('POST', '/api/access/explain', carl.token, { action: 'repo.push', resource: `model:acme/${name}` }),
      ),
    )
    expect(hidden?.text.replaceAll('acme/x', 'acme/y')).toBe(missing?.text)
    expect(hidden?.text).not.toContain('sources')
    expect(await sourcesOf(carl.token, { action: 'org.rename', resource: 'organization:acme' })).toEqual([])
  })
})
