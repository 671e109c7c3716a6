/**
 * Which bytes a repo may reach. A blob is never handed out by its hash alone: the repo must link it, and a link comes only from whoever
 * sent the bytes to that very repo. A lease of 28 days keeps what was uploaded, or promised as "already stored", until a commit names it.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { BlobIdentity } from '../../platform/blobs/blob-store.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { freshEnoughMs, leaseMs } from './lease.ts'
import { clearNamed, selectUnnamed } from './name-queries.ts'
import {
  addUsedStorage,
  announceBlob,
  insertLink,
  renewLeases,
  selectLinkedBlob,
  selectLinkedBlobs,
  selectShortLeases,
  updateReferenced,
  upsertObject,
} from './queries.ts'
import { undoMs } from './undo-window.ts'

export {
  askForCount,
  askForNamespaceCount,
  countNamespace,
  countRepo,
  countStore,
  findUsage,
  type Usage,
} from './accounting.ts'
export { type Admission, admissionsOf, reasonOf } from './admission.ts'
export { askForCollection, collectAfter, collectionQueue } from './ask-for-collection.ts'
export { type ChunkIndexes, chunkIndexes } from './chunk-indexes.ts'
export { type CollectionReport, type CollectOptions, collectStorage } from './collect.ts'
export { planCollection } from './collect-plan.ts'
export { hasHalfRemoved } from './collect-queries.ts'
export type { Counts, ProveRepo } from './collection.ts'
export { dedupScope } from './dedup-scope.ts'
export { askForMove, moveJobs, scheduleMove } from './move-jobs.ts'
export { planMove } from './move-objects.ts'
export { cutTerms, openBlob, openXetRange } from './open-blob.ts'
export { bytesOf, findPlacedBlob, findXetHashesOfRepo, type PlacedBlob } from './placed-blob.ts'
export {
  findHeld,
  findHolds,
  gitHold,
  isNewlyHeld,
  judgesRefsAlone,
  placeOf,
  refuseHeld,
  refuseHeldCommit,
  revisionHold,
  scanPolicyOf,
  scanPolicyOfOwner,
  wantHold,
} from './quarantine.ts'
export { redirectTime } from './redirect-time.ts'
export { type Damage, listDamage, partCount, type ScrubReport, scrub } from './scrub.ts'
export { askForModelCheck, type CheckModel, checkModelQueue, trustWord } from './signed-only.ts'
export { storedRuns } from './stored-runs.ts'
export { undoMs } from './undo-window.ts'
export { listNamespaceUsage, listRepoUsage, type UsageOf } from './usage-lists.ts'
export { writeLimitMs } from './write-limit.ts'
export {
  claimXorbsOfRepo,
  claimXorbsOfWorkspace,
  type DedupChunk,
  type FileToRegister,
  findKnownFiles,
  findXetFileOfRepo,
  registeredAtOnce,
  registerFiles,
  type XetFile,
} from './xet-files.ts'
export { type FileTerm, FileTerms, termWriter } from './xet-terms.ts'
export {
  findClaimedXorbs,
  findSiblingXorbs,
  findXorbSize,
  holdClaimedXorb,
  holdXorbs,
  storeXorb,
  xorbNamed,
} from './xorbs.ts'

/** The blob if this repo links it, else null. */
export async function findLinkedBlob(db: Db, repoId: string, sha256: string): Promise<BlobIdentity | null> {
  return await selectLinkedBlob(db, repoId, sha256)
}

/** Of these blobs, those that the repo links, with their sizes. */
export async function findLinkedBlobs(
  db: Db,
  repoId: string,
  sha256s: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await selectLinkedBlobs(db, repoId, [...new Set(sha256s)])
  return new Map(rows.map((row) => [row.sha256, row.size]))
}

/**
 * Of these blobs, those that the repo links and that are sure to stay for 27 days and more: what may be answered as "already stored".
 * Their leases are renewed before this returns.
 */
export async function holdLinkedBlobs(
  hub: Hub,
  repoId: string,
  sha256s: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const linked = await findLinkedBlobs(hub.db, repoId, sha256s)
  const now = hub.clock.now()
  const short = await selectShortLeases(hub.db, [...linked.keys()], now + freshEnoughMs)
  if (short.length === 0) return linked
  const renewed = new Set(await hub.transaction((tx) => renewLeases(tx, short, now + leaseMs)))
  const lost = new Set(short.filter((sha256) => !renewed.has(sha256)))
  return new Map([...linked].filter(([sha256]) => !lost.has(sha256)))
}

/**
 * Before bytes are written: the row that lets garbage collection find them if the write is never finished. Throws `busy` in the moment
 * in which the same bytes are being removed.
 */
export async function prepareBlob(hub: Hub, blob: BlobIdentity): Promise<void> {
  const now = hub.clock.now()
  const row = { ...blob, createdAt: now, leaseUntil: now + leaseMs }
  if (!(await hub.transaction((tx) => announceBlob(tx, row)))) throw beingRemoved()
}

/** Links an object that was just received, whole and checked, through this repo. Idempotent. Throws `busy` like `prepareBlob`. */
export async function linkBlob(tx: Tx, repoId: string, blob: BlobIdentity, now: number): Promise<void> {
  if (!(await upsertObject(tx, { ...blob, createdAt: now, leaseUntil: now + leaseMs }))) throw beingRemoved()
  await link(tx, repoId, blob, now)
}

/** Links bytes that another repo links too, in whatever form they lie there. Throws `busy` where they are being removed. */
export async function linkStoredBlob(tx: Tx, repoId: string, blob: BlobIdentity, now: number): Promise<void> {
  const held = await renewLeases(tx, [blob.sha256], now + leaseMs)
  if (held.length === 0) throw beingRemoved()
  await link(tx, repoId, blob, now)
}

async function link(tx: Tx, repoId: string, blob: BlobIdentity, now: number): Promise<void> {
  const isNew = await insertLink(tx, { repoId, ...blob, createdAt: now })
  if (isNew) await addUsedStorage(tx, repoId, blob.size)
}

function beingRemoved(): HoldfastError {
  return new HoldfastError('busy', {}, { headers: { 'retry-after': '2' } })
}

/**
 * A commit of the repo names these blobs: their links no longer depend on a lease. Whoever judged the commit must have called
 * `holdLinkedBlobs` for them, so that no collection is under way that this could come too late for.
 */
export async function markReferenced(tx: Tx, repoId: string, sha256s: readonly string[], now: number): Promise<void> {
  await updateReferenced(tx, repoId, sha256s, now)
}

/** Of these blobs, those that the repo links and that no commit is known to name. */
export async function findUnnamed(db: Db, repoId: string, sha256s: readonly string[]): Promise<string[]> {
  return await selectUnnamed(db, repoId, sha256s)
}

/**
 * No commit of the repo names these blobs any more. They stay for the undo window from now on, whatever their leases: at least a day, since a
 * push that is under way may still count on them.
 */
export async function markUnnamed(hub: Hub, tx: Tx, repoId: string, sha256s: readonly string[]): Promise<void> {
  await clearNamed(tx, repoId, sha256s, hub.clock.now() + undoMs(hub.config))
}
