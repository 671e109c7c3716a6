/** How inference does on this hub, at a glance, for its administrators. Counts go as far as `mostCounted`. */
import { firstIdAt } from '../../domain/ids.ts'
import type { Hub } from '../../hub.ts'
import { memoryOfModels } from './embedded/running.ts'
import { gatewayOf } from './gateway.ts'
import { countRecentCalls, countServedModels } from './queries.ts'

const dayMs = 86_400_000
const mostCounted = 10_000

export interface InferenceGlance {
  /** In the last 24 hours; one more than is counted: there are more. */
  readonly calls: number
  /** Of those. */
  readonly failed: number
  /** Models that servers answer for, or the hub itself. */
  readonly models: number
  /** Of those: which the hub runs itself. */
  readonly embedded: number
  /** Bytes that those which this process has loaded take. */
  readonly memory: number
  /** Servers that failed so often that this process leaves them alone at this moment. */
  readonly leftAlone: number
}

export async function glanceAtInference(hub: Hub): Promise<InferenceGlance> {
  const since = firstIdAt(hub.clock.now() - dayMs)
  const [{ calls, failed }, { models, embedded }] = await Promise.all([
    countRecentCalls(hub.db, since, mostCounted + 1),
    countServedModels(hub.db, mostCounted + 1),
  ])
  return { calls, failed, models, embedded, memory: memoryOfModels(hub), leftAlone: gatewayOf(hub).load().skipped }
}
