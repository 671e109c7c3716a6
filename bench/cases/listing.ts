/** A page of 30 repos out of many, by `bench/listing.ts`, which fills databases of its own: once for each database, medians of 25 runs. */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { openPostgres } from '../postgres.ts'
import { run } from '../processes.ts'
import { root } from '../program.ts'

export const listingCase: BenchCase = {
  name: 'listing',
  about:
    'A page of 30 repos on a hub of 1,000,000, and how much longer it takes than on a hub of 10,000. Medians of 25 runs, in one round.',
  run: async (bench) => {
    await measure(bench, [])
    const postgres = await openPostgres()
    if (typeof postgres === 'string') {
      bench.note(postgres)
      return
    }
    try {
      await measure(bench, ['--postgres', postgres.url])
    } finally {
      await postgres.close()
    }
  },
}

interface Line {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** `<= N`, or null for what has no goal. */
  readonly target: string | null
}

async function measure(bench: Bench, options: readonly string[]): Promise<void> {
  const repos = bench.isQuick ? ['--repos', '20000'] : []
  const { stdout } = await run(process.execPath, [path.join(root, 'bench', 'listing.ts'), ...repos, ...options], {
    timeLimitMs: 1_800_000,
  })
  for (const text of stdout.split('\n').filter((line) => line.startsWith('{'))) {
    const { name, value, unit, target } = JSON.parse(text) as Line
    // How much a case without a goal grows says nothing that its time does not.
    if (target === null && unit === 'x') continue
    const atMost = target === null ? null : Number(target.replace('<= ', ''))
    bench.report({
      name,
      unit,
      ours: [value],
      yardstick: null,
      target: atMost === null ? null : { atMost, judge: 'median' },
    })
  }
}
