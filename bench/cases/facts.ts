/** Facts and decision of one request, by `bench/facts.ts`, which fills databases of its own: once for each database. */
import type { Bench, BenchCase } from '../case.ts'
import { onBothDatabases } from './own-databases.ts'

export const factsCase: BenchCase = {
  name: 'facts',
  about:
    'Loading the facts of a request and deciding about a push to one of 1,000,000 repos by chance, in an organization of 10,000 members, 1,000 groups and 10,000 workspaces of 20 groups each. In five rounds.',
  run: (bench) => onBothDatabases(bench, 'facts.ts', (line) => report(bench, line as Line)),
}

interface Line {
  readonly name: string
  readonly values: readonly number[]
  readonly unit: string
  readonly atMost: number | null
}

function report(bench: Bench, { name, values, unit, atMost }: Line): void {
  bench.report({
    name,
    unit,
    ours: values,
    yardstick: null,
    target: atMost === null ? null : { atMost, judge: 'median' },
  })
}
