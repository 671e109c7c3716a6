import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeUser } from '../../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, type TestRepo } from '../../../tests/support/world.ts'

let site: TestHub
let repo: TestRepo
let other: TestRepo

beforeAll(async () => {
  site = await startHub()
  const ada = await makeUser(site, 'ada', { password: 'a long and quiet word' })
  repo = await makeRepo(site.hub, ada, 'books', { visibility: 'public' })
  other = await makeRepo(site.hub, ada, 'other', { visibility: 'public' })
  const write = `
    import json
    cell = lambda text: {'cell_type': 'markdown', 'metadata': {}, 'source': text}
    book = lambda name, cells: json.dump({'nbformat': 4, 'metadata': {}, 'cells': cells}, open(name, 'w'))
    slow = '*a_' * 30000
    book('hostile.ipynb', [cell('# Before')] + [cell(slow) for _ in range(20)] + [cell('# After')])
    book('long.ipynb', [cell('# Before'), cell('word ' * 220000), cell('# After')])
  `
  await fillRepo(
    site.hub,
    repo,
    `python3 - <<'END'\n${write.replace(/^ {4}/gm, '')}\nEND\ngit add -A && git commit -qm books`,
  )
  await fillRepo(site.hub, other, `printf '# A card\\n' > README.md && git add -A && git commit -qm card`)
})
afterAll(() => site.stop())

const page = async (path: string) => await (await fetch(`${site.url}/${path}`)).text()

// The attack: a notebook of many cells that each hold up the parser for as long as one may. Whoever opens it keeps the one renderer of the
// hub for all of that time, again and again, and the cards of everybody else are shown as plain text.
test('a notebook of slow cells holds the renderer for one of them, and not for each (issue 7)', async () => {
  const startedAt = performance.now()
  const [book, card] = await Promise.all([
    page(`${repo.address}/blob/main/hostile.ipynb`),
    new Promise((resolve) => setTimeout(resolve, 1_000)).then(() => page(other.address)),
  ])
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(book).toContain('Before</h2>')
  expect(book.split('*a_*a_*a_').length).toBeGreaterThan(20)
  expect(book).toContain('# After</pre>')
  expect(card).toContain('A card</h2>')
}, 90_000)

test('a cell that is longer than a file of markdown may be is shown as it was written, and the next one rendered', async () => {
  const book = await page(`${repo.address}/blob/main/long.ipynb`)
  expect(book).toContain('Before</h2>')
  expect(book).toContain('<pre class="cell-pre whitespace-pre-wrap">word word')
  expect(book).toContain('After</h2>')
})
