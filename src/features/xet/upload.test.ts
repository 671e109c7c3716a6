/**
 * Uploads by Xet over HTTP, as a client does them, and as somebody does who wants what is not theirs: bytes of another scope, a known
 * SHA-256 before other bytes, a server that runs out of memory. After each refusal nothing is stored.
 */
import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { compressFrameSync } from 'lz4-napi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrganization } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { makeRepo, makeToken, makeUser, type TestRepo, type TestUser } from '../../../tests/support/world.ts'
import {
  type CasConnection,
  cas,
  chunkBytes,
  connect,
  lengthOf,
  makeFile,
  makeShard,
  makeXorb,
  postShard,
  postXorb,
  sha256,
  type TestXorb,
} from '../../../tests/support/xet-upload.ts'
import { systemClock } from '../../platform/clock.ts'
import { hashToString } from '../../platform/xet/hash.ts'
import { findLinkedBlob, openXetRange, xorbNamed } from '../storage/service.ts'

describe.each(dialects)('uploads by Xet on %s', (dialect) => {
  let at: TestHub
  let ada: TestUser
  let eve: TestUser
  let token: string
  let stranger: string
  const now = Date.now()
  let repos = 0

  beforeAll(async () => {
    at = await startHub({ clock: systemClock(() => now), dialect, env: { HOLDFAST_MAX_FILE: '8MiB' } })
    ada = await makeUser(at.hub, 'ada')
    eve = await makeUser(at.hub, 'eve')
    token = (await makeToken(at.hub, ada)).value
    stranger = (await makeToken(at.hub, eve)).value
  })
  afterAll(() => at.stop())

  const newRepo = (owner = ada): Promise<TestRepo> =>
    makeRepo(at.hub, owner, `repo-${++repos}`, { visibility: 'private' })
  async function open(owner = ada): Promise<{ repo: TestRepo; connection: CasConnection }> {
    const repo = await newRepo(owner)
    const who = owner === ada ? token : stranger
    return { repo, connection: await connect(at.url, `${repo.namespace}/${repo.name}`, 'write', who) }
  }
  const newXorb = (count = 3, size = 20_000): TestXorb =>
    makeXorb(Array.from({ length: count }, () => randomBytes(size)))
  const linked = (repo: TestRepo, oid: string) => findLinkedBlob(at.hub.db, repo.id, oid)
  const isStored = async (hash: string): Promise<boolean> => (await at.hub.blobs.findSize(xorbNamed(hash))) !== null

  async function counts(): Promise<Record<string, number>> {
    const result: Record<string, number> = {}
    for (const table of ['xorb', 'xorbScope', 'xetFile', 'xetFileXorb', 'xetChunk', 'blob', 'repoBlob'] as const) {
      const { count } = await at.hub.db.list
        .selectFrom(table)
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      result[table] = Number(count)
    }
    return result
  }

  async function expectRefused(
    connection: CasConnection,
    shard: Buffer,
    code: number | 'line',
    words: RegExp | string,
  ): Promise<void> {
    const before = await counts()
    const { status, last, lines } = await postShard(connection, shard)
    if (code === 'line') {
      expect(status).toBe(200)
      expect(last).toMatchObject({ type: 'error', retryable: false, message: expect.stringMatching(words) })
    } else {
      expect(status, lines.join()).toBe(code)
      expect(JSON.stringify(last)).toMatch(words)
    }
    expect(await counts()).toEqual(before)
  }

  test('xorbs, then a shard: the repo links the bytes by their SHA-256, and they read back', async () => {
    const { repo, connection } = await open()
    const [one, two] = [newXorb(), newXorb()]
    for (const xorb of [one, two]) {
      const answer = await postXorb(connection, xorb)
      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { was_inserted: true }])
    }
    const file = makeFile([
      { xorb: one, start: 1, end: 3 },
      { xorb: two, start: 0, end: 2 },
      { xorb: one, start: 0, end: 1 },
    ])
    const { status, last, lines } = await postShard(connection, makeShard([file], [one, two]))
    expect([status, last], lines.join('\n')).toEqual([200, { type: 'result' }])
    expect(JSON.parse(lines[0] ?? '')).toEqual({ type: 'validating', verified: 0, total: 0 })
    expect(await linked(repo, file.sha256)).toEqual({ sha256: file.sha256, size: file.raw.length })
    const read = await openXetRange(at.hub, file.hash, 0, file.raw.length - 1)
    expect(Buffer.concat(await read.toArray()).equals(file.raw)).toBe(true)
    const { usedStorage } = await at.hub.db.read
      .selectFrom('repo')
      .select('usedStorage')
      .where('id', '=', repo.id)
      .executeTakeFirstOrThrow()
    expect(usedStorage).toBe(file.raw.length)
    // Again, and by the first version: nothing changes.
    const before = await counts()
    const again = await cas(connection, 'POST', '/v1/shards', { body: makeShard([file], [one, two]) })
    expect([again.status, again.text]).toEqual([200, '{"result":0}'])
    expect(await counts()).toEqual(before)
  })

  test('a xorb that the scope has is read and not taken again; newer clients need not even send it', async () => {
    const { connection } = await open()
    const xorb = newXorb()
    const grant = () => cas(connection, 'POST', `/v1/xorb-grants/default/${xorb.hash}`, { body: Buffer.from('{}') })
    const head = () => cas(connection, 'HEAD', `/v1/xorbs/default/${xorb.hash}`)
    expect([(await grant()).status, (await head()).status]).toEqual([404, 404])
    await postXorb(connection, xorb)
    const again = await postXorb(connection, xorb)
    expect([again.status, again.text]).toEqual([200, '{"was_inserted":false}'])
    expect([(await grant()).status, (await head()).status]).toEqual([200, 200])
  })

  test('the same xorb from ten at once, in two serializations, is stored once and whole', async () => {
    const raws = [Buffer.alloc(50_000, 'a'), Buffer.alloc(60_000, 'b')]
    const plain = makeXorb(raws)
    const packed = { ...plain, bytes: Buffer.concat(raws.map((raw) => chunkBytes(raw, lz4(raw), 1, raw.length))) }
    const { connection } = await open()
    const others = await open(eve)
    const sent = Array.from({ length: 10 }, (_, index) =>
      postXorb(index % 2 === 0 ? connection : others.connection, index % 3 === 0 ? packed : plain),
    )
    for (const answer of await Promise.all(sent)) expect(answer.status, answer.text).toBe(200)
    const file = makeFile([{ xorb: plain, start: 0, end: 2 }])
    for (const to of [connection, others.connection]) {
      expect((await postShard(to, makeShard([file], [plain]))).last).toEqual({ type: 'result' })
    }
    const read = await openXetRange(at.hub, file.hash, 0, file.raw.length - 1)
    expect(Buffer.concat(await read.toArray()).equals(file.raw)).toBe(true)
  })

  test('an empty file, one without SHA-256, and many small ones in one shard', async () => {
    const { repo, connection } = await open()
    const empty = makeFile([])
    expect(empty.hash).toBe('0'.repeat(64))
    const xorb = newXorb(450, 300)
    await postXorb(connection, xorb)
    const files = xorb.chunks.map((_, start) => makeFile([{ xorb, start, end: start + 1 }]))
    expect((await postShard(connection, makeShard([empty, ...files], [xorb]))).last).toEqual({ type: 'result' })
    for (const file of [empty, files[0], files[449]]) expect(await linked(repo, file?.sha256 ?? '')).not.toBeNull()
    const whole = makeFile([{ xorb, start: 0, end: 450 }])
    expect((await postShard(connection, makeShard([whole], [], { sha256: null }))).last).toEqual({ type: 'result' })
    expect(await linked(repo, whole.sha256)).not.toBeNull()
    const other = makeFile([{ xorb, start: 0, end: 20 }])
    expect((await postShard(connection, makeShard([other], [], { verification: null }))).last).toEqual({
      type: 'result',
    })
  })

  test('a repo that moves takes the xorbs along that are its own, and none that it shares', async () => {
    const organization = await makeOrganization(at, `acme-${dialect}`, ada)
    const { repo, connection } = await open()
    const stays = await open()
    const [own, shared] = [newXorb(), newXorb()]
    for (const xorb of [own, shared]) await postXorb(connection, xorb)
    const both = makeFile([
      { xorb: own, start: 0, end: 3 },
      { xorb: shared, start: 0, end: 1 },
    ])
    const other = makeFile([{ xorb: shared, start: 1, end: 3 }])
    expect((await postShard(connection, makeShard([both], [own, shared]))).last).toEqual({ type: 'result' })
    expect((await postShard(stays.connection, makeShard([other], []))).last).toEqual({ type: 'result' })
    const moved = await fetch(`${at.url}/api/repos/move`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        fromRepo: `ada/${repo.name}`,
        toRepo: `${organization.name}/${repo.name}`,
        type: 'model',
      }),
    })
    expect(moved.status).toBe(200)
    // The old address and its token are over, at once.
    expect((await postXorb(connection, newXorb())).status).toBe(403)
    const there = await connect(at.url, `${organization.name}/${repo.name}`, 'write', token)
    expect(there.casUrl).toBe(`${at.url}/cas/${organization.id}`)
    const again = makeFile([{ xorb: own, start: 1, end: 2 }])
    expect((await postShard(there, makeShard([again], []))).last).toEqual({ type: 'result' })
    await expectRefused(
      there,
      makeShard([makeFile([{ xorb: shared, start: 2, end: 3 }])], []),
      'line',
      /was not uploaded/,
    )
    // What it has is still read, and what stayed goes on.
    expect((await cas(there, 'GET', `/v2/reconstructions/${both.hash}`)).status).toBe(200)
    const more = makeFile([{ xorb: shared, start: 0, end: 2 }])
    expect((await postShard(stays.connection, makeShard([more], []))).last).toEqual({ type: 'result' })
  })

  describe('attacks with xorbs', () => {
    async function refuse(hash: string, bytes: Buffer, status: number, words: RegExp): Promise<void> {
      const { connection } = await open()
      const before = await counts()
      const answer = await cas(connection, 'POST', `/v1/xorbs/default/${hash}`, { body: bytes })
      expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(words)])
      expect(await counts()).toEqual(before)
      if (/^[0-9a-f]{64}$/.test(hash)) expect(await isStored(hash)).toBe(false)
    }
    const lie = (raw: Buffer, ...rest: [Buffer?, number?, number?]): Buffer => chunkBytes(raw, ...rest)

    test('a name that is not of these bytes', async () => {
      const [xorb, other] = [newXorb(), newXorb()]
      await refuse(other.hash, xorb.bytes, 400, /not valid/)
      await refuse('zz', xorb.bytes, 400, /hexadecimal/)
      await refuse(xorb.hash.toUpperCase(), xorb.bytes, 400, /hexadecimal/)
      await refuse('0'.repeat(64), Buffer.alloc(0), 400, /not valid/)
    })

    test('lengths that lie, a header cut off, and rubbish at the end', async () => {
      const raw = randomBytes(5_000)
      const { hash } = makeXorb([raw])
      await refuse(hash, lie(raw, raw, 0, 5_001), 400, /not valid/)
      await refuse(hash, lie(raw, raw, 0, 4_999), 400, /not valid/)
      await refuse(hash, lie(raw).subarray(0, 100), 400, /not valid/)
      await refuse(hash, lie(raw).subarray(0, 5), 400, /not valid/)
      await refuse(hash, Buffer.concat([lie(raw), Buffer.from('rubbish')]), 400, /not valid/)
      await refuse(hash, lie(raw, raw, 7), 400, /not valid/)
    })

    test('a bomb: little to send, much to unpack', async () => {
      const raw = Buffer.alloc(8 << 20)
      const bomb = lz4(raw)
      const { hash } = makeXorb([raw.subarray(0, 100_000)])
      await refuse(hash, lie(raw, bomb, 1, 100_000), 400, /not valid/)
      await refuse(hash, lie(raw, bomb, 1, 131_072), 400, /not valid/)
      await refuse(hash, lie(raw, bomb, 2, 131_072), 400, /not valid/)
      await refuse(hash, lie(raw, bomb, 1, 8 << 20), 400, /not valid/)
    })

    test('more than a xorb may have: bytes, chunks, and what the header announces', async () => {
      const { connection } = await open()
      const { hash } = newXorb()
      const announced = await rawPost(connection, `/v1/xorbs/default/${hash}`, { 'content-length': '200000000' }, [])
      expect(announced.status).toBe(413)
      const tiny = chunkBytes(Buffer.from('x'))
      await refuse(hash, Buffer.concat(Array.from({ length: 8_193 }, () => tiny)), 400, /not valid/)
      const packed = await cas(connection, 'POST', `/v1/xorbs/default/${hash}`, {
        body: Buffer.from('x'),
        headers: { 'content-encoding': 'gzip' },
      })
      expect(packed.status).toBe(415)
    })

    test('a connection that is cut leaves nothing, and the place is free again', async () => {
      const { connection } = await open()
      const before = await counts()
      for (let round = 0; round < 20; round++) {
        const xorb = newXorb(4, 100_000)
        await cutOff(connection, `/v1/xorbs/default/${xorb.hash}`, xorb.bytes.length, xorb.bytes.subarray(0, 250_000))
      }
      await expect.poll(counts, { timeout: 15_000 }).toEqual(before)
      expect((await postXorb(connection, newXorb())).status).toBe(200)
    })

    test('the right that is lost while the bytes are under way', async () => {
      const { repo, connection } = await open()
      const xorb = newXorb(2, 60_000)
      const before = await counts()
      const slow = rawPost(connection, `/v1/xorbs/default/${xorb.hash}`, {}, [
        xorb.bytes.subarray(0, 70_000),
        async () => {
          await at.hub.transaction((tx) =>
            tx.updateTable('repo').set({ ownerId: eve.id }).where('id', '=', repo.id).execute(),
          )
        },
        xorb.bytes.subarray(70_000),
      ])
      expect((await slow).status).toBe(404)
      expect(await counts()).toEqual(before)
      expect(await isStored(xorb.hash)).toBe(false)
    })
  })

  describe('attacks with shards', () => {
    test('who knows the hash of a xorb of another scope does not reach it, nor learns that it is there', async () => {
      const secret = newXorb()
      const theirs = await open(ada)
      await postXorb(theirs.connection, secret)
      const file = makeFile([{ xorb: secret, start: 0, end: 3 }])
      expect((await postShard(theirs.connection, makeShard([file], [secret]))).last).toEqual({ type: 'result' })
      const mine = await open(eve)
      await expectRefused(mine.connection, makeShard([file], []), 'line', /huggingface\/xet/)
      await expectRefused(mine.connection, makeShard([file], [secret]), 'line', /was not uploaded/)
      const grant = await cas(mine.connection, 'POST', `/v1/xorb-grants/default/${secret.hash}`, {
        body: Buffer.alloc(0),
      })
      expect(grant.status).toBe(404)
      expect((await cas(mine.connection, 'HEAD', `/v1/xorbs/default/${secret.hash}`)).status).toBe(404)
      for (const chunk of secret.chunks) {
        expect((await cas(mine.connection, 'GET', `/v1/chunks/default/${hashToString(chunk.hash)}`)).status).toBe(404)
      }
      // A body that is not the xorb gives no claim on it either.
      const forged = await cas(mine.connection, 'POST', `/v1/xorbs/default/${secret.hash}`, { body: newXorb().bytes })
      expect(forged.status).toBe(400)
      await expectRefused(mine.connection, makeShard([file], []), 'line', /was not uploaded/)
      expect(await linked(mine.repo, file.sha256)).toBeNull()
      // Whoever has the bytes gets the claim by sending them, and is not told that they were there.
      const sent = await postXorb(mine.connection, secret)
      expect([sent.status, sent.text]).toEqual([200, '{"was_inserted":true}'])
      expect((await postShard(mine.connection, makeShard([file], []))).last).toEqual({ type: 'result' })
    })

    test('a known SHA-256 before other bytes', async () => {
      const { repo, connection } = await open()
      const victim = sha256(Buffer.from('the weights that everybody trusts'))
      const xorb = newXorb()
      await postXorb(connection, xorb)
      const file = makeFile([{ xorb, start: 0, end: 3 }])
      const shard = makeShard([file], [xorb], { sha256: victim })
      await expectRefused(connection, shard, 'line', new RegExp(`do not have the SHA-256 ${victim}`))
      expect((await cas(connection, 'POST', '/v1/shards', { body: shard })).status).toBe(400)
      expect(await linked(repo, victim)).toBeNull()
      // Nor for bytes that are stored and known by then.
      await postShard(connection, makeShard([file], [xorb]))
      await expectRefused(connection, shard, 'line', /do not have the SHA-256/)
      expect(await linked(repo, victim)).toBeNull()
    })

    test('terms that do not add up, go beyond the xorb, or belong to another file', async () => {
      const { connection } = await open()
      const xorb = newXorb()
      await postXorb(connection, xorb)
      const file = makeFile([{ xorb, start: 0, end: 2 }])
      const other = makeFile([{ xorb, start: 1, end: 3 }])
      // What no xorb could hold is refused with the form, all else by our own index.
      const refused: [Parameters<typeof makeShard>[2], 400 | 'line', RegExp][] = [
        [{ rawLength: (term) => lengthOf(term) + 1 }, 'line', /does not have/],
        [{ rawLength: () => 0xffffffff }, 400, /not valid/],
        [{ end: () => 4 }, 'line', /names chunks/],
        [{ end: () => 0xffffffff }, 400, /not valid/],
        [{ end: (term) => term.start }, 400, /not valid/],
        [{ end: () => 3 }, 'line', /does not have/],
        [{ verification: randomBytes(32) }, 'line', /verification hash/],
        [{ fileHash: other.hash }, 'line', /those of another file/],
        [{ fileHash: '0'.repeat(64) }, 'line', /those of another file/],
      ]
      for (const [tweaks, code, words] of refused) {
        await expectRefused(connection, makeShard([file], [], tweaks), code, words)
      }
    })

    test('a list of chunks that is not that of the xorb', async () => {
      const { connection } = await open()
      const xorb = newXorb()
      await postXorb(connection, xorb)
      const file = makeFile([{ xorb, start: 0, end: 3 }])
      await expectRefused(connection, makeShard([file], [xorb], { chunkHash: randomBytes(32) }), 'line', /differs/)
      const shorter = { ...xorb, chunks: xorb.chunks.slice(0, 2) }
      await expectRefused(connection, makeShard([file], [shorter]), 'line', /differs/)
    })

    test('nothing that a refusal says helps to guess: no hash that was computed here', async () => {
      const { connection } = await open()
      const xorb = newXorb()
      await postXorb(connection, xorb)
      const file = makeFile([{ xorb, start: 0, end: 3 }])
      const guess = 'ab'.repeat(32)
      const shards = [
        makeShard([file], [], { fileHash: guess }),
        makeShard([file], [], { sha256: guess }),
        makeShard([file], [], { verification: Buffer.alloc(32, 7) }),
      ]
      const texts = await Promise.all(
        shards.map(async (shard) => (await postShard(connection, shard)).lines.join('\n')),
      )
      expect(texts[0]).not.toContain(file.hash)
      expect(texts[1]).not.toContain(file.sha256)
    })

    test('what is no shard: another format, a version of tomorrow, cut off, counts that lie, too large', async () => {
      const { connection } = await open()
      const xorb = newXorb()
      await postXorb(connection, xorb)
      const file = makeFile([{ xorb, start: 0, end: 3 }])
      const good = makeShard([file], [xorb])
      await expectRefused(connection, makeShard([file], [xorb], { magic: 'PKNope' }), 400, /xet_shard_invalid/)
      await expectRefused(connection, makeShard([file], [xorb], { version: 99n }), 400, /xet_shard_invalid/)
      await expectRefused(connection, Buffer.alloc(0), 400, /xet_shard_invalid/)
      await expectRefused(connection, Buffer.from('{}'), 400, /xet_shard_invalid/)
      await expectRefused(connection, good.subarray(0, good.length - 48), 400, /xet_shard_invalid/)
      await expectRefused(connection, good.subarray(0, good.length - 5), 400, /xet_shard_invalid/)
      await expectRefused(connection, makeShard([file], [xorb], { chunkCount: 0xffffffff }), 400, /xet_shard_invalid/)
      const announced = await rawPost(connection, '/v2/shards', { 'content-length': '100000000' }, [])
      expect(announced.status).toBe(413)
    })

    test('a file that is larger than files may be', async () => {
      const { connection } = await open()
      const xorb = makeXorb(Array.from({ length: 16 }, () => randomBytes(65_536)))
      await postXorb(connection, xorb)
      const terms = Array.from({ length: 9 }, () => ({ xorb, start: 0, end: 16 }))
      await expectRefused(connection, makeShard([makeFile(terms)], []), 'line', /larger than/)
    })

    test('a connection that is cut while it is checked', async () => {
      const { connection } = await open()
      const before = await counts()
      const shard = makeShard([makeFile([{ xorb: newXorb(), start: 0, end: 3 }])], [])
      for (let round = 0; round < 6; round++)
        await cutOff(connection, '/v2/shards', shard.length, shard.subarray(0, 100))
      expect(await counts()).toEqual(before)
      expect((await postShard(connection, makeShard([makeFile([])], []))).last).toEqual({ type: 'result' })
    })
  })

  interface RawAnswer {
    readonly status: number
    readonly text: string
  }

  /** Sends the parts one after the other; functions among them run in between. */
  function rawPost(
    connection: CasConnection,
    path: string,
    headers: Record<string, string>,
    parts: readonly (Buffer | (() => Promise<void>))[],
  ): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        connection.casUrl + path,
        { method: 'POST', headers: { authorization: `Bearer ${connection.accessToken}`, ...headers } },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
            request.destroy()
          })
        },
      )
      request.on('error', reject)
      const send = async (): Promise<void> => {
        for (const part of parts) {
          if (typeof part === 'function') await part()
          else await new Promise<void>((done) => request.write(part, () => done()))
        }
        if (parts.length > 0) request.end()
        else request.flushHeaders()
      }
      send().catch(reject)
    })
  }

  /** Announces a body, sends part of it and hangs up. */
  function cutOff(connection: CasConnection, path: string, announced: number, part: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const request = httpRequest(connection.casUrl + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${connection.accessToken}`, 'content-length': String(announced) },
      })
      request.on('error', () => resolve())
      request.on('close', () => resolve())
      request.write(part, () => setTimeout(() => request.destroy(), 5))
    })
  }
})

/** An LZ4 frame. */
function lz4(raw: Buffer): Buffer {
  return compressFrameSync(raw)
}
