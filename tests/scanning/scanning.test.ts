/** Files are scanned however they come, results stand at the content, and what is found is said on every surface. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { repositoryFolder } from '../../src/platform/git/git-store.ts'
import { enqueue } from '../../src/platform/jobs/enqueue.ts'
import { clamdMark, clamdName, hasClamd, TestClamd } from '../support/clamd.ts'
import { dialects } from '../support/databases.ts'
import { type GitClient, gitClient, hasGitLfs } from '../support/git-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import {
  fillRepo,
  makeRepo,
  makeToken,
  makeUser,
  type TestRepo,
  type TestToken,
  type TestUser,
} from '../support/world.ts'
import { eicar, honestPickle, maliciousPickle } from './samples.ts'

interface FileJson {
  path: string
  securityFileStatus: {
    status: string
    avScan: { status: string; message?: string; version?: string }
    pickleImportScan: { status: string; pickleImports?: { module: string; name: string; safety: string }[] }
  }
}
interface ScanJson {
  scansDone: boolean
  filesWithIssues: { path: string; level: string }[]
}

describe.each(dialects)('scanning on %s', (dialect) => {
  let running: TestHub
  let ada: TestUser
  let token: TestToken
  let git: GitClient

  beforeAll(async () => {
    running = await startHub({ dialect })
    ada = await makeUser(running.hub, 'ada')
    token = await makeToken(running.hub, ada)
    git = await gitClient(running.url, token.value)
  })
  afterAll(async () => {
    await git[Symbol.asyncDispose]()
    await running.stop()
  })

  const get = (path: string, headers: Record<string, string> = { authorization: `Bearer ${token.value}` }) =>
    fetch(`${running.url}${path}`, { headers })
  const scanOf = async (repo: TestRepo) => (await (await get(`/api/models/ada/${repo.name}/scan`)).json()) as ScanJson
  const filesOf = async (repo: TestRepo, revision = 'main') => {
    const answer = await get(
      `/api/models/ada/${repo.name}/tree/${encodeURIComponent(revision)}?expand=true&recursive=true`,
    )
    const files = (await answer.json()) as FileJson[]
    return new Map(files.map((file) => [file.path, file.securityFileStatus]))
  }
  const whenDone = (repo: TestRepo) =>
    vi.waitFor(
      async () => {
        const scan = await scanOf(repo)
        expect(scan.scansDone).toBe(true)
        return scan
      },
      { timeout: 20_000, interval: 50 },
    )
  const bytes = (content: Buffer | string) => `base64 -d <<< ${Buffer.from(content).toString('base64')}`

  test('MAL-1, MAL-2, MAL-5, MAL-7: a push is scanned, and EICAR and a malicious pickle are found', async () => {
    const repo = await makeRepo(running.hub, ada, 'pushed')
    await git.sh(`
      git init -q pushed && cd pushed && git checkout -q -b main
      ${bytes(eicar)} > eicar.com; ${bytes(maliciousPickle)} > bad.pkl; ${bytes(honestPickle)} > good.pkl; echo hello > notes.txt
      git add -A; git commit -qm one; git push -q $URL/ada/pushed main`)
    expect(await whenDone(repo)).toEqual({
      scansDone: true,
      filesWithIssues: [
        { path: 'bad.pkl', level: 'unsafe' },
        { path: 'eicar.com', level: 'unsafe' },
      ],
    })
    const files = await filesOf(repo)
    expect(files.get('eicar.com')).toMatchObject({
      status: 'unsafe',
      avScan: { status: 'unsafe', message: expect.stringContaining('EICAR') },
    })
    expect(files.get('bad.pkl')).toMatchObject({
      status: 'unsafe',
      avScan: { status: 'safe' },
      pickleImportScan: { status: 'unsafe', pickleImports: [{ module: 'os', name: 'system', safety: 'dangerous' }] },
    })
    expect(files.get('good.pkl')).toMatchObject({ status: 'safe', pickleImportScan: { status: 'safe' } })
    expect(files.get('notes.txt')).toMatchObject({
      status: 'safe',
      avScan: { status: 'safe', version: expect.stringMatching(/^yara rules /) },
    })
    const info = (await (await get('/api/models/ada/pushed?securityStatus=true')).json()) as {
      securityRepoStatus: ScanJson
    }
    expect(info.securityRepoStatus).toEqual(await scanOf(repo))
  })

  test.skipIf(!hasGitLfs())(
    'MAL-1, MAL-3: LFS, API commits and pull requests; the same bytes in two repos are scanned once',
    async () => {
      const repo = await makeRepo(running.hub, ada, 'ways')
      const other = await makeRepo(running.hub, ada, 'other')
      const payload = Buffer.concat([maliciousPickle, Buffer.alloc(9_000, 1)])
      await git.sh(`
      git init -q ways && cd ways && git checkout -q -b main && git lfs track '*.pt' >/dev/null
      ${bytes(payload)} > model.pt; git add -A; git commit -qm one; git push -q $URL/ada/ways main
      git push -q $URL/ada/other main`)
      const commit = async (branch: string, path: string, content: string) => {
        const lines = [
          { key: 'header', value: { summary: 'by the API' } },
          { key: 'file', value: { path, content: Buffer.from(content).toString('base64'), encoding: 'base64' } },
        ]
        const answer = await fetch(`${running.url}/api/models/ada/ways/commit/${branch}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token.value}`, 'content-type': 'application/x-ndjson' },
          body: lines.map((line) => JSON.stringify(line)).join('\n'),
        })
        expect(answer.status).toBe(200)
      }
      await commit('main', 'by-api.txt', `${eicar} once more`)
      const scan = await whenDone(repo)
      expect(scan.filesWithIssues).toEqual([
        { path: 'by-api.txt', level: 'unsafe' },
        { path: 'model.pt', level: 'unsafe' },
      ])
      expect((await whenDone(other)).filesWithIssues).toEqual([{ path: 'model.pt', level: 'unsafe' }])
      const content = `sha256:${createHash('sha256').update(payload).digest('hex')}`
      const { read } = running.hub.db
      expect(await read.selectFrom('scanPlace').select('repoId').where('content', '=', content).execute()).toHaveLength(
        2,
      )
      const results = await read.selectFrom('scanResult').select('scanner').where('content', '=', content).execute()
      expect(results.map(({ scanner }) => scanner).sort()).toEqual(['pickle', 'secrets', 'structure', 'yara'])

      // A pull request is a ref like any other, though nobody may push to it.
      const bare = repositoryFolder(running.hub.git, repo.id)
      await git.sh(
        `cd ways && ${bytes(`${eicar} in a pull request`)} > pr.txt && git add -A && git commit -qm pr && GIT_LFS_SKIP_PUSH=1 git push -q ${bare} HEAD:refs/pr/1`,
      )
      await running.hub.transaction((tx) =>
        enqueue(tx, 'ref-moved', {
          repoId: repo.id,
          ref: 'refs/pr/1',
          oldOid: '0'.repeat(40),
          newOid: '0'.repeat(40),
          eventId: 'x',
        }),
      )
      await vi.waitFor(async () => expect((await filesOf(repo, 'refs/pr/1')).get('pr.txt')?.status).toBe('unsafe'), {
        timeout: 20_000,
        interval: 50,
      })
    },
  )

  test('MAL-2: a visit of a page queues what was never scanned, failed, or was scanned by older scanners; once, and without waiting', async () => {
    const repo = await makeRepo(running.hub, ada, 'visited')
    // Put there behind the back of the hub: no ref has moved that it knows of.
    await fillRepo(running.hub, repo, `echo visited-${dialect} > notes.txt; git add -A; git commit -qm one`)
    const { db } = running.hub
    const rowOf = async () => {
      const [place] = await db.read.selectFrom('scanPlace').selectAll().where('repoId', '=', repo.id).execute()
      return (
        place &&
        (await db.read
          .selectFrom('contentScan')
          .selectAll()
          .where('content', '=', place.content)
          .executeTakeFirstOrThrow())
      )
    }
    expect(await rowOf()).toBeUndefined()
    const visit = async () => (await get('/ada/visited/tree/main', {})).text()
    expect(await visit()).toContain('no verdict: queued for scanning')
    await Promise.all([visit(), visit(), visit()])
    await vi.waitFor(async () => expect(await rowOf()).toMatchObject({ state: 'done', level: 'safe' }), {
      timeout: 20_000,
    })
    const first = await rowOf()
    expect(await db.read.selectFrom('scanPlace').selectAll().where('repoId', '=', repo.id).execute()).toHaveLength(1)
    expect((await scanOf(repo)).scansDone).toBe(true)
    // As fresh as can be: a visit changes nothing.
    expect(await visit()).toContain('ok')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await rowOf()).toEqual(first)
    const change = (to: { scanners?: string; state?: 'error'; scannedAt?: number }) =>
      running.hub.transaction((tx) =>
        tx
          .updateTable('contentScan')
          .set(to)
          .where('content', '=', first?.content ?? '')
          .execute(),
      )
    for (const [to, result] of [
      [{ scanners: 'yara of last year' }, 'old'],
      [{ state: 'error', scannedAt: 0 } as const, 'failed'],
    ] as const) {
      await change(to)
      await visit()
      await vi.waitFor(
        async () => expect(await rowOf(), result).toMatchObject({ state: 'done', scanners: first?.scanners }),
        { timeout: 20_000 },
      )
    }
    // What failed just now is not tried again by every visitor.
    await change({ state: 'error', scannedAt: Date.now() })
    await visit()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await rowOf()).toMatchObject({ state: 'error' })
  })

  test('MAL-4, MAL-5: badges, the banner, the report of a file; the banner goes when the file is gone from the branch', async () => {
    const tree = async () => (await get('/ada/pushed/tree/main', {})).text()
    const before = await tree()
    expect(before).toContain('2 files are unsafe.')
    expect(before).toMatch(/badge-error[^>]*>.{0,200}infected/s)
    expect(before).toContain('pickle: dangerous')
    expect(before).toMatch(/text-success[^>]*>.{0,200}ok/s)
    const file = await (await get('/ada/pushed/blob/main/bad.pkl', {})).text()
    expect(file).toContain('imports os.system')
    expect(file).toContain('2 files are unsafe.')
    expect(await (await get('/ada/pushed', {})).text()).toContain('2 files are unsafe.')
    await git.sh('cd pushed && git rm -q eicar.com bad.pkl && git commit -qm clean && git push -q $URL/ada/pushed main')
    expect(await tree()).not.toContain('unsafe')
    expect((await (await get('/api/models/ada/pushed/scan')).json()) as ScanJson).toMatchObject({ filesWithIssues: [] })
  })

  test('MAL-7: what is found in a private repo is told to its readers alone', async () => {
    await makeRepo(running.hub, ada, 'closed', { visibility: 'private' })
    const stranger = await makeToken(running.hub, await makeUser(running.hub, 'eve'))
    const asked = { authorization: `Bearer ${stranger.value}` }
    const hidden = await get('/api/models/ada/closed/scan', asked)
    const missing = await get('/api/models/ada/nothing/scan', asked)
    expect([hidden.status, await hidden.text()]).toEqual([missing.status, await missing.text()])
    expect((await get('/api/models/ada/closed/scan')).status).toBe(200)
  })
})

describe.skipIf(!hasClamd())('scanning with clamd', () => {
  test('MAL-6: clamd is down: the upload succeeds, the state stays queued with its reason; when it is back the result arrives', {
    timeout: 120_000,
  }, async () => {
    const clamd = await TestClamd.make()
    const running = await startHub({ env: { HOLDFAST_CLAMD: clamd.address, HOLDFAST_LOG_LEVEL: 'silent' } })
    try {
      const ada = await makeUser(running.hub, 'ada')
      const token = await makeToken(running.hub, ada)
      await makeRepo(running.hub, ada, 'waits')
      await using git = await gitClient(running.url, token.value)
      await git.sh(`git init -q waits && cd waits && git checkout -q -b main
        echo x${clamdMark}x > marked.txt; echo hello > notes.txt; printf '%s' '${eicar}' > eicar.com
        git add -A; git commit -qm one; git push -q $URL/ada/waits main`)
      const statuses = async () => {
        const answer = await fetch(`${running.url}/api/models/ada/waits/tree/main?expand=true`)
        return new Map(((await answer.json()) as FileJson[]).map((file) => [file.path, file.securityFileStatus]))
      }
      const wait = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 200 })
      // What another scanner finds is told at once; that it found nothing is no verdict yet.
      await wait(async () => expect((await statuses()).get('eicar.com')?.status).toBe('unsafe'))
      await wait(async () => {
        const page = await (await fetch(`${running.url}/ada/waits/tree/main`)).text()
        expect(page).toContain('queued for scanning: clamd at')
      })
      expect((await statuses()).get('notes.txt')).toMatchObject({ status: 'queued', avScan: { status: 'queued' } })
      await clamd.start()
      await wait(async () =>
        expect((await statuses()).get('notes.txt')).toMatchObject({ status: 'safe', avScan: { status: 'safe' } }),
      )
      await wait(async () =>
        expect((await statuses()).get('marked.txt')).toMatchObject({
          status: 'unsafe',
          avScan: { message: expect.stringContaining(clamdName) },
        }),
      )
      const scan = (await (await fetch(`${running.url}/api/models/ada/waits/scan`)).json()) as ScanJson
      expect(scan.filesWithIssues.map(({ path }) => path)).toEqual(['eicar.com', 'marked.txt'])
    } finally {
      await running.stop()
      await clamd.remove()
    }
  })
})
