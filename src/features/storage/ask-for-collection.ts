/** When the collection runs next. */
import type { Hub } from '../../hub.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'

export const collectionQueue = 'collect-blobs'

/** Not later than in so many milliseconds; a run that waits already and comes sooner is left as it is. */
export async function askForCollection(hub: Hub, inMs: number): Promise<void> {
  await ensureEnqueued(hub.db, collectionQueue, null, { dedupKey: 'next', runAt: hub.clock.now() + inMs })
}
