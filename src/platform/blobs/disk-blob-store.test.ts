import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeBlobStore, identify } from '../../../tests/support/blob-store-contract.ts'
import { objectNamed } from './blob-store.ts'
import { openDiskBlobStore } from './disk-blob-store.ts'

const run = promisify(execFile)

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

describeBlobStore('The disk', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-blobs-'))
  return {
    store: await openDiskBlobStore({ folder }),
    reopen: () => openDiskBlobStore({ folder }),
    count: async () => (await files(folder)).length,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
})

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-blobs-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('a file of the wrong size under a blob’s name (a torn disk) is replaced by the next upload', async () => {
  const store = await openDiskBlobStore({ folder })
  const bytes = randomBytes(5000)
  const blob = identify(bytes)
  const file = path.join(folder, blob.sha256.slice(0, 2), blob.sha256.slice(2, 4), blob.sha256)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, 'torn')
  await store.put(Readable.from([bytes]), blob)
  expect(await store.findSize(objectNamed(blob.sha256))).toBe(5000)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(store.pathForFrontServer(objectNamed(blob.sha256))).toBe(
    path.join(path.basename(folder), blob.sha256.slice(0, 2), blob.sha256.slice(2, 4), blob.sha256),
  )
})

/** A folder of thousands of files, fetched by many clients at once: each opens dozens of ranges, and each range held 2 MiB. */
test('where many files are read at once, each is read in smaller pieces', async () => {
  const store = await openDiskBlobStore({ folder })
  const bytes = randomBytes(3_000_000)
  const blob = identify(bytes)
  await store.put(Readable.from([bytes]), blob)
  const open = () => store.openRange(objectNamed(blob.sha256), 0, bytes.length - 1)
  const streams = [await open()]
  expect(streams[0]?.readableHighWaterMark).toBe(1 << 20)
  while (streams.length < 400) streams.push(await open())
  const sizes = streams.map((stream) => stream.readableHighWaterMark)
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(112 << 20)
  expect(sizes.at(-1)).toBe(1 << 16)
  const [first, ...rest] = streams
  const closed = streams.map((stream) => once(stream, 'close'))
  expect(Buffer.concat((await rest.pop()?.toArray()) ?? []).equals(bytes)).toBe(true)
  for (const stream of [first, ...rest]) stream?.destroy()
  await Promise.all(closed)
  const later = await open()
  expect(later.readableHighWaterMark).toBe(1 << 20)
  later.destroy()
})

test('a crash in the middle of a write leaves a file that counts for nothing; the next start removes it', async () => {
  const store = await openDiskBlobStore({ folder })
  const bytes = randomBytes(2_000_000)
  const { sha256, size } = identify(bytes)
  const here = path.join(import.meta.dirname, 'disk-blob-store.ts')
  const script = `
    const { openDiskBlobStore } = await import(${JSON.stringify(here)})
    const { Readable } = await import('node:stream')
    const store = await openDiskBlobStore({ folder: ${JSON.stringify(folder)} })
    const source = new Readable({ read() {} })
    source.push(Buffer.alloc(1_500_000))
    store.put(source, { sha256: '${sha256}', size: ${size} })
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300)`
  await run(process.execPath, ['--input-type=module', '-e', script]).catch((error: { signal?: string }) => {
    expect(error.signal).toBe('SIGKILL')
  })
  expect(await readdir(path.join(folder, 'incoming'))).toHaveLength(1)
  expect(await store.findSize(objectNamed(sha256))).toBeNull()
  await store.put(Readable.from([bytes]), { sha256, size })
  expect(await store.findSize(objectNamed(sha256))).toBe(size)
  // A start takes away what the dead process left, and lets a living one finish.
  const slow = new Readable({ read: () => undefined })
  const other = randomBytes(1000)
  slow.push(other.subarray(0, 500))
  const writing = store.put(slow, identify(other))
  await expect.poll(() => readdir(path.join(folder, 'incoming'))).toHaveLength(2)
  await openDiskBlobStore({ folder })
  expect(await readdir(path.join(folder, 'incoming'))).toHaveLength(1)
  slow.push(other.subarray(500))
  slow.push(null)
  await writing
  expect(await store.findSize(objectNamed(identify(other).sha256))).toBe(1000)
  expect(await readdir(path.join(folder, 'incoming'))).toEqual([])
})

test('a full disk is told as one, and nothing is left', async () => {
  // A file system of 1 MiB, where the machine lets us make one.
  const mount = path.join(folder, 'small')
  await mkdir(mount)
  const isMounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]).then(
    () => true,
    () => false,
  )
  if (!isMounted) return console.warn('The test of a full disk is left out: it must be allowed to mount a tmpfs.')
  try {
    const store = await openDiskBlobStore({ folder: mount })
    const bytes = randomBytes(3_000_000)
    await expect(store.put(Readable.from([bytes]), identify(bytes))).rejects.toMatchObject({ code: 'storage_full' })
    const part = store.putPart('full', 1, Readable.from([bytes]), bytes.length)
    await expect(part).rejects.toMatchObject({ code: 'storage_full' })
    expect(await files(mount)).toEqual([])
  } finally {
    await run('umount', [mount])
  }
})
