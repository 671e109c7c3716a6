/** When large files are moved into Xet storage: a minute after a push, once a day, and when somebody asks for it. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { moveObjects } from './move-objects.ts'

export const moveQueue = 'move-objects'
/** Pushes come in a row, and what was just sent is often read next: as it lies, that costs least. */
const afterPushMs = 60_000
const everyMs = 24 * 3_600_000
const againMs = 30_000
/** One file may be half a terabyte, and the store far away. */
const timeLimitMs = 4 * 24 * 3_600_000

const payloadShape = z.object({ isAsked: z.boolean() }).nullable()

/** What a commit named may be moved soon. Costs a look where that is known already. */
export async function scheduleMove(hub: Hub): Promise<void> {
  await leaveNext(hub, hub.clock.now() + (hub.config.xetMove === 'on' ? afterPushMs : everyMs), false)
}

/** Everything that waits is moved now, by whichever process runs the hub's jobs, also where the setting is off. */
export async function askForMove(hub: Hub): Promise<void> {
  await leaveNext(hub, hub.clock.now(), true)
}

async function leaveNext(hub: Hub, runAt: number, isAsked: boolean): Promise<void> {
  const dedupKey = isAsked ? 'asked' : 'next'
  await ensureEnqueued(hub.db, moveQueue, isAsked ? { isAsked } : null, { dedupKey, runAt })
}

const atWork = new WeakSet<Hub>()

/** One at a time. Each run leaves the next one behind before it begins. */
async function runMove(hub: Hub, payload: unknown, signal: AbortSignal): Promise<void> {
  const isAsked = payloadShape.parse(payload)?.isAsked ?? false
  if (atWork.has(hub)) return await leaveNext(hub, hub.clock.now() + againMs, isAsked)
  atWork.add(hub)
  try {
    await leaveNext(hub, hub.clock.now() + everyMs, false)
    const { nextAt } = await moveObjects(hub, { signal, isAsked })
    // Removals alone need nobody who asks.
    const now = hub.clock.now()
    if (nextAt !== null) await leaveNext(hub, nextAt, isAsked && nextAt <= now)
  } finally {
    atWork.delete(hub)
  }
}

export function moveJobs(hub: Hub): JobHandlers {
  const handler = (payload: unknown, signal: AbortSignal): Promise<void> => runMove(hub, payload, signal)
  return { [moveQueue]: Object.assign(handler, { timeLimitMs }) }
}
