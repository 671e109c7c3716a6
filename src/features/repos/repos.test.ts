/** The life of repos over HTTP, as clients live it: hub-api.md sections 3 and 4. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization, makeToken, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import { holdCollection } from '../../platform/db/collection-hold.ts'
import { readCommit } from '../../platform/git/commit.ts'
import { readObject } from '../../platform/git/objects.ts'
import { createRepository, hasRepository } from '../../platform/git/repository.ts'
import { entryAt } from '../../platform/git/tree.ts'
import { countRepo, findLinkedBlob, linkBlob, markReferenced } from '../storage/service.ts'
import { collectRepo } from './delete-repo.ts'
import { beginRemoval } from './restore-queries.ts'
import { listDeletedRepos, restoreRepo } from './restore-repo.ts'

type Json = Readonly<Record<string, unknown>>

describe.each(dialects)('repos on %s', (dialect) => {
  let hub: TestHub
  let ada: TestUser
  let bob: TestUser
  let carl: TestUser

  beforeAll(async () => {
    hub = await startHubOn(dialect, { env: { HOLDFAST_RATE_LIMIT_API: '0' } })
    ada = await makeUser(hub, 'Ada', { tokenRole: 'write' })
    bob = await makeUser(hub, 'Bob', { tokenRole: 'write' })
    carl = await makeUser(hub, 'Carl', { tokenRole: 'write' })
    await makeOrganization(hub, 'Acme', ada, { Bob: 'contributor', Carl: 'read' })
  })
  afterAll(() => hub.stop())

  async function call<T = Json>(
    method: string,
    path: string,
    token: string | null,
    body?: unknown,
  ): Promise<{ status: number; json: T; headers: Headers }> {
    const response = await fetch(`${hub.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as T, headers: response.headers }
  }

  const create = (token: string | null, body: Json) => call('POST', '/api/repos/create', token, body)
  const remove = (token: string | null, body: Json) => call('DELETE', '/api/repos/delete', token, body)
  const move = (token: string, fromRepo: string, toRepo: string) =>
    call('POST', '/api/repos/move', token, { fromRepo, toRepo, type: 'model' })
  const names = async (path: string, token: string | null) =>
    (await call<{ id: string }[]>('GET', path, token)).json.map(({ id }) => id)

  async function fileAt(repoId: string, commit: string, path: string): Promise<string | null> {
    const entry = await entryAt(hub.hub.git, repoId, commit, path)
    return entry === null ? null : ((await readObject(hub.hub.git, repoId, entry.oid, 1e6))?.bytes.toString() ?? null)
  }

  test('a new repo has an initial commit with .gitattributes, made by its creator', async () => {
    const made = await create(ada.token, { name: 'first', type: 'model' })
    expect(made.json).toEqual({
      url: `${hub.url}/Ada/first`,
      name: 'Ada/first',
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
    })
    const info = await call('GET', '/api/models/Ada/first', null)
    expect(info.status).toBe(200)
    expect(info.json).toMatchObject({
      _id: made.json.id,
      id: 'Ada/first',
      modelId: 'Ada/first',
      author: 'Ada',
      private: false,
      gated: false,
      disabled: false,
      downloads: 0,
      likes: 0,
      tags: ['region:us'],
      siblings: [{ rfilename: '.gitattributes' }],
      usedStorage: 0,
    })
    expect(info.json.lastModified).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const sha = String(info.json.sha)
    const commit = await readCommit(hub.hub.git, String(made.json.id), sha)
    expect(commit).toMatchObject({ title: 'initial commit', parents: [], author: { name: 'Ada' } })
    expect(await fileAt(String(made.json.id), sha, '.gitattributes')).toContain(
      '*.safetensors filter=lfs diff=lfs merge=lfs -text',
    )
  })

  test('a dataset and a space stand beside a model of the same name; a space needs its sdk', async () => {
    expect((await create(ada.token, { name: 'first', type: 'dataset' })).json.url).toBe(`${hub.url}/datasets/Ada/first`)
    expect((await create(ada.token, { name: 'first', type: 'space' })).status).toBe(400)
    const space = await create(ada.token, { name: 'first', type: 'space', sdk: 'gradio', visibility: 'protected' })
    expect(space.json.url).toBe(`${hub.url}/spaces/Ada/first`)
    const info = await call('GET', '/api/spaces/Ada/first', ada.token)
    expect(info.json).toMatchObject({ sdk: 'gradio', private: true, cardData: { title: 'first', sdk: 'gradio' } })
    expect((await call('GET', '/api/spaces/Ada/first', null)).status).toBe(401)
    expect((await create(ada.token, { name: 'p', visibility: 'protected' })).status).toBe(400)
  })

  test('license and files become the first commit, the card becomes tags', async () => {
    const readme =
      '---\nlicense: mit\nlanguage: [en, no]\ntags: [tiny]\ndatasets: acme/d\npipeline_tag: fill-mask\n---\n# Tiny\n\nA *tiny* one.\n'
    const made = await create(ada.token, {
      name: 'with-files',
      license: 'apache-2.0',
      files: [
        { path: 'README.md', encoding: 'base64', content: Buffer.from(readme).toString('base64') },
        { path: 'a/b.txt', content: 'x' },
      ],
    })
    expect(made.status).toBe(200)
    const info = await call('GET', '/api/models/Ada/with-files?blobs=true', null)
    expect(info.json).toMatchObject({
      pipeline_tag: 'fill-mask',
      tags: ['fill-mask', 'tiny', 'en', 'no', 'dataset:acme/d', 'license:mit', 'region:us'],
      cardData: { license: 'mit' },
    })
    const siblings = info.json.siblings as { rfilename: string }[]
    expect(siblings.map((file) => file.rfilename)).toEqual(['.gitattributes', 'README.md', 'a/b.txt'])
    expect(siblings[2]).toEqual({ rfilename: 'a/b.txt', size: 1, blobId: expect.stringMatching(/^[0-9a-f]{40}$/) })
    const licensed = await create(ada.token, { name: 'licensed', license: 'mit' })
    const { json } = await call('GET', '/api/models/Ada/licensed', null)
    expect(await fileAt(String(licensed.json.id), String(json.sha), 'README.md')).toBe('---\nlicense: mit\n---\n')
  })

  test('what cannot be a repo is refused whole', async () => {
    for (const name of ['a b', '--', 'x--y', 'x..y', '.x', 'x.git', 'x'.repeat(97), '../x', 'a/b/c']) {
      const refused = await create(ada.token, { name })
      expect([400, 403], name).toContain(refused.status)
    }
    for (const path of ['../x', '/x', '.git/config', 'a\\b', 'a/../b']) {
      expect((await create(ada.token, { name: 'unsafe', files: [{ path, content: '' }] })).status, path).toBe(422)
    }
    const nested = [
      { path: 'a', content: '' },
      { path: 'a/b', content: '' },
    ]
    expect((await create(ada.token, { name: 'unsafe', files: nested })).status).toBe(422)
    const broken = [{ path: 'README.md', content: '---\nmodel-index: foo\n---\n' }]
    const refused = await create(ada.token, { name: 'unsafe', files: broken })
    expect(refused).toMatchObject({ status: 400, json: { errors: [{ message: '"model-index" must be an array' }] } })
    expect((await create(ada.token, { name: 'unsafe', resourceGroupId: 'f'.repeat(24) })).status).toBe(404)
    expect((await create(ada.token, { name: 'unsafe', type: 'kernel' })).status).toBe(400)
    expect((await call('GET', '/api/models/Ada/unsafe', ada.token)).status).toBe(404)
  })

  test('an existing repo answers 409 with its address, before the right to create is asked about', async () => {
    await create(ada.token, { name: 'taken', organization: 'Acme', visibility: 'public' })
    await create(ada.token, { name: 'hidden', organization: 'Acme' })
    const again = await create(ada.token, { name: 'TAKEN', organization: 'acme' })
    expect(again).toMatchObject({
      status: 409,
      json: { error: 'You already created this model repo', url: `${hub.url}/Acme/taken` },
    })
    // Carl reads in Acme, and a stranger sees what is public: both learn that it exists.
    expect(await create(carl.token, { name: 'taken', organization: 'Acme' })).toMatchObject({
      status: 409,
      json: { url: `${hub.url}/Acme/taken` },
    })
    const eve = await makeUser(hub, 'Eve', { tokenRole: 'write' })
    expect((await create(eve.token, { name: 'taken', organization: 'Acme' })).status).toBe(409)
    // Hidden from Eve: the same answer as for a name that is free.
    const hidden = await create(eve.token, { name: 'hidden', organization: 'Acme' })
    const free = await create(eve.token, { name: 'free', organization: 'Acme' })
    expect(hidden.status).toBe(403)
    expect(hidden.json.error).toBe('You don\'t have the rights to create a model under the namespace "Acme".')
    expect(free.json.error).toBe(hidden.json.error)
    expect((await create(eve.token, { name: 'x', organization: 'NoSuchOrg' })).status).toBe(403)
    expect((await create(null, { name: 'x' })).status).toBe(401)
  })

  test('UAT-4: a read token creates nothing; ROL: contributors create, readers do not', async () => {
    const read = await makeToken(hub, ada, { role: 'read' })
    const refused = await create(read, { name: 'by-read' })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('x-hub-denied')).toContain('token_role; need=write; have=read')
    expect((await create(carl.token, { name: 'by-carl', organization: 'Acme' })).status).toBe(403)
    expect((await create(bob.token, { name: 'by-bob', organization: 'Acme' })).status).toBe(200)
    // The organization makes its repos private unless told otherwise.
    expect((await call('GET', '/api/models/Acme/by-bob', null)).status).toBe(401)
    expect((await call('GET', '/api/models/Acme/by-bob', carl.token)).status).toBe(200)
  })

  test('two creations of one name at the same moment make one repo', async () => {
    const both = await Promise.all([1, 2, 3].map(() => create(ada.token, { name: 'race' })))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })

  test('a deleted repo is gone at once, its name is free, and its bytes are collected later', async () => {
    const made = await create(ada.token, { name: 'mortal', private: true })
    const id = String(made.json.id)
    const scoped = await makeToken(hub, ada, { role: 'fineGrained', scoped: ['model:Ada/mortal=repo.content.read'] })
    expect((await call('GET', '/api/models/Ada/mortal', scoped)).status).toBe(200)
    expect((await remove(bob.token, { name: 'mortal', organization: 'Ada' })).status).toBe(404)
    expect((await remove(ada.token, { name: 'mortal', organization: 'Ada' })).status).toBe(200)
    const missing = await call('GET', '/api/models/Ada/mortal', ada.token)
    expect(missing.status).toBe(404)
    expect(missing.headers.get('x-error-code')).toBe('RepoNotFound')
    expect(missing.headers.get('x-request-id')).not.toBeNull()
    const never = await remove(ada.token, { name: 'repo-that-does-not-exist' })
    expect(never).toMatchObject({ status: 404, json: { error: 'Repository not found' } })
    // UAT-10: the same name again is another repo.
    await create(ada.token, { name: 'mortal', private: true })
    expect((await call('GET', '/api/models/Ada/mortal', scoped)).status).toBe(404)
    // It waits for the end of the undo window.
    await collectRepo(hub.hub, id)
    expect(await hasRepository(hub.hub.git, id)).toBe(true)
    await deletedDaysAgo(id, 8)
    await collectRepo(hub.hub, id)
    expect(await hasRepository(hub.hub.git, id)).toBe(false)
    await collectRepo(hub.hub, id)
    await expect(restore(id)).rejects.toMatchObject({ code: 'restore_not_found' })
  })

  const deletedDaysAgo = async (id: string, days: number) =>
    await hub.hub.transaction((tx) =>
      tx
        .updateTable('repo')
        .set({ deletedAt: Date.now() - days * 24 * 3_600_000 })
        .where('id', '=', id)
        .execute(),
    )
  const byAdmin = systemGrant('repo.restore', { on: 'instance' }, 'test')
  const restore = (repo: string, as?: { owner: { id: string; kind: 'user' | 'organization' }; name: string }) =>
    restoreRepo(hub.hub, byAdmin, systemOrigin, as === undefined ? { repo } : { repo, as })

  test('a deleted repo comes back whole, except for roles and tokens on it', async () => {
    const made = await create(ada.token, { name: 'phoenix', private: true })
    const id = String(made.json.id)
    const scoped = await makeToken(hub, ada, { role: 'fineGrained', scoped: ['model:Ada/phoenix=repo.content.read'] })
    const before = (await call('GET', '/api/models/Ada/phoenix', ada.token)).json
    await hub.hub.transaction((tx) =>
      linkBlob(tx, id, { sha256: 'e'.repeat(64), size: 10 }, hub.hub.clock.now()).then(() =>
        markReferenced(tx, id, ['e'.repeat(64)], 1),
      ),
    )
    await remove(ada.token, { name: 'phoenix', organization: 'Ada' })
    await deletedDaysAgo(id, 6)
    await collectRepo(hub.hub, id)
    const listed = await listDeletedRepos(hub.hub, byAdmin, { after: null, limit: 100 })
    expect(listed.find((repo) => repo.id === id)).toMatchObject({
      kind: 'model',
      fullName: 'Ada/phoenix',
      usedStorage: 10,
    })
    expect(await restore('ada/Phoenix')).toEqual({ id, kind: 'model', fullName: 'Ada/phoenix' })
    expect((await call('GET', '/api/models/Ada/phoenix', ada.token)).json.sha).toBe(before.sha)
    expect((await call('GET', '/api/models/Ada/phoenix', bob.token)).status).toBe(404)
    expect((await call('GET', '/api/models/Ada/phoenix', scoped)).status).toBe(404)
    expect(await findLinkedBlob(hub.hub.db, id, 'e'.repeat(64))).toMatchObject({ size: 10 })
    // The job of the deletion that was taken back finds a living repo; one of a later deletion waits for its own window.
    await collectRepo(hub.hub, id)
    await remove(ada.token, { name: 'phoenix', organization: 'Ada' })
    await collectRepo(hub.hub, id)
    expect(await hasRepository(hub.hub.git, id)).toBe(true)
    await expect(restore('f'.repeat(24))).rejects.toMatchObject({ code: 'restore_not_found' })
    await expect(restore('Ada/never')).rejects.toMatchObject({ code: 'restore_not_found' })
  })

  test('a name that was taken meanwhile: refused, or restored elsewhere; two of one name are told apart by id', async () => {
    const first = String((await create(ada.token, { name: 'twice' })).json.id)
    await remove(ada.token, { name: 'twice', organization: 'Ada' })
    const second = String((await create(ada.token, { name: 'twice' })).json.id)
    await expect(restore('Ada/twice')).rejects.toMatchObject({ code: 'restore_name_taken' })
    await remove(ada.token, { name: 'twice', organization: 'Ada' })
    await expect(restore('Ada/twice')).rejects.toMatchObject({ code: 'restore_ambiguous' })
    expect((await restore(second)).fullName).toBe('Ada/twice')
    const carlId = { id: carl.id, kind: 'user' as const }
    expect((await restore(first, { owner: carlId, name: 'once' })).fullName).toBe('Carl/once')
    expect((await call('GET', '/api/models/Carl/once', null)).status).toBe(200)
    expect((await remove(carl.token, { name: 'once', organization: 'Carl' })).status).toBe(200)
    // Nobody restores what is being removed.
    await deletedDaysAgo(first, 8)
    await hub.hub.transaction((tx) => beginRemoval(tx, first, Date.now(), Date.now()))
    await expect(restore(first)).rejects.toMatchObject({ code: 'restore_not_found' })
    await collectRepo(hub.hub, first)
    expect(await hasRepository(hub.hub.git, first)).toBe(false)
    const hold = await holdCollection(hub.hub.db, hub.hub.clock)
    await remove(ada.token, { name: 'twice', organization: 'Ada' })
    await deletedDaysAgo(second, 8)
    await collectRepo(hub.hub, second)
    expect(await hasRepository(hub.hub.git, second)).toBe(true)
    await hold.release()
    await collectRepo(hub.hub, second)
    expect(await hasRepository(hub.hub.git, second)).toBe(false)
  })

  test('collecting leaves a living repo alone', async () => {
    const made = await create(ada.token, { name: 'alive' })
    await collectRepo(hub.hub, String(made.json.id))
    expect((await call('GET', '/api/models/Ada/alive', null)).status).toBe(200)
  })

  test('what a crash left of a repo that was never born is collected', async () => {
    const id = hub.hub.clock.id()
    await createRepository(hub.hub.git, id)
    await collectRepo(hub.hub, id)
    expect(await hasRepository(hub.hub.git, id)).toBe(false)
  })

  test('a commit of a card shows at once in the info, and soon in the lists', async () => {
    await create(ada.token, { name: 'carded' })
    const content = Buffer.from('---\nlicense: mit\ntags: [freshly-made]\n---\n').toString('base64')
    const lines = [
      { key: 'header', value: { summary: 'card', description: '' } },
      { key: 'file', value: { path: 'README.md', content, encoding: 'base64' } },
      {
        key: 'file',
        value: {
          path: 'config.json',
          content: Buffer.from('{"model_type":"bert"}').toString('base64'),
          encoding: 'base64',
        },
      },
    ]
    const commit = await fetch(`${hub.url}/api/models/Ada/carded/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(commit.status).toBe(200)
    expect((await call('GET', '/api/models/Ada/carded', null)).json).toMatchObject({
      library_name: 'transformers',
      tags: ['transformers', 'bert', 'freshly-made', 'license:mit', 'region:us'],
      config: { model_type: 'bert' },
      transformersInfo: { auto_model: 'AutoModel' },
    })
    await expect.poll(() => names('/api/models?filter=freshly-made', null)).toEqual(['Ada/carded'])
  })

  test('REP-3: a renamed repo redirects those who may see it, also back again', async () => {
    await create(ada.token, { name: 'old', private: true })
    expect((await move(ada.token, 'Ada/old', 'Ada/new')).status).toBe(200)
    const led = await call('GET', '/api/models/ada/OLD/revision/main?blobs=true', ada.token)
    expect(led.status).toBe(307)
    expect(led.headers.get('location')).toBe('/api/models/Ada/new/revision/main?blobs=true')
    expect((await call('GET', '/api/models/Ada/old', bob.token)).status).toBe(404)
    expect((await call('GET', '/api/models/Ada/old', null)).status).toBe(401)
    expect((await move(ada.token, 'Ada/new', 'Ada/old')).status).toBe(200)
    expect((await call('GET', '/api/models/Ada/old', ada.token)).status).toBe(200)
    expect((await call('GET', '/api/models/Ada/new', ada.token)).headers.get('location')).toBe('/api/models/Ada/old')
    // A name that somebody takes no longer leads elsewhere.
    await create(ada.token, { name: 'new' })
    expect((await call('GET', '/api/models/Ada/new', ada.token)).status).toBe(200)
    expect((await move(ada.token, 'Ada/old', 'Ada/Old')).status).toBe(200)
    expect((await call('GET', '/api/models/Ada/old', ada.token)).json.id).toBe('Ada/Old')
  })

  test('a move needs the right on both sides and a free name', async () => {
    await create(bob.token, { name: 'gift' })
    await create(ada.token, { name: 'occupied', organization: 'Acme' })
    expect(await move(bob.token, 'Bob/gift', 'Acme/occupied')).toMatchObject({
      status: 409,
      json: { error: 'A model repository called Acme/occupied already exists' },
    })
    expect((await move(bob.token, 'Bob/gift', 'Ada/gift')).status).toBe(403)
    expect((await move(carl.token, 'Bob/gift', 'Carl/gift')).status).toBe(403)
    expect((await move(bob.token, 'Bob/gift', 'Acme/gift')).status).toBe(200)
    expect((await call('GET', '/api/models/Bob/gift', null)).headers.get('location')).toBe('/api/models/Acme/gift')
    // Who moved it in counts as its creator (ROL-a), but only administrators move out.
    expect((await move(bob.token, 'Acme/gift', 'Acme/gift-2')).status).toBe(200)
    expect((await move(bob.token, 'Acme/gift-2', 'Bob/gift')).status).toBe(403)
    expect((await move(ada.token, 'Acme/gift-2', 'Ada/gift')).status).toBe(200)
    expect((await move(ada.token, 'Ada/none', 'Ada/other')).status).toBe(404)
  })

  test('settings change who sees a repo, and who has to ask for its files', async () => {
    await create(ada.token, { name: 'visible' })
    const put = (token: string, body: Json) => call('PUT', '/api/models/Ada/visible/settings', token, body)
    expect((await put(ada.token, { private: true })).json).toMatchObject({ private: true })
    expect((await call('GET', '/api/models/Ada/visible', bob.token)).status).toBe(404)
    expect((await put(bob.token, { private: false })).status).toBe(404)
    expect((await put(ada.token, { visibility: 'public', gated: false })).status).toBe(200)
    expect((await put(ada.token, { gated: 'auto' })).json).toMatchObject({ private: false, gated: 'auto' })
    expect((await put(ada.token, { gated: 'sometimes' })).status).toBe(400)
    expect((await put(ada.token, { orgMembersGated: true })).status).toBe(400)
    expect((await put(bob.token, { private: true })).status).toBe(403)
    expect((await call('GET', '/api/models/Ada/visible?expand=private&expand[]=gated', null)).json).toEqual({
      _id: expect.any(String),
      id: 'Ada/visible',
      private: false,
      gated: 'auto',
    })
  })

  test('repo info at a revision, with expand in both spellings', async () => {
    await create(ada.token, { name: 'rev' })
    const { json } = await call('GET', '/api/models/Ada/rev', null)
    for (const revision of [
      'main',
      'HEAD',
      'refs%2Fheads%2Fmain',
      'refs/heads/main',
      String(json.sha),
      String(json.sha).slice(0, 7),
    ]) {
      expect((await call('GET', `/api/models/ada/REV/revision/${revision}`, null)).json.sha, revision).toBe(json.sha)
    }
    const missing = await call('GET', '/api/models/Ada/rev/revision/nope', null)
    expect(missing.status).toBe(404)
    expect(missing.headers.get('x-error-code')).toBe('RevisionNotFound')
    expect((await call('GET', '/api/models/Ada/rev?expand[]=likes', null)).json).toEqual({
      _id: json._id,
      id: 'Ada/rev',
      likes: 0,
    })
    const unknown = await call('GET', '/api/models/Ada/rev?expand=nonsense', null)
    expect(unknown.status).toBe(400)
    expect(unknown.json.error).toMatch(/^"expand" must be one of \[author, baseModels, /)
  })

  test('AUTH-8: auth-check answers as the real action does', async () => {
    await create(ada.token, { name: 'checked', private: true })
    const check = async (path: string, token: string | null) =>
      (await call('GET', `/api/models/Ada/checked/${path}`, token)).status
    expect(await check('auth-check', ada.token)).toBe(200)
    expect(await check('auth-check/write', ada.token)).toBe(200)
    expect(await check('auth-check/write', await makeToken(hub, ada, { role: 'read' }))).toBe(403)
    expect(await check('auth-check', bob.token)).toBe(404)
    expect(await check('auth-check', null)).toBe(401)
  })

  test('REP-1: lists hold what one may see, newest first, page by page', async () => {
    const zoe = await makeUser(hub, 'Zoe', { tokenRole: 'write' })
    for (const [name, isPrivate] of [
      ['zz-one', false],
      ['zz-two', true],
      ['zz-three', false],
    ] as const) {
      await create(zoe.token, { name, private: isPrivate, license: 'mit' })
    }
    expect(await names('/api/models?search=zz-', null)).toEqual(['Zoe/zz-three', 'Zoe/zz-one'])
    expect(await names('/api/models?search=ZZ-&sort=createdAt&direction=-1', zoe.token)).toEqual([
      'Zoe/zz-three',
      'Zoe/zz-two',
      'Zoe/zz-one',
    ])
    expect(await names('/api/models?author=zoe&direction=1', zoe.token)).toEqual([
      'Zoe/zz-one',
      'Zoe/zz-two',
      'Zoe/zz-three',
    ])
    expect(await names('/api/models?search=zz&search=two', zoe.token)).toEqual(['Zoe/zz-two'])
    expect(await names('/api/models?search=zz&filter=license:mit&filter=region:us', null)).toHaveLength(2)
    expect(await names('/api/models?search=zz&filter=license:gpl', null)).toEqual([])
    expect(await names('/api/models?author=zoe&gated=true', zoe.token)).toEqual([])
    const gate = (gated: false | 'auto') => call('PUT', '/api/models/Zoe/zz-one/settings', zoe.token, { gated })
    expect((await gate('auto')).status).toBe(200)
    expect(await names('/api/models?author=zoe&gated=true', null)).toEqual(['Zoe/zz-one'])
    expect(await names('/api/models?search=zz-&gated=false', null)).toEqual(['Zoe/zz-three'])
    expect((await gate(false)).status).toBe(200)
    expect(await names('/api/models?author=nobody-at-all', zoe.token)).toEqual([])
    const fineGrained = await makeToken(hub, zoe, {
      role: 'fineGrained',
      scoped: ['model:Zoe/zz-two=repo.content.read'],
    })
    expect(await names('/api/models?author=Zoe', fineGrained)).toHaveLength(3)
    expect(await names('/api/models?author=Zoe', await makeToken(hub, zoe, { role: 'fineGrained' }))).toHaveLength(2)

    const first = await call<{ id: string }[]>('GET', '/api/models?author=Zoe&limit=2', zoe.token)
    expect(first.json.map(({ id }) => id)).toEqual(['Zoe/zz-three', 'Zoe/zz-two'])
    const link = /^<(http[^>]*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    expect(link.startsWith(`${hub.url}/api/models?author=Zoe&limit=2&cursor=`)).toBe(true)
    const second = await call<{ id: string }[]>('GET', link.slice(hub.url.length), zoe.token)
    expect(second.json.map(({ id }) => id)).toEqual(['Zoe/zz-one'])
    expect(second.headers.get('link')).toBeNull()

    for (const query of ['sort=nonsense', 'limit=0', 'cursor=nonsense', 'expand=nonsense']) {
      expect((await call('GET', `/api/models?${query}`, null)).status, query).toBe(400)
    }
  })

  test('lists show what they are asked for', async () => {
    await create(ada.token, { name: 'shown', license: 'mit' })
    const one = async (query: string) =>
      (await call<Json[]>('GET', `/api/models?search=ada/shown&${query}`, null)).json[0]
    expect(await one('')).toMatchObject({ id: 'Ada/shown', modelId: 'Ada/shown', tags: ['license:mit', 'region:us'] })
    expect(await one('')).not.toHaveProperty('cardData')
    expect(await one('cardData=true')).toHaveProperty('cardData', { license: 'mit' })
    expect(await one('full=True')).toHaveProperty('siblings', [
      { rfilename: '.gitattributes' },
      { rfilename: 'README.md' },
    ])
    expect(Object.keys((await one('expand=likes&expand=sha')) ?? {})).toEqual(['_id', 'id', 'likes', 'sha'])
  })

  test("an owner's list counts storage; an organization's shows what one may see there", async () => {
    const { json } = await call<Json[]>('GET', '/api/settings/repositories?limit=2', ada.token)
    expect(json).toHaveLength(2)
    expect(json[0]).toEqual({
      id: expect.stringMatching(/^Ada\//),
      type: expect.stringMatching(/^(model|dataset|space)$/),
      updatedAt: expect.stringMatching(/Z$/),
      visibility: expect.any(String),
      storage: 0,
      storageDetails: null,
    })
    const of = await hub.hub.db.read
      .selectFrom('repo')
      .select('id')
      .where('fullName', '=', String(json[0]?.id))
      .execute()
    for (const { id } of of) await countRepo(hub.hub, id)
    const counted = await call<Json[]>('GET', '/api/settings/repositories?limit=2', ada.token)
    expect(counted.json[0]?.storageDetails).toMatchObject({ files: 0, logical: 0, stored: 0, saved: 0 })
    const seen = new Set<string>()
    for (let path = '/api/settings/repositories?limit=3'; path !== ''; ) {
      const page = await call<{ id: string; type: string }[]>('GET', path, ada.token)
      for (const row of page.json) {
        expect(seen.has(`${row.type} ${row.id}`)).toBe(false)
        seen.add(`${row.type} ${row.id}`)
      }
      path = /<https?:\/\/[^/]*([^>]*)>/.exec(page.headers.get('link') ?? '')?.[1] ?? ''
    }
    expect(seen).toContain('dataset Ada/first')
    expect(seen).toContain('space Ada/first')
    expect((await call('GET', '/api/organizations/Acme/settings/repositories', carl.token)).status).toBe(200)
    const eve = await makeUser(hub, 'Eva', { tokenRole: 'write' })
    expect((await call('GET', '/api/organizations/Acme/settings/repositories', eve.token)).status).toBe(403)
  })

  test('validate-yaml says what is wrong, always as JSON', async () => {
    const check = (content: string, repoType = 'model') =>
      call('POST', '/api/validate-yaml', null, { content, repoType })
    expect(await check('---\nlicense: mit\n---\n# x')).toMatchObject({
      status: 200,
      json: { errors: [], warnings: [] },
    })
    expect((await check('# no metadata')).json.warnings).toHaveLength(1)
    expect(await check('---\nmodel-index: foo\n---\n')).toMatchObject({
      status: 400,
      json: { errors: [{ message: '"model-index" must be an array' }] },
    })
    expect((await check('---\na: [b\n---\n')).status).toBe(400)
    expect((await check('---\n- a\n---\n')).status).toBe(400)
    expect((await check('---\nsdk: rails\n---\n', 'space')).status).toBe(400)
  })
})
