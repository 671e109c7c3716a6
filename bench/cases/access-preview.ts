/** Previews of changes that touch 10,000 principals, by `bench/access-preview.ts`, which fills databases of its own. */
import type { Bench, BenchCase } from '../case.ts'
import { onBothDatabases } from './own-databases.ts'

export const accessPreviewCase: BenchCase = {
  name: 'access-preview',
  about:
    'Who gains and who loses by a change that touches 10,000 members with a token each, beside a plain reading of the 10,000 members; and how long it ever kept others from the event loop.',
  run: (bench) => onBothDatabases(bench, 'access-preview.ts', (line) => report(bench, line as Line)),
}

interface Line {
  readonly name: string
  readonly values: readonly number[]
  readonly against: readonly number[]
  /** Of the main thread's processor time. */
  readonly turn: readonly number[]
  readonly lag: readonly number[]
}

function report(bench: Bench, { name, values, against, turn, lag }: Line): void {
  const yardstick = { name: 'the members read', values: against }
  bench.report({ name, unit: 'ms', ours: values, yardstick, target: { atMost: 1000, judge: 'worst' } })
  bench.report({
    name: `${name}: longest turn of the event loop (processor time)`,
    unit: 'ms',
    ours: turn,
    yardstick: null,
    target: { atMost: 10, judge: 'worst' },
  })
  bench.report({
    name: `${name}: longest wait for a timer, other programs included`,
    unit: 'ms',
    ours: lag,
    yardstick: null,
    target: null,
  })
}
