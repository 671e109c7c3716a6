/**
 * How fast one thread checks a xorb of bfloat16 weights (frames, decompression, chunk hashes, Merkle root), and how fast `node:crypto` hashes
 * the same raw bytes. The xorb is made by Holdfast's own cutter.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import type { XetWorkers } from '../../src/platform/xet/xet-workers.ts'
import { weightsOf } from '../sample-files.ts'

export interface XetCheckOptions {
  /** Of the built program. */
  readonly dist: string
  /** Raw bytes. */
  readonly size: number
  readonly passes: number
}

export interface XetCheckResult {
  /** MB/s over the raw bytes, one for each pass. */
  readonly check: readonly number[]
  readonly sha256: readonly number[]
}

export async function xetCheck({ dist, size, passes }: XetCheckOptions): Promise<void> {
  const module = pathToFileURL(path.join(dist, 'platform/xet/open-xet-workers.js')).href
  const { openXetWorkers } = (await import(module)) as { openXetWorkers(options: { threads: number }): XetWorkers }
  const workers = openXetWorkers({ threads: 1 })
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-xet-check-'))
  try {
    const pieces: Buffer[] = []
    for await (const piece of weightsOf('check', size)) pieces.push(piece)
    const { hash, stored } = await makeXorb(workers, folder, pieces)
    const result = { check: [] as number[], sha256: [] as number[] }
    for (let pass = 0; pass <= passes; pass++) {
      const checking = await time(() => workers.receiveXorb(Readable.from(copies(stored)), hash, null))
      const hashing = await time(async () => {
        const sha256 = createHash('sha256')
        for (const piece of pieces) sha256.update(piece)
        sha256.digest()
      })
      // The first pass starts the thread and compiles.
      if (pass === 0) continue
      result.check.push(size / checking / 1e6)
      result.sha256.push(size / hashing / 1e6)
    }
    process.stdout.write(`${JSON.stringify(result satisfies XetCheckResult)}\n`)
  } finally {
    await workers.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeXorb(
  workers: XetWorkers,
  folder: string,
  pieces: readonly Buffer[],
): Promise<{ hash: string; stored: Buffer }> {
  const file = path.join(folder, 'xorb')
  let handle: FileHandle | null = null
  let hash = ''
  const cutter = workers.openCutter({
    findKnown: (chunks) => Promise.resolve(chunks.map(() => null)),
    openXorb: async () => {
      if (handle !== null) throw new Error('The sample must fit into one xorb.')
      handle = await open(file, 'w+')
      return handle.fd
    },
    finishXorb: async (_fd, xorb) => {
      hash = xorb.hash
      await handle?.close()
    },
  })
  for (const piece of pieces) await cutter.write(Uint8Array.from(piece))
  await cutter.end()
  cutter.close()
  return { hash, stored: await readFile(file) }
}

/** As from a socket: pieces of 64 KiB, in memories of their own. */
function* copies(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield Buffer.from(bytes.subarray(at, at + 65_536))
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
