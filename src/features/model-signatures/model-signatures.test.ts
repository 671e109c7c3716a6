/**
 * Model signatures in repositories (behaviours.md, idea 13), on both databases: what is said of a revision, whom an organization trusts, and what is
 * handed out where only signed models are.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type GitClient, gitClient, hasGitLfs } from '../../../tests/support/git-client.ts'
import { bundleOf, makeModelSigner, signModel, statementOf } from '../../../tests/support/model-signer.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

const password = 'a long enough sentence'

interface Wire {
  readonly commit: string
  readonly status: string
  readonly verified: boolean
  readonly reason: string | null
  readonly message: string | null
  readonly file: string | null
  readonly key: { readonly id: string; readonly name: string } | null
  readonly files: Readonly<
    Record<'changed' | 'missing' | 'extra' | 'uncovered' | 'links', { count: number; names: string[] }>
  >
}

type Files = Readonly<Record<string, string>>

describe.each(dialects)('model signatures on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let rob: TestUser
  let cookie: string
  let robCookie: string
  let git: GitClient
  let keyId: string
  let repos = 0
  const signer = makeModelSigner()
  const keysAt = '/api/organizations/acme/model-keys'

  beforeAll(async () => {
    site = await startHubOn(dialect)
    ask = asking(site)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    rob = await makeUser(site, 'rob', { tokenRole: 'write', password })
    await makeOrganization(site, 'acme', ada, { rob: 'write' })
    cookie = await signInAs(site, ada)
    robCookie = await signInAs(site, rob)
    git = await gitClient(site.url, ada.token)
    const made = await ask('POST', keysAt, { cookie, body: { name: 'Release key', key: signer.publicKey } })
    expect(made.status, made.text).toBe(200)
    keyId = made.json<{ id: string }>().id
  })

  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await site.stop()
  })

  async function newRepo(kind = 'model'): Promise<string> {
    const name = `m${++repos}`
    const body = { name, organization: 'acme', type: kind, visibility: 'public' }
    const made = await ask('POST', '/api/repos/create', { token: ada.token, body })
    expect(made.status, made.text).toBe(200)
    return `acme/${name}`
  }

  /** Gives the commit. */
  async function commit(
    repo: string,
    files: Files,
    kinds = 'models',
    deleted: readonly string[] = [],
  ): Promise<string> {
    const lines = [
      { key: 'header', value: { summary: 'change' } },
      ...deleted.map((path) => ({ key: 'deletedFile', value: { path } })),
      ...Object.entries(files).map(([path, content]) => ({
        key: 'file',
        value: { path, content: Buffer.from(content).toString('base64'), encoding: 'base64' },
      })),
    ]
    const answer = await fetch(`${site.url}/api/${kinds}/${repo}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(answer.status, await answer.clone().text()).toBe(200)
    return ((await answer.json()) as { commitOid: string }).commitOid
  }

  const look = async (repo: string, revision = 'main') =>
    (
      await ask('GET', `/api/models/${repo}/model-signature/${encodeURIComponent(revision)}`, { token: ada.token })
    ).json<Wire>()

  /** Once nothing is being looked at any more. */
  async function settled(repo: string, revision = 'main'): Promise<Wire> {
    return await vi.waitFor(
      async () => {
        const found = await look(repo, revision)
        expect(found.status).not.toBe('pending')
        return found
      },
      { timeout: 20_000, interval: 30 },
    )
  }

  const base: Files = { 'config.json': '{"a": 1}', 'weights/part.bin': 'weights', 'README.md': '# A model\n' }
  /** What the repository has of itself from its first commit on. */
  const signedRepo = async (files: Files = base, serialization = {}): Promise<string> => {
    const repo = await newRepo()
    await commit(repo, { ...files, 'model.sig': signModel(signer, files, serialization) })
    return repo
  }

  it('a revision whose files are all as somebody signed whom the organization trusts is verified; one without a signature is none', async () => {
    const repo = await newRepo()
    const before = await commit(repo, base)
    expect(await look(repo)).toMatchObject({ status: 'none', verified: false, reason: null, file: null })
    await commit(repo, { 'model.sig': signModel(signer, base) })
    expect(await settled(repo)).toMatchObject({
      status: 'verified',
      verified: true,
      reason: null,
      file: 'model.sig',
      key: { id: keyId, name: 'Release key' },
      files: { uncovered: { names: ['.gitattributes'] } },
    })
    // What is verified is a revision, not a repository.
    expect(await look(repo, before)).toMatchObject({ status: 'none' })
  })

  it('repo info has it where it is asked for, and nowhere else', async () => {
    const repo = await signedRepo()
    await settled(repo)
    const info = (query: string) => ask('GET', `/api/models/${repo}${query}`, { token: ada.token })
    const expected = { modelSignature: { status: 'verified', verified: true, key: { name: 'Release key' } } }
    expect((await info('?expand=modelSignature')).json()).toMatchObject(expected)
    expect((await info('?securityStatus=true')).json()).toMatchObject(expected)
    expect((await info('')).json()).not.toHaveProperty('modelSignature')
    const plain = await newRepo()
    expect((await ask('GET', `/api/models/${plain}?expand=modelSignature`, { token: ada.token })).json()).toMatchObject(
      {
        modelSignature: { status: 'none' },
      },
    )
  })

  it('The attack: one file of a signed model is changed, taken away, or another is put beside it. Each is found and named', async () => {
    const repo = await signedRepo()
    await settled(repo)
    await commit(repo, { 'weights/part.bin': 'other weights' })
    expect(await settled(repo)).toMatchObject({
      status: 'unverified',
      reason: 'file_changed',
      files: { changed: { count: 1, names: ['weights/part.bin'] } },
    })
    await commit(repo, { 'weights/part.bin': 'weights' })
    expect(await settled(repo)).toMatchObject({ status: 'verified' })
    await commit(repo, { 'modeling_evil.py': 'import os' })
    expect(await settled(repo)).toMatchObject({
      reason: 'file_extra',
      files: { extra: { names: ['modeling_evil.py'] } },
    })
    await commit(repo, {}, 'models', ['modeling_evil.py', 'config.json'])
    expect(await settled(repo)).toMatchObject({
      reason: 'file_missing',
      files: { missing: { names: ['config.json'] } },
    })
  })

  it('The attack: two files of a signed model change places', async () => {
    const repo = await signedRepo({ 'a.json': 'one', 'b.json': 'two', 'README.md': 'x' })
    await settled(repo)
    await commit(repo, { 'a.json': 'two', 'b.json': 'one' })
    expect(await settled(repo)).toMatchObject({
      reason: 'file_changed',
      files: { changed: { names: ['a.json', 'b.json'] } },
    })
  })

  it('what the signer leaves out is told, and a file in that place that somebody adds later, too', async () => {
    const repo = await signedRepo(base, { ignore_paths: ['model.sig', 'notes'] })
    await settled(repo)
    await commit(repo, { 'notes/today.md': 'unsigned', 'notes-2.md': 'unsigned' })
    expect(await settled(repo)).toMatchObject({
      reason: 'file_extra',
      files: { extra: { names: ['notes-2.md'] }, uncovered: { names: ['.gitattributes', 'notes/today.md'] } },
    })
    await commit(repo, {}, 'models', ['notes-2.md'])
    expect(await settled(repo)).toMatchObject({ status: 'verified', files: { uncovered: { count: 2 } } })
  })

  it('all ways to hash files that the format has, whole and in shards, of small and of large files', async () => {
    const blake2 = (content: string) => createHash('blake2b512').update(content).digest('hex')
    const repo = await newRepo()
    const large = 'x'.repeat(300_000)
    const files: Files = { 'a.txt': 'small', 'large.txt': large, 'README.md': '# A\n' }
    const hashed = Object.entries(files)
      .map(([name, content]) => ({ name, algorithm: 'blake2b', digest: blake2(content) }))
      .sort((one, other) => (one.name < other.name ? -1 : 1))
    await commit(repo, {
      ...files,
      'model.sig': JSON.stringify(bundleOf(signer, statementOf(hashed, { hash_type: 'blake2b' }))),
    })
    expect(await settled(repo)).toMatchObject({ status: 'verified' })
    const size = 100_000
    const parts = Object.entries({ ...files, 'empty.txt': '' }).flatMap(([name, content]) =>
      Array.from({ length: Math.ceil(content.length / size) }, (_, index) => {
        const part = content.slice(index * size, (index + 1) * size)
        const end = index * size + part.length
        const digest = createHash('sha256').update(part).digest('hex')
        return { name: `${name}:${index * size}:${end}`, algorithm: `sha256-sharded-${size}`, digest }
      }),
    )
    const statement = statementOf(parts, { method: 'shards', shard_size: size })
    const inShards = JSON.stringify(bundleOf(signer, statement))
    await commit(repo, { 'empty.txt': '', 'model.sig': inShards })
    expect(await settled(repo)).toMatchObject({ status: 'verified' })
    await commit(repo, { 'large.txt': `${large.slice(0, -1)}y` })
    expect(await settled(repo)).toMatchObject({ reason: 'file_changed', files: { changed: { names: ['large.txt'] } } })
    await commit(repo, { 'large.txt': large.slice(0, 200_000) })
    expect(await settled(repo)).toMatchObject({ reason: 'file_changed' })
  })

  it('links by git: nobody vouches for what they lead to', async () => {
    const repo = await newRepo()
    const files = { 'a.txt': 'a\n' }
    const signature = Buffer.from(signModel(signer, files, { allow_symlinks: true })).toString('base64')
    await git.sh(`git clone -q $URL/${repo} links-${dialect} && cd links-${dialect}
      git rm -q --ignore-unmatch README.md; echo a > a.txt; ln -s /etc/passwd link; base64 -d <<< ${signature} > model.sig
      git add -A; git commit -qm links; git push -q origin HEAD:main`)
    expect(await settled(repo)).toMatchObject({ reason: 'unsupported', files: { links: { names: ['link'] } } })
  })

  it('several signatures: one of somebody who is trusted is enough; another .sig that is none is a file like any other', async () => {
    const repo = await newRepo()
    const theirs = signModel(makeModelSigner(), base)
    const ours = signModel(
      signer,
      { ...base, 'model.sig': theirs, 'weights.sig': 'not a bundle' },
      { ignore_paths: ['z.sig'] },
    )
    await commit(repo, { ...base, 'model.sig': theirs, 'weights.sig': 'not a bundle', 'z.sig': ours })
    expect(await settled(repo)).toMatchObject({ status: 'verified', file: 'z.sig' })
    await commit(repo, {}, 'models', ['z.sig'])
    expect(await settled(repo)).toMatchObject({ reason: 'unknown_key', file: 'model.sig' })
    await commit(repo, {}, 'models', ['model.sig'])
    expect(await settled(repo)).toMatchObject({ status: 'none' })
    await commit(repo, { 'model.sig': 'nothing of the kind' })
    expect(await settled(repo)).toMatchObject({ reason: 'malformed', file: 'model.sig' })
  })

  it('a key that is trusted later brings what waited for it; one that is removed takes what it verified, at once', async () => {
    const repo = await newRepo()
    const late = makeModelSigner('P-384')
    await commit(repo, { ...base, 'model.sig': signModel(late, base) })
    expect(await settled(repo)).toMatchObject({ status: 'unverified', reason: 'unknown_key' })
    const page = await ask('GET', `/${repo}/model-signature/main`)
    expect(page.text).toContain('Nobody whom acme trusts signed this')
    const added = await ask('POST', keysAt, { cookie, body: { name: 'Late', key: late.publicKey } })
    const { id } = added.json<{ id: string }>()
    expect(await settled(repo)).toMatchObject({ status: 'verified', key: { id } })
    expect((await ask('DELETE', `${keysAt}/${id}`, { cookie })).status).toBe(204)
    expect(await look(repo)).toMatchObject({ verified: false })
    expect(await settled(repo)).toMatchObject({ status: 'unverified', reason: 'unknown_key' })
    expect((await ask('DELETE', `${keysAt}/${id}`, { cookie })).status).toBe(404)
  })

  // Story: only what was not verified was looked at again after a key had been removed. What that key verified, and another trusted one too (a
  // renewed authority), was refused by its hash to everybody, until somebody happened to ask for that revision.
  it('what a removed key verified is looked at again without anybody asking: another trusted key may verify it too', async () => {
    const repo = await signedRepo()
    const { commit: oid } = (await settled(repo)) as unknown as { commit: string }
    const other = makeModelSigner()
    const body = { name: 'Old authority', key: other.publicKey }
    const { id: old } = (await ask('POST', keysAt, { cookie, body })).json<{ id: string }>()
    await site.hub.transaction((tx) =>
      tx.updateTable('modelSignature').set({ keyId: old }).where('commit', '=', oid).execute(),
    )
    expect((await ask('DELETE', `${keysAt}/${old}`, { cookie })).status).toBe(204)
    const row = async () =>
      (await site.hub.db.read.selectFrom('modelSignature').selectAll().where('commit', '=', oid).execute())[0]
    await expect.poll(async () => (await row())?.keyId, { timeout: 15_000 }).toBe(keyId)
    expect(await row()).toMatchObject({ status: 'verified' })
  })

  it('keys are trusted by administrators in a session, listed by members, hidden from strangers, and audited', async () => {
    const { publicKey } = makeModelSigner()
    const body = { name: 'Another', key: publicKey }
    expect((await ask('POST', keysAt, { token: ada.token, body })).status).toBe(403)
    expect((await ask('POST', keysAt, { cookie: robCookie, body })).status).toBe(403)
    expect((await ask('GET', keysAt, {})).status).toBe(401)
    const eve = await makeUser(site, `eve-${dialect}`, { password })
    const strange = await ask('GET', keysAt, { cookie: await signInAs(site, eve) })
    expect(strange.status).toBeGreaterThanOrEqual(403)
    const listed = (await ask('GET', keysAt, { cookie: robCookie })).json<{ name: string; fingerprint: string }[]>()
    expect(listed).toContainEqual(expect.objectContaining({ name: 'Release key', fingerprint: signer.hint }))
    expect((await ask('DELETE', `${keysAt}/${keyId}`, { cookie: robCookie })).status).toBe(403)
    expect((await ask('POST', keysAt, { cookie, body: { ...body, key: signer.publicKey } })).status).toBe(409)
    const event = await site.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'org.model_key.create')
      .orderBy('id')
      .executeTakeFirstOrThrow()
    expect(event).toMatchObject({ actorName: 'ada', resourceName: 'acme' })
    expect(JSON.parse(event.data)).toEqual({ key: 'Release key', kind: 'key', fingerprint: signer.hint })
  })

  it('what is no key for models is refused, a private one above all, and comes back to nobody', async () => {
    const { privateKey } = makeModelSigner()
    const secret = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const refused = await ask('POST', keysAt, { cookie, body: { name: 'x', key: secret } })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('you exposed a secret')
    const form = await ask('POST', '/organizations/acme/settings/model-signatures/keys', {
      cookie,
      form: { name: 'Oops', key: secret },
    })
    expect(form.status).toBe(422)
    expect(form.text).toContain('you exposed a secret')
    expect(form.text).toContain('value="Oops"')
    expect(form.text).not.toContain(secret.split('\n')[1])
    const ed25519 = `-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----`
    for (const key of [
      '',
      'hello',
      ed25519,
      signer.publicKey + signer.publicKey,
      signer.publicKey.replaceAll('A', 'B'),
    ]) {
      expect((await ask('POST', keysAt, { cookie, body: { name: 'x', key } })).status, key).toBe(400)
    }
    const bad = await ask('POST', keysAt, { cookie, body: { name: 'a\u0000b', key: makeModelSigner().publicKey } })
    expect(bad.status).toBe(422)
  })

  it('a repository of a person: nobody could vouch, so it stays unverified', async () => {
    const made = await ask('POST', '/api/repos/create', { token: ada.token, body: { name: `own-${dialect}` } })
    expect(made.status).toBe(200)
    const repo = `ada/own-${dialect}`
    await commit(repo, { ...base, 'model.sig': signModel(signer, base) })
    expect(await settled(repo)).toMatchObject({ status: 'unverified', reason: 'unknown_key' })
  })

  it('AUTH-7: of a private repository strangers learn nothing by its signature', async () => {
    const made = await ask('POST', '/api/repos/create', {
      token: ada.token,
      body: { name: 'hidden', organization: 'acme', visibility: 'private' },
    })
    expect(made.status).toBe(200)
    const there = await ask('GET', '/api/models/acme/hidden/model-signature/main')
    const missing = await ask('GET', '/api/models/acme/not-there/model-signature/main')
    expect([there.status, there.text]).toEqual([missing.status, missing.text])
    expect((await ask('GET', '/acme/hidden/model-signature/main')).status).toBe(404)
    expect((await ask('GET', '/api/models/acme/hidden/model-signature/nope', { token: ada.token })).status).toBe(404)
  })

  describe('only signed models', () => {
    const only = '/api/organizations/acme/signed-models'
    const setOnly = async (signedModelsOnly: boolean, at = only) => {
      const answer = await ask('PUT', at, { cookie, body: { signedModelsOnly } })
      expect(answer.status, answer.text).toBe(200)
    }
    const get = (address: string) => ask('GET', address, { token: ada.token })

    it('The attack: somebody with a stolen token pushes other weights. Nobody gets a byte of them, on any way; what was signed stays', async () => {
      const repo = await signedRepo()
      await settled(repo)
      const goodCommit = (await look(repo)).commit
      await setOnly(true)
      try {
        expect((await get(`/${repo}/resolve/main/config.json`)).status).toBe(200)
        await git.sh(
          `git clone -q $URL/${repo} signed-${dialect} && grep -q weights signed-${dialect}/weights/part.bin`,
        )
        await commit(repo, { 'weights/part.bin': 'evil weights' })
        for (const address of [
          'resolve/main/weights/part.bin',
          'raw/main/weights/part.bin',
          'resolve/main/config.json',
        ]) {
          const refused = await get(`/${repo}/${address}`)
          expect(refused.status, address).toBe(403)
          expect(refused.headers.get('x-error-message')).toContain('Only signed models are handed out here')
        }
        await settled(repo)
        const told = await get(`/${repo}/resolve/main/weights/part.bin`)
        expect(told.headers.get('x-error-message')).toContain('weights/part.bin differs from what was signed')
        expect((await ask('HEAD', `/${repo}/resolve/main/config.json`, { token: ada.token })).status).toBe(403)
        expect((await get(`/${repo}/resolve/${goodCommit}/config.json`)).status).toBe(200)
        for (const view of ['', '/tree/main', '/blob/main/weights/part.bin', '/commit/main', '/model-signature/main']) {
          const page = (await ask('GET', `/${repo}${view}`, { cookie })).text
          expect(page, view).not.toContain('evil weights')
          if (view !== '/commit/main') expect(page, view).toContain('Only signed models are handed out here')
        }
        const { commit: evil } = await look(repo)
        const diff = await ask('GET', `/${repo}/commit/${evil}`, { cookie })
        expect(diff.status).toBe(200)
        expect(diff.text).not.toContain('evil weights')
        // Story: the diff of a signed commit was judged by that commit alone, and showed what the unsigned one before it had.
        const clean = { ...base, 'weights/part.bin': 'weights made anew' }
        await commit(repo, { 'weights/part.bin': clean['weights/part.bin'], 'model.sig': signModel(signer, clean) })
        expect(await settled(repo)).toMatchObject({ status: 'verified' })
        const onTop = await ask('GET', `/${repo}/commit/${(await look(repo)).commit}`, { cookie })
        expect(onTop.text).toContain('part.bin')
        expect(onTop.text).not.toContain('evil weights')
        await commit(repo, { 'weights/part.bin': 'evil weights' })
        await settled(repo)
        expect(await git.fails(`git clone -q $URL/${repo} held-${dialect}`)).toContain(
          'Only signed models are handed out',
        )
        expect(await git.fails(`cd signed-${dialect} && git fetch -q`)).toContain('Only signed models are handed out')
      } finally {
        await setOnly(false)
      }
      expect((await get(`/${repo}/resolve/main/config.json`)).status).toBe(200)
    })

    it('a model is held until its signature has come, whoever asks; datasets are not concerned; uploads go on', async () => {
      await setOnly(true)
      try {
        const repo = await newRepo()
        await commit(repo, base)
        await vi.waitFor(
          async () => {
            const refused = await get(`/${repo}/resolve/main/config.json`)
            expect(refused.status).toBe(403)
            expect(refused.headers.get('x-error-message')).toContain('This revision is not signed')
          },
          { timeout: 20_000, interval: 30 },
        )
        await commit(repo, { 'model.sig': signModel(signer, base) })
        await vi.waitFor(async () => expect((await get(`/${repo}/resolve/main/config.json`)).status).toBe(200), {
          timeout: 20_000,
          interval: 30,
        })
        // A tag and a branch at a revision that is not signed hold the clone, and are named.
        const { commit: signedCommit } = await look(repo)
        const first = (await get(`/api/models/${repo}/commits/main`)).json<{ id: string }[]>().at(-1)?.id
        const branch = await ask('POST', `/api/models/${repo}/branch/work`, {
          token: ada.token,
          body: { startingPoint: first },
        })
        expect(branch.status, branch.text).toBe(200)
        expect(await git.fails(`git clone -q $URL/${repo} branch-${dialect}`)).toContain('work is at')
        expect((await get(`/${repo}/resolve/${signedCommit}/config.json`)).status).toBe(200)
        expect((await ask('DELETE', `/api/models/${repo}/branch/work`, { token: ada.token })).status).toBe(200)
        await git.sh(`git clone -q $URL/${repo} branch-${dialect}`)
        const dataset = await newRepo('dataset')
        await commit(dataset, { 'a.txt': 'a' }, 'datasets')
        expect((await get(`/datasets/${dataset}/resolve/main/a.txt`)).status).toBe(200)
      } finally {
        await setOnly(false)
      }
    })

    it.skipIf(!hasGitLfs())(
      'large files by LFS: the batch, and the addresses that it gave before a key was removed',
      async () => {
        const other = makeModelSigner()
        const { id } = (
          await ask('POST', keysAt, { cookie, body: { name: 'For a while', key: other.publicKey } })
        ).json<{
          id: string
        }>()
        const repo = await newRepo()
        const payload = Buffer.alloc(200_000, 7)
        const oid = createHash('sha256').update(payload).digest('hex')
        const evil = Buffer.alloc(200_000, 8)
        const evilOid = createHash('sha256').update(evil).digest('hex')
        const signature = Buffer.from(
          signModel(other, { 'big.bin': payload, 'README.md': '# A\n' }, { ignore_paths: ['model.sig'] }),
        ).toString('base64')
        await git.sh(`git clone -q $URL/${repo} lfs-${dialect} && cd lfs-${dialect} && git lfs track -q '*.bin' 2>/dev/null || git lfs track '*.bin'
        head -c 200000 /dev/zero | tr '\\0' '\\7' > big.bin; echo '# A' > README.md; base64 -d <<< ${signature} > model.sig
        git add -A; git commit -qm big; git push -q origin HEAD:main`)
        expect(await settled(repo)).toMatchObject({ status: 'verified' })
        await setOnly(true)
        try {
          await git.sh(
            `cd lfs-${dialect} && head -c 200000 /dev/zero | tr '\\0' '\\10' > evil.bin && git add -A && git commit -qm evil && git push -q origin HEAD:refs/heads/evil`,
          )
          const batch = async () =>
            (
              await ask('POST', `/${repo}.git/info/lfs/objects/batch`, {
                token: ada.token,
                body: {
                  operation: 'download',
                  transfers: ['basic'],
                  objects: [oid, evilOid].map((one) => ({ oid: one, size: 200_000 })),
                },
              })
            ).json<{
              objects: {
                oid: string
                actions?: { download: { href: string } }
                error?: { code: number; denied?: object }
              }[]
            }>().objects
          const [goodOne, evilOne] = await batch()
          const href = goodOne?.actions?.download.href ?? ''
          expect((await fetch(href)).status).toBe(200)
          expect(evilOne?.error?.code).toBe(403)
          // Inside an answer of status 200, the reason stands beside the object.
          expect(evilOne?.error?.denied).toEqual({ code: 'model_not_signed', entity: `model:${repo}` })
          // Nor through a copy in a repository of one's own, where nobody asks for signatures.
          const own = await ask('POST', '/api/repos/create', { token: ada.token, body: { name: `copy-${dialect}` } })
          expect(own.status).toBe(200)
          const duplicate = await ask('POST', `/api/models/${repo}/lfs-files/duplicate`, {
            token: ada.token,
            body: {
              target: { type: 'model', name: `ada/copy-${dialect}` },
              files: [{ sha256: oid }, { sha256: evilOid }],
            },
          })
          expect(duplicate.json()).toEqual({
            failed: [{ sha256: evilOid, error: 'Access to this resource is disabled.' }],
          })
          const named = await fetch(`${site.url}/api/models/ada/copy-${dialect}/commit/main`, {
            method: 'POST',
            headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
            body: [
              JSON.stringify({ key: 'header', value: { summary: 'copy' } }),
              JSON.stringify({ key: 'lfsFile', value: { path: 'evil.bin', algo: 'sha256', oid: evilOid } }),
            ].join('\n'),
          })
          expect(named.status).toBe(422)
          expect((await ask('DELETE', `${keysAt}/${id}`, { cookie })).status).toBe(204)
          expect((await fetch(href)).status).toBe(403)
          expect((await batch()).map(({ error }) => error?.code)).toEqual([403, 403])
        } finally {
          await setOnly(false)
        }
      },
    )

    it('a workspace: only what lies in it is held; administrators of the organization alone decide, in a session', async () => {
      const groups = '/api/organizations/acme/resource-groups'
      const made = await ask('POST', groups, {
        cookie,
        body: { name: 'prod', users: [{ user: 'rob', role: 'admin' }] },
      })
      expect(made.status, made.text).toBe(200)
      const { id } = made.json<{ id: string }>()
      const at = `${groups}/${id}/signed-models`
      expect((await ask('GET', at, { cookie })).json()).toEqual({ signedModelsOnly: false })
      const body = { signedModelsOnly: true }
      expect((await ask('PUT', at, { cookie: robCookie, body })).status).toBe(403)
      expect((await ask('PUT', at, { token: ada.token, body })).status).toBe(403)
      await setOnly(true, at)
      expect((await ask('GET', at, { cookie: robCookie })).json()).toEqual({ signedModelsOnly: true })
      const inside = await newRepo()
      const outside = await newRepo()
      await commit(inside, base)
      await commit(outside, base)
      const moved = await ask('POST', `/api/models/${inside}/resource-group`, { cookie, body: { resourceGroupId: id } })
      expect(moved.status, moved.text).toBe(200)
      expect((await get(`/${inside}/resolve/main/config.json`)).status).toBe(403)
      expect((await get(`/${outside}/resolve/main/config.json`)).status).toBe(200)
      const page = `/organizations/acme/settings/workspaces/${id}`
      expect((await ask('GET', page, { cookie })).text).toContain('signed models only')
      expect((await ask('GET', page, { cookie: robCookie })).text).toContain(
        'Only signed models are handed out from here',
      )
      const form = await ask('POST', `${page}/signed-models`, { cookie, form: { only: 'all' } })
      expect(form.status).toBe(303)
      expect((await get(`/${inside}/resolve/main/config.json`)).status).toBe(200)
      const events = await site.hub.db.read
        .selectFrom('event')
        .select(['data', 'actorName'])
        .where('action', '=', 'resource_group.signed_models')
        .orderBy('id')
        .execute()
      expect(events.map(({ data }) => JSON.parse(data))).toEqual([{ only: true }, { only: false }])
    })

    it('AUTH-7: the policy tells strangers nothing: a private model in it is not there, as before', async () => {
      await setOnly(true)
      try {
        const there = await ask('GET', '/acme/hidden/resolve/main/README.md')
        const missing = await ask('GET', '/acme/not-there/resolve/main/README.md')
        expect([there.status, there.text]).toEqual([missing.status, missing.text])
      } finally {
        await setOnly(false)
      }
    })
  })

  it('the pages: badge, details and the keys of an organization', async () => {
    const repo = await signedRepo()
    await settled(repo)
    const card = (await ask('GET', `/${repo}`)).text
    expect(card).toMatch(/model-signature\/main[^>]*>.*signed model/s)
    const details = (await ask('GET', `/${repo}/model-signature/main`)).text
    expect(details).toContain('Somebody whom acme trusts signed exactly these files')
    expect(details).toContain('Release key')
    const settings = (await ask('GET', '/organizations/acme/settings/model-signatures', { cookie })).text
    expect(settings).toContain(signer.hint)
    expect(settings).toContain('Trust it')
    const asMember = (await ask('GET', '/organizations/acme/settings/model-signatures', { cookie: robCookie })).text
    expect(asMember).toContain(signer.hint)
    expect(asMember).not.toContain('Trust it')
    const dialog = (
      await ask('GET', `/organizations/acme/settings/model-signatures?dialog=delete&key=${keyId}`, { cookie })
    ).text
    expect(dialog).toMatch(/\d+ revisions? verified by it/)
  })
})
