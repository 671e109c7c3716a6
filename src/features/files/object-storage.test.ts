/** Files of repos whose bytes lie in an object storage: through the hub, and sent there. */
import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { s3Environment } from '../../../tests/support/s3-servers.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { StrictS3 } from '../../../tests/support/strict-s3.ts'
import { fillRepo, makeRepo, makeToken, makeUser, type TestRepo, type TestToken } from '../../../tests/support/world.ts'
import { formatLfsPointer } from '../../domain/lfs-pointer.ts'
import { linkBlob, prepareBlob } from '../storage/service.ts'

const bytes = randomBytes(3_000_000)
const blob = { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }

describe.each([false, true])('An object storage; sent there: %s', (isRedirecting) => {
  let s3: StrictS3
  let running: TestHub
  let repo: TestRepo
  let token: TestToken
  let head: string

  beforeAll(async () => {
    s3 = await StrictS3.start()
    running = await startHub({ env: { ...s3Environment(s3.settings), HOLDFAST_S3_REDIRECT: String(isRedirecting) } })
    const { hub } = running
    const ada = await makeUser(hub, 'ada')
    token = await makeToken(hub, ada)
    repo = await makeRepo(hub, ada, 'large', { visibility: 'private' })
    const script = `printf '%s' '${formatLfsPointer(blob)}' > 'm odel.bin'; echo hi > a.txt; git add -A; git commit -qm one`
    head = await fillRepo(hub, repo, script)
    await prepareBlob(hub, blob)
    await hub.blobs.put(Readable.from([Buffer.from(bytes)]), blob)
    await hub.transaction((tx) => linkBlob(tx, repo.id, blob, hub.clock.now()))
  })

  afterAll(async () => {
    await running.stop()
    await s3.stop()
  })

  const get = (headers: Record<string, string> = {}, options: RequestInit = {}, query = '') =>
    fetch(`${running.url}/${repo.address}/resolve/main/m%20odel.bin${query}`, {
      ...options,
      headers: { authorization: `Bearer ${token.value}`, ...headers },
    })
  const content = async (response: Response) => Buffer.from(await response.arrayBuffer())

  test('whole and in ranges, the same bytes', async () => {
    const whole = await get()
    expect(whole.status).toBe(200)
    expect((await content(whole)).equals(bytes)).toBe(true)
    const some = await get({ range: 'bytes=1000000-2500000' })
    expect([some.status, some.headers.get('content-range')]).toEqual([206, 'bytes 1000000-2500000/3000000'])
    expect((await content(some)).equals(bytes.subarray(1_000_000, 2_500_001))).toBe(true)
    const last = await get({ range: 'bytes=-1500000' })
    expect((await content(last)).equals(bytes.subarray(1_500_000))).toBe(true)
    expect(new URL(whole.url).hostname).toBe(isRedirecting ? '127.0.0.1' : 'localhost')
  })

  test('HEAD, small ranges, "not modified" and refusals are answered by the hub itself, with everything', async () => {
    const asked = await get({}, { method: 'HEAD', redirect: 'manual' })
    expect(asked.status).toBe(200)
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'content-length': '3000000',
      etag: `"${blob.sha256}"`,
      'x-repo-commit': head,
      'x-linked-size': '3000000',
      'x-linked-etag': `"${blob.sha256}"`,
      'accept-ranges': 'bytes',
    })
    const first = await get({ range: 'bytes=0-0' }, { redirect: 'manual' })
    expect([first.status, (await content(first)).equals(bytes.subarray(0, 1))]).toEqual([206, true])
    const known = await get({ 'if-none-match': `"${blob.sha256}"` }, { redirect: 'manual' })
    expect(known.status).toBe(304)
    expect((await get({ range: 'bytes=3000000-' }, { redirect: 'manual' })).status).toBe(416)
    expect((await get({ authorization: '' }, { redirect: 'manual' })).status).toBe(401)
    // Of another version: the whole, as the hub compares it.
    const other = await get({ range: 'bytes=0-1999999', 'if-range': '"another"' }, { redirect: 'manual' })
    expect([other.status, (await content(other)).equals(bytes)]).toEqual([200, true])
  })

  test.runIf(isRedirecting)(
    'a client is sent to another host, for minutes, with the headers of the answer and no token',
    async () => {
      const sent = await get({}, { redirect: 'manual' }, '?download=true')
      expect(sent.status).toBe(302)
      const location = new URL(sent.headers.get('location') ?? '')
      expect(location.hostname).not.toBe(new URL(running.url).hostname)
      expect(location.href).not.toContain(token.value)
      expect(location.searchParams.get('X-Amz-Expires')).toBe('300')
      expect(sent.headers.get('cache-control')).toBe('no-store')
      expect(sent.headers.get('x-repo-commit')).toBe(head)
      expect(sent.headers.get('x-linked-etag')).toBe(`"${blob.sha256}"`)
      const before = s3.seen.length
      const answer = await fetch(location)
      expect(answer.headers.get('content-type')).toBe('application/octet-stream')
      expect(answer.headers.get('content-disposition')).toContain("attachment; filename*=UTF-8''m%20odel.bin")
      expect((await content(answer)).equals(bytes)).toBe(true)
      expect(s3.seen.slice(before).every((request) => request.headers.authorization === undefined)).toBe(true)
    },
  )

  test('what a browser wants for a page comes from the hub: pages let nothing else in', async () => {
    const asked: Record<string, string>[] = [
      { 'sec-fetch-dest': 'video' },
      { 'sec-fetch-dest': 'empty' },
      { accept: 'image/avif,image/*' },
    ]
    for (const headers of asked) {
      const answer = await get(headers, { redirect: 'manual' })
      expect([answer.status, (await content(answer)).length]).toEqual([200, bytes.length])
    }
    const opened = await get({ 'sec-fetch-dest': 'document' }, { redirect: 'manual' })
    expect(opened.status).toBe(isRedirecting ? 302 : 200)
    await content(opened)
  })

  test('a client that goes away in the middle frees the connection to the store', async () => {
    const url = new URL(`${running.url}/${repo.address}/resolve/main/m%20odel.bin`)
    const headers = { authorization: `Bearer ${token.value}`, 'if-range': '"none"' }
    for (let turn = 0; turn < 5; turn++) {
      await new Promise<void>((resolve, reject) => {
        const request = httpRequest(url, { headers }, (response) => {
          response.once('data', () => {
            response.destroy()
            resolve()
          })
        })
        request.once('error', reject)
        request.end()
      })
    }
    expect((await content(await get())).equals(bytes)).toBe(true)
  })

  test('a store that is away: a clear answer, small files and the rest of the hub go on', async () => {
    await s3.sleep()
    try {
      const refused = await get({}, { redirect: 'manual' })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('10')
      expect(await refused.json()).toMatchObject({ code: 'store_unreachable' })
      const small = await fetch(`${running.url}/${repo.address}/resolve/main/a.txt`, {
        headers: { authorization: `Bearer ${token.value}` },
      })
      expect(await small.text()).toBe('hi\n')
    } finally {
      await s3.wake()
    }
    expect((await content(await get())).equals(bytes)).toBe(true)
  })

  test('an object that is gone from the store is told before the answer begins', async () => {
    const [[key, stored] = []] = [...s3.objects].filter(([name]) => name.endsWith(blob.sha256))
    if (key === undefined || stored === undefined) throw new Error('It is not there.')
    s3.objects.delete(key)
    expect((await get({}, { redirect: 'manual' })).status).toBe(404)
    s3.objects.set(key, stored)
  })
})
