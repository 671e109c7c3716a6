/**
 * The attack: a pickle in an archive that the scanner does not unpack and the loader does. joblib and pandas read bzip2, xz, lzma and lz4 by themselves, Python's
 * zipfile reads bzip2 and lzma in zips. And the attack on the scanner: archives that unpack to far more than they are, and damaged ones.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memorySource } from '../../src/features/scanning/byte-source.ts'
import { type Compression, unpack } from '../../src/features/scanning/containers/compressed.ts'
import { Damaged, NotDecoded } from '../../src/features/scanning/containers/decoders/decoder.ts'
import { scanPickles } from '../../src/features/scanning/service.ts'
import { expectSuccess, findPython, runClient } from '../compat/clients.ts'
import { maliciousPickle } from './samples.ts'

const python = findPython('models')
const signal = new AbortController().signal
const scan = (bytes: Buffer) => scanPickles(memorySource(bytes), { signal })

/** In pieces of these lengths, in turns: decoders must not care where one ends. */
async function* piecesOf(bytes: Buffer, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    yield bytes.subarray(at, at + length)
    at += length
  }
}

describe.skipIf(python === null)('bzip2, xz, lzma, lz4 and 7z, as their writers write them', () => {
  let folder: string
  const inFolder = (...names: string[]) => path.join(folder, ...names)

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-archives-'))
    const script = fileURLToPath(new URL('python/write_archives.py', import.meta.url))
    expectSuccess(
      await runClient(python ?? '', [script, folder, maliciousPickle.toString('hex')], { timeoutMs: 240_000 }),
    )
  }, 250_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('every file unpacks to the bytes that were packed, in pieces of any size', { timeout: 240_000 }, async () => {
    const list = JSON.parse(await readFile(inFolder('list.json'), 'utf8')) as {
      name: string
      compression: Compression
      sha256: string
    }[]
    expect(list.length).toBe(8 * 19)
    const wrong: string[] = []
    for (const { name, compression, sha256 } of list) {
      const packed = await readFile(inFolder(name))
      for (const lengths of [[1 << 18], packed.length < 20_000 ? [1, 2, 7, 1000] : [4097, 3, 65_536]]) {
        const hash = createHash('sha256')
        let count = 0
        const words = await (async () => {
          for await (const piece of unpack(piecesOf(packed, lengths), compression, (bytes) => (count += bytes))) {
            expect(piece.length).toBeLessThanOrEqual(4 << 20)
            hash.update(piece)
          }
          return hash.digest('hex') === sha256 ? null : `other bytes (${count})`
        })().catch((error: unknown) => String(error))
        if (words !== null) wrong.push(`${name}: ${words}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('MAL-8: a pickle is found in each of them, in zips of the newer methods, and in archives in archives', async () => {
    const names = await readdir(inFolder('found'))
    expect(names.length).toBe(17)
    for (const name of names) {
      const found = await scan(await readFile(inFolder('found', name)))
      expect({ name, verdict: found.verdict, state: found.state }).toEqual({
        name,
        verdict: 'dangerous',
        state: 'complete',
      })
    }
  })

  test('MAL-11: what is not decoded is said, and never shown as ok', async () => {
    for (const name of await readdir(inFolder('partly'))) {
      expect(await scan(await readFile(inFolder('partly', name))), name).toMatchObject({ state: 'partly' })
    }
  })

  test('no false alarm on what joblib compresses, and on a 7z without pickles', async () => {
    const names = await readdir(inFolder('honest'))
    expect(names.length).toBe(7)
    for (const name of names) {
      expect(await scan(await readFile(inFolder('honest', name))), name).toMatchObject({
        verdict: 'innocuous',
        state: 'complete',
        pickles: name.endsWith('.7z') ? 0 : 1,
      })
    }
  })

  test('MAL-9: cut and damaged files end in a definite state, and what came before the damage counts', {
    timeout: 240_000,
  }, async () => {
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed % below
    }
    for (const name of ['bad.pkl.bz2', 'bad.pkl.xz', 'bad.pkl.lzma', 'bad.pkl.lz4', 'bad-lzma.7z', 'bad-default.7z']) {
      const whole = await readFile(inFolder('found', name))
      for (let round = 0; round < 40; round++) {
        const changed = Buffer.from(whole)
        for (let index = 0; index < 1 + random(8); index++) changed[random(changed.length)] = random(256)
        const cut = round % 2 === 0 ? changed : changed.subarray(0, random(changed.length))
        const found = await scan(cut)
        expect(['complete', 'broken', 'partly'], `${name}: ${found.reason}`).toContain(found.state)
      }
    }
    const half = await readFile(inFolder('found', 'bad.pkl.xz'))
    expect(await scan(half.subarray(0, half.length - 1000))).toMatchObject({ verdict: 'dangerous', state: 'broken' })
    const lz4 = await readFile(inFolder('found', 'bad.pkl.lz4'))
    expect(await scan(lz4.subarray(0, lz4.length - 1000))).toMatchObject({ verdict: 'dangerous', state: 'broken' })
  })

  test('MAL-9: a bomb is stopped while it comes out', async () => {
    for (const name of ['zeros-9.bz2', 'zeros-6.xz', 'zeros.lzma', 'zeros-0.lz4']) {
      const limits = { depth: 6, unpackedBytes: 1 << 20, unpackedRatio: 1, entries: 10, heldBytes: 1 << 20 }
      const found = await scanPickles(memorySource(await readFile(inFolder(name))), { signal, limits })
      expect(found, name).toMatchObject({ state: 'partly', reason: expect.stringContaining('unpacks to more than') })
    }
  })
})

describe('decoders', () => {
  test('noise is never taken for an archive for long, and never hangs', async () => {
    for (const compression of ['bzip2', 'xz', 'lzma', 'lz4', 'lzma in a zip'] as const) {
      for (let round = 0; round < 50; round++) {
        const noise = createHash('sha512').update(`${compression} ${round}`).digest()
        const read = async () => {
          for await (const piece of unpack(piecesOf(noise, [10]), compression, () => undefined))
            expect(piece.length).toBeGreaterThan(0)
        }
        await read().catch((error: unknown) =>
          expect(error instanceof Damaged || error instanceof NotDecoded).toBe(true),
        )
      }
    }
  })
})
