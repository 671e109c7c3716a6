/** The fence of a token as a form sends it. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { RequestedFence } from './requested-fence.ts'

/** `networks`, `paths`, `programs`: one a line; `notBefore`: a day (yyyy-mm-dd, from its beginning in UTC), or empty; an empty amount is none. */
export const fenceFields = {
  networks: z.string().max(2_000).optional(),
  notBefore: z.string().max(20).optional(),
  paths: z.string().max(12_000).optional(),
  programs: z.string().max(2_000).optional(),
  requestsPerMinute: z.string().max(20).optional(),
  /** In GB: a thousand million bytes. */
  gigabytesPerDay: z.string().max(20).optional(),
}
type Sent = z.output<z.ZodObject<typeof fenceFields>>

/** Throws `invalid_input`. */
export function fenceFromForm(sent: Sent): RequestedFence {
  const { networks, notBefore, paths, programs, requestsPerMinute, gigabytesPerDay } = sent
  return {
    networks: networks?.split(/[\s,]+/),
    notBefore: notBefore === undefined ? undefined : notBefore === '' ? null : dayOf(notBefore),
    // A name can have a space in it.
    paths: paths?.split(/[\r\n]+/),
    programs: programs?.split(/[\s,]+/),
    requestsPerMinute: requestsPerMinute === undefined ? undefined : amountOf(requestsPerMinute.trim()),
    bytesPerDay: gigabytesPerDay === undefined ? undefined : bytesOf(gigabytesPerDay.trim()),
  }
}

/** What the fields of the form show again. */
export function fenceAsSent(sent: Sent): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const name of Object.keys(fenceFields) as (keyof Sent)[]) {
    const value = sent[name]
    if (value !== undefined) shown[name] = value
  }
  return shown
}

function amountOf(text: string): number | null {
  if (text === '') return null
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new HoldfastError('invalid_input', {
    reason: 'A limit is a whole number from 1 up.',
    field: 'requestsPerMinute',
  })
}

function bytesOf(text: string): number | null {
  if (text === '') return null
  const bytes = /^\d{1,6}([.,]\d{1,3})?$/.test(text) ? Math.round(Number(text.replace(',', '.')) * 1e9) : 0
  if (bytes > 0) return bytes
  throw new HoldfastError('invalid_input', { reason: 'A number of GB, such as 20 or 0.5.', field: 'gigabytesPerDay' })
}

function dayOf(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isFinite(at)) return at
  throw new HoldfastError('invalid_input', { reason: 'Choose a day.', field: 'notBefore' })
}
