/* Pages that look into the history while git is too slow to answer any of them: they come at once, and say what they leave out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeUser } from '../../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, type TestRepo } from '../../../tests/support/world.ts'
import { inTime } from './in-time.ts'

let site: TestHub
let repo: TestRepo
const ends: (() => void)[] = []

beforeAll(async () => {
  site = await startHub()
  const ada = await makeUser(site, 'ada', { password: 'a long and quiet word' })
  repo = await makeRepo(site.hub, ada, 'old', { visibility: 'public' })
  const script = `
    printf 'one' > a.txt && git add -A && git commit -qm first
    git switch -q --orphan alone && printf 'y' > y && git add -A && git commit -qm alone && git switch -q main
  `
  await fillRepo(site.hub, repo, script)
})
afterAll(async () => {
  release()
  await site.stop()
})

/** As many looks as there may be at once, none of which ends. */
function holdAll(): void {
  for (let look = 0; look < 32; look++) {
    void inTime(site.hub.log, () => new Promise<void>((resolve) => ends.push(resolve)), 60_000)
  }
}

function release(): void {
  for (const end of ends.splice(0)) end()
}

const page = async (path: string): Promise<[number, string]> => {
  const answer = await fetch(`${site.url}/${repo.address}${path}`)
  return [answer.status, await answer.text()]
}

// The loss: on an old repository, while others look into its history, the trust tab waited for ten seconds and answered "busy", although
// what it says of scans, signatures over all files and storage was known.
test('the trust tab comes without the signatures of commits where they are not found in time, and says so', async () => {
  const late = 'Finding the latest commits takes too long now'
  expect((await page('/trust'))[1]).not.toContain(late)
  holdAll()
  const [status, text] = await page('/trust')
  release()
  expect(status).toBe(200)
  expect(text).toContain(late)
  expect(text).toContain('Signature over all files')
})

test('where two revisions parted is not waited for without end, and not to know it is not to have nothing in common', async () => {
  const compare = '/compare/main...alone'
  expect((await page(compare))[1]).toContain('no commit in common')
  holdAll()
  const [status, text] = await page(compare)
  release()
  expect(status).toBe(200)
  expect(text).toContain('Comparing these takes too long here')
  expect(text).not.toContain('no commit in common')
})
