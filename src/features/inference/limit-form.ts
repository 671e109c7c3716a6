/** Limits as a form has them: a field for each amount, in digits; empty is any number. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { type LimitAmounts, largestLimit, limitNames } from '../../domain/inference-limits.ts'
import { type LimitDefault, limitDefaults, type NewLimits } from './limits.ts'

/** Whom a row of fields is for. */
export type SharedScope = 'organization' | LimitDefault
export const sharedScopes: readonly SharedScope[] = ['organization', 'member', 'service-account', 'token', 'workspace']

const text = z.string().max(40).optional()
export const formShape = z.record(z.string().max(60), text)
type Sent = z.output<typeof formShape>

/** Throws `invalid_input` with the field. */
export function sharedIn(sent: Sent): Pick<NewLimits, 'organization' | 'defaults'> {
  const defaults = Object.fromEntries(limitDefaults.map((scope) => [scope, sentAmounts(sent, scope)]))
  return {
    organization: sentAmounts(sent, 'organization'),
    defaults: defaults as Record<LimitDefault, LimitAmounts>,
  }
}

/** `scope`: what the names of its fields begin with. Throws `invalid_input` with the field. */
export function sentAmounts(sent: Sent, scope: string): LimitAmounts {
  const amounts = Object.fromEntries(
    limitNames.map((name) => [name, amountIn(sent[`${scope}.${name}`] ?? '', `${scope}.${name}`)]),
  )
  return amounts as Record<keyof LimitAmounts, number | null>
}

/** As people write large numbers: with commas, points or blanks between thousands. */
function amountIn(written: string, field: string): number | null {
  const plain = written.trim()
  if (plain === '') return null
  const isNumber = /^\d+$/.test(plain) || /^\d{1,3}([ ,._'\u00a0]\d{3})+$/.test(plain)
  const amount = isNumber ? Number(plain.replace(/\D/g, '')) : Number.NaN
  if (Number.isSafeInteger(amount) && amount <= largestLimit) return amount
  const most = largestLimit.toLocaleString('en')
  throw new HoldfastError('invalid_input', { reason: `A whole number from 0 to ${most}, or nothing.`, field })
}
