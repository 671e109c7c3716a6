/** REP-2: files changed in the browser, over HTTP as a browser's forms send it, against a real hub, checked with real git. */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eicar } from '../../../tests/scanning/samples.ts'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { clientEnvironment } from '../../../tests/support/git-store.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, makeToken, type TestRepo } from '../../../tests/support/world.ts'
import { incomingFolder, repositoryFolder } from '../../platform/git/git-store.ts'
import { readUpload } from './read-upload.ts'

const run = promisify(execFile)
const password = 'a long and quiet word'
const large = randomBytes(700_000)

describe.each(dialects)('files changed in the browser on %s', (dialect) => {
  let at: TestHub
  let ada: TestUser
  let vera: TestUser
  let owner: string
  let writer: string
  let reader: string
  let stranger: string
  let org: { id: string; name: string }

  beforeAll(async () => {
    at = await startHub({ dialect, env: { HOLDFAST_MAX_REGULAR_FILE: '256KiB', HOLDFAST_MAX_INLINE_FILE: '4MiB' } })
    ada = await makeUser(at, 'ada', { password })
    const person = (name: string) => makeUser(at, name, { password })
    const [wim, rex, sam] = [await person('wim'), await person('rex'), await person('sam')]
    vera = await person('vera')
    org = await makeOrganization(at, 'acme', ada, { wim: 'write', vera: 'write', rex: 'read' })
    ;[owner = '', writer = '', reader = '', stranger = ''] = await Promise.all(
      [ada, wim, rex, sam].map((user) => signInAs(at, user)),
    )
  })
  afterAll(() => at.stop())

  let repos = 0
  const script = `
    mkdir -p docs/deep && printf 'one\\ntwo\\nthree\\n' > notes.txt && printf 'a' > docs/deep/a.txt && printf 'b' > docs/b.txt
    printf 'x\\r\\ny\\r\\nz' > windows.txt && printf '\\377\\0' > picture.bin && ln -s notes.txt link
    printf '#!/bin/sh\\n' > run.sh && chmod +x run.sh && printf '\\n\\xef\\xbb\\xbf<b>&amp;\\n' > odd.txt
    git add -A && git commit -qm first && git tag v1 && git branch side
  `
  async function newRepo(visibility: 'public' | 'private' = 'private'): Promise<TestRepo & { head: string }> {
    const repo = await makeRepo(at.hub, org, `repo-${++repos}`, { visibility })
    return { ...repo, head: await fillRepo(at.hub, repo, script) }
  }

  const get = (path: string, as: string | null = writer) =>
    fetch(`${at.url}/${path}`, { headers: as === null ? {} : { cookie: as }, redirect: 'manual' })
  const post = (
    path: string,
    form: Record<string, string>,
    as: string | null = writer,
    headers: Record<string, string> = {},
  ) =>
    fetch(`${at.url}/${path}`, {
      method: 'POST',
      headers: { ...(as === null ? {} : { cookie: as }), ...headers },
      body: new URLSearchParams(form),
      redirect: 'manual',
    })
  const git = async (repo: TestRepo, ...args: string[]): Promise<string> =>
    (await run('git', ['--git-dir', repositoryFolder(at.hub.git, repo.id), ...args], { env: clientEnvironment })).stdout
  const show = (repo: TestRepo, path: string, ref = 'main') => git(repo, 'show', `${ref}:${path}`)
  const headOf = async (repo: TestRepo, ref = 'main') => (await git(repo, 'rev-parse', `refs/heads/${ref}`)).trim()
  const edit = (repo: TestRepo & { head: string }, path: string, form: Record<string, string>, as = writer) =>
    post(`${repo.address}/edit/main/${path}`, { path, parentCommit: repo.head, ...form }, as)
  async function answered(answer: Promise<Response>): Promise<[number, string]> {
    const response = await answer
    return [response.status, await response.text()]
  }
  /** What a browser would have in the box. */
  const boxIn = (text: string): string =>
    (/<textarea[^>]*data-editor[^>]*>([\s\S]*?)<\/textarea>/.exec(text)?.[1] ?? '')
      .replace(/^\n/, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')

  describe('a file is made, changed, renamed and deleted', () => {
    test('a change is one commit of the person, signed by the hub, with the words of the form', async () => {
      const repo = await newRepo()
      const [status, page] = await answered(get(`${repo.address}/edit/main/notes.txt`))
      expect([status, boxIn(page)]).toEqual([200, 'one\ntwo\nthree\n'])
      expect(page).toContain(`name="parentCommit" value="${repo.head}"`)
      const form = { content: 'one\r\n2\r\nthree\r\n', summary: 'Two is 2', description: 'Since\r\nit is.' }
      const saved = await edit(repo, 'notes.txt', form)
      expect([saved.status, saved.headers.get('location')]).toEqual([303, `/${repo.address}/blob/main/notes.txt`])
      expect(await show(repo, 'notes.txt')).toBe('one\n2\nthree\n')
      const raw = await git(repo, 'cat-file', 'commit', 'main')
      expect(raw).toMatch(/^author wim </m)
      expect(raw).toContain('gpgsig')
      expect(raw).toContain('Two is 2\n\nSince\nit is.')
      expect((await git(repo, 'rev-list', '--count', 'main')).trim()).toBe('2')
    })

    test('line breaks, a missing one at the end, a leading one, marks and the mode stay as they were', async () => {
      const repo = await newRepo()
      const odd = boxIn((await answered(get(`${repo.address}/edit/main/odd.txt`)))[1])
      expect(odd).toBe('\n\ufeff<b>&amp;\n')
      const windows = boxIn((await answered(get(`${repo.address}/edit/main/windows.txt`)))[1])
      const put = async (path: string, content: string) =>
        expect((await edit(repo, path, { content: content.replace(/\r?\n/g, '\r\n') })).status).toBe(303)
      await put('windows.txt', windows.replaceAll('\r\n', '\n').replace('y', 'why'))
      await put('odd.txt', `${odd}more\n`)
      await put('run.sh', '#!/bin/sh\necho\n')
      expect(await show(repo, 'windows.txt')).toBe('x\r\nwhy\r\nz')
      expect(await show(repo, 'odd.txt')).toBe('\n\ufeff<b>&amp;\nmore\n')
      expect(await git(repo, 'ls-tree', 'main', 'run.sh')).toMatch(/^100755/)
    })

    test('a file is made, in an empty repo too, and on a new branch that begins where this one is', async () => {
      const bare = await makeRepo(at.hub, org, `repo-${++repos}`)
      expect((await answered(get(bare.address)))[1]).toContain(`/${bare.address}/upload/main`)
      expect((await answered(get(`${bare.address}/new/main`)))[1]).toContain('name="parentCommit" value=""')
      const first = await post(`${bare.address}/new/main`, { path: 'docs/a b.md', content: '# Hi', parentCommit: '' })
      expect([first.status, first.headers.get('location')]).toEqual([303, `/${bare.address}/blob/main/docs/a%20b.md`])
      const parentCommit = await headOf(bare)
      const form = { path: 'new.txt', content: 'x', parentCommit, target: 'new', newBranch: 'team/next' }
      const second = await post(`${bare.address}/new/main`, form)
      expect(second.headers.get('location')).toBe(`/${bare.address}/blob/team%2Fnext/new.txt`)
      expect((await git(bare, 'rev-parse', 'team/next^')).trim()).toBe(parentCommit)
      expect(await headOf(bare)).toBe(parentCommit)
      const [status, again] = await answered(post(`${bare.address}/new/main`, { ...form, path: 'other.txt' }))
      expect(status).toBe(409)
      expect(again).toMatch(/id="field-newBranch-error"[\s\S]{0,600}already exists/)
    })

    test('a file is renamed, alone or with a change, also one that is no text, and stays a large file', async () => {
      const repo = await newRepo()
      expect((await edit(repo, 'picture.bin', { path: 'images/picture.bin' })).status).toBe(303)
      expect((await edit(repo, 'notes.txt', { path: 'notes.txt/new.txt', content: 'one\n' })).status).toBe(303)
      expect((await edit(repo, 'run.sh', { path: 'bin/run.sh', content: '#!/bin/sh\n' })).status).toBe(303)
      expect(await show(repo, 'notes.txt/new.txt')).toBe('one\n')
      expect(await git(repo, 'ls-tree', '-r', 'main', 'bin', 'images', 'picture.bin')).toMatch(
        /^100755 .*bin\/run\.sh\n100644 .*images\/picture\.bin\n$/,
      )
      expect(await git(repo, 'log', '--format=%s', '-3', 'main')).toBe(
        'Rename run.sh to bin/run.sh\nUpdate and rename notes.txt to notes.txt/new.txt\nRename picture.bin to images/picture.bin\n',
      )
      const token = (await makeToken(at.hub, ada)).value
      const put = await fetch(`${at.url}/api/models/${repo.namespace}/${repo.name}/commit/main`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: [
          { key: 'header', value: { summary: 'large' } },
          { key: 'file', value: { path: 'big.bin', content: large.toString('base64'), encoding: 'base64' } },
        ]
          .map((line) => JSON.stringify(line))
          .join('\n'),
      })
      expect(put.status).toBe(200)
      const head = await headOf(repo)
      expect((await answered(get(`${repo.address}/edit/main/big.bin`)))[1]).toContain('(LFS)')
      expect((await edit({ ...repo, head }, 'big.bin', { path: 'weights.data' })).status).toBe(303)
      expect(await show(repo, 'weights.data')).toContain('version https://git-lfs')
      expect(await show(repo, '.gitattributes')).toContain('weights.data filter=lfs')
      const bytes = await get(`${repo.address}/resolve/main/weights.data`)
      expect(Buffer.from(await bytes.arrayBuffer()).equals(large)).toBe(true)
    })

    test('a file is deleted by a press, a folder by its name, some files by their boxes', async () => {
      const repo = await newRepo()
      const parentCommit = repo.head
      const gone = await post(`${repo.address}/delete/main/docs/deep/a.txt`, { parentCommit })
      // The folder around it went with it.
      expect([gone.status, gone.headers.get('location')]).toEqual([303, `/${repo.address}/tree/main/docs`])
      const [, page] = await answered(get(`${repo.address}/delete/main/docs`))
      expect(page).toContain('1 file below docs is removed')
      const now = await headOf(repo)
      for (const confirm of ['', 'doc', 'DOCS']) {
        const [status, text] = await answered(post(`${repo.address}/delete/main/docs`, { parentCommit: now, confirm }))
        expect([status, text.includes('Type docs to delete the folder.')]).toEqual([422, true])
      }
      expect((await post(`${repo.address}/delete/main/docs`, { parentCommit: now, confirm: 'docs' })).status).toBe(303)
      const some = new URLSearchParams({ parentCommit: await headOf(repo) })
      for (const name of ['notes.txt', 'odd.txt']) some.append('chosen', name)
      const chosen = await fetch(`${at.url}/${repo.address}/delete/main?choose=1`, {
        method: 'POST',
        headers: { cookie: writer },
        body: some,
        redirect: 'manual',
      })
      expect(chosen.status).toBe(303)
      expect(await git(repo, 'ls-tree', '-r', '--name-only', 'main')).toBe('link\npicture.bin\nrun.sh\nwindows.txt\n')
      const nothing = await answered(post(`${repo.address}/delete/main?choose=1`, { parentCommit: await headOf(repo) }))
      expect([nothing[0], nothing[1].includes('Choose at least one')]).toEqual([422, true])
    })

    test('what would change is shown before, and markdown as it would look; nothing is committed by that', async () => {
      const repo = await newRepo()
      const [status, changes] = await answered(
        edit(repo, 'notes.txt', { content: 'one\r\nzwei\r\nthree\r\n', do: 'changes', summary: 'Kept words' }),
      )
      expect(status).toBe(200)
      expect(changes).toContain('What this commit would change')
      expect(changes).toMatch(/removed: <\/span>[\s\S]{0,60}two/)
      expect(changes).toContain('value="Kept words"')
      expect(boxIn(changes)).toBe('one\nzwei\nthree\n')
      const markdown = {
        path: 'x.md',
        content: '# Top\n\n<script>alert(1)</script>[x](javascript:alert(1))',
        do: 'preview',
      }
      const [, preview] = await answered(post(`${repo.address}/new/main`, { ...markdown, parentCommit: repo.head }))
      expect(preview).toMatch(/card-text[\s\S]*Top<\/h2>/)
      expect(preview).not.toMatch(/<script>alert|href="javascript/)
      expect(await headOf(repo)).toBe(repo.head)
    })

    test('links of a preview begin in the folder of the file, as on its page; a path that cannot be leads nowhere else', async () => {
      const repo = await newRepo()
      const content = '[next](b.txt) [up](../notes.txt)'
      const links = (page: string) =>
        [...page.matchAll(/href="([^"]*)"[^>]*>(?:next|up)</g)].map(([, href]) => href?.slice(repo.address.length + 1))
      const preview = async (path: string) =>
        links((await answered(post(`${repo.address}/new/main`, { path, content, do: 'preview' })))[1])
      const inDocs = ['/blob/main/docs/b.txt', '/blob/main/notes.txt']
      expect(await preview('docs/guide.md')).toEqual(inDocs)
      expect((await edit(repo, 'docs/guide.md', { content })).status).toBe(303)
      expect(links((await answered(get(`${repo.address}/blob/main/docs/guide.md`)))[1])).toEqual(inDocs)
      // The attack: a link to a form whose path leads out of the repo, so that links of the preview lead to another one.
      expect(await preview('../../../other/repo/x.md')).toEqual(['/blob/main/b.txt'])
    })

    test('what has no text, and what lies at a tag or a commit, says why it is not edited', async () => {
      const repo = await newRepo()
      const why = async (path: string) => (await answered(get(`${repo.address}/edit/${path}`)))[1]
      expect(await why('main/picture.bin')).toContain('This file is not text')
      expect(await why('main/link')).toContain('symbolic link')
      expect(await why('v1/notes.txt')).toContain('never change')
      expect(await why(`${repo.head}/notes.txt`)).toContain('never change')
      expect((await get(`${repo.address}/edit/main/docs`)).status).toBe(302)
      for (const missing of ['edit/main/none', 'edit/none/notes.txt', 'new/none', 'delete/main/none'])
        expect([missing, (await get(`${repo.address}/${missing}`)).status]).toEqual([missing, 404])
    })
  })

  describe('who may', () => {
    test('REP-2: a read role is refused with the reason, at the address and in the form; a stranger sees nothing', async () => {
      const repo = await newRepo()
      const open = await newRepo('public')
      for (const view of ['edit/main/notes.txt', 'new/main', 'delete/main/notes.txt', 'upload/main']) {
        for (const ask of [get, (path: string, as: string) => post(path, { path: 'notes.txt', content: 'x' }, as)]) {
          const refused = await ask(`${repo.address}/${view}`, reader)
          expect([view, refused.status]).toEqual([view, 403])
          expect(refused.headers.get('x-hub-denied')).toContain('role')
          expect(await refused.text()).toContain('Nothing was changed')
          expect((await ask(`${repo.address}/${view}`, stranger)).status).toBe(404)
          expect((await ask(`${open.address}/${view}`, stranger)).status).toBe(403)
        }
      }
      expect([await headOf(repo), await headOf(open)]).toEqual([repo.head, open.head])
      for (const view of ['tree/main', 'blob/main/notes.txt']) {
        expect((await answered(get(`${repo.address}/${view}`, reader)))[1]).not.toMatch(
          /\/(?:edit|new|delete|upload)\/main/,
        )
        expect((await answered(get(`${repo.address}/${view}`)))[1]).toMatch(/\/(?:edit|new)\/main/)
        expect((await answered(get(`${repo.address}/${view.replace('main', 'v1')}`)))[1]).not.toMatch(
          /\/(?:edit|new)\/v1/,
        )
      }
    })

    /* Wim opened the form while he could write; before he presses, his role is taken away. */
    test('a right that is lost between form and press is lost for the press', async () => {
      const repo = await newRepo()
      const veras = await signInAs(at, vera)
      expect((await get(`${repo.address}/edit/main/notes.txt`, veras)).status).toBe(200)
      await at.hub.transaction((tx) =>
        tx.updateTable('roleGrant').set({ role: 'read' }).where('principalId', '=', vera.id).execute(),
      )
      expect((await edit(repo, 'notes.txt', { content: 'mine' }, veras)).status).toBe(403)
      expect(await headOf(repo)).toBe(repo.head)
    })

    /* Another site, open in Wim's browser, sends the form with his cookie. */
    test('CSRF: no form of another site changes anything', async () => {
      const repo = await newRepo()
      const forms = [
        ['edit/main/notes.txt', { path: 'notes.txt', content: 'evil', parentCommit: repo.head }],
        ['new/main', { path: 'evil.txt', content: 'evil', parentCommit: repo.head }],
        ['delete/main/notes.txt', { parentCommit: repo.head }],
        ['delete/main?choose=1', { parentCommit: repo.head, chosen: 'notes.txt' }],
        ['upload/main', { parentCommit: repo.head }],
      ] as const
      for (const [view, form] of forms) {
        for (const headers of [
          { 'sec-fetch-site': 'cross-site' },
          { 'sec-fetch-site': 'same-site' },
          { origin: 'https://evil.example' },
          { origin: 'null' },
        ] as Record<string, string>[]) {
          const answer = await post(`${repo.address}/${view}`, form, writer, headers)
          expect([view, answer.status]).toEqual([view, 403])
        }
      }
      expect(await headOf(repo)).toBe(repo.head)
    })
  })

  describe('two at once', () => {
    test('a change of another file does not stand in the way', async () => {
      const repo = await newRepo()
      expect((await edit(repo, 'windows.txt', { content: 'new' })).status).toBe(303)
      expect((await edit(repo, 'notes.txt', { content: 'mine' })).status).toBe(303)
      expect([await show(repo, 'windows.txt'), await show(repo, 'notes.txt')]).toEqual(['new', 'mine'])
    })

    test('a change of the same file is shown and never overwritten, until its author takes the newer one as the base', async () => {
      const repo = await newRepo()
      expect((await edit(repo, 'notes.txt', { content: 'one\ntheirs\nthree\n' }, owner)).status).toBe(303)
      const theirs = await headOf(repo)
      const mine = { content: 'one\nmine\nthree\n', summary: 'My words' }
      const [status, page] = await answered(edit(repo, 'notes.txt', mine))
      expect(status).toBe(409)
      expect(page).toContain('was changed since you opened this page')
      expect(page).toContain(`/${repo.address}/commit/${theirs}`)
      expect(page).toMatch(
        /What was changed meanwhile[\s\S]*two[\s\S]*theirs[\s\S]*Yours, against[\s\S]*theirs[\s\S]*mine/,
      )
      expect(boxIn(page)).toBe(mine.content)
      // The same press again changes nothing: the form still says what was seen.
      expect(page).toContain(`name="parentCommit" value="${repo.head}"`)
      expect((await edit(repo, 'notes.txt', mine)).status).toBe(409)
      expect(await headOf(repo)).toBe(theirs)
      const [taken, based] = await answered(edit({ ...repo, head: theirs }, 'notes.txt', { ...mine, do: 'changes' }))
      expect([taken, based.includes(`name="parentCommit" value="${theirs}"`)]).toEqual([200, true])
      expect((await edit({ ...repo, head: theirs }, 'notes.txt', mine)).status).toBe(303)
      expect(await show(repo, 'notes.txt')).toBe(mine.content)
    })

    test('what was removed, made or replaced by a folder meanwhile is a conflict too; so is a commit that never was', async () => {
      const repo = await newRepo()
      expect((await post(`${repo.address}/delete/main/notes.txt`, { parentCommit: repo.head })).status).toBe(303)
      const [status, page] = await answered(edit(repo, 'notes.txt', { content: 'mine' }))
      expect([status, page.includes('was removed')]).toEqual([409, true])
      const renamed = await answered(edit(repo, 'notes.txt', { path: 'other.txt', content: 'one\ntwo\nthree\n' }))
      expect([renamed[0], renamed[1].includes('was removed')]).toEqual([409, true])
      const make = (parentCommit: string) =>
        post(`${repo.address}/new/main`, { path: 'new.txt', content: 'x', parentCommit })
      expect((await make(repo.head)).status).toBe(303)
      expect((await make(repo.head)).status).toBe(422)
      const [again, changed] = await answered(
        post(`${repo.address}/delete/main/docs`, { parentCommit: repo.head, confirm: 'docs' }),
      )
      expect([again, changed.includes('deleted')]).toEqual([303, false])
      const never = await edit({ ...repo, head: 'f'.repeat(40) }, 'windows.txt', { content: 'mine' })
      expect(never.status).toBe(409)
      const nothing = await edit({ ...repo, head: '' }, 'windows.txt', { content: 'mine' })
      expect(nothing.status).toBe(409)
    })

    /* Everybody presses at the same moment. */
    test('of a crowd that changes one file at once exactly one wins, and the others see the conflict', async () => {
      const repo = await newRepo()
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) => edit(repo, 'notes.txt', { content: `number ${index}` })),
      )
      const statuses = answers.map(({ status }) => status)
      expect(statuses.filter((status) => status === 303)).toHaveLength(1)
      expect(statuses.filter((status) => status === 409)).toHaveLength(7)
      expect(await show(repo, 'notes.txt')).toBe(`number ${statuses.indexOf(303)}`)
      expect((await git(repo, 'rev-list', '--count', 'main')).trim()).toBe('2')
      const both = await Promise.all(
        [0, 1, 2, 3].map((index) =>
          post(`${repo.address}/new/main`, { path: 'made.txt', content: `${index}`, parentCommit: repo.head }),
        ),
      )
      expect(both.filter(({ status }) => status === 303)).toHaveLength(1)
    })

    test('a file that changed is not deleted, and the page says so', async () => {
      const repo = await newRepo()
      expect((await edit(repo, 'docs/b.txt', { content: 'new' })).status).toBe(303)
      for (const [path, confirm] of [
        ['docs/b.txt', ''],
        ['docs', 'docs'],
      ] as const) {
        const [status, page] = await answered(
          post(`${repo.address}/delete/main/${path}`, { parentCommit: repo.head, confirm }),
        )
        expect([status, page.includes('was changed since you opened this page')]).toEqual([409, true])
        expect(page).toContain(`name="parentCommit" value="${await headOf(repo)}"`)
      }
      expect(await show(repo, 'docs/b.txt')).toBe('new')
    })
  })

  describe('files uploaded by a form without a script', () => {
    type Sent = readonly [name: string, content: string | Buffer]
    function upload(
      repo: TestRepo & { head: string },
      files: readonly Sent[],
      fields: Record<string, string> = {},
      as = writer,
    ) {
      const form = new FormData()
      for (const [name, value] of Object.entries({ parentCommit: repo.head, ...fields })) form.append(name, value)
      for (const [name, content] of files) form.append('files', new Blob([new Uint8Array(Buffer.from(content))]), name)
      const headers = { cookie: as }
      return fetch(`${at.url}/${repo.address}/upload/main`, { method: 'POST', headers, body: form, redirect: 'manual' })
    }
    const staged = async () => (await readdir(incomingFolder(at.hub.git))).filter((name) => !name.startsWith('writer-'))

    test('come in one commit, text to git and bytes to large-file storage, by the rules of the repo', async () => {
      const repo = await newRepo()
      const binary = randomBytes(3_000)
      const sent = [
        ['read me.txt', 'hello\r\n'],
        ['weights.bin', large],
        ['small.bin', binary],
        ['empty', ''],
        ['notes.txt', 'replaced'],
      ] as const
      const done = await upload(repo, sent, { folder: '', summary: 'My files' })
      expect([done.status, done.headers.get('location')]).toEqual([303, `/${repo.address}/tree/main`])
      expect(await git(repo, 'log', '--format=%s %an', '-1', 'main')).toBe('My files wim\n')
      expect((await git(repo, 'rev-list', '--count', 'main')).trim()).toBe('2')
      expect(await show(repo, 'read me.txt')).toBe('hello\r\n')
      expect(await show(repo, 'notes.txt')).toBe('replaced')
      expect(await show(repo, 'empty')).toBe('')
      for (const name of ['weights.bin', 'small.bin'])
        expect(await show(repo, name)).toContain('git-lfs.github.com/spec/v1')
      const bytes = await get(`${repo.address}/resolve/main/weights.bin`)
      expect(Buffer.from(await bytes.arrayBuffer()).equals(large)).toBe(true)
      const into = await upload({ ...repo, head: await headOf(repo) }, [['a.txt', 'a']], {
        folder: '/docs/new/',
        target: 'new',
        newBranch: 'up',
      })
      expect(into.headers.get('location')).toBe(`/${repo.address}/tree/up/docs%2Fnew`.replace('%2F', '/'))
      expect(await show(repo, 'docs/new/a.txt', 'up')).toBe('a')
      expect(await staged()).toEqual([])
    })

    test('the attributes of each folder on the way count for each file, in whichever order the files come', async () => {
      const repo = await makeRepo(at.hub, org, `repo-${++repos}`)
      const rules = `
        mkdir -p a/in b && printf '*.dat filter=lfs\\n' > .gitattributes && printf '*.dat -filter\\n' > a/.gitattributes
        printf 'in.dat filter=lfs\\n' > a/in/.gitattributes && printf '*.txt filter=lfs\\n' > b/.gitattributes
        git add -A && git commit -qm rules
      `
      const head = await fillRepo(at.hub, repo, rules)
      const names = [
        'a/in/in.dat',
        'a/x.dat',
        'b/x.txt',
        'x.dat',
        'x.txt',
        'a/in/x.dat',
        'b/x.dat',
        'c/d/x.dat',
        'a/x.txt',
      ]
      const sent = await upload(
        { ...repo, head },
        names.map((name) => [name, `text of ${name}`]),
      )
      expect(sent.status).toBe(303)
      const isLarge = async (name: string) => (await show(repo, name)).includes('git-lfs.github.com/spec/v1')
      const found = await Promise.all(names.map(isLarge))
      expect(names.filter((_, index) => found[index])).toEqual([
        'a/in/in.dat',
        'b/x.txt',
        'x.dat',
        'b/x.dat',
        'c/d/x.dat',
      ])
    })

    test('an empty repo takes its first files', async () => {
      const bare = await makeRepo(at.hub, org, `repo-${++repos}`)
      expect((await upload({ ...bare, head: '' }, [['README.md', '# Hi']])).status).toBe(303)
      expect(await show(bare, 'README.md')).toBe('# Hi')
    })

    test('a file that somebody changed meanwhile is not replaced, nor a folder by a file; nothing of the form is kept', async () => {
      const repo = await newRepo()
      expect((await edit(repo, 'notes.txt', { content: 'theirs' })).status).toBe(303)
      const head = await headOf(repo)
      const [status, page] = await answered(
        upload(repo, [
          ['fine.txt', 'x'],
          ['notes.txt', 'mine'],
        ]),
      )
      expect([status, page.includes('was changed since you opened this page')]).toEqual([409, true])
      expect(page).toContain(`name="parentCommit" value="${head}"`)
      const [folder, text] = await answered(
        upload({ ...repo, head }, [
          ['fine.txt', 'x'],
          ['docs', 'mine'],
        ]),
      )
      expect([folder, text.includes('is a folder')]).toEqual([422, true])
      const [none, words] = await answered(upload({ ...repo, head }, []))
      expect([none, words.includes('Choose at least one file')]).toEqual([422, true])
      expect([await headOf(repo), await staged()]).toEqual([head, []])
    })

    /* Names that would leave the repo, or reach into git's folder in a clone. */
    test('names that no repo may hold are refused, with all files of the form', async () => {
      const repo = await newRepo()
      for (const name of [
        '../x',
        '.git',
        '.git/config',
        'git~1',
        '.g\u200cit',
        'a\\b',
        '/etc/passwd',
        'x\0y',
        'a/./b',
      ]) {
        const [status, page] = await answered(
          upload(repo, [
            ['fine.txt', 'x'],
            [name, 'x'],
          ]),
        )
        expect([name, status]).toEqual([name, 422])
        expect(page).toMatch(/id="field-files-error"/)
      }
      for (const folder of ['..', '.git', 'a/../..'])
        expect((await upload(repo, [['x', 'x']], { folder })).status).toBe(422)
      expect([await headOf(repo), await staged()]).toEqual([repo.head, []])
    })

    /* The attack: a form of 1,020 fields of 70,000 bytes and no file. Each field is within its bound, and all 71 MB are held in memory. */
    test('a form has so many fields and no more, whatever each of them holds', async () => {
      const repo = await newRepo()
      const field = (name: string) =>
        Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${'x'.repeat(70_000)}\r\n`)
      let sent = 0
      async function* body() {
        for (; sent < 1_020; sent++) {
          yield field(`f${sent}`)
          await new Promise((resolve) => setImmediate(resolve))
        }
        yield Buffer.from('--b--\r\n')
      }
      await expect(readUpload(at.hub, body(), 'b')).rejects.toMatchObject({
        code: 'bad_request',
        params: { reason: expect.stringContaining('20 fields') },
      })
      expect(sent).toBeLessThan(25)
      // One field over and over is as many fields.
      const same = Buffer.concat([...Array.from({ length: 21 }, () => field('folder')), Buffer.from('--b--\r\n')])
      const answer = await fetch(`${at.url}/${repo.address}/upload/main`, {
        method: 'POST',
        headers: { cookie: writer, 'content-type': 'multipart/form-data; boundary=b' },
        body: same,
      })
      expect([answer.status, (await answer.text()).includes('20 fields')]).toEqual([400, true])
      expect(await headOf(repo)).toBe(repo.head)
    })

    /* Somebody sends without end, to fill disk and memory. */
    test('a file over the limit is refused while it comes, and its bytes are gone', async () => {
      const repo = await newRepo()
      const [status] = await answered(
        upload(repo, [
          ['fine.txt', 'x'],
          ['huge.bin', randomBytes(5 << 20)],
        ]),
      )
      expect(status).toBe(413)
      expect([await headOf(repo), await staged()]).toEqual([repo.head, []])
      const raw = await fetch(`${at.url}/${repo.address}/upload/main`, {
        method: 'POST',
        headers: { cookie: writer, 'content-type': 'multipart/form-data; boundary=b' },
        body: '--b\r\nno end',
      })
      expect(raw.status).toBe(400)
      const json = await fetch(`${at.url}/${repo.address}/upload/main`, {
        method: 'POST',
        headers: { cookie: writer, 'content-type': 'application/json' },
        body: '{}',
      })
      expect(json.status).toBe(415)
    })
  })

  describe('bad input', () => {
    /* Somebody names a file so that a clone writes outside its folder, or into git's own. */
    test('paths that no repo may hold are refused at the field, as by the API', async () => {
      const repo = await newRepo()
      const paths = [
        '../x',
        'a/../../x',
        '/etc/passwd',
        '.git/config',
        'a/.GIT/hooks/x',
        '.g\u200cit/config',
        'git~1/x',
        '.git./x',
        '.git /x',
        'a\\b',
        'a//b',
        './a',
        'a\0b',
        'a\nb',
        'a\u0007b',
        '\uff0egit/x',
        'a/.git::$INDEX_ALLOCATION/x',
        '',
        'x'.repeat(300),
      ]
      for (const path of paths) {
        const made = await answered(post(`${repo.address}/new/main`, { path, content: 'x', parentCommit: repo.head }))
        expect([path, made[0]]).toEqual([path, 422])
        expect(made[1]).toMatch(/id="field-path-error"/)
        const renamed = await edit(repo, 'notes.txt', { path, content: 'one\ntwo\nthree\n' })
        expect([path, renamed.status]).toEqual([path, 422])
      }
      // In the address itself: what cannot be there is not there.
      for (const path of ['..%2fx', '.git%2fconfig', '%2e%2e/%2e%2e/etc/passwd', 'a%00b', 'a%5cb'])
        expect([path, (await get(`${repo.address}/edit/main/${path}`)).status]).toEqual([path, 404])
      const [below, page] = await answered(
        post(`${repo.address}/new/main`, { path: 'notes.txt/x', content: 'x', parentCommit: repo.head }),
      )
      expect([below, page.includes('nothing can lie below it')]).toEqual([422, true])
      expect(await headOf(repo)).toBe(repo.head)
    })

    /* Eve gives a file, a branch and a message names that are markup, and waits for somebody to open the form. */
    test('XSS: no name, content or message becomes markup', async () => {
      const repo = await newRepo()
      const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
      const path = `${evil.replaceAll('/', '-')}.md`
      const made = await post(`${repo.address}/new/main`, {
        path,
        content: `</textarea>${evil}`,
        summary: evil,
        description: evil,
        parentCommit: repo.head,
      })
      expect(made.status).toBe(303)
      const head = await headOf(repo)
      const encoded = encodeURIComponent(path)
      const pages = [
        await get(`${repo.address}/edit/main/${encoded}`),
        await get(`${repo.address}/delete/main/${encoded}`),
        await get(`${repo.address}/delete/main?choose=1`),
        await get(`${repo.address}/new/main/${encoded}`),
        await get(`${repo.address}/commit/${head}`),
        await edit({ ...repo, head }, encoded, {
          path,
          content: `${evil}</textarea>`,
          do: 'changes',
          summary: evil,
          newBranch: evil,
        }),
        await edit({ ...repo, head }, encoded, { path: `${path}/..`, content: evil, summary: evil }),
        await edit(repo, encoded, { path, content: evil, summary: evil, description: `</textarea>${evil}` }),
        await post(`${repo.address}/new/main`, {
          path: 'y',
          content: 'x',
          parentCommit: head,
          target: 'new',
          newBranch: evil,
        }),
      ]
      for (const page of pages) {
        const text = await page.text()
        expect(text).not.toMatch(/<script(?! type="module" src)|<img[^>]*onerror|style="/i)
        expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
      }
      expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 422, 409, 422])
    })

    /* A body that never ends is sent to fill the memory. */
    test('a text over the limit is refused at the field, a body over the limit before it is read', async () => {
      const repo = await newRepo()
      const [status, page] = await answered(edit(repo, 'notes.txt', { content: 'é'.repeat(260_000) }))
      expect([status, page.includes('cannot be saved from here')]).toEqual([422, true])
      expect((await edit(repo, 'notes.txt', { content: 'x'.repeat(5_000_000) })).status).toBe(413)
      expect((await edit(repo, 'notes.txt', { content: 'a\0b' })).status).toBe(422)
      expect((await edit(repo, 'notes.txt', { content: 'one\ntwo\nthree\n' })).status).toBe(422)
      expect(await headOf(repo)).toBe(repo.head)
      expect((await readdir(incomingFolder(at.hub.git))).filter((name) => !name.startsWith('writer-'))).toEqual([])
    })

    /* Ada pastes a file with her token in it. */
    test('a token of this hub in the text is refused at the text, and revoked', async () => {
      const repo = await newRepo()
      const token = (await makeToken(at.hub, ada)).value
      const [status, page] = await answered(edit(repo, 'notes.txt', { content: `key = ${token}\n` }))
      expect(status).toBe(422)
      expect(page).toMatch(/id="field-content-error"[\s\S]{0,600}revoked now/)
      // What was typed is kept for its author, in the box and nowhere else.
      expect(boxIn(page)).toContain(token)
      expect(await headOf(repo)).toBe(repo.head)
      const whoami = await fetch(`${at.url}/api/whoami-v2`, { headers: { authorization: `Bearer ${token}` } })
      expect(whoami.status).toBe(401)
    })

    /* Wim's browser is asked for the text of a file without its page being opened: by a form that only shows what would change. */
    test('a text that is shown is a download, in a box, in a change and in a conflict', async () => {
      const repo = await newRepo()
      const shown = async () => {
        await at.writeGathered()
        const rows = await at.hub.db.read
          .selectFrom('downloadRecord')
          .select('path')
          .where('repoId', '=', repo.id)
          .execute()
        return rows.length
      }
      await (await get(`${repo.address}/edit/main/notes.txt`)).text()
      await vi.waitFor(async () => expect(await shown()).toBe(1), { timeout: 5_000 })
      await (await edit(repo, 'windows.txt', { content: '', do: 'changes' })).text()
      await vi.waitFor(async () => expect(await shown()).toBe(2), { timeout: 5_000 })
      expect((await edit({ ...repo, head: 'f'.repeat(40) }, 'odd.txt', { content: 'x' })).status).toBe(409)
      await vi.waitFor(async () => expect(await shown()).toBe(3), { timeout: 5_000 })
    })

    /* A writer of a gated repo whose own members have to ask tries the editor in place of the file's page. */
    test('whoever may write but was not let through the gate reads nothing in the editor', async () => {
      const repo = await newRepo()
      await at.hub.transaction((tx) =>
        tx.updateTable('repo').set({ gated: 'manual', orgMembersGated: 1 }).where('id', '=', repo.id).execute(),
      )
      for (const ask of [
        get(`${repo.address}/edit/main/notes.txt`),
        edit(repo, 'notes.txt', { content: 'x', do: 'changes' }),
        edit({ ...repo, head: 'f'.repeat(40) }, 'notes.txt', { content: 'x' }),
        get(`${repo.address}/compare/main...side`),
      ]) {
        const [status, text] = await answered(ask)
        expect([status, text.includes('two')]).toEqual([403, false])
      }
    })

    test('what scanners found unsafe is not shown, but can be renamed and deleted', async () => {
      const repo = await newRepo()
      const made = await post(`${repo.address}/new/main`, {
        path: 'loader.com',
        content: eicar,
        parentCommit: repo.head,
      })
      expect(made.status).toBe(303)
      await at.hub.transaction((tx) =>
        tx.updateTable('organization').set({ scanPolicy: 'block_infected' }).where('id', '=', org.id).execute(),
      )
      await vi.waitFor(
        async () => {
          const text = (await answered(get(`${repo.address}/edit/main/loader.com`)))[1]
          expect(text).toContain('This file is held')
          expect(text).not.toContain('STANDARD-ANTIVIRUS')
        },
        { timeout: 20_000, interval: 100 },
      )
      const head = await headOf(repo)
      const [, changes] = await answered(edit({ ...repo, head }, 'loader.com', { content: 'x', do: 'changes' }))
      expect(changes).not.toContain('STANDARD-ANTIVIRUS')
      expect((await edit({ ...repo, head }, 'loader.com', { path: 'bad/loader.com' })).status).toBe(303)
      const parentCommit = await headOf(repo)
      expect((await post(`${repo.address}/delete/main/bad/loader.com`, { parentCommit })).status).toBe(303)
    })

    test('what looks like a secret is refused at the text where the organization protects pushes', async () => {
      const repo = await newRepo()
      await at.hub.transaction((tx) =>
        tx.updateTable('organization').set({ pushProtection: 'block' }).where('id', '=', org.id).execute(),
      )
      const secret = `ghp_${randomBytes(18).toString('hex')}`
      const [status, page] = await answered(edit(repo, 'notes.txt', { content: `key = "${secret}"\n` }))
      expect([status, /id="field-content-error"[\s\S]{0,400}Push protection/.test(page)]).toEqual([422, true])
      expect(await headOf(repo)).toBe(repo.head)
    })

    test('metadata that no README may have is refused at the text', async () => {
      const repo = await newRepo()
      const [status, page] = await answered(
        post(`${repo.address}/new/main`, {
          path: 'README.md',
          content: '---\nlicense: 12\ntags: {a: 1}\n---\n',
          parentCommit: repo.head,
        }),
      )
      expect([status, /id="field-content-error"[\s\S]{0,600}Invalid metadata/.test(page)]).toEqual([422, true])
    })

    test('where the policy wants signatures of people, the form says so before anything is typed', async () => {
      const repo = await newRepo()
      const set = await post(`${repo.address}/settings/signing`, { level: 'verified', humanOnly: 'yes' }, owner)
      expect(set.status).toBe(303)
      for (const view of ['edit/main/notes.txt', 'new/main', 'delete/main/notes.txt', 'upload/main']) {
        const [status, page] = await answered(get(`${repo.address}/${view}`))
        expect([view, status, page.includes('name="parentCommit"')]).toEqual([view, 200, false])
        if (view === 'upload/main') continue
        const [refused] = await answered(
          post(`${repo.address}/${view}`, { path: 'fresh.txt', content: 'x', parentCommit: repo.head }),
        )
        expect([view, refused]).toEqual([view, 403])
      }
      expect(await headOf(repo)).toBe(repo.head)
    })
  })
})
