/** What an account is billed for, and what others called of its models: sums over a time, for administrators of an organization and for people. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf } from '../../domain/facts.ts'
import { firstIdAt } from '../../domain/ids.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { sumUsage, type UsageGroup, type UsageSum, usageGroups } from './queries.ts'
import { usageBookOf } from './usage-book.ts'

const dayMs = 86_400_000
const daysUnlessSaid = 30
const mostDays = 400
/** The largest ones; nobody reads more. */
const mostGroups = 1_000

const time = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).optional()
const range = { from: time, to: time }
export const usageQuery = z.object({ ...range, group_by: z.enum(usageGroups).default('model') })
export const exportQuery = z.object({ ...range, format: z.enum(['csv', 'jsonl']).default('csv') })

export interface Usage {
  /** Milliseconds; `to` is not part of it. */
  readonly from: number
  readonly to: number
  readonly by: UsageGroup
  readonly groups: readonly UsageSum[]
  readonly isComplete: boolean
}

/** The last 30 days unless said; a day stands for its beginning (UTC). Throws `bad_request` for more than 400 days, or for none. */
export async function getUsage(
  hub: Hub,
  { resource }: Allowed<'org.inference_usage.read'>,
  asked: z.output<typeof usageQuery>,
): Promise<Usage> {
  return await usageOf(hub, resource.id, asked)
}

/** What a person pays for, and what others called of the person's models. Throws as `getUsage` does. */
export async function getOwnUsage(
  hub: Hub,
  { principal }: Allowed<'account.inference_usage.read'>,
  asked: z.output<typeof usageQuery>,
): Promise<Usage> {
  const account = accountOf(principal)
  if (account === null) throw new HoldfastError('unauthenticated', {}, { denied: { code: 'unauthenticated' } })
  return await usageOf(hub, account.id, asked)
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

async function usageOf(hub: Hub, accountId: string, asked: z.output<typeof usageQuery>): Promise<Usage> {
  const { from, to } = timesIn(hub, asked)
  // What was called a moment ago is part of it.
  await usageBookOf(hub).flush()
  const ids = { from: firstIdAt(from), to: firstIdAt(to) }
  const groups = await sumUsage(hub.db, accountId, ids, asked.group_by, mostGroups + 1)
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
