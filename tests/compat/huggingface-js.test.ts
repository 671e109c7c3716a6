/** `@huggingface/hub`, unmodified, pointed here by `hubUrl`. It wants CORS, `_id`, absolute Link addresses and 404s with EntryNotFound. */
import * as hf from '@huggingface/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

describe('@huggingface/hub', () => {
  let hub: TestHub
  let options: { hubUrl: string; accessToken: string }

  beforeAll(async () => {
    hub = await startHub()
    options = { hubUrl: hub.url, accessToken: (await makeUser(hub, 'ada', { tokenRole: 'write' })).token }
  })
  afterAll(() => hub.stop())

  it('creates, uploads, lists, downloads and deletes', { timeout: 60_000 }, async () => {
    const repo = { type: 'model', name: 'ada/from-js' } as const
    const who = await hf.whoAmI(options)
    expect(who).toMatchObject({ type: 'user', name: 'ada', auth: { type: 'access_token' } })

    const created = await hf.createRepo({ ...options, repo, private: true, license: 'mit' })
    expect(created.repoUrl).toBe(`${hub.url}/ada/from-js`)
    expect(await hf.repoExists({ ...options, repo })).toBe(true)
    const readme = await hf.downloadFile({ ...options, repo, path: 'README.md' })
    expect(await readme?.text()).toContain('license: mit')

    await hf.uploadFiles({
      ...options,
      repo,
      files: [
        { path: 'small.txt', content: new Blob(['small']) },
        { path: 'nested/large.bin', content: new Blob([new Uint8Array(2_000_000).fill(3)]) },
      ],
      useXet: false,
    })
    const paths: string[] = []
    for await (const file of hf.listFiles({ ...options, repo, recursive: true })) paths.push(file.path)
    expect(paths).toEqual(
      expect.arrayContaining(['small.txt', 'nested', 'nested/large.bin', 'README.md', '.gitattributes']),
    )

    const info = await hf.fileDownloadInfo({ ...options, repo, path: 'nested/large.bin' })
    expect(info?.size).toBe(2_000_000)
    expect(await hf.fileExists({ ...options, repo, path: 'small.txt' })).toBe(true)
    expect(await hf.fileExists({ ...options, repo, path: 'absent.txt' })).toBe(false)
    expect(await hf.downloadFile({ ...options, repo, path: 'absent.txt' })).toBe(null)
    const large = await hf.downloadFile({ ...options, repo, path: 'nested/large.bin' })
    expect((await large?.arrayBuffer())?.byteLength).toBe(2_000_000)

    await hf.deleteFile({ ...options, repo, path: 'small.txt' })
    expect(await hf.fileExists({ ...options, repo, path: 'small.txt' })).toBe(false)
    expect(await hf.countCommits({ ...options, repo })).toBeGreaterThanOrEqual(3)
    const titles: string[] = []
    for await (const commit of hf.listCommits({ ...options, repo })) titles.push(commit.title)
    expect(titles.at(-1)).toBe('initial commit')

    await hf.createBranch({ ...options, repo, branch: 'dev' })
    await hf.deleteBranch({ ...options, repo, branch: 'dev' })
    const model = await hf.modelInfo({ ...options, name: 'ada/from-js' })
    expect(model).toMatchObject({ name: 'ada/from-js', private: true })
    const mine: string[] = []
    for await (const found of hf.listModels({ ...options, search: { owner: 'ada' } })) mine.push(found.name)
    expect(mine).toContain('ada/from-js')

    await hf.deleteRepo({ ...options, repo })
    expect(await hf.repoExists({ ...options, repo })).toBe(false)
  })
})
