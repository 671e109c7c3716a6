import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { fillDemoRepo, largeFileSha256 } from '../../../tests/support/demo-repo.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, type TestRepo } from '../../../tests/support/world.ts'
import { moveRefs, readRefs } from '../../platform/git/refs.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'

const password = 'a long and quiet word'

let test_: TestHub
let ada: TestUser
let cookie: string
let otherCookie: string
let open: TestRepo
let closed: TestRepo
let odd: TestRepo
let head: string

const odds = `
  mkdir -p 'a folder/deep' && printf 'x' > 'a folder/deep/50% off?#1 — ünï.txt'
  printf '' > empty.txt
  printf '<script>alert(1)</script>' > 'page<b>.html'
  printf '\\377\\376\\000' > binary.dat
  yes 'a line of some words' | head -n 6000 > long.txt
  head -c 700000 /dev/zero > big.dat
  ln -s ../../../../etc/passwd link
  printf '# Hi <img src=x onerror=alert(1)>\\n[x](javascript:alert(1)) [deep](a%%20folder/)\\n' > README.md
  git add -A && git commit -qm 'first <b>commit</b>'
  git branch 'feature/x' && git tag v1 && git tag -am 'a word' v2
  printf 'file' > type && git add -A && git commit -qm 'a file'
  rm type && ln -s README.md type && printf '\\0\\1' > binary.dat && git rm -q empty.txt && git add -A
  git commit -qm "$(printf 'long title %.0s' $(seq 1 60))" -m 'The body.'
  git update-ref refs/pr/1 HEAD
`

beforeAll(async () => {
  test_ = await startHub()
  const { hub } = test_
  ada = await makeUser(test_, 'ada', { password })
  const eve = await makeUser(test_, 'eve', { password })
  ;[cookie, otherCookie] = await Promise.all([signInAs(test_, ada), signInAs(test_, eve)])
  open = await makeRepo(hub, ada, 'open')
  closed = await makeRepo(hub, ada, 'closed', { kind: 'dataset', visibility: 'private' })
  odd = await makeRepo(hub, ada, 'odd')
  head = await fillDemoRepo(hub, open)
  await fillRepo(hub, closed, 'printf hidden > secret.txt && git add -A && git commit -qm secret')
  await fillRepo(hub, odd, odds)
})

afterAll(() => test_.stop())

const get = (path: string, as: string | null = null) =>
  fetch(`${test_.url}/${path}`, { headers: as === null ? {} : { cookie: as }, redirect: 'manual' })

async function page(path: string, as: string | null = null): Promise<string> {
  const response = await get(path, as)
  const text = await response.text()
  expect([path, response.status]).toEqual([path, 200])
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(text).not.toMatch(/<script(?! type="module" src)|(?:href|src)="javascript:|<img[^>]*onerror|style="/i)
  return text
}

const post = (path: string, form: Record<string, string>, as: string | null = cookie) =>
  fetch(`${test_.url}/${path}`, {
    method: 'POST',
    headers: as === null ? {} : { cookie: as },
    body: new URLSearchParams(form),
    redirect: 'manual',
  })

describe('card', () => {
  test('the README, the facts and how to use it', async () => {
    const text = await page(open.address)
    expect(text).toContain('<h2 id="card-harbor-7b">Harbor 7B</h2>')
    expect(text).toContain('<img src="/ada/open/resolve/main/images/quay.png" alt="A quay, drawn"')
    expect(text).toContain('href="/ada/open/blob/main/docs/sources.md"')
    expect(text).toContain(`git clone ${test_.url}/ada/open`)
    expect(text).toContain(`HF_ENDPOINT=${test_.url}`)
    for (const fact of ['Text generation', 'apache-2.0', 'en, nl', '4.94 GB', 'acme/harbor-base'])
      expect(text).toContain(fact)
    expect(text).not.toContain('pipeline_tag:')
  })

  test('its buttons are those that the viewer may press', async () => {
    expect(await page(open.address, cookie)).toContain('/ada/open/settings')
    expect(await page(open.address, otherCookie)).not.toContain('/ada/open/settings')
    expect(await page(open.address)).not.toContain('/ada/open/settings')
  })

  test('one that is too long is shown as it was written', async () => {
    const long = await makeRepo(test_.hub, ada, 'long')
    await fillRepo(test_.hub, long, 'yes "<b>word" | head -c 1100000 > README.md && git add -A && git commit -qm long')
    const text = await page(long.address)
    expect(text).toContain('This card is larger than 1 MiB')
    expect(text).toContain('&lt;b&gt;word')
    expect(text.length).toBeLessThan(200_000)
  })

  test('a repo without a commit says how to fill it, to those who may', async () => {
    const bare = await makeRepo(test_.hub, ada, 'bare', { kind: 'space' })
    for (const view of ['', '/tree/main', '/commits/main', '/blob/main/x', '/tree/HEAD']) {
      expect(await page(bare.address + view, cookie)).toContain(`git clone ${test_.url}/spaces/ada/bare`)
      expect(await page(bare.address + view)).not.toContain('git clone')
    }
    expect((await get(`${bare.address}/tree/other`)).status).toBe(404)
    expect(await page(`${bare.address}/refs`)).toContain('No branches yet')
  })

  test('without main but with another branch, the branches are shown', async () => {
    const elsewhere = await makeRepo(test_.hub, ada, 'elsewhere')
    await fillRepo(test_.hub, elsewhere, 'printf x > x && git add -A && git commit -qm x && git branch dev')
    const { git } = test_.hub
    const [oldOid] = await readRefs(git, elsewhere.id, ['refs/heads/main'])
    await moveRefs(git, elsewhere.id, [{ ref: 'refs/heads/main', oldOid: oldOid ?? '', newOid: zeroOid }])
    const answer = await get(elsewhere.address)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/ada/elsewhere/refs'])
  })
})

describe('what one may not see is not there (AUTH-7)', () => {
  test.each(['', '/tree/main', '/blob/main/secret.txt', '/commits/main', '/refs', '/commit/HEAD'])(
    '%s',
    async (view) => {
      expect(JSON.stringify((await get(closed.address + view, cookie)).status)).toMatch(/200|404/)
      const hidden = await get(closed.address + view, otherCookie)
      const missing = await get(`datasets/ada/nothing${view}`, otherCookie)
      expect([hidden.status, missing.status]).toEqual([404, 404])
      const words = async (response: Response): Promise<string> =>
        (await response.text()).replaceAll(/closed|nothing|[0-9a-f-]{36}/g, '')
      expect(await words(hidden)).toBe(await words(missing))
      expect((await get(closed.address + view)).status).toBe(404)
    },
  )

  test('nobody who may not write changes a ref', async () => {
    for (const path of ['branches', 'tags', 'branches/delete', 'tags/delete']) {
      const form = { name: 'next', confirm: 'next', startingPoint: 'main' }
      expect((await post(`${open.address}/refs/${path}`, form, otherCookie)).status).toBe(403)
      expect((await post(`${closed.address}/refs/${path}`, form, otherCookie)).status).toBe(404)
      expect((await post(`${open.address}/refs/${path}`, form, null)).status).toBe(401)
    }
    expect(await page(`${open.address}/refs?dialog=delete-branch&name=next`, otherCookie)).not.toContain('<dialog')
    expect(await page(`${open.address}/refs`)).toContain('/ada/open/tree/next')
  })

  test('another site cannot press the buttons', async () => {
    const response = await fetch(`${test_.url}/${open.address}/refs/branches/delete`, {
      method: 'POST',
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ name: 'next', confirm: 'next' }),
    })
    expect(response.status).toBe(403)
  })
})

describe('files', () => {
  test('folders first, with size and last commit', async () => {
    const text = await page(`${open.address}/tree/main`)
    const names = [...text.matchAll(/\/ada\/open\/(?:tree|blob)\/main\/([^"?]+)"/g)].map(([, name]) => name)
    expect(names).toEqual([
      'docs',
      'images',
      '.gitattributes',
      'README.md',
      'config.json',
      'eval.py',
      ...large,
      'tokenizer.model',
    ])
    expect(text).toContain('3.00 MB')
    expect(text).toContain('First files')
    expect(text).toContain('3 commits')
  })
  const large = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']

  test('names that are hostile or strange lead where they should', async () => {
    const folder = await page(`${odd.address}/tree/main/a%20folder/deep`)
    const [, address = ''] = /href="(\/ada\/odd\/blob\/main\/a%20folder\/deep\/[^"]+)"/.exec(folder) ?? []
    expect(await page(address.slice(1))).toContain('50% off?#1 — ünï.txt')
    const markup = (await page(`${odd.address}/blob/main/page%3Cb%3E.html`)).replace(/<\/?span[^<>]*>/g, '')
    expect(markup).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(await page(`${odd.address}/blob/feature%2Fx/empty.txt`)).toContain('This file is empty.')
    expect(await page(`${odd.address}/tree/refs%2Fpr%2F1`)).toContain('README.md')
    expect(await page(odd.address)).toContain('<a href="/ada/odd/tree/main/a%20folder"')
  })

  test('what is not text, or too much of it, is described', async () => {
    expect(await page(`${odd.address}/blob/main/binary.dat`)).toContain('This is not text')
    expect(await page(`${odd.address}/blob/main/long.txt`)).toContain('too large to be shown')
    expect(await page(`${odd.address}/blob/main/big.dat`)).toContain('too large to be shown')
    expect(await page(`${odd.address}/blob/main/link`)).toContain('../../../../etc/passwd')
    expect(await page(`${open.address}/blob/main/${large[0]}`)).toContain(largeFileSha256)
    const missing = await page(`${open.address}/blob/main/${large[1]}`)
    expect(missing).toContain('never uploaded')
    expect(missing).not.toContain('?download=true')
    expect(await page(`${open.address}/blob/main/images/quay.png`)).toContain(
      'src="/ada/open/resolve/main/images/quay.png"',
    )
  })

  test('a file under tree and a folder under blob are shown as what they are', async () => {
    const file = await get(`${open.address}/tree/main/docs/data-sources.md`)
    expect([file.status, file.headers.get('location')]).toEqual([302, '/ada/open/blob/main/docs/data-sources.md'])
    const folder = await get(`${open.address}/blob/main/docs`)
    expect([folder.status, folder.headers.get('location')]).toEqual([302, '/ada/open/tree/main/docs'])
    expect((await get(`${open.address}/tree/main/docs/`)).status).toBe(200)
  })

  test.each([
    'tree/nope',
    'tree/main/nope',
    'blob/main/nope',
    'blob/main/..%2f..%2fetc',
    'tree/main/.git',
    'commits/nope',
    'commits/main/nope',
    'commit/nope',
    `commit/${'0'.repeat(40)}`,
    'commit/HEAD~1',
    'tree/main%00',
  ])('not there: %s', async (address) => expect((await get(`${open.address}/${address}`)).status).toBe(404))

  test('a folder of 2,500 files is paged through, each once', async () => {
    const many = await makeRepo(test_.hub, ada, 'many')
    const lines = [
      'blob\nmark :1\ndata 1\nx',
      'commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 3\none',
    ]
    for (let index = 0; index < 2_500; index++) lines.push(`M 100644 :1 large/file${index}.txt`)
    for (let index = 0; index < 250; index++)
      lines.push(`M 100644 :1 small/${index % 2 ? 'b' : `folder${index}/a`}${index}`)
    const file = `${test_.folder}/import`
    await writeFile(file, `${lines.join('\n')}\n`)
    await fillRepo(test_.hub, many, `git fast-import --quiet < ${file}`)
    for (const [folder, count, pages] of [
      ['large', 2_500, 25],
      ['small', 250, 3],
    ] as const) {
      const seen: string[] = []
      let views = 0
      for (let next: string | null = `${many.address}/tree/main/${folder}`; next !== null && views < 30; views++) {
        const text: string = await page(next)
        seen.push(
          ...[...text.matchAll(/<th role="rowheader"[^>]*>.*?<a class="quiet [^"]*" href="([^"]+)"/g)].map(
            ([, href = '']) => href,
          ),
        )
        next = /href="\/([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? null
      }
      expect([new Set(seen).size, seen.length, views]).toEqual([count, count, pages])
    }
  })
})

describe('history', () => {
  test('commits, newest first, and those of one file', async () => {
    const text = await page(`${open.address}/commits/main`)
    const titles = ['Retrain on October port calls, bf16', 'Port-call benchmark, five seeds', 'First files']
    expect(titles.map((title) => text.indexOf(title)).every((at, index, all) => at > (all[index - 1] ?? 0))).toBe(true)
    const ofFile = await page(`${open.address}/commits/main/config.json`)
    expect(ofFile).toContain('First files')
    expect(ofFile).not.toContain('five seeds')
    // What was deleted still has its history.
    expect(await page(`${open.address}/commits/main/docs/sources.md`)).toContain('First files')
  })

  test('pages are pinned to the commit that they began at', async () => {
    const busy = await makeRepo(test_.hub, ada, 'busy')
    const commits = Array.from(
      { length: 120 },
      (_, index) =>
        `commit refs/heads/main\ncommitter Ada <ada@example.com> ${1_700_000_000 + index} +0000\ndata ${String(index).length + 1}\n#${index}\nM 100644 inline x\ndata 1\nx`,
    )
    const file = `${test_.folder}/commits`
    await writeFile(file, `${commits.join('\n')}\n`)
    await fillRepo(test_.hub, busy, `git fast-import --quiet < ${file}`)
    const seen: string[] = []
    let views = 0
    for (let next: string | null = `${busy.address}/commits/main`; next !== null; views++) {
      const text: string = await page(next)
      seen.push(...[...text.matchAll(/>(#\d+)<\/a>/g)].map(([, title = '']) => title))
      expect(text).toContain('of 120')
      next = /href="\/([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? null
      if (next !== null) expect(next).toMatch(/at=[0-9a-f]{40}&skip=\d+$/)
    }
    expect(views).toBe(3)
    expect(seen).toEqual(Array.from({ length: 120 }, (_, index) => `#${119 - index}`))
  })

  test('a commit with what it changed', async () => {
    const text = await page(`${open.address}/commit/${head}`)
    expect(text).toContain('docs/sources.md → ')
    expect(text).toMatch(/<ins>bfloat16<\/ins>/)
    expect(text).toContain('4 files changed')
    expect(await page(`${open.address}/commit/${head.slice(0, 8)}`)).toContain(head)
  })

  test('types, binaries, removals, a first commit, long titles', async () => {
    const commits = await page(`${odd.address}/commits/main`)
    const ids = [...new Set([...commits.matchAll(/\/commit\/([0-9a-f]{40})/g)].map(([, id = '']) => id))]
    const last = await page(`${odd.address}/commit/${ids[0]}`)
    for (const words of ['Not text.', 'README.md', 'long title', 'The body.', 'empty.txt'])
      expect(last).toContain(words)
    const first = await page(`${odd.address}/commit/${ids[2]}`)
    expect(first).toContain('first &lt;b&gt;commit&lt;/b&gt;')
    expect(first).toContain("The rest of this file's changes is not shown.".replace("'", '&#39;'))
    expect(first.length).toBeLessThan(600_000)
  })

  test('more files than a page holds are counted', async () => {
    const wide = await makeRepo(test_.hub, ada, 'wide')
    await fillRepo(test_.hub, wide, 'for i in $(seq 1 150); do echo $i > f$i; done; git add -A; git commit -qm wide')
    const text = await page(
      `${wide.address}/commit/${(/\/commit\/([0-9a-f]{40})/.exec(await page(`${wide.address}/commits/main`)) ?? [])[1]}`,
    )
    expect(text).toContain('150 files changed')
    expect(text).toContain('50 more files changed')
  })
})

describe('branches and tags', () => {
  test('made, shown and deleted by those who may', async () => {
    const made = await post(`${odd.address}/refs/branches`, { name: 'next/one', startingPoint: 'v1' })
    expect([made.status, made.headers.get('location')]).toEqual([303, '/ada/odd/refs'])
    expect(
      (await post(`${odd.address}/refs/tags`, { name: 'v3', startingPoint: 'next/one', message: 'Words' })).status,
    ).toBe(303)
    const refs = await page(`${odd.address}/refs`, cookie)
    for (const name of ['main', 'feature%2Fx', 'next%2Fone', 'v1', 'v2', 'v3'])
      expect(refs).toContain(`/ada/odd/tree/${name}"`)
    expect(refs).toContain('dialog=delete-branch&amp;name=next%2Fone')
    expect(refs).not.toContain('name=main')
    expect(
      (await post(`${odd.address}/refs/branches/delete`, { name: 'next/one', confirm: ' next/one ' })).status,
    ).toBe(303)
    expect((await post(`${odd.address}/refs/tags/delete`, { name: 'v3', confirm: 'v3' })).status).toBe(303)
    expect(await page(`${odd.address}/refs`)).not.toMatch(/next%2Fone|v3/)
  })

  test.each([
    ['branches', { name: 'a..b', startingPoint: 'main' }, 422, 'is not a name for a branch'],
    ['branches', { name: '', startingPoint: 'main' }, 422, 'is not a name for a branch'],
    ['branches', { name: 'main', startingPoint: 'main' }, 409, 'already exists'],
    ['tags', { name: 'v1', startingPoint: 'main' }, 409, 'already exists'],
    ['tags', { name: 'v9', startingPoint: 'nope' }, 404, 'Invalid rev id: nope'],
    ['branches/delete', { name: 'feature/x', confirm: 'feature' }, 422, 'Type feature/x to delete it.'],
    ['branches/delete', { name: 'main', confirm: 'main' }, 422, 'Cannot delete refs/heads/main'],
    ['tags/delete', { name: 'v9', confirm: 'v9' }, 404, 'Invalid rev id'],
  ])('refused in its dialog: %s %o', async (path, form, status, words) => {
    const response = await post(`${odd.address}/refs/${path}`, form)
    const text = await response.text()
    expect([response.status, text.includes('<dialog'), text.includes(words)]).toEqual([status, true, true])
  })
})

describe('addresses', () => {
  test('old names lead to the new one (REP-3), where the viewer may see it', async () => {
    const { hub } = test_
    const gone = await makeRepo(hub, ada, 'old-name', { visibility: 'private' })
    await fillRepo(hub, gone, 'printf x > x && git add -A && git commit -qm x')
    expect((await post('ada/old-name/settings/move', { owner: 'ada', name: 'new-name' })).status).toBe(303)
    const moved = await get('ada/old-name/tree/main?after=x', cookie)
    expect([moved.status, moved.headers.get('location')]).toEqual([307, '/ada/new-name/tree/main?after=x'])
    expect((await get('ada/old-name', otherCookie)).status).toBe(404)
  })

  test('pages of repos hide no other page', async () => {
    expect((await get('settings/tokens')).headers.get('location')).toContain('/login')
    expect((await get('api/nothing')).headers.get('content-type')).toContain('application/json')
    expect((await get('settings/nothing')).status).toBe(404)
    expect((await get('organizations/new')).headers.get('location')).toContain('/login')
    expect((await get('ada/open/')).status).toBe(200)
    expect((await get('Ada/OPEN')).status).toBe(200)
  })
})
