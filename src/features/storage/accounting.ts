/**
 * How much repos and namespaces store. Logical: the bytes of their large files, each as often as it is linked. Stored: the bytes that lie in the
 * blob store for them, objects and ranges of xorbs, each once. Counted by jobs and kept, so that whoever asks waits for nothing.
 */
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { ChunkIndex } from '../../platform/xet/chunk-index.ts'
import {
  type LinkedBlob,
  selectFileHashes,
  selectLinksOfNamespace,
  selectLinksOfRepo,
  selectOwner,
  selectReposOfOwner,
  selectUsage,
  selectXorbSizes,
  sumObjects,
  sumXorbs,
  upsertUsage,
} from './accounting-queries.ts'
import { ChunkRanges } from './chunk-ranges.ts'
import { selectFile } from './xet-file-queries.ts'
import { FileTerms } from './xet-terms.ts'
import { selectStored } from './xorb-queries.ts'

export interface Usage {
  readonly files: number
  /** Bytes. */
  readonly logical: number
  /** Bytes. */
  readonly stored: number
  readonly countedAt: number
}

export const countQueue = 'count-storage'
const pageSize = 500
const windowSize = 20_000
/** Pushes come in rows: one counting serves them all. */
const repoDelayMs = 60_000
const namespaceDelayMs = 10 * 60_000

/** Leaves the counting of a repo to a job, soon. */
export async function askForCount(hub: Hub, tx: Tx, repoId: string): Promise<void> {
  await enqueue(tx, countQueue, { repo: repoId }, { dedupKey: repoId, runAt: hub.clock.now() + repoDelayMs })
}

/** Leaves the counting of a namespace to a job, in a while. */
export async function askForNamespaceCount(hub: Hub, tx: Tx, namespaceId: string): Promise<void> {
  const runAt = hub.clock.now() + namespaceDelayMs
  await enqueue(tx, countQueue, { namespace: namespaceId }, { dedupKey: namespaceId, runAt })
}

/** The figures of these repos and namespaces, by id, as far as they were counted. */
export async function findUsage(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, Usage>> {
  const rows = await selectUsage(db, ids)
  return new Map(rows.map(({ id, files, logical, stored, countedAt }) => [id, { files, logical, stored, countedAt }]))
}

/** Does nothing for a repo that is gone. */
export async function countRepo(hub: Hub, repoId: string, signal?: AbortSignal): Promise<Usage | null> {
  const ownerId = await selectOwner(hub.db, repoId)
  if (ownerId === null) return null
  const usage = await count(hub, () => linksOfRepo(hub.db, repoId), signal)
  await hub.transaction(async (tx) => {
    await upsertUsage(tx, { id: repoId, holder: 'repo', ...usage })
    await askForNamespaceCount(hub, tx, ownerId)
  })
  return usage
}

export async function countNamespace(hub: Hub, namespaceId: string, signal?: AbortSignal): Promise<Usage> {
  const usage = await count(hub, () => linksOfNamespace(hub.db, namespaceId), signal)
  await hub.transaction((tx) => upsertUsage(tx, { id: namespaceId, holder: 'namespace', ...usage }))
  return usage
}

/** What lies in the blob store in all, as far as it came when `isOver` says so. */
export async function countStore(
  db: Db,
  isOver: () => boolean = () => false,
): Promise<Readonly<Record<'objects' | 'xorbs', { readonly count: number; readonly bytes: number }>>> {
  const total = async (sumWindow: typeof sumObjects): Promise<{ count: number; bytes: number }> => {
    const sum = { count: 0, bytes: 0 }
    for (let after: string | null = ''; after !== null; ) {
      const window: Awaited<ReturnType<typeof sumObjects>> = await sumWindow(db, after, windowSize)
      sum.count += window.count
      sum.bytes += window.bytes
      after = isOver() ? null : window.last
    }
    return sum
  }
  return { objects: await total(sumObjects), xorbs: await total(sumXorbs) }
}

async function* linksOfRepo(db: Db, repoId: string): AsyncGenerator<LinkedBlob[]> {
  for (let after = ''; ; ) {
    const page = await selectLinksOfRepo(db, { repoId, sha256: after }, pageSize)
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.sha256
  }
}

async function* linksOfNamespace(db: Db, ownerId: string): AsyncGenerator<LinkedBlob[]> {
  for (let afterRepo = ''; ; ) {
    const repos = await selectReposOfOwner(db, ownerId, afterRepo, pageSize)
    for (const { id: repoId } of repos) {
      for (let after = ''; ; ) {
        const page = await selectLinksOfNamespace(db, ownerId, { repoId, sha256: after }, pageSize)
        yield page
        const last = page.at(-1)
        if (last === undefined || page.length < pageSize) break
        after = last.sha256
      }
    }
    const last = repos.at(-1)
    if (last === undefined || repos.length < pageSize) return
    afterRepo = last.id
  }
}

/** As many passes over the links as the memory for chunk ranges asks for; mostly one. */
async function count(hub: Hub, links: () => AsyncIterable<LinkedBlob[]>, signal?: AbortSignal): Promise<Usage> {
  const usage = { files: 0, logical: 0, stored: 0, countedAt: hub.clock.now() }
  for (let from: string | null = ''; from !== null; ) {
    const ranges: ChunkRanges = new ChunkRanges(from)
    for await (const page of links()) {
      signal?.throwIfAborted()
      if (from === '') addLinks(usage, page)
      await addTerms(hub.db, ranges, page)
    }
    usage.stored += await storedBytes(hub.db, ranges.all)
    from = ranges.next
  }
  return usage
}

function addLinks(usage: { files: number; logical: number; stored: number }, page: readonly LinkedBlob[]): void {
  for (const { size, isFirst, hasObject } of page) {
    usage.files++
    usage.logical += size
    if (isFirst === 1 && hasObject === 1) usage.stored += size
  }
}

async function addTerms(db: Db, ranges: ChunkRanges, page: readonly LinkedBlob[]): Promise<void> {
  const inXet = page.filter((link) => link.isFirst === 1 && link.inXet === 1).map((link) => link.sha256)
  if (inXet.length === 0) return
  const giveTurn = turnGiver()
  for (const hash of await selectFileHashes(db, inXet)) {
    const file = await selectFile(db, hash)
    if (file === null) continue
    for (const { xorb, start, end } of new FileTerms(file.terms)) {
      ranges.add(xorb, start, end)
      await giveTurn()
    }
  }
}

async function storedBytes(db: Db, ranges: ReadonlyMap<string, readonly number[]>): Promise<number> {
  let bytes = 0
  const hashes = [...ranges.keys()]
  const giveTurn = turnGiver()
  for (let at = 0; at < hashes.length; at += pageSize) {
    const sizes = await selectXorbSizes(db, hashes.slice(at, at + pageSize))
    for (const [hash, { size, chunkCount }] of sizes) {
      const wanted = ranges.get(hash) ?? []
      bytes += wanted[0] === 0 && wanted[1] === chunkCount ? size : await rangeBytes(db, hash, wanted)
      await giveTurn()
    }
  }
  return bytes
}

async function rangeBytes(db: Db, hash: string, ranges: readonly number[]): Promise<number> {
  const row = await selectStored(db, hash)
  if (row === null) return 0
  const index = new ChunkIndex(row.chunkIndex)
  let bytes = 0
  for (let at = 0; at < ranges.length; at += 2) {
    bytes += index.endAt((ranges[at + 1] ?? 0) - 1) - index.endAt((ranges[at] ?? 0) - 1)
  }
  return bytes
}
