/** The end of a repo: gone for readers at once, its bytes collected by a job a day later. */

import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { deleteRepository } from '../../platform/git/repository.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { recordEvent } from '../audit/service.ts'
import { deleteRepoRow, deleteSomeLinks, markRepoDeleted, repoState } from './queries.ts'

/** Long enough that whoever still reads it ends, and that an administrator can step in. */
const collectAfterMs = 24 * 3_600_000
const linksAtOnce = 1000

/** Throws `repo_not_found` where somebody else was faster. */
export async function deleteRepo(hub: Hub, allowed: Allowed<'repo.delete'>, origin: Origin): Promise<void> {
  const repo = allowed.resource
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    if (!(await markRepoDeleted(tx, repo.id, now))) throw new HoldfastError('repo_not_found')
    await enqueue(tx, 'collect-repo', { repo: repo.id }, { runAt: now + collectAfterMs })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: repo.kind, id: repo.id, name: `${repo.owner.name}/${repo.name}` },
      ownerId: repo.owner.id,
      data: { visibility: repo.visibility },
    })
  })
}

/**
 * Removes what is left of a repo that was deleted, or that was never born. A living one is left alone, so the job may come at any time and
 * any number of times. The blobs it linked go when nothing else names them and their leases are over.
 */
export async function collectRepo(hub: Hub, id: string, signal?: AbortSignal): Promise<void> {
  const state = await repoState(hub.db, id)
  if (state !== null && state.deletedAt === null) return
  await deleteRepository(hub.git, id)
  if (state === null) return
  while (await hub.transaction((tx) => deleteSomeLinks(tx, id, linksAtOnce))) signal?.throwIfAborted()
  await hub.transaction((tx) => deleteRepoRow(tx, id))
}
