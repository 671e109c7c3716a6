/** What every blob store must do. A store runs this suite with a way to open itself; see disk-blob-store.test.ts. */
import { createHash, randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HoldfastError } from '../../src/domain/errors.ts'
import { type BlobIdentity, type BlobStore, type ListedBlob, objectNamed } from '../../src/platform/blobs/blob-store.ts'

export interface OpenedStore {
  readonly store: BlobStore
  /** The same bytes, opened anew: what a restart sees. */
  reopen(): Promise<BlobStore>
  /** How many objects lie in the store, of whatever kind: nothing half-written may be left. */
  count(): Promise<number>
  remove(): Promise<void>
}

export function identify(bytes: Buffer): BlobIdentity {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
}

/** In pieces of odd sizes, as a network delivers them. */
function pieces(bytes: Buffer): Readable {
  const sizes = [1, 65_536, 7, 300_000, 1_048_577]
  let turn = 0
  let at = 0
  return new Readable({
    read() {
      const size = sizes[turn++ % sizes.length] ?? 1
      this.push(at >= bytes.length ? null : bytes.subarray(at, at + size))
      at += size
    },
  })
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no error',
    (error: HoldfastError) => error.code ?? String(error),
  )
}

export function describeBlobStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} keeps the contract of blob stores`, () => {
    let opened: OpenedStore
    let store: BlobStore

    beforeAll(async () => {
      opened = await open()
      store = opened.store
    })

    afterAll(() => opened.remove())

    const read = async (sha256: string, start: number, end: number) =>
      buffer(await store.openRange(objectNamed(sha256), start, end))

    test.each([0, 1, 1_048_576, 3_333_333])('%i bytes go in and come out, after a restart too', async (size) => {
      const bytes = randomBytes(size)
      const blob = identify(bytes)
      expect(await store.findSize(objectNamed(blob.sha256))).toBeNull()
      await store.put(pieces(bytes), blob)
      expect(await store.findSize(objectNamed(blob.sha256))).toBe(size)
      const again = await opened.reopen()
      expect(await again.findSize(objectNamed(blob.sha256))).toBe(size)
      if (size > 0)
        expect((await buffer(await again.openRange(objectNamed(blob.sha256), 0, size - 1))).equals(bytes)).toBe(true)
    })

    test('ranges include both ends', async () => {
      const bytes = randomBytes(2_500_000)
      const { sha256 } = identify(bytes)
      await store.put(pieces(bytes), identify(bytes))
      expect((await read(sha256, 0, 0)).equals(bytes.subarray(0, 1))).toBe(true)
      expect((await read(sha256, 1_048_570, 1_048_590)).equals(bytes.subarray(1_048_570, 1_048_591))).toBe(true)
      expect((await read(sha256, 2_499_999, 2_499_999)).equals(bytes.subarray(2_499_999))).toBe(true)
    })

    test('what does not match is refused and leaves nothing', async () => {
      const bytes = randomBytes(1_500_000)
      const blob = identify(bytes)
      const before = await opened.count()
      const other = identify(randomBytes(10))
      expect(await codeOf(store.put(pieces(bytes), { ...blob, sha256: other.sha256 }))).toBe('hash_mismatch')
      expect(await codeOf(store.put(pieces(bytes), { ...blob, size: blob.size + 1 }))).toBe('length_mismatch')
      expect(await codeOf(store.put(pieces(bytes), { ...blob, size: blob.size - 1 }))).toBe('length_mismatch')
      expect(await store.findSize(objectNamed(blob.sha256))).toBeNull()
      expect(await opened.count()).toBe(before)
    })

    test('a source that breaks, or a sender who is given up, leaves nothing', async () => {
      const bytes = randomBytes(1_500_000)
      const blob = identify(bytes)
      const before = await opened.count()
      const broken = Readable.from(
        (function* () {
          yield bytes.subarray(0, 1_200_000)
          throw new Error('the line is cut')
        })(),
      )
      await expect(store.put(broken, blob)).rejects.toThrow('the line is cut')
      const controller = new AbortController()
      const silent = new Readable({ read: () => undefined })
      silent.push(bytes.subarray(0, 100))
      const waiting = store.put(silent, blob, controller.signal)
      controller.abort(new Error('too slow'))
      await expect(waiting).rejects.toThrow('too slow')
      await expect(store.put(pieces(bytes), blob, AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
      expect(await store.findSize(objectNamed(blob.sha256))).toBeNull()
      expect(await opened.count()).toBe(before)
    })

    test('a large one goes in while it arrives, and leaves nothing where it does not match or breaks', async () => {
      const bytes = randomBytes(40_000_000)
      const blob = identify(bytes)
      const before = await opened.count()
      const other = identify(randomBytes(10))
      expect(await codeOf(store.put(pieces(bytes), { ...blob, sha256: other.sha256 }))).toBe('hash_mismatch')
      expect(await codeOf(store.put(pieces(bytes), { ...blob, size: blob.size + 1 }))).toBe('length_mismatch')
      expect(await codeOf(store.put(pieces(bytes), { ...blob, size: blob.size - 1 }))).toBe('length_mismatch')
      const broken = Readable.from(
        (function* () {
          yield bytes.subarray(0, 36_000_000)
          throw new Error('the line is cut')
        })(),
      )
      await expect(store.put(broken, blob)).rejects.toThrow('the line is cut')
      const controller = new AbortController()
      const slow = pieces(bytes)
      slow.on('data', () => slow.readableFlowing !== null && controller.abort(new Error('too slow')))
      await expect(store.put(slow, blob, controller.signal)).rejects.toThrow('too slow')
      expect(await store.findSize(objectNamed(blob.sha256))).toBeNull()
      expect(await opened.count()).toBe(before)
      await Promise.all([store.put(pieces(bytes), blob), store.put(pieces(bytes), blob)])
      expect(await opened.count()).toBe(before + 1)
      expect((await read(blob.sha256, 0, blob.size - 1)).equals(bytes)).toBe(true)
      expect((await read(blob.sha256, 16_777_200, 16_777_300)).equals(bytes.subarray(16_777_200, 16_777_301))).toBe(
        true,
      )
      const staged = await store.openStaged()
      writeSync(staged.fd, bytes)
      await staged.publish({ kind: 'xorb', hash: blob.sha256 })
      const copy = await buffer(await store.openRange({ kind: 'xorb', hash: blob.sha256 }, 0, blob.size - 1))
      expect(copy.equals(bytes)).toBe(true)
      await store.delete({ kind: 'xorb', hash: blob.sha256 })
    })

    test('a reader that goes away in the middle holds nothing', async () => {
      const bytes = randomBytes(8_000_000)
      const blob = identify(bytes)
      await store.put(pieces(bytes), blob)
      const stream = await store.openRange(objectNamed(blob.sha256), 0, blob.size - 1)
      for await (const chunk of stream) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }
      expect(stream.destroyed).toBe(true)
      // One that was opened and never read, too.
      const unread = await store.openRange(objectNamed(blob.sha256), 0, blob.size - 1)
      unread.destroy()
      expect((await read(blob.sha256, 5, 9)).equals(bytes.subarray(5, 10))).toBe(true)
    })

    test('a blob that is there is checked again and kept', async () => {
      const bytes = randomBytes(100_000)
      const blob = identify(bytes)
      await store.put(pieces(bytes), blob)
      const before = await opened.count()
      await store.put(pieces(bytes), blob)
      expect(await codeOf(store.put(pieces(randomBytes(100_000)), blob))).toBe('hash_mismatch')
      expect((await read(blob.sha256, 0, blob.size - 1)).equals(bytes)).toBe(true)
      expect(await opened.count()).toBe(before)
    })

    test('many writers of the same bytes store them once', async () => {
      const bytes = randomBytes(700_000)
      const blob = identify(bytes)
      const before = await opened.count()
      await Promise.all(Array.from({ length: 8 }, () => store.put(pieces(bytes), blob)))
      expect((await read(blob.sha256, 0, blob.size - 1)).equals(bytes)).toBe(true)
      expect(await opened.count()).toBe(before + 1)
    })

    test('a deleted blob is gone, deleting again is fine, and reading it says so', async () => {
      const bytes = randomBytes(1000)
      const blob = identify(bytes)
      await store.put(pieces(bytes), blob)
      await store.delete(objectNamed(blob.sha256))
      await store.delete(objectNamed(blob.sha256))
      expect(await store.findSize(objectNamed(blob.sha256))).toBeNull()
      expect(await codeOf(store.openRange(objectNamed(blob.sha256), 0, 9))).toBe('entry_not_found')
    })

    test('parts in any order, one sent twice, are joined and checked', async () => {
      const bytes = randomBytes(2_500_000)
      const blob = identify(bytes)
      const part = (number: number) => bytes.subarray((number - 1) * 1_000_000, number * 1_000_000)
      const put = (number: number, content: Buffer) =>
        store.putPart('upload-1', number, pieces(content), content.length)
      const etags = [await put(3, part(3)), await put(1, randomBytes(1_000_000)), await put(2, part(2))]
      expect(new Set(etags).size).toBe(3)
      expect(await codeOf(store.completeParts('upload-1', 3, blob))).toBe('hash_mismatch')
      expect(await store.findSize(objectNamed(blob.sha256))).toBeNull()
      await put(1, part(1))
      await store.completeParts('upload-1', 3, blob)
      expect((await read(blob.sha256, 0, blob.size - 1)).equals(bytes)).toBe(true)
      // The answer was lost: the same call again is fine.
      await store.completeParts('upload-1', 3, blob)
    })

    test('a part of the wrong length, a missing part, and parts that are discarded', async () => {
      const bytes = randomBytes(600_000)
      const blob = identify(bytes)
      const before = await opened.count()
      const first = bytes.subarray(0, 300_000)
      expect(await codeOf(store.putPart('upload-2', 1, pieces(first), 299_999))).toBe('length_mismatch')
      expect(await codeOf(store.putPart('upload-2', 1, pieces(first), 300_001))).toBe('length_mismatch')
      await store.putPart('upload-2', 1, pieces(first), first.length)
      expect(await codeOf(store.completeParts('upload-2', 2, blob))).toBe('length_mismatch')
      await store.discardParts('upload-2')
      await store.discardParts('upload-2')
      expect(await opened.count()).toBe(before)
    })

    test('only what is older than asked for counts as left behind', async () => {
      await store.putPart('upload-3', 1, pieces(randomBytes(10)), 10)
      expect(await store.removeStale(3_600_000)).toBe(0)
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(await store.removeStale(1)).toBe(1)
      expect(await codeOf(store.completeParts('upload-3', 1, identify(randomBytes(10))))).toBe('length_mismatch')
    })

    test('staged bytes get a name when they are published, once, and of both kinds', async () => {
      const bytes = randomBytes(400_000)
      const before = await opened.count()
      for (const kind of ['object', 'xorb'] as const) {
        const name = { kind, hash: identify(bytes).sha256 }
        const staged = await store.openStaged()
        writeSync(staged.fd, bytes, 100, bytes.length - 100, 100)
        expect(await store.findSize(name)).toBeNull()
        writeSync(staged.fd, bytes, 0, 100, 0)
        await staged.publish(name)
        await staged.discard()
        expect(await store.findSize(name)).toBe(bytes.length)
        expect((await buffer(await store.openRange(name, 90, 399_999))).equals(bytes.subarray(90))).toBe(true)
        // Somebody else was faster.
        const second = await store.openStaged()
        writeSync(second.fd, bytes)
        await second.publish(name)
        const dropped = await store.openStaged()
        writeSync(dropped.fd, bytes)
        await dropped.discard()
        await dropped.discard()
        await expect(dropped.publish(name)).rejects.toThrow('once')
      }
      expect(await opened.count()).toBe(before + 2)
      await store.delete({ kind: 'xorb', hash: identify(bytes).sha256 })
      expect(await store.findSize({ kind: 'xorb', hash: identify(bytes).sha256 })).toBeNull()
      expect(await store.findSize(objectNamed(identify(bytes).sha256))).toBe(bytes.length)
    })

    test('a list goes through all blobs of a kind in pages, in order, and shows no others', async () => {
      const kept = new Map<string, number>()
      for (let size = 1; size <= 12; size++) {
        const staged = await store.openStaged()
        writeSync(staged.fd, randomBytes(size))
        const hash = identify(randomBytes(8)).sha256
        await staged.publish({ kind: 'xorb', hash })
        kept.set(hash, size)
      }
      const listed: ListedBlob[] = []
      for (;;) {
        const page = await store.list('xorb', listed.at(-1)?.hash ?? null, 5)
        listed.push(...page)
        if (page.length < 5) break
      }
      expect(listed.map((blob) => blob.hash)).toEqual([...kept.keys()].sort())
      for (const { hash, size } of listed) expect(size).toBe(kept.get(hash))
      const objects = await store.list('object', null, 1000)
      expect(objects.length).toBeGreaterThan(0)
      expect(objects.some((blob) => kept.has(blob.hash))).toBe(false)
    })

    test('it can be looked at, and says where it is', async () => {
      const before = await opened.count()
      expect(await store.probe()).toMatch(/[/"]/)
      expect(await opened.count()).toBe(before)
    })

    test('a name that is no hash reaches nothing', async () => {
      for (const name of ['../../etc/passwd', '', 'AB'.repeat(32), `${'ab'.repeat(32)}/x`]) {
        await expect(store.findSize(objectNamed(name))).rejects.toThrow('64 lowercase hex digits')
      }
      await expect(store.putPart('../x', 1, pieces(randomBytes(1)), 1)).rejects.toThrow()
    })
  })
}
