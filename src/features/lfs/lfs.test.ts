import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import { gitClient, hasGitLfs } from '../../../tests/support/git-client.ts'
import { s3Environment } from '../../../tests/support/s3-servers.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { StrictS3 } from '../../../tests/support/strict-s3.ts'
import {
  makeRepo,
  makeToken,
  makeUser,
  type TestRepo,
  type TestToken,
  type TestUser,
} from '../../../tests/support/world.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { systemClock } from '../../platform/clock.ts'
import { collect } from './upkeep.ts'

interface Action {
  href: string
  header: Record<string, string>
}
interface BatchObject {
  oid: string
  size: number
  actions?: { upload?: Action; verify?: Action; download?: Action }
  error?: { code: number; message: string }
}
interface Batch {
  transfer: string
  hash_algo: string
  objects: BatchObject[]
}

const places = [
  ...dialects.map((dialect) => ({ dialect, bytes: 'the disk' })),
  { dialect: 'sqlite', bytes: 'S3' },
  { dialect: 'sqlite', bytes: 'S3, sent there' },
] as const

describe.each(places)('Git LFS on $dialect, bytes on $bytes', ({ dialect, bytes: place }) => {
  let running: TestHub
  let s3: StrictS3 | null = null
  let ada: TestUser
  let eve: TestUser
  let token: TestToken
  let stranger: TestToken
  let now = Date.now()

  beforeAll(async () => {
    s3 = place === 'the disk' ? null : await StrictS3.start()
    const env = {
      HOLDFAST_MULTIPART_PART: '1MiB',
      ...(s3 === null ? {} : s3Environment(s3.settings)),
      ...(place === 'S3, sent there' ? { HOLDFAST_S3_REDIRECT: 'true' } : {}),
    }
    running = await startHub({ env, clock: systemClock(() => now), dialect })
    ada = await makeUser(running.hub, 'ada')
    eve = await makeUser(running.hub, 'eve')
    token = await makeToken(running.hub, ada)
    stranger = await makeToken(running.hub, eve)
  })

  afterAll(async () => {
    await running.stop()
    await s3?.stop()
  })

  const body = (bytes: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const describeBytes = (bytes: Buffer) => ({ oid: sha256(bytes), size: bytes.length })

  function ask(repo: TestRepo, who: TestToken | null, input: object): Promise<Response> {
    return fetch(`${running.url}/${repo.address}.git/info/lfs/objects/batch`, {
      method: 'POST',
      headers: {
        accept: 'application/vnd.git-lfs+json',
        'content-type': 'application/vnd.git-lfs+json',
        ...(who === null ? {} : { authorization: `Bearer ${who.value}` }),
      },
      body: JSON.stringify({ hash_algo: 'sha_256', ...input }),
    })
  }

  async function batch(repo: TestRepo, who: TestToken | null, input: object): Promise<Batch> {
    const response = await ask(repo, who, input)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/vnd.git-lfs+json')
    return (await response.json()) as Batch
  }

  async function uploadAddress(repo: TestRepo, who: TestToken, object: { oid: string; size: number }): Promise<string> {
    const answer = await batch(repo, who, { operation: 'upload', objects: [object] })
    return answer.objects[0]?.actions?.upload?.href ?? ''
  }

  async function upload(repo: TestRepo, who: TestToken, bytes: Buffer): Promise<void> {
    const href = await uploadAddress(repo, who, describeBytes(bytes))
    expect((await fetch(href, { method: 'PUT', body: body(bytes) })).status).toBe(200)
  }

  async function isThere(repo: TestRepo, who: TestToken, bytes: Buffer): Promise<boolean> {
    const [object] = (await batch(repo, who, { operation: 'download', objects: [describeBytes(bytes)] })).objects
    return object?.error === undefined
  }

  describe('basic transfer', () => {
    test('up without any header, verified, known from then on, and down with ranges', async () => {
      const repo = await makeRepo(running.hub, ada, 'basic', { visibility: 'private' })
      const bytes = randomBytes(300_000)
      const object = describeBytes(bytes)
      const answer = await batch(repo, token, {
        operation: 'upload',
        transfers: ['basic', 'multipart'],
        objects: [object],
      })
      expect(answer).toMatchObject({ transfer: 'basic', hash_algo: 'sha256' })
      const { upload: up, verify } = answer.objects[0]?.actions ?? {}
      // Not stored yet: nothing to verify, nothing to download.
      const verified = () => fetch(verify?.href ?? '', { method: 'POST', body: JSON.stringify(object) })
      expect((await verified()).status).toBe(404)
      expect((await fetch(up?.href ?? '', { method: 'PUT', body: body(bytes) })).status).toBe(200)
      expect((await verified()).status).toBe(200)
      const again = await batch(repo, token, { operation: 'upload', objects: [object] })
      expect(again.objects).toEqual([object])
      const wrongSize = await batch(repo, token, { operation: 'upload', objects: [{ ...object, size: 1 }] })
      expect(wrongSize.objects[0]?.error?.code).toBe(422)
      const down = await batch(repo, token, {
        operation: 'download',
        objects: [object, { oid: 'ab'.repeat(32), size: 1 }],
      })
      expect(down.objects[1]?.error?.code).toBe(404)
      const href = down.objects[0]?.actions?.download?.href ?? ''
      expect(Buffer.from(await (await fetch(href)).arrayBuffer()).equals(bytes)).toBe(true)
      const part = await fetch(href, { headers: { range: 'bytes=10-19' } })
      expect(part.status).toBe(206)
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true)
    })

    test('anybody may download from a public repo, and only there', async () => {
      const repo = await makeRepo(running.hub, ada, 'public')
      const bytes = randomBytes(1000)
      await upload(repo, token, bytes)
      const down = await batch(repo, null, { operation: 'download', objects: [describeBytes(bytes)] })
      const href = down.objects[0]?.actions?.download?.href ?? ''
      expect((await fetch(href)).status).toBe(200)
      await running.hub.transaction((tx) =>
        tx.updateTable('repo').set({ visibility: 'private' }).where('id', '=', repo.id).execute(),
      )
      expect((await fetch(href)).status).toBe(401)
    })

    test('wrong hash, wrong length, too many bytes and a body that breaks off are refused, and nothing is stored', async () => {
      const repo = await makeRepo(running.hub, ada, 'broken')
      const bytes = randomBytes(50_000)
      const href = await uploadAddress(repo, token, describeBytes(bytes))
      const put = async (content: Buffer) => {
        const response = await fetch(href, { method: 'PUT', body: body(content) })
        return { status: response.status, ...((await response.json()) as { code: string; message: string }) }
      }
      expect(await put(randomBytes(50_000))).toMatchObject({ status: 400, code: 'hash_mismatch' })
      expect(await put(bytes.subarray(1))).toMatchObject({ status: 400, code: 'length_mismatch' })
      expect(await put(Buffer.concat([bytes, bytes]))).toMatchObject({ status: 400, code: 'length_mismatch' })
      // Chunked: the length is not announced, so it is counted.
      const chunked = await new Promise<number>((resolve, reject) => {
        const request = httpRequest(href, { method: 'PUT' }, (response) => resolve(response.statusCode ?? 0))
        request.on('error', reject)
        request.write(bytes)
        request.end(bytes)
      })
      expect(chunked).toBe(400)
      await new Promise<void>((resolve) => {
        const request = httpRequest(href, { method: 'PUT', headers: { 'content-length': bytes.length } })
        request.on('error', () => resolve())
        request.write(bytes.subarray(0, 20_000), () => setTimeout(() => request.destroy(), 50))
      })
      expect(await isThere(repo, token, bytes)).toBe(false)
      expect(await running.hub.blobs.findSize(objectNamed(sha256(bytes)))).toBeNull()
      expect((await put(bytes)).status).toBe(200)
      expect(await isThere(repo, token, bytes)).toBe(true)
    })

    test('what is not an object id or is too large is refused one by one; what is no batch is refused whole', async () => {
      const repo = await makeRepo(running.hub, ada, 'malformed')
      const objects = [
        { oid: '../../../etc/passwd', size: 1 },
        { oid: 'AB'.repeat(32), size: 1 },
        { oid: 'cd'.repeat(32), size: 10 ** 15 },
        { oid: 'ef'.repeat(32), size: 0 },
      ]
      const answer = await batch(repo, token, { operation: 'upload', objects })
      expect(answer.objects.map((object) => object.error?.code)).toEqual([422, 422, 422, undefined])
      for (const input of [{}, { operation: 'erase', objects: [] }, { operation: 'upload', objects: [{ oid: 1 }] }]) {
        expect((await ask(repo, token, input)).status).toBe(400)
      }
      const many = Array.from({ length: 1001 }, () => ({ oid: 'ab'.repeat(32), size: 1 }))
      expect((await ask(repo, token, { operation: 'download', objects: many })).status).toBe(400)
    })
  })

  describe('access', () => {
    test('upload needs the right to push: 401 asks for a token, 403 says why, 404 hides', async () => {
      const open = await makeRepo(running.hub, ada, 'open')
      const hidden = await makeRepo(running.hub, ada, 'hidden', { visibility: 'private' })
      const object = { operation: 'upload', objects: [{ oid: 'ab'.repeat(32), size: 1 }] }
      const anonymous = await ask(open, null, object)
      expect(anonymous.status).toBe(401)
      expect(anonymous.headers.get('lfs-authenticate')).toMatch(/^Basic/)
      expect((await ask(open, stranger, object)).status).toBe(403)
      expect((await ask(hidden, stranger, object)).status).toBe(404)
      expect((await ask(hidden, null, object)).status).toBe(401)
      const read = await makeToken(running.hub, ada, 'read')
      const refused = await ask(open, read, object)
      expect(refused.status).toBe(403)
      expect(await refused.json()).toMatchObject({ message: expect.stringContaining('this needs write') })
    })

    test('story: Eve knows the hash of a private file; knowing it gives her neither the bytes nor a link', async () => {
      const hers = await makeRepo(running.hub, eve, 'mirror')
      const secret = await makeRepo(running.hub, ada, 'secret', { visibility: 'private' })
      const bytes = randomBytes(4000)
      await upload(secret, token, bytes)
      const object = describeBytes(bytes)
      expect(await isThere(hers, stranger, bytes)).toBe(false)
      // She is asked for the bytes as if nobody had them ...
      const href = await uploadAddress(hers, stranger, object)
      expect(href).not.toBe('')
      // ... and other bytes do not pass for them.
      expect((await fetch(href, { method: 'PUT', body: body(randomBytes(4000)) })).status).toBe(400)
      expect(await isThere(hers, stranger, bytes)).toBe(false)
      // Whoever has them may send them; they are stored once.
      expect((await fetch(href, { method: 'PUT', body: body(bytes) })).status).toBe(200)
      expect(await isThere(hers, stranger, bytes)).toBe(true)
    })

    test('story: an address is changed, kept, or outlives its token; it opens nothing (AUTH-5)', async () => {
      const repo = await makeRepo(running.hub, ada, 'addresses')
      const other = await makeRepo(running.hub, ada, 'other')
      const doomed = await makeToken(running.hub, ada)
      const bytes = randomBytes(2000)
      const object = describeBytes(bytes)
      const href = await uploadAddress(repo, doomed, object)
      const put = async (address: string) => (await fetch(address, { method: 'PUT', body: body(bytes) })).status
      expect(await put(href.replace(repo.id, other.id))).toBe(403)
      expect(await put(href.replace(/size=\d+/, 'size=1'))).toBe(403)
      expect(await put(href.replace(/expires=\d+/, 'expires=99999999999999'))).toBe(403)
      expect(await put(href.replace(/&signature=.*/, ''))).toBe(403)
      expect(await put(href.replace(/signature=.{4}/, 'signature=0000'))).toBe(403)
      expect((await fetch(href)).status).toBe(403)
      // A refresh of the token ends what the old value began.
      const change = (set: object) =>
        running.hub.transaction((tx) => tx.updateTable('accessToken').set(set).where('id', '=', doomed.id).execute())
      now += 1000
      await change({ rotatedAt: now })
      expect(await put(href)).toBe(401)
      await change({ rotatedAt: null, role: 'read' })
      expect(await put(href)).toBe(403)
      await change({ role: 'write' })
      const before = now
      now += 25 * 3_600_000
      expect(await put(href)).toBe(403)
      now = before
      await running.hub.transaction((tx) => tx.deleteFrom('accessToken').where('id', '=', doomed.id).execute())
      expect(await put(href)).toBe(401)
      expect(await isThere(repo, token, bytes)).toBe(false)
    })

    test('story: a token is revoked while its upload runs; the bytes arrive, and the repo does not get them', async () => {
      const repo = await makeRepo(running.hub, ada, 'late')
      const doomed = await makeToken(running.hub, ada)
      const bytes = randomBytes(2000)
      const href = await uploadAddress(repo, doomed, describeBytes(bytes))
      const status = await new Promise<number>((resolve, reject) => {
        const options = { method: 'PUT', headers: { 'content-length': bytes.length } }
        const request = httpRequest(href, options, (response) => resolve(response.statusCode ?? 0))
        request.on('error', reject)
        request.write(bytes.subarray(0, 1000), async () => {
          await new Promise((done) => setTimeout(done, 100))
          await running.hub.transaction((tx) => tx.deleteFrom('accessToken').where('id', '=', doomed.id).execute())
          request.end(bytes.subarray(1000))
        })
      })
      expect(status).toBe(401)
      expect(await isThere(repo, token, bytes)).toBe(false)
    })
  })

  describe('multipart, as Hugging Face clients do it', () => {
    const begin = async (repo: TestRepo, bytes: Buffer) => {
      const input = { operation: 'upload', transfers: ['basic', 'multipart'], objects: [describeBytes(bytes)] }
      const answer = await batch(repo, token, input)
      expect(answer.transfer).toBe('multipart')
      const action = answer.objects[0]?.actions?.upload
      const { chunk_size, ...parts } = action?.header ?? {}
      return { href: action?.href ?? '', chunk: Number(chunk_size), parts: Object.entries(parts) }
    }
    const send = async (parts: [string, string][], chunk: number, bytes: Buffer) => {
      const sent: { partNumber: number; etag: string }[] = []
      for (const [number, href] of parts) {
        const at = (Number(number) - 1) * chunk
        const response = await fetch(href, { method: 'PUT', body: body(bytes.subarray(at, at + chunk)) })
        expect(response.status).toBe(200)
        sent.push({ partNumber: Number(number), etag: response.headers.get('etag') ?? '' })
      }
      return sent
    }
    const complete = (href: string, oid: string, parts: object[]) =>
      fetch(href, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.git-lfs+json' },
        body: JSON.stringify({ oid, parts }),
      })

    test('parts in order, joined and checked; completing twice is fine', async () => {
      const repo = await makeRepo(running.hub, ada, 'parts')
      const bytes = randomBytes(2_500_000)
      const { href, chunk, parts } = await begin(repo, bytes)
      expect(chunk).toBe(1 << 20)
      expect(parts.map(([number]) => number)).toEqual(['00001', '00002', '00003'])
      const sent = await send(parts, chunk, bytes)
      expect((await complete(href, sha256(bytes), sent.slice(1))).status).toBe(400)
      expect((await complete(href, 'ab'.repeat(32), sent)).status).toBe(400)
      const both = await Promise.all([complete(href, sha256(bytes), sent), complete(href, sha256(bytes), sent)])
      expect(both.map((response) => response.status)).toEqual([200, 200])
      expect((await complete(href, sha256(bytes), sent)).status).toBe(200)
      const [object] = (await batch(repo, token, { operation: 'download', objects: [describeBytes(bytes)] })).objects
      const down = await fetch(object?.actions?.download?.href ?? '')
      expect(Buffer.from(await down.arrayBuffer()).equals(bytes)).toBe(true)
      // A late writer of a part finds the upload gone.
      expect((await fetch(parts[0]?.[1] ?? '', { method: 'PUT', body: body(bytes.subarray(0, chunk)) })).status).toBe(
        403,
      )
    })

    test('a wrong part is found at the end, can be sent again, and a missing one is told', async () => {
      const repo = await makeRepo(running.hub, ada, 'wrong-part')
      const bytes = randomBytes(1_500_000)
      const { href, chunk, parts } = await begin(repo, bytes)
      const other = Buffer.from(bytes)
      other[0] = (other[0] ?? 0) ^ 1
      const [first, ...rest] = parts
      if (first === undefined) throw new Error('no parts')
      const sent = await send([first], chunk, other)
      const missing = await complete(href, sha256(bytes), [...sent, { partNumber: 2, etag: '"x"' }])
      expect(await missing.json()).toMatchObject({ code: 'length_mismatch' })
      sent.push(...(await send(rest, chunk, bytes)))
      expect(await (await complete(href, sha256(bytes), sent)).json()).toMatchObject({ code: 'hash_mismatch' })
      const short = await fetch(first[1], { method: 'PUT', body: body(bytes.subarray(0, 10)) })
      expect(short.status).toBe(400)
      // A client that begins again goes on with the same upload.
      expect((await begin(repo, bytes)).href.split('?')[0]).toBe(href.split('?')[0])
      await send([first], chunk, bytes)
      expect((await complete(href, sha256(bytes), sent)).status).toBe(200)
    })
  })

  describe.skipIf(!hasGitLfs())('with the real git-lfs', () => {
    test('push, clone, pull of one large file among small ones; locks hold others back', async () => {
      const { hub, url } = running
      const repo = await makeRepo(hub, ada, 'tour')
      await hub.transaction((tx) =>
        tx
          .insertInto('roleGrant')
          .values({
            targetId: repo.id,
            targetKind: 'repo',
            principalId: eve.id,
            principalKind: 'user',
            role: 'write',
            createdAt: 0,
            createdBy: null,
          })
          .execute(),
      )
      await using mine = await gitClient(url, token.value)
      await mine.sh(`
      git clone -q $URL/${repo.address} r && cd r
      git lfs track '*.bin' --lockable
      head -c 3000000 /dev/urandom > 'a model?#%.bin' && head -c 10 /dev/urandom > small.bin && echo hi > readme.txt
      git add -A && git commit -qm first && git push -q origin main`)
      await using hers = await gitClient(url, stranger.value, 'eve')
      await hers.sh(`git clone -q $URL/${repo.address}.git r`)
      const same = 'cd r && sha256sum "a model?#%.bin" small.bin'
      expect(await hers.sh(same)).toBe(await mine.sh(same))
      // Locks: hers is refused while mine holds, and she cannot break it; the owner can break hers.
      expect(await mine.sh('cd r && git lfs lock small.bin')).toContain('Locked small.bin')
      expect(await hers.fails('cd r && git lfs lock small.bin')).toMatch(/locked by ada|already (created|locked)/i)
      expect(await hers.sh('cd r && git lfs locks')).toContain('ada')
      expect(await hers.fails('cd r && git lfs unlock small.bin')).toMatch(/ada|403|belongs/i)
      expect(await hers.fails('cd r && git lfs unlock --force small.bin')).toMatch(/admin|403/i)
      const change =
        'cd r && git config --global lfs.locksverify true && chmod +w *.bin && echo x >> small.bin && git commit -qam change && git push origin main'
      expect(await hers.fails(change)).toMatch(/lock/i)
      await mine.sh('cd r && git lfs unlock small.bin')
      await hers.sh('cd r && git push -q origin main && git lfs lock readme.txt')
      expect(await mine.sh('cd r && git pull -q && git lfs unlock --force readme.txt && git lfs locks')).not.toContain(
        'eve',
      )
      const events = await hub.db.read
        .selectFrom('event')
        .select('action')
        .where('resourceId', '=', repo.id)
        .where('action', '=', 'repo.unlock_any')
        .execute()
      expect(events).toHaveLength(1)
    })

    test('an anonymous clone of a public repo gets the large files too', async () => {
      await using client = await gitClient(running.url, null)
      await client.sh('git clone -q $URL/ada/tour r && test $(stat -c %s "r/a model?#%.bin") = 3000000')
    })
  })

  describe('garbage collection', () => {
    test('an upload that no commit names is kept for its lease and then removed; what a commit names stays', async () => {
      const { hub } = running
      const repo = await makeRepo(hub, ada, 'garbage')
      const [kept, lost] = [randomBytes(1000), randomBytes(1000)]
      await upload(repo, token, kept)
      await upload(repo, token, lost)
      await hub.transaction((tx) =>
        tx.updateTable('repoBlob').set({ referencedAt: now }).where('sha256', '=', sha256(kept)).execute(),
      )
      const day = 24 * 3_600_000
      now += 27 * day
      await collect(hub, new AbortController().signal)
      expect(await isThere(repo, token, lost)).toBe(true)
      // "Already stored" is a promise: it renews the lease.
      await batch(repo, token, { operation: 'upload', objects: [describeBytes(lost)] })
      now += 27 * day
      await collect(hub, new AbortController().signal)
      expect(await isThere(repo, token, lost)).toBe(true)
      now += 2 * day
      await collect(hub, new AbortController().signal)
      expect(await isThere(repo, token, lost)).toBe(false)
      expect(await hub.blobs.findSize(objectNamed(sha256(lost)))).toBeNull()
      expect(await isThere(repo, token, kept)).toBe(true)
      expect(await hub.blobs.findSize(objectNamed(sha256(kept)))).toBe(1000)
      const row = await hub.db.read
        .selectFrom('repo')
        .select('usedStorage')
        .where('id', '=', repo.id)
        .executeTakeFirst()
      expect(row?.usedStorage).toBe(1000)
    })
  })
})
