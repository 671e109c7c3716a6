/** How fast one thread reads pickles in memory, and how fast `node:crypto` hashes the same bytes. The pickles are put together here. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Scanning from '../../src/features/scanning/service.ts'
import { randomBytesOf } from '../sample-files.ts'

export interface PickleScanOptions {
  /** Of the built program. */
  readonly dist: string
  readonly kind: PickleKind
  /** Of the pickle, about. */
  readonly size: number
  readonly passes: number
}

/**
 * - weights: arrays of some mebibytes as bytes, with what names and shapes them between them;
 * - storages: a pickle of torch's first format, and raw numbers behind it;
 * - objects: a list of small dicts with names, numbers and texts, as protocol 4 writes them.
 */
export type PickleKind = 'weights' | 'storages' | 'objects'

export interface PickleScanResult {
  /** MB/s, one for each pass. */
  readonly scan: readonly number[]
  readonly sha256: readonly number[]
}

export async function pickleScan({ dist, kind, size, passes }: PickleScanOptions): Promise<void> {
  const module = pathToFileURL(path.join(dist, 'features/scanning/service.js')).href
  const { memorySource, scanPickles } = (await import(module)) as typeof Scanning
  const sample = await makers[kind](size)
  const result = { scan: [] as number[], sha256: [] as number[] }
  for (let pass = 0; pass <= passes; pass++) {
    const scanning = await time(async () => {
      const scan = await scanPickles(memorySource(sample), { signal: new AbortController().signal })
      if (scan.state !== 'complete' || scan.verdict !== 'innocuous' || scan.pickles === 0) {
        throw new Error(`The sample was not read: ${JSON.stringify(scan)}`)
      }
    })
    const hashing = await time(async () => {
      const sha256 = createHash('sha256')
      for (let at = 0; at < sample.length; at += 1 << 18) sha256.update(sample.subarray(at, at + (1 << 18)))
      sha256.digest()
    })
    // The first pass compiles.
    if (pass === 0) continue
    result.scan.push(sample.length / scanning / 1e6)
    result.sha256.push(sample.length / hashing / 1e6)
  }
  process.stdout.write(`${JSON.stringify(result satisfies PickleScanResult)}\n`)
}

const makers: Readonly<Record<PickleKind, (size: number) => Promise<Buffer>>> = {
  async weights(size) {
    const parts: Buffer[] = [Buffer.from([0x80, 4, 0x7d, 0x28])]
    for await (const piece of arrays(size)) parts.push(text('layer.weight'), sized(0x42, piece))
    return Buffer.concat([...parts, Buffer.from('u.')])
  },
  async storages(size) {
    const parts: Buffer[] = [Buffer.from([0x80, 2, 0x7d, 0x2e])]
    for await (const piece of arrays(size)) parts.push(piece)
    return Buffer.concat(parts)
  },
  async objects(size) {
    const parts = [Buffer.from([0x80, 4, 0x5d, 0x94, 0x28])]
    let length = 0
    for (let index = 0; length < size; index++) {
      const number = Buffer.alloc(9)
      number[0] = 0x47
      number.writeDoubleBE(index / 7, 1)
      const one = Buffer.concat([
        Buffer.from('}\x94(', 'latin1'),
        ...(index === 0 ? ['id', 'name', 'score'].map(text) : []),
        Buffer.from('h\x01M\x39\x05h\x02', 'latin1'),
        text(`object number ${index}`),
        Buffer.from('h\x03', 'latin1'),
        number,
        Buffer.from('u', 'latin1'),
        // Batches, as picklers write them.
        Buffer.from(index % 1000 === 999 ? 'e(' : ''),
      ])
      parts.push(one)
      length += one.length
    }
    return Buffer.concat([...parts, Buffer.from('e.')])
  },
}

async function* arrays(size: number): AsyncGenerator<Buffer> {
  for await (const piece of randomBytesOf('pickle', size)) yield Buffer.from(piece)
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x8c, value.length]), Buffer.from(value), Buffer.from([0x94])])
}

function sized(code: number, content: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head[0] = code
  head.writeUInt32LE(content.length, 1)
  return Buffer.concat([head, content])
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
