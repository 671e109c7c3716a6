/** What follows a ref move in jobs (upkeep of packs, links after lost history), and what a start puts right. */
import { z } from 'zod'
import { lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import { isAncestor } from '../../platform/git/diff.ts'
import { cleanStale, countPacks, maintain, packLimit } from '../../platform/git/maintain.ts'
import { findLeftovers } from '../../platform/git/marks.ts'
import { smallBlobs } from '../../platform/git/reachable.ts'
import { listRefs, readableRefs } from '../../platform/git/refs.ts'
import { hasRepository } from '../../platform/git/repository.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { askForCount, findUnnamed, markReferenced, markUnnamed, scheduleMove } from '../storage/service.ts'
import { selectReferenced, selectReposWithIntents } from './queries.ts'
import { settleOpen } from './ref-move.ts'
import { inTurn } from './turns.ts'

/** Before the first request: settles every open ref move and removes what crashed writers left in their repos. */
export async function settleOnStart(hub: Hub): Promise<void> {
  const leftovers = await findLeftovers(hub.git)
  const open = await selectReposWithIntents(hub.db)
  for (const repoId of new Set([...leftovers.repos, ...open])) {
    if (await hasRepository(hub.git, repoId)) {
      const removed = await cleanStale(hub.git, repoId)
      if (removed.length > 0) hub.log.info({ repoId, removed }, 'Removed what a crash left in a repository')
    }
    await settleOpen(hub, repoId)
  }
  await leftovers.forget()
}

const repoShape = z.object({ repoId: z.string() })
const movedShape = z.object({ repoId: z.string(), oldOid: z.string(), newOid: z.string() })

export function ingestJobs(hub: Hub): JobHandlers {
  return {
    'maintain-repo': (payload, signal) => maintainRepo(hub, payload, signal),
    'relink-repo': (payload) => relinkRepo(hub, payload),
  }
}

/**
 * Marks every large file that a commit of the repo names, as git has it. Collection asks for this before it removes anything that the repo
 * links: whatever went wrong with the marks, nothing is removed that a ref leads to.
 */
export async function markReached(hub: Hub, repoId: string): Promise<void> {
  if (!(await hasRepository(hub.git, repoId))) return
  let batch: string[] = []
  const mark = async (): Promise<void> => {
    const unnamed = await findUnnamed(hub.db, repoId, batch)
    if (unnamed.length > 0) {
      hub.log.warn({ repo: repoId, count: unnamed.length }, 'Large files that commits name were not marked so')
      await hub.transaction((tx) => markReferenced(tx, repoId, unnamed, hub.clock.now()))
    }
    batch = []
  }
  for await (const blob of smallBlobs(hub.git, repoId, { include: 'all', exclude: [] }, lfsPointerLimit)) {
    const pointer = parseLfsPointer(blob.bytes)
    if (pointer && batch.push(pointer.sha256) === page) await mark()
  }
  await mark()
}

/** Handler of `ref-moved`: finds out what else the move makes necessary. */
export async function afterRefMove(hub: Hub, payload: unknown): Promise<void> {
  const { repoId, oldOid, newOid } = movedShape.parse(payload)
  await scheduleMove(hub)
  if (!(await hasRepository(hub.git, repoId))) return
  await hub.transaction((tx) => askForCount(hub, tx, repoId))
  if ((await countPacks(hub.git, repoId)) > packLimit) {
    await hub.transaction((tx) => enqueue(tx, 'maintain-repo', { repoId }, { dedupKey: repoId }))
  }
  // Creations and fast-forwards only add; everything else may have taken the last name of a large file.
  const onlyAdds = oldOid === zeroOid || (newOid !== zeroOid && (await isAncestor(hub.git, repoId, oldOid, newOid)))
  if (!onlyAdds) await hub.transaction((tx) => enqueue(tx, 'relink-repo', { repoId }, { dedupKey: repoId }))
}

/** Handler of `maintain-repo`: joins packs, writes graph and bitmaps. */
export async function maintainRepo(hub: Hub, payload: unknown, signal?: AbortSignal): Promise<void> {
  const { repoId } = repoShape.parse(payload)
  if (!(await hasRepository(hub.git, repoId))) return
  await maintain(hub.git, repoId, { keptDays: hub.config.undoDays + 1, ...(signal ? { signal } : {}) })
}

const page = 1_000

/**
 * Handler of `relink-repo`: compares the links of a repo with the pointers that its refs reach. What no commit
 * names any more stays for the undo window, so that a forced push can be taken back.
 */
export async function relinkRepo(hub: Hub, payload: unknown): Promise<void> {
  const { repoId } = repoShape.parse(payload)
  if (!(await hasRepository(hub.git, repoId))) return
  const before = JSON.stringify(await listRefs(hub.git, repoId, readableRefs))
  const reached = new Set<string>()
  for await (const blob of smallBlobs(hub.git, repoId, { include: 'all', exclude: [] }, lfsPointerLimit)) {
    const pointer = parseLfsPointer(blob.bytes)
    if (pointer) reached.add(pointer.sha256)
  }
  await inTurn(repoId, async () => {
    if (JSON.stringify(await listRefs(hub.git, repoId, readableRefs)) !== before) {
      // Somebody moved a ref meanwhile; what we counted is old.
      await hub.transaction((tx) => enqueue(tx, 'relink-repo', { repoId }, { dedupKey: repoId }))
      return
    }
    const now = hub.clock.now()
    const all = [...reached]
    for (let at = 0; at < all.length; at += page) {
      await hub.transaction((tx) => markReferenced(tx, repoId, all.slice(at, at + page), now))
    }
    let after = ''
    for (;;) {
      const linked = await selectReferenced(hub.db, repoId, after, page)
      const unreached = linked.filter((sha256) => !reached.has(sha256))
      if (unreached.length > 0) {
        await hub.transaction((tx) => markUnnamed(hub, tx, repoId, unreached))
      }
      const last = linked.at(-1)
      if (last === undefined || linked.length < page) return
      after = last
    }
  })
}
