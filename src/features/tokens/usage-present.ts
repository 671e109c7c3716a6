/** What a token touched, on the wire. */
import { isoTime } from '../../domain/iso-time.ts'
import type { Proposal, SeenCaller, UsageReport } from './usage.ts'
import { usageKeptDays } from './usage.ts'

export function presentUsage(report: UsageReport) {
  return {
    firstUsedAt: isoTime(report.firstUsedAt),
    lastUsedAt: isoTime(report.lastUsedAt),
    keptDays: usageKeptDays,
    reach: report.reach,
    touched: report.things.map(({ lastDay, ...thing }) => ({ ...thing, lastDay: dayOf(lastDay) })),
    unusedPermissions: report.unused,
    days: report.days.map(({ day, ...counts }) => ({ day: dayOf(day), ...counts })),
    addresses: report.addresses.map(presentCaller),
    programs: report.programs.map(presentCaller),
  }
}

export function presentProposal({ before, after }: Proposal, isApplied: boolean) {
  return { before, after, applied: isApplied }
}

function presentCaller({ value, firstAt, lastAt, uses }: SeenCaller) {
  return { value, firstAt: isoTime(firstAt), lastAt: isoTime(lastAt), requests: uses }
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
