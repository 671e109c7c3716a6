/** Facts and decision of one request, by `bench/facts.ts`, which fills databases of its own: once for each database. */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { openPostgres } from '../postgres.ts'
import { run } from '../processes.ts'
import { root } from '../program.ts'

export const factsCase: BenchCase = {
  name: 'facts',
  about:
    'Loading the facts of a request and deciding about a push to one of 1,000,000 repos by chance, in an organization of 10,000 members, 1,000 groups and 10,000 workspaces of 20 groups each. In five rounds.',
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
  readonly values: readonly number[]
  readonly unit: string
  readonly atMost: number | null
}

async function measure(bench: Bench, options: readonly string[]): Promise<void> {
  const repos = bench.isQuick ? ['--repos', '20000'] : []
  const { stdout } = await run(process.execPath, [path.join(root, 'bench', 'facts.ts'), ...repos, ...options], {
    timeLimitMs: 1_800_000,
  })
  for (const text of stdout.split('\n').filter((line) => line.startsWith('{'))) {
    const { name, values, unit, atMost } = JSON.parse(text) as Line
    bench.report({
      name,
      unit,
      ours: values,
      yardstick: null,
      target: atMost === null ? null : { atMost, judge: 'median' },
    })
  }
}
