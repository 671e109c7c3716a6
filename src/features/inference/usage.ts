/** What an organization is billed for, and what others called of its models: sums over a time, for its administrators. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
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
export const usageQuery = z.object({ from: time, to: time, group_by: z.enum(usageGroups).default('model') })

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
  allowed: Allowed<'org.inference_usage.read'>,
  asked: z.output<typeof usageQuery>,
): Promise<Usage> {
  const to = asked.to === undefined ? hub.clock.now() + 1 : Date.parse(asked.to)
  const from = asked.from === undefined ? to - daysUnlessSaid * dayMs : Date.parse(asked.from)
  if (!(from < to)) throw new HoldfastError('bad_request', { reason: '"from" has to be before "to".' })
  if (to - from > mostDays * dayMs) {
    throw new HoldfastError('bad_request', { reason: `Ask for at most ${mostDays} days at once.` })
  }
  // What was called a moment ago is part of it.
  await usageBookOf(hub).flush()
  const range = { from: firstIdAt(from), to: firstIdAt(to) }
  const groups = await sumUsage(hub.db, allowed.resource.id, range, asked.group_by, mostGroups + 1)
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
