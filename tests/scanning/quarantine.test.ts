/**
 * The attack: somebody puts a file into a repository that runs code on whoever loads it. It came in by git, LFS, the API or Xet; with the policy on, no way
 * leads out again, for no client, until an administrator of the hub has looked and says so.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findPython, runClient } from '../compat/clients.ts'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import { type GitClient, gitClient, hasGitLfs } from '../support/git-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo, type TestRepo } from '../support/world.ts'
import { eicar, maliciousPickle } from './samples.ts'

const python = findPython('newest')
const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
const bytes = (content: Buffer | string) => `base64 -d <<< ${Buffer.from(content).toString('base64')}`
const disabled = 'Access to this resource is disabled.'

describe.each(dialects)('quarantine on %s', (dialect) => {
  let running: TestHub
  let ada: TestUser
  let rita: TestUser
  let git: GitClient
  let acme: { id: string; name: string }
  let folder: string

  beforeAll(async () => {
    running = await startHub({ dialect })
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password: 'a long and quiet word' })
    rita = await makeUser(running, 'rita', { isAdmin: true, tokenRole: 'write', password: 'a long and quiet word' })
    acme = await makeOrganization(running, 'acme', ada)
    git = await gitClient(running.url, ada.token)
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-quarantine-'))
  })
  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const call = (address: string, init: RequestInit = {}) =>
    fetch(`${running.url}${address}`, {
      redirect: 'manual',
      ...init,
      headers: { authorization: `Bearer ${ada.token}`, ...init.headers },
    })
  const setPolicy = async (scanPolicy: string) => {
    const answer = await call('/api/organizations/acme/settings', {
      method: 'PATCH',
      body: JSON.stringify({ scanPolicy }),
      headers: { 'content-type': 'application/json' },
    })
    expect(await answer.json()).toMatchObject({ scanPolicy })
  }
  const make = (name: string): Promise<TestRepo> => makeRepo(running.hub, acme, name)
  const whenUnsafe = (name: string, count: number) =>
    vi.waitFor(
      async () => {
        const scan = (await (await call(`/api/models/acme/${name}/scan`)).json()) as {
          filesWithIssues: { level: string }[]
        }
        expect(scan.filesWithIssues.filter(({ level }) => level === 'unsafe')).toHaveLength(count)
      },
      { timeout: 20_000, interval: 50 },
    )
  const expectDisabled = async (address: string, init: RequestInit = {}) => {
    const answer = await call(address, init)
    expect(answer.status, address).toBe(403)
    expect(answer.headers.get('x-error-message'), address).toBe(disabled)
  }

  test('what came by git: resolve, raw, pages, git clone and fetch are refused, every other file is not; warn holds nothing', async () => {
    await make('by-git')
    await git.sh(`git init -q by-git && cd by-git && git checkout -q -b main
      ${bytes(eicar)} > eicar.com; echo hello > notes.txt; git add -A; git commit -qm one; git push -q $URL/acme/by-git main`)
    await whenUnsafe('by-git', 1)
    expect((await call('/acme/by-git/resolve/main/eicar.com')).status).toBe(200)
    await git.sh('git clone -q $URL/acme/by-git warned')
    await setPolicy('block_infected')
    await expectDisabled('/acme/by-git/resolve/main/eicar.com')
    await expectDisabled('/acme/by-git/resolve/main/eicar.com', { method: 'HEAD' })
    await expectDisabled('/acme/by-git/raw/main/eicar.com')
    expect((await call('/acme/by-git/resolve/main/notes.txt')).status).toBe(200)
    const page = await (await fetch(`${running.url}/acme/by-git/blob/main/eicar.com`)).text()
    expect(page).toContain('This file is held')
    expect(page).not.toContain(eicar)
    const head = (await git.sh('cd by-git && git rev-parse HEAD')).trim()
    const commit = await (await fetch(`${running.url}/acme/by-git/commit/${head}`)).text()
    expect(commit).toContain('hello')
    expect(commit).not.toContain('EICAR-STANDARD')
    expect(await git.fails('git clone -q $URL/acme/by-git held')).toContain('is held: scanners found it unsafe')
    expect(await git.fails('cd warned && git fetch -q')).toContain('is held')
    expect(await git.fails('git -c protocol.version=0 clone -q $URL/acme/by-git held0')).toContain('is held')
    const direct = await call('/acme/by-git/git-upload-pack', {
      method: 'POST',
      body: '0000',
      headers: { 'content-type': 'application/x-git-upload-pack-request' },
    })
    expect(await direct.text()).toMatch(/^[0-9a-f]{4}ERR /)
    // Who has it can still push, and so take it away.
    await git.sh('cd by-git && git rm -q eicar.com && git commit -qm clean && git push -q $URL/acme/by-git main')
  })

  test('the same bytes are held in every repo of the policy, by whatever way they come', async () => {
    await make('again')
    const content = Buffer.from(eicar).toString('base64')
    const lines = [
      { key: 'header', value: { summary: 'again' } },
      { key: 'file', value: { path: 'renamed.txt', content, encoding: 'base64' } },
    ]
    const body = lines.map((line) => JSON.stringify(line)).join('\n')
    expect(
      (
        await call('/api/models/acme/again/commit/main', {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/x-ndjson' },
        })
      ).status,
    ).toBe(200)
    // Known before it is even listed here: the verdict stands at the content.
    await expectDisabled('/acme/again/resolve/main/renamed.txt')
  })

  test.skipIf(!hasGitLfs())('what came by git-lfs: the batch, the address and git-lfs itself', async () => {
    await make('by-lfs')
    const payload = Buffer.concat([maliciousPickle, Buffer.alloc(50_000, 1)])
    await git.sh(`git init -q by-lfs && cd by-lfs && git checkout -q -b main && git lfs track '*.pkl' >/dev/null
      ${bytes(payload)} > model.pkl; echo hello > notes.txt; git add -A; git commit -qm one; git push -q $URL/acme/by-lfs main`)
    const oid = createHash('sha256').update(payload).digest('hex')
    const batch = async () =>
      (await (
        await call('/acme/by-lfs.git/info/lfs/objects/batch', {
          method: 'POST',
          body: JSON.stringify({
            operation: 'download',
            transfers: ['basic'],
            objects: [{ oid, size: payload.length }],
          }),
          headers: { 'content-type': 'application/vnd.git-lfs+json', accept: 'application/vnd.git-lfs+json' },
        })
      ).json()) as {
        objects: { actions?: { download: { href: string } }; error?: { code: number; message: string } }[]
      }
    await setPolicy('warn')
    const href = (await batch()).objects[0]?.actions?.download.href ?? ''
    expect((await fetch(href)).status).toBe(200)
    await whenUnsafe('by-lfs', 1)
    await setPolicy('block_infected')
    // The answer is a 200: the reason stands beside the object, and in the message that git-lfs prints.
    expect((await batch()).objects[0]?.error).toEqual({
      code: 403,
      message: `${disabled} Reason: content_held; entity=model:acme/by-lfs`,
      denied: { code: 'content_held', entity: 'model:acme/by-lfs' },
    })
    expect((await fetch(href)).status).toBe(403)
    await expectDisabled('/acme/by-lfs/resolve/main/model.pkl')
    // Nor through a copy in a repository of one's own, where nothing is held.
    await makeRepo(running.hub, ada, 'copy')
    const copied = await call('/api/models/acme/by-lfs/lfs-files/duplicate', {
      method: 'POST',
      body: JSON.stringify({ target: { type: 'model', name: 'ada/copy' }, files: [{ sha256: oid }] }),
      headers: { 'content-type': 'application/json' },
    })
    expect(await copied.json()).toEqual({ failed: [{ sha256: oid, error: disabled }] })
    const named = await call('/api/models/ada/copy/commit/main', {
      method: 'POST',
      body: [
        JSON.stringify({ key: 'header', value: { summary: 'copy' } }),
        JSON.stringify({ key: 'lfsFile', value: { path: 'model.pkl', algo: 'sha256', oid } }),
      ].join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(named.status).toBe(422)
    // Its bytes do not lie in git, so the clone itself works, and git-lfs is refused.
    expect(await git.fails('git clone -q $URL/acme/by-lfs lfs-held')).toContain(disabled)
    await git.sh(
      'GIT_LFS_SKIP_SMUDGE=1 git clone -q $URL/acme/by-lfs lfs-pointers && grep -q hello lfs-pointers/notes.txt',
    )
  })

  test.skipIf(python === null)(
    'what came by Xet: reconstruction, the ranges that were given before, and `hf download`',
    { timeout: 120_000 },
    async () => {
      await make('by-xet')
      await setPolicy('warn')
      const payload = Buffer.concat([maliciousPickle, Buffer.alloc(300_000, 2)])
      await writeFile(path.join(folder, 'model.bin'), payload)
      const run = (...args: string[]) =>
        runClient(hf, args, { home: folder, env: { HF_ENDPOINT: running.url, HF_TOKEN: ada.token } })
      expect(await run('upload', 'acme/by-xet', path.join(folder, 'model.bin'), 'model.bin')).toMatchObject({ code: 0 })
      const entries = (await (await call('/api/models/acme/by-xet/tree/main')).json()) as {
        path: string
        xetHash?: string
      }[]
      const entry = entries.find((one) => one.path === 'model.bin')
      const hash = entry?.xetHash ?? ''
      expect(hash).toMatch(/^[0-9a-f]{64}$/)
      const connection = (await (await call('/api/models/acme/by-xet/xet-read-token/main')).json()) as {
        casUrl: string
        accessToken: string
      }
      const reconstruct = () =>
        fetch(`${connection.casUrl}/v1/reconstructions/${hash}`, {
          headers: { authorization: `Bearer ${connection.accessToken}` },
        })
      const plan = (await (await reconstruct()).json()) as {
        fetch_info: Record<string, { url: string; url_range: { start: number; end: number } }[]>
      }
      const [part] = Object.values(plan.fetch_info).flat()
      const fetchPart = () =>
        fetch(part?.url ?? '', { headers: { range: `bytes=${part?.url_range.start}-${part?.url_range.end}` } })
      expect((await fetchPart()).status).toBe(206)
      await whenUnsafe('by-xet', 1)
      // The address of before, and one that was given when the verdict was known and the policy only warned.
      const later = (await (await reconstruct()).json()) as typeof plan
      const [known] = Object.values(later.fetch_info).flat()
      const fetchKnown = () =>
        fetch(known?.url ?? '', { headers: { range: `bytes=${known?.url_range.start}-${known?.url_range.end}` } })
      expect((await fetchKnown()).status).toBe(206)
      await setPolicy('block_infected')
      expect((await fetchKnown()).status).toBe(403)
      expect((await reconstruct()).status).toBe(403)
      expect((await fetchPart()).status).toBe(403)
      const refused = await run('download', 'acme/by-xet', 'model.bin', '--local-dir', path.join(folder, 'got'))
      expect(refused.code).not.toBe(0)
      expect(refused.stdout + refused.stderr).toContain(disabled)
    },
  )

  test('MAL-10: an owner cannot clear a verdict; an administrator of the hub releases with a reason, in a session, and it is audited', async () => {
    await setPolicy('block_infected')
    const content = `git:${createHash('sha1').update(`blob ${eicar.length}\0${eicar}`).digest('hex')}`
    const release = (headers: Record<string, string>, reason = 'It is the test file of our training') =>
      call('/api/scan/releases', {
        method: 'POST',
        body: JSON.stringify({ content, reason }),
        headers: { 'content-type': 'application/json', ...headers },
      })
    expect((await release({})).status).toBe(403)
    expect((await release({ authorization: `Bearer ${rita.token}` })).status).toBe(403)
    const cookie = await signInAs(running, rita)
    expect((await release({ authorization: '', cookie, origin: running.url }, '')).status).toBe(400)
    await expectDisabled('/acme/again/resolve/main/renamed.txt')
    expect((await release({ authorization: '', cookie, origin: running.url })).status).toBe(200)
    expect((await call('/acme/again/resolve/main/renamed.txt')).status).toBe(200)
    await git.sh('git clone -q $URL/acme/again released')
    // The verdict stays what it is.
    await whenUnsafe('again', 1)
    const event = await running.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'scan.release')
      .executeTakeFirstOrThrow()
    expect(event).toMatchObject({ actorName: 'rita', resourceId: content })
    expect(JSON.parse(event.data)).toMatchObject({ reason: 'It is the test file of our training' })
    const back = await call(`/api/scan/releases/${encodeURIComponent(content)}`, {
      method: 'DELETE',
      headers: { authorization: '', cookie, origin: running.url },
    })
    expect(back.status).toBe(200)
    await expectDisabled('/acme/again/resolve/main/renamed.txt')
  })

  test('the policy on the page of the organization: administrators change it, members read it, strangers get nothing', async () => {
    const session = await signInAs(running, ada)
    const address = `${running.url}/organizations/acme/settings/scanning`
    const send = (scanPolicy: string, cookie: string) =>
      fetch(address, {
        method: 'POST',
        body: new URLSearchParams({ scanPolicy }),
        redirect: 'manual',
        headers: { cookie, origin: running.url },
      })
    expect((await send('block_until_scanned', session)).status).toBe(303)
    const page = await (await fetch(address, { headers: { cookie: session } })).text()
    expect(page).toMatch(/value="block_until_scanned"[^>]*checked|checked[^>]*value="block_until_scanned"/)
    const stranger = await makeUser(running, 'eve', { password: 'a long and quiet word' })
    const theirs = await signInAs(running, stranger)
    expect((await send('warn', theirs)).status).toBeGreaterThanOrEqual(400)
    expect((await fetch(address, { headers: { cookie: theirs } })).status).toBeGreaterThanOrEqual(400)
    const settings = await (await call('/api/organizations/acme/settings')).json()
    expect(settings).toMatchObject({ scanPolicy: 'block_until_scanned' })
  })

  test('block until scanned: nothing is handed out before all scanners have spoken, then all that is safe', async () => {
    await setPolicy('block_until_scanned')
    const repo = await make('until')
    await git.sh(`git init -q until && cd until && git checkout -q -b main
      echo fresh-${Date.now()} > notes.txt; git add -A; git commit -qm one; git push -q $URL/acme/until main`)
    await vi.waitFor(async () => expect((await call('/acme/until/resolve/main/notes.txt')).status).toBe(200), {
      timeout: 20_000,
      interval: 50,
    })
    await git.sh('git clone -q $URL/acme/until scanned')
    await running.hub.transaction((tx) =>
      tx
        .updateTable('contentScan')
        .set({ scanners: null, state: 'queued', dueAt: Date.now() + 60_000 })
        .where('content', 'in', tx.selectFrom('scanPlace').select('content').where('repoId', '=', repo.id))
        .execute(),
    )
    await expectDisabled('/acme/until/resolve/main/notes.txt')
    expect(await git.fails('git clone -q $URL/acme/until waiting')).toContain('not been scanned yet')
  })

  // Story: what refs lead to is judged before git hands it out. A branch that was pushed and deleted at once was never listed for the scanners,
  // but its objects lie there still, and protocol 2 hands out whatever is asked for by its id: a commit, or the one file.
  test('where nothing leaves unseen, git hands out heads of branches and tags, and nothing else by its id', async () => {
    await make('gone')
    await setPolicy('warn')
    await git.sh(`git init -q gone && cd gone && git checkout -q -b main && echo hello > notes.txt && git add -A && git commit -qm one
      git tag -a v1 -m v1 && git push -q $URL/acme/gone main v1
      git checkout -q -b hidden && echo unseen > hidden.txt && git add -A && git commit -qm two
      git push -q $URL/acme/gone hidden && git push -q $URL/acme/gone :hidden`)
    const oid = async (name: string) => (await git.sh(`cd gone && git rev-parse ${name}`)).trim()
    const [hidden, file] = [await oid('hidden'), await oid('hidden:hidden.txt')]
    await git.sh(`git init -q early && cd early && git fetch -q $URL/acme/gone ${hidden}`)
    await setPolicy('block_until_scanned')
    await vi.waitFor(async () => await git.sh('rm -rf whole && git clone -q $URL/acme/gone whole'), {
      timeout: 20_000,
      interval: 200,
    })
    await git.sh('git clone -q --depth 1 $URL/acme/gone shallow && git clone -q --branch v1 $URL/acme/gone tagged')
    await git.sh('cd whole && git fetch -q --tags && git -c protocol.version=0 fetch -q')
    for (const wanted of [hidden, file]) {
      expect(
        await git.fails(`git init -q w-${wanted} && cd w-${wanted} && git fetch -q $URL/acme/gone ${wanted}`),
      ).toContain('No branch or tag is at')
    }
    const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`
    const post = async (body: string, protocol: string) => {
      const headers = { 'content-type': 'application/x-git-upload-pack-request', 'git-protocol': protocol }
      const answer = await call('/acme/gone/git-upload-pack', { method: 'POST', body, headers })
      return Buffer.from(await answer.arrayBuffer()).toString('latin1')
    }
    const fetching = `${line('command=fetch')}0001${line('no-progress')}`
    const main = await oid('main')
    expect(await post(`${fetching}${line(`want ${main}\n`)}${line('done\n')}0000`, 'version=2')).toContain('PACK')
    // As git reads a request, not as a client of ours writes it: any order, either case, anything behind the id.
    for (const body of [
      `${fetching}${line(`want ${hidden.toUpperCase()}\n`)}${line('done\n')}0000`,
      `${fetching}${line(`want ${hidden} and more`)}${line('done\n')}0000`,
      `${fetching}${line(`want ${main}\n`)}${line(`have ${'1'.repeat(40)}\n`)}${line(`want ${hidden}\n`)}${line('done\n')}0000`,
    ]) {
      const answer = await post(body, 'version=2')
      expect(answer).toMatch(/^[0-9a-f]{4}ERR No branch or tag is at/)
      expect(answer).not.toContain('PACK')
    }
    expect(await post(`zz${fetching}`, 'version=2')).toMatch(/^[0-9a-f]{4}ERR .*read whole/)
    await setPolicy('warn')
  })
})
