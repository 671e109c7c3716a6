/** What a collection would remove now, without removing anything: counts and bytes by kind. */
import type { Hub } from '../../hub.ts'
import { countPlannedClaims, selectPlannedBlobs, selectPlannedXorbs } from './collect-plan-queries.ts'
import { firstCursor } from './collect-queries.ts'
import { mayGo } from './collect-xorbs.ts'
import { type Counts, noCounts } from './collection.ts'
import { leaseMs } from './lease.ts'
import { countStrays } from './stray-queries.ts'

const windowSize = 1_000

/**
 * Reads the database alone: what only git knows to be needed is counted here, and stays when a collection asks git. Ends with what it has when
 * `isOver` says so.
 */
export async function planCollection(
  hub: Hub,
  withStrays: boolean,
  isOver: () => boolean = () => false,
): Promise<Counts> {
  const counts = noCounts()
  const now = hub.clock.now()
  for (let cursor = firstCursor; ; ) {
    const window = await selectPlannedBlobs(hub.db, cursor, now, windowSize)
    for (const blob of window.filter((row) => row.isKept === 0)) {
      counts.blobs.count++
      counts.files.count += blob.files
      if (blob.hasObject === 1) counts.blobs.bytes += blob.size
    }
    const last = window.at(-1)
    if (last === undefined || window.length < windowSize || isOver()) break
    cursor = { leaseUntil: last.leaseUntil, hash: last.sha256 }
  }
  for (let cursor = firstCursor; ; ) {
    const window = await selectPlannedXorbs(hub.db, cursor, now, windowSize)
    for (const xorb of window.filter((row) => mayGo(row, now))) {
      counts.xorbs.count++
      counts.xorbs.bytes += xorb.size
    }
    const last = window.at(-1)
    if (last === undefined || window.length < windowSize || isOver()) break
    cursor = { leaseUntil: last.leaseUntil, hash: last.hash }
  }
  counts.claims.count = await countPlannedClaims(hub.db, now - leaseMs)
  if (withStrays) Object.assign(counts.strays, await countStrays(hub.db, now - leaseMs))
  return counts
}
