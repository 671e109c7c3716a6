/** The job that collects the bytes which nothing holds any more: uploads never completed, then blobs without a commit or a lease. */
import type { Hub } from '../../hub.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import { collectBlobs } from '../storage/service.ts'
import { dropExpiredUploads } from './multipart.ts'

export const collectionQueue = 'collect-blobs'
const everyMs = 6 * 3_600_000

/** Once at start: a job that waits already is left as it is. */
export async function scheduleCollection(hub: Hub): Promise<void> {
  const options = { dedupKey: 'next', runAt: hub.clock.now() + everyMs }
  await ensureEnqueued(hub.db, collectionQueue, null, options)
}

/** Leaves the next run behind before it begins. */
export async function collect(hub: Hub, signal: AbortSignal): Promise<void> {
  await scheduleCollection(hub)
  await dropExpiredUploads(hub)
  const removed = await collectBlobs(hub, signal)
  if (removed > 0) hub.log.info({ removed }, 'Collected blobs that nothing needs')
}
