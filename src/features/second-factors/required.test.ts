/**
 * AUTH-4e: an organization that asks for a second factor accepts nobody without one, on any surface, by any credential; what is public stays
 * public. It takes effect with the next request, for tokens that are running too.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { addApp, postForm } from '../../../tests/support/factors.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { type CasConnection, cas } from '../../../tests/support/xet-upload.ts'
import { systemClock } from '../../platform/clock.ts'

const password = 'a long enough sentence'

describe.each(dialects)('an organization that asks for a second factor, on %s', (dialect) => {
  const time = Date.now()
  let site: TestHub
  let mara: TestUser
  let cookie: string
  let admin: string
  let token: string
  let scoped: string
  let organizationId: string
  let made = 0

  const asUser = () => ({ authorization: `Bearer ${token}` })
  const call = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    fetch(`${site.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  /** As an administrator does it who has a factor. */
  async function require(secondFactorRequired: boolean): Promise<void> {
    const path = '/api/organizations/strict/settings/security'
    const set = await call('PUT', path, { cookie: admin }, { secondFactorRequired })
    expect(set.status).toBe(200)
  }
  async function addMemberByRow(principalId: string): Promise<void> {
    await site.hub.transaction(async (tx) => {
      const row = await tx
        .selectFrom('roleGrant')
        .selectAll()
        .where('principalId', '=', mara.id)
        .where('targetId', '=', organizationId)
        .executeTakeFirstOrThrow()
      await tx
        .insertInto('roleGrant')
        .values({ ...row, principalId, role: 'no_access' })
        .execute()
    })
  }

  beforeAll(async () => {
    site = await startHubOn(dialect, { clock: systemClock(() => time) })
    mara = await makeUser(site, 'mara', { password, tokenRole: 'write' })
    token = mara.token
    cookie = await signInAs(site, mara)
    const ada = await makeUser(site, 'ada', { password })
    admin = await signInAs(site, ada)
    await addApp(site, admin, time)
    const organization = await makeOrganization(site, 'strict', ada, { mara: 'admin' })
    organizationId = organization.id
    await makeOrganization(site, 'easy', mara)
    for (const [owner, name, isPrivate] of [
      ['strict', 'secret', true],
      ['strict', 'open', false],
      ['easy', 'secret', true],
    ] as const) {
      const created = await call('POST', '/api/repos/create', asUser(), {
        name,
        organization: owner,
        type: 'model',
        private: isPrivate,
      })
      expect(created.status).toBe(200)
      const lines = [
        { key: 'header', value: { summary: 'one' } },
        { key: 'file', value: { path: 'a.txt', content: Buffer.from('hello').toString('base64'), encoding: 'base64' } },
      ]
      const committed = await fetch(`${site.url}/api/models/${owner}/${name}/commit/main`, {
        method: 'POST',
        headers: { ...asUser(), 'content-type': 'application/x-ndjson' },
        body: lines.map((line) => JSON.stringify(line)).join('\n'),
      })
      expect(committed.status).toBe(200)
    }
    scoped = await makeToken(site, mara, { role: 'fineGrained', scoped: ['model:strict/secret=repo.write'] })
  })
  afterAll(() => site.stop())

  const batch = { operation: 'download', transfers: ['basic'], objects: [{ oid: 'a'.repeat(64), size: 5 }] }
  /** What reaches into something private of an organization: its name, and how it is asked for. */
  const doors: readonly [string, string, string, unknown?][] = [
    ['the API', 'GET', '/api/models/ORG/secret'],
    ['a change by the API', 'PUT', '/api/models/ORG/secret/settings', { gated: false }],
    ['the tree', 'GET', '/api/models/ORG/secret/tree/main'],
    ['auth-check', 'GET', '/api/models/ORG/secret/auth-check'],
    ['resolve', 'GET', '/ORG/secret/resolve/main/a.txt'],
    ['git, reading', 'GET', '/ORG/secret.git/info/refs?service=git-upload-pack'],
    ['git, writing', 'GET', '/ORG/secret.git/info/refs?service=git-receive-pack'],
    ['LFS', 'POST', '/ORG/secret.git/info/lfs/objects/batch', batch],
    ['a Xet token', 'GET', '/api/models/ORG/secret/xet-read-token/main'],
    ['members', 'GET', '/api/organizations/ORG/members'],
    ['making a repo', 'POST', '/api/repos/create', { name: 'another-MADE', organization: 'ORG', type: 'model' }],
  ]
  async function knock(organization: string, headers: Record<string, string>): Promise<Record<string, number>> {
    const found: Record<string, number> = {}
    for (const [name, method, path, body] of doors) {
      const text = JSON.stringify(body)?.replaceAll('ORG', organization).replace('MADE', String(++made))
      const sent = text === undefined ? undefined : JSON.parse(text)
      found[name] = (await call(method, path.replaceAll('ORG', organization), headers, sent)).status
    }
    return found
  }
  const listed = async (headers: Record<string, string>): Promise<string[]> => {
    const lists = await Promise.all(
      ['/api/models?author=strict', '/api/models?limit=100', '/api/models?search=secret'].map(async (path) => {
        const rows = (await (await call('GET', path, headers)).json()) as { id: string }[]
        return rows.map((row) => row.id)
      }),
    )
    return [...new Set(lists.flat())].filter((id) => !id.includes('another')).sort()
  }
  const statuses = (found: Record<string, number>) => [...new Set(Object.values(found))]

  it('without the demand every door is open', async () => {
    const found = await knock('strict', asUser())
    const other = Object.entries(found).filter(([, status]) => status !== 200)
    expect(other).toEqual([])
    expect(await listed(asUser())).toEqual(['easy/secret', 'strict/open', 'strict/secret'])
  })

  it('with it every door is closed by the next request, to sessions and to running tokens of every kind', async () => {
    const xet = (await (
      await call('GET', '/api/models/strict/secret/xet-read-token/main', asUser())
    ).json()) as CasConnection
    const absent = `/v2/reconstructions/1${'0'.repeat(63)}`
    expect((await cas(xet, 'GET', absent)).status).toBe(404)
    const file = await call('GET', '/strict/secret/resolve/main/a.txt', asUser())
    expect(await file.text()).toBe('hello')
    await require(true)
    expect(statuses(await knock('strict', asUser()))).toEqual([403])
    expect(statuses(await knock('strict', { authorization: `Bearer ${scoped}` }))).toEqual([403])
    // A token that was handed out for Xet before ends with what stands behind it.
    expect((await cas(xet, 'GET', absent)).status).toBe(403)
    const denied = await call('GET', '/api/models/strict/secret', asUser())
    expect(denied.headers.get('x-hub-denied')).toContain('second_factor')
    expect(await denied.text()).toContain('Set one up under Settings')
    expect(await listed(asUser())).toEqual(['easy/secret', 'strict/open'])
    const front = await (await call('GET', '/strict', { cookie })).text()
    expect(front).toContain('strict asks its members for a second factor.')
    expect(front).toContain('href="/settings/authentication?next=%2Fstrict"')
    for (const path of ['/strict/secret', '/organizations/strict/settings/members']) {
      const page = await call('GET', path, { cookie })
      expect([path, page.status]).toEqual([path, 403])
      expect(await page.text()).toContain(`/settings/authentication?next=${encodeURIComponent(path)}`)
    }
  })

  it('what is public, and what is of others, stays open', async () => {
    await require(true)
    const open = [
      ['GET', '/api/models/strict/open'],
      ['GET', '/strict/open/resolve/main/a.txt'],
      ['GET', '/strict/open.git/info/refs?service=git-upload-pack'],
      ['GET', '/strict/open'],
      ['GET', '/strict'],
      ['GET', '/api/whoami-v2'],
      ['GET', '/api/models/easy/secret'],
    ] as const
    for (const [method, path] of open) {
      expect([path, (await call(method, path, asUser())).status]).toEqual([path, 200])
    }
    expect((await call('GET', '/strict/open.git/info/refs?service=git-receive-pack', asUser())).status).toBe(403)
    // Who is nothing there is told nothing: a repo that one may not see is not there.
    const eve = await makeUser(site, `eve-${dialect}`, { tokenRole: 'write' })
    const hidden = await call('GET', '/api/models/strict/secret', { authorization: `Bearer ${eve.token}` })
    const missing = await call('GET', '/api/models/strict/nothing', { authorization: `Bearer ${eve.token}` })
    expect([hidden.status, missing.status]).toEqual([404, 404])
  })

  it('AUTH-7 the refusal is the same for what is there and what is not', async () => {
    // Eve works in one workspace of the organization and has no factor. She asks for names of private repos, to learn which there are.
    await require(true)
    const eve = await makeUser(site, `ivy-${dialect}`, { tokenRole: 'write' })
    await addMemberByRow(eve.id)
    const headers = { authorization: `Bearer ${eve.token}`, 'x-request-id': 'the-same-for-both' }
    const answers = await Promise.all(
      ['secret', 'nothing'].map(async (name) => {
        const answer = await call('GET', `/api/models/strict/${name}`, headers)
        return [answer.status, answer.headers.get('x-hub-denied'), (await answer.text()).replaceAll(name, 'NAME')]
      }),
    )
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.[0]).toBe(403)
  })

  it('a second factor opens every door again, and its loss closes them', async () => {
    await require(true)
    await addApp(site, cookie, time)
    expect(statuses(await knock('strict', asUser()))).toEqual([200])
    expect(await listed(asUser())).toContain('strict/secret')
    expect((await postForm(site, '/settings/authentication/app/remove', {}, cookie)).status).toBe(303)
    expect(statuses(await knock('strict', asUser()))).toEqual([403])
    await require(false)
    expect((await call('GET', '/api/models/strict/secret', asUser())).status).toBe(200)
    // Nobody is held in an organization that they cannot enter.
    await require(true)
    expect((await call('POST', '/api/organizations/strict/leave', asUser())).status).toBe(204)
    expect((await call('GET', '/api/models/strict/secret', asUser())).status).toBe(404)
  })
})
