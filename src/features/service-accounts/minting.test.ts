/**
 * SA-11: nobody makes a credential that is more than their own. Each test is the story of somebody who found a token with which service
 * accounts can be managed, and little else, and tries to have the organization.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Answer, type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { insertRepo } from '../../../tests/support/rows.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'
import type { ServiceAccount } from './account.ts'

interface Made {
  readonly token: string
  readonly tokenInfo: { readonly _id: string; readonly expiresAt: string | null }
}

const day = 86_400_000
const manage = 'org:acme=org.serviceAccounts.write'

describe.each(dialects)('SA-11 on %s', (dialect) => {
  const time = Date.now()
  let test: TestHub
  let ask: Ask
  let mara: TestUser
  let acme: { id: string; name: string }
  /** The account whose token is found: role admin. */
  let terraform: ServiceAccount
  /** Another one, of the role that `make` gives it. */
  let victim: ServiceAccount
  let repo: string
  let made = 0
  const accounts = '/api/organizations/acme/service-accounts'

  beforeAll(async () => {
    test = await startHubOn(dialect, { clock: systemClock(() => time) })
    ask = jsonClient(test.url)
    mara = await makeUser(test, 'mara', { tokenRole: 'write' })
    acme = await makeOrganization(test, 'acme', mara)
    repo = test.hub.clock.id()
    await insertRepo(test.hub.db, { id: repo, owner: acme, name: 'secret' })
    terraform = await makeServiceAccount(test, acme, 'terraform', 'admin')
  })
  beforeEach(async () => {
    victim = await makeServiceAccount(test, acme, `victim ${++made}`)
  })
  afterAll(() => test.stop())

  const found = (...scoped: string[]) => makeAccountToken(test, acme, terraform, [manage, ...scoped])
  const mint = (value: string, body: unknown, account = terraform) =>
    ask('POST', `${accounts}/${account.id}/tokens`, value, body)
  const tokensOf = async (account: ServiceAccount) =>
    (await ask('GET', `${accounts}/${account.id}/tokens`, mara.token)).json<{ _id: string }[]>()
  const onlyTokenOf = async (account: ServiceAccount) => (await tokensOf(account))[0]?._id ?? ''
  function refused(answer: Answer, word = 'beyond_minter'): void {
    expect(answer.status, answer.text).toBe(403)
    expect(answer.headers.get('x-hub-denied'), answer.text).toContain(word)
  }

  it('mints a wider token for its own account: every permission that it lacks is refused', async () => {
    const value = await found('org:acme=org.read')
    for (const permission of ['repo.write', 'repo.content.read', 'org.write', 'resourceGroup.write']) {
      refused(await mint(value, { permissions: [permission] }))
    }
    refused(await mint(value, { repoIds: [repo], repoPermissions: ['repo.content.read'] }))
    refused(await mint(value, { permissions: ['org.read', 'repo.write'] }))
    const fair = await mint(value, { permissions: ['org.read', 'org.serviceAccounts.write'] })
    expect(fair.status, fair.text).toBe(201)
    expect((await mint(value, {})).status).toBe(201)
  })

  it('mints a token that inherits, and so has the role admin: refused, for its own account and for a weak one', async () => {
    const value = await found('org:acme=repo.write')
    refused(await mint(value, { mode: 'inherit' }))
    refused(await mint(value, { mode: 'inherit' }, victim))
  })

  it('uses a token that inherits the role admin to make another: what is not listed is not carried', async () => {
    const value = await makeAccountToken(test, acme, terraform)
    refused(await mint(value, {}), 'token_permission')
    refused(await ask('POST', accounts, value, { name: 'mine' }), 'token_permission')
    refused(await ask('GET', accounts, value), 'token_permission')
  })

  it('mints from an account that is no administrator, itself included: refused, whatever its token once listed', async () => {
    const value = await found('org:acme=repo.write')
    const weak = await ask('PATCH', `${accounts}/${terraform.id}`, mara.token, { role: 'write' })
    expect(weak.status).toBe(200)
    try {
      refused(await mint(value, {}), 'role')
      refused(await ask('GET', accounts, value), 'role')
    } finally {
      await ask('PATCH', `${accounts}/${terraform.id}`, mara.token, { role: 'admin' })
    }
  })

  it('has the value of a weak token that inherits, and makes its account an administrator: no role is raised', async () => {
    const held = await makeAccountToken(test, acme, victim)
    const value = await found('org:acme=org.write')
    refused(await ask('PATCH', `${accounts}/${victim.id}`, value, { role: 'admin' }))
    const lower = await ask('PATCH', `${accounts}/${victim.id}`, value, { role: 'read', description: 'lowered' })
    expect(lower.status, lower.text).toBe(200)
    refused(await ask('PATCH', `${accounts}/${victim.id}`, value, { role: 'write' }))
    expect((await ask('GET', '/api/models/acme/secret/auth-check/write', held)).status).toBe(403)
  })

  it('makes an account that is an administrator, to be given tokens later: refused', async () => {
    const value = await found()
    refused(await ask('POST', accounts, value, { name: 'stronger', role: 'admin' }))
    const plain = await ask('POST', accounts, value, { name: 'plain' })
    expect(plain.status).toBe(201)
    refused(await mint(value, { permissions: ['repo.write'] }, { ...victim, id: plain.json<{ _id: string }>()._id }))
  })

  it('refreshes the token of a stronger account, whose new value it then has: refused, and the old one lives', async () => {
    const value = await found('org:acme=org.read')
    const inherits = await makeAccountToken(test, acme, victim)
    const id = await onlyTokenOf(victim)
    refused(await ask('POST', `${accounts}/${victim.id}/tokens/${id}/rotate`, value))
    expect((await ask('GET', '/api/whoami-v2', inherits)).status).toBe(200)
    const other = await makeServiceAccount(test, acme, `other ${made}`)
    const scoped = await makeAccountToken(test, acme, other, ['org:acme=repo.write'])
    refused(await ask('POST', `${accounts}/${other.id}/tokens/${await onlyTokenOf(other)}/rotate`, value))
    expect((await ask('GET', '/api/whoami-v2', scoped)).status).toBe(200)
    const equal = await makeServiceAccount(test, acme, `equal ${made}`)
    await makeAccountToken(test, acme, equal, ['org:acme=org.read'])
    const fair = await ask('POST', `${accounts}/${equal.id}/tokens/${await onlyTokenOf(equal)}/rotate`, value)
    expect(fair.status, fair.text).toBe(200)
  })

  it('widens a token whose value it has by editing it: refused in every form', async () => {
    const value = await found('org:acme=org.read')
    const held = await makeAccountToken(test, acme, victim, [])
    const path = `${accounts}/${victim.id}/tokens/${await onlyTokenOf(victim)}`
    refused(await ask('PATCH', path, value, { permissions: ['repo.write'] }))
    refused(await ask('PATCH', path, value, { repoIds: [repo], repoPermissions: ['repo.write'] }))
    refused(await ask('PATCH', path, value, { mode: 'inherit' }))
    refused(
      await ask('PATCH', path, value, {
        fineGrained: { scoped: [{ entity: { type: 'org', name: 'acme' }, permissions: ['repo.write'] }] },
      }),
    )
    expect((await ask('PATCH', path, value, { displayName: 'only a name' })).status).toBe(200)
    expect((await ask('GET', '/api/models/acme/secret/auth-check', held)).status).toBe(404)
  })

  it('is kept from one repo by what its token lists there, and takes that out, or mints a token without it: refused', async () => {
    const value = await found('org:acme=repo.write', `model:${repo}=repo.content.read`)
    const tokens = (await ask('GET', `${accounts}/${terraform.id}/tokens`, mara.token)).json<
      { _id: string; repoIds: string[] }[]
    >()
    const own = tokens.find(({ repoIds }) => repoIds.includes(repo))?._id ?? ''
    const write = () => ask('GET', '/api/models/acme/secret/auth-check/write', value)
    expect((await write()).status).toBe(403)
    refused(await ask('PATCH', `${accounts}/${terraform.id}/tokens/${own}`, value, { repoIds: [] }))
    refused(await mint(value, { permissions: ['repo.write'] }))
    refused(await mint(value, { repoIds: [repo], repoPermissions: ['repo.write'] }))
    expect((await write()).status).toBe(403)
    const fair = await mint(value, { repoIds: [repo], repoPermissions: ['repo.content.read'] })
    expect(fair.status, fair.text).toBe(201)
  })

  it('has a day left, and makes itself a token for ever: what it makes ends with it', async () => {
    const ends = time + day
    const value = await makeAccountToken(test, acme, terraform, [manage], { expiresAt: ends })
    refused(await mint(value, { expiresAt: null }))
    refused(await mint(value, { expiresAt: new Date(ends + 1).toISOString() }))
    const fair = await mint(value, {})
    expect(fair.status).toBe(201)
    expect(fair.json<Made>().tokenInfo.expiresAt).toBe(new Date(ends).toISOString())
    await makeAccountToken(test, acme, victim, [], { expiresAt: time + 90 * day })
    const rotate = `${accounts}/${victim.id}/tokens/${await onlyTokenOf(victim)}/rotate`
    refused(await ask('POST', rotate, value, { expiresAt: null }))
    const short = await ask('POST', rotate, value)
    expect(short.json<Made>().tokenInfo.expiresAt).toBe(new Date(ends).toISOString())
  })

  it('refreshes itself before it ends, as long as it was, and no longer', async () => {
    const value = await makeAccountToken(test, acme, victim, [], { expiresAt: time + day })
    expect(
      (await ask('POST', `${accounts}/${victim.id}/tokens/${await onlyTokenOf(victim)}/rotate`, value)).status,
    ).toBe(403)
    const machine = await makeServiceAccount(test, acme, `rotates itself ${made}`, 'admin')
    const own = await makeAccountToken(test, acme, machine, [manage], { expiresAt: time + 30 * day })
    const rotate = `${accounts}/${machine.id}/tokens/${await onlyTokenOf(machine)}/rotate`
    refused(await ask('POST', rotate, own, { expiresAt: null }))
    refused(await ask('POST', rotate, own, { expiresAt: new Date(time + 31 * day).toISOString() }))
    const again = await ask('POST', rotate, own)
    expect(again.status, again.text).toBe(200)
    expect((await ask('GET', accounts, own)).status).toBe(401)
    expect((await ask('GET', accounts, again.json<Made>().token)).status).toBe(200)
  })

  it('has the value of a token of an account that is about to end, and puts the end off: refused', async () => {
    const value = await found('org:acme=org.write')
    const path = `${accounts}/${victim.id}`
    await ask('PATCH', path, mara.token, { expiresAt: new Date(time + day).toISOString() })
    refused(await ask('PATCH', path, value, { expiresAt: null }))
    refused(await ask('PATCH', path, value, { expiresAt: new Date(time + 2 * day).toISOString() }))
    const sooner = await ask('PATCH', path, value, { expiresAt: new Date(time + day / 2).toISOString() })
    expect(sooner.status, sooner.text).toBe(200)
  })

  it('narrowed to some inference endpoints, mints a token for all of them: refused', async () => {
    const value = await makeAccountToken(test, acme, terraform, [`${manage},inference.endpoints.write`], {
      endpointPatterns: ['gpt2-*'],
    })
    refused(await mint(value, { permissions: ['inference.endpoints.write'] }))
    refused(await mint(value, { permissions: ['inference.endpoints.write'], endpointPatterns: ['*'] }))
    const fair = await mint(value, { permissions: ['inference.endpoints.write'], endpointPatterns: ['gpt2-*'] })
    expect(fair.status, fair.text).toBe(201)
  })

  it("is an administrator's own fine-grained token: bound in the same way", async () => {
    const value = await makeToken(test, mara, { role: 'fineGrained', scoped: [manage] })
    refused(await mint(value, { mode: 'inherit' }, victim))
    refused(await mint(value, { permissions: ['repo.write'] }, victim))
    refused(await ask('PATCH', `${accounts}/${victim.id}`, value, { role: 'admin' }))
    expect((await mint(value, {}, victim)).status).toBe(201)
    const wider = await makeToken(test, mara, { role: 'fineGrained', scoped: [manage, 'org:acme=repo.write'] })
    expect((await mint(wider, { permissions: ['repo.write'] }, victim)).status).toBe(201)
    const reads = await makeToken(test, mara, { role: 'fineGrained', scoped: ['org:acme=org.serviceAccounts.read'] })
    expect((await ask('GET', accounts, reads)).status).toBe(200)
    refused(await mint(reads, {}, victim), 'token_permission')
  })

  it('asks for ids of private repos, to learn from the words of the refusal which exist: all the same', async () => {
    const hidden = test.hub.clock.id()
    const workspace = test.hub.clock.id()
    await test.hub.transaction((tx) =>
      tx
        .insertInto('workspace')
        .values({ id: workspace, organizationId: acme.id, name: workspace, nameKey: workspace, createdAt: 1 })
        .execute(),
    )
    await insertRepo(test.hub.db, {
      id: hidden,
      kind: 'dataset',
      owner: acme,
      name: `hidden-${hidden}`,
      workspaceId: workspace,
    })
    const value = await found()
    const asked = async (id: string) => {
      const answer = await mint(value, { repoIds: [id], repoPermissions: ['repo.write'] }, victim)
      return `${answer.status} ${answer.text.replaceAll(id, 'ID')}`
    }
    expect(await asked(hidden)).toBe(await asked('f'.repeat(24)))
  })
})
