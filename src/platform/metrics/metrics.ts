/**
 * What the process counts for Prometheus, in its text format (0.0.4). The values of each label are a list that the code has: what is none of it is
 * counted as `other`, so that nothing which comes from outside ever makes a series, and memory is bounded by what is written here.
 */

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'
const other = 'other'

/** What a label can be. */
export type LabelValues = Readonly<Record<string, readonly string[]>>
type Labels<L extends LabelValues> = { readonly [Name in keyof L]: string }

export interface Counter<L extends LabelValues> {
  add(labels: Labels<L>, by?: number): void
}

export interface Histogram<L extends LabelValues> {
  observe(labels: Labels<L>, value: number): void
}

export interface Sample {
  /** Of the code's own words. */
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A value that is looked up when somebody asks. */
export interface Reading {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly samples: () => readonly Sample[]
}

export interface Metrics {
  counter<const L extends LabelValues>(name: string, help: string, labels: L): Counter<L>
  /** `bounds`: upper ones, ascending. */
  histogram<const L extends LabelValues>(name: string, help: string, labels: L, bounds: readonly number[]): Histogram<L>
  reading(reading: Reading): void
  /** A reading of a single value. */
  gauge(name: string, help: string, value: () => number): void
  /** All of it, and `more`. */
  write(more?: readonly Reading[]): string
}

export function openMetrics(): Metrics {
  const families = new Map<string, () => string>()
  const add = (name: string, write: () => string): void => {
    if (families.has(name)) throw new Error(`There is a metric ${name} already.`)
    families.set(name, write)
  }
  const reading = (one: Reading): void => add(one.name, () => readNow(one))
  return {
    counter: (name, help, labels) => {
      const series = new Map<string, number>()
      add(name, () =>
        family(
          name,
          help,
          'counter',
          [...series].map(([key, value]) => line(name, key, value)),
        ),
      )
      return {
        add: (given, by = 1) => {
          const key = keyOf(labels, given)
          series.set(key, (series.get(key) ?? 0) + by)
        },
      }
    },
    histogram: (name, help, labels, bounds) => {
      const series = new Map<string, Distribution>()
      add(name, () =>
        family(
          name,
          help,
          'histogram',
          [...series].flatMap(([key, one]) => lines(name, key, bounds, one)),
        ),
      )
      return {
        observe: (given, value) => {
          const key = keyOf(labels, given)
          const one = series.get(key) ?? { counts: bounds.map(() => 0), count: 0, sum: 0 }
          series.set(key, one)
          const at = bounds.findIndex((bound) => value <= bound)
          if (at >= 0) one.counts[at] = (one.counts[at] ?? 0) + 1
          one.count++
          one.sum += value
        },
      }
    },
    reading,
    gauge: (name, help, value) => reading({ name, help, type: 'gauge', samples: () => [{ value: value() }] }),
    write: (more = []) => [...[...families.values()].map((write) => write()), ...more.map(readNow)].join(''),
  }
}

interface Distribution {
  /** Of each bound, those that no lower one takes. */
  readonly counts: number[]
  count: number
  sum: number
}

function readNow({ name, help, type, samples }: Reading): string {
  return family(
    name,
    help,
    type,
    samples().map(({ labels = {}, value }) => line(name, written(Object.entries(labels)), value)),
  )
}

function family(name: string, help: string, type: string, all: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${all.join('')}`
}

const line = (name: string, labels: string, value: number): string =>
  `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`

function lines(name: string, key: string, bounds: readonly number[], { counts, count, sum }: Distribution): string[] {
  const labels = key === '' ? '' : `${key},`
  let below = 0
  const buckets = bounds.map((bound, at) => {
    below += counts[at] ?? 0
    return line(`${name}_bucket`, `${labels}le="${bound}"`, below)
  })
  return [
    ...buckets,
    line(`${name}_bucket`, `${labels}le="+Inf"`, count),
    line(`${name}_sum`, key, sum),
    line(`${name}_count`, key, count),
  ]
}

function keyOf<L extends LabelValues>(known: L, given: Labels<L>): string {
  return written(
    Object.entries(known).map(([name, values]) => {
      const value = given[name] ?? other
      return [name, values.includes(value) ? value : other]
    }),
  )
}

function written(labels: readonly (readonly [string, string])[]): string {
  return labels
    .map(([name, value]) => {
      const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
      return `${name}="${escaped}"`
    })
    .join(',')
}
