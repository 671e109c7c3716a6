/** The Hub's words for what a pickle imports. */
export const verdicts = ['innocuous', 'suspicious', 'dangerous'] as const
export type Verdict = (typeof verdicts)[number]

export function worse(one: Verdict, other: Verdict): Verdict {
  return verdicts.indexOf(one) >= verdicts.indexOf(other) ? one : other
}
