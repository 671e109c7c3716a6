/* The fields of a role for a while, read back from the form that was sent. */
import type { FormState } from './form-state.ts'

const hour = 3_600_000
const day = 24 * hour

export const terms = [
  { value: '1h', ms: hour, label: '1 hour' },
  { value: '8h', ms: 8 * hour, label: '8 hours' },
  { value: '1d', ms: day, label: '1 day' },
  { value: '7d', ms: 7 * day, label: '7 days' },
  { value: '30d', ms: 30 * day, label: '30 days' },
] as const

/** Which form of a page it is: its fields are called `raiseUntil`, `raiseUntilDate` and `raiseReason`. */
export type TermPrefix = 'person' | 'group' | 'raise'

export const nameIn = (prefix: TermPrefix, field: 'Until' | 'UntilDate' | 'Reason'): string => `${prefix}${field}`

/** A refused form with the messages about `until` and `reason` at the fields of this form. */
export function withTermErrors(prefix: TermPrefix, form: FormState): FormState {
  const { until, reason, ...errors } = form.errors
  return {
    ...form,
    errors: {
      ...errors,
      ...(until === undefined ? {} : { [nameIn(prefix, 'Until')]: until }),
      ...(reason === undefined ? {} : { [nameIn(prefix, 'Reason')]: reason }),
    },
  }
}

type Values = Readonly<Record<string, unknown>>

/** What a form says; null: for good. `until` is NaN for what is no day. */
export function termFromForm(
  prefix: TermPrefix,
  values: Values,
  now: number,
): { until: number; reason: string } | null {
  const text = (field: Parameters<typeof nameIn>[1]): string => {
    const value = values[nameIn(prefix, field)]
    return typeof value === 'string' ? value : ''
  }
  const chosen = text('Until')
  if (chosen === '') return null
  const reason = text('Reason')
  const term = terms.find(({ value }) => value === chosen)
  if (term !== undefined) return { until: now + term.ms, reason }
  const date = text('UntilDate')
  const isDay = chosen === 'date' && /^\d{4}-\d{2}-\d{2}$/.test(date)
  return { until: isDay ? Date.parse(`${date}T23:59:59.999Z`) : Number.NaN, reason }
}
