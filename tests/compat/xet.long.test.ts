/**
 * Clients as `pip install` and `npm install` make them, with files of gibibytes by Xet, both ways and byte for byte; also where an upload was
 * killed half-way. The server keeps within its memory meanwhile, whatever passes through it.
 */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPython } from './clients.ts'
import { digestsBelow, sha256OfFile, writeFolder, writeLargeFile } from './xet-bytes.ts'
import { killAfter, mostServerMemory, startXetHub, type XetHub } from './xet-hub.ts'

const gib = 2 ** 30
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

let hub: XetHub
const hubForAll = (): void => {
  beforeAll(async () => {
    hub = await startXetHub()
  }, 300_000)
  afterAll(() => hub[Symbol.asyncDispose](), 60_000)
}

/** Runs one step, tells its time and the server's memory, and holds the memory to its limit. */
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  await hub.peak()
  const begun = performance.now()
  const result = await work()
  const seconds = (performance.now() - begun) / 1000
  const peak = await hub.peak()
  console.info(`${name}: ${seconds.toFixed(1)} s, server at most ${(peak / 1e6).toFixed(0)} MB`)
  expect(peak, `memory of the server: ${name}`).toBeLessThan(mostServerMemory)
  return result
}

describe.each(['newest', 'last1'] as const)('hf, %s', (set) => {
  const python = findPython(set)
  const hf = path.join(path.dirname(python ?? ''), 'hf')
  hubForAll()

  async function expectBack(name: string, digest: string): Promise<void> {
    const target = path.join(hub.folder, 'fetched')
    await step(`${set} download ${name}`, () => hub.client(hf, ['download', 'ada/large', name, '--local-dir', target]))
    expect(await sha256OfFile(path.join(target, name))).toBe(digest)
    await rm(target, { recursive: true })
  }

  it.skipIf(python === null)('1 GiB, whose upload was killed half-way and is repeated', async () => {
    const file = path.join(hub.folder, '1gib.bin')
    const digest = await writeLargeFile(file, gib)
    const home = path.join(hub.folder, 'home')
    await mkdir(home)
    const upload = ['upload', 'ada/large', file, '1gib.bin', '--private']
    await step(`${set} upload 1 GiB, killed`, () => killAfter(hub, hub.startClient(hf, upload, home), 0.3 * gib))
    const sent = await hub.xorbBytes()
    expect(sent).toBeLessThan(0.7 * gib)
    await step(`${set} upload 1 GiB, repeated`, () => hub.clientIn(home, hf, upload))
    // What was stored of the first is not stored a second time.
    expect(await hub.xorbBytes()).toBeLessThan(1.01 * gib)
    await rm(home, { recursive: true })
    await rm(file)
    await expectBack('1gib.bin', digest)
  })

  it.skipIf(python === null)('5 GiB', async () => {
    const file = path.join(hub.folder, '5gib.bin')
    const digest = await writeLargeFile(file, 5 * gib)
    await step(`${set} upload 5 GiB`, () => hub.client(hf, ['upload', 'ada/large', file, '5gib.bin', '--private']))
    expect(await hub.xorbBytes()).toBeGreaterThan(3 * gib)
    await rm(file)
    await expectBack('5gib.bin', digest)
  })
})

describe('hf, a folder', () => {
  const python = findPython('newest')
  const hf = path.join(path.dirname(python ?? ''), 'hf')
  hubForAll()

  it.skipIf(python === null)('of 2,000 files goes up and comes back', async () => {
    const folder = path.join(hub.folder, 'many')
    await writeFolder(folder)
    await step('upload 2,000 files', () => hub.client(hf, ['upload', 'ada/many', folder, '.', '--private']))
    expect(await hub.xorbBytes()).toBeGreaterThan(200 << 20)
    const target = path.join(hub.folder, 'fetched')
    const download = (): Promise<string> => hub.client(hf, ['download', 'ada/many', '--local-dir', target])
    await step('download 2,000 files', download)
    const targets = Array.from({ length: 8 }, (_, index) => path.join(hub.folder, `fetched-${index}`))
    const downloadTo = (folder: string) => hub.client(hf, ['download', 'ada/many', '--local-dir', folder])
    await step('download 2,000 files eight times at once', () => Promise.all(targets.map(downloadTo)))
    const sent = await digestsBelow(folder)
    expect(sent.size).toBe(2_000)
    for (const one of [target, ...targets]) expect(await digestsBelow(one)).toEqual(sent)
  })
})

describe('libraries', () => {
  hubForAll()

  it('@huggingface/hub sends 1 GiB and gets it back', async () => {
    const file = path.join(hub.folder, '1gib.bin')
    const digest = await writeLargeFile(file, gib)
    const client = [script('xet-js-client.ts')]
    await step('js upload 1 GiB', () => hub.client(process.execPath, [...client, 'upload', 'ada/js', file]))
    expect(await hub.xorbBytes()).toBeGreaterThan(0.5 * gib)
    await rm(file)
    const found = await step('js download 1 GiB', () =>
      hub.client(process.execPath, [...client, 'download', 'ada/js', '1gib.bin']),
    )
    expect(found.trim()).toBe(digest)
    // Its xorbs are not those of the Python client: it cuts by stored bytes.
    const python = findPython('newest')
    if (python === null) return
    const target = path.join(hub.folder, 'fetched')
    const args = ['download', 'ada/js', '1gib.bin', '--repo-type', 'dataset', '--local-dir', target]
    await step('Python download of it', () => hub.client(path.join(path.dirname(python), 'hf'), args))
    expect(await sha256OfFile(path.join(target, '1gib.bin'))).toBe(digest)
  })

  it.each([
    ['newest', 'xet_datasets.py', 1 << 20],
    ['transformers', 'xet_transformers.py', 30 << 20],
  ] as const)('%s: %s', async (set, name, least) => {
    const python = findPython(set)
    if (python === null) return
    const before = await hub.xorbBytes()
    const said = await step(name, () => hub.client(python, [script(`python/${name}`)]))
    expect(said).toContain('ok')
    expect((await hub.xorbBytes()) - before).toBeGreaterThan(least)
  })
})
