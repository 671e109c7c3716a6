/** Who has which role in a workspace: people, service accounts, and groups. Whatever changes here holds from the next request on. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type PartFacts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { findGroupToAdd, findParty, keepGroup, shareOrganization } from '../groups/service.ts'
import {
  clearTemporary,
  deleteGrant,
  findGrant,
  type GrantRow,
  raiseData,
  raiseRole,
  refuseOwnTemporary,
  runningGrant,
  type Term,
} from '../temporary-roles/service.ts'
import { holdWorkspace } from './held.ts'
import { deleteRole, findRole, insertRole, updateRole } from './roster-queries.ts'

/** Whose role it is: a person or a service account by user name, a group by name or id. */
export type Whose = { readonly user: string } | { readonly group: string }

/** Where the caller knows the group itself, whose id may be the name of another one. */
export type KnownWhose = Whose | { readonly groupId: string }

/** Whom a workspace takes in, with which role; `term`: for a while. */
export interface Added {
  readonly whose: KnownWhose
  readonly role: Role
  readonly term?: Term | null
}

interface Bearer {
  readonly id: string
  readonly kind: 'user' | 'service-account' | 'group'
  readonly name: string
}

/**
 * All of them or none. Throws `not_of_organization` or `group_not_found`, `already_in_workspace` for whoever has a role there, and
 * `workspace_not_found` where it was deleted meanwhile.
 */
export async function addToWorkspace(
  hub: Hub,
  allowed: Allowed<'resource_group.add_users'>,
  origin: Origin,
  added: readonly Added[],
): Promise<void> {
  await hub.transaction((tx) => addToWorkspaceIn(hub, tx, allowed, origin, added))
}

/** `addToWorkspace` inside a transaction. */
export async function addToWorkspaceIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'resource_group.add_users'>,
  origin: Origin,
  added: readonly Added[],
): Promise<void> {
  const workspace = allowed.resource
  const addedBy = accountOf(allowed.principal)?.id ?? null
  await holdBoth(hub, tx, workspace)
  for (const { whose, role, term = null } of added) {
    const bearer = await findBearer(hub, tx, workspace, whose)
    await refuseOwnTemporary(hub, tx, allowed, bearer.id, placesOf(workspace))
    const had = await findRole(tx, workspace.id, bearer.id, hub.clock.now())
    if (had !== null) throw new HoldfastError('already_in_workspace', { name: bearer.name })
    if (term !== null) {
      const raised = await raiseRole(hub, tx, allowed, { ...raiseOf(workspace, bearer), role, ...term })
      const data = { ...bearerData(bearer), role, ...raiseData(term, raised) }
      await recordEvent(hub, tx, allowed, origin, { ...about(workspace), data })
      continue
    }
    // What has ended, and was not tidied up yet, stands in nobody's way.
    await deleteRole(tx, workspace.id, bearer.id)
    const isNew = await insertRole(tx, {
      targetId: workspace.id,
      targetKind: 'workspace',
      principalId: bearer.id,
      principalKind: bearer.kind,
      role,
      createdAt: hub.clock.now(),
      createdBy: addedBy,
    })
    if (!isNew) throw new HoldfastError('already_in_workspace', { name: bearer.name })
    await recordEvent(hub, tx, allowed, origin, { ...about(workspace), data: { ...bearerData(bearer), role } })
  }
}

/** Throws `not_in_workspace` for whoever has no role of their own there, strangers included; `workspace_not_found`. */
export async function changeWorkspaceRole(
  hub: Hub,
  allowed: Allowed<'resource_group.change_role'>,
  origin: Origin,
  change: Added,
): Promise<void> {
  await hub.transaction((tx) => changeWorkspaceRoleIn(hub, tx, allowed, origin, change))
}

/** `changeWorkspaceRole` inside a transaction. */
export async function changeWorkspaceRoleIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'resource_group.change_role'>,
  origin: Origin,
  change: Added,
): Promise<void> {
  const workspace = allowed.resource
  await holdBoth(hub, tx, workspace)
  const { bearer, role: from } = await findRoleOf(hub, tx, workspace, change.whose)
  await refuseOwnTemporary(hub, tx, allowed, bearer.id, placesOf(workspace))
  if (change.term != null) {
    const raised = await raiseRole(hub, tx, allowed, {
      ...raiseOf(workspace, bearer),
      role: change.role,
      ...change.term,
    })
    const data = { ...bearerData(bearer), from, to: change.role, ...raiseData(change.term, raised) }
    return await recordEvent(hub, tx, allowed, origin, { ...about(workspace), data })
  }
  const row = await findGrant(tx, workspace.id, bearer.id)
  if (from === change.role && row?.temporaryUntil == null) return
  await updateRole(tx, workspace.id, bearer.id, change.role)
  const data = { ...bearerData(bearer), from, to: change.role }
  await recordEvent(hub, tx, allowed, origin, { ...about(workspace), data })
}

/** A temporary role is over now; what was there before counts again. Throws `no_temporary_role` and as `changeWorkspaceRole`. */
export async function endWorkspaceRole(
  hub: Hub,
  allowed: Allowed<'resource_group.change_role'>,
  origin: Origin,
  whose: Whose,
): Promise<void> {
  const workspace = allowed.resource
  await hub.transaction(async (tx) => {
    await holdBoth(hub, tx, workspace)
    const { bearer, role } = await findRoleOf(hub, tx, workspace, whose)
    const row = await runningGrant(hub, tx, workspace.id, bearer.id)
    await settleWorkspaceGrant(tx, row)
    const data = { ...bearerData(bearer), from: role, to: row.endsWhole === 1 ? 'none' : row.role, ended: 'early' }
    await recordEvent(hub, tx, allowed, origin, { ...about(workspace), data })
  })
}

/** What is left of a row whose temporary role is over. */
export async function settleWorkspaceGrant(tx: Tx, row: GrantRow): Promise<void> {
  await (row.endsWhole === 1 ? deleteGrant : clearTemporary)(tx, row.targetId, row.principalId)
}

/** What comes through groups stays (GRP-6). Throws as `changeWorkspaceRole`. */
export async function removeFromWorkspace(
  hub: Hub,
  allowed: Allowed<'resource_group.remove_users'>,
  origin: Origin,
  whose: Whose,
): Promise<void> {
  await hub.transaction((tx) => removeFromWorkspaceIn(hub, tx, allowed, origin, whose))
}

/** `removeFromWorkspace` inside a transaction. */
export async function removeFromWorkspaceIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'resource_group.remove_users'>,
  origin: Origin,
  whose: KnownWhose,
): Promise<void> {
  const workspace = allowed.resource
  await holdBoth(hub, tx, workspace)
  const { bearer, role } = await findRoleOf(hub, tx, workspace, whose)
  await deleteRole(tx, workspace.id, bearer.id)
  await recordEvent(hub, tx, allowed, origin, { ...about(workspace), data: { ...bearerData(bearer), role } })
}

/** Nobody leaves the organization, and nobody else changes these roles, until the transaction ends. */
async function holdBoth(hub: Hub, tx: Tx, workspace: PartFacts): Promise<void> {
  await shareOrganization(tx, hub.db.dialect, workspace.organization.id)
  await holdWorkspace(hub, tx, workspace.id)
}

async function findBearer(hub: Hub, tx: Tx, workspace: PartFacts, whose: KnownWhose): Promise<Bearer> {
  if ('user' in whose) return await findParty(hub, tx, workspace.organization, whose.user)
  const organizationId = workspace.organization.id
  const group =
    'groupId' in whose
      ? await keepGroup(hub, tx, organizationId, whose.groupId)
      : await findGroupToAdd(hub, tx, organizationId, whose.group)
  return { id: group.id, kind: 'group', name: group.name }
}

/** One answer for whoever has no role there, whether such a name exists or not. */
async function findRoleOf(
  hub: Hub,
  tx: Tx,
  workspace: PartFacts,
  whose: KnownWhose,
): Promise<{ bearer: Bearer; role: Role }> {
  const name = 'user' in whose ? whose.user : 'group' in whose ? whose.group : whose.groupId
  try {
    const bearer = await findBearer(hub, tx, workspace, whose)
    const role = await findRole(tx, workspace.id, bearer.id, hub.clock.now())
    if (role !== null) return { bearer, role }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
  }
  throw new HoldfastError('not_in_workspace', { name })
}

function raiseOf(workspace: PartFacts, bearer: Bearer) {
  return {
    targetId: workspace.id,
    targetKind: 'workspace',
    principalId: bearer.id,
    principalKind: bearer.kind,
    kind: 'given',
  } as const
}

const placesOf = (workspace: PartFacts) => [workspace.id, workspace.organization.id]

function about(workspace: PartFacts) {
  return {
    resource: { kind: 'resource-group', id: workspace.id, name: workspace.name },
    ownerId: workspace.organization.id,
  }
}

function bearerData(bearer: Bearer) {
  return { member: bearer.name, memberId: bearer.id, kind: bearer.kind }
}
