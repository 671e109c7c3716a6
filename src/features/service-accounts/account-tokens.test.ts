/** Tokens of service accounts, statement by statement (behaviours.md, 1.4), over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import type { Role } from '../../domain/role.ts'
import { systemClock } from '../../platform/clock.ts'
import type { ServiceAccount } from './account.ts'

interface WireToken {
  readonly _id: string
  readonly displayName: string
  readonly createdAt: string
  readonly lastUsedAt?: string
  readonly expiration?: string
  readonly role: string
  readonly permissions: readonly string[]
  readonly repoIds: readonly string[]
  readonly repoPermissions: readonly string[]
  readonly endpointPatterns: readonly string[]
  readonly last4: string
  readonly skipNetworkSecurity: boolean
  readonly mode: string
  readonly description: string | null
  readonly expiresAt: string | null
  readonly rotatedAt: string | null
  readonly fineGrained: {
    readonly scoped: readonly {
      readonly entity: { readonly _id: string; readonly type: string; readonly name: string }
      readonly permissions: readonly string[]
      readonly effective: boolean
      readonly lost: readonly string[]
    }[]
  }
}

interface Made {
  readonly token: string
  readonly tokenInfo: WireToken
}

const day = 86_400_000

describe.each(dialects)('tokens of service accounts on %s', (dialect) => {
  let time = Date.now()
  let test: TestHub
  let ask: Ask
  let mara: TestUser
  let admin: string
  let acme: { id: string; name: string }
  let ci: ServiceAccount
  let at: string
  let workspace: string
  /** In acme: two private models, a private dataset in the workspace `routing`, and one of another organization. */
  const repos = { one: '', two: '', inWorkspace: '', foreign: '', foreignPublic: '' }

  beforeAll(async () => {
    test = await startHubOn(dialect, { clock: systemClock(() => time) })
    ask = jsonClient(test.url)
    mara = await makeUser(test, 'mara', { tokenRole: 'write' })
    admin = mara.token
    acme = await makeOrganization(test, 'acme', mara)
    const other = await makeOrganization(test, 'other', mara)
    ci = await makeServiceAccount(test, acme, 'ci')
    at = `/api/organizations/acme/service-accounts/${ci.id}`
    workspace = test.hub.clock.id()
    await test.hub.transaction((tx) =>
      tx
        .insertInto('workspace')
        .values({ id: workspace, organizationId: acme.id, name: 'routing', nameKey: 'routing', createdAt: 1 })
        .execute(),
    )
    for (const name of Object.keys(repos) as (keyof typeof repos)[]) repos[name] = test.hub.clock.id()
    await insertRepo(test.hub.db, { id: repos.one, owner: acme, name: 'one' })
    await insertRepo(test.hub.db, { id: repos.two, owner: acme, name: 'two' })
    await insertRepo(test.hub.db, {
      id: repos.inWorkspace,
      kind: 'dataset',
      owner: acme,
      name: 'hidden',
      workspaceId: workspace,
    })
    await insertRepo(test.hub.db, { id: repos.foreign, owner: other, name: 'secret' })
    await insertRepo(test.hub.db, { id: repos.foreignPublic, owner: other, name: 'open', visibility: 'public' })
  })
  afterAll(() => test.stop())

  async function create(input: Record<string, unknown> = {}): Promise<Made> {
    const answer = await ask('POST', `${at}/tokens`, admin, input)
    expect(answer.status, answer.text).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    return answer.json<Made>()
  }
  const patch = (id: string, body: unknown) => ask('PATCH', `${at}/tokens/${id}`, admin, body)
  const rotate = (id: string, body?: unknown) => ask('POST', `${at}/tokens/${id}/rotate`, admin, body)
  const listed = async (id: string): Promise<WireToken> => {
    const { accessTokens } = (await ask('GET', at, admin)).json<{ accessTokens: WireToken[] }>()
    const found = accessTokens.find((token) => token._id === id)
    if (found === undefined) throw new Error(`The token ${id} is not listed.`)
    return found
  }
  const whoami = (value: string) => ask('GET', '/api/whoami-v2', value)
  const setRole = async (role: Role) => {
    const answer = await ask('PATCH', at, admin, { role })
    expect(answer.status, answer.text).toBe(200)
  }
  const check = async (value: string, name: string, right: '' | '/write' = '', kind = 'models') =>
    (await ask('GET', `/api/${kind}/acme/${name}/auth-check${right}`, value)).status

  it('SA-20: without a mode it is scoped, without permissions it gives nothing; to inherit has to be said', async () => {
    const nothing = await create()
    expect(nothing.token).toMatch(/^hf_[0-9A-Za-z]{34}$/)
    expect(nothing.tokenInfo).toMatchObject({
      displayName: 'API Token',
      role: 'fineGrained',
      mode: 'scoped',
      permissions: [],
      repoIds: [],
      repoPermissions: [],
      endpointPatterns: [],
      skipNetworkSecurity: false,
      description: null,
      expiresAt: null,
      last4: nothing.token.slice(-4),
    })
    expect((await whoami(nothing.token)).status).toBe(200)
    expect(await check(nothing.token, 'one')).toBe(404)
    expect((await ask('POST', '/api/repos/create', nothing.token, { name: 'n', organization: 'acme' })).status).toBe(
      403,
    )
    const all = await create({ mode: 'inherit' })
    expect(all.tokenInfo).toMatchObject({ displayName: 'API Token 2', mode: 'inherit', permissions: [] })
    expect(await check(all.token, 'one', '/write')).toBe(200)
    for (const body of [
      { mode: 'inherit', permissions: ['repo.write'] },
      { mode: 'inherit', repoIds: [repos.one], repoPermissions: ['repo.write'] },
      { mode: 'write' },
      { role: 'write' },
      { displayName: '' },
      { displayName: 'x'.repeat(101) },
      { description: 'd'.repeat(501) },
      { permissions: ['god'] },
      { permissions: ['discussion.write'] },
      { permissions: ['repo.settings.write'] },
      { permissions: ['org.members.write'] },
      { repoIds: [repos.one], repoPermissions: ['org.read'] },
      { repoIds: [repos.one] },
      { repoIds: [repos.one], repoPermissions: [] },
      { repoIds: ['nonsense'], repoPermissions: ['repo.write'] },
      { fineGrained: { scoped: [{ entity: { type: 'user', name: 'mara' }, permissions: ['repo.write'] }] } },
      { fineGrained: { scoped: [{ entity: { type: 'model', name: 'acme/one' }, permissions: [] }] } },
      { skipNetworkSecurity: true },
      { endpointPatterns: ['a.b'] },
    ]) {
      const answer = await ask('POST', `${at}/tokens`, admin, body)
      expect([400, 422], `${JSON.stringify(body)} ${answer.text}`).toContain(answer.status)
    }
    const taken = await ask('POST', `${at}/tokens`, admin, { displayName: 'API Token' })
    expect(taken.status).toBe(409)
  })

  it('SA-20: the members of the Hub, and what stands beside them', async () => {
    const { tokenInfo } = await create({
      displayName: 'release',
      description: 'Release stage',
      permissions: ['repo.content.read', 'inference.endpoints.infer.write'],
      repoIds: [repos.one.toUpperCase()],
      repoPermissions: ['repo.write'],
      endpointPatterns: ['gpt2-*'],
      skipNetworkSecurity: false,
    })
    const shown = await listed(tokenInfo._id)
    expect(shown).toMatchObject({
      displayName: 'release',
      description: 'Release stage',
      role: 'fineGrained',
      permissions: ['inference.endpoints.infer.write', 'repo.content.read'],
      repoIds: [repos.one],
      repoPermissions: ['repo.write'],
      endpointPatterns: ['gpt2-*'],
      skipNetworkSecurity: false,
    })
    expect(shown.createdAt).toMatch(/Z$/)
    expect(shown).not.toHaveProperty('lastUsedAt')
    expect(shown).not.toHaveProperty('expiration')
    expect(Object.keys(shown)).not.toContain('token')
  })

  it('SA-21: never, or in the future; over, it is refused as expired and stays listed', async () => {
    const past = await ask('POST', `${at}/tokens`, admin, { expiresAt: new Date(time - 1).toISOString() })
    expect(past.status).toBe(422)
    const ends = new Date(time + day).toISOString()
    const { token, tokenInfo } = await create({ mode: 'inherit', expiresAt: ends })
    expect(tokenInfo).toMatchObject({ expiresAt: ends, expiration: ends })
    expect((await whoami(token)).status).toBe(200)
    time += day + 1
    const late = await whoami(token)
    expect(late.status).toBe(401)
    expect(late.headers.get('x-hub-denied')).toContain('token_expired')
    expect((await listed(tokenInfo._id)).expiresAt).toBe(ends)
  })

  it('SA-22, AUTH-10: the value is in the answer that made it and nowhere else', async () => {
    const { token, tokenInfo } = await create({ mode: 'inherit', displayName: 'once' })
    const rotated = (await rotate(tokenInfo._id)).json<Made>()
    const answers = [await ask('GET', at, admin), await ask('GET', `${at}/tokens`, admin)]
    const rows = await test.hub.db.read.selectFrom('accessToken').selectAll().execute()
    const events = await test.hub.db.read.selectFrom('event').selectAll().execute()
    const everything = JSON.stringify([answers.map(({ text }) => text), rows, events])
    expect(everything).not.toContain(token)
    expect(everything).not.toContain(rotated.token)
    expect(everything).toContain(rotated.token.slice(-4))
  })

  it('SA-23: what is listed for a repo stands in place of what is listed for all of them', async () => {
    const narrowed = await create({
      permissions: ['repo.write'],
      repoIds: [repos.one],
      repoPermissions: ['repo.content.read'],
    })
    expect(await check(narrowed.token, 'one')).toBe(200)
    expect(await check(narrowed.token, 'one', '/write')).toBe(403)
    expect(await check(narrowed.token, 'two', '/write')).toBe(200)
    const only = await create({ repoIds: [repos.one], repoPermissions: ['repo.write'] })
    expect(await check(only.token, 'one', '/write')).toBe(200)
    expect(await check(only.token, 'two')).toBe(404)
  })

  it('SA-23: a repo of somebody else only where it is public; a private one is as good as none', async () => {
    const open = await create({ repoIds: [repos.foreignPublic], repoPermissions: ['repo.content.read'] })
    expect(open.tokenInfo.repoIds).toEqual([repos.foreignPublic])
    const asked = (id: string) =>
      ask('POST', `${at}/tokens`, admin, { repoIds: [id], repoPermissions: ['repo.content.read'] })
    const secret = await asked(repos.foreign)
    const none = await asked('f'.repeat(24))
    expect(secret.status).toBe(422)
    expect(secret.text.replace(repos.foreign, 'ID')).toBe(none.text.replace('f'.repeat(24), 'ID'))
    const write = await ask('POST', `${at}/tokens`, admin, {
      repoIds: [repos.foreignPublic],
      repoPermissions: ['repo.write'],
    })
    expect(write.status).toBe(422)
    expect(write.text).toContain('needs the role write')
  })

  it('SA-23: a permission above the role of the account is refused by the role that is missing', async () => {
    const refused = async (body: unknown, ...words: string[]) => {
      const answer = await ask('POST', `${at}/tokens`, admin, body)
      expect(answer.status, answer.text).toBe(422)
      for (const word of words) expect(answer.text).toContain(word)
    }
    for (const permission of [
      'org.write',
      'org.serviceAccounts.read',
      'org.serviceAccounts.write',
      'resourceGroup.write',
    ]) {
      await refused({ permissions: [permission] }, permission, 'needs the role admin', 'has write')
    }
    await setRole('read')
    await refused({ permissions: ['repo.write'] }, 'needs the role contributor', 'has read')
    await refused({ repoIds: [repos.one], repoPermissions: ['repo.write'] }, 'needs the role write', 'has read')
    await setRole('no_access')
    await refused({ permissions: ['repo.content.read'] }, 'needs the role read')
    await refused({ repoIds: [repos.one], repoPermissions: ['repo.content.read'] }, 'no repository')
    await setRole('write')
    await create({ permissions: ['repo.write'] })
  })

  it('SA-23, WS-9: a repo in a workspace that the account is not in is refused by the name of the workspace', async () => {
    const body = { repoIds: [repos.inWorkspace], repoPermissions: ['repo.write'] }
    const scoped = [{ entity: { type: 'resource-group', _id: workspace }, permissions: ['repo.write'] }]
    const outside = await ask('POST', `${at}/tokens`, admin, body)
    expect(outside.status).toBe(422)
    expect(outside.text).toContain('in the workspace routing')
    expect((await ask('POST', `${at}/tokens`, admin, { fineGrained: { scoped } })).status).toBe(422)
    await test.hub.transaction((tx) =>
      tx
        .insertInto('roleGrant')
        .values({
          targetId: workspace,
          targetKind: 'workspace',
          principalId: ci.id,
          principalKind: 'service-account',
          role: 'write',
          createdAt: 1,
          createdBy: null,
        })
        .execute(),
    )
    const single = await create(body)
    expect(await check(single.token, 'hidden', '/write', 'datasets')).toBe(200)
    const wide = await create({ fineGrained: { scoped } })
    expect(wide.tokenInfo.fineGrained.scoped).toMatchObject([
      { entity: { type: 'resource-group', name: 'acme/routing' }, permissions: ['repo.write'], effective: true },
    ])
    expect(await check(wide.token, 'hidden', '/write', 'datasets')).toBe(200)
    expect(await check(wide.token, 'one')).toBe(404)
    // Out of the workspace again: refused at once, and listed as worth nothing.
    await test.hub.transaction((tx) =>
      tx.deleteFrom('roleGrant').where('targetId', '=', workspace).where('principalId', '=', ci.id).execute(),
    )
    for (const made of [single, wide]) {
      expect(await check(made.token, 'hidden', '', 'datasets')).toBe(404)
      expect((await listed(made.tokenInfo._id)).fineGrained.scoped).toMatchObject([{ effective: false }])
      const renamed = await patch(made.tokenInfo._id, { displayName: `kept ${made.tokenInfo._id}` })
      expect(renamed.status, renamed.text).toBe(200)
      expect((await listed(made.tokenInfo._id)).fineGrained.scoped).toHaveLength(1)
    }
  })

  it('SA-23: when the role drops, a grant stays listed as no longer effective, and an edit leaves it', async () => {
    const { token, tokenInfo } = await create({
      permissions: ['repo.content.read', 'repo.write'],
      repoIds: [repos.one],
      repoPermissions: ['repo.content.read', 'repo.write'],
    })
    await setRole('read')
    expect(await check(token, 'one')).toBe(200)
    expect(await check(token, 'one', '/write')).toBe(403)
    const lost = (await listed(tokenInfo._id)).fineGrained.scoped
    expect(lost.map((grant) => grant.lost)).toEqual([['repo.write'], ['repo.write']])
    expect(lost.map((grant) => grant.effective)).toEqual([true, true])
    expect((await patch(tokenInfo._id, { description: 'edited' })).status).toBe(200)
    const kept = await patch(tokenInfo._id, { permissions: ['repo.write'] })
    expect(kept.status, kept.text).toBe(200)
    await setRole('write')
    expect(await check(token, 'one', '/write')).toBe(200)
    expect((await listed(tokenInfo._id)).fineGrained.scoped.flatMap((grant) => grant.lost)).toEqual([])
  })

  it('SA-24: name, description and permissions change at once under the same value; the end only comes nearer', async () => {
    const { token, tokenInfo } = await create({
      displayName: 'edit me',
      repoIds: [repos.one],
      repoPermissions: ['repo.content.read'],
    })
    const id = tokenInfo._id
    expect((await patch(id, { displayName: 'edited', description: 'what for' })).json()).toMatchObject({
      displayName: 'edited',
      description: 'what for',
      repoIds: [repos.one],
    })
    expect((await patch(id, { repoPermissions: ['repo.write'] })).json()).toMatchObject({
      repoPermissions: ['repo.write'],
    })
    expect(await check(token, 'one', '/write')).toBe(200)
    expect((await patch(id, { repoIds: [repos.two] })).json()).toMatchObject({
      repoIds: [repos.two],
      repoPermissions: ['repo.write'],
    })
    expect(await check(token, 'one')).toBe(404)
    expect((await patch(id, { permissions: ['repo.content.read'] })).json()).toMatchObject({
      permissions: ['repo.content.read'],
      repoIds: [repos.two],
    })
    expect(await check(token, 'one')).toBe(200)
    await patch(id, { repoIds: [] })
    expect(await check(token, 'two')).toBe(200)
    expect(await check(token, 'two', '/write')).toBe(403)
    expect((await patch(id, { mode: 'inherit' })).json()).toMatchObject({ mode: 'inherit', permissions: [] })
    expect(await check(token, 'two', '/write')).toBe(200)
    expect((await patch(id, { permissions: ['repo.write'] })).status).toBe(422)
    expect((await patch(id, { mode: 'scoped', permissions: [] })).json()).toMatchObject({ mode: 'scoped' })
    expect(await check(token, 'two')).toBe(404)
    const iso = (days: number) => new Date(time + days * day).toISOString()
    expect((await patch(id, { expiresAt: iso(30) })).status).toBe(200)
    expect((await patch(id, { expiresAt: iso(10) })).json<WireToken>().expiresAt).toBe(iso(10))
    for (const expiresAt of [iso(11), null, iso(-1)]) expect((await patch(id, { expiresAt })).status).toBe(422)
    expect((await listed(id)).expiresAt).toBe(iso(10))
    expect((await listed(id)).last4).toBe(token.slice(-4))
    expect((await patch('f'.repeat(24), { displayName: 'x' })).status).toBe(404)
  })

  it('SA-25: a refresh gives a new value, keeps everything else, and its length of life where none is named', async () => {
    const { token, tokenInfo } = await create({
      displayName: 'rotate me',
      description: 'kept',
      permissions: ['repo.write'],
      expiresAt: new Date(time + 30 * day).toISOString(),
    })
    const id = tokenInfo._id
    time += 10 * day
    const first = (await rotate(id)).json<Made>()
    expect(first.token).not.toBe(token)
    expect((await whoami(token)).status).toBe(401)
    expect((await whoami(first.token)).status).toBe(200)
    expect(first.tokenInfo).toMatchObject({
      _id: id,
      displayName: 'rotate me',
      description: 'kept',
      permissions: ['repo.write'],
      createdAt: tokenInfo.createdAt,
      rotatedAt: new Date(time).toISOString(),
      expiresAt: new Date(time + 30 * day).toISOString(),
      last4: first.token.slice(-4),
    })
    // Expired ones too.
    time += 31 * day
    expect((await whoami(first.token)).status).toBe(401)
    const second = (await rotate(id)).json<Made>()
    expect(second.tokenInfo.expiresAt).toBe(new Date(time + 30 * day).toISOString())
    expect((await whoami(second.token)).status).toBe(200)
    const never = (await rotate(id, { expiresAt: null })).json<Made>()
    expect(never.tokenInfo.expiresAt).toBeNull()
    expect((await rotate(id)).json<Made>().tokenInfo.expiresAt).toBeNull()
    const named = (await rotate(id, { expiresAt: new Date(time + day).toISOString() })).json<Made>()
    expect(named.tokenInfo.expiresAt).toBe(new Date(time + day).toISOString())
    expect((await rotate(id, { expiresAt: new Date(time).toISOString() })).status).toBe(422)
    expect((await whoami(named.token)).status).toBe(200)
  })

  it('SA-26: of refreshes at the same moment one wins, the others are told, and one value lives', async () => {
    const { tokenInfo } = await create({ mode: 'inherit' })
    const answers = await Promise.all(Array.from({ length: 6 }, () => rotate(tokenInfo._id)))
    const won = answers.filter(({ status }) => status === 200)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    expect(won.length).toBeGreaterThanOrEqual(1)
    // Those that came one after the other both won; only the last value lives.
    const alive = await Promise.all(won.map(async (answer) => (await whoami(answer.json<Made>().token)).status))
    expect(alive.filter((status) => status === 200)).toHaveLength(1)
  })

  it('SA-27: one is deleted, the others live', async () => {
    const gone = await create({ mode: 'inherit' })
    const stays = await create({ mode: 'inherit' })
    expect((await ask('DELETE', `${at}/tokens/${gone.tokenInfo._id}`, admin)).status).toBe(204)
    expect((await whoami(gone.token)).status).toBe(401)
    expect((await whoami(stays.token)).status).toBe(200)
    expect((await ask('DELETE', `${at}/tokens/${gone.tokenInfo._id}`, admin)).status).toBe(404)
    expect((await rotate(gone.tokenInfo._id)).status).toBe(404)
  })

  it('SA-28: all are deleted, the account keeps its role', async () => {
    const values = [(await create({ mode: 'inherit' })).token, (await create({ mode: 'inherit' })).token]
    const count = (await ask('GET', `${at}/tokens`, admin)).json<unknown[]>().length
    expect((await ask('DELETE', `${at}/tokens`, admin)).json()).toEqual({ deleted: count })
    for (const value of values) expect((await whoami(value)).status).toBe(401)
    expect((await ask('GET', at, admin)).json()).toMatchObject({ disabled: false, role: 'write', accessTokens: [] })
  })

  it('SA-29: tokens that inherit have one access, whatever the account is made', async () => {
    const values = [(await create({ mode: 'inherit' })).token, (await create({ mode: 'inherit' })).token]
    for (const [role, read, write] of [
      ['no_access', 404, 404],
      ['read', 200, 403],
      ['write', 200, 200],
    ] as const) {
      await setRole(role)
      for (const value of values) {
        expect([await check(value, 'one'), await check(value, 'one', '/write')]).toEqual([read, write])
      }
    }
  })

  it('UAT-13: one account cannot be reached through another', async () => {
    const other = await makeServiceAccount(test, acme, 'somebody else')
    const value = await makeAccountToken(test, acme, other)
    const { _id: id } = (await ask('GET', `/api/organizations/acme/service-accounts/${other.id}/tokens`, admin)).json<
      WireToken[]
    >()[0] ?? { _id: '' }
    expect((await patch(id, { displayName: 'mine' })).status).toBe(404)
    expect((await rotate(id)).status).toBe(404)
    expect((await ask('DELETE', `${at}/tokens/${id}`, admin)).status).toBe(404)
    expect((await whoami(value)).status).toBe(200)
    // Nor do they stand among the tokens of a person.
    expect((await ask('GET', '/api/settings/tokens', admin)).status).toBe(403)
  })
})
