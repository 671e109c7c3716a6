/* When a token ends: never, a preset, or a day. The day's field shows where "On a date…" is chosen (by CSS), and is
   simply read where the browser shows both. */
import { SelectField, TextField } from './field.tsx'
import { type FormState, formValue } from './form-state.ts'
import { renderingTime } from './render.ts'
import { shortDate } from './time-words.ts'

const day = 86_400_000

/** `expiry` is one of these, `keep`, or `date` with `expiryDate` (yyyy-mm-dd, valid to the end of that day in UTC). */
export const expiryPresets = [
  { value: '30', days: 30, label: 'In 30 days' },
  { value: '90', days: 90, label: 'In 90 days' },
  { value: '365', days: 365, label: 'In 1 year' },
] as const

type ExpiryFieldProps = {
  form: FormState
  /** At a refresh: what it is now, which stays unless another is chosen (UAT-21). */
  keep?: number | null
  autofocus?: boolean
}

export function ExpiryField(props: ExpiryFieldProps) {
  const now = renderingTime()
  const keeps = props.keep !== undefined && props.keep !== null && props.keep > now
  const choices = [
    ...(keeps && props.keep ? [{ value: 'keep', label: `As it is now (${shortDate(props.keep)})` }] : []),
    { value: 'never', label: 'Never expires' },
    ...expiryPresets.map(({ value, days, label }) => ({ value, label: `${label} (${shortDate(now + days * day)})` })),
    { value: 'date', label: 'On a date…' },
  ]
  return (
    <div class="expiry grid gap-2 content-start">
      <SelectField
        form={props.form}
        name="expiry"
        label="Expires"
        choices={choices}
        value={formValue(props.form, 'expiry', keeps ? 'keep' : 'never')}
        autofocus={props.autofocus}
      />
      <div class="only-date">
        <TextField form={props.form} name="expiryDate" type="date" label="Last day" />
      </div>
    </div>
  )
}

/**
 * The moment that a sent form means, in milliseconds; null for never, `invalid` for what is no day ahead.
 * `kept` is what `keep` stands for.
 */
export function expiryFromForm(
  values: Readonly<Record<string, string>>,
  now: number,
  kept: number | null = null,
): number | null | 'invalid' {
  const chosen = values.expiry ?? 'never'
  if (chosen === 'never') return null
  if (chosen === 'keep') return kept
  const preset = expiryPresets.find(({ value }) => value === chosen)
  if (preset) return now + preset.days * day
  const date = values.expiryDate ?? ''
  if (chosen !== 'date' || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return 'invalid'
  const end = Date.parse(`${date}T23:59:59.999Z`)
  return Number.isFinite(end) && end > now ? end : 'invalid'
}
