/** One thing that `holdfast doctor` looked at. */
export interface Finding {
  readonly what: string
  readonly state: 'ok' | 'look' | 'broken'
  readonly detail: string
  /** What to do about it. */
  readonly mend?: string
}
