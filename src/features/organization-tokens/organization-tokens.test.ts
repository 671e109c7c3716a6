/** Which tokens of its members an organization takes (AUTH-4e, UAT-6, UAT-13), over HTTP on both databases, with mail through a real SMTP connection. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects, makeDatabase } from '../../../tests/support/databases.ts'
import { watchPlans } from '../../../tests/support/plans.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo } from '../../../tests/support/world.ts'
import { firstAdmins } from '../organizations/service.ts'
import { findReaching, forgetApprovals, listReaching, listWaiting, selectPolicy } from './queries.ts'

const password = 'a long enough sentence'
const day = 86_400_000
const waitMs = { timeout: 10_000, interval: 50 }

interface Listed {
  readonly id: string
  readonly user: string
  readonly displayName: string | null
  readonly last4: string
  readonly role: string
  readonly verdict: string | null
  readonly restriction: string | null
}

describe.each(dialects)('tokens that reach an organization, on %s', (dialect) => {
  let running: TestHub
  let sink: SmtpSink
  let ada: TestUser
  let bob: TestUser
  let acme: { id: string; name: string }
  let adaCookie: string
  let bobCookie: string

  beforeAll(async () => {
    sink = await startSmtpSink()
    running = await startHub({ dialect, env: { HOLDFAST_SMTP_URL: sink.url } })
    ada = await makeUser(running, 'ada', { password, tokenRole: 'write' })
    bob = await makeUser(running, 'bob', { password, tokenRole: 'write' })
    acme = await makeOrganization(running, 'acme', ada, { bob: 'write' })
    await makeUser(running, 'eve', { tokenRole: 'write' })
    for (const [name, visibility] of [
      ['secret', 'private'],
      ['open', 'public'],
    ] as const) {
      const repo = await makeRepo(running.hub, acme, name, { visibility })
      await fillRepo(running.hub, repo, 'echo words > a.txt; git add -A; git commit -qm one')
    }
    const own = await makeRepo(running.hub, bob, 'own', { visibility: 'private' })
    await fillRepo(running.hub, own, 'echo own > a.txt; git add -A; git commit -qm one')
    ;[adaCookie, bobCookie] = [await signInAs(running, ada), await signInAs(running, bob)]
  })
  afterAll(async () => {
    await running.stop()
    await sink.stop()
  })

  const call = async (method: string, path: string, as: string, body?: object) => {
    const answer = await fetch(`${running.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(as.startsWith('token=') ? { cookie: as } : { authorization: `Bearer ${as}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return {
      status: answer.status,
      denied: answer.headers.get('x-hub-denied'),
      link: answer.headers.get('link'),
      text: await answer.text(),
    }
  }
  const settings = '/api/organizations/acme/settings/tokens'
  const ask = (policy: object) => call('PUT', '/api/organizations/acme/token-policy', adaCookie, policy)
  const read = async (as: string, repo = 'acme/secret') => {
    const { status, denied } = await call('GET', `/api/models/${repo}`, as)
    return `${status}${denied === null ? '' : ` ${denied.split(';')[0]}`}`
  }
  const restrictions = async (as: string) => {
    const { text } = await call('GET', '/api/whoami-v2', as)
    return (JSON.parse(text) as { orgs: { securityRestrictions?: string[] }[] }).orgs.map(
      (one) => one.securityRestrictions,
    )
  }
  const list = async (query = ''): Promise<Listed[]> =>
    JSON.parse((await call('GET', `${settings}${query}`, adaCookie)).text) as Listed[]
  const idOf = async (value: string): Promise<string> =>
    (await list('?limit=200')).find(({ last4 }) => last4 === value.slice(-4))?.id ?? 'none'
  const fineGrained = (owner: TestUser, scoped = ['org:acme=repo.content.read']) =>
    makeToken(running, owner, { role: 'fineGrained', scoped })
  const mailsAbout = (words: string) => sink.mails.filter(({ text }) => text.includes(words))

  test('AUTH-4e: fine-grained only: classic tokens of members reach what is public, and say why not the rest; sessions and machines go on', async () => {
    const machine = await makeServiceAccount(running, acme, 'ci')
    const [fine, machineToken] = [await fineGrained(bob), await makeAccountToken(running, acme, machine)]
    expect(await read(bob.token)).toBe('200')
    expect((await ask({ policy: 'fine_grained' })).status).toBe(200)
    expect(await read(bob.token)).toBe('403 token_policy')
    expect(await read(bob.token, 'acme/open')).toBe('200')
    expect(await read(bob.token, 'bob/own')).toBe('200')
    for (const good of [fine, bobCookie, machineToken]) expect(await read(good)).toBe('200')
    expect(await restrictions(bob.token)).toEqual([['token-policy']])
    expect(await restrictions(fine)).toEqual([undefined])
    const { text } = await call('GET', '/api/models/acme/secret', bob.token)
    expect(JSON.parse(text)).toMatchObject({ error: expect.stringContaining('only fine-grained access tokens') })
    // Lists agree with it.
    const names = async (as: string) =>
      (JSON.parse((await call('GET', '/api/models?author=acme', as)).text) as { id: string }[]).map(({ id }) => id)
    expect(await names(bob.token)).toEqual(['acme/open'])
    expect((await names(fine)).sort()).toEqual(['acme/open', 'acme/secret'])
    expect((await ask({ policy: 'any' })).status).toBe(200)
    expect(await read(bob.token)).toBe('200')
  })

  test('approval: waits, is approved, is asked for again after a change, is denied with other words; tokens of administrators need none', async () => {
    await ask({ policy: 'approval' })
    const before = mailsAbout('lists things of acme').length
    const token = await fineGrained(bob)
    const own = await fineGrained(ada)
    expect(await read(own)).toBe('200')
    expect(await read(token)).toBe('403 token_pending')
    await vi.waitFor(() => expect(mailsAbout('lists things of acme')).toHaveLength(before + 1), waitMs)
    expect(mailsAbout('lists things of acme').at(-1)).toMatchObject({ to: ada.email })
    const id = await idOf(token)
    expect((await list('?waiting=true')).map((one) => [one.id, one.restriction])).toContainEqual([id, 'token_pending'])
    expect((await call('POST', `${settings}/${id}/approve`, adaCookie)).status).toBe(200)
    expect(await read(token)).toBe('200')
    expect((await list('?waiting=true')).map((one) => one.id)).not.toContain(id)
    // What it lists is what was approved.
    const more = {
      fineGrained: {
        canReadGatedRepos: false,
        global: [],
        scoped: [{ entity: { type: 'org', name: 'acme' }, permissions: ['repo.write'] }],
      },
    }
    expect((await call('PATCH', `/api/settings/tokens/${id}`, bobCookie, more)).status).toBe(200)
    expect(await read(token)).toBe('403 token_pending')
    expect((await call('POST', `${settings}/${id}/deny`, adaCookie)).status).toBe(200)
    expect(await read(token)).toBe('403 token_denied')
    const told = await call('GET', '/api/models/acme/secret', token)
    expect(told.text).toContain('did not approve')
    expect(await read(token, 'acme/open')).toBe('200')
    await ask({ policy: 'any' })
    expect(await read(token)).toBe('200')
  })

  test('a revocation holds under every policy, for good, here alone; by id or by value; not of one’s own', async () => {
    const [token, other, own] = [
      await fineGrained(bob),
      await makeToken(running, bob, { role: 'write' }),
      await fineGrained(ada),
    ]
    const id = await idOf(token)
    expect((await call('POST', `${settings}/${id}/revoke`, ada.token)).status).toBe(200)
    expect(await read(token)).toBe('403 token_revoked_here')
    expect(await restrictions(token)).toEqual([['token-revoked']])
    expect((await call('POST', `${settings}/revoke`, adaCookie, { token: other })).status).toBe(200)
    expect(await read(other)).toBe('403 token_revoked_here')
    expect(await read(other, 'bob/own')).toBe('200')
    expect((await call('POST', `${settings}/${id}/approve`, adaCookie)).status).toBe(409)
    expect((await call('POST', `${settings}/${await idOf(own)}/revoke`, adaCookie)).status).toBe(400)
    expect((await call('POST', `${settings}/revoke`, adaCookie, { token: `hf_${'a'.repeat(34)}` })).status).toBe(404)
    // A new value is the same token.
    const rotated = await call('POST', `/api/settings/tokens/${id}/rotate`, bobCookie, {})
    expect(await read((JSON.parse(rotated.text) as { token: string }).token)).toBe('403 token_revoked_here')
  })

  test('a longest lifetime: tokens that never expire, or live longer, are not taken', async () => {
    const { clock } = running.hub
    await ask({ mostDays: 30 })
    const make = (days: number) => makeToken(running, bob, { role: 'write', expiresAt: clock.now() + days * day })
    expect(await read(bob.token)).toBe('403 token_lifetime')
    expect(await read(await make(31))).toBe('403 token_lifetime')
    expect(await read(await make(29))).toBe('200')
    for (const mostDays of [0, 1.5, 5_000, '30']) expect((await ask({ mostDays })).status).toBe(400)
    await ask({ mostDays: null })
    expect(await read(bob.token)).toBe('200')
  })

  test('UAT-6: administration by classic tokens can be turned off; a fine-grained token with org.write and a session go on', async () => {
    const rename = (as: string) => call('PATCH', '/api/organizations/acme/settings', as, { fullname: 'Acme' })
    expect((await rename(ada.token)).status).toBe(200)
    await ask({ classicTokensAdminister: false })
    const refused = await rename(ada.token)
    expect([refused.status, refused.denied?.split(';')[0]]).toEqual([403, 'token_administration'])
    expect((await call('GET', settings, ada.token)).status).toBe(403)
    // Its repos are no administration.
    expect(await read(ada.token)).toBe('200')
    const fine = await fineGrained(ada, ['org:acme=org.write'])
    for (const good of [fine, adaCookie]) expect((await rename(good)).status).toBe(200)
    await ask({ classicTokensAdminister: true })
  })

  test('UAT-13: administrators list tokens that reach the organization, never their values; names where tokens need approval; others learn nothing', async () => {
    const elsewhere = await makeToken(running, bob, { role: 'fineGrained', scoped: ['user:bob=repo.write'] })
    const onRepo = await fineGrained(bob, ['model:acme/secret=repo.content.read'])
    const expired = await makeToken(running, bob, { role: 'write', expiresAt: running.hub.clock.now() + 100 })
    await new Promise((resolve) => setTimeout(resolve, 150))
    const all = await call('GET', `${settings}?limit=200`, ada.token)
    const rows = JSON.parse(all.text) as Listed[]
    const ends = rows.map(({ last4 }) => last4)
    for (const there of [bob.token, ada.token, onRepo]) expect(ends).toContain(there.slice(-4))
    for (const gone of [elsewhere, expired]) expect(ends).not.toContain(gone.slice(-4))
    for (const value of [bob.token, ada.token, onRepo]) expect(all.text).not.toContain(value.slice(3, -4))
    expect(new Set(rows.map(({ user }) => user))).toEqual(new Set(['ada', 'bob']))
    expect(rows.every(({ displayName }) => displayName === null)).toBe(true)
    // Page by page it is the same list.
    const paged: string[] = []
    for (let path: string | null = `${settings}?limit=2`; path !== null; ) {
      const page = await call('GET', path, ada.token)
      paged.push(...(JSON.parse(page.text) as Listed[]).map(({ id }) => id))
      path = /<[^>]*(\/api[^>]*)>; rel="next"/.exec(page.link ?? '')?.[1] ?? null
    }
    expect(paged).toEqual(rows.map(({ id }) => id))
    expect((await call('GET', settings, bob.token)).status).toBe(403)
    expect((await call('GET', `${settings}?cursor=x`, ada.token)).status).toBe(422)
    await ask({ policy: 'approval' })
    expect((await list('?limit=200')).every(({ displayName }) => displayName !== null)).toBe(true)
    await ask({ policy: 'any' })
  })

  // Story: a script has the write token of an administrator. It opens the policy, or approves the token that it was given.
  test('story: no token decides which tokens are taken', async () => {
    await ask({ policy: 'approval' })
    const [waiting, fine] = [await fineGrained(bob), await fineGrained(ada, ['org:acme=org.write'])]
    const id = await idOf(waiting)
    for (const token of [ada.token, fine]) {
      expect((await call('PUT', '/api/organizations/acme/token-policy', token, { policy: 'any' })).status).toBe(403)
      expect((await call('POST', `${settings}/${id}/approve`, token)).status).toBe(403)
    }
    expect((await call('POST', `${settings}/${id}/approve`, bobCookie)).status).toBe(403)
    expect(await read(waiting)).toBe('403 token_pending')
    await ask({ policy: 'any' })
  })

  // Story: a member with a token that is not taken asks for names, to learn which private repos there are.
  test('story: with a token that is not taken, a repo that is there and one that is not look alike', async () => {
    await ask({ policy: 'fine_grained' })
    const answers = await Promise.all(
      ['acme/secret', 'acme/nothing'].map((name) => call('GET', `/api/models/${name}`, bob.token)),
    )
    const [there, missing] = answers.map(({ status, denied, text }) => [
      status,
      denied,
      text.replace(/"requestId":"[^"]*"/, ''),
    ])
    expect(there).toEqual(missing)
    await ask({ policy: 'any' })
  })

  test('the audit log tells who decided; the owner hears of it', async () => {
    const { text } = await call('GET', '/api/organizations/acme/audit-log?limit=500', adaCookie)
    for (const action of ['org.token_policy.update', 'org.token.approve', 'org.token.deny', 'org.token.revoke']) {
      expect(text).toContain(action)
    }
    for (const words of ['was revoked there', 'was approved: it works', 'was not approved']) {
      await vi.waitFor(() => expect(mailsAbout(words).map(({ to }) => to)).toContain(bob.email), waitMs)
    }
  })
})

test('every statement goes by an index', async () => {
  const database = await makeDatabase('sqlite')
  // As plans call them: by their names in the statements.
  const names = [
    'member',
    'token',
    'owner',
    'said',
    'listed',
    'repo',
    'workspace',
    'roleGrant',
    'organizationToken',
    'organization',
  ]
  const { db, tx, plans, close } = await watchPlans(database, names)
  const id = '0'.repeat(24)
  await selectPolicy(db, id)
  await listReaching(db, id, 1, { after: { ownerId: id, id }, limit: 10, isWaiting: true })
  await findReaching(tx, id, 1, { id })
  await findReaching(tx, id, 1, { hash: 'x' })
  await listWaiting(tx, id, id, 1)
  await firstAdmins(tx, id, 5)
  await forgetApprovals(tx, id)
  expect(plans.length).toBeGreaterThan(6)
  expect(plans.filter(({ scans }) => scans.length > 0)).toEqual([])
  await close()
  await database.remove()
})
