/**
 * The end of an organization, in one transaction: its repos are gone for everybody, its service accounts and their tokens are void (SA-35), its
 * name is nobody's. There is no way back for it; of its repos, an administrator of the hub can restore each in another namespace for as long as
 * deleted repos are kept. Its events stay in the audit log.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueueEach } from '../../platform/jobs/enqueue.ts'
import { recordEvent, recordEvents } from '../audit/service.ts'
import {
  countBelongings,
  deleteAllGrants,
  deleteMachineTokens,
  deleteOrganizationRow,
  type LivingRepo,
  markReposDeleted,
  selectRepos,
} from './ending-queries.ts'
import { countMembers } from './member-queries.ts'
import { lockNamespace, retireNamespace } from './namespace-queries.ts'
import { refuseUnconfirmed } from './rename.ts'
import { lockOrganization } from './settings-queries.ts'

/** When the first attempt is made to remove what a repo consisted of; where it can still be restored then, the job waits on. */
const collectAfterMs = 24 * 3_600_000
const timeLimitMs = 180_000
const reposAtOnce = 500

/** `confirm`: its name, typed. Throws `invalid_input` (with `field`), or `organization_not_found` where somebody else was faster. */
export async function deleteOrganization(
  hub: Hub,
  allowed: Allowed<'org.delete'>,
  origin: Origin,
  confirm: string,
): Promise<void> {
  const organization = allowed.resource
  refuseUnconfirmed(organization.name, confirm)
  const { id } = organization
  const now = hub.clock.now()
  await hub.db.transaction(
    async (tx) => {
      // In the order in which a rename and the birth of a repo take them.
      const namespace = await lockNamespace(tx, hub.db.dialect, id)
      const row = await lockOrganization(tx, hub.db.dialect, id)
      if (namespace === null || row === null) throw new HoldfastError('organization_not_found')
      const had = { ...(await countBelongings(tx, id)), members: await countMembers(tx, id) }
      await deleteAllGrants(tx, id)
      const tokens = await deleteMachineTokens(tx, id)
      await deleteRepos(hub, tx, allowed, origin, now)
      await deleteOrganizationRow(tx, id)
      await retireNamespace(tx, id, now)
      await recordEvent(hub, tx, allowed, origin, {
        resource: { kind: 'organization', id, name: namespace.name },
        ownerId: id,
        data: { ...had, tokens },
      })
    },
    { timeLimitMs },
  )
}

/** Some at a time, so that nothing else waits for the work with their rows. */
async function deleteRepos(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.delete'>,
  origin: Origin,
  now: number,
): Promise<void> {
  const { id } = allowed.resource
  let last: LivingRepo | null = null
  for (;;) {
    const repos: LivingRepo[] = await selectRepos(tx, id, last, reposAtOnce)
    last = repos.at(-1) ?? null
    const payloads = repos.map((repo) => ({ repo: repo.id }))
    await markReposDeleted(
      tx,
      repos.map((repo) => repo.id),
      now,
    )
    await enqueueEach(tx, 'collect-repo', payloads, { runAt: now + collectAfterMs })
    await recordEvents(
      hub,
      tx,
      allowed,
      origin,
      repos.map((repo) => ({
        action: 'repo.delete',
        resource: { kind: repo.kind, id: repo.id, name: repo.fullName },
        ownerId: id,
        data: { reason: 'its organization was deleted' },
      })),
    )
    if (repos.length < reposAtOnce) return
  }
}
