/** Idea 9, bad input: a preview is no oracle. Each test begins with what somebody tries. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Answer, type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'

interface Preview {
  gains: { principal: { type: string; name?: string }; resource: { type: string; name?: string } }[]
  loses: { principal: { type: string; name?: string }; resource: { type: string; name?: string } }[]
  tokens: { gains: object[]; loses: { tokenName: string | null; last4: string; usedThisWeek: boolean }[] } | null
  counts: { principals: { gains: number; loses: number }; tokens: { gains: number; loses: number } | null }
  isPartial: boolean
}

let at: TestHub
let ask: Ask
let boss: string
let ids: { open: string; secret: string; group: string }
const users: Record<string, TestUser> = {}
const password = 'correct horse battery staple'

const value = (name: string): string => users[name]?.token ?? ''
const preview = (credential: string, change: object, limit?: number): Promise<Answer> =>
  ask('POST', '/api/access/preview', credential, { change, ...(limit === undefined ? {} : { limit }) })
/** What may differ between two refusals that are the same. */
const plain = ({ status, text }: Answer): string => `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`

beforeAll(async () => {
  at = await startHub()
  ask = jsonClient(at.url)
  const owner = await makeUser(at, 'boss', { password })
  for (const name of ['mara', 'wim', 'dora', 'lone', 'stranger'])
    users[name] = await makeUser(at, name, { tokenRole: 'write' })
  await makeOrganization(at, 'acme', owner, { mara: 'read', wim: 'read', dora: 'read', lone: 'no_access' })
  await makeOrganization(at, 'rival', users.stranger ?? owner)
  boss = await signInAs(at, owner)
  const make = async (path: string, body: object) => (await ask('POST', path, boss, body)).json<{ id: string }>().id
  for (const name of ['kept', 'work'])
    await ask('POST', '/api/repos/create', boss, { type: 'model', name, organization: 'acme', private: true })
  await ask('POST', '/api/repos/create', value('stranger'), {
    type: 'model',
    name: 'theirs',
    organization: 'rival',
    private: true,
  })
  const base = '/api/organizations/acme'
  ids = {
    open: await make(`${base}/resource-groups`, {
      name: 'Open',
      users: [
        { user: 'mara', role: 'read' },
        { user: 'wim', role: 'admin' },
        { user: 'lone', role: 'write' },
      ],
    }),
    secret: await make(`${base}/resource-groups`, { name: 'Secret project', users: [] }),
    group: await make(`${base}/groups`, { name: 'Crew' }),
  }
  for (const id of [ids.open, ids.secret])
    await ask('POST', `${base}/resource-groups/${id}/groups`, boss, { group: ids.group, role: 'write' })
  await ask('PUT', `${base}/groups/${ids.group}/members/mara`, boss, { role: 'manager' })
  await ask('POST', '/api/models/acme/kept/resource-group', boss, { resourceGroupId: ids.secret })
  await ask('POST', '/api/models/acme/work/resource-group', boss, { resourceGroupId: ids.open })
}, 60_000)
afterAll(() => at.stop())

describe('idea 9: an access preview', () => {
  // Somebody without any role asks what would happen if a private repo were public, to learn whether it is there and who works on it.
  test('answers a stranger about a private repo as about one that is not there', async () => {
    for (const credential of [value('stranger'), '']) {
      const there = await preview(credential, {
        kind: 'repo_visibility',
        repo: { type: 'model', name: 'acme/kept' },
        visibility: 'public',
      })
      const missing = await preview(credential, {
        kind: 'repo_visibility',
        repo: { type: 'model', name: 'acme/none' },
        visibility: 'public',
      })
      expect(there.status).toBe(credential === '' ? 401 : 404)
      expect(plain(there).replace('kept', 'none')).toBe(plain(missing))
    }
  })

  // An administrator makes a contributor, who has no repos yet, a reader again, is told that nobody loses anything, and hears of it on Monday.
  test('tells of the right to make repos, in the organization and in a workspace', async () => {
    const up = { kind: 'member_role', organization: 'acme', user: 'wim', role: 'contributor' }
    const gains = (await preview(boss, up)).json<{ gains: object[] }>().gains
    expect(gains).toEqual([
      {
        principal: { type: 'user', name: 'wim', fullname: null },
        resource: { type: 'organization', name: 'acme' },
        before: ['see'],
        after: ['see', 'write'],
      },
    ])
    const makes = (body: object) => ask('POST', '/api/repos/create', value('wim'), { organization: 'acme', ...body })
    expect((await makes({ name: 'by-wim' })).status).toBe(403)
    const role = (role: string) =>
      ask('PUT', '/api/organizations/acme/members/wim/role', boss, {
        role,
        resourceGroups: [{ id: ids.open, role: 'admin' }],
      })
    expect((await role('contributor')).status).toBe(200)
    expect((await makes({ name: 'by-wim' })).status).toBe(200)
    const down = (await preview(boss, { ...up, role: 'read' })).json<Preview>()
    expect(down.loses.map(({ resource }) => resource.type)).toContain('organization')
    expect((await role('read')).status).toBe(200)

    const inside = { kind: 'workspace_role', organization: 'acme', workspace: ids.open, user: 'lone', role: 'read' }
    const { loses } = (await preview(boss, inside)).json<{ loses: { resource: { type: string }; after: string[] }[] }>()
    expect(loses.find(({ resource }) => resource.type === 'workspace')).toMatchObject({
      before: ['see', 'write'],
      after: ['see'],
    })
  })

  // A plain member asks for previews of what only administrators decide: the answer would list who has no second factor, and whose token is how old.
  test('is only for who may make the change', async () => {
    for (const change of [
      { kind: 'second_factor', organization: 'acme', required: true },
      { kind: 'token_policy', organization: 'acme', policy: 'fine_grained' },
      { kind: 'member_role', organization: 'acme', user: 'wim', role: null },
    ]) {
      const refused = await preview(value('mara'), change)
      expect(refused.status).toBe(403)
      expect(refused.headers.get('x-hub-denied')).not.toBeNull()
      expect(refused.text).not.toMatch(/wim|gains|loses/)
    }
    // A token of an administrator may not do in a preview what it may not do in earnest: policies are changed in a session.
    const owner = { id: '', name: 'boss' }
    const row = await at.hub.db.read
      .selectFrom('namespace')
      .select('id')
      .where('nameKey', '=', 'boss')
      .executeTakeFirstOrThrow()
    const token = await makeToken(at, { ...owner, id: row.id }, { role: 'write' })
    expect((await preview(token, { kind: 'second_factor', organization: 'acme', required: true })).status).toBe(403)
  })

  // A repo of one's own stands first in the list, so that the request is let in; the second is somebody else's, whose members are to be listed.
  test('decides about every repo that is named, not only about the first', async () => {
    const first = { type: 'model', name: 'acme/work' }
    const theirs = await preview(boss, {
      kind: 'repo_workspace',
      repos: [first, { type: 'model', name: 'rival/theirs' }],
      workspace: null,
    })
    const missing = await preview(boss, {
      kind: 'repo_workspace',
      repos: [first, { type: 'model', name: 'rival/nothing' }],
      workspace: null,
    })
    expect(theirs.status).toBe(404)
    expect(plain(theirs).replace('theirs', 'nothing')).toBe(plain(missing))
    expect(theirs.text).not.toContain('stranger')
  })

  test('finds a group by its name as the change itself does, in capitals and with spaces around it', async () => {
    const change = { kind: 'workspace_role', organization: 'acme', workspace: ids.open, role: 'read' }
    for (const group of ['Crew', ' crew ', ids.group]) {
      expect((await preview(boss, { ...change, group })).status, group).toBe(200)
    }
    expect((await preview(boss, { ...change, group: 'Crews' })).status).toBe(404)
  })

  // Who manages a group adds somebody on paper, to read off what else of them the organization's administrators see: tokens, and gates.
  test('tells the manager of a group what the group opens, and nothing of tokens', async () => {
    const change = { kind: 'group_member', organization: 'acme', group: ids.group, user: 'dora', isMember: true }
    const found = (await preview(value('mara'), change)).json<Preview>()
    expect(found.gains.map(({ principal }) => principal.name)).toContain('dora')
    expect(found.tokens).toBeNull()
    expect(found.counts.tokens).toBeNull()
    expect(found.isPartial).toBe(true)
    // The administrator is told of the tokens too: Dora's would write there.
    const whole = (await preview(boss, change)).json<Preview>()
    expect(whole.tokens?.gains).toHaveLength(1)
    expect(whole.isPartial).toBe(false)
  })

  // An administrator of a workspace gives roles on paper, to find out who has no second factor: whoever would gain nothing has none.
  test('tells nobody apart by a second factor to who does not administer the organization', async () => {
    const change = { kind: 'workspace_role', organization: 'acme', workspace: ids.open, user: 'dora', role: 'write' }
    const gains = async () => (await preview(value('wim'), change)).json<Preview>().gains
    const before = await gains()
    expect(before.length).toBeGreaterThan(0)
    const require = (required: 0 | 1) =>
      at.hub.transaction((tx) => tx.updateTable('organization').set({ secondFactorRequired: required }).execute())
    // Wim himself has a second factor, else he could ask nothing.
    await at.hub.transaction((tx) =>
      tx
        .updateTable('user')
        .set({ secondFactorAt: 1 })
        .where('id', '=', users.wim?.id ?? '')
        .execute(),
    )
    await require(1)
    try {
      expect(await gains()).toEqual(before)
    } finally {
      await require(0)
    }
  })

  // Names are tried one by one in a preview of roles, to learn which accounts there are on the hub.
  test('answers about strangers as about names that nobody bears', async () => {
    const about = (user: string) =>
      preview(value('wim'), { kind: 'workspace_role', organization: 'acme', workspace: ids.open, user, role: 'write' })
    const [stranger, nobody] = [await about('stranger'), await about('nobody00')]
    expect(stranger.status).toBeGreaterThanOrEqual(400)
    expect(plain(stranger).replaceAll('stranger', 'nobody00')).toBe(plain(nobody))
    const hidden = await preview(value('wim'), {
      kind: 'workspace_role',
      organization: 'acme',
      workspace: ids.secret,
      user: 'dora',
      role: 'write',
    })
    const missing = await preview(value('wim'), {
      kind: 'workspace_role',
      organization: 'acme',
      workspace: '0'.repeat(24),
      user: 'dora',
      role: 'write',
    })
    expect(plain(hidden)).toBe(plain(missing))
  })

  // Somebody who may write one repo, and who may not see the list of members, previews its visibility to get that list.
  test('lists no members for who may not see them', async () => {
    const answer = await preview(value('lone'), {
      kind: 'repo_visibility',
      repo: { type: 'model', name: 'acme/work' },
      visibility: 'public',
    })
    expect(answer.status).toBe(200)
    const { gains, loses, tokens } = answer.json<Preview>()
    expect(gains.map(({ principal }) => principal.type)).toEqual(['everyone'])
    expect({ loses, tokens }).toEqual({ loses: [], tokens: null })
    expect(answer.text).not.toMatch(/dora|mara|wim|boss/)
  })

  // An administrator previews a policy to read the names that members gave to their tokens, or more of a value than its end.
  test('tells of tokens what the list of tokens tells, and when they were used', async () => {
    await at.hub.transaction((tx) =>
      tx
        .updateTable('accessToken')
        .set({ lastUsedAt: at.hub.clock.now() })
        .where('ownerId', '=', users.mara?.id ?? '')
        .execute(),
    )
    const answer = await preview(boss, { kind: 'token_policy', organization: 'acme', policy: 'fine_grained' })
    expect(answer.status).toBe(200)
    const { tokens } = answer.json<Preview>()
    expect(tokens?.loses.find(({ last4 }) => value('mara').endsWith(last4))).toMatchObject({
      tokenName: null,
      usedThisWeek: true,
    })
    for (const name of Object.keys(users)) expect(answer.text).not.toContain(value(name).slice(3, -4))
    expect(answer.text).not.toMatch(/test-\d/)
  })

  // A pipeline runs with the organization's own old token, which stands in nobody's name: a policy that ends it says so before.
  test("tells of the organization's own deprecated token what a token policy does to it (OAT-6)", async () => {
    const { id: acme } = await at.hub.db.read
      .selectFrom('namespace')
      .select('id')
      .where('nameKey', '=', 'acme')
      .executeTakeFirstOrThrow()
    const old = { id: 'own0', hash: 'hash of own0', last4: 'own0', ownerId: acme, name: 'old pipeline', createdAt: 0 }
    await at.hub.transaction((tx) =>
      tx
        .insertInto('accessToken')
        .values({ ...old, role: 'write', canReadGatedRepos: 1, globalPermissions: '[]' })
        .execute()
        .then(() => undefined),
    )
    const ofAcme = async (policy: string) => {
      const answer = await preview(boss, { kind: 'token_policy', organization: 'acme', policy })
      return answer.json<Preview>().tokens?.loses.filter(({ last4 }) => last4 === 'own0')
    }
    expect(await ofAcme('any')).toEqual([])
    const { count } = await at.hub.db.read
      .selectFrom('repo')
      .select((q) => q.fn.countAll<number>().as('count'))
      .where('ownerId', '=', acme)
      .where('deletedAt', 'is', null)
      .where('visibility', '<>', 'public')
      .executeTakeFirstOrThrow()
    const lost = await ofAcme('fine_grained')
    expect(lost).toHaveLength(1)
    expect(lost?.[0]).toMatchObject({ tokenName: 'old pipeline', owner: { type: 'organization', name: 'acme' } })
    // Those that are private, in whatever workspace, and what it writes of the public ones.
    const [entry] = lost as unknown as { repos: number }[]
    expect(entry?.repos).toBeGreaterThanOrEqual(Number(count))
  })

  // Huge questions, to keep the hub busy; and a preview that changes what it shows, by a slip.
  test('has limits, changes nothing, and is in no log', async () => {
    const repos = Array.from({ length: 51 }, (_, n) => ({ type: 'model', name: `acme/r${n}` }))
    expect((await preview(boss, { kind: 'repo_workspace', repos, workspace: null })).status).toBe(400)
    expect((await preview(boss, { kind: 'second_factor', organization: 'acme', required: true }, 5000)).status).toBe(
      400,
    )
    expect((await preview(boss, { kind: 'second_factor', organization: 'acme', required: true, more: 1 })).status).toBe(
      400,
    )
    const state = async () => [
      await at.hub.db.read.selectFrom('roleGrant').selectAll().orderBy('targetId').orderBy('principalId').execute(),
      await at.hub.db.read.selectFrom('repo').select(['id', 'visibility', 'workspaceId']).orderBy('id').execute(),
      await at.hub.db.read
        .selectFrom('event')
        .select((q) => q.fn.countAll().as('n'))
        .execute(),
    ]
    const before = await state()
    const moved = await preview(
      boss,
      { kind: 'repo_workspace', repos: [{ type: 'model', name: 'acme/kept' }], workspace: ids.open },
      1,
    )
    const { gains, counts } = moved.json<Preview>()
    expect(gains).toHaveLength(1)
    expect(counts.principals.gains).toBeGreaterThan(1)
    expect(await state()).toEqual(before)
  })

  // The last administrator is taken away on paper; the preview is to say what the change itself would.
  test('refuses what the change itself would refuse', async () => {
    const answer = await preview(boss, { kind: 'member_role', organization: 'acme', user: 'boss', role: 'read' })
    expect(answer.json<{ code: string }>().code).toBe('last_admin')
  })
})
