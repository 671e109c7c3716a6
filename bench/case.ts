/** What a case is, and what it is given: rounds that alternate between us and the yardstick, so that a slow minute of the machine hits both. */
import type { Figure, Target } from './figures.ts'
import type { Program } from './program.ts'

export interface BenchCase {
  readonly name: string
  readonly about: string
  run(bench: Bench): Promise<void>
}

export interface Comparison {
  readonly name: string
  readonly unit: string
  readonly target: Target | null
  /** One round of ours. */
  ours(round: number): Promise<number>
  readonly yardstick: { readonly name: string; measure(round: number): Promise<number> }
}

export interface Bench {
  readonly rounds: number
  /** Small sizes: shows that the harness works, not what Holdfast can do. */
  readonly isQuick: boolean
  /** Removed when the case has ended. */
  readonly folder: string
  readonly program: Program
  /** Us, the yardstick, us, the yardstick ... */
  compare(comparison: Comparison): Promise<void>
  /** A figure that the case gathered by itself. */
  report(figure: Figure): void
  /** A sentence that belongs beside the figures: what could not be measured, and why. */
  note(sentence: string): void
}

/** What a case cannot do without is not on this machine; the others still run. */
export class Missing extends Error {}
