/** A page of 30 repos out of many, by `bench/listing.ts`, which fills databases of its own: once for each database, medians of 25 runs. */
import type { Bench, BenchCase } from '../case.ts'
import { onBothDatabases } from './own-databases.ts'

export const listingCase: BenchCase = {
  name: 'listing',
  about:
    'A page of 30 repos on a hub of 1,000,000, and how much longer it takes than on a hub of 10,000. Medians of 25 runs, in one round.',
  run: (bench) => onBothDatabases(bench, 'listing.ts', (line) => report(bench, line as Line)),
}

interface Line {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** `<= N`, or null for what has no goal. */
  readonly target: string | null
}

function report(bench: Bench, { name, value, unit, target }: Line): void {
  // How much a case without a goal grows says nothing that its time does not.
  if (target === null && unit === 'x') return
  const atMost = target === null ? null : Number(target.replace('<= ', ''))
  bench.report({
    name,
    unit,
    ours: [value],
    yardstick: null,
    target: atMost === null ? null : { atMost, judge: 'median' },
  })
}
