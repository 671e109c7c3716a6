/** Which time a page of usage is about, as its form says it. Days and months are those of UTC. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { type UsageGroup, usageGroups } from './queries.ts'

export const usagePeriods = ['days', 'month', 'last-month', 'between'] as const
export type UsagePeriod = (typeof usagePeriods)[number]

export const usageFormShape = z.object({
  period: z.enum(usagePeriods).catch('days').default('days'),
  from: z.string().max(40).default(''),
  to: z.string().max(40).default(''),
  group_by: z.enum(usageGroups).catch('model').default('model'),
})
export type UsageForm = z.output<typeof usageFormShape>

interface Between {
  readonly from?: string
  readonly to?: string
  readonly group_by: UsageGroup
}

const dayMs = 86_400_000

/** As the API is asked: `to` is not part of it there, and is the last day here. Throws `invalid_input` for a day that is none. */
export function betweenOf({ period, from, to, group_by }: UsageForm, now: number): Between {
  const today = new Date(now)
  const monthAt = (ahead: number) => isoDay(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + ahead, 1))
  switch (period) {
    case 'days':
      return { group_by }
    case 'month':
      return { from: monthAt(0), group_by }
    case 'last-month':
      return { from: monthAt(-1), to: monthAt(0), group_by }
    case 'between':
      return {
        ...(from === '' ? {} : { from: isoDay(dayIn('from', from)) }),
        ...(to === '' ? {} : { to: isoDay(dayIn('to', to) + dayMs) }),
        group_by,
      }
  }
}

function isoDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

function dayIn(field: 'from' | 'to', text: string): number {
  const parsed = z.iso.date().safeParse(text)
  const at = parsed.success ? Date.parse(parsed.data) : Number.NaN
  // A day more has to be a day as well.
  if (!(at >= 0 && at < Date.UTC(9_000, 0))) {
    throw new HoldfastError('invalid_input', { reason: 'Give a day, such as 2026-11-28.', field })
  }
  return at
}
