/** What each scanner costs, beside a hash of the same file. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { hasClamd, TestClamd } from '../../tests/support/clamd.ts'
import type { Bench, BenchCase } from '../case.ts'
import { runClient } from '../children.ts'
import { weightsOf, writeSample } from '../sample-files.ts'

export const scannersCase: BenchCase = {
  name: 'scanners',
  about:
    'A file through each scanner as a hub runs it (in its sandbox, or in clamd with one signature), against one thread that hashes it from disk.',
  run: async (bench) => {
    const clamd = hasClamd() ? await TestClamd.make() : null
    if (clamd === null) bench.note('Without clamd: it is not installed here.')
    try {
      await clamd?.start()
      await measure(bench, clamd?.address ?? null)
    } finally {
      await clamd?.remove()
    }
  },
}

async function measure(bench: Bench, clamd: string | null): Promise<void> {
  const dist = path.join(bench.program.folder, 'dist')
  const passes = bench.rounds
  const weights = path.join(bench.folder, 'model.safetensors')
  const size = bench.isQuick ? 8 << 20 : 256 << 20
  await writeSample(weights, safetensors(size))
  const texts = path.join(bench.folder, 'source.txt')
  const textSize = bench.isQuick ? 1 << 20 : 16 << 20
  await writeFile(texts, sourceText(textSize))
  const scanners = ['pickle', 'structure', 'yara', ...(clamd === null ? [] : ['clamav'])]
  const ofWeights = await runClient('scanner-speed', { dist, file: weights, scanners, clamd, passes })
  const ofTexts = await runClient('scanner-speed', { dist, file: texts, scanners: ['secrets', 'yara'], clamd, passes })
  tell(bench, `${size >> 20} MiB of safetensors`, ofWeights.seconds)
  tell(bench, `${textSize >> 20} MiB of source text`, ofTexts.seconds)
}

function tell(bench: Bench, what: string, seconds: Readonly<Record<string, number[]>>): void {
  for (const [name, ours] of Object.entries(seconds)) {
    if (name === 'sha256') continue
    bench.report({
      name: `${name}: ${what}`,
      unit: 's',
      ours,
      yardstick: { name: 'node:crypto SHA-256 of the file', values: seconds.sha256 ?? [] },
      target: null,
    })
  }
}

/** One tensor, of `size` bytes. */
async function* safetensors(size: number): AsyncGenerator<Buffer> {
  const tensor = { dtype: 'BF16', shape: [size / 2], data_offsets: [0, size] }
  const header = Buffer.from(JSON.stringify({ weight: tensor }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  yield Buffer.concat([length, header])
  yield* weightsOf('scanners', size)
}

/** Lines as programs and settings have them, with names that the search for secrets must look at twice. */
function sourceText(size: number): string {
  const lines: string[] = []
  let length = 0
  for (let index = 0; length < size; index++) {
    const line = `  const token_${index} = load("secrets/api_key_${index % 97}", { password: process.env.PASSWORD_${index % 13} })\n`
    lines.push(line)
    length += line.length
  }
  return lines.join('')
}
