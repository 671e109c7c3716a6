/** What a token touched, on the wire. */
import type { Proposal, SeenCaller, UsageReport } from './usage.ts'
import { usageKeptDays } from './usage.ts'

export function presentUsage(report: UsageReport) {
  return {
    firstUsedAt: iso(report.firstUsedAt),
    lastUsedAt: iso(report.lastUsedAt),
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
  return { value, firstAt: iso(firstAt), lastAt: iso(lastAt), requests: uses }
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
