/**
 * WS-7: a workspace may take in the people of its organization by themselves, with one role: all of them, or those with the role read and
 * more. It takes in whoever is there at once, and others when they become so; nobody leaves through it, and service accounts are never
 * taken in.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import { atLeast, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { shareOrganization } from '../groups/service.ts'
import { insertAutoJoiners, insertIntoAutoJoin, type WorkspaceRow } from './queries.ts'

export type AutoJoin = { readonly scope: 'all' | 'read_plus'; readonly role: Role } | null

/** How it is stored. Throws `invalid_input` for a role that gives nothing. */
export function autoJoinColumns(autoJoin: AutoJoin): Pick<WorkspaceRow, 'autoJoin' | 'autoJoinRole'> {
  if (autoJoin === null) return { autoJoin: null, autoJoinRole: null }
  if (autoJoin.role === 'no_access') {
    throw new HoldfastError('invalid_input', {
      reason: 'Whoever joins a workspace by themselves needs a role that gives access: read, for example.',
      field: 'joinRole',
    })
  }
  return { autoJoin: autoJoin.scope, autoJoinRole: autoJoin.role }
}

/** In the transaction that turns it on, with the organization held still. Returns how many got a role. */
export async function backFill(hub: Hub, tx: Tx, workspace: Parameters<typeof insertAutoJoiners>[1]): Promise<number> {
  return workspace.autoJoin === null ? 0 : await insertAutoJoiners(tx, workspace, hub.clock.now())
}

/**
 * For the transaction in which a person gets a role in the organization (`from` null: they were none of it). Adds them to the workspaces
 * that did not take them in before and do now; roles that they have stay as they are.
 */
export async function autoJoinWorkspaces(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  person: {
    readonly organizationId: string
    readonly userId: string
    readonly name: string
    readonly from: Role | null
    readonly to: Role
  },
): Promise<void> {
  const scopes: ('all' | 'read_plus')[] = []
  if (person.from === null) scopes.push('all')
  if (atLeast(person.to, 'read') && !atLeast(person.from, 'read')) scopes.push('read_plus')
  if (scopes.length === 0) return
  // Whoever turns it on at this moment holds the organization: they see this person, or this transaction sees what they turned on.
  await shareOrganization(tx, hub.db.dialect, person.organizationId)
  const joined = await insertIntoAutoJoin(tx, person, scopes, hub.clock.now())
  if (joined.length === 0) return
  await recordEvent(hub, tx, allowed, origin, {
    action: 'resource_group.auto_join',
    resource: { kind: 'user', id: person.userId, name: person.name },
    ownerId: person.organizationId,
    data: { count: joined.length, workspaces: joined.slice(0, 100) },
  })
}
