import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, type TestRepo } from '../../../tests/support/world.ts'

let hub: TestHub
let repo: TestRepo
let closed: TestRepo
let cookie: string

const script = `
  printf 'one\\n' > a.txt && git add -A && git commit -qm 'the beginning' && git tag v1
  git switch -qc team/next && printf 'one\\ntwo <b>\\n' > a.txt && git commit -qam 'on the branch <i>'
  git switch -q main && printf 'x' > main-only.txt && git add -A && git commit -qm 'on main'
  git switch -q --orphan alone && printf 'y' > y && git add -A && git commit -qm alone && git switch -q main
  git switch -qc many && for n in $(seq 1 60); do git commit -q --allow-empty -m "number $n"; done && git switch -q main
`

beforeAll(async () => {
  hub = await startHub()
  const ada = await makeUser(hub, 'ada', { password: 'a long and quiet word' })
  cookie = await signInAs(hub, ada)
  repo = await makeRepo(hub.hub, ada, 'open')
  closed = await makeRepo(hub.hub, ada, 'closed', { visibility: 'private' })
  await fillRepo(hub.hub, repo, script)
  await fillRepo(hub.hub, closed, script)
})
afterAll(() => hub.stop())

async function get(path: string, as: string | null = null): Promise<[number, string]> {
  const answer = await fetch(`${hub.url}/${path}`, { headers: as === null ? {} : { cookie: as }, redirect: 'manual' })
  return [answer.status, answer.headers.get('location') ?? (await answer.text())]
}

test('what a branch has since it parted: its commits and its change, and nothing of the other', async () => {
  const [status, page] = await get(`${repo.address}/compare/main...team%2Fnext`)
  expect(status).toBe(200)
  expect(page).toContain('on the branch &lt;i&gt;')
  expect(page).toContain('two &lt;b&gt;')
  expect(page).toContain('1 file changed')
  expect(page).not.toContain('main-only.txt')
  expect(page).not.toContain('>on main<')
  const [, back] = await get(`${repo.address}/compare/team%2Fnext...main`)
  expect(back).toContain('main-only.txt')
})

test('nothing, nothing in common, and more than a page', async () => {
  expect((await get(`${repo.address}/compare/main...v1`))[1]).toContain('Nothing to compare')
  expect((await get(`${repo.address}/compare/main...alone`))[1]).toContain('no commit in common')
  const [, many] = await get(`${repo.address}/compare/main...many`)
  expect(many).toContain('The newest 50 commits')
  expect(many).toContain('number 60')
  expect(many).not.toContain('number 10<')
})

test('the form leads to the address; refs offer it; what is not there is not found', async () => {
  expect(await get(`${repo.address}/compare?base=main&head=team/next`)).toEqual([
    302,
    `/${repo.address}/compare/main...team%2Fnext`,
  ])
  expect((await get(`${repo.address}/compare`))[1]).toContain('name="base"')
  expect((await get(`${repo.address}/refs`))[1]).toContain('/compare/main...team%2Fnext')
  for (const asked of ['main...none', 'none...main', 'main', '...', 'main..v1', 'a%00...b', '-x...--output=y'])
    expect([asked, (await get(`${repo.address}/compare/${asked}`))[0]]).toEqual([asked, 404])
  expect((await get(`${closed.address}/compare/main...many`))[0]).toBe(404)
  expect((await get(`${closed.address}/compare/main...many`, cookie))[0]).toBe(200)
})
