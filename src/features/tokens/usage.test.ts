/** Idea 5 of behaviours.md, section 4: token provenance and "shrink to what was used", over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type Ask, jsonClient } from '../../../tests/support/json-client.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { tokenHash } from '../../access/credentials.ts'
import { loadFacts } from '../../access/load-facts.ts'
import { mostCallers, mostThingsADay, trackTokenUsage } from '../../access/token-usage.ts'

interface Usage {
  readonly touched: {
    type: string
    name: string | null
    reads: number
    writes: number
    bytes: number
    permissions: string[]
  }[]
  readonly addresses: { value: string; requests: number }[]
  readonly programs: { value: string }[]
  readonly unusedPermissions: string[]
  readonly firstUsedAt: string | null
}

describe.each(dialects)('token provenance (idea 5) on %s', (dialect) => {
  let running: TestHub
  let ask: Ask
  let mara: TestUser
  let cookie: string
  let acme: { id: string; name: string }

  beforeAll(async () => {
    running = await startHubOn(dialect)
    ask = jsonClient(running.url)
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    acme = await makeOrganization(running, 'acme', mara)
    for (const name of ['m1', 'm2', 'm3']) {
      await ask('POST', '/api/repos/create', mara.token, { name, organization: 'acme', private: true })
    }
    await commit(mara.token, 'acme/m1')
    cookie = await signInAs(running, mara)
  })
  afterAll(async () => {
    await running.stop()
  })

  async function commit(value: string, repo: string) {
    const lines = [
      { key: 'header', value: { summary: 'a line' } },
      { key: 'file', value: { path: 'a.txt', content: 'x'.repeat(10_000) } },
    ]
    const response = await fetch(`${running.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${value}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    await response.text()
    return response.status
  }
  async function read(value: string, path: string, program = 'reader/1.0') {
    const response = await fetch(`${running.url}${path}`, {
      headers: { authorization: `Bearer ${value}`, 'user-agent': program },
    })
    await response.arrayBuffer()
    return response.status
  }
  const idOf = async (value: string) =>
    (
      await running.hub.db.read
        .selectFrom('accessToken')
        .select('id')
        .where('last4', '=', value.slice(-4))
        .executeTakeFirstOrThrow()
    ).id
  const usage = async (id: string) => {
    const answer = await ask('GET', `/api/settings/tokens/${id}/usage`, cookie)
    expect(answer.status, answer.text).toBe(200)
    return answer.json<Usage>()
  }

  test('a token has the repos that it read and wrote, bytes, addresses and programs; what was refused is not touched', async () => {
    const value = await makeToken(running, mara, {
      role: 'fineGrained',
      scoped: ['model:acme/m1=repo.content.read', 'model:acme/m2=repo.write,discussion.write'],
    })
    const id = await idOf(value)
    expect(await usage(id)).toMatchObject({ touched: [], addresses: [], firstUsedAt: null })
    for (let at = 0; at < 3; at++) expect(await read(value, '/acme/m1/resolve/main/a.txt')).toBe(200)
    expect(await commit(value, 'acme/m2')).toBe(200)
    expect(await commit(value, 'acme/m1')).toBe(403)
    expect(await read(value, '/api/models/acme/m3')).toBe(404)
    await running.writeGathered()
    const found = await usage(id)
    expect(found.touched.map(({ name }) => name).sort()).toEqual(['acme/m1', 'acme/m2'])
    expect(found.touched.find(({ name }) => name === 'acme/m1')).toMatchObject({
      type: 'model',
      reads: 3,
      writes: 0,
      permissions: ['repo.content.read'],
    })
    expect(found.touched.find(({ name }) => name === 'acme/m1')?.bytes).toBeGreaterThan(30_000)
    expect(found.touched.find(({ name }) => name === 'acme/m2')?.writes).toBe(1)
    expect(found.addresses).toMatchObject([{ value: '127.0.0.1' }])
    expect(found.programs.map(({ value: program }) => program)).toContain('reader/1.0')
    expect(found.unusedPermissions).toEqual(['discussion.write'])
    // Again: counts add up.
    await read(value, '/acme/m1/resolve/main/a.txt')
    await running.writeGathered()
    expect((await usage(id)).touched.find(({ name }) => name === 'acme/m1')?.reads).toBe(4)
    const page = await ask('GET', `/settings/tokens/${id}/usage`, cookie)
    expect(page.text).toContain('acme/m1')
    expect(page.text).toContain('127.0.0.1')
  })

  test('shrink: the proposal lists what was touched, read only where nothing was written; applied, the rest is gone', async () => {
    const value = await makeToken(running, mara, { role: 'write' })
    const id = await idOf(value)
    const shrink = (body: unknown) => ask('POST', `/api/settings/tokens/${id}/shrink`, cookie, body)
    expect((await shrink({ dryRun: true })).status).toBe(409)
    await read(value, '/acme/m1/resolve/main/a.txt')
    expect(await commit(value, 'acme/m2')).toBe(200)
    await running.writeGathered()
    const proposed = await shrink({ dryRun: true })
    const after = ['model:acme/m1=repo.content.read', 'model:acme/m2=repo.content.write']
    expect(proposed.json()).toMatchObject({ after, applied: false })
    expect(await commit(value, 'acme/m3')).toBe(200)
    await running.writeGathered()
    // What is used in between is in it.
    const applied = await shrink({})
    expect(applied.json()).toMatchObject({ after: [...after, 'model:acme/m3=repo.content.write'], applied: true })
    expect(await commit(value, 'acme/m1')).toBe(403)
    expect(await read(value, '/acme/m1/resolve/main/a.txt')).toBe(200)
    expect(await commit(value, 'acme/m2')).toBe(200)
    const event = await running.hub.db.read
      .selectFrom('event')
      .select('data')
      .where('action', '=', 'token.update')
      .orderBy('id', 'desc')
      .executeTakeFirst()
    expect(JSON.parse(event?.data ?? '')).toMatchObject({
      shrunk: true,
      from: { role: 'write' },
      to: { role: 'fineGrained' },
    })
  })

  test('shrink never gives more: what the token has lost since stays lost; and children end with it', async () => {
    const value = await makeToken(running, mara, { role: 'fineGrained', scoped: ['org:acme=repo.write'] })
    const id = await idOf(value)
    expect(await commit(value, 'acme/m1')).toBe(200)
    expect(await commit(value, 'acme/m2')).toBe(200)
    await running.writeGathered()
    const scoped = [{ entity: { type: 'model', name: 'acme/m1' }, permissions: ['repo.content.read', 'repo.write'] }]
    await ask('PATCH', `/api/settings/tokens/${id}`, cookie, { fineGrained: { scoped } })
    const child = (await ask('POST', '/api/tokens/derive', value, { seconds: 60 })).json<{ token: string }>().token
    const applied = await ask('POST', `/api/settings/tokens/${id}/shrink`, cookie, {})
    expect(applied.json()).toMatchObject({ after: ['model:acme/m1=repo.content.write'] })
    expect(await read(child, '/api/whoami-v2')).toBe(401)
  })

  test('service accounts: an administrator sees what a token touched and shrinks one that inherits', async () => {
    const account = await makeServiceAccount(running, acme, `ci-${dialect}`)
    const value = await makeAccountToken(running, acme, account)
    const id = await idOf(value)
    await read(value, '/acme/m1/resolve/main/a.txt')
    await running.writeGathered()
    const at = `/api/organizations/acme/service-accounts/${account.id}/tokens/${id}`
    const found = (await ask('GET', `${at}/usage`, mara.token)).json<Usage>()
    expect(found.touched).toMatchObject([{ name: 'acme/m1', reads: 1 }])
    expect(
      (await ask('GET', `/organizations/acme/settings/service-accounts/${account.id}/tokens/${id}/usage`, cookie)).text,
    ).toContain('acme/m1')
    const applied = await ask('POST', `${at}/shrink`, mara.token, {})
    expect(applied.json(), applied.text).toMatchObject({
      before: ['all that the account may do'],
      after: ['model:acme/m1=repo.content.read'],
    })
    expect(await read(value, '/acme/m1/resolve/main/a.txt')).toBe(200)
    expect(await read(value, '/api/models/acme/m2')).toBe(404)
  })

  test('story: who once could see a repo asks what it is called today: what is not for them has no name', async () => {
    const eve = await makeUser(running, `eve${dialect}`, { password: 'a long enough sentence' })
    await ask('POST', '/api/repos/create', mara.token, { name: 'plans', organization: 'acme', private: false })
    const value = await makeToken(running, eve, { role: 'read' })
    const id = await idOf(value)
    expect(await read(value, '/api/models/acme/plans')).toBe(200)
    await running.writeGathered()
    await ask('PUT', '/api/models/acme/plans/settings', mara.token, { private: true })
    await ask('POST', '/api/repos/move', mara.token, { fromRepo: 'acme/plans', toRepo: 'acme/layoffs', type: 'model' })
    const answer = await ask('GET', `/api/settings/tokens/${id}/usage`, await signInAs(running, eve))
    expect(answer.json<Usage>().touched).toMatchObject([{ type: 'gone', name: null, reads: 1 }])
    expect(answer.text).not.toContain('layoffs')
    expect((await ask('GET', `/api/settings/tokens/${id}/usage`, cookie)).status).toBe(404)
  })

  test('story: a crawler with a token fills the tables with things, addresses and programs: all of it is bounded', async () => {
    const value = await makeToken(running, mara, { role: 'read' })
    const { hub } = running
    const presented = { kind: 'token', hash: tokenHash(hub.keys, value) } as const
    const target = { on: 'repo', kind: 'model', namespace: 'acme', name: 'm1' } as const
    const { facts } = await loadFacts(hub.db, presented, target, Date.now())
    const tracked = trackTokenUsage(hub.db, hub.log)
    const noon = 86_400_000 * 20_000 + 43_200_000
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 300; at++) {
        const { resource } = facts
        if (resource.on !== 'repo' || resource.repo === null) throw new Error('no repo')
        const repo = { ...resource.repo, id: `made up ${round} ${at}` }
        const origin = { ip: `10.0.${round}.${at % 250}`, userAgent: `program ${round} ${at}`, requestId: null }
        tracked.note('repo.content.read', { ...facts, resource: { ...resource, repo } }, origin, 5, noon + at)
      }
      await tracked.flush()
    }
    await tracked.stop()
    const id = await idOf(value)
    const uses = await hub.db.read.selectFrom('tokenUse').selectAll().where('tokenId', '=', id).execute()
    expect(uses).toHaveLength(mostThingsADay + 1)
    expect(uses.reduce((all, row) => all + Number(row.uses), 0)).toBe(600)
    expect(uses.find(({ thingId }) => thingId === '')).toMatchObject({ uses: 400, bytes: 2000 })
    for (const kind of ['address', 'program'] as const) {
      const rows = await hub.db.read
        .selectFrom('tokenCaller')
        .selectAll()
        .where('tokenId', '=', id)
        .where('kind', '=', kind)
        .execute()
      expect(rows).toHaveLength(mostCallers)
    }
    expect((await ask('POST', `/api/settings/tokens/${id}/shrink`, cookie, {})).status).toBe(409)
    // A new address is told of, once.
    const told = () =>
      hub.db.read
        .selectFrom('event')
        .select(['ip'])
        .where('action', '=', 'token.new_address')
        .where('resourceId', '=', id)
        .execute()
    for (let at = 0; at < 60 && (await told()).length === 0; at++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await told()).toHaveLength(1)
    // Deleting the token takes it all along, also what is gathered and not yet written.
    const late = trackTokenUsage(hub.db, hub.log)
    late.note('repo.content.read', facts, { ip: '10.0.0.1', userAgent: null, requestId: null }, 5, noon)
    await ask('DELETE', `/api/settings/tokens/${id}`, cookie)
    await late.stop()
    expect(await hub.db.read.selectFrom('tokenUse').selectAll().where('tokenId', '=', id).execute()).toEqual([])
  })
})
