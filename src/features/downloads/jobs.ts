/** Forgets download records when their time is over. */
import { firstIdAt } from '../../domain/ids.ts'
import type { Hub } from '../../hub.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { pruneAudited } from './audit-prune.ts'
import { deleteRecordsBefore } from './queries.ts'

const queue = 'forget-downloads'
const dayMs = 86_400_000
const rowsAtOnce = 1_000

export function downloadJobs(hub: Hub): JobHandlers {
  return { [queue]: (_payload, signal) => forgetDownloads(hub, signal) }
}

/** Once at start: a job that waits already is left as it is. */
export async function scheduleForgetting(hub: Hub): Promise<void> {
  await ensureEnqueued(hub.db, queue, null, { dedupKey: 'next', runAt: hub.clock.now() + dayMs })
}

/** A thousand at a time, so that no writer waits long for it. */
async function forgetDownloads(hub: Hub, signal: AbortSignal): Promise<void> {
  await scheduleForgetting(hub)
  await pruneAudited(hub, signal)
  const { downloadRecordDays } = hub.config
  if (downloadRecordDays === 0) return
  const before = firstIdAt(hub.clock.now() - downloadRecordDays * dayMs)
  for (;;) {
    signal.throwIfAborted()
    const removed = await hub.transaction((tx) => deleteRecordsBefore(tx, before, rowsAtOnce))
    if (removed < rowsAtOnce) return
  }
}
