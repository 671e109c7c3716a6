/**
 * The end of objects whose bytes are read from Xet files by now. They stay for an hour, for those who are reading them; and for as long as
 * somebody who announced an upload of the same bytes may still find them and count on them. While bytes are being removed nobody may write
 * or count on them; a removal that was interrupted is taken up again.
 */
import type { Hub } from '../../hub.ts'
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import { isCollectionHeld } from '../../platform/db/collection-hold.ts'
import { leaseMs } from './lease.ts'
import { claimRetired, endRetired, type RetiredBlob, selectRetired } from './move-queries.ts'
import { writeLimitMs } from './write-limit.ts'

/** Downloads that a front server or the store itself sends. */
const graceMs = 3_600_000
/** What follows the last byte of an upload: joining parts, looking up rights, the row. */
const afterWriteMs = 15 * 60_000
/** A removal that began and is silent for so long was interrupted. */
const interruptedMs = 15 * 60_000
/** Whoever claimed bytes and then slept for so long removes nothing. */
const claimMs = 10 * 60_000
const heldMs = 15 * 60_000
const day = 24 * 3_600_000
const windowSize = 500

export interface Removed {
  readonly count: number
  readonly bytes: number
  /** When there may be more to remove, or null. */
  readonly nextAt: number | null
}

export async function removeRetired(hub: Hub, signal: AbortSignal): Promise<Removed> {
  let count = 0
  let bytes = 0
  let nextAt: number | null = null
  let after = { retiredAt: Number.MIN_SAFE_INTEGER, sha256: '' }
  for (;;) {
    const window = await selectRetired(hub.db, after, windowSize)
    for (const blob of window) {
      signal.throwIfAborted()
      const dueAt = removableAt(blob)
      if (dueAt > hub.clock.now()) nextAt = Math.min(nextAt ?? dueAt, dueAt)
      else {
        const outcome = await remove(hub, blob)
        if (outcome === 'held') return { count, bytes, nextAt: hub.clock.now() + heldMs }
        if (outcome === 'removed') {
          count++
          bytes += blob.size
        }
      }
    }
    const last = window.at(-1)
    // They are in the order of their times: those behind a young one are younger.
    if (last === undefined || window.length < windowSize || last.retiredAt > hub.clock.now() - graceMs) break
    after = last
  }
  return { count, bytes, nextAt }
}

/** The lease tells when somebody last announced, sent or was promised these bytes. */
function removableAt({ retiredAt, leaseUntil, size }: RetiredBlob): number {
  if (retiredAt < 0) return -retiredAt + interruptedMs
  return Math.max(retiredAt + graceMs, leaseUntil - leaseMs + writeLimitMs(size) + afterWriteMs)
}

async function remove(hub: Hub, blob: RetiredBlob): Promise<'removed' | 'kept' | 'held'> {
  const claimedAt = hub.clock.now()
  const outcome = await hub.transaction(async (tx) => {
    if (await isCollectionHeld(tx, hub.db.dialect, claimedAt)) return 'held'
    return (await claimRetired(tx, blob, claimedAt, claimedAt + day)) ? 'claimed' : 'kept'
  })
  if (outcome !== 'claimed') return outcome
  // Somebody else may have ended this removal meanwhile, and an upload begun.
  if (hub.clock.now() > claimedAt + claimMs) return 'kept'
  await hub.blobs.delete(objectNamed(blob.sha256))
  await hub.transaction((tx) => endRetired(tx, blob.sha256, claimedAt))
  return 'removed'
}
