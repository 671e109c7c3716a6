/** The job that collects the bytes which nothing needs any more: uploads never completed, then what storage finds. */
import type { Hub } from '../../hub.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import { markReached } from '../ingest/service.ts'
import { collectStorage, hasHalfRemoved } from '../storage/service.ts'
import { dropExpiredUploads } from './multipart.ts'

export const collectionQueue = 'collect-blobs'
const everyMs = 24 * 3_600_000
/** After one that ended early: by then a backup may be over, and so is the lease of a collector that died. */
const againMs = 15 * 60_000

/** Once at start: a job that waits already is left as it is, unless a collection was interrupted. */
export async function scheduleCollection(hub: Hub): Promise<void> {
  await leaveNext(hub, (await hasHalfRemoved(hub.db)) ? againMs : everyMs)
}

async function leaveNext(hub: Hub, inMs: number): Promise<void> {
  await ensureEnqueued(hub.db, collectionQueue, null, { dedupKey: 'next', runAt: hub.clock.now() + inMs })
}

/** Leaves the next run behind before it begins. */
export async function collect(hub: Hub, signal: AbortSignal): Promise<void> {
  await leaveNext(hub, everyMs)
  await dropExpiredUploads(hub)
  const { stopped } = await collectStorage(hub, {
    proveRepo: (repoId) => markReached(hub, repoId),
    reason: 'daily collection',
    signal,
  })
  if (stopped !== null) await leaveNext(hub, againMs)
}
