/**
 * A visit of a page brings what it shows into the queue: what was never scanned, what failed, and what was scanned by older scanners (MAL-2). The page does not
 * wait for this, and the same content waits only once.
 */
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { afterCommit } from '../../platform/db/database.ts'
import { findLinkedBlobs } from '../storage/service.ts'
import type { StoredFile } from './content.ts'
import type { FileStatus } from './file-status.ts'
import { askForListing } from './list-repo.ts'
import { insertContents, insertPlaces, requeueContents, selectContents, selectRepoScan } from './scan-queries.ts'
import { currentScanners } from './scan-queue.ts'
import { wakeScanners } from './scan-wake.ts'

/** Files of one visit. */
const mostFiles = 200
/** What failed is not tried again by every visitor. */
const afterErrorMs = 15 * 60_000
/** Visits whose writing is under way; beyond that a visit queues nothing. */
const mostVisits = 4
let visits = 0

/** Returns at once. */
export function noteVisit(
  hub: Hub,
  repoId: string,
  files: readonly StoredFile[],
  statuses: ReadonlyMap<string, FileStatus>,
): void {
  const scanners = currentScanners(hub)
  const wanted = files
    .filter((file) => {
      const status = statuses.get(file.oid)
      if (status === undefined || status.status === 'unscanned') return true
      if (status.hasFailed) return true
      return status.scanners !== null && scanners !== null && status.scanners !== scanners
    })
    .slice(0, mostFiles)
  if (visits >= mostVisits) return
  visits++
  queue(hub, repoId, wanted, scanners)
    .catch((error: unknown) =>
      hub.log.warn({ err: error, repo: repoId }, 'What a page shows could not be queued for scanning'),
    )
    .finally(() => visits--)
}

async function queue(hub: Hub, repoId: string, files: readonly StoredFile[], scanners: string | null): Promise<void> {
  const isListed = (await selectRepoScan(hub.db, repoId)) !== null
  if (isListed && files.length === 0) return
  const large = files.flatMap(({ lfs }) => (lfs === null ? [] : [lfs.sha256]))
  const linked = await findLinkedBlobs(hub.db, repoId, large)
  const stored = files.filter(({ lfs }) => lfs === null || linked.has(lfs.sha256))
  const sizes = new Map(stored.map((file) => [contentOf(file), file.lfs?.size ?? file.size]))
  const now = hub.clock.now()
  const again = (await selectContents(hub.db, [...sizes.keys()]))
    .filter((row) =>
      row.state === 'error'
        ? (row.scannedAt ?? 0) + afterErrorMs < now
        : row.state === 'done' && scanners !== null && row.scanners !== scanners,
    )
    .map(({ content }) => content)
  await hub.transaction(async (tx) => {
    if (!isListed) await askForListing(tx, repoId)
    await insertContents(
      tx,
      [...sizes].map(([content, size]) => ({ content, size })),
      now,
    )
    await insertPlaces(
      tx,
      stored.map((file) => ({ content: contentOf(file), repoId, oid: file.oid })),
    )
    await requeueContents(tx, again, now)
    afterCommit(tx, wakeScanners)
  })
}
