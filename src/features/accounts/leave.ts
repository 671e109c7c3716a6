/** The end of an account, for a while or for good. Nobody leaves an organization, or the hub, without an administrator. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { recordEvent } from '../audit/service.ts'
import { refuseWhileNeeded, retireName } from '../organizations/service.ts'
import { endSessionsOf } from '../sessions/service.ts'
import { deleteBelongings, deleteLinksOf, lockAdmins, markReposDeleted, someAdmins, updateUser } from './queries.ts'

/** As after the deletion of a repo: long enough that whoever still reads it ends. */
const collectAfterMs = 24 * 3_600_000

interface Person {
  readonly id: string
  readonly name: string
}

/** Sessions end and tokens stop with the next request; everything else waits. Throws `owns_organizations` or `last_admin`. */
export async function deactivateOwnAccount(
  hub: Hub,
  allowed: Allowed<'account.delete'>,
  origin: Origin,
  confirm: string,
): Promise<void> {
  const user = confirmed(allowed, confirm)
  await hub.transaction(async (tx) => {
    await refuseWhileNeeded(hub, tx, user.id)
    await refuseLastAdmin(hub, tx, user.id)
    await deactivate(hub, tx, allowed, origin, user, 'account.deactivate')
  })
}

/**
 * Sessions, tokens, addresses, roles and the repos of the own namespace are gone; the name goes to nobody else. What was done in
 * organizations stays. Throws `owns_organizations` or `last_admin`.
 */
export async function deleteOwnAccount(
  hub: Hub,
  allowed: Allowed<'account.delete'>,
  origin: Origin,
  confirm: string,
): Promise<void> {
  const user = confirmed(allowed, confirm)
  const now = hub.clock.now()
  await hub.db.transaction(
    async (tx) => {
      await refuseWhileNeeded(hub, tx, user.id)
      await refuseLastAdmin(hub, tx, user.id)
      const repos = await markReposDeleted(tx, user.id, now)
      for (const repo of repos) {
        await enqueue(tx, 'collect-repo', { repo: repo.id }, { runAt: now + collectAfterMs })
        await recordEvent(hub, tx, allowed, origin, {
          action: 'repo.delete',
          resource: { kind: repo.kind, id: repo.id, name: repo.fullName },
          ownerId: user.id,
          data: { reason: 'the account of its owner was deleted' },
        })
      }
      await endSessionsOf(tx, user.id)
      await deleteBelongings(tx, user.id)
      await updateUser(tx, user.id, {
        state: 'deleted',
        fullname: null,
        passwordHash: null,
        passwordChangedAt: null,
        isAdmin: 0,
        secondFactorAt: null,
      })
      await retireName(tx, user.id, now)
      await recordEvent(hub, tx, allowed, origin, {
        resource: { kind: 'user', id: user.id, name: user.name },
        ownerId: user.id,
        data: { repos: repos.length },
      })
    },
    { timeLimitMs: 60_000 },
  )
}

/** The rows of a deactivation, for the person and for an administrator. */
export async function deactivate(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  user: Person,
  action: string,
): Promise<void> {
  await updateUser(tx, user.id, { state: 'deactivated' })
  const ended = await endSessionsOf(tx, user.id)
  await deleteLinksOf(tx, user.id, 'reset-password')
  await recordEvent(hub, tx, allowed, origin, {
    action,
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data: { endedSessions: ended },
  })
}

/** Throws `last_admin` where the hub would be left without an active administrator. */
export async function refuseLastAdmin(hub: Hub, tx: Tx, userId: string): Promise<void> {
  await lockAdmins(tx, hub.db.dialect)
  const admins = await someAdmins(tx)
  if (admins.length === 1 && admins[0] === userId) throw new HoldfastError('last_admin', { organization: 'This hub' })
}

function confirmed(allowed: Allowed<'account.delete'>, typed: string): Person {
  if (allowed.principal.kind !== 'user') throw new Error('Only a person has an account.')
  if (typed.trim() !== allowed.principal.name) {
    throw new HoldfastError('invalid_input', {
      reason: `Type ${allowed.principal.name} to confirm.`,
      field: 'confirm',
    })
  }
  return allowed.principal
}
