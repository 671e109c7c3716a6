/**
 * Removes xorbs that no file is made of and whose lease is over. What leads to one (dedup rows, claims) goes before its bytes: a shard that
 * was built on it in between would be lost data. Uploads and dedup answers renew the lease, and then the claim here fails.
 */
import {
  claimXorbs,
  cutChunks,
  cutClaims,
  deleteXorbs,
  firstCursor,
  selectXorbWindow,
  type XorbToJudge,
} from './collect-queries.ts'
import type { Collection } from './collection.ts'

const windowSize = 1_000
const batchSize = 100
const cutAtOnce = 500
/** An upload that announced itself and is silent is given longer than it may take. */
const announcedMs = 24 * 3_600_000

export async function collectXorbs(collection: Collection): Promise<void> {
  const { hub } = collection
  let cursor = firstCursor
  for (;;) {
    const now = hub.clock.now()
    const window = await selectXorbWindow(hub.db, cursor, now, windowSize)
    const free = window.filter((xorb) => mayGo(xorb, now))
    for (let at = 0; at < free.length; at += batchSize)
      await removeXorbs(collection, free.slice(at, at + batchSize), now)
    const last = window.at(-1)
    if (last === undefined || window.length < windowSize) return
    cursor = { leaseUntil: last.leaseUntil, hash: last.hash }
  }
}

export function mayGo(xorb: Pick<XorbToJudge, 'isKept' | 'chunkCount' | 'leaseUntil'>, now: number): boolean {
  return xorb.isKept === 0 && (xorb.chunkCount > 0 || xorb.leaseUntil < now - announcedMs)
}

async function removeXorbs(collection: Collection, batch: readonly XorbToJudge[], now: number): Promise<void> {
  const { hub, counts, keep } = collection
  const claimed = await collection.claim((tx) => claimXorbs(tx, batch, now))
  if (claimed.length === 0) return
  const hashes = claimed.map((xorb) => xorb.hash)
  while (await hub.transaction((tx) => cutChunks(tx, hashes, cutAtOnce))) await keep()
  while (await hub.transaction((tx) => cutClaims(tx, hashes, cutAtOnce))) await keep()
  const gone = await collection.removeBytes(claimed, ({ hash }) => ({ kind: 'xorb', hash }))
  if (gone.length === 0) return
  await hub.transaction((tx) =>
    deleteXorbs(
      tx,
      gone.map((xorb) => xorb.hash),
    ),
  )
  for (const { size } of gone) {
    counts.xorbs.count++
    counts.xorbs.bytes += size
  }
}
