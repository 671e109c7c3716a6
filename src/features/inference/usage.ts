/**
 * What an organization is billed for, and what others called of its models: sums over a time, for its administrators; and for a person what that one
 * is billed for.
 */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { firstIdAt } from '../../domain/ids.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { sumBilledUsage, sumUsage, type UsageGroup, type UsageRange, type UsageSum, usageGroups } from './queries.ts'
import { usageBookOf } from './usage-book.ts'

const dayMs = 86_400_000
const daysUnlessSaid = 30
const mostDays = 400
/** The largest ones; nobody reads more. */
const mostGroups = 1_000

const time = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).optional()
export const usageQuery = z.object({ from: time, to: time, group_by: z.enum(usageGroups).default('model') })
export const exportQuery = z.object({ from: time, to: time, format: z.enum(['csv', 'jsonl']).default('csv') })

export interface Usage {
  /** Milliseconds; `to` is not part of it. */
  readonly from: number
  readonly to: number
  readonly by: UsageGroup
  readonly groups: readonly UsageSum[]
  readonly isComplete: boolean
}

type UsageQuery = z.output<typeof usageQuery>

/** The last 30 days unless said; a day stands for its beginning (UTC). Throws `bad_request` for more than 400 days, or for none. */
export async function getUsage(
  hub: Hub,
  allowed: Allowed<'org.inference_usage.read'>,
  asked: UsageQuery,
): Promise<Usage> {
  const { id } = allowed.resource
  return await summed(hub, asked, (range, limit) => sumUsage(hub.db, id, range, asked.group_by, limit))
}

/** What the person who asks is billed for. Throws as `getUsage`. */
export async function getOwnUsage(
  hub: Hub,
  { principal }: Allowed<'account.settings.read' | 'account.inference_usage.read'>,
  asked: UsageQuery,
): Promise<Usage> {
  const account = accountOf(principal)
  if (account === null) throw new Error('Nobody has pages of their own without an account.')
  return await summed(hub, asked, (range, limit) => sumBilledUsage(hub.db, account.id, range, asked.group_by, limit))
}

/** Throws `bad_request` for more than 400 days, or for none. */
export function timesIn(
  hub: Hub,
  asked: { readonly from?: string | undefined; readonly to?: string | undefined },
): { readonly from: number; readonly to: number } {
  const to = asked.to === undefined ? hub.clock.now() + 1 : Date.parse(asked.to)
  const from = asked.from === undefined ? to - daysUnlessSaid * dayMs : Date.parse(asked.from)
  if (!(from < to)) throw new HoldfastError('bad_request', { reason: '"from" has to be before "to".' })
  if (to - from > mostDays * dayMs) {
    throw new HoldfastError('bad_request', { reason: `Ask for at most ${mostDays} days at once.` })
  }
  return { from, to }
}

async function summed(
  hub: Hub,
  asked: UsageQuery,
  sum: (range: UsageRange, limit: number) => Promise<UsageSum[]>,
): Promise<Usage> {
  const { from, to } = timesIn(hub, asked)
  // What was called a moment ago is part of it.
  await usageBookOf(hub).flush()
  const groups = await sum({ from: firstIdAt(from), to: firstIdAt(to) }, mostGroups + 1)
  return {
    ...{ from, to, by: asked.group_by },
    groups: groups.slice(0, mostGroups).map((group) => (asked.group_by === 'day' ? named(group) : group)),
    isComplete: groups.length <= mostGroups,
  }
}

/** A day as people write it. */
function named(group: UsageSum): UsageSum {
  const day = new Date(Number(group.key) * dayMs).toISOString().slice(0, 10)
  return { ...group, key: day, label: day }
}
