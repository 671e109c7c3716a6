/**
 * The end of a repo: gone for readers at once, its name free. What it consisted of is kept for the undo window, in which an administrator can
 * restore it, and then removed by a job.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { isCollectionHeld } from '../../platform/db/collection-hold.ts'
import { deleteRepository } from '../../platform/git/repository.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { recordEvent } from '../audit/service.ts'
import { askForNamespaceCount, undoMs } from '../storage/service.ts'
import { deleteRepoRow, deleteSomeLinks, markRepoDeleted, repoState } from './queries.ts'
import { beginRemoval } from './restore-queries.ts'

const afterHoldMs = 3_600_000
const linksAtOnce = 1000

/** Throws `repo_not_found` where somebody else was faster. */
export async function deleteRepo(hub: Hub, allowed: Allowed<'repo.delete'>, origin: Origin): Promise<void> {
  const repo = allowed.resource
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    if (!(await markRepoDeleted(tx, repo.id, now))) throw new HoldfastError('repo_not_found')
    await enqueue(tx, 'collect-repo', { repo: repo.id }, { runAt: now + undoMs(hub.config) })
    await askForNamespaceCount(hub, tx, repo.owner.id)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: repo.kind, id: repo.id, name: `${repo.owner.name}/${repo.name}` },
      ownerId: repo.owner.id,
      data: { visibility: repo.visibility },
    })
  })
}

/**
 * Removes what is left of a repo that was deleted, or that was never born. A living one is left alone, and one that can still be restored
 * waits, so the job may come at any time and any number of times. The blobs it linked go when nothing else names them and their leases are
 * over.
 */
export async function collectRepo(hub: Hub, id: string, signal?: AbortSignal): Promise<void> {
  const state = await repoState(hub.db, id)
  if (state !== null && state.deletedAt === null) return
  const waitUntil = await beginEnd(hub, id, state?.deletedAt ?? null)
  if (waitUntil !== null) {
    await hub.transaction((tx) => enqueue(tx, 'collect-repo', { repo: id }, { runAt: waitUntil, dedupKey: id }))
    return
  }
  await deleteRepository(hub.git, id)
  if (state === null) return
  while (await hub.transaction((tx) => deleteSomeLinks(tx, id, linksAtOnce))) signal?.throwIfAborted()
  await hub.transaction((tx) => deleteRepoRow(tx, id))
}

/** Null once it cannot come back any more; else when to try again. */
async function beginEnd(hub: Hub, id: string, deletedAt: number | null): Promise<number | null> {
  const window = undoMs(hub.config)
  return await hub.transaction(async (tx) => {
    const now = hub.clock.now()
    // A backup is being made, which may have begun while the repo was living.
    if (await isCollectionHeld(tx, hub.db.dialect, now)) return now + afterHoldMs
    if (deletedAt === null) return null
    if (await beginRemoval(tx, id, now - window, now)) return null
    return Math.max(now + afterHoldMs, deletedAt + window)
  })
}
