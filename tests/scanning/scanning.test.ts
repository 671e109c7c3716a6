/** Files are scanned however they come, results stand at the content, and what is found is said on every surface. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dialects } from '../support/databases.ts'
import { type GitClient, gitClient } from '../support/git-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { makeRepo, makeToken, makeUser, type TestRepo, type TestToken, type TestUser } from '../support/world.ts'
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
})
