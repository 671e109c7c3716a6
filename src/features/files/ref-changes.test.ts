import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, makeToken, makeUser, type TestRepo, type TestToken } from '../../../tests/support/world.ts'

let running: TestHub
let repo: TestRepo
let token: TestToken
let stranger: TestToken
let head: string

beforeAll(async () => {
  running = await startHub()
  const ada = await makeUser(running.hub, 'ada')
  token = await makeToken(running.hub, ada)
  stranger = await makeToken(running.hub, await makeUser(running.hub, 'eve'))
  repo = await makeRepo(running.hub, ada, 'refs')
  head = await fillRepo(running.hub, repo, 'git commit -q --allow-empty -m one; git commit -q --allow-empty -m two')
})

afterAll(() => running.stop())

interface Answer {
  status: number
  code: string | null
  message: string
}

async function ask(method: string, path: string, input?: object, who: TestToken | null = token): Promise<Answer> {
  const response = await fetch(`${running.url}/api/models/${repo.address}/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(who === null ? {} : { authorization: `Bearer ${who.value}` }),
    },
    ...(input === undefined ? {} : { body: JSON.stringify(input) }),
  })
  const text = await response.text()
  return { status: response.status, code: response.headers.get('x-error-code'), message: text }
}

async function refs(): Promise<Record<string, string>> {
  const response = await fetch(`${running.url}/api/models/${repo.address}/refs`)
  const json = (await response.json()) as Record<'branches' | 'tags', { ref: string; targetCommit: string }[]>
  return Object.fromEntries([...json.branches, ...json.tags].map((ref) => [ref.ref, ref.targetCommit]))
}

test('a branch is made from main, a revision or nothing, and deleted', async () => {
  expect((await ask('POST', 'branch/feature%2Fx', {})).status).toBe(200)
  expect((await ask('POST', 'branch/raw/slashes', {})).status).toBe(200)
  expect((await ask('POST', 'branch/old', { startingPoint: `${head.slice(0, 8)}` })).status).toBe(200)
  expect((await ask('POST', 'branch/empty', { emptyBranch: true })).status).toBe(200)
  const made = await refs()
  expect(made).toMatchObject({ 'refs/heads/feature/x': head, 'refs/heads/raw/slashes': head, 'refs/heads/old': head })
  expect(made['refs/heads/empty']).not.toBe(head)
  const empty = await fetch(`${running.url}/api/models/${repo.address}/tree/empty`)
  expect(await empty.json()).toEqual([])
  expect(await ask('POST', 'branch/feature%2Fx', {})).toMatchObject({
    status: 409,
    message: expect.stringContaining('Reference refs/heads/feature/x already exists'),
  })
  expect((await ask('POST', 'branch/empty', { overwrite: true, startingPoint: 'main' })).status).toBe(200)
  expect((await refs())['refs/heads/empty']).toBe(head)
  expect((await ask('DELETE', 'branch/feature%2Fx')).status).toBe(200)
  expect((await refs())['refs/heads/feature/x']).toBeUndefined()
  expect(await ask('DELETE', 'branch/feature%2Fx')).toMatchObject({
    status: 404,
    code: 'RevisionNotFound',
    message: expect.stringContaining('Invalid rev id'),
  })
})

test('main stays, and what is no name is refused', async () => {
  expect(await ask('DELETE', 'branch/main')).toMatchObject({
    status: 400,
    message: expect.stringContaining('Cannot delete refs/heads/main'),
  })
  for (const name of ['a%20b', '-x', 'a..b', 'refs%2Fheads%2Fx', 'HEAD', 'x.lock', '%00', head]) {
    expect([name, (await ask('POST', `branch/${name}`, {})).status]).toEqual([name, 400])
  }
  expect((await ask('POST', 'branch/deep', {})).status).toBe(200)
  expect((await ask('POST', 'branch/deep%2Fer', {})).status).toBe(400)
  expect(await ask('POST', 'branch/lost', { startingPoint: 'nowhere' })).toMatchObject({ code: 'RevisionNotFound' })
})

test('tags: light, annotated, of a branch or a commit; a branch of the same name is another thing', async () => {
  expect((await ask('POST', 'tag/main', { tag: 'v1' })).status).toBe(200)
  expect(
    (await ask('POST', `tag/${head.slice(0, 7)}`, { tag: 'v2', message: 'The second\n\nwith words' })).status,
  ).toBe(200)
  expect((await ask('POST', 'branch/v1', {})).status).toBe(200)
  expect(await refs()).toMatchObject({ 'refs/tags/v1': head, 'refs/tags/v2': head, 'refs/heads/v1': head })
  expect(await ask('POST', 'tag/main', { tag: 'v1' })).toMatchObject({
    status: 409,
    message: expect.stringContaining('Reference refs/tags/v1 already exists'),
  })
  expect((await ask('POST', 'tag/main', { tag: 'no spaces' })).status).toBe(400)
  expect(await ask('POST', 'tag/nowhere', { tag: 'v3' })).toMatchObject({ status: 404, code: 'RevisionNotFound' })
  // A tag is not deleted as a branch.
  expect(await ask('DELETE', 'branch/v2')).toMatchObject({ message: expect.stringContaining('Invalid rev id') })
  expect((await ask('DELETE', 'tag/v1')).status).toBe(200)
  expect(await ask('DELETE', 'tag/v1')).toMatchObject({ status: 404, code: 'RevisionNotFound' })
  expect((await refs())['refs/heads/v1']).toBe(head)
})

test('it takes the right to push, and each change is an event', async () => {
  expect((await ask('POST', 'branch/hers', {}, stranger)).status).toBe(403)
  expect((await ask('DELETE', 'branch/old', undefined, stranger)).status).toBe(403)
  expect((await ask('POST', 'tag/main', { tag: 'hers' }, null)).status).toBe(401)
  const events = await running.hub.db.read
    .selectFrom('event')
    .select('data')
    .where('resourceId', '=', repo.id)
    .where('action', '=', 'repo.push')
    .execute()
  expect(events.map((event) => (JSON.parse(event.data) as { ref: string }).ref)).toContain('refs/tags/v2')
})

test('several at once: one makes the branch, the others are told that it is there', async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask('POST', 'branch/race', {})))
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409, 409, 409, 409])
})
