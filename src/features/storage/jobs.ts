/** The jobs of this feature: checks of stored bytes, and counting them. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { enqueue, ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { countNamespace, countQueue, countRepo } from './accounting.ts'
import { selectUncounted } from './accounting-queries.ts'
import { dueParts, scrub } from './scrub.ts'

const scrubQueue = 'scrub-storage'
const recountQueue = 'recount-storage'
const day = 24 * 3_600_000
/** Other jobs get their turn in between. */
const sliceMs = 5 * 60_000
/** Figures that no push renewed: what others share with a repo changes them too. */
const recountAfterMs = 7 * day
const pageSize = 200

const countShape = z.union([z.object({ repo: z.string() }), z.object({ namespace: z.string() })])
const recountShape = z.object({ after: z.string() })

export function storageJobs(hub: Hub): JobHandlers {
  return {
    [scrubQueue]: (_payload, signal) => scrubSlice(hub, signal),
    [countQueue]: async (payload, signal) => {
      const asked = countShape.parse(payload)
      if ('repo' in asked) await countRepo(hub, asked.repo, signal)
      else await countNamespace(hub, asked.namespace, signal)
    },
    [recountQueue]: (payload, signal) => recountSlice(hub, recountShape.parse(payload).after, signal),
  }
}

/** Once at start: jobs that wait already are left as they are. */
export async function scheduleStorage(hub: Hub): Promise<void> {
  await scheduleRecount(hub)
  if (hub.config.scrubDays > 0) await scheduleScrub(hub)
}

async function scheduleScrub(hub: Hub): Promise<void> {
  await ensureEnqueued(hub.db, scrubQueue, null, { dedupKey: 'next', runAt: hub.clock.now() + day })
}

async function scheduleRecount(hub: Hub): Promise<void> {
  await ensureEnqueued(hub.db, recountQueue, { after: '' }, { dedupKey: 'next', runAt: hub.clock.now() + day })
}

/** What is due today, a few minutes at a time. */
async function scrubSlice(hub: Hub, signal: AbortSignal): Promise<void> {
  const { scrubDays, scrubRate } = hub.config
  if (scrubDays === 0) return
  await scheduleScrub(hub)
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

/** Counts repos that nobody pushed to for a week, a few minutes at a time. */
async function recountSlice(hub: Hub, from: string, signal: AbortSignal): Promise<void> {
  await scheduleRecount(hub)
  const endAt = performance.now() + sliceMs
  for (let after = from; ; ) {
    const page = await selectUncounted(hub.db, after, hub.clock.now() - recountAfterMs, pageSize)
    for (const { id, isDue } of page) {
      if (isDue) await countRepo(hub, id, signal)
      after = id
      if (performance.now() < endAt) continue
      const next = after
      await hub.transaction((tx) => enqueue(tx, recountQueue, { after: next }))
      return
    }
    if (page.length < pageSize) return
  }
}
