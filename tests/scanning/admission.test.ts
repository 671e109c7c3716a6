/**
 * The attack: a pickle that imports something nobody has on a list of dangerous names, because nobody has thought of it yet. An organization that says what its
 * pickles may import is not at the mercy of such lists: what it does not name is held on every way out, or flagged. And the attack on that: a list that admits
 * everything must still not admit what is known to run code.
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
import { makeRepo } from '../support/world.ts'
import { honestPickle, maliciousPickle } from './samples.ts'

const python = findPython('newest')
const hf = python === null ? '' : path.join(path.dirname(python), 'hf')
const base64 = (content: Buffer | string) => `base64 -d <<< ${Buffer.from(content).toString('base64')}`
const disabled = 'Access to this resource is disabled.'
const importing = (module: string, name: string) => Buffer.from(`\x80\x04c${module}\n${name}\n)\x81.`, 'latin1')

describe.each(dialects)('pickle admission (idea 15) on %s', (dialect) => {
  let running: TestHub
  let ada: TestUser
  let rita: TestUser
  let git: GitClient
  let acme: { id: string; name: string }
  let other: { id: string; name: string }
  let folder: string

  beforeAll(async () => {
    running = await startHub({ dialect })
    ada = await makeUser(running, 'ada', { tokenRole: 'write', password: 'a long and quiet word' })
    rita = await makeUser(running, 'rita', { isAdmin: true, password: 'a long and quiet word' })
    acme = await makeOrganization(running, 'acme', ada)
    other = await makeOrganization(running, 'other', ada)
    git = await gitClient(running.url, ada.token)
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-admission-'))
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
  const patch = (body: object) =>
    call('/api/organizations/acme/settings', {
      method: 'PATCH',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  const set = async (pickleAdmission: string, pickleAllowList?: string) => {
    const answer = await patch({ pickleAdmission, ...(pickleAllowList === undefined ? {} : { pickleAllowList }) })
    expect(await answer.json()).toMatchObject({ pickleAdmission })
  }
  const commit = async (repo: string, files: Readonly<Record<string, Buffer>>, owner = 'acme') => {
    await makeRepo(running.hub, owner === 'acme' ? acme : other, repo)
    const lines = [
      { key: 'header', value: { summary: 'files' } },
      ...Object.entries(files).map(([name, content]) => ({
        key: 'file',
        value: { path: name, content: content.toString('base64'), encoding: 'base64' },
      })),
    ]
    const answer = await call(`/api/models/${owner}/${repo}/commit/main`, {
      method: 'POST',
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(answer.status).toBe(200)
    await scanned(repo, owner)
  }
  const scanned = (repo: string, owner = 'acme') =>
    vi.waitFor(
      async () =>
        expect(await (await call(`/api/models/${owner}/${repo}/scan`)).json()).toMatchObject({ scansDone: true }),
      { timeout: 20_000, interval: 50 },
    )
  const statusOf = async (address: string, init: RequestInit = {}) => {
    const answer = await call(address, init)
    if (answer.status === 403) expect(answer.headers.get('x-error-message'), address).toBe(disabled)
    return answer.status
  }
  const wireOf = async (repo: string, file: string) => {
    const entries = (await (await call(`/api/models/acme/${repo}/tree/main?expand=true`)).json()) as {
      path: string
      securityFileStatus: {
        status: string
        pickleImportScan: { status: string; admission?: string; notAdmitted?: string[] }
      }
    }[]
    return entries.find((one) => one.path === file)?.securityFileStatus
  }

  test('off, flag, refuse: one content, by the list of the organization that owns it, at once', async () => {
    const files = {
      'net.pkl': importing('acme.models', 'Net'),
      'plain.pkl': honestPickle,
      'notes.txt': Buffer.from('hello'),
    }
    await commit('one', files)
    await commit('one', files, 'other')
    const get = () => statusOf('/acme/one/resolve/main/net.pkl')
    expect(await get()).toBe(200)
    expect((await wireOf('one', 'net.pkl'))?.pickleImportScan).not.toHaveProperty('admission')

    await set('flag', '# nothing yet')
    expect(await get()).toBe(200)
    expect(await wireOf('one', 'net.pkl')).toMatchObject({
      status: 'suspicious',
      pickleImportScan: { status: 'suspicious', admission: 'not_admitted', notAdmitted: ['acme.models.Net'] },
    })
    const page = await (await call('/acme/one/blob/main/net.pkl')).text()
    expect(page).toContain('pickle: not admitted')
    expect(page).toContain('its pickles import acme.models.Net')
    expect((await wireOf('one', 'plain.pkl'))?.pickleImportScan).not.toHaveProperty('admission')

    await set('refuse')
    expect(await get()).toBe(403)
    expect(await statusOf('/acme/one/resolve/main/net.pkl', { method: 'HEAD' })).toBe(403)
    expect(await statusOf('/acme/one/raw/main/net.pkl')).toBe(403)
    expect(await statusOf('/acme/one/resolve/main/plain.pkl')).toBe(200)
    expect(await statusOf('/acme/one/resolve/main/notes.txt')).toBe(200)
    expect(await statusOf('/other/one/resolve/main/net.pkl')).toBe(200)
    expect(await (await call('/acme/one/blob/main/net.pkl')).text()).toContain(
      'because its pickles import acme.models.Net',
    )

    for (const [list, status] of [
      ['acme.models.Net', 200],
      ['acme.models.Other', 403],
      ['acme.*', 200],
      ['acme.*\n!acme.models.*', 403],
      ['acme.*\n!acme.models.*\nacme.models.Net # ours', 200],
      ['', 403],
      ['*', 200],
    ] as const) {
      await set('refuse', list)
      expect(await get(), list).toBe(status)
    }
    expect((await wireOf('one', 'net.pkl'))?.pickleImportScan).toMatchObject({ admission: 'admitted' })
    expect(await (await call('/acme/one/blob/main/net.pkl')).text()).toContain('pickle: admitted')
  })

  test('no list admits what is dangerous, what was not read whole, or imports without end', async () => {
    const many = Buffer.concat([
      Buffer.from([0x80, 4]),
      ...Array.from({ length: 2_000 }, (_, index) => Buffer.from(`cacme.generated\nclass_number_${index}\n0`)),
      Buffer.from('N.'),
    ])
    const nested = Buffer.concat([Buffer.from([0x80, 4]), Buffer.alloc(600_000, 0x28), Buffer.from('N.')])
    await commit('never', {
      'system.pkl': maliciousPickle,
      'many.pkl': many,
      'partly.pkl': nested,
      'posix.pkl': importing('posix', 'system'),
      'through.pkl': importing('acme.models.net', 'torch.hub.load'),
    })
    await set('refuse', '*\nos.system\nposix.*\nacme.models.net.torch.hub.load')
    for (const name of ['system.pkl', 'many.pkl', 'partly.pkl', 'posix.pkl', 'through.pkl']) {
      expect(await statusOf(`/acme/never/resolve/main/${name}`), name).toBe(403)
      expect((await wireOf('never', name))?.pickleImportScan, name).toMatchObject({ admission: 'not_admitted' })
    }
    // With nothing but a flag they can be had, as everything can be had under the policy "warn".
    await set('flag')
    expect(await statusOf('/acme/never/resolve/main/system.pkl')).toBe(200)
  })

  test('git clone and fetch are refused with the reason, while a refused pickle lies in git itself', async () => {
    await makeRepo(running.hub, acme, 'by-git')
    await set('off', '')
    await git.sh(`git init -q by-git && cd by-git && git checkout -q -b main
      ${base64(importing('acme.unseen', 'Net'))} > net.pkl; echo hello > notes.txt; git add -A; git commit -qm one; git push -q $URL/acme/by-git main`)
    await scanned('by-git')
    await git.sh('git clone -q $URL/acme/by-git before')
    await set('refuse')
    const said = await git.fails('git clone -q $URL/acme/by-git refused')
    expect(said).toContain('acme does not admit it: its pickles import acme.unseen.Net')
    expect(await git.fails('cd before && git fetch -q')).toContain('is held')
    // Who has it can push, and so replace it; and the list can admit it.
    await git.sh('cd by-git && git rm -q net.pkl && git commit -qm clean && git push -q $URL/acme/by-git main')
    await set('refuse', 'acme.unseen.*')
    await git.sh('git clone -q $URL/acme/by-git admitted && cd admitted && git show HEAD~1:net.pkl > /dev/null')
  })

  test.skipIf(!hasGitLfs())('LFS: the batch, an address that was given before, and git-lfs', async () => {
    await makeRepo(running.hub, acme, 'by-lfs')
    await set('off', '')
    const payload = Buffer.concat([importing('acme.large', 'Net'), Buffer.alloc(50_000, 1)])
    await git.sh(`git init -q by-lfs && cd by-lfs && git checkout -q -b main && git lfs track '*.pkl' >/dev/null
      ${base64(payload)} > model.pkl; git add -A; git commit -qm one; git push -q $URL/acme/by-lfs main`)
    await scanned('by-lfs')
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
    const href = (await batch()).objects[0]?.actions?.download.href ?? ''
    expect((await fetch(href)).status).toBe(200)
    await set('refuse')
    expect((await batch()).objects[0]?.error).toMatchObject({ code: 403, denied: { code: 'content_held' } })
    expect((await batch()).objects[0]?.error?.message).toContain(disabled)
    expect((await fetch(href)).status).toBe(403)
    expect(await statusOf('/acme/by-lfs/resolve/main/model.pkl')).toBe(403)
    expect(await git.fails('git clone -q $URL/acme/by-lfs lfs-refused')).toContain(disabled)
    await set('refuse', 'acme.large.Net')
    expect((await fetch(href)).status).toBe(200)
    await git.sh('git clone -q $URL/acme/by-lfs lfs-admitted')
  })

  test.skipIf(python === null)(
    'Xet: reconstruction, the ranges that were given before, and `hf download`',
    { timeout: 120_000 },
    async () => {
      await makeRepo(running.hub, acme, 'by-xet')
      await set('off', '')
      await writeFile(
        path.join(folder, 'model.bin'),
        Buffer.concat([importing('acme.xet', 'Net'), Buffer.alloc(300_000, 2)]),
      )
      const run = (...args: string[]) =>
        runClient(hf, args, { home: folder, env: { HF_ENDPOINT: running.url, HF_TOKEN: ada.token } })
      expect(await run('upload', 'acme/by-xet', path.join(folder, 'model.bin'), 'model.bin')).toMatchObject({ code: 0 })
      await scanned('by-xet')
      const [entry] = (
        (await (await call('/api/models/acme/by-xet/tree/main')).json()) as { path: string; xetHash?: string }[]
      ).filter((one) => one.path === 'model.bin')
      const connection = (await (await call('/api/models/acme/by-xet/xet-read-token/main')).json()) as {
        casUrl: string
        accessToken: string
      }
      const reconstruct = () =>
        fetch(`${connection.casUrl}/v1/reconstructions/${entry?.xetHash}`, {
          headers: { authorization: `Bearer ${connection.accessToken}` },
        })
      const plan = (await (await reconstruct()).json()) as {
        fetch_info: Record<string, { url: string; url_range: { start: number; end: number } }[]>
      }
      const [part] = Object.values(plan.fetch_info).flat()
      const fetchPart = (url = part?.url ?? '') =>
        fetch(url, { headers: { range: `bytes=${part?.url_range.start}-${part?.url_range.end}` } })
      expect((await fetchPart()).status).toBe(206)
      await set('refuse')
      expect((await reconstruct()).status).toBe(403)
      expect((await fetchPart()).status).toBe(403)
      const refused = await run('download', 'acme/by-xet', 'model.bin', '--local-dir', path.join(folder, 'refused'))
      expect(refused.code).not.toBe(0)
      expect(refused.stdout + refused.stderr).toContain(disabled)
      await set('refuse', 'acme.xet.*')
      expect(await run('download', 'acme/by-xet', 'model.bin', '--local-dir', path.join(folder, 'got'))).toMatchObject({
        code: 0,
      })
    },
  )

  test('MAL-10: an administrator of the hub can release what is refused, with a reason', async () => {
    const content = importing('acme.released', 'Net')
    await commit('released', { 'net.pkl': content })
    await set('refuse', '')
    expect(await statusOf('/acme/released/resolve/main/net.pkl')).toBe(403)
    const cookie = await signInAs(running, rita)
    const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
    const released = await call('/api/scan/releases', {
      method: 'POST',
      body: JSON.stringify({ content: `git:${oid}`, reason: 'Looked at by hand' }),
      headers: { authorization: '', cookie, origin: running.url, 'content-type': 'application/json' },
    })
    expect(released.status).toBe(200)
    expect(await statusOf('/acme/released/resolve/main/net.pkl')).toBe(200)
    await git.sh('git clone -q $URL/acme/released released')
  })

  test('the audit log tells what was added to the list and taken from it; a list that is none is refused with its line', async () => {
    await set('off', 'acme.models.*\nacme.old.Net')
    const answer = await patch({
      pickleAdmission: 'flag',
      pickleAllowList: '# new\nacme.models.*\n!acme.models.bad.*\n',
    })
    expect(await answer.json()).toMatchObject({
      pickleAdmission: 'flag',
      pickleAllowList: '# new\nacme.models.*\n!acme.models.bad.*',
    })
    const events = await running.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'org.update_settings')
      .where('ownerId', '=', acme.id)
      .orderBy('id')
      .execute()
    expect(JSON.parse(events.at(-1)?.data ?? '')).toEqual({
      pickleAdmission: { from: 'off', to: 'flag' },
      pickleAllowList: { added: ['!acme.models.bad.*'], removed: ['acme.old.Net'], isReordered: false },
    })
    // Story: the event named a hundred lines and stopped, and said nothing of their order, in which the last that fits counts.
    const harmless = Array.from({ length: 150 }, (_, index) => `acme.n${index}`)
    const changed = async (lines: readonly string[]) => {
      await patch({ pickleAllowList: lines.join('\n') })
      const { data } = await running.hub.db.read
        .selectFrom('event')
        .select('data')
        .where('action', '=', 'org.update_settings')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow()
      return (JSON.parse(data) as { pickleAllowList: { added: string[]; isReordered: boolean } }).pickleAllowList
    }
    expect((await changed(['*', '!acme.*', ...harmless, 'evil.*'])).added).toContain('evil.*')
    expect(await changed(['!acme.*', '*', ...harmless, 'evil.*'])).toEqual({
      added: [],
      removed: [],
      isReordered: true,
    })
    for (const pickleAllowList of ['ok.Name\nnot a name', 'x.'.repeat(30_000)]) {
      expect((await patch({ pickleAllowList })).status).toBe(422)
    }
    expect(await (await patch({ pickleAllowList: 'ok.Name\nnot a name' })).text()).toContain('Line 2')
    expect((await patch({ pickleAdmission: 'maybe' })).status).toBe(400)
  })

  test('the page: administrators change it, a bad list comes back as it was typed, members read it', async () => {
    const session = await signInAs(running, ada)
    const address = `${running.url}/organizations/acme/settings/scanning`
    const send = (body: Record<string, string>) =>
      fetch(address, {
        method: 'POST',
        body: new URLSearchParams({ scanPolicy: 'warn', ...body }),
        redirect: 'manual',
        headers: { cookie: session, origin: running.url },
      })
    expect((await send({ pickleAdmission: 'refuse', pickleAllowList: 'acme.models.*\r\nacme.x.Y' })).status).toBe(303)
    expect(await (await call('/api/organizations/acme/settings')).json()).toMatchObject({
      pickleAdmission: 'refuse',
      pickleAllowList: 'acme.models.*\nacme.x.Y',
    })
    const refused = await send({ pickleAdmission: 'off', pickleAllowList: 'acme.*.Net' })
    expect(refused.status).toBe(422)
    const page = await refused.text()
    expect(page).toContain('acme.*.Net</textarea>')
    expect(page).toContain('Line 1 is neither')
    expect(await (await call('/api/organizations/acme/settings')).json()).toMatchObject({ pickleAdmission: 'refuse' })
  })
})
