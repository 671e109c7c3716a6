/** How long each scanner of a hub takes for a file, in its sandbox or in clamd as in a hub, and how long `node:crypto` takes to hash it. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as ByteSources from '../../src/features/scanning/byte-source.ts'
import type * as Scanners from '../../src/features/scanning/scanners.ts'

export interface ScannerSpeedOptions {
  /** Of the built program. */
  readonly dist: string
  readonly file: string
  /** Names of scanners. */
  readonly scanners: readonly string[]
  /** Where clamd listens; null: there is none. */
  readonly clamd: string | null
  readonly passes: number
}

export interface ScannerSpeedResult {
  /** Seconds by name, one for each pass; `sha256` for the hash. */
  readonly seconds: Readonly<Record<string, number[]>>
}

const clamdStream = 25_000_000

export async function scannerSpeed({ dist, file, scanners, clamd, passes }: ScannerSpeedOptions): Promise<void> {
  const built = (name: string): string => pathToFileURL(path.join(dist, 'features/scanning', name)).href
  const { openScanners } = (await import(built('scanners.js'))) as typeof Scanners
  const { openFileSource } = (await import(built('byte-source.js'))) as typeof ByteSources
  const set = openScanners({ clamd, clamdStream })
  const source = await openFileSource(file)
  const seconds: Record<string, number[]> = { sha256: [] }
  try {
    for (let pass = 0; pass <= passes; pass++) {
      for (const name of scanners) {
        const scanner = set.scanners.find((one) => one.name === name)
        if (scanner === undefined) throw new Error(`There is no scanner ${name}.`)
        const took = await timed(async () => {
          const { level, message } = await scanner.scan(source, new AbortController().signal)
          if (level !== 'safe') throw new Error(`${name} says ${level} of the sample: ${message}`)
        })
        // The first pass starts the sandbox, compiles, and brings the file into the system's cache.
        if (pass > 0) seconds[name] = [...(seconds[name] ?? []), took]
      }
      const hashing = await timed(async () => {
        const sha256 = createHash('sha256')
        for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) sha256.update(piece as Buffer)
        sha256.digest()
      })
      if (pass > 0) seconds.sha256?.push(hashing)
    }
  } finally {
    await source.close()
    await set.close()
  }
  process.stdout.write(`${JSON.stringify({ seconds } satisfies ScannerSpeedResult)}\n`)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1_000
}
