/**
 * Removes bytes that no row names. A row always comes before its bytes, so they are what a lost row left, or what a restored database does not
 * know: nobody but an administrator decides that they go, and only where a check saw them 28 days ago. Each gets a claimed row first, so
 * that an upload of the same bytes at this moment waits.
 */
import type { Collection } from './collection.ts'
import { leaseMs } from './lease.ts'
import { claimStrays, dropStrayRows, type Stray, selectOldStrays } from './stray-queries.ts'

const batchSize = 100

export async function collectStrays(collection: Collection): Promise<void> {
  const { hub, counts } = collection
  for (;;) {
    const now = hub.clock.now()
    const strays = await selectOldStrays(hub.db, now - leaseMs, batchSize)
    if (strays.length === 0) return
    const claimed = await collection.claim((tx) => claimStrays(tx, strays, now))
    const gone = await collection.removeBytes<Stray>(claimed, ({ kind, hash }) => ({ kind, hash }))
    await hub.transaction((tx) => dropStrayRows(tx, gone))
    counts.strays.count += gone.length
    for (const { size } of gone) counts.strays.bytes += size
    // Those that could not be removed would come again and again.
    if (gone.length < claimed.length) return
  }
}
