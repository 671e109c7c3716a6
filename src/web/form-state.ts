/* What a form shows again after a refusal: the values that were sent (never a password) and the message at its field. */

export type FormState = {
  values: Readonly<Record<string, string>>
  errors: Readonly<Record<string, string>>
  /** What is wrong with the whole rather than with one field. */
  problem?: string
}

export const freshForm: FormState = { values: {}, errors: {} }

export function formValue(form: FormState, name: string, otherwise = ''): string {
  return form.values[name] ?? otherwise
}
