/** Service accounts themselves, statement by statement (behaviours.md, 1.4), over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { plainOrganization } from '../../domain/facts.ts'
import { systemGrant } from '../../domain/policy.ts'
import { systemClock } from '../../platform/clock.ts'
import { deactivateUser } from '../accounts/service.ts'
import { changeRole, removeMember } from '../organizations/membership.ts'

interface WireAccount {
  readonly _id: string
  readonly user: string
  readonly name: string
  readonly email: string
  readonly description?: string
  readonly createdAt: string
  readonly role: string
  readonly contact: string | null
  readonly expiresAt: string | null
  readonly disabled: boolean
}
type Made = WireAccount & { readonly fullname: string }

const password = 'a long enough sentence'
const day = 86_400_000

describe.each(dialects)('service accounts on %s', (dialect) => {
  let time = Date.now()
  let test: TestHub
  let ask: Ask
  let mara: TestUser
  let admin: string
  let acme: { id: string; name: string }
  let made = 0
  const at = '/api/organizations/acme/service-accounts'

  beforeAll(async () => {
    test = await startHubOn(dialect, { clock: systemClock(() => time) })
    ask = jsonClient(test.url)
    mara = await makeUser(test, 'mara', { tokenRole: 'write', password })
    admin = mara.token
    for (const role of ['write', 'contributor', 'read', 'no_access'])
      await makeUser(test, `in-${role.replace('_', '-')}`)
    acme = await makeOrganization(test, 'acme', mara, {
      'in-write': 'write',
      'in-contributor': 'contributor',
      'in-read': 'read',
      'in-no-access': 'no_access',
    })
  })
  afterAll(() => test.stop())

  async function create(input: Record<string, unknown> = {}): Promise<Made> {
    const answer = await ask('POST', at, admin, { name: `machine ${++made}`, ...input })
    expect(answer.status, answer.text).toBe(201)
    return answer.json<Made>()
  }
  const whoami = (value: string) => ask('GET', '/api/whoami-v2', value)
  const events = () => test.hub.db.read.selectFrom('event').selectAll().orderBy('id').execute()

  it('SA-1: administrators alone list, make, change, disable, enable and delete them', async () => {
    const account = await create()
    const requests: [string, string, unknown?][] = [
      ['GET', at],
      ['POST', at, { name: 'never made' }],
      ['GET', `${at}/${account._id}`],
      ['PATCH', `${at}/${account._id}`, { name: 'renamed' }],
      ['POST', `${at}/${account._id}/disable`],
      ['POST', `${at}/${account._id}/enable`],
      ['GET', `${at}/${account._id}/tokens`],
      ['POST', `${at}/${account._id}/tokens`, {}],
      ['DELETE', `${at}/${account._id}/tokens`],
      ['DELETE', `${at}/${account._id}`],
    ]
    const outsider = await makeUser(test, 'outsider', { tokenRole: 'write' })
    const callers = [outsider.token]
    for (const name of ['in-write', 'in-contributor', 'in-read', 'in-no-access']) {
      const found = await test.hub.db.read
        .selectFrom('namespace')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      callers.push(await makeToken(test, found, { role: 'write' }))
    }
    for (const [method, path, body] of requests) {
      for (const caller of callers)
        expect((await ask(method, path, caller, body)).status, `${method} ${path}`).toBe(403)
      expect((await ask(method, path, '', body)).status).toBe(401)
    }
    const there = await ask('GET', `${at}/${account._id}`, admin)
    expect(there.json<WireAccount>()).toMatchObject({ name: account.name, disabled: false })
    expect((await ask('GET', at, admin)).text).not.toContain('never made')
    expect((await ask('GET', '/api/organizations/nobody-here/service-accounts', admin)).status).toBe(404)
  })

  it('SA-2, C2: a name of 1 to 50 characters, a description of at most 500; the role write without one, never admin', async () => {
    for (const body of [
      {},
      { name: '' },
      { name: '   ' },
      { name: 'x'.repeat(51) },
      { name: 'a\nb' },
      { name: 'a <b>' },
      { name: 'x', description: 'd'.repeat(501) },
      { name: 'x', role: 'owner' },
      { name: 'x', expiresAt: new Date(time - 1).toISOString() },
      { name: 'x', surprise: 1 },
    ]) {
      const answer = await ask('POST', at, admin, body)
      expect([400, 422], answer.text).toContain(answer.status)
    }
    const plain = await create({ name: ' CI  publish ' })
    expect(plain).toMatchObject({
      user: `sa-${plain._id}`,
      fullname: 'CI publish',
      email: `${plain._id}@service.invalid`,
      role: 'write',
      contact: null,
      expiresAt: null,
      disabled: false,
    })
    expect(plain).not.toHaveProperty('description')
    expect(plain._id).toMatch(/^[0-9a-f]{24}$/)
    const taken = await ask('POST', at, admin, { name: 'ci publish' })
    expect(taken.status).toBe(409)
    expect(taken.text).toContain('has a service account called')
    const ends = new Date(time + day).toISOString()
    const full = await create({ description: 'd'.repeat(500), contact: 'Jonas', role: 'no_access', expiresAt: ends })
    const read = (await ask('GET', `${at}/${full._id}`, admin)).json<WireAccount & { accessTokens: unknown[] }>()
    expect(read).toMatchObject({ role: 'no_access', contact: 'Jonas', expiresAt: ends, accessTokens: [] })
    expect(read.description).toBe('d'.repeat(500))
  })

  it('SA-2: lists them by name, page by page, with the members of the Hub', async () => {
    await create({ name: 'zz 1' })
    await create({ name: 'ZZ 2' })
    const names: string[] = []
    let path: string | null = `${at}?limit=2`
    while (path !== null) {
      const answer = await ask('GET', path, admin)
      expect(answer.status).toBe(200)
      for (const account of answer.json<WireAccount[]>()) {
        names.push(account.name)
        expect(account).toMatchObject({ user: `sa-${account._id}`, email: `${account._id}@service.invalid` })
        expect(account.createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      }
      path = /<[^>]*?(\/api[^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
    }
    expect(names.slice(-2)).toEqual(['zz 1', 'ZZ 2'])
    expect(names).toEqual([...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)))
    expect(new Set(names).size).toBe(names.length)
  })

  it('an id of another organization, an unknown one and one that is none are the same 404', async () => {
    const other = await makeOrganization(test, 'other', mara)
    const foreign = await makeServiceAccount(test, other, 'foreign')
    const answers = await Promise.all(
      [foreign.id, 'f'.repeat(24), 'nonsense'].flatMap((id) => [
        ask('GET', `${at}/${id}`, admin),
        ask('PATCH', `${at}/${id}`, admin, { role: 'admin' }),
        ask('POST', `${at}/${id}/disable`, admin),
        ask('POST', `${at}/${id}/tokens`, admin, {}),
        ask('DELETE', `${at}/${id}`, admin),
      ]),
    )
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(404)
    expect((await ask('GET', `/api/organizations/other/service-accounts/${foreign.id}`, admin)).status).toBe(200)
  })

  it('SA-3: an account without tokens is an account', async () => {
    const account = await create()
    expect((await ask('GET', `${at}/${account._id}/tokens`, admin)).json()).toEqual([])
  })

  it('SA-4: has no password, no sign-in and no way to get one; every such door is that of an unknown name', async () => {
    const account = await create()
    const post = async (path: string, form: Record<string, string>) => {
      const response = await fetch(`${test.url}${path}`, {
        method: 'POST',
        body: new URLSearchParams(form),
        redirect: 'manual',
      })
      return { status: response.status, location: response.headers.get('location'), text: await response.text() }
    }
    const plain = (text: string) => text.replaceAll(account.user, 'NAME').replaceAll('nobody-here', 'NAME')
    const known = await post('/login', { username: account.user, password })
    const unknown = await post('/login', { username: 'nobody-here', password })
    expect(known.status).toBe(unknown.status)
    expect(plain(known.text)).toBe(plain(unknown.text))
    const forgot = await post('/forgot-password', { email: account.email })
    const forgotten = await post('/forgot-password', { email: 'nobody@service.invalid' })
    expect(forgot.status).toBe(forgotten.status)
    expect(forgot.location).toBe(forgotten.location)
    const value = await makeAccountToken(test, acme, { id: account._id })
    const answer = await ask('GET', '/api/settings/tokens', value)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-hub-denied')).toContain('person_needed')
    const basic = (secret: string) => ({
      authorization: `Basic ${Buffer.from(`${account.user}:${secret}`).toString('base64')}`,
    })
    // AUTH-3: what is not one of its tokens is refused as a password.
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: basic(password) })).status).toBe(401)
    expect((await fetch(`${test.url}/api/whoami-v2`, { headers: basic(value) })).status).toBe(200)
  })

  it('SA-5: has no page and no profile, and is in no list of people', async () => {
    const account = await create()
    const value = await makeAccountToken(test, acme, { id: account._id })
    expect((await ask('GET', `/${account.user}`, '')).status).toBe(404)
    expect((await ask('GET', `/${account.user}`, admin)).status).toBe(404)
    expect((await ask('GET', `/api/users/${account.user}/overview`, admin)).status).toBe(404)
    const members = await ask('GET', '/api/organizations/acme/members', value)
    expect(members.status).toBe(200)
    expect(members.text).not.toContain(account._id)
    for (const name of [account.user, account.name, account._id]) {
      const path = `/api/organizations/acme/members/${encodeURIComponent(name)}`
      expect((await ask('PUT', `${path}/role`, admin, { role: 'admin' })).status).toBe(404)
      expect((await ask('DELETE', path, admin)).status).toBe(404)
    }
    expect((await ask('POST', '/api/organizations/acme/members', admin, { user: account.user })).status).toBe(404)
    expect((await ask('POST', '/api/organizations/acme/leave', value)).status).toBe(403)
  })

  it('SA-6: does not depend on the administrator who made it', async () => {
    const zoe = await makeUser(test, 'zoe', { tokenRole: 'write' })
    const org = await makeOrganization(test, 'durable', mara, { zoe: 'admin' })
    const path = '/api/organizations/durable/service-accounts'
    const account = (await ask('POST', path, zoe.token, { name: 'ci' })).json<Made>()
    const token = (await ask('POST', `${path}/${account._id}/tokens`, zoe.token, { mode: 'inherit' })).json<{
      token: string
    }>()
    const facts = plainOrganization(org)
    const resource = { on: 'organization', name: 'durable', organization: facts } as const
    await changeRole(test.hub, systemGrant('org.change_role', resource, 'tests'), systemOrigin, {
      username: 'zoe',
      role: 'read',
    })
    expect((await whoami(token.token)).status).toBe(200)
    await removeMember(test.hub, systemGrant('org.remove_user', resource, 'tests'), systemOrigin, 'zoe')
    expect((await whoami(token.token)).status).toBe(200)
    await deactivateUser(test.hub, systemGrant('user.deactivate', { on: 'instance' }, 'tests'), systemOrigin, 'zoe')
    expect((await whoami(token.token)).status).toBe(200)
    expect((await ask('GET', `${path}/${account._id}`, admin)).status).toBe(200)
  })

  it('SA-7, SEAT-2: a hundred of them, disabled or not, change no number of members', async () => {
    const overview = async () =>
      (await ask('GET', '/api/organizations/acme/overview', admin)).json<{ numUsers: number }>().numUsers
    const before = await overview()
    for (let count = 0; count < 100; count++) await makeServiceAccount(test, acme, `seat ${count}`)
    const [first] = (await ask('GET', `${at}?limit=1`, admin)).json<WireAccount[]>()
    await ask('POST', `${at}/${first?._id}/disable`, admin)
    expect(await overview()).toBe(before)
    expect((await ask('GET', '/api/organizations/acme/members?limit=500', admin)).json<unknown[]>()).toHaveLength(
      before,
    )
  })

  it('SA-9, AUTH-5: its role is changed here, and holds for running tokens from the next request', async () => {
    const repo = test.hub.clock.id()
    await insertRepo(test.hub.db, { id: repo, owner: acme, name: `r-${repo}` })
    const account = await create({ role: 'no_access' })
    const value = await makeAccountToken(test, acme, { id: account._id })
    const check = (right: string) => ask('GET', `/api/models/acme/r-${repo}/auth-check${right}`, value)
    const patch = (body: unknown) => ask('PATCH', `${at}/${account._id}`, admin, body)
    expect((await check('')).status).toBe(404)
    expect((await patch({ role: 'read' })).json<WireAccount>().role).toBe('read')
    expect((await check('')).status).toBe(200)
    expect((await check('/write')).status).toBe(403)
    await patch({ role: 'write' })
    expect((await check('/write')).status).toBe(200)
    await patch({ role: 'no_access' })
    expect((await check('')).status).toBe(404)
  })

  it('edits what is sent and leaves the rest', async () => {
    const account = await create({ description: 'old', contact: 'Jonas' })
    const patch = async (body: unknown) => (await ask('PATCH', `${at}/${account._id}`, admin, body)).json<WireAccount>()
    expect(await patch({ name: 'renamed machine' })).toMatchObject({ name: 'renamed machine', description: 'old' })
    expect(await patch({ description: null, contact: '' })).toMatchObject({ name: 'renamed machine', contact: null })
    expect(await patch({})).not.toHaveProperty('description')
    const other = await create()
    const taken = await ask('PATCH', `${at}/${other._id}`, admin, { name: 'Renamed Machine' })
    expect(taken.status).toBe(409)
    expect((await ask('PATCH', `${at}/${other._id}`, admin, { name: '' })).status).toBe(422)
  })

  it('SA-12: nobody can be called as they are', async () => {
    const account = await create()
    const answer = await ask('POST', '/api/organizations', admin, { name: account.user })
    expect(answer.status).toBe(400)
    expect((await ask('POST', '/api/organizations', admin, { name: 'sa-0123456789abcdef' })).status).toBe(400)
  })

  it('SA-13, AUTH-9: whoami tells it as a user of its own organization', async () => {
    const account = await create({ name: 'who am i' })
    const token = await makeAccountToken(test, acme, { id: account._id }, ['org:acme=repo.content.read'])
    expect((await whoami(token)).json()).toMatchObject({
      type: 'user',
      id: account._id,
      name: account.user,
      fullname: 'who am i',
      email: account.email,
      emailVerified: false,
      isPro: false,
      orgs: [{ type: 'org', id: acme.id, name: 'acme', roleInOrg: 'write' }],
      auth: {
        type: 'access_token',
        accessToken: {
          displayName: 'API Token',
          role: 'fineGrained',
          fineGrained: {
            scoped: [{ entity: { _id: acme.id, type: 'org', name: 'acme' }, permissions: ['repo.content.read'] }],
          },
        },
      },
    })
    const inherit = await makeAccountToken(test, acme, { id: account._id })
    const role = async () =>
      (await whoami(inherit)).json<{ auth: { accessToken: { role: string } } }>().auth.accessToken.role
    expect(await role()).toBe('write')
    await ask('PATCH', `${at}/${account._id}`, admin, { role: 'read' })
    expect(await role()).toBe('read')
  })

  it('SA-13: a repo without an organization is refused by naming the organization; one in it needs repo.write on all of it', async () => {
    const account = await create()
    const inherit = await makeAccountToken(test, acme, { id: account._id })
    for (const body of [
      { name: 'mine' },
      { name: `${account.user}/mine` },
      { name: 'mine', organization: account.user },
    ]) {
      const answer = await ask('POST', '/api/repos/create', inherit, body)
      expect(answer.status).toBe(403)
      expect(answer.text).toContain('no namespace of its own')
      expect(answer.text).toContain('acme')
      expect(answer.headers.get('x-hub-denied')).toContain('service_account_namespace')
    }
    const made = await ask('POST', '/api/repos/create', inherit, { name: 'made', organization: 'acme' })
    expect(made.status, made.text).toBe(200)
    const again = await ask('POST', '/api/repos/create', inherit, { name: 'made', organization: 'acme' })
    expect(again.status).toBe(409)
    expect(again.json()).toMatchObject({ url: `${test.url}/acme/made` })
    const narrow = await makeAccountToken(test, acme, { id: account._id }, ['model:acme/made=repo.write'])
    const refused = await ask('POST', '/api/repos/create', narrow, { name: 'more', organization: 'acme' })
    expect(refused.status).toBe(403)
    // exist_ok: who may see the repo is told that it exists, before being told that they could not have made it.
    const exists = await ask('POST', '/api/repos/create', narrow, { name: 'made', organization: 'acme' })
    expect(exists.status).toBe(409)
    const wide = await makeAccountToken(test, acme, { id: account._id }, ['org:acme=repo.write'])
    expect((await ask('POST', '/api/repos/create', wide, { name: 'more', organization: 'acme' })).status).toBe(200)
    const elsewhere = await ask('POST', '/api/repos/create', wide, { name: 'more', organization: 'mara' })
    expect(elsewhere.status).toBe(403)
    const moved = await ask('POST', '/api/repos/move', wide, { fromRepo: 'acme/more', toRepo: 'acme/more-2' })
    expect(moved.status, moved.text).toBe(200)
  })

  it('SA-8, SA-34: the audit log tells what it did under its own name, and what was done to it', async () => {
    const account = await create({ name: 'log me' })
    const created = await ask('POST', `${at}/${account._id}/tokens`, admin, { mode: 'inherit', displayName: 'ci' })
    const { token, tokenInfo } = created.json<{ token: string; tokenInfo: { _id: string } }>()
    await ask('POST', '/api/repos/create', token, { name: 'logged', organization: 'acme' })
    const patched = await ask('PATCH', `${at}/${account._id}/tokens/${tokenInfo._id}`, admin, {
      mode: 'scoped',
      permissions: ['repo.content.read'],
    })
    expect(patched.status, patched.text).toBe(200)
    const rotated = await ask('POST', `${at}/${account._id}/tokens/${tokenInfo._id}/rotate`, admin)
    const second = rotated.json<{ token: string }>().token
    await ask('PATCH', `${at}/${account._id}`, admin, { role: 'read', name: 'log me still' })
    await ask('DELETE', `${at}/${account._id}/tokens/${tokenInfo._id}`, admin)
    const last = await makeAccountToken(test, acme, { id: account._id })
    await ask('DELETE', `${at}/${account._id}/tokens`, admin)
    await ask('POST', `${at}/${account._id}/disable`, admin)
    await ask('POST', `${at}/${account._id}/enable`, admin)
    await ask('DELETE', `${at}/${account._id}`, admin)
    const log = await events()
    for (const value of [token, second, last]) expect(JSON.stringify(log)).not.toContain(value)
    const own = log.filter((event) => event.actorId === account._id)
    expect(
      own.map(({ action, actorKind, actorName, credentialLast4 }) => [action, actorKind, actorName, credentialLast4]),
    ).toEqual([['repo.create', 'service-account', 'log me', token.slice(-4)]])
    const about = log
      .filter((event) => event.resourceId === account._id || event.data.includes(account._id))
      .map((event) => ({ ...event, data: JSON.parse(event.data) as Record<string, unknown> }))
      .filter(({ actorId }) => actorId === mara.id)
    expect(about.map(({ action }) => action)).toEqual([
      'org.service_account.create',
      'org.service_account.token.create',
      'org.service_account.token.update',
      'org.service_account.token.rotate',
      'org.service_account.update',
      'org.service_account.token.delete',
      'org.service_account.token.delete_all',
      'org.service_account.disable',
      'org.service_account.enable',
      'org.service_account.delete',
    ])
    for (const event of about) expect(event).toMatchObject({ ownerId: acme.id, actorName: 'mara' })
    expect(about[2]?.data).toMatchObject({
      last4: token.slice(-4),
      from: { mode: 'inherit', permissions: [] },
      to: { mode: 'scoped', permissions: ['org:acme=repo.content.read'] },
    })
    expect(about[3]?.data).toMatchObject({ oldLast4: token.slice(-4), last4: second.slice(-4) })
    expect(about[4]?.data).toMatchObject({ from: { role: 'write', name: 'log me' }, to: { role: 'read' } })
    expect(JSON.stringify(about[6]?.data)).toContain(`…${last.slice(-4)}`)
  })

  it('SA-30, SA-31, SA-32: disabling deletes its tokens for good and keeps its roles; enabling brings back none', async () => {
    const account = await create()
    const repo = test.hub.clock.id()
    const workspace = test.hub.clock.id()
    await test.hub.transaction(async (tx) => {
      await tx
        .insertInto('workspace')
        .values({ id: workspace, organizationId: acme.id, name: workspace, nameKey: workspace, createdAt: 1 })
        .execute()
      await tx
        .insertInto('roleGrant')
        .values({
          targetId: workspace,
          targetKind: 'workspace',
          principalId: account._id,
          principalKind: 'service-account',
          role: 'write',
          createdAt: 1,
          createdBy: null,
        })
        .execute()
    })
    await insertRepo(test.hub.db, { id: repo, owner: acme, name: `w-${repo}`, workspaceId: workspace })
    const check = (value: string) => ask('GET', `/api/models/acme/w-${repo}/auth-check/write`, value)
    const values = [
      await makeAccountToken(test, acme, { id: account._id }),
      await makeAccountToken(test, acme, { id: account._id }, ['org:acme=repo.write']),
    ]
    for (const value of values) expect((await check(value)).status).toBe(200)
    const disabled = await ask('POST', `${at}/${account._id}/disable`, admin)
    expect(disabled.json<WireAccount>()).toMatchObject({ disabled: true, role: 'write' })
    for (const value of values) {
      expect((await check(value)).status).toBe(401)
      expect((await whoami(value)).status).toBe(401)
    }
    expect((await ask('GET', `${at}/${account._id}/tokens`, admin)).json()).toEqual([])
    const refused = await ask('POST', `${at}/${account._id}/tokens`, admin, { mode: 'inherit' })
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('is disabled')
    expect((await ask('POST', `${at}/${account._id}/disable`, admin)).status).toBe(200)
    expect((await ask('PATCH', `${at}/${account._id}`, admin, { description: 'still editable' })).status).toBe(200)
    const enabled = await ask('POST', `${at}/${account._id}/enable`, admin)
    expect(enabled.json<WireAccount>()).toMatchObject({ disabled: false, role: 'write' })
    expect((await ask('GET', `${at}/${account._id}/tokens`, admin)).json()).toEqual([])
    for (const value of values) expect((await whoami(value)).status).toBe(401)
    const fresh = await makeAccountToken(test, acme, { id: account._id })
    expect((await check(fresh)).status).toBe(200)
  })

  it('SA-30: no token slips past the disabling of its account, however they meet', async () => {
    for (let round = 0; round < 8; round++) {
      const account = await create()
      const path = `${at}/${account._id}`
      const answers = await Promise.all([
        ask('POST', `${path}/tokens`, admin, { mode: 'inherit' }),
        ask('POST', `${path}/disable`, admin),
        ask('POST', `${path}/tokens`, admin, { mode: 'inherit' }),
      ])
      expect(answers[1]?.status).toBe(200)
      const left = await test.hub.db.read
        .selectFrom('accessToken')
        .select('id')
        .where('ownerId', '=', account._id)
        .execute()
      expect(left).toEqual([])
    }
  })

  it('SA-33: deleting is for good; the name is free, what it did stays under a label', async () => {
    const account = await create({ name: 'phoenix' })
    const value = await makeAccountToken(test, acme, { id: account._id })
    await ask('POST', '/api/repos/create', value, { name: 'ashes', organization: 'acme' })
    const commit = { header: { summary: 'By a machine' }, files: [{ path: 'a.txt', content: 'a' }] }
    const body = [
      JSON.stringify({ key: 'header', value: commit.header }),
      JSON.stringify({ key: 'file', value: { path: 'a.txt', content: 'YQ==', encoding: 'base64' } }),
    ].join('\n')
    const pushed = await fetch(`${test.url}/api/models/acme/ashes/commit/main`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${value}`, 'content-type': 'application/x-ndjson' },
    })
    expect(pushed.status, await pushed.text()).toBe(200)
    const commits = async () => (await ask('GET', '/api/models/acme/ashes/commits/main', admin)).text
    const page = async () => {
      const response = await fetch(`${test.url}/acme/ashes/commits/main`, {
        headers: { authorization: `Bearer ${admin}` },
      })
      return await response.text()
    }
    expect(await commits()).toContain('"user":"phoenix"')
    expect(await page()).toMatch(/phoenix[\s\S]{0,400}service account/)
    expect(await page()).not.toContain('deleted service account')
    // SA-8: by name, never the person who made its token.
    expect(await commits()).not.toContain('mara')

    expect((await ask('DELETE', `${at}/${account._id}`, admin)).status).toBe(204)
    expect((await whoami(value)).status).toBe(401)
    expect((await ask('GET', `${at}/${account._id}`, admin)).status).toBe(404)
    expect((await ask('DELETE', `${at}/${account._id}`, admin)).status).toBe(404)
    for (const table of ['accessToken', 'roleGrant', 'groupMember'] as const) {
      const column = table === 'accessToken' ? 'ownerId' : 'principalId'
      const rows = await test.hub.db.read.selectFrom(table).selectAll().where(column, '=', account._id).execute()
      expect(rows, table).toEqual([])
    }
    expect(await commits()).toContain('"user":"phoenix"')
    expect(await page()).toContain('deleted service account')
    const log = await events()
    expect(log.some(({ actorId, actorName }) => actorId === account._id && actorName === 'phoenix')).toBe(true)

    const again = await create({ name: 'Phoenix' })
    expect(again._id).not.toBe(account._id)
    expect(await page()).toContain('deleted service account')
    expect((await ask('GET', `${at}/${again._id}`, admin)).json()).toMatchObject({ accessTokens: [] })
  })

  it('the end of an account refuses its tokens, as their own end would, until it is put off', async () => {
    const account = await create({ expiresAt: new Date(time + day).toISOString() })
    const value = await makeAccountToken(test, acme, { id: account._id })
    expect((await whoami(value)).status).toBe(200)
    time += day + 1
    const late = await whoami(value)
    expect(late.status).toBe(401)
    expect(late.headers.get('x-hub-denied')).toContain('token_expired')
    const refused = await ask('POST', `${at}/${account._id}/tokens`, admin, { mode: 'inherit' })
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('has expired')
    await ask('PATCH', `${at}/${account._id}`, admin, { expiresAt: null })
    expect((await whoami(value)).status).toBe(200)
  })

  it('SA-35: with its organization go its accounts, and their tokens are worth nothing', async () => {
    const gone = await makeOrganization(test, 'gone', mara)
    const account = await makeServiceAccount(test, gone, 'ci', 'admin')
    const value = await makeAccountToken(test, gone, account)
    expect((await whoami(value)).status).toBe(200)
    await test.hub.transaction((tx) => tx.deleteFrom('organization').where('id', '=', gone.id).execute())
    expect((await whoami(value)).status).toBe(401)
    const left = await test.hub.db.read.selectFrom('serviceAccount').select('id').where('id', '=', account.id).execute()
    expect(left).toEqual([])
  })
})
