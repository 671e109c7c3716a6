/** An object storage that fails in every way it can, and what leaves this hub on the way there. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { identify } from '../../../tests/support/blob-store-contract.ts'
import { type SeenRequest, StrictS3 } from '../../../tests/support/strict-s3.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { makeLogger } from '../log/logger.ts'
import { type BlobName, type BlobStore, objectNamed } from './blob-store.ts'
import type { S3Bounds, S3Settings } from './s3-access.ts'
import { openS3BlobStore } from './s3-blob-store.ts'
import { partSizeFor } from './s3-write.ts'

let s3: StrictS3
let folder: string
let store: BlobStore
let logged: string
const opened: BlobStore[] = []

const log = makeLogger({ level: 'debug', destination: { write: (line) => (logged += line) } })
const quick: Partial<S3Bounds> = { connectMs: 500, silentMs: 400, tries: 3 }

/** For what is large: a busy machine may take a while to send it, and nothing waits for silence. */
const patient: Partial<S3Bounds> = { ...quick, silentMs: 20_000 }

async function openStore(settings: Partial<S3Settings> = {}, bounds = quick): Promise<BlobStore> {
  const one = await openS3BlobStore({ settings: { ...s3.settings, ...settings }, folder, log, bounds })
  opened.push(one)
  return one
}

beforeEach(async () => {
  s3 = await StrictS3.start()
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-s3-'))
  logged = ''
  store = await openStore()
})

afterEach(async () => {
  // Neither the log nor what a caller is told may hold the secret.
  expect(logged).not.toContain(s3.settings.secretAccessKey)
  for (const one of opened.splice(0)) await one.close()
  await s3.stop()
  await rm(folder, { recursive: true, force: true })
})

async function faultOf(work: Promise<unknown>): Promise<HoldfastError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof HoldfastError)) throw new Error(`Not one of our errors: ${String(error)}`)
  expect(JSON.stringify(error)).not.toContain(s3.settings.secretAccessKey)
  return error
}

/** Fails the first `times` requests that match. */
function failing(
  times: number,
  matches: (request: SeenRequest) => boolean,
  failure: ReturnType<StrictS3['fail']>,
): void {
  let left = times
  s3.fail = (request) => (matches(request) && left-- > 0 ? failure : null)
}

const put = (bytes: Buffer) => store.put(Readable.from([Buffer.from(bytes)]), identify(bytes))
const nameOf = (bytes: Buffer): BlobName => objectNamed(identify(bytes).sha256)
const isPart = (request: SeenRequest): boolean => request.query.has('partNumber')

test('every request is signed; the body of a small object is part of what is signed', async () => {
  const bytes = randomBytes(1000)
  await put(bytes)
  const sent = s3.seen.find((request) => request.method === 'PUT')
  expect(sent?.key).toBe(`hub/objects/${fan(identify(bytes).sha256)}`)
  expect(sent?.headers['x-amz-content-sha256']).toBe(identify(bytes).sha256)
  expect(sent?.headers['content-length']).toBe('1000')
  // Framing that only Amazon takes off again would become part of the bytes.
  expect(sent?.headers['content-encoding']).toBeUndefined()
  expect(JSON.stringify(s3.seen)).not.toContain(s3.settings.secretAccessKey)
})

test('an address for clients: signed, for a while, with the headers that were asked for, and only for that object', async () => {
  const bytes = randomBytes(5000)
  await put(bytes)
  const options = {
    contentType: 'text/plain',
    contentDisposition: 'attachment; filename="ä b.txt"',
    cacheControl: 'no-store',
  }
  const address = await store.signedFetch(nameOf(bytes), { lifetimeMs: 90_500, ...options })
  const url = new URL(address ?? '')
  expect([url.origin, url.searchParams.get('X-Amz-Expires')]).toEqual([s3.settings.publicEndpoint, '91'])
  expect(address).not.toContain(s3.settings.secretAccessKey)
  const answer = await fetch(url, { headers: { range: 'bytes=10-19' } })
  expect([answer.status, answer.headers.get('content-range')]).toEqual([206, 'bytes 10-19/5000'])
  expect(answer.headers.get('content-type')).toBe('text/plain')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true)
  const other = new URL(url)
  other.pathname = other.pathname.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
  expect((await fetch(other)).status).toBe(403)
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(403)
  const longer = new URL(url)
  longer.searchParams.set('X-Amz-Expires', '9000')
  expect((await fetch(longer)).status).toBe(403)
  // Bound to one range: no other one, and not the whole.
  const some = (await store.signedFetch(nameOf(bytes), { lifetimeMs: 60_000, range: { start: 10, end: 19 } })) ?? ''
  const read = async (range: string | null) => await fetch(some, { headers: range === null ? {} : { range } })
  const right = await read('bytes=10-19')
  expect([right.status, Buffer.from(await right.arrayBuffer())]).toEqual([206, bytes.subarray(10, 20)])
  for (const range of ['bytes=10-20', 'bytes=0-19', 'bytes=10-19,0-5', null]) {
    expect((await read(range)).status, String(range)).toBe(403)
  }
  const over = await store.signedFetch(nameOf(bytes), { lifetimeMs: 1 })
  await new Promise((resolve) => setTimeout(resolve, 2100))
  expect((await fetch(over ?? '')).status).toBe(403)
  const hidden = await openStore({ publicEndpoint: null })
  expect(await hidden.signedFetch(nameOf(bytes), { lifetimeMs: 1000 })).toBeNull()
})

test('wrong keys, region and bucket are told apart, and are not tried for long', async () => {
  const cases: [Partial<S3Settings>, string][] = [
    [{ secretAccessKey: 'not it' }, 'the secret access key or the region is wrong.'],
    [{ accessKeyId: 'NOBODY' }, 'the access key is not known.'],
    [{ region: 'elsewhere-1' }, 'the region is wrong.'],
    [{ bucket: 'other' }, 'the bucket does not exist.'],
  ]
  for (const [settings, reason] of cases) {
    const wrong = await openStore(settings)
    const fault = await faultOf(wrong.probe())
    expect([fault.code, fault.params.reason]).toEqual(['store_refused', reason])
    expect(fault.next).toContain('holdfast doctor')
    expect(logged).not.toContain('not it')
  }
})

test('a store that is away is told as one that does not answer, at once; when it is back, all goes on', async () => {
  const bytes = randomBytes(1000)
  await put(bytes)
  await s3.sleep()
  const started = Date.now()
  const other = randomBytes(1000)
  const work = [store.findSize(nameOf(bytes)), store.openRange(nameOf(bytes), 0, 9), put(other), store.probe()]
  for (const fault of await Promise.all(work.map(faultOf))) {
    expect([fault.code, fault.status]).toEqual(['store_unreachable', 503])
  }
  expect(Date.now() - started).toBeLessThan(10_000)
  expect(await readdir(path.join(folder, 'incoming'))).toEqual([])
  await s3.wake()
  await put(other)
  expect(await store.findSize(nameOf(other))).toBe(1000)
})

test('a store that takes a request and says nothing is given up', async () => {
  s3.fail = () => 'silence'
  const started = Date.now()
  expect((await faultOf(store.findSize(nameOf(Buffer.alloc(1))))).code).toBe('store_unreachable')
  expect(Date.now() - started).toBeLessThan(6000)
})

test('"slow down", broken answers and cut bodies are tried again, whole', async () => {
  const small = randomBytes(10_000)
  failing(2, (request) => request.method === 'PUT', { status: 503, code: 'SlowDown' })
  await put(small)
  expect(await store.findSize(nameOf(small))).toBe(10_000)
  const large = randomBytes(34_000_000)
  failing(2, isPart, 'cut')
  await put(large)
  expect((await buffer(await store.openRange(nameOf(large), 0, large.length - 1))).equals(large)).toBe(true)
})

test('a staged file is one request up to the size of a xorb, and parts beyond', async () => {
  store = await openStore({}, patient)
  store = await openStore({}, patient)
  for (const [size, requests] of [
    [60_000_000, 1],
    [80_000_000, 5],
  ] as const) {
    const before = s3.seen.length
    const bytes = randomBytes(size)
    const name: BlobName = { kind: 'xorb', hash: identify(bytes).sha256 }
    const staged = await store.openStaged()
    writeSync(staged.fd, bytes)
    failing(1, (request) => request.method === 'PUT', 'cut')
    await staged.publish(name)
    await staged.discard()
    expect(s3.seen.slice(before).filter((request) => request.method === 'PUT')).toHaveLength(requests + 1)
    expect((await buffer(await store.openRange(name, 0, size - 1))).equals(bytes)).toBe(true)
  }
})

test('the answer to the last step is lost: the blob is there, and that is found out', async () => {
  const bytes = randomBytes(17_000_000)
  failing(1, (request) => request.method === 'POST' && request.query.has('uploadId'), 'lost')
  await put(bytes)
  expect(await store.findSize(nameOf(bytes))).toBe(bytes.length)
  expect(s3.uploads.size).toBe(0)
})

test('parts that fail for good end the upload and leave nothing, while the sender is still sending', async () => {
  const bytes = randomBytes(60_000_000)
  failing(100, (request) => isPart(request) && request.query.get('partNumber') === '2', {
    status: 500,
    code: 'InternalError',
  })
  expect((await faultOf(put(bytes))).code).toBe('store_unreachable')
  expect(s3.count()).toBe(0)
  expect(s3.uploads.size).toBe(0)
  expect(await readdir(path.join(folder, 'incoming'))).toEqual([])
  failing(1, isPart, { status: 507, code: 'XMinioStorageFull' })
  expect((await faultOf(put(bytes))).code).toBe('storage_full')
  expect(s3.uploads.size).toBe(0)
})

test('a download that is cut goes on where it broke, as often as it moves; one that never moves ends', async () => {
  const bytes = randomBytes(9_000_000)
  await put(bytes)
  let cuts = 0
  s3.fail = (request) => (request.method === 'GET' && cuts++ < 12 ? { cutAfter: 700_000 } : null)
  const got = await buffer(await store.openRange(nameOf(bytes), 100, bytes.length - 1))
  expect(got.equals(bytes.subarray(100))).toBe(true)
  expect(cuts).toBe(13)
  s3.fail = (request) => (request.method === 'GET' ? { cutAfter: 0 } : null)
  expect((await faultOf(store.openRange(nameOf(bytes), 0, 999).then(buffer))).code).toBe('store_unreachable')
})

test('a slow reader outlives the patience of the store', async () => {
  const bytes = randomBytes(12_000_000)
  await put(bytes)
  const stream = await store.openRange(nameOf(bytes), 0, bytes.length - 1)
  const got: Buffer[] = []
  let pauses = 2
  for await (const chunk of stream) {
    got.push(Buffer.from(chunk))
    // Twice as long as a connection may be silent.
    if (pauses-- > 0) await new Promise((resolve) => setTimeout(resolve, 900))
  }
  expect(Buffer.concat(got).equals(bytes)).toBe(true)
  expect(s3.seen.filter((request) => request.method === 'GET').length).toBeGreaterThan(1)
})

test('an object of another size than was stored is not sent', async () => {
  const bytes = randomBytes(10_000)
  await put(bytes)
  const [key = ''] = s3.objects.keys()
  s3.objects.set(key, { bytes: bytes.subarray(0, 9000), at: Date.now() })
  const fault = await faultOf(store.openRange(nameOf(bytes), 0, 9_999))
  expect([fault.code, fault.message]).toEqual([
    'store_refused',
    expect.stringContaining('it has 9000 bytes where 10000'),
  ])
  // The next upload mends it.
  await put(bytes)
  expect(await store.findSize(nameOf(bytes))).toBe(10_000)
})

test('a crash between parts: the next start frees the disk, and the open upload is aborted when it is old', async () => {
  const here = path.join(import.meta.dirname, 's3-blob-store.ts')
  const script = `
    const { openS3BlobStore } = await import(${JSON.stringify(here)})
    const { makeLogger } = await import(${JSON.stringify(path.join(import.meta.dirname, '../log/logger.ts'))})
    const { Readable } = await import('node:stream')
    const settings = ${JSON.stringify(s3.settings)}
    const store = await openS3BlobStore({ settings, folder: ${JSON.stringify(folder)}, log: makeLogger({ level: 'silent' }) })
    const source = new Readable({ read() {} })
    source.push(Buffer.alloc(36_000_000))
    store.put(source, { sha256: '${'ab'.repeat(32)}', size: 50_000_000 })
    setInterval(() => process.stdout.write('.'), 100)`
  const child = execFile(process.execPath, ['--input-type=module', '-e', script])
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await expect.poll(() => s3.count(), { timeout: 10_000 }).toBe(2)
  child.kill('SIGKILL')
  await ended
  expect((await readdir(path.join(folder, 'incoming'))).length).toBeGreaterThan(0)
  const again = await openStore()
  expect(await readdir(path.join(folder, 'incoming'))).toEqual([])
  expect(await again.list('object', null, 10)).toEqual([])
  // Not old enough; then old, but with a part that came just now; then old.
  expect(await again.removeStale(3_600_000)).toBe(0)
  const [[id, upload] = []] = s3.uploads
  if (id === undefined || upload === undefined) throw new Error('The upload is gone.')
  s3.uploads.set(id, { ...upload, at: Date.now() - 7_200_000 })
  expect(await again.removeStale(3_600_000)).toBe(0)
  for (const [number, part] of upload.parts) upload.parts.set(number, { ...part, at: Date.now() - 7_200_000 })
  expect(await again.removeStale(3_600_000)).toBe(1)
  expect(s3.count()).toBe(0)
})

test('parts of an upload are stale together, and only when its last one is old', async () => {
  for (const part of [1, 2, 3]) await store.putPart('slow-1', part, Readable.from([Buffer.alloc(10, part)]), 10)
  await store.putPart('dead-1', 1, Readable.from([Buffer.alloc(10)]), 10)
  for (const [key, stored] of s3.objects) {
    if (!key.endsWith('slow-1/000003')) s3.objects.set(key, { ...stored, at: Date.now() - 7_200_000 })
  }
  expect(await store.removeStale(3_600_000)).toBe(1)
  expect([...s3.objects.keys()].map((key) => path.basename(path.dirname(key)))).toEqual(['slow-1', 'slow-1', 'slow-1'])
})

test('more than a thousand keys are listed in pages; what is no blob is passed over', async () => {
  const hashes = Array.from({ length: 2500 }, () => randomBytes(32).toString('hex')).sort()
  const stored = { bytes: Buffer.alloc(3), at: Date.now() }
  for (const hash of hashes) s3.objects.set(`hub/xorbs/${fan(hash)}`, stored)
  for (let stray = 0; stray < 1100; stray++)
    s3.objects.set(`hub/xorbs/00/00/${String(stray).padStart(4, '0')}.tmp`, stored)
  s3.objects.set('hub/xorbs.txt', stored)
  const listed: string[] = []
  for (;;) {
    const page = await store.list('xorb', listed.at(-1) ?? null, 5000)
    expect(page.length).toBeLessThanOrEqual(1000)
    listed.push(...page.map((blob) => blob.hash))
    if (page.length < 1000) break
  }
  expect(listed).toEqual(hashes)
  expect(await store.list('object', null, 10)).toEqual([])
  for (let part = 0; part < 1100; part++) s3.objects.set(`hub/incoming/many/${String(part).padStart(6, '0')}`, stored)
  await store.discardParts('many')
  expect([...s3.objects.keys()].some((key) => key.includes('incoming'))).toBe(false)
})

test('any size fits into ten thousand parts', () => {
  expect(partSizeFor(17_000_000)).toBe(16 << 20)
  for (const size of [1, 16 << 20, 500 * 2 ** 30, 5 * 2 ** 40, 160_000 * 2 ** 20 + 1]) {
    expect(Math.ceil(size / partSizeFor(size))).toBeLessThanOrEqual(10_000)
    expect(partSizeFor(size) % (1 << 20)).toBe(0)
  }
})

function fan(hash: string): string {
  return `${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`
}
