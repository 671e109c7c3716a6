/** The fence of a token as a form sends it. */
import { HoldfastError } from '../../domain/errors.ts'
import type { RequestedFence } from './store.ts'

/** `networks`: one a line, or separated by commas; `notBefore`: a day (yyyy-mm-dd, from its beginning in UTC), or empty. Throws `invalid_input`. */
export function fenceFromForm(sent: {
  readonly networks?: string | undefined
  readonly notBefore?: string | undefined
}) {
  const { networks, notBefore } = sent
  const fence: RequestedFence = {
    networks: networks?.split(/[\s,]+/),
    notBefore: notBefore === undefined ? undefined : notBefore === '' ? null : dayOf(notBefore),
  }
  return fence
}

function dayOf(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isFinite(at)) return at
  throw new HoldfastError('invalid_input', { reason: 'Choose a day.', field: 'notBefore' })
}
