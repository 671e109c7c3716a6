/** When the collection runs next. */
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueue, ensureEnqueued } from '../../platform/jobs/enqueue.ts'

export const collectionQueue = 'collect-blobs'

const dedupKey = 'next'

/** Not later than in so many milliseconds; a run that waits already and comes sooner is left as it is. */
export async function askForCollection(hub: Hub, inMs: number): Promise<void> {
  await ensureEnqueued(hub.db, collectionQueue, null, { dedupKey, runAt: hub.clock.now() + inMs })
}

/** As soon as the transaction that asks for it has committed. */
export async function collectAfter(hub: Hub, tx: Tx): Promise<void> {
  await enqueue(tx, collectionQueue, null, { dedupKey, runAt: hub.clock.now() })
}
