/** What was measured, and whether it is good enough. Pure: numbers in, words out. Rounds are kept, so that the spread can be shown. */

/** A ratio compares with the yardstick of the same round; `atMost` judges our own figure. */
export type Target =
  | { readonly ratioAtLeast: number }
  | { readonly ratioAtMost: number }
  /** `worst` judges the worst round instead of the median. */
  | { readonly atMost: number; readonly judge: 'median' | 'worst' }

export interface Figure {
  readonly name: string
  readonly unit: string
  /** One number for each round. */
  readonly ours: readonly number[]
  readonly yardstick: { readonly name: string; readonly values: readonly number[] } | null
  /** Null: reported beside the others, without a goal. */
  readonly target: Target | null
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** `share` of the values are at or below the result. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN
}

/** Ours divided by the yardstick's, round by round. */
export function ratios(figure: Figure): number[] {
  const against = figure.yardstick?.values ?? []
  return figure.ours.slice(0, against.length).map((value, round) => value / (against[round] ?? Number.NaN))
}

/** Null where there is no goal. */
export function isMet(figure: Figure): boolean | null {
  const { target } = figure
  if (target === null) return null
  if ('ratioAtLeast' in target) return median(ratios(figure)) >= target.ratioAtLeast
  if ('ratioAtMost' in target) return median(ratios(figure)) <= target.ratioAtMost
  return (target.judge === 'worst' ? Math.max(...figure.ours) : median(figure.ours)) <= target.atMost
}

/** The cells of one line of the table: name, ours, yardstick, ratio, target, verdict. */
export function cells(figure: Figure): string[] {
  const all = ratios(figure)
  const met = isMet(figure)
  return [
    figure.name,
    `${show(median(figure.ours))} ${figure.unit}${figure.yardstick === null ? spread(figure.ours) : ''}`,
    figure.yardstick === null
      ? ''
      : `${show(median(figure.yardstick.values))} ${figure.unit} (${figure.yardstick.name})`,
    all.length === 0 ? '' : `${show(median(all))}${spread(all)}`,
    targetWords(figure.target),
    met === null ? 'reported' : met ? 'met' : 'missed',
  ]
}

export const columns = ['', 'Holdfast', 'yardstick', 'ratio', 'target', '']

function spread(values: readonly number[]): string {
  return values.length < 2 ? '' : ` (${show(Math.min(...values))}..${show(Math.max(...values))})`
}

function targetWords(target: Target | null): string {
  if (target === null) return ''
  if ('ratioAtLeast' in target) return `>= ${target.ratioAtLeast} x`
  if ('ratioAtMost' in target) return `<= ${target.ratioAtMost} x`
  return target.judge === 'worst' ? `never > ${target.atMost}` : `<= ${target.atMost}`
}

function show(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)
}
