/**
 * Moves large files that came by LFS into Xet storage, one at a time and the small ones first, a while at a stretch, so that other jobs get
 * their turn. What cannot be moved is told in the log, left as it is, and tried again later and later.
 */
import type { Hub } from '../../hub.ts'
import { moveBlob } from './move-blob.ts'
import { type Pace, politePace } from './move-pace.ts'
import { type BlobToMove, countObjects, type MoveCursor, selectObjects } from './move-queries.ts'
import { removeRetired } from './move-retire.ts'
import { DamagedBytes } from './move-verify.ts'

/** After this, no further file is begun. */
const stretchMs = 20_000
const windowSize = 200
/** One after the other: then it is not the files. */
const mostFailures = 3
const firstRetryMs = 10 * 60_000
const longestRetryMs = 24 * 3_600_000
const mostRemembered = 10_000

export interface MoveOptions {
  readonly signal: AbortSignal
  /** Also where HOLDFAST_XET_MOVE is off. */
  readonly isAsked?: boolean
  readonly pace?: Pace
}

export interface MoveReport {
  readonly moved: { count: number; bytes: number; stored: number }
  readonly removed: { count: number; bytes: number }
  /** When there is more to do as far as is known, or null. */
  readonly nextAt: number | null
}

/** Safe beside everything, interrupted at any point, and run again. */
export async function moveObjects(hub: Hub, options: MoveOptions): Promise<MoveReport> {
  const { signal, isAsked = false, pace = politePace() } = options
  const moved = { count: 0, bytes: 0, stored: 0 }
  const until = performance.now() + stretchMs
  let isStretchOver = false
  if (isAsked || hub.config.xetMove === 'on') {
    let failures = 0
    for await (const blob of dueObjects(hub)) {
      isStretchOver = performance.now() > until
      if (isStretchOver) break
      try {
        const done = await moveBlob(hub, blob, pace, signal)
        failuresOf(hub).delete(blob.sha256)
        failures = 0
        if (done === null) continue
        moved.count++
        moved.bytes += blob.size
        moved.stored += done.stored
      } catch (error) {
        if (signal.aborted) throw error
        noteFailure(hub, blob, error)
        failures++
        if (failures === mostFailures && !(error instanceof DamagedBytes)) throw error
      }
    }
  }
  const { nextAt, ...removed } = await removeRetired(hub, signal)
  if (moved.count + removed.count > 0) hub.log.info({ moved, removed }, 'Moved large files into Xet storage')
  return { moved, removed, nextAt: isStretchOver ? hub.clock.now() : nextAt }
}

/** What lies as it came and is not too small, and what waits to be removed after it was moved. */
export async function planMove(hub: Hub): ReturnType<typeof countObjects> {
  return await countObjects(hub.db, leastSize(hub))
}

function leastSize(hub: Hub): number {
  return Math.max(1, hub.config.xetMoveLeast)
}

async function* dueObjects(hub: Hub): AsyncGenerator<BlobToMove> {
  let cursor: MoveCursor = { size: leastSize(hub), sha256: '' }
  for (;;) {
    const window = await selectObjects(hub.db, cursor, windowSize)
    for (const blob of window) {
      const failed = failuresOf(hub).get(blob.sha256)
      if (blob.isDue === 1 && (failed === undefined || failed.retryAt <= hub.clock.now())) yield blob
    }
    const last = window.at(-1)
    if (last === undefined || window.length < windowSize) return
    cursor = last
  }
}

interface Failure {
  readonly count: number
  readonly retryAt: number
}

/** In memory only: a start tries everything again. */
const allFailures = new WeakMap<Hub, Map<string, Failure>>()

function failuresOf(hub: Hub): Map<string, Failure> {
  const known = allFailures.get(hub) ?? new Map<string, Failure>()
  allFailures.set(hub, known)
  return known
}

function noteFailure(hub: Hub, blob: BlobToMove, error: unknown): void {
  hub.log.error({ err: error, blob: blob.sha256, size: blob.size }, 'A large file could not be moved into Xet storage')
  const failures = failuresOf(hub)
  const count = (failures.get(blob.sha256)?.count ?? 0) + 1
  const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(count - 1, 10))
  failures.delete(blob.sha256)
  failures.set(blob.sha256, { count, retryAt: hub.clock.now() + waitMs })
  const [oldest] = failures.keys()
  if (failures.size > mostRemembered && oldest !== undefined) failures.delete(oldest)
}
