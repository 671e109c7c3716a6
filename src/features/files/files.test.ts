import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import {
  fillRepo,
  makeRepo,
  makeToken,
  makeUser,
  type TestRepo,
  type TestToken,
  type TestUser,
} from '../../../tests/support/world.ts'
import { formatLfsPointer } from '../../domain/lfs-pointer.ts'
import { linkBlob, prepareBlob } from '../storage/service.ts'

let test_: TestHub
let ada: TestUser
let token: TestToken
let stranger: TestToken
let open: TestRepo
let closed: TestRepo
let head: string

const large = Buffer.alloc(3_000_000, 'large bytes ')
const sha256 = createHash('sha256').update(large).digest('hex')
const pointer = formatLfsPointer({ sha256, size: large.length })
const unlinked = formatLfsPointer({ sha256: 'ab'.repeat(32), size: 7 })

const script = `
  printf 'hello\\n' > hello.txt
  printf '' > empty.txt
  mkdir -p 'a folder/deep'
  printf 'x' > 'a folder/deep/50% off?#1 — ünï.txt'
  printf '<script>alert(1)</script>' > page.html
  printf '<svg xmlns="http://www.w3.org/2000/svg"/>' > image.svg
  printf '%s' '${pointer}' > model.bin
  printf '%s' '${unlinked}' > stolen.bin
  head -c 60000000 /dev/zero > big.dat
  ln -s ../../../../etc/passwd link
  git add -A && git commit -qm 'first commit

with a body'
  git branch feature/x
  git tag v1
  printf 'bye\\n' > hello.txt
  GIT_AUTHOR_EMAIL=nobody@nowhere.test GIT_AUTHOR_NAME=Nobody git commit -qam 'second <b>commit</b>'
  git update-ref refs/pr/1 HEAD
`

beforeAll(async () => {
  test_ = await startHub()
  const { hub } = test_
  ada = await makeUser(hub, 'ada')
  token = await makeToken(hub, ada)
  stranger = await makeToken(hub, await makeUser(hub, 'eve'))
  open = await makeRepo(hub, ada, 'open')
  closed = await makeRepo(hub, ada, 'closed', { kind: 'dataset', visibility: 'private' })
  head = await fillRepo(hub, open, script)
  await fillRepo(hub, closed, script)
  await prepareBlob(hub, { sha256, size: large.length })
  await hub.blobs.put(Readable.from([large]), { sha256, size: large.length })
  await hub.transaction((tx) => linkBlob(tx, open.id, { sha256, size: large.length }, hub.clock.now()))
})

afterAll(() => test_.stop())

const at = (path: string): string => `${test_.url}/${path}`
const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(at(path), { headers, method, redirect: 'manual' })
// What clients would read; the assertions say whether it is there.
interface Entry {
  path: string
  lfs: { oid: string }
  lastCommit: { title: string }
}
interface RefJson {
  name: string
}
interface RefsJson {
  branches: RefJson[]
  tags: RefJson[]
  converts: RefJson[]
  pullRequests?: RefJson[]
}
interface CommitJson {
  date: string
}
const entriesOf = async (response: Response | Promise<Response>) => (await (await response).json()) as Entry[]
const bearer = (who: TestToken) => ({ authorization: `Bearer ${who.value}` })

describe('resolve', () => {
  test('HEAD gives commit, identity and size without a redirect', async () => {
    const response = await get(`${open.address}/resolve/main/hello.txt`, { 'accept-encoding': 'identity' }, 'HEAD')
    expect(response.status).toBe(200)
    expect(response.headers.get('x-repo-commit')).toBe(head)
    expect(response.headers.get('etag')).toBe('"b023018cabc396e7692c70bbf5784a93d3f738ab"')
    expect(response.headers.get('content-length')).toBe('4')
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    expect(response.headers.get('x-request-id')).toBeTruthy()
  })

  test('a large file: its own bytes, identified by SHA-256', async () => {
    const response = await get(`${open.address}/resolve/main/model.bin`)
    expect(response.status).toBe(200)
    expect(response.headers.get('etag')).toBe(`"${sha256}"`)
    expect(response.headers.get('x-linked-etag')).toBe(`"${sha256}"`)
    expect(response.headers.get('x-linked-size')).toBe(String(large.length))
    expect(response.headers.get('content-length')).toBe(String(large.length))
    expect(Buffer.from(await response.arrayBuffer()).equals(large)).toBe(true)
  })

  test('story: Eve commits a pointer to bytes of somebody else; it does not open them', async () => {
    const response = await get(`${open.address}/resolve/main/stolen.bin`)
    expect(response.status).toBe(404)
    expect(response.headers.get('x-error-code')).toBe('EntryNotFound')
    // The same pointer in a repo that does not link the blob opens nothing either.
    const other = await get(`${closed.address}/resolve/main/model.bin`, bearer(token))
    expect(other.status).toBe(404)
  })

  test.each([
    ['bytes=0-3', 206, 'bytes 0-3/3000000', 4],
    ['bytes=2999998-', 206, 'bytes 2999998-2999999/3000000', 2],
    ['bytes=-5', 206, 'bytes 2999995-2999999/3000000', 5],
    ['bytes=0-100000000', 206, 'bytes 0-2999999/3000000', 3_000_000],
    ['bytes=5-2', 200, null, 3_000_000],
    ['bytes=0-1,4-5', 200, null, 3_000_000],
    ['bytes=3000000-', 416, 'bytes */3000000', null],
    ['bytes=-0', 416, 'bytes */3000000', null],
  ])('range %s', async (range, status, contentRange, length) => {
    const response = await get(`${open.address}/resolve/main/model.bin`, { range })
    const body = Buffer.from(await response.arrayBuffer())
    expect(response.status).toBe(status)
    expect(response.headers.get('content-range')).toBe(contentRange)
    if (length !== null) expect(body.length).toBe(length)
  })

  test('a range of a large git blob, streamed from its own process', async () => {
    const response = await get(`${open.address}/resolve/main/big.dat`, { range: 'bytes=2000000-2000009' })
    expect(response.status).toBe(206)
    expect((await response.arrayBuffer()).byteLength).toBe(10)
    const whole = await get(`${open.address}/resolve/main/big.dat`)
    expect((await whole.arrayBuffer()).byteLength).toBe(60_000_000)
  })

  test('If-Range with another identity sends the whole file', async () => {
    const headers = { range: 'bytes=0-1', 'if-range': '"other"' }
    expect((await get(`${open.address}/resolve/main/hello.txt`, headers)).status).toBe(200)
    const same = { range: 'bytes=0-1', 'if-range': '"b023018cabc396e7692c70bbf5784a93d3f738ab"' }
    expect((await get(`${open.address}/resolve/main/hello.txt`, same)).status).toBe(206)
  })

  test('the first byte of an empty file is no error: the JS client asks for it to learn the size', async () => {
    const response = await get(`${open.address}/resolve/main/empty.txt`, { range: 'bytes=0-0' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-range')).toBe('bytes */0')
    expect(await response.text()).toBe('')
  })

  test('If-None-Match answers 304, but only after authorization', async () => {
    const headers = { 'if-none-match': 'W/"b023018cabc396e7692c70bbf5784a93d3f738ab"' }
    const response = await get(`${open.address}/resolve/main/hello.txt`, headers)
    expect(response.status).toBe(304)
    expect(response.headers.get('x-repo-commit')).toBe(head)
    const hidden = await get(`${closed.address}/resolve/main/hello.txt`, { ...headers, ...bearer(stranger) })
    expect(hidden.status).toBe(404)
    expect(hidden.headers.get('x-error-code')).toBe('RepoNotFound')
  })

  test('errors: repo, revision, entry; the last names the commit so that clients remember it', async () => {
    const cases = [
      ['ada/nothing/resolve/main/x', 401, 'RepoNotFound', null],
      [`${closed.address}/resolve/main/hello.txt`, 401, 'RepoNotFound', null],
      [`${open.address}/resolve/nope/hello.txt`, 404, 'RevisionNotFound', null],
      [`${open.address}/resolve/main/nope.txt`, 404, 'EntryNotFound', head],
      [`${open.address}/resolve/main/a%20folder`, 404, 'EntryNotFound', head],
      [`${open.address}/resolve/main`, 404, 'EntryNotFound', head],
    ] as const
    for (const [path, status, code, commit] of cases) {
      const response = await get(path)
      expect([path, response.status]).toEqual([path, status])
      expect([path, response.headers.get('x-error-code')]).toEqual([path, code])
      expect([path, response.headers.get('x-repo-commit')]).toEqual([path, commit])
    }
  })

  test('awful file names come back from `?`, `%`, `#`, spaces and unicode', async () => {
    const name = '50% off?#1 — ünï.txt'
    const path = `a%20folder/deep/${encodeURIComponent(name)}`
    const response = await get(`${open.address}/resolve/main/${path}`)
    expect(await response.text()).toBe('x')
    expect(response.headers.get('content-disposition')).toBe(
      `inline; filename*=UTF-8''${encodeURIComponent(name)}; filename="50_ off?#1 _ _n_.txt";`,
    )
    // As one segment, with its slashes encoded.
    const one = await get(`${open.address}/resolve/main/${encodeURIComponent(`a folder/deep/${name}`)}`)
    expect(await one.text()).toBe('x')
  })

  test('story: Eve hosts a page with a script and links to it; no browser runs it', async () => {
    const page = await get(`${open.address}/resolve/main/page.html`)
    expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.get('content-security-policy')).toContain('sandbox')
    const image = await get(`${open.address}/resolve/main/image.svg`)
    expect(image.headers.get('content-disposition')).toMatch(/^attachment; /)
    const saved = await get(`${open.address}/resolve/main/hello.txt?download=true`)
    expect(saved.headers.get('content-disposition')).toMatch(/^attachment; /)
  })

  test('a symbolic link is its text, never what it points at', async () => {
    const response = await get(`${open.address}/resolve/main/link`)
    expect(await response.text()).toBe('../../../../etc/passwd')
  })

  test.each([
    '../../../../HEAD',
    '..%2f..%2f..%2fHEAD',
    '%2e%2e/%2e%2e/HEAD',
    'a%20folder/../hello.txt',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    'hello.txt%00',
    'hello.txt%0a',
    '.git/config',
    '%',
  ])('path traversal: %s finds nothing', async (path) => {
    // Not with fetch, which would tidy the address up before it sends it.
    const status = await new Promise<number>((resolve, reject) => {
      const { hostname, port } = new URL(test_.url)
      httpRequest({ hostname, port, path: `/${open.address}/resolve/main/${path}` }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })
    expect([400, 404]).toContain(status)
  })

  test('what is private is kept nowhere, what is pinned is kept for a day', async () => {
    const caching = async (path: string, headers = {}) => (await get(path, headers)).headers.get('cache-control')
    expect(await caching(`${closed.address}/resolve/main/hello.txt`, bearer(token))).toBe('private, no-store')
    expect(await caching(`${open.address}/resolve/${head}/hello.txt`)).toBe('public, max-age=86400, immutable')
    expect(await caching(`${open.address}/resolve/main/hello.txt`)).toBe('public, no-cache')
  })

  test('revisions: branch with a slash, tag, short id, HEAD, pull request written both ways', async () => {
    for (const [revision, text] of [
      ['feature%2Fx', 'hello\n'],
      ['v1', 'hello\n'],
      [head.slice(0, 7), 'bye\n'],
      ['HEAD', 'bye\n'],
      ['refs%2Fpr%2F1', 'bye\n'],
      ['refs/pr/1', 'bye\n'],
      ['refs%2Fheads%2Fmain', 'bye\n'],
    ]) {
      expect([revision, await (await get(`${open.address}/resolve/${revision}/hello.txt`)).text()]).toEqual([
        revision,
        text,
      ])
    }
    for (const revision of ['main~1', 'main%5E', '@%7B1%7D', 'main:hello.txt', '--help']) {
      expect((await get(`${open.address}/resolve/${revision}/hello.txt`)).headers.get('x-error-code')).toBe(
        'RevisionNotFound',
      )
    }
  })

  test('raw gives the pointer of a large file, letter for letter', async () => {
    const response = await get(`${open.address}/raw/main/model.bin`)
    expect(await response.text()).toBe(pointer)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect((await get(`${open.address}/raw/main/hello.txt`, {}, 'HEAD')).status).toBe(200)
    expect((await get(`${open.address}/raw/main/nope`, {}, 'HEAD')).status).toBe(404)
  })

  test.runIf(process.platform === 'linux')(
    'a client that goes away frees the process that its bytes came from',
    async () => {
      const childrenOf = async (pid: string): Promise<string[]> =>
        (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter(Boolean)
      const readers = async () => {
        const children = await childrenOf(String(process.pid))
        // Git is begun by this process or by its starter.
        children.push(...(await Promise.all(children.map(childrenOf))).flat())
        const lines = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
        return lines.filter((line) => line.includes('cat-file\0blob')).length
      }
      const abort = new AbortController()
      const response = await fetch(at(`${open.address}/resolve/main/big.dat`), { signal: abort.signal })
      await response.body?.getReader().read()
      expect(await readers()).toBe(1)
      abort.abort()
      await expect.poll(readers).toBe(0)
    },
  )
})

describe('tree', () => {
  const tree = (path: string) => entriesOf(get(`api/models/${open.address}/tree/${path}`))

  test('entries of a folder, large files with their real size', async () => {
    const entries = await tree('main')
    expect(entries.map((entry) => entry.path)).toEqual([
      'a folder',
      'big.dat',
      'empty.txt',
      'hello.txt',
      'image.svg',
      'link',
      'model.bin',
      'page.html',
      'stolen.bin',
    ])
    expect(entries[0]).toEqual({
      type: 'directory',
      oid: expect.stringMatching(/^[0-9a-f]{40}$/),
      size: 0,
      path: 'a folder',
    })
    expect(entries.find((entry) => entry.path === 'model.bin')).toEqual({
      type: 'file',
      path: 'model.bin',
      size: large.length,
      oid: expect.stringMatching(/^[0-9a-f]{40}$/),
      lfs: { oid: sha256, size: large.length, pointerSize: pointer.length },
    })
  })

  test('recursive lists folders and files; a path may be one encoded segment', async () => {
    const paths = (await tree('main/a%20folder?recursive=True')).map((entry) => entry.path)
    expect(paths).toEqual(['a folder/deep', 'a folder/deep/50% off?#1 — ünï.txt'])
    expect(await tree(`main/${encodeURIComponent('a folder/deep')}`)).toHaveLength(1)
  })

  test('pages follow one another through Link, pinned to the commit', async () => {
    const seen: string[] = []
    let next: string | null = at(`api/models/${open.address}/tree/main?recursive=true&limit=3`)
    for (let pages = 0; next !== null && pages < 10; pages++) {
      const response: Response = await fetch(next)
      seen.push(...(await entriesOf(response)).map((entry) => entry.path))
      next = /^<(http[^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? null
      if (next !== null) expect(next).toContain(`/tree/${head}?`)
    }
    expect(seen).toEqual((await tree('main?recursive=true')).map((entry) => entry.path))
  })

  test('25,000 files are paged through, each once, the large among them recognised', async () => {
    const { hub } = test_
    const many = await makeRepo(hub, ada, 'many')
    const stream = [
      'blob\nmark :1\ndata 1\nx',
      `blob\nmark :2\ndata ${pointer.length}\n${pointer}`,
      'commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 3\none',
    ]
    for (let index = 0; index < 25_000; index++) {
      stream.push(`M 100644 :${index % 100 === 0 ? 2 : 1} folder${index % 250}/file${index}.txt`)
    }
    const file = `${test_.folder}/import`
    await writeFile(file, `${stream.join('\n')}\n`)
    await fillRepo(hub, many, `git fast-import --quiet < ${file}`)
    const seen = new Set<string>()
    let large = 0
    let next: string | null = at(`api/models/${many.address}/tree/main?recursive=true`)
    let pages = 0
    for (; next !== null; pages++) {
      const response: Response = await fetch(next)
      for (const entry of await entriesOf(response)) {
        seen.add(entry.path)
        if (entry.lfs !== undefined) large++
      }
      next = /^<(http[^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? null
    }
    expect([seen.size, large, pages]).toEqual([25_250, 250, 26])
  })

  test('expand adds the last commit of each entry', async () => {
    const entries = await tree('main?expand=true&recursive=1')
    const titles = Object.fromEntries(entries.map((entry) => [entry.path, entry.lastCommit.title]))
    expect(titles['hello.txt']).toBe('second <b>commit</b>')
    expect(titles['a folder/deep']).toBe('first commit')
  })

  test('errors', async () => {
    const code = async (path: string) =>
      (await get(`api/models/${open.address}/tree/${path}`)).headers.get('x-error-code')
    expect(await code('nope')).toBe('RevisionNotFound')
    expect(await code('main/nope')).toBe('EntryNotFound')
    expect(await code('main/hello.txt')).toBe('EntryNotFound')
    expect(await code('main/..%2Fx')).toBe('EntryNotFound')
    expect((await get(`api/models/${open.address}/tree/main?limit=0`)).status).toBe(400)
  })
})

describe('paths-info', () => {
  const ask = (body: string, type: string) =>
    fetch(at(`api/models/${open.address}/paths-info/main`), { method: 'POST', body, headers: { 'content-type': type } })

  test('as a form and as JSON; what is missing is left out', async () => {
    const form = 'paths=hello.txt&paths=nope&paths=a+folder&expand=false'
    const byForm = await entriesOf(ask(form, 'application/x-www-form-urlencoded'))
    expect(byForm.map((entry) => entry.path)).toEqual(['hello.txt', 'a folder'])
    const json = JSON.stringify({ paths: ['model.bin', '../x', '/etc/passwd'], expand: true })
    const byJson = await entriesOf(ask(json, 'application/json'))
    expect(byJson).toHaveLength(1)
    expect(byJson[0]?.lfs.oid).toBe(sha256)
    expect(byJson[0]?.lastCommit.title).toBe('first commit')
    const one = await entriesOf(ask('paths=hello.txt', 'application/x-www-form-urlencoded'))
    expect(one).toHaveLength(1)
  })
})

describe('refs and commits', () => {
  test('refs; pull requests only when asked for', async () => {
    const refs = (await (await get(`api/models/${open.address}/refs`)).json()) as RefsJson
    expect(refs.branches.map((ref) => ref.name)).toEqual(['feature/x', 'main'])
    expect(refs.branches[1]).toEqual({ name: 'main', ref: 'refs/heads/main', targetCommit: head })
    expect(refs.tags).toHaveLength(1)
    expect(refs.converts).toEqual([])
    expect(refs.pullRequests).toBeUndefined()
    const all = (await (await get(`api/models/${open.address}/refs?include_prs=1`)).json()) as RefsJson
    expect(all.pullRequests).toEqual([{ name: '1', ref: 'refs/pr/1', targetCommit: head }])
  })

  test('commits, newest first, by the account behind the address', async () => {
    const response = await get(`api/models/${open.address}/commits/main?limit=1&expand[]=formatted`)
    expect(response.headers.get('x-total-count')).toBe('2')
    const [second] = (await response.json()) as CommitJson[]
    expect(second).toMatchObject({
      id: head,
      title: 'second <b>commit</b>',
      message: '',
      authors: [{ user: 'Nobody' }],
      formatted: { title: 'second &lt;b&gt;commit&lt;/b&gt;' },
    })
    expect(second?.date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1] ?? ''
    const [first] = (await (await fetch(next)).json()) as CommitJson[]
    expect(first).toMatchObject({ title: 'first commit', message: 'with a body', authors: [{ user: 'ada' }] })
  })
})
