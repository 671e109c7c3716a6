/** The old value of a token between the form that gives it time, the store, and the pages. */
import { HoldfastError } from '../../domain/errors.ts'
import { overlaps } from '../../web/overlaps.ts'
import { renderingTime } from '../../web/render.ts'
import type { OldValueView } from '../../web/token-parts.tsx'
import { openOldValue, type StoredToken } from './token.ts'

/** Seconds. Throws `invalid_input` for what the form does not offer. */
export function overlapOf(sent: string): number {
  const chosen = overlaps.find(({ value }) => value === sent)
  if (chosen !== undefined) return Number(chosen.value)
  throw new HoldfastError('invalid_input', { reason: 'Choose when the old value stops.', field: 'overlap' })
}

/** Null where it is refused by now. */
export function viewOfOldValue(token: StoredToken): OldValueView | null {
  const old = openOldValue(token, renderingTime())
  if (old === null) return null
  const lastUsedBy = { ip: old.lastIp, program: old.lastUserAgent?.slice(0, 80) ?? null }
  return { lastFour: old.last4, until: old.validUntil, lastUsedAt: old.lastUsedAt, lastUsedBy }
}
