/**
 * Ends claims that have become stale: of a repo that moved to another owner or was deleted, the old scope keeps its claims for 28 days, since
 * clients still build on them without asking.
 */
import { isTimeout } from '../../platform/db/errors.ts'
import { type ClaimToJudge, deleteClaim, noteStale, selectClaimWindow } from './collect-claims-queries.ts'
import type { Collection } from './collection.ts'
import { leaseMs } from './lease.ts'

const windowSize = 200

export async function collectClaims(collection: Collection): Promise<void> {
  const { hub } = collection
  let after = { scope: '', xorbHash: '' }
  for (;;) {
    await collection.keep()
    const now = hub.clock.now()
    const window = await selectClaimWindow(hub.db, after, now, windowSize).catch((error: unknown) => {
      if (!isTimeout(error)) throw error
      hub.log.warn({ after }, 'Stale claims could not be looked for in time')
      return []
    })
    await judge(collection, window, now)
    const last = window.at(-1)
    if (last === undefined || window.length < windowSize) return
    after = { scope: last.scope, xorbHash: last.xorbHash }
  }
}

async function judge({ hub, counts, claim }: Collection, window: readonly ClaimToJudge[], now: number): Promise<void> {
  const notes = window.filter((row) => (row.isLive === 1) === (row.staleSince !== null))
  if (notes.length > 0) {
    await hub.transaction(async (tx) => {
      for (const row of notes) await noteStale(tx, row, row.isLive === 1 ? null : now)
    })
  }
  const over = window.filter((row) => row.isLive === 0 && row.staleSince !== null && row.staleSince <= now - leaseMs)
  if (over.length === 0) return
  const ended = await claim(async (tx) => {
    const done: ClaimToJudge[] = []
    for (const row of over) if (await deleteClaim(tx, row, now)) done.push(row)
    return done
  })
  counts.claims.count += ended.length
}
