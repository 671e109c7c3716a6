/**
 * The story: a file turns out to be malicious weeks after it came. Whoever has it already must be told, so the hub has to know who they are: which person or
 * machine, with which token, from where, by whatever way. And because that list says much about people, nobody else sees it.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { auditBookOf } from '../../src/features/downloads/audit-book.ts'
import { findPython, runClient } from '../compat/clients.ts'
import { makeOrganization, makeToken, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import { type GitClient, gitClient, hasGitLfs } from '../support/git-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo, type TestRepo } from '../support/world.ts'
import { eicar } from './samples.ts'

const python = findPython('newest')
const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
const gitContentOf = (bytes: string) =>
  `git:${createHash('sha1').update(`blob ${bytes.length}\0${bytes}`).digest('hex')}`
const day = 86_400_000

interface Record_ {
  id: string
  content: string | null
  repo: { name: string }
  path: string | null
  commits: string[]
  via: string
  by: { type: string; name: string; fullname?: string }
  credential: { type: string; id: string; last4: string | null } | null
  ip: string | null
  userAgent: string | null
  requests: number
  bytes: number
}

describe.each(dialects)('download records on %s', (dialect) => {
  let running: TestHub
  let ada: TestUser
  let bob: TestUser
  let rita: TestUser
  let git: GitClient
  let acme: { id: string; name: string }
  let other: { id: string; name: string }
  let folder: string
  let ritaCookie: string

  beforeAll(async () => {
    running = await startHub({ dialect })
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password: 'a long and quiet word' })
    bob = await makeUser(running, 'bob', { tokenRole: 'read', password: 'a long and quiet word' })
    rita = await makeUser(running, 'rita', { isAdmin: true, tokenRole: 'write', password: 'a long and quiet word' })
    acme = await makeOrganization(running, 'acme', ada, { bob: 'read' })
    other = await makeOrganization(running, 'other', bob)
    git = await gitClient(running.url, ada.token)
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-downloads-'))
    ritaCookie = await signInAs(running, rita)
  })
  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const call = (address: string, token: string | null, init: RequestInit = {}) =>
    fetch(`${running.url}${address}`, {
      redirect: 'manual',
      ...init,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...init.headers },
    })
  const take = async (address: string, token: string | null, headers: Record<string, string> = {}) => {
    const answer = await call(address, token, { headers })
    await answer.arrayBuffer()
    return answer.status
  }
  const listAddress = (content: string) => `/api/scan/contents/${encodeURIComponent(content)}/downloads`
  const asHub = async (content: string, query = ''): Promise<Record_[]> => {
    const answer = await call(`${listAddress(content)}${query}`, null, { headers: { cookie: ritaCookie } })
    expect(answer.status).toBe(200)
    return (await answer.json()) as Record_[]
  }
  const asAcme = async (content: string): Promise<Record_[]> => {
    const answer = await call(`${listAddress(content)}?organization=acme`, ada.token)
    expect(answer.status).toBe(200)
    return (await answer.json()) as Record_[]
  }
  /** Idea 10: by which way the newest audited records of a repo of acme came, and who read. */
  const audited = async (repo: string): Promise<Record_[]> => {
    await auditBookOf(running.hub).flush()
    const answer = await call(`/api/organizations/acme/audit-log/downloads?repo=${repo}`, ada.token)
    expect(answer.status).toBe(200)
    return (await answer.json()) as Record_[]
  }
  const make = (
    owner: { id: string; name: string },
    name: string,
    visibility: 'public' | 'private',
  ): Promise<TestRepo> => makeRepo(running.hub, owner, name, { visibility })
  /** Commits files by the API. */
  const commit = async (repo: string, token: string, files: Record<string, string>) => {
    const lines = [
      { key: 'header', value: { summary: 'files' } },
      ...Object.entries(files).map(([file, content]) => ({
        key: 'file',
        value: { path: file, content: Buffer.from(content).toString('base64'), encoding: 'base64' },
      })),
    ]
    const answer = await call(`/api/models/${repo}/commit/main`, token, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(answer.status).toBe(200)
    return ((await answer.json()) as { commitOid: string }).commitOid
  }
  const whenLevel = (content: string, level: string) =>
    vi.waitFor(
      async () => {
        const row = await running.hub.db.read
          .selectFrom('contentScan')
          .select(['level', 'state'])
          .where('content', '=', content)
          .executeTakeFirst()
        expect(row).toEqual({ level, state: 'done' })
      },
      { timeout: 20_000, interval: 50 },
    )

  test('a private file: who, with which token, from where, which commit; ranges count up one record; HEAD and 304 are none', async () => {
    await make(acme, 'secret', 'private')
    const text = 'weights of acme'
    const oid = await commit('acme/secret', ada.token, { 'model.txt': text })
    const address = '/acme/secret/resolve/main/model.txt'
    const agent = { 'user-agent': `curl/8 with hf_${'a'.repeat(34)}` }
    expect(await take(address, bob.token, agent)).toBe(200)
    for (let at = 0; at < 5; at++)
      expect(await take(address, bob.token, { ...agent, range: `bytes=${at}-${at}` })).toBe(206)
    expect((await call(address, bob.token, { method: 'HEAD' })).status).toBe(200)
    const { headers } = await call(address, ada.token, { method: 'HEAD' })
    expect(await take(address, ada.token, { 'if-none-match': headers.get('etag') ?? '' })).toBe(304)
    expect(await take(address, null)).toBe(401)
    const records = await asHub(gitContentOf(text))
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({
      content: gitContentOf(text),
      repo: { name: 'acme/secret' },
      path: 'model.txt',
      commits: [oid],
      via: 'resolve',
      by: { type: 'user', name: 'bob' },
      credential: { type: 'token', last4: bob.token.slice(-4) },
      requests: 6,
      bytes: text.length + 5,
    })
    expect(records[0]?.ip).toMatch(/127\.0\.0\.1|::1/)
    // AUTH-10: a token in a header that it does not belong into.
    expect(records[0]?.userAgent).toBe('curl/8 with hf_…aaaa')
    // Another token of the same person is another record, and so is another way.
    const second = await makeToken(running, bob, { role: 'read' })
    expect(await take(address, second)).toBe(200)
    expect(await take('/acme/secret/raw/main/model.txt', second)).toBe(200)
    const session = await signInAs(running, bob)
    expect(
      (await fetch(`${running.url}/acme/secret/blob/main/model.txt`, { headers: { cookie: session } })).status,
    ).toBe(200)
    const all = await asHub(gitContentOf(text))
    expect(all.map(({ via, credential }) => [via, credential?.type])).toEqual([
      ['page', 'session'],
      ['raw', 'token'],
      ['resolve', 'token'],
      ['resolve', 'token'],
    ])
    // Idea 10: each of these ways is in the proof too, that of a page with its session.
    const proven = await audited('acme/secret')
    expect(new Set(proven.map(({ via, credential }) => `${via} ${credential?.type}`))).toEqual(
      new Set(['page session', 'raw token', 'resolve token']),
    )
    expect(proven.every(({ path: of, by }) => of === 'model.txt' && by.name === 'bob')).toBe(true)
  })

  test('of public files nothing is kept of strangers, nor of others before the file is known to be unsafe', async () => {
    await make(acme, 'open', 'public')
    await commit('acme/open', ada.token, { 'eicar.com': eicar, 'notes.txt': 'hello there' })
    const content = gitContentOf(eicar)
    await whenLevel(content, 'unsafe')
    expect(await take('/acme/open/resolve/main/notes.txt', bob.token)).toBe(200)
    expect(await take('/acme/open/resolve/main/eicar.com', null)).toBe(200)
    expect(await take('/acme/open/resolve/main/eicar.com', bob.token)).toBe(200)
    expect(await asHub(gitContentOf('hello there'))).toEqual([])
    expect((await asHub(content)).map(({ by, via }) => [by.name, via])).toEqual([['bob', 'resolve']])
    // Idea 10: held content is audited of strangers as well, since only the proof has to name every address that it went to.
    const proven = await audited('acme/open')
    expect(proven.map(({ content: of }) => of)).toEqual([content, content])
    expect(proven.map(({ by }) => by.name).sort()).toEqual(['anonymous', 'bob'])
  })

  test('a clone counts for every file in its history, with the commits that were asked for; negotiation alone does not', async () => {
    await make(acme, 'history', 'private')
    await commit('acme/history', ada.token, { 'was.txt': 'removed long ago' })
    const head = await commit('acme/history', ada.token, { 'now.txt': 'still here' })
    const clone = await gitClient(running.url, bob.token)
    await clone.sh('git ls-remote -q $URL/acme/history')
    await whenLevel(gitContentOf('removed long ago'), 'safe')
    expect(await asHub(gitContentOf('removed long ago'))).toEqual([])
    await clone.sh('git clone -q $URL/acme/history one && git -c protocol.version=0 clone -q $URL/acme/history two')
    const records = await asHub(gitContentOf('removed long ago'))
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ content: null, via: 'git', by: { name: 'bob' }, commits: [head], requests: 2 })
    const proven = await audited('acme/history')
    expect(proven.reduce((sum, { requests }) => sum + requests, 0)).toBe(2)
    expect(proven[0]).toMatchObject({ content: null, via: 'git', by: { name: 'bob' }, commits: [head] })
    // What lies in no repo that was cloned has no such record.
    expect((await asHub(gitContentOf('weights of acme'))).every(({ via }) => via !== 'git')).toBe(true)
    await clone[Symbol.asyncDispose]()
  })

  test.skipIf(!hasGitLfs())('git-lfs: by the hash, from the address that the batch gave', async () => {
    await make(acme, 'large', 'private')
    const bytes = Buffer.alloc(40_000, 7)
    await writeFile(path.join(folder, 'model.bin'), bytes)
    await git.sh(`git init -q large && cd large && git checkout -q -b main && git lfs track '*.bin' >/dev/null
      cp ${path.join(folder, 'model.bin')} . && git add -A && git commit -qm one && git push -q $URL/acme/large main`)
    const clone = await gitClient(running.url, bob.token)
    await clone.sh(
      'git clone -q $URL/acme/large large && cmp -s large/model.bin <(head -c 40000 /dev/zero | tr "\\\\0" "\\\\7")',
    )
    const records = await asHub(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ via: 'lfs', by: { name: 'bob' }, bytes: 40_000, repo: { name: 'acme/large' } })
    expect(await audited('acme/large')).toContainEqual(
      expect.objectContaining({ via: 'lfs', content: records[0]?.content, bytes: 40_000 }),
    )
    await clone[Symbol.asyncDispose]()
  })

  test.skipIf(python === null)('Xet: `hf download` of a large file', { timeout: 120_000 }, async () => {
    await make(acme, 'by-xet', 'private')
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 251))
    await writeFile(path.join(folder, 'weights.bin'), bytes)
    const run = async (token: string, ...args: string[]) => {
      const home = path.join(folder, token.slice(-4))
      await mkdir(home, { recursive: true })
      return await runClient(hf, args, { home, env: { HF_ENDPOINT: running.url, HF_TOKEN: token } })
    }
    const sent = await run(ada.token, 'upload', 'acme/by-xet', path.join(folder, 'weights.bin'), 'weights.bin')
    expect(sent).toMatchObject({ code: 0 })
    const got = await run(bob.token, 'download', 'acme/by-xet', 'weights.bin', '--local-dir', path.join(folder, 'got'))
    expect(got).toMatchObject({ code: 0 })
    const records = await asHub(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    expect(records.map(({ via, by }) => [via, by.name])).toContainEqual(['xet', 'bob'])
    expect(records.find(({ via }) => via === 'xet')).toMatchObject({ bytes: 300_000 })
    expect(await audited('acme/by-xet')).toContainEqual(
      expect.objectContaining({ via: 'xet', by: expect.objectContaining({ name: 'bob' }), bytes: 300_000 }),
    )
  })

  test('AUTH-7: the list is for administrators of the hub, and of an organization what left its own repos; nobody else learns anything', async () => {
    await make(other, 'same', 'private')
    const bobWrites = await makeToken(running, bob, { role: 'write' })
    await commit('other/same', bobWrites, { 'copy.txt': 'weights of acme' })
    expect(await take('/other/same/resolve/main/copy.txt', bob.token)).toBe(200)
    const content = gitContentOf('weights of acme')
    expect((await asHub(content)).map(({ repo }) => repo.name)).toContain('other/same')
    const ofAcme = await asAcme(content)
    expect(new Set(ofAcme.map(({ repo }) => repo.name))).toEqual(new Set(['acme/secret']))
    // What is here and what is not look alike to who may not see it, and to an administrator whom it does not concern.
    const nowhere = `git:${'0'.repeat(40)}`
    const refused = async (address: string, token: string | null) => {
      const answer = await call(address, token)
      return [answer.status, (await answer.text()).replace(/"requestId":"[^"]*"/, '')]
    }
    for (const token of [null, bob.token, rita.token, ada.token]) {
      const [here, there] = await Promise.all([
        refused(listAddress(content), token),
        refused(listAddress(nowhere), token),
      ])
      expect(here[0]).toBe(token === null ? 401 : 403)
      expect(here).toEqual(there)
      expect((await call(`${listAddress(content)}/export`, token)).status).toBe(here[0])
    }
    expect((await refused(`${listAddress(content)}?organization=acme`, bob.token))[0]).toBe(403)
    expect(await refused(`${listAddress(content)}?organization=other`, ada.token)).toEqual(
      await refused(`${listAddress(nowhere)}?organization=other`, ada.token),
    )
    expect(await asAcme(nowhere)).toEqual([])
    // A repo's own list: its administrators, not its readers; to strangers the repo is not there.
    expect((await call('/api/models/acme/secret/downloads', ada.token)).status).toBe(200)
    expect((await call('/api/models/acme/secret/downloads', bob.token)).status).toBe(403)
    const eve = await makeUser(running, 'eve', { tokenRole: 'write' })
    expect((await call('/api/models/acme/secret/downloads', eve.token)).status).toBe(404)
    expect((await call('/api/models/acme/secret/downloads', rita.token)).status).toBe(404)
  })

  test('pages of a list go on where the last ended, in time, whatever is downloaded meanwhile; the export is recorded', async () => {
    const content = gitContentOf('weights of acme')
    const whole = await asHub(content)
    const seen: string[] = []
    let address: string | null = `${running.url}${listAddress(content)}?limit=2`
    while (address !== null) {
      const answer: Response = await fetch(address, { headers: { cookie: ritaCookie } })
      seen.push(...((await answer.json()) as Record_[]).map(({ id }) => id))
      address = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
      await take('/acme/secret/resolve/main/model.txt', await makeToken(running, ada, { role: 'read' }))
    }
    expect(seen).toEqual(whole.map(({ id }) => id))
    expect(
      (await call(`${listAddress(content)}?cursor=nothing`, null, { headers: { cookie: ritaCookie } })).status,
    ).toBe(400)
    expect((await call(listAddress('md5:1'), null, { headers: { cookie: ritaCookie } })).status).toBe(400)
    const exported = await call(`${listAddress(content)}/export?organization=acme`, ada.token)
    expect(exported.headers.get('content-disposition')).toContain('attachment')
    const rows = (await exported.json()) as Record_[]
    expect(rows.length).toBeGreaterThan(whole.length)
    expect(rows.every(({ repo }) => repo.name === 'acme/secret')).toBe(true)
    const event = await running.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'org.download.export')
      .executeTakeFirstOrThrow()
    expect(event).toMatchObject({ actorName: 'ada', resourceId: content, ownerId: acme.id })
  })

  test('the page of an unsafe file shows the list to who may see it, and the pages behind it', async () => {
    const address = '/acme/open/blob/main/eicar.com'
    const asAda = await signInAs(running, ada)
    const asBob = await signInAs(running, bob)
    const page = async (at: string, cookie: string) => {
      const answer = await fetch(`${running.url}${at}`, { headers: { cookie }, redirect: 'manual' })
      return { status: answer.status, text: await answer.text() }
    }
    const mine = await page(address, asAda)
    expect(mine.text).toContain('Who downloaded it')
    expect(mine.text).toContain(`hf_…${bob.token.slice(-4)}`)
    expect((await page(address, asBob)).text).not.toContain('Who downloaded it')
    // Story: pages take tokens too. One that may read this repo alone showed who loads what from all the others of its owner.
    const narrow = await makeToken(running, ada, {
      role: 'fineGrained',
      scoped: ['model:acme/open=repo.content.read,repo.access.read'],
    })
    for (const token of [narrow, ada.token]) {
      const answer = await fetch(`${running.url}${address}`, { headers: { authorization: `Bearer ${token}` } })
      expect(answer.status).toBe(200)
      expect(await answer.text()).not.toContain('Who downloaded it')
    }
    expect((await page(address, ritaCookie)).text).toContain('/admin/contents/')
    const content = encodeURIComponent(gitContentOf(eicar))
    expect(await page(`/admin/contents/${content}`, ritaCookie)).toMatchObject({ status: 200 })
    expect((await page(`/admin/contents/${content}`, ritaCookie)).text).toContain('acme/open')
    expect((await page(`/admin/contents/${content}`, asAda)).status).toBe(403)
    expect((await page(`/organizations/acme/settings/scanning/contents/${content}`, asAda)).text).toContain('acme/open')
    expect((await page(`/organizations/acme/settings/scanning/contents/${content}`, asBob)).status).toBe(403)
    expect((await page('/acme/secret/trust/downloads', asAda)).text).toContain('model.txt')
    expect((await page('/acme/secret/trust/downloads', asBob)).status).toBe(403)
    expect((await page('/acme/secret/trust/downloads', await signInAs(running, rita))).status).toBe(404)
  })

  // Story: an organization gives a model away. Who downloaded it before, from which addresses and with which programs, is nobody's business but its own.
  test('story: a repo that moves to another owner does not take the records of its readers along', async () => {
    await make(acme, 'given', 'private')
    await commit('acme/given', ada.token, { 'model.txt': 'given away' })
    expect(await take('/acme/given/resolve/main/model.txt', bob.token)).toBe(200)
    const listed = async (name: string) =>
      (await (await call(`/api/models/${name}/downloads`, ada.token)).json()) as Record_[]
    expect((await listed('acme/given')).length).toBeGreaterThan(0)
    const moved = await call('/api/repos/move', ada.token, {
      method: 'POST',
      body: JSON.stringify({ fromRepo: 'acme/given', toRepo: 'ada/given', type: 'model' }),
      headers: { 'content-type': 'application/json' },
    })
    expect(moved.status).toBe(200)
    expect(await listed('ada/given')).toEqual([])
    expect((await asAcme(gitContentOf('given away'))).length).toBeGreaterThan(0)
    expect(await take('/ada/given/resolve/main/model.txt', ada.token)).toBe(200)
    expect(await listed('ada/given')).toHaveLength(1)
  })

  test('records outlive the repo and its name; they go when their days are over', async () => {
    const content = gitContentOf('weights of acme')
    const before = await asHub(content)
    await call('/api/repos/move', ada.token, {
      method: 'POST',
      body: JSON.stringify({ fromRepo: 'acme/secret', toRepo: 'acme/renamed', type: 'model' }),
      headers: { 'content-type': 'application/json' },
    })
    expect((await asHub(content)).map(({ repo }) => repo.name)).toContain('acme/secret')
    expect(before.length).toBeGreaterThan(0)
    const { hub } = running
    const old = `${(hub.clock.now() - 366 * day).toString(16).padStart(12, '0')}${'5'.repeat(12)}`
    const row = await hub.db.read.selectFrom('downloadRecord').selectAll().limit(1).executeTakeFirstOrThrow()
    const ancient = `git:${'7'.repeat(40)}`
    await hub.transaction((tx) =>
      tx
        .insertInto('downloadRecord')
        .values({ ...row, id: old, key: 'old', content: ancient })
        .execute(),
    )
    expect(await asHub(ancient)).toHaveLength(1)
    await hub.transaction((tx) =>
      tx.updateTable('job').set({ runAt: 0 }).where('queue', '=', 'forget-downloads').execute(),
    )
    await vi.waitFor(async () => expect(await asHub(ancient)).toEqual([]), { timeout: 20_000, interval: 100 })
    expect((await asHub(content)).length).toBeGreaterThan(0)
    const next = await hub.db.read.selectFrom('job').selectAll().where('queue', '=', 'forget-downloads').execute()
    expect(next).toHaveLength(1)
  })
})

describe.each(['all', 'off'] as const)('HOLDFAST_DOWNLOAD_RECORDS=%s', (mode) => {
  test(`${mode === 'all' ? 'keeps public downloads too, of strangers by their address' : 'keeps nothing'}; what is gathered is written when the hub stops`, async () => {
    const running = await startHub({ env: { HOLDFAST_DOWNLOAD_RECORDS: mode } })
    try {
      const ada = await makeUser(running, 'ada', { tokenRole: 'write' })
      const repo = await makeRepo(running.hub, ada, 'open', { visibility: 'public' })
      const git = await gitClient(running.url, ada.token)
      await git.sh(
        'git init -q w && cd w && git checkout -q -b main && echo hi > a.txt && git add -A && git commit -qm one && git push -q $URL/ada/open main',
      )
      await git[Symbol.asyncDispose]()
      expect((await fetch(`${running.url}/ada/open/resolve/main/a.txt`)).status).toBe(200)
      expect(
        (
          await fetch(`${running.url}/ada/open/resolve/main/a.txt`, {
            headers: { authorization: `Bearer ${ada.token}` },
          })
        ).status,
      ).toBe(200)
      await running.rest()
      const rows = await running.hub.db.read
        .selectFrom('downloadRecord')
        .select(['actorKind', 'actorName', 'ip', 'repoId'])
        .orderBy('actorKind')
        .execute()
      if (mode === 'off') expect(rows).toEqual([])
      else {
        expect(rows).toMatchObject([
          { actorKind: 'anonymous', repoId: repo.id, ip: expect.stringMatching(/127|::1/) },
          { actorKind: 'user', actorName: 'ada' },
        ])
      }
    } finally {
      await running.stop()
    }
  })
})
