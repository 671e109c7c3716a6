/**
 * The garbage collection of blobs, as a job. A blob goes in three steps (claimed in its row, bytes removed, row removed), so that an
 * upload of the same bytes at the same moment is told to wait instead of counting on bytes that are about to vanish.
 */
import type { Hub } from '../../hub.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { findCollectionHold, isCollectionHeld } from '../../platform/db/collection-hold.ts'
import { claimForRemoval, deleteBlobRow, selectCollectable } from './queries.ts'

const batchSize = 200
/** A transfer that was silent for this long is dead. */
const staleUploadMs = 3 * 24 * 3_600_000

/**
 * Removes every blob that no commit names and whose lease is over, and what crashed writes left. Returns how many blobs. While a backup is
 * being made it removes nothing: the next run does.
 */
export async function collectBlobs(hub: Hub, signal?: AbortSignal): Promise<number> {
  if (await findCollectionHold(hub.db, hub.clock.now())) return 0
  let removed = 0
  for (;;) {
    const now = hub.clock.now()
    const batch = await selectCollectable(hub.db, now, batchSize)
    let removedNow = 0
    for (const blob of batch) {
      if (signal?.aborted === true) return removed
      const isClaimed = await hub.transaction(
        async (tx) =>
          !(await isCollectionHeld(tx, hub.db.dialect, hub.clock.now())) && (await claimForRemoval(tx, blob, now)),
      )
      if (!isClaimed) continue
      await hub.blobs.delete(objectNamed(blob.sha256))
      await hub.transaction((tx) => deleteBlobRow(tx, blob.sha256))
      removedNow++
    }
    removed += removedNow
    if (batch.length < batchSize || removedNow === 0) break
  }
  await hub.blobs.removeStale(staleUploadMs)
  return removed
}
