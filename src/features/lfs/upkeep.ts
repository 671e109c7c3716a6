/** The job that collects the bytes which nothing needs any more: uploads never completed, then what storage finds. */
import type { Hub } from '../../hub.ts'
import { markReached } from '../ingest/service.ts'
import { askForCollection, collectStorage, hasHalfRemoved } from '../storage/service.ts'
import { dropExpiredUploads } from './multipart.ts'

export { collectionQueue } from '../storage/service.ts'

const everyMs = 24 * 3_600_000
/** After one that ended early: by then a backup may be over, and so is the lease of a collector that died. */
const againMs = 15 * 60_000

/** Once at start: a job that waits already is left as it is, unless a collection was interrupted. */
export async function scheduleCollection(hub: Hub): Promise<void> {
  await askForCollection(hub, (await hasHalfRemoved(hub.db)) ? againMs : everyMs)
}

/** Leaves the next run behind before it begins. */
export async function collect(hub: Hub, signal: AbortSignal): Promise<void> {
  await askForCollection(hub, everyMs)
  await dropExpiredUploads(hub)
  const { stopped } = await collectStorage(hub, {
    proveRepo: (repoId) => markReached(hub, repoId),
    reason: 'daily collection',
    signal,
  })
  if (stopped !== null) await askForCollection(hub, againMs)
}
