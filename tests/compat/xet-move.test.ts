/**
 * What git-lfs pushed moves into Xet storage while everybody uses it: the newest Python client then downloads it by Xet, git-lfs clones it,
 * ranges and ETags stay what they were, and versions that come later, by either door, store only what is new.
 */
import { createHash } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askForMove } from '../../src/features/storage/service.ts'
import { objectNamed } from '../../src/platform/blobs/blob-store.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { makeUser } from '../support/accounts.ts'
import { dialects } from '../support/databases.ts'
import { gitClient, hasGitLfs } from '../support/git-client.ts'
import { s3Environment } from '../support/s3-servers.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { StrictS3 } from '../support/strict-s3.ts'
import { expectSuccess, findPython, type Ran, runClient } from './clients.ts'

const places = [...dialects.map((dialect) => ({ dialect, store: 'disk' })), { dialect: 'sqlite', store: 'S3' }] as const
const requests = channel('http.server.request.start')

/** Of no pattern, and the same each time: where bytes are cut decides how many chunks around the new ones are new too. */
function bytesOf(name: string, outputLength: number): Buffer {
  return createHash('shake256', { outputLength }).update(name).digest()
}

describe.each(places)('a hub on $dialect and $store', ({ dialect, store }) => {
  const python = findPython('newest')
  const hf = path.join(path.dirname(python ?? ''), 'hf')
  const isLeftOut = python === null || !hasGitLfs()
  const repo = 'ada/pushed'
  const first = Buffer.concat([
    bytesOf('head', 11_000_000),
    Buffer.from(bytesOf('hex', 2_500_000).toString('hex')),
    bytesOf('tail', 1_000_000),
  ])
  const second = Buffer.concat([first.subarray(0, 4_000_000), bytesOf('new', 500), first.subarray(4_000_000)])
  let s3: StrictS3 | null = null
  let at: TestHub
  let token: string
  let folder: string
  let laterMs = 0
  const asked: string[] = []
  const listen = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage }
    asked.push(`${request.method} ${request.url}`)
  }

  beforeAll(async () => {
    s3 = store === 'S3' ? await StrictS3.start() : null
    const env = s3 === null ? {} : { ...s3Environment(s3.settings), HOLDFAST_S3_REDIRECT: 'true' }
    at = await startHub({ dialect, env, clock: systemClock(() => Date.now() + laterMs) })
    token = (await makeUser(at, 'ada', { tokenRole: 'write' })).token
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-move-'))
    requests.subscribe(listen)
  })
  afterAll(async () => {
    requests.unsubscribe(listen)
    await at.stop()
    await s3?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const client = (args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
    runClient(hf, args, { cwd: folder, env: { HF_ENDPOINT: at.url, HF_TOKEN: token, ...env } })
  const rowOf = (bytes: Buffer) =>
    at.hub.db.read.selectFrom('blob').selectAll().where('sha256', '=', digest(bytes)).executeTakeFirstOrThrow()
  const get = (range: string, method = 'GET') =>
    fetch(`${at.url}/${repo}/resolve/main/large.bin`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(range === '' ? {} : { range }) },
    })
  const storedXorbs = async (): Promise<number> => {
    const rows = await at.hub.db.read.selectFrom('xorb').select('size').execute()
    return rows.reduce((sum, row) => sum + row.size, 0)
  }
  const download = async (env: Record<string, string> = {}): Promise<Buffer> => {
    const target = await mkdtemp(path.join(folder, 'fetched-'))
    expectSuccess(await client(['download', repo, 'large.bin', '--local-dir', target], env))
    return await readFile(path.join(target, 'large.bin'))
  }

  /** By the server's own job. */
  async function move(bytes: Buffer): Promise<void> {
    await askForMove(at.hub)
    await expect.poll(async () => (await rowOf(bytes)).hasObject, { timeout: 30_000, interval: 50 }).toBe(0)
    laterMs += 2 * 3_600_000
    await askForMove(at.hub)
    const name = objectNamed(digest(bytes))
    await expect.poll(() => at.hub.blobs.findSize(name), { timeout: 30_000, interval: 50 }).toBeNull()
  }

  it.skipIf(isLeftOut)(
    'what git-lfs pushed is downloaded by Xet, cloned, and read in parts as before',
    { timeout: 180_000 },
    async () => {
      await using git = await gitClient(at.url, token)
      await fetch(`${at.url}/api/repos/create`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'model', name: 'pushed', private: true }),
      })
      await writeFile(path.join(git.folder, 'large.bin'), first)
      await git.sh(
        `git clone -q $URL/${repo} r; cd r; git lfs track '*.bin'; mv ../large.bin .; git add -A; git commit -qm one; git push -q`,
      )
      expect(await rowOf(first)).toMatchObject({ hasObject: 1, xetHash: null })
      const ranges = ['', 'bytes=0-0', 'bytes=3999990-9000007', 'bytes=-5', `bytes=${first.length}-`]
      const answers = async () =>
        await Promise.all(
          ranges.map(async (range) => {
            const answer = await get(range)
            const { headers, status } = answer
            const kept = ['etag', 'content-range', 'content-length', 'accept-ranges'].map((name) => headers.get(name))
            // The store sends some of them by itself, with an ETag of its own.
            const etag = new URL(answer.url).host === new URL(at.url).host ? kept[0] : null
            return [status, digest(new Uint8Array(await answer.arrayBuffer())), etag === null ? null : kept]
          }),
        )
      const head = async () => {
        const { headers, status } = await get('', 'HEAD')
        const names = ['etag', 'content-length', 'x-repo-commit', 'x-linked-size', 'x-linked-etag', 'accept-ranges']
        return [status, ...names.map((name) => headers.get(name))]
      }
      const before = [await head(), await answers()]
      expect((await get('', 'HEAD')).headers.get('x-xet-hash')).toBeNull()

      await move(first)
      const after = [await head(), await answers()]
      if (s3 === null) expect(after).toEqual(before)
      else
        expect([after[0], (after[1] as unknown[][]).map(([status, sum]) => [status, sum])]).toEqual([
          before[0],
          (before[1] as unknown[][]).map(([status, sum]) => [status, sum]),
        ])
      expect((await get('', 'HEAD')).headers.get('x-xet-hash')).toBe((await rowOf(first)).xetHash)
      asked.length = 0
      expect(digest(await download())).toBe(digest(first))
      expect(asked.filter((line) => line.includes('/reconstructions/')).length).toBeGreaterThan(0)
      expect(digest(await download({ HF_HUB_DISABLE_XET: '1' }))).toBe(digest(first))
      await git.sh(`rm -rf r; git clone -q $URL/${repo} r`)
      expect(digest(await readFile(path.join(git.folder, 'r', 'large.bin')))).toBe(digest(first))
    },
  )

  it.skipIf(isLeftOut)(
    'a later version by git-lfs stores what is new, and so does one by Xet',
    { timeout: 180_000 },
    async () => {
      await using git = await gitClient(at.url, token)
      const before = await storedXorbs()
      await writeFile(path.join(git.folder, 'large.bin'), second)
      await git.sh(`git clone -q $URL/${repo} r; mv large.bin r; cd r; git commit -qam two; git push -q`)
      await move(second)
      expect((await storedXorbs()) - before).toBeLessThan(400_000)
      expect(digest(await download())).toBe(digest(second))

      // The same boundaries as the client's: what it sends of the same bytes is nothing, and the file has the same name.
      const file = path.join(folder, 'same.bin')
      await writeFile(file, second)
      const stored = await storedXorbs()
      asked.length = 0
      expectSuccess(await client(['upload', 'ada/by-xet', file, 'same.bin', '--private']))
      expect(asked.filter((line) => line.startsWith('POST') && line.includes('/v1/xorbs/'))).toEqual([])
      expect(await storedXorbs()).toBe(stored)
      const { headers } = await fetch(`${at.url}/ada/by-xet/resolve/main/same.bin`, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${token}` },
      })
      expect(headers.get('x-xet-hash')).toBe((await rowOf(second)).xetHash)
      const files = await at.hub.db.read
        .selectFrom('xetFile')
        .select('hash')
        .where('sha256', '=', digest(second))
        .execute()
      expect(files).toHaveLength(1)
    },
  )
})

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
