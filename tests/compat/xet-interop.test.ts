/**
 * What came by one door leaves by every other: files that the Python client uploaded by Xet are read by git-lfs, by the JavaScript client,
 * by a plain GET and by a client that wants no Xet, and the other way round. An upload that was killed is repeated as if nothing had been.
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as js from '@huggingface/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../support/accounts.ts'
import { gitClient, hasGitLfs } from '../support/git-client.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { expectSuccess, findPython, type Ran, runClient } from './clients.ts'

const sizes = { 'empty.bin': 0, 'one.bin': 1, 'small.bin': 8_192, 'large.bin': 64 << 20 }

describe('Xet and its neighbours', () => {
  const python = findPython('newest')
  const hf = path.join(path.dirname(python ?? ''), 'hf')
  let at: TestHub
  let token: string
  let folder: string
  const repo = 'ada/doors'
  const contents = new Map(Object.entries(sizes).map(([name, size]) => [name, randomBytes(size)]))

  beforeAll(async () => {
    at = await startHub()
    token = (await makeUser(at, 'ada', { tokenRole: 'write' })).token
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-doors-'))
    for (const [name, bytes] of contents) await writeFile(path.join(folder, name), bytes)
  })
  afterAll(async () => {
    await at.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const client = (program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
    runClient(program, args, { cwd: folder, env: { HF_ENDPOINT: at.url, HF_TOKEN: token, TOKEN: token, ...env } })

  it.skipIf(python === null)(
    'uploads as it comes, and downloads with an empty cache',
    { timeout: 240_000 },
    async () => {
      expectSuccess(await client(hf, ['upload', repo, folder, '.', '--private']))
      for (const disabled of ['0', '1']) {
        const target = path.join(folder, `fetched-${disabled}`)
        expectSuccess(await client(hf, ['download', repo, '--local-dir', target], { HF_HUB_DISABLE_XET: disabled }))
        for (const [name, bytes] of contents) {
          expect(digest(await readFile(path.join(target, name))), `${name} ${disabled}`).toBe(digest(bytes))
        }
        await rm(target, { recursive: true })
      }
    },
  )

  it.skipIf(python === null)('a plain GET reads any part, under the same ETag', async () => {
    const bytes = contents.get('large.bin') ?? Buffer.alloc(0)
    const get = (range: string) =>
      fetch(`${at.url}/${repo}/resolve/main/large.bin`, { headers: { authorization: `Bearer ${token}`, range } })
    for (const [from, to] of [
      [0, 0],
      [1_000_003, 9_000_007],
      [bytes.length - 5, bytes.length - 1],
    ] as const) {
      const response = await get(`bytes=${from}-${to}`)
      expect(response.status).toBe(206)
      expect(response.headers.get('etag')).toBe(`"${digest(bytes)}"`)
      expect(digest(new Uint8Array(await response.arrayBuffer()))).toBe(digest(bytes.subarray(from, to + 1)))
    }
    expect((await get(`bytes=${bytes.length}-`)).status).toBe(416)
  })

  it.skipIf(python === null || !hasGitLfs())(
    'git-lfs clones it, and what git-lfs pushes is downloaded',
    { timeout: 120_000 },
    async () => {
      await using git = await gitClient(at.url, token)
      await git.sh(`git clone -q $URL/${repo} r`)
      for (const [name, bytes] of contents) {
        expect(digest(await readFile(path.join(git.folder, 'r', name))), name).toBe(digest(bytes))
      }
      await git.sh(
        'cd r && head -c 5000000 /dev/urandom > pushed.bin && git add -A && git commit -qm pushed && git push -q',
      )
      const target = path.join(folder, 'pushed')
      expectSuccess(await client(hf, ['download', repo, 'pushed.bin', '--local-dir', target]))
      const pushed = await readFile(path.join(git.folder, 'r', 'pushed.bin'))
      expect(digest(await readFile(path.join(target, 'pushed.bin')))).toBe(digest(pushed))
      await rm(target, { recursive: true })
    },
  )

  it.skipIf(python === null)('the JavaScript client reads it by Xet', { timeout: 60_000 }, async () => {
    const params = {
      hubUrl: at.url,
      accessToken: token,
      repo: { type: 'model', name: repo },
      path: 'large.bin',
    } as const
    expect((await js.fileDownloadInfo(params))?.xet?.hash).toMatch(/^[0-9a-f]{64}$/)
    const blob = await js.downloadFile(params)
    expect(digest(new Uint8Array((await blob?.arrayBuffer()) ?? []))).toBe(digest(contents.get('large.bin') ?? []))
  })

  it.skipIf(python === null)('a file is copied to another repo without its bytes', { timeout: 60_000 }, async () => {
    const script = fileURLToPath(new URL('./python/xet_copy.py', import.meta.url))
    const env = { SOURCE: repo, TARGET: 'ada/copies', FILE: 'large.bin' }
    expect(expectSuccess(await client(python ?? '', [script], env))).toContain('ok')
    const target = path.join(folder, 'copies')
    expectSuccess(await client(hf, ['download', 'ada/copies', 'copied.bin', '--local-dir', target]))
    expect(digest(await readFile(path.join(target, 'copied.bin')))).toBe(digest(contents.get('large.bin') ?? []))
    await rm(target, { recursive: true })
  })

  it.skipIf(python === null)('an upload that was killed half-way is repeated', { timeout: 240_000 }, async () => {
    const bytes = randomBytes(160 << 20)
    const file = path.join(folder, 'killed.bin')
    await writeFile(file, bytes)
    const home = await mkdtemp(path.join(tmpdir(), 'holdfast-home-'))
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      HF_HOME: path.join(home, 'hf'),
      HF_ENDPOINT: at.url,
      HF_TOKEN: token,
    }
    const xorbs = async () =>
      Number(
        (
          await at.hub.db.read
            .selectFrom('xorb')
            .select((e) => e.fn.countAll().as('count'))
            .executeTakeFirstOrThrow()
        ).count,
      )
    const before = await xorbs()
    const first = spawn(hf, ['upload', repo, file, 'killed.bin'], { env, stdio: 'ignore' })
    const ended = once(first, 'exit')
    await expect.poll(xorbs, { timeout: 60_000, interval: 20 }).toBeGreaterThan(before)
    first.kill('SIGKILL')
    await ended
    expectSuccess(await runClient(hf, ['upload', repo, file, 'killed.bin'], { env, home }))
    const target = path.join(folder, 'repeated')
    expectSuccess(await client(hf, ['download', repo, 'killed.bin', '--local-dir', target]))
    expect(digest(await readFile(path.join(target, 'killed.bin')))).toBe(digest(bytes))
    await rm(home, { recursive: true, force: true })
  })
})

function digest(bytes: Uint8Array | readonly number[]): string {
  return createHash('sha256')
    .update(bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes))
    .digest('hex')
}
