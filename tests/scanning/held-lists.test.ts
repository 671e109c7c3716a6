/**
 * Quarantine as an administrator works with it: what is held, where, and since when; releasing with a reason, and holding again; and who may see these lists.
 * On both databases.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo } from '../support/world.ts'
import { eicar } from './samples.ts'

const gitContentOf = (bytes: string) =>
  `git:${createHash('sha1').update(`blob ${bytes.length}\0${bytes}`).digest('hex')}`

interface Listed {
  content: string
  foundAt: string
  found: { scanner: string; message: string | null }[]
  released: boolean
  repos: { type: string; name: string; path: string | null; held: boolean }[]
  moreRepos: boolean
}

describe.each(dialects)('lists of quarantine on %s', (dialect) => {
  let running: TestHub
  let ada: TestUser
  let bob: TestUser
  let rita: TestUser
  let acme: { id: string; name: string }
  let other: { id: string; name: string }
  let asRita: string
  const infected = [1, 2, 3].map((number) => `${eicar}${' '.repeat(number)}`)
  const contents = infected.map(gitContentOf)

  beforeAll(async () => {
    running = await startHub({ dialect })
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password: 'a long and quiet word' })
    bob = await makeUser(running, 'bob', { tokenRole: 'write', password: 'a long and quiet word' })
    rita = await makeUser(running, 'rita', { isAdmin: true, tokenRole: 'write', password: 'a long and quiet word' })
    acme = await makeOrganization(running, 'acme', ada, { bob: 'write' })
    other = await makeOrganization(running, 'other', bob)
    asRita = await signInAs(running, rita)
    await fetch(`${running.url}/api/organizations/acme/settings`, {
      method: 'PATCH',
      body: JSON.stringify({ scanPolicy: 'block_infected' }),
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
    })
    await makeRepo(running.hub, acme, 'one', { visibility: 'private' })
    await makeRepo(running.hub, other, 'two', { visibility: 'private' })
    // One after the other, so that their times differ.
    await commit('acme/one', ada, 'files/first.txt', infected[0] ?? '')
    await whenFound(contents[0] ?? '')
    await commit('other/two', bob, 'copy.txt', infected[0] ?? '')
    await commit('other/two', bob, 'second.txt', infected[1] ?? '')
    await whenFound(contents[1] ?? '')
    await commit('acme/one', ada, 'third.txt', infected[2] ?? '')
    await whenFound(contents[2] ?? '')
    await vi.waitFor(async () => expect((await hubList()).at(-1)?.repos).toHaveLength(2), { timeout: 20_000 })
  })
  afterAll(() => running.stop())

  async function commit(repo: string, { token }: TestUser, path: string, text: string) {
    const lines = [
      { key: 'header', value: { summary: path } },
      { key: 'file', value: { path, content: Buffer.from(text).toString('base64'), encoding: 'base64' } },
    ]
    const answer = await fetch(`${running.url}/api/models/${repo}/commit/main`, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    })
    expect(answer.status).toBe(200)
  }
  const whenFound = (content: string) =>
    vi.waitFor(
      async () => {
        const row = await running.hub.db.read
          .selectFrom('contentScan')
          .select('level')
          .where('content', '=', content)
          .executeTakeFirst()
        expect(row?.level).toBe('unsafe')
      },
      { timeout: 20_000, interval: 20 },
    )
  const ask = (address: string, who: { token: string } | { cookie: string } | null, init: RequestInit = {}) =>
    fetch(address.startsWith('http') ? address : `${running.url}${address}`, {
      redirect: 'manual',
      ...init,
      headers: {
        ...(who === null ? {} : 'cookie' in who ? { cookie: who.cookie } : { authorization: `Bearer ${who.token}` }),
        origin: running.url,
        ...init.headers,
      },
    })
  async function hubList(): Promise<Listed[]> {
    const answer = await ask('/api/scan/unsafe', { cookie: asRita })
    expect(answer.status).toBe(200)
    return (await answer.json()) as Listed[]
  }

  test('the hub: newest first, with what was found, each repo, its path at the head, and whether its policy holds it', async () => {
    const list = await hubList()
    expect(list.map(({ content }) => content)).toEqual([...contents].reverse())
    expect(list[0]).toMatchObject({ released: false, repos: [{ name: 'acme/one', path: 'third.txt', held: true }] })
    expect(list[0]?.found[0]).toMatchObject({ scanner: 'yara', message: expect.stringContaining('EICAR') })
    const places = list[2]?.repos.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    expect(places).toMatchObject([
      { name: 'acme/one', path: 'files/first.txt', held: true },
      { name: 'other/two', path: 'copy.txt', held: false },
    ])
  })

  test('an organization: only what lies in its repos, and only those repos', async () => {
    const answer = await ask('/api/scan/unsafe?organization=acme', ada)
    const list = (await answer.json()) as Listed[]
    expect(list.map(({ content }) => content)).toEqual([contents[2], contents[0]])
    expect(list.flatMap(({ repos }) => repos.map(({ name }) => name))).toEqual(['acme/one', 'acme/one'])
  })

  test('pages of a list follow each other without gaps, for the hub and for an organization', async () => {
    for (const [first, who, all] of [
      ['/api/scan/unsafe?limit=1', { cookie: asRita }, [...contents].reverse()],
      ['/api/scan/unsafe?limit=1&organization=acme', ada, [contents[2], contents[0]]],
    ] as const) {
      const seen: string[] = []
      let address: string | null = first
      while (address !== null) {
        const answer: Response = await ask(address, who)
        seen.push(...((await answer.json()) as Listed[]).map(({ content }) => content))
        address = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
      }
      expect(seen).toEqual(all)
    }
    expect((await ask('/api/scan/unsafe?cursor=x', { cookie: asRita })).status).toBe(400)
  })

  test('AUTH-7: who administers neither learns nothing, whatever there is', async () => {
    for (const address of ['/api/scan/unsafe', '/api/scan/releases', '/admin/held', '/admin/releases']) {
      const asAda = { cookie: await signInAs(running, ada) }
      expect((await ask(address, asAda)).status, address).toBe(403)
      expect((await ask(address, rita)).status, address).toBe(403)
    }
    expect((await ask('/api/scan/unsafe', null)).status).toBe(401)
    expect((await ask('/api/scan/unsafe?organization=acme', bob)).status).toBe(403)
    expect((await ask('/api/scan/unsafe?organization=acme', { cookie: asRita })).status).toBe(403)
    const asBob = { cookie: await signInAs(running, bob) }
    expect((await ask('/organizations/acme/settings/scanning/held', asBob)).status).toBe(403)
    const page = await (await ask('/organizations/other/settings/scanning/held', asBob)).text()
    expect(page).toContain('other/two')
    expect(page).not.toContain('acme/one')
  })

  test('MAL-10: an administrator releases on the page, with a reason, and holds again; both are listed and audited', async () => {
    const content = contents[0] ?? ''
    const file = () => ask('/acme/one/resolve/main/files/first.txt', ada)
    expect((await file()).status).toBe(403)
    const dialog = await (await ask(`/admin/held?release=${encodeURIComponent(content)}`, { cookie: asRita })).text()
    expect(dialog).toContain('Release this file')
    const post = (address: string, fields: Record<string, string>) =>
      ask(address, { cookie: asRita }, { method: 'POST', body: new URLSearchParams(fields) })
    const refused = await post('/admin/held/release', { content, reason: 'a' })
    expect(refused.status).toBe(422)
    expect(await refused.text()).toMatch(/<textarea[^>]*name="reason"[^>]*>a<\/textarea>/)
    expect((await file()).status).toBe(403)
    const released = await post('/admin/held/release', { content, reason: 'A sample <b>for us</b>' })
    expect([released.status, released.headers.get('location')]).toEqual([303, '/admin/releases'])
    expect((await file()).status).toBe(200)
    const list = (await (await ask('/api/scan/releases', { cookie: asRita })).json()) as object[]
    expect(list).toMatchObject([{ content, reason: 'A sample <b>for us</b>', releasedBy: 'rita', level: 'unsafe' }])
    const page = await (await ask('/admin/releases', { cookie: asRita })).text()
    expect(page).toContain('A sample &lt;b&gt;for us&lt;/b&gt;')
    expect((await hubList()).find((one) => one.content === content)).toMatchObject({ released: true })
    expect((await post('/admin/releases/hold', { content })).status).toBe(303)
    expect((await file()).status).toBe(403)
    // A second press changes nothing.
    expect((await post('/admin/releases/hold', { content })).status).toBe(303)
    expect(await (await ask('/api/scan/releases', { cookie: asRita })).json()).toEqual([])
    const events = await running.hub.db.read
      .selectFrom('event')
      .select(['action', 'actorName', 'resourceId'])
      .where('action', 'in', ['scan.release', 'scan.hold'])
      .orderBy('id')
      .execute()
    expect(events).toEqual([
      { action: 'scan.release', actorName: 'rita', resourceId: content },
      { action: 'scan.hold', actorName: 'rita', resourceId: content },
    ])
  })

  test('releases follow each other in pages, none twice', async () => {
    for (const content of contents) {
      const answer = await ask(
        '/api/scan/releases',
        { cookie: asRita },
        {
          method: 'POST',
          body: JSON.stringify({ content, reason: 'all of them' }),
          headers: { 'content-type': 'application/json' },
        },
      )
      expect(answer.status).toBe(200)
    }
    const seen: string[] = []
    let address: string | null = '/api/scan/releases?limit=1'
    while (address !== null) {
      const answer: Response = await ask(address, { cookie: asRita })
      seen.push(...((await answer.json()) as Listed[]).map(({ content }) => content))
      address = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
    }
    expect(new Set(seen)).toEqual(new Set(contents))
    expect(seen).toHaveLength(3)
  })
})
