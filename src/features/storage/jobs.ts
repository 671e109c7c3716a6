/** The jobs of this feature. */
import type { Hub } from '../../hub.ts'
import { enqueue, ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { dueParts, scrub } from './scrub.ts'

const scrubQueue = 'scrub-storage'
const scrubEveryMs = 24 * 3_600_000
/** Other jobs get their turn in between. */
const sliceMs = 5 * 60_000

export function storageJobs(hub: Hub): JobHandlers {
  return { [scrubQueue]: (_payload, signal) => scrubSlice(hub, signal) }
}

/** Once at start: a job that waits already is left as it is. */
export async function scheduleStorage(hub: Hub): Promise<void> {
  if (hub.config.scrubDays === 0) return
  await ensureEnqueued(hub.db, scrubQueue, null, { dedupKey: 'next', runAt: hub.clock.now() + scrubEveryMs })
}

/** What is due today, a few minutes at a time. */
async function scrubSlice(hub: Hub, signal: AbortSignal): Promise<void> {
  const { scrubDays, scrubRate } = hub.config
  if (scrubDays === 0) return
  await scheduleStorage(hub)
  const until = (startedAt: number): number => dueParts(hub.clock.now(), startedAt, scrubDays)
  const report = await scrub(hub, {
    round: 'scrub',
    isResumed: true,
    until,
    bytesPerSecond: scrubRate,
    timeLimitMs: sliceMs,
    signal,
  })
  const { objects, xorbs, bytes, parts, damaged, strays } = report
  hub.log.info({ objects, xorbs, bytes, parts, strays, damaged: damaged.length }, 'Checked stored bytes')
  if (report.isRoundOver || !report.isCutShort) return
  await hub.transaction((tx) => enqueue(tx, scrubQueue, null, { dedupKey: 'next' }))
}
