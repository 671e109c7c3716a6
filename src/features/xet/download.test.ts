/**
 * Downloads by Xet over HTTP: reconstructions in both versions with ranges, the ranges themselves, and what somebody tries who holds an
 * address for a little and wants more. Then global dedup, from the empty cache of another machine.
 */
import { randomBytes } from 'node:crypto'
import { compressFrameSync } from 'lz4-napi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import { s3Environment } from '../../../tests/support/s3-servers.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { StrictS3 } from '../../../tests/support/strict-s3.ts'
import { fillRepo, makeRepo, makeToken, makeUser, type TestRepo, type TestUser } from '../../../tests/support/world.ts'
import {
  type CasConnection,
  cas,
  chunkBytes,
  connect,
  makeFile,
  makeShard,
  makeXorb,
  postShard,
  postXorb,
  type TestFile,
  type TestXorb,
} from '../../../tests/support/xet-upload.ts'
import { systemClock } from '../../platform/clock.ts'
import { hashToString, keyedHash } from '../../platform/xet/hash.ts'
import { parseShard } from '../../platform/xet/shard.ts'
import { openBlob, openXetRange } from '../storage/service.ts'

interface Term {
  readonly hash: string
  readonly unpacked_length: number
  readonly range: { readonly start: number; readonly end: number }
}
interface Span {
  readonly start: number
  readonly end: number
}
interface ReconstructionV2 {
  readonly offset_into_first_range: number
  readonly terms: readonly Term[]
  readonly xorbs: Record<string, { url: string; ranges: { chunks: Span; bytes: Span }[] }[]>
}

describe.each(dialects)('downloads by Xet on %s', (dialect) => {
  let at: TestHub
  let ada: TestUser
  let token: string
  let stranger: string
  let now = Date.now()
  let repos = 0

  beforeAll(async () => {
    at = await startHub({ clock: systemClock(() => now), dialect })
    ada = await makeUser(at.hub, 'ada')
    token = (await makeToken(at.hub, ada)).value
    stranger = (await makeToken(at.hub, await makeUser(at.hub, 'eve'))).value
  })
  afterAll(() => at.stop())

  /** Chunks of many sizes, some of them packed. */
  function mixedXorb(count: number): TestXorb {
    const raws = Array.from({ length: count }, (_, index) =>
      index % 3 === 1 ? Buffer.alloc(30_000 + index * 100, `text ${index} `) : randomBytes(8_000 + index * 1_000),
    )
    const bytes = raws.map((raw, index) =>
      index % 3 === 1 ? chunkBytes(raw, compressFrameSync(raw), 1, raw.length) : chunkBytes(raw),
    )
    return { ...makeXorb(raws), bytes: Buffer.concat(bytes) }
  }

  interface Uploaded {
    readonly repo: TestRepo
    readonly writing: CasConnection
    readonly reading: CasConnection
    readonly file: TestFile
    readonly xorbs: readonly TestXorb[]
  }

  async function upload(visibility: 'public' | 'private' = 'private'): Promise<Uploaded> {
    const repo = await makeRepo(at.hub, ada, `repo-${++repos}`, { visibility })
    await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
    const address = `ada/${repo.name}`
    const writing = await connect(at.url, address, 'write', token)
    const [one, two] = [mixedXorb(12), mixedXorb(7)]
    for (const xorb of [one, two]) expect((await postXorb(writing, xorb)).status).toBe(200)
    const file = makeFile([
      { xorb: one, start: 0, end: 5 },
      { xorb: two, start: 1, end: 7 },
      { xorb: one, start: 5, end: 9 },
      { xorb: one, start: 3, end: 6 },
      { xorb: one, start: 11, end: 12 },
    ])
    const { last } = await postShard(writing, makeShard([file], [one, two]))
    expect(last).toEqual({ type: 'result' })
    return { repo, writing, reading: await connect(at.url, address, 'read', token), file, xorbs: [one, two] }
  }

  async function plan(connection: CasConnection, hash: string, range?: string): Promise<ReconstructionV2> {
    const headers: Record<string, string> = range === undefined ? {} : { range }
    const answer = await cas(connection, 'GET', `/v2/reconstructions/${hash}`, { headers })
    expect(answer.status, answer.text).toBe(200)
    return JSON.parse(answer.text) as ReconstructionV2
  }

  const fetchRange = (url: string, headers: Record<string, string>): Promise<Response> => fetch(url, { headers })

  /** What a client makes of it: fetches without its token, and joins the chunks. */
  async function rebuild(
    { terms, xorbs, offset_into_first_range }: ReconstructionV2,
    known: readonly TestXorb[],
  ): Promise<Buffer> {
    for (const [hash, entries] of Object.entries(xorbs)) {
      const xorb = known.find((one) => one.hash === hash)
      for (const { url, ranges } of entries) {
        expect(ranges.length).toBe(1)
        for (const { chunks, bytes } of ranges) {
          const response = await fetchRange(url, { range: `bytes=${bytes.start}-${bytes.end}` })
          expect(response.status).toBe(206)
          expect(response.headers.get('content-range')).toBe(
            `bytes ${bytes.start}-${bytes.end}/${xorb?.bytes.length ?? 0}`,
          )
          const got = Buffer.from(await response.arrayBuffer())
          expect(got.equals(xorb?.bytes.subarray(bytes.start, bytes.end + 1) ?? Buffer.alloc(0))).toBe(true)
          expect(chunks.end).toBeGreaterThan(chunks.start)
        }
      }
    }
    const raw = terms.map(({ hash, range, unpacked_length }) => {
      const covered = (xorbs[hash] ?? []).some(({ ranges }) =>
        ranges.some(({ chunks }) => chunks.start <= range.start && range.end <= chunks.end),
      )
      expect(covered).toBe(true)
      const chunks = known.find((one) => one.hash === hash)?.chunks.slice(range.start, range.end) ?? []
      const joined = Buffer.concat(chunks.map((chunk) => chunk.raw))
      expect(joined.length).toBe(unpacked_length)
      return joined
    })
    return Buffer.concat(raw).subarray(offset_into_first_range)
  }

  test('a whole file: terms in order, and ranges that touch are one', async () => {
    const { reading, file, xorbs } = await upload()
    const all = await plan(reading, file.hash)
    expect((await rebuild(all, xorbs)).equals(file.raw)).toBe(true)
    expect(all.terms.map(({ range }) => [range.start, range.end])).toEqual([
      [0, 5],
      [1, 7],
      [5, 9],
      [3, 6],
      [11, 12],
    ])
    const chunks = (all.xorbs[xorbs[0]?.hash ?? ''] ?? []).map(({ ranges }) => ranges[0]?.chunks)
    expect(chunks).toEqual([
      { start: 0, end: 9 },
      { start: 11, end: 12 },
    ])
  })

  test('ranges of it, down to one byte; behind its end 416', async () => {
    const { reading, file, xorbs } = await upload()
    const size = file.raw.length
    const ends = file.terms.map((_, index) => makeFile(file.terms.slice(0, index + 1)).raw.length)
    const spans = [
      [0, 0],
      [size - 1, size - 1],
      [0, size - 1],
      [1000, 90_000],
      ...ends.slice(0, -1).flatMap((end) => [
        [end - 1, end],
        [end, end],
        [end - 1, end - 1],
      ]),
    ]
    for (const [start = 0, end = 0] of spans) {
      const part = await rebuild(await plan(reading, file.hash, `bytes=${start}-${end}`), xorbs)
      expect(part.subarray(0, end - start + 1).equals(file.raw.subarray(start, end + 1)), `${start}-${end}`).toBe(true)
      const read = await openXetRange(at.hub, file.hash, start, end)
      expect(Buffer.concat(await read.toArray()).equals(file.raw.subarray(start, end + 1))).toBe(true)
    }
    const beyond = await rebuild(await plan(reading, file.hash, `bytes=${size - 10}-18446744073709551614`), xorbs)
    expect(beyond.subarray(-10).equals(file.raw.subarray(-10))).toBe(true)
    for (const version of ['v1', 'v2']) {
      const headers = { range: `bytes=${size}-${size + 5}` }
      expect((await cas(reading, 'GET', `/${version}/reconstructions/${file.hash}`, { headers })).status).toBe(416)
    }
  })

  test('the first version, and several files at once', async () => {
    const { reading, file } = await upload()
    const v2 = await plan(reading, file.hash)
    const v1 = JSON.parse((await cas(reading, 'GET', `/v1/reconstructions/${file.hash}`)).text) as {
      terms: unknown
      fetch_info: Record<string, { range: Span; url: string; url_range: Span }[]>
    }
    expect(v1.terms).toEqual(v2.terms)
    for (const [hash, entries] of Object.entries(v2.xorbs)) {
      expect(v1.fetch_info[hash]?.map(({ range, url_range }) => [range, url_range])).toEqual(
        entries.map(({ ranges }) => [ranges[0]?.chunks, ranges[0]?.bytes]),
      )
    }
    for (const path of ['/reconstructions', '/v1/reconstructions']) {
      const got = await cas(reading, 'GET', `${path}?file_id=${file.hash}`)
      const posted = await cas(reading, 'POST', path, { body: Buffer.from(JSON.stringify([file.hash])) })
      for (const answer of [got, posted]) {
        expect(JSON.parse(answer.text)).toMatchObject({ files: { [file.hash]: v2.terms } })
      }
    }
    const head = await cas(reading, 'HEAD', `/v1/files/${file.hash}`)
    expect(head.headers.get('x-xet-file-size')).toBe(String(file.raw.length))
    for (const casUrl of [reading.casUrl, at.url]) {
      const told = await cas({ ...reading, casUrl }, 'POST', '/v1/telemetry', { body: Buffer.alloc(2000) })
      expect(told.status).toBe(200)
    }
  })

  test('an empty file', async () => {
    const { writing, reading } = await upload()
    await postShard(writing, makeShard([makeFile([])], []))
    const none = '0'.repeat(64)
    expect(await plan(reading, none)).toEqual({ offset_into_first_range: 0, terms: [], xorbs: {} })
    const headers = { range: 'bytes=0-0' }
    expect((await cas(reading, 'GET', `/v2/reconstructions/${none}`, { headers })).status).toBe(416)
  })

  test('who knows the hash of a private file does not read it from another repo', async () => {
    const { file } = await upload()
    const theirs = await makeRepo(at.hub, await makeUser(at.hub, `mallory-${dialect}`), 'own', { visibility: 'public' })
    await fillRepo(at.hub, theirs, 'git commit -q --allow-empty -m one')
    const reading = await connect(at.url, `${theirs.namespace}/own`, 'read', stranger)
    for (const path of [
      `/v1/reconstructions/${file.hash}`,
      `/v2/reconstructions/${file.hash}`,
      `/v1/reconstructions?file_id=${file.hash}`,
    ]) {
      expect((await cas(reading, 'GET', path)).status).toBe(404)
    }
    // Nor from another repo of the same owner: a file is in the repo that links it.
    const mine = await makeRepo(at.hub, ada, `other-${++repos}`, { visibility: 'private' })
    await fillRepo(at.hub, mine, 'git commit -q --allow-empty -m one')
    const elsewhere = await connect(at.url, `ada/${mine.name}`, 'read', token)
    expect((await cas(elsewhere, 'GET', `/v2/reconstructions/${file.hash}`)).status).toBe(404)
  })

  test('an address is for its range: not for more, not for another one, not without one', async () => {
    const { reading, file } = await upload()
    const { xorbs } = await plan(reading, file.hash)
    const [[entry] = []] = Object.values(xorbs)
    const { url = '', ranges: [range] = [] } = entry ?? {}
    const { start, end } = range?.bytes ?? { start: 0, end: 0 }
    const status = async (headers: Record<string, string>, address = url) => (await fetchRange(address, headers)).status
    expect(await status({ range: `bytes=${start}-${end}` })).toBe(206)
    expect(await status({ range: `bytes=${start + 10}-${end - 10}` })).toBe(206)
    expect(await status({ range: `bytes=${start}-${end + 1}` })).toBe(403)
    expect(await status({ range: 'bytes=0-' })).toBe(403)
    expect(await status({ range: 'bytes=-100' })).toBe(403)
    expect(await status({ range: `bytes=${start}-${start},${end + 1}-${end + 100}` })).toBe(403)
    expect(await status({ range: `BYTES = ${start}-${end}` })).toBe(403)
    expect(await status({})).toBe(403)
    // A validator that does not match would turn a range into the whole.
    expect(await status({ range: `bytes=${start}-${end}`, 'if-range': '"another"' })).toBe(403)
    const wider = url.replace(/last=\d+/, `last=${end + 1000}`)
    expect(await status({ range: `bytes=${start}-${end}` }, wider)).toBe(403)
    const other = url.replace(/xorbs\/[0-9a-f]/, (text) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'))
    expect(await status({ range: `bytes=${start}-${end}` }, other)).toBe(403)
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
    now += 3_601_000
    const expired = await fetchRange(url, { range: `bytes=${start}-${end}` })
    expect([expired.status, ((await expired.json()) as { code: string }).code]).toEqual([403, 'address_not_valid'])
  })

  test('an address ends with the right behind it', async () => {
    const { repo } = await upload('public')
    const { file } = await (async () => {
      const writing = await connect(at.url, `ada/${repo.name}`, 'write', token)
      const xorb = mixedXorb(3)
      await postXorb(writing, xorb)
      const made = makeFile([{ xorb, start: 0, end: 3 }])
      await postShard(writing, makeShard([made], [xorb]))
      return { file: made }
    })()
    const anonymous = await connect(at.url, `ada/${repo.name}`, 'read', null)
    const { xorbs } = await plan(anonymous, file.hash)
    const [[entry] = []] = Object.values(xorbs)
    const bytes = entry?.ranges[0]?.bytes
    const status = async () =>
      (await fetchRange(entry?.url ?? '', { range: `bytes=${bytes?.start}-${bytes?.end}` })).status
    expect(await status()).toBe(206)
    await at.hub.transaction((tx) =>
      tx.updateTable('repo').set({ visibility: 'private' }).where('id', '=', repo.id).execute(),
    )
    expect(await status()).toBe(401)
  })

  test('a blob is read in whichever form it lies, and a reader that leaves ends the work', async () => {
    const { file } = await upload()
    const read = await openBlob(at.hub, { sha256: file.sha256 }, 10, 200_000)
    expect(Buffer.concat(await read.toArray()).equals(file.raw.subarray(10, 200_001))).toBe(true)
    await expect(openBlob(at.hub, { sha256: 'ab'.repeat(32) }, 0, 1)).rejects.toMatchObject({ code: 'entry_not_found' })
    await expect(openXetRange(at.hub, 'cd'.repeat(32), 0, 1)).rejects.toMatchObject({ code: 'entry_not_found' })
    await expect(openXetRange(at.hub, file.hash, 0, file.raw.length)).rejects.toThrow(RangeError)
    for (let round = 0; round < 10; round++) {
      const left = await openXetRange(at.hub, file.hash, 0, file.raw.length - 1)
      if (round % 2 === 0) await new Promise((resolve) => left.once('data', resolve))
      const closed = new Promise((resolve) => left.once('close', resolve))
      left.destroy()
      await closed
    }
  })

  describe('global dedup', () => {
    const first = (xorb: TestXorb | undefined): string => hashToString(xorb?.chunks[0]?.hash ?? Buffer.alloc(32))

    test('the first chunk of a file finds its xorb and the ones around it; the hashes of chunks are hidden', async () => {
      const { writing, xorbs } = await upload()
      for (const prefix of ['default', 'default-merkledb']) {
        const response = await fetch(`${writing.casUrl}/v1/chunks/${prefix}/${first(xorbs[0])}`, {
          headers: { authorization: `Bearer ${writing.accessToken}` },
        })
        expect(response.status).toBe(200)
        const bytes = Buffer.from(await response.arrayBuffer())
        for (const chunk of xorbs.flatMap((xorb) => xorb.chunks)) expect(bytes.includes(chunk.hash)).toBe(false)
        const shard = parseShard(bytes)
        const found = [...shard.xorbs()]
        expect(found.map((xorb) => xorb.hash)).toEqual(xorbs.map((xorb) => xorb.hash))
        expect(shard.fileCount).toBe(0)
        const key = shard.hmacKey
        if (key === null || key === undefined) throw new Error('The answer has no key.')
        const hidden = [...(found[0]?.chunks() ?? [])].map(({ hash }) => hash.toString('hex'))
        expect(hidden).toEqual(xorbs[0]?.chunks.map(({ hash }) => keyedHash(key, hash).toString('hex')))
      }
    })

    test('what is offered is held: the lease is renewed before the answer', async () => {
      const { writing, xorbs } = await upload()
      const [xorb] = xorbs
      await at.hub.transaction((tx) =>
        tx
          .updateTable('xorb')
          .set({ leaseUntil: now + 1000 })
          .where('hash', '=', xorb?.hash ?? '')
          .execute(),
      )
      expect((await cas(writing, 'GET', `/v1/chunks/default/${first(xorb)}`)).status).toBe(200)
      const { leaseUntil } = await at.hub.db.read
        .selectFrom('xorb')
        .select('leaseUntil')
        .where('hash', '=', xorb?.hash ?? '')
        .executeTakeFirstOrThrow()
      expect(leaseUntil).toBe(now + 28 * 86_400_000)
      // One that is being removed is not offered.
      await at.hub.transaction((tx) =>
        tx
          .updateTable('xorb')
          .set({ leaseGeneration: -1 })
          .where('hash', '=', xorb?.hash ?? '')
          .execute(),
      )
      expect((await cas(writing, 'GET', `/v1/chunks/default/${first(xorb)}`)).status).toBe(404)
    })

    test('nobody learns of chunks in another scope, nor with a token that only reads', async () => {
      const { reading, xorbs } = await upload()
      expect((await cas(reading, 'GET', `/v1/chunks/default/${first(xorbs[0])}`)).status).toBe(403)
      const eve = await makeUser(at.hub, `curious-${dialect}`)
      const theirs = await makeRepo(at.hub, eve, 'own')
      const own = (await makeToken(at.hub, eve)).value
      const writing = await connect(at.url, `${theirs.namespace}/own`, 'write', own)
      expect((await cas(writing, 'GET', `/v1/chunks/default/${first(xorbs[0])}`)).status).toBe(404)
    })
  })
})

describe('somebody else sends the bytes', () => {
  const raw = Array.from({ length: 30 }, () => randomBytes(100_000))

  async function prepare(env: Record<string, string>) {
    const at = await startHub({ env })
    const ada = await makeUser(at.hub, 'ada')
    const token = (await makeToken(at.hub, ada)).value
    const repo = await makeRepo(at.hub, ada, 'repo', { visibility: 'private' })
    await fillRepo(at.hub, repo, 'git commit -q --allow-empty -m one')
    const writing = await connect(at.url, 'ada/repo', 'write', token)
    const xorb = makeXorb(raw)
    expect((await postXorb(writing, xorb)).status).toBe(200)
    const file = makeFile([{ xorb, start: 2, end: 20 }])
    expect((await postShard(writing, makeShard([file], [xorb]))).last).toEqual({ type: 'result' })
    const answer = await cas(writing, 'GET', `/v2/reconstructions/${file.hash}`)
    const [[entry] = []] = Object.values((JSON.parse(answer.text) as ReconstructionV2).xorbs)
    const { start, end } = entry?.ranges[0]?.bytes ?? { start: 0, end: 0 }
    return { at, xorb, file, url: entry?.url ?? '', start, end }
  }

  test('a front server: it reads the same Range header', async () => {
    const { at, xorb, url, start, end } = await prepare({ HOLDFAST_ACCEL_REDIRECT: '/_blobs/' })
    const response = await fetch(url, { headers: { range: `bytes=${start}-${end}` } })
    const { hash } = xorb
    expect(response.headers.get('x-accel-redirect')).toBe(
      `/_blobs/blobs/xorbs/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`,
    )
    expect((await fetch(url, { headers: { range: `bytes=${start}-${end + 1}` } })).status).toBe(403)
    await at.stop()
  })

  test('an object storage: validated from there, and its address is for the same range only', async () => {
    const s3 = await StrictS3.start()
    const { at, xorb, file, url, start, end } = await prepare({
      ...s3Environment(s3.settings),
      HOLDFAST_S3_REDIRECT: 'true',
    })
    const range = `bytes=${start}-${end}`
    const sent = await fetch(url, { headers: { range }, redirect: 'manual' })
    expect(sent.status).toBe(302)
    const elsewhere = sent.headers.get('location') ?? ''
    const followed = await fetch(url, { headers: { range } })
    expect(followed.status).toBe(206)
    expect(Buffer.from(await followed.arrayBuffer()).equals(xorb.bytes.subarray(start, end + 1))).toBe(true)
    for (const headers of [{ range: `bytes=0-${end}` }, { range: `bytes=${start}-${end + 1}` }, {}]) {
      expect((await fetch(elsewhere, { headers: headers as Record<string, string> })).status).toBe(403)
    }
    const read = await openXetRange(at.hub, file.hash, 5, file.raw.length - 6)
    expect(Buffer.concat(await read.toArray()).equals(file.raw.subarray(5, -5))).toBe(true)
    await at.stop()
    await s3.stop()
  })
})
