/**
 * Writes down what a repo holds, so that all of it is scanned: every blob that a ref leads to, pull requests and history included (MAL-1). From then on only
 * what new commits bring. A job, after the ref has moved: no upload waits for it.
 */
import { z } from 'zod'
import { lfsPointerLimit } from '../../domain/lfs-pointer.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { afterCommit, type Tx } from '../../platform/db/database.ts'
import type { ObjectInfo } from '../../platform/git/objects.ts'
import { reachableBlobs } from '../../platform/git/reachable.ts'
import { listRefs, readableRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { findPointers } from '../files/service.ts'
import { findLinkedBlobs } from '../storage/service.ts'
import { insertContents, insertPlaces, selectRepoScan, upsertRepoScan } from './scan-queries.ts'
import { wakeScanners } from './scan-wake.ts'

export const listQueue = 'list-for-scan'
/** Of a repo with more, all is listed again each time: nothing is queued twice, so that is slow and not wrong. */
const mostHeads = 5_000

const repoShape = z.object({ repoId: z.string() })
/** Refs whose commits people or the hub can reach. */
export async function askForListing(tx: Tx, repoId: string): Promise<void> {
  await enqueue(tx, listQueue, { repoId }, { dedupKey: repoId })
}

/** Ahead of what else follows a move of a ref: whatever becomes of that, its files are scanned. */
export function withListing(hub: Hub, handlers: JobHandlers): JobHandlers {
  const after = handlers['ref-moved']
  return {
    ...handlers,
    'ref-moved': async (payload, signal) => {
      const { repoId } = repoShape.parse(payload)
      await hub.transaction((tx) => askForListing(tx, repoId))
      await after?.(payload, signal)
    },
    [listQueue]: (payload, signal) => listRepo(hub, repoShape.parse(payload).repoId, signal),
  }
}

export async function listRepo(hub: Hub, repoId: string, signal: AbortSignal): Promise<void> {
  if (!(await hasRepository(hub.git, repoId))) return
  const refs = await listRefs(hub.git, repoId, readableRefs)
  const heads = [...new Set(refs.map(({ target }) => target))]
  const seen = headsOf((await selectRepoScan(hub.db, repoId))?.heads)
  const include = heads.filter((oid) => !seen.includes(oid))
  if (include.length > 0) {
    for await (const infos of reachableBlobs(hub.git, repoId, { include, exclude: seen })) {
      signal.throwIfAborted()
      await queueFiles(hub, repoId, infos)
    }
  }
  const kept = heads.length > mostHeads ? [] : heads
  const listedAt = hub.clock.now()
  await hub.transaction((tx) => upsertRepoScan(tx, { repoId, heads: JSON.stringify(kept), listedAt }))
}

/** Of pointers only those whose bytes the repo has: nobody gets the others from it. */
async function queueFiles(hub: Hub, repoId: string, infos: readonly ObjectInfo[]): Promise<void> {
  const small = infos.filter(({ size }) => size < lfsPointerLimit)
  const pointers = await findPointers(hub, repoId, small)
  const linked = await findLinkedBlobs(
    hub.db,
    repoId,
    [...pointers.values()].map(({ sha256 }) => sha256),
  )
  const contents = new Map<string, number>()
  const places: { content: string; repoId: string; oid: string }[] = []
  for (const { oid, size } of infos) {
    const lfs = pointers.get(oid) ?? null
    const stored = lfs === null ? size : linked.get(lfs.sha256)
    if (stored === undefined) continue
    const content = contentOf({ oid, lfs })
    contents.set(content, stored)
    places.push({ content, repoId, oid })
  }
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    await insertContents(
      tx,
      [...contents].map(([content, size]) => ({ content, size })),
      now,
    )
    await insertPlaces(tx, places)
    afterCommit(tx, wakeScanners)
  })
}

export function headsOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : z.array(z.string()).parse(JSON.parse(text))
}
