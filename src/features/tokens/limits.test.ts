/** Idea 11 of behaviours.md, section 4: which files a token reads, from which programs it is taken, and how often; over HTTP, on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { makeServiceAccount } from '../../../tests/support/service-accounts.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemClock } from '../../platform/clock.ts'

describe.each(dialects)('limits of tokens on %s', (dialect) => {
  let ahead = 0
  let running: TestHub
  let mara: TestUser
  let cookie: string
  let acme: { id: string; name: string }
  let made = 0

  beforeAll(async () => {
    running = await startHubOn(dialect, { clock: systemClock(() => Date.now() + ahead) })
    mara = await makeUser(running, 'mara', { password: 'a long enough sentence', tokenRole: 'write' })
    cookie = await signInAs(running, mara)
    acme = await makeOrganization(running, 'acme', mara)
    for (const [name, isPrivate] of [
      ['open', false],
      ['closed', true],
    ] as const) {
      expect((await use(mara.token, '/api/repos/create', 'POST', { name, private: isPrivate })).status).toBe(200)
      const lines = [
        { key: 'header', value: { summary: 'files' } },
        ...['config.json', 'weights/model.safetensors', 'weights/old.pkl'].map((path) => ({
          key: 'file',
          value: { path, content: Buffer.from(`bytes of ${path}`).toString('base64'), encoding: 'base64' },
        })),
      ]
      const answer = await fetch(`${running.url}/api/models/mara/${name}/commit/main`, {
        method: 'POST',
        headers: { authorization: `Bearer ${mara.token}`, 'content-type': 'application/x-ndjson' },
        body: lines.map((line) => JSON.stringify(line)).join('\n'),
      })
      expect(answer.status, await answer.text()).toBe(200)
    }
  })
  afterAll(() => running.stop())

  async function ask(method: string, path: string, body: unknown, headers: Record<string, string> = { cookie }) {
    const response = await fetch(`${running.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }
  const use = (value: string, path: string, method = 'GET', body?: unknown, program = 'a test') =>
    ask(method, path, body, { authorization: `Bearer ${value}`, 'user-agent': program })

  async function create(input: Record<string, unknown>): Promise<{ token: string; id: string }> {
    const answer = await ask('POST', '/api/settings/tokens', { name: `token ${++made}`, role: 'write', ...input })
    expect(answer.status, answer.text).toBe(201)
    const { token, tokenInfo } = answer.json<{ token: string; tokenInfo: { id: string } }>()
    return { token, id: tokenInfo.id }
  }

  // Weights leave through a token that was made for them; a pickle beside them would run code where it is loaded, and a token that leaked would take
  // everything that its owner may read: by name, by clone, by LFS or by the hash of a chunk.
  test('story: a token for *.safetensors takes nothing else away, on no way', async () => {
    const { token } = await create({ paths: ['*.safetensors', 'config.json'] })
    for (const repo of ['open', 'closed']) {
      for (const path of ['config.json', 'weights/model.safetensors']) {
        const read = await use(token, `/mara/${repo}/resolve/main/${path}`)
        expect([read.status, read.text]).toEqual([200, `bytes of ${path}`])
        expect((await use(token, `/mara/${repo}/raw/main/${path}`)).status).toBe(200)
        expect((await use(token, `/mara/${repo}/resolve/main/${path}`, 'HEAD')).status).toBe(200)
      }
      for (const [method, path, body] of [
        ['GET', `/mara/${repo}/resolve/main/weights/old.pkl`],
        ['HEAD', `/mara/${repo}/resolve/main/weights/old.pkl`],
        ['GET', `/mara/${repo}/raw/main/weights/old.pkl`],
        ['GET', `/mara/${repo}/resolve/main/weights%2Fold.pkl`],
        ['GET', `/mara/${repo}/resolve/main/weights/none.pkl`],
        ['GET', `/mara/${repo}.git/info/refs?service=git-upload-pack`],
        ['GET', `/api/models/mara/${repo}/xet-read-token/main`],
        ['POST', `/mara/${repo}.git/info/lfs/objects/batch`, { operation: 'download', objects: [] }],
        ['POST', `/api/models/mara/${repo}/commit/main`, {}],
        ['GET', `/mara/${repo}.git/info/refs?service=git-receive-pack`],
        ['PUT', `/api/models/mara/${repo}/settings`, { private: false }],
        ['POST', '/api/repos/create', { name: 'another' }],
      ] as const) {
        const refused = await use(token, path, method, body)
        expect([path, refused.status]).toEqual([path, 403])
        expect(refused.headers.get('x-hub-denied'), path).toMatch(
          /^token_outside_paths; need=\*\.safetensors or config\.json/,
        )
      }
      // That it is there, and what it is made of, may be seen.
      expect((await use(token, `/api/models/mara/${repo}`)).status).toBe(200)
      expect((await use(token, `/api/models/mara/${repo}/tree/main?recursive=true`)).status).toBe(200)
    }
    expect((await use(token, '/api/models/mara/none')).status).toBe(404)
    expect((await use(token, '/mara/none/resolve/main/config.json')).status).toBe(404)
    expect((await use(token, '/mara/none/resolve/main/old.pkl')).status).toBe(404)
  })

  test('from its programs alone; an event tells of another', async () => {
    const { token, id } = await create({ programs: ['HF_Hub', 'git'] })
    const hub = 'unknown/None; hf_hub/2.4.0; python/3.11.2'
    expect((await use(token, '/api/whoami-v2', 'GET', undefined, hub)).status).toBe(200)
    expect((await use(token, '/api/whoami-v2', 'GET', undefined, 'git/2.39.5')).status).toBe(200)
    const refused = await use(token, '/api/whoami-v2', 'GET', undefined, 'curl/8.0')
    expect(refused.status).toBe(403)
    expect(refused.headers.get('x-hub-denied')).toBe('token_outside_program; need=hf_hub or git; have=curl/8.0')
    await expect
      .poll(
        async () => {
          const rows = await running.hub.db.read
            .selectFrom('event')
            .select(['action', 'resourceId'])
            .where('action', '=', 'token.fenced')
            .execute()
          return rows.filter(({ resourceId }) => resourceId === id).length
        },
        { timeout: 10_000 },
      )
      .toBe(1)
  })

  test('so many requests a minute, with the seconds to wait; other tokens of the same account go on', async () => {
    const { token } = await create({ requestsPerMinute: 3 })
    const { token: other } = await create({})
    const statuses: number[] = []
    for (let at = 0; at < 4; at++) statuses.push((await use(token, '/api/models')).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    const refused = await use(token, '/api/models')
    expect(refused.json<{ code: string }>().code).toBe('token_too_fast')
    expect(refused.headers.get('ratelimit')).toMatch(/^"token";r=0;t=(60|59|58)$/)
    expect(refused.headers.get('ratelimit-policy')).toBe('"fixed window";"token";q=3;w=60')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(55)
    expect((await use(other, '/api/models')).status).toBe(200)
    ahead += 60_000
    expect((await use(token, '/api/models')).status).toBe(200)
  })

  // A token that leaked empties the hub over night: every range by itself is small, and a hundred are asked for at once.
  test('story: so many bytes a day, however they are asked for', async () => {
    const size = 'bytes of weights/old.pkl'.length
    const { token, id } = await create({ bytesPerDay: 10 * size })
    const path = '/mara/closed/resolve/main/weights/old.pkl'
    const answers = await Promise.all(Array.from({ length: 25 }, () => use(token, path)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    const refused = answers.find(({ status }) => status === 403)
    expect(refused?.headers.get('x-hub-denied')).toBe(
      `token_bytes_used_up; need=${size} bytes; have=0 left; entity=model:mara/closed`,
    )
    // Sizes and names take nothing away; other tokens of the account go on.
    expect((await use(token, path, 'HEAD')).status).toBe(200)
    expect((await use(token, '/api/models/mara/closed/tree/main')).status).toBe(200)
    expect((await use(mara.token, path)).status).toBe(200)
    // What was taken is written down: another process, or this one after a restart, knows.
    await expect
      .poll(
        async () => {
          const row = await running.hub.db.read
            .selectFrom('accessToken')
            .select('bytesTaken')
            .where('id', '=', id)
            .executeTakeFirst()
          return Number(row?.bytesTaken)
        },
        { timeout: 10_000 },
      )
      .toBe(10 * size)
    expect((await use(token, path)).status).toBe(403)
    for (const service of ['info/refs?service=git-upload-pack', 'raw/main/weights/old.pkl']) {
      const address = service.startsWith('info') ? `/mara/closed.git/${service}` : `/mara/closed/${service}`
      expect((await use(token, address)).status, service).toBe(403)
    }
    ahead += 86_400_000
    expect((await use(token, path)).status).toBe(200)
    cookie = await signInAs(running, mara)
  })

  test('they are edited, shown, and taken away again; nonsense is refused whole', async () => {
    const { token, id } = await create({ paths: ['*.json'], programs: ['git'], requestsPerMinute: 5 })
    const at = `/api/settings/tokens/${id}`
    for (const wrong of [
      { paths: ['!x'] },
      { programs: ['a b'] },
      { requestsPerMinute: 0 },
      { requestsPerMinute: 1.5 },
      { bytesPerDay: 0 },
      { paths: 'x' },
      { limits: {} },
    ]) {
      expect([400, 422], JSON.stringify(wrong)).toContain((await ask('PATCH', at, wrong)).status)
    }
    const shown = await ask('PATCH', at, { name: 'kept' })
    expect(shown.json()).toMatchObject({ paths: ['*.json'], programs: ['git'], requestsPerMinute: 5 })
    const cleared = await ask('PATCH', at, { paths: [], programs: [], requestsPerMinute: null })
    expect(cleared.json()).toMatchObject({ paths: [], programs: [], requestsPerMinute: null })
    expect((await use(token, '/mara/closed/resolve/main/weights/old.pkl')).status).toBe(200)
  })

  // A fine-grained token with `org.serviceAccounts.write` that is limited to a few requests makes itself another without the limit.
  test('story: a limited token makes none that is less limited', async () => {
    const account = await makeServiceAccount(running, acme, 'ci', 'read')
    const own = await makeToken(running, mara, {
      role: 'fineGrained',
      scoped: ['org:acme=org.serviceAccounts.write,repo.content.read'],
    })
    const [row] = (await ask('GET', '/api/settings/tokens', undefined))
      .json<{ id: string; last4: string }[]>()
      .filter(({ last4 }) => last4 === own.slice(-4))
    expect((await ask('PATCH', `/api/settings/tokens/${row?.id}`, { requestsPerMinute: 50 })).status).toBe(200)
    const at = `/api/organizations/acme/service-accounts/${account.id}/tokens`
    const body = {
      mode: 'scoped',
      fineGrained: { scoped: [{ entity: { type: 'org', name: 'acme' }, permissions: ['repo.content.read'] }] },
    }
    const faster = await use(own, at, 'POST', { ...body, requestsPerMinute: 51 })
    expect([faster.status, faster.json<{ code: string }>().code], faster.text).toEqual([403, 'beyond_minter'])
    expect((await use(own, at, 'POST', { ...body, requestsPerMinute: null })).status).toBe(403)
    const same = await use(own, at, 'POST', body)
    expect(same.status, same.text).toBe(201)
    expect(same.json<{ tokenInfo: { requestsPerMinute: number; id: string } }>().tokenInfo.requestsPerMinute).toBe(50)
    const { _id } = same.json<{ tokenInfo: { _id: string } }>().tokenInfo
    expect((await use(own, `${at}/${_id}`, 'PATCH', { requestsPerMinute: null })).status).toBe(403)
    expect((await use(own, `${at}/${_id}`, 'PATCH', { requestsPerMinute: 10 })).status).toBe(200)
  })
})
