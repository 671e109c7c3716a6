/**
 * Xorbs coming in. A xorb is announced in its row before a byte is written, checked while it is written, published under its name, and
 * only then claimed for the scope of who sent it. Bytes are checked even where the same xorb is stored already: a claim is given to
 * whoever sent the bytes, never to whoever knows their hash.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { BlobName } from '../../platform/blobs/blob-store.ts'
import type { Db } from '../../platform/db/database.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import type { ReceivedXorb } from '../../platform/xet/xet-workers.ts'
import { freshEnoughMs, leaseMs } from './lease.ts'
import { selectFilesWithXorb } from './xet-file-queries.ts'
import { FileTerms } from './xet-terms.ts'
import {
  announceXorb,
  completeXorb,
  deleteAnnounced,
  insertClaim,
  renewXorbLeases,
  selectClaimed,
  selectClaimedAmong,
  selectShortXorbLeases,
  selectStored,
  selectXorbOfChunk,
  selectXorbSize,
} from './xorb-queries.ts'

/** How long the row of an upload that was never finished is kept. */
const announcedMs = 24 * 3_600_000

export function xorbNamed(hash: string): BlobName {
  return { kind: 'xorb', hash }
}

/** Of these xorbs, those that are stored and that the scope claims. */
export async function findClaimedXorbs(db: Db, scope: string, hashes: readonly string[]): Promise<string[]> {
  return await selectClaimedAmong(db, scope, hashes)
}

/** Stored bytes of a xorb, or null. Whoever asks may read some of it. */
export async function findXorbSize(db: Db, hash: string): Promise<number | null> {
  return await selectXorbSize(db, hash)
}

/** How many of the newest files with a xorb are looked at. */
const filesLookedAt = 4

/**
 * The xorb by which global dedup knows the chunk in this scope, and those that lie around it in files: whoever has this chunk has the
 * next ones too, and asks seldom. Nearest ones first; empty where the chunk is not known.
 */
export async function findSiblingXorbs(db: Db, scope: string, chunkHash: string, limit: number): Promise<string[]> {
  const hit = await selectXorbOfChunk(db, scope, chunkHash)
  if (hit === null) return []
  const found = new Set([hit])
  const giveTurn = turnGiver()
  for (const file of await selectFilesWithXorb(db, hit, filesLookedAt)) {
    const order = new Set<string>()
    for (const { xorb } of new FileTerms(file.terms)) {
      order.add(xorb)
      await giveTurn()
    }
    const all = [...order]
    const at = all.indexOf(hit)
    // Onwards from the chunk, then what comes before it.
    for (const xorb of [...all.slice(at), ...all.slice(0, at).reverse()].slice(0, 2 * limit)) found.add(xorb)
  }
  const claimed = new Set(await selectClaimedAmong(db, scope, [...found]))
  if (!claimed.has(hit)) return []
  return [...found].filter((xorb) => claimed.has(xorb)).slice(0, limit)
}

/** The size of a xorb that the scope claims, kept for 27 days and more from now; null where it must be sent. */
export async function holdClaimedXorb(hub: Hub, scope: string, hash: string): Promise<number | null> {
  const size = await selectClaimed(hub.db, scope, hash)
  if (size === null) return null
  return (await holdXorbs(hub, [hash])).length === 0 ? null : size
}

/** Of these stored xorbs, those that stay for 27 days and more. Their leases are renewed before this returns. */
export async function holdXorbs(hub: Hub, hashes: readonly string[]): Promise<string[]> {
  const now = hub.clock.now()
  const short = await selectShortXorbLeases(hub.db, hashes, now + freshEnoughMs)
  if (short.length === 0) return [...hashes]
  const renewed = new Set(await hub.transaction((tx) => renewXorbLeases(tx, short, now + leaseMs)))
  const lost = new Set(short.filter((hash) => !renewed.has(hash)))
  return hashes.filter((hash) => !lost.has(hash))
}

export interface XorbToStore {
  readonly scope: string
  readonly hash: string
  /** Checks what arrives and writes it to the file, or only checks it (null). Rejects if anything is wrong. */
  receive(fd: number | null): Promise<ReceivedXorb>
  /** Throws if the sender may no longer do this. Called when all bytes are here. */
  reauthorize(): Promise<unknown>
}

/** True if the scope did not have it. Throws `busy` in the moment in which the same xorb is being removed. */
export async function storeXorb(hub: Hub, xorb: XorbToStore): Promise<boolean> {
  const { hash } = xorb
  const now = hub.clock.now()
  const end = begin(hash)
  try {
    if (!(await hub.transaction((tx) => announceXorb(tx, hash, now, now + announcedMs)))) throw busy()
    const isNew = (await selectStored(hub.db, hash)) === null ? await storeNew(hub, xorb) : await claimStored(hub, xorb)
    end()
    return isNew
  } catch (error) {
    // The row says nothing any more, unless somebody else sends the same xorb at this moment.
    if (end()) await hub.transaction((tx) => deleteAnnounced(tx, hash))
    throw error
  }
}

async function storeNew(hub: Hub, xorb: XorbToStore): Promise<boolean> {
  const staged = await hub.blobs.openStaged()
  try {
    const received = await xorb.receive(staged.fd)
    await xorb.reauthorize()
    return await inTurn(xorb.hash, async () => {
      if ((await selectStored(hub.db, xorb.hash)) === null) {
        // One content has many serializations, and the index is of this one: what a crash left under the name must not stay.
        await hub.blobs.delete(xorbNamed(xorb.hash))
        await staged.publish(xorbNamed(xorb.hash))
      }
      return await claim(hub, xorb, received)
    })
  } finally {
    await staged.discard()
  }
}

async function claimStored(hub: Hub, xorb: XorbToStore): Promise<boolean> {
  const received = await xorb.receive(null)
  await xorb.reauthorize()
  return await inTurn(xorb.hash, async () => {
    if ((await selectStored(hub.db, xorb.hash)) === null) throw busy()
    return await claim(hub, xorb, received)
  })
}

async function claim(hub: Hub, { scope, hash }: XorbToStore, received: ReceivedXorb): Promise<boolean> {
  const now = hub.clock.now()
  const row = {
    hash,
    size: received.size,
    rawSize: received.rawSize,
    chunkCount: received.chunkIndex.length / 40,
    // In a memory of its own, since it is handed to another thread.
    chunkIndex: new Uint8Array(received.chunkIndex),
    createdAt: now,
    leaseUntil: now + leaseMs,
  }
  return await hub.transaction(async (tx) => {
    if (!(await completeXorb(tx, row))) throw busy()
    return await insertClaim(tx, scope, hash, now)
  })
}

const underWay = new Map<string, number>()

/** Counts the uploads of a xorb; what is returned ends one (once) and says whether it was the last. */
function begin(hash: string): () => boolean {
  underWay.set(hash, (underWay.get(hash) ?? 0) + 1)
  let isOver = false
  return () => {
    if (isOver) return false
    isOver = true
    const left = (underWay.get(hash) ?? 1) - 1
    if (left === 0) underWay.delete(hash)
    else underWay.set(hash, left)
    return left === 0
  }
}

const lastTurn = new Map<string, Promise<unknown>>()

/** One at a time for each xorb: bytes and index are of the same sender. */
async function inTurn<T>(hash: string, work: () => Promise<T>): Promise<T> {
  const mine = (lastTurn.get(hash) ?? Promise.resolve()).then(work, work)
  lastTurn.set(hash, mine)
  try {
    return await mine
  } finally {
    if (lastTurn.get(hash) === mine) lastTurn.delete(hash)
  }
}

function busy(): HoldfastError {
  return new HoldfastError('busy', {}, { headers: { 'retry-after': '2' } })
}
