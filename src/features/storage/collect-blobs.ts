/**
 * Removes blobs that no commit names and that nobody was promised. In this order, each step in a transaction of its own: claimed by the
 * generation of its lease, links cut, Xet files taken apart, bytes removed, row removed. Until the row is gone an upload of the same bytes is
 * told to wait; a crash anywhere leaves a claimed row, which the next run takes up again.
 */
import { objectNamed } from '../../platform/blobs/blob-store.ts'
import {
  type BlobToJudge,
  claimBlobs,
  cutFileXorbs,
  cutLinks,
  deleteBlobs,
  deleteFiles,
  firstCursor,
  selectBlobWindow,
  selectFilesOfBlobs,
  selectUnnamedLinks,
  unclaimNamed,
} from './collect-queries.ts'
import type { Collection } from './collection.ts'
import { leaseMs } from './lease.ts'
import { collecting } from './queries.ts'

/** Rows that are looked at, and rows that are removed, at a time. */
const windowSize = 1_000
const batchSize = 100
const cutAtOnce = 500

export async function collectBlobs(collection: Collection): Promise<void> {
  const { hub } = collection
  let cursor = firstCursor
  for (;;) {
    const now = hub.clock.now()
    const window = await selectBlobWindow(hub.db, cursor, now, windowSize)
    const free = window.filter((blob) => blob.isKept === 0)
    for (let at = 0; at < free.length; at += batchSize)
      await removeBlobs(collection, free.slice(at, at + batchSize), now)
    const last = window.at(-1)
    if (last === undefined || window.length < windowSize) return
    cursor = { leaseUntil: last.leaseUntil, hash: last.sha256 }
  }
}

async function removeBlobs(collection: Collection, batch: readonly BlobToJudge[], now: number): Promise<void> {
  const { hub, counts } = collection
  const proven = await provenUnnamed(collection, batch)
  if (proven.length === 0) return
  let claimed = await collection.claim((tx) => claimBlobs(tx, proven, now))
  if (claimed.length === 0) return
  const hashes = claimed.map((blob) => blob.sha256)
  while (await hub.transaction((tx) => cutLinks(tx, hashes, cutAtOnce))) await collection.keep()
  const named = await hub.transaction((tx) => unclaimNamed(tx, hashes, hub.clock.now() + leaseMs))
  if (named.length > 0) {
    hub.log.error({ blobs: named }, 'Blobs that were to be removed are named by commits and stay')
    claimed = claimed.filter((blob) => !named.includes(blob.sha256))
  }
  await takeApart(
    collection,
    claimed.map((blob) => blob.sha256),
  )
  const gone = await collection.removeBytes(claimed, (blob) => objectNamed(blob.sha256))
  if (gone.length === 0) return
  await hub.transaction((tx) =>
    deleteBlobs(
      tx,
      gone.map((blob) => blob.sha256),
    ),
  )
  for (const { size, hasObject } of gone) {
    counts.blobs.count++
    if (hasObject === 1) counts.blobs.bytes += size
  }
}

/** Before anything goes, git is asked: links and commits are compared for every repo that links one of them. */
async function provenUnnamed(collection: Collection, batch: readonly BlobToJudge[]): Promise<BlobToJudge[]> {
  const open = batch.filter((blob) => blob.leaseGeneration !== collecting)
  const doubtful = new Set<string>()
  if (open.length > 0) {
    const links = await selectUnnamedLinks(
      collection.hub.db,
      open.map((blob) => blob.sha256),
    )
    for (const { repoId, sha256 } of links) if (!(await collection.prove(repoId))) doubtful.add(sha256)
  }
  return batch.filter((blob) => !doubtful.has(blob.sha256))
}

/** The files of claimed blobs: while the blob's row is claimed nobody can register them again. */
async function takeApart({ hub, counts, keep }: Collection, sha256s: readonly string[]): Promise<void> {
  if (sha256s.length === 0) return
  const files = await selectFilesOfBlobs(hub.db, sha256s)
  if (files.length === 0) return
  while (await hub.transaction((tx) => cutFileXorbs(tx, files, cutAtOnce))) await keep()
  counts.files.count += await hub.transaction((tx) => deleteFiles(tx, files))
}
