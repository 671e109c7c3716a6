/** Previews of changes that touch 10,000 principals, by `bench/access-preview.ts`, which fills databases of its own. */
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import { openPostgres } from '../postgres.ts'
import { run } from '../processes.ts'
import { root } from '../program.ts'

export const accessPreviewCase: BenchCase = {
  name: 'access-preview',
  about:
    'Who gains and who loses by a change that touches 10,000 members with a token each, beside a plain reading of the 10,000 members; and how long it ever kept others from the event loop.',
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
  readonly against: readonly number[]
  readonly lag: readonly number[]
}

async function measure(bench: Bench, options: readonly string[]): Promise<void> {
  const repos = bench.isQuick ? ['--repos', '20000'] : []
  const { stdout } = await run(
    process.execPath,
    [path.join(root, 'bench', 'access-preview.ts'), ...repos, ...options],
    {
      timeLimitMs: 1_800_000,
    },
  )
  for (const text of stdout.split('\n').filter((line) => line.startsWith('{'))) {
    const { name, values, against, lag } = JSON.parse(text) as Line
    const yardstick = { name: 'the members read', values: against }
    bench.report({ name, unit: 'ms', ours: values, yardstick, target: { atMost: 1000, judge: 'median' } })
    bench.report({ name: `${name}: longest turn`, unit: 'ms', ours: lag, yardstick: null, target: null })
  }
}
