/**
 * Groups: named sets of people and service accounts of one organization. A group gives nothing by itself; what it is given in a workspace
 * goes to everybody who is in it (GRP-5), from the next request on. All that other features may import.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import { accountOf, type Facts, type PartFacts } from '../../domain/facts.ts'
import { nameKey, parseTitle } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import { refuseOwnTemporary } from '../temporary-roles/service.ts'
import { type Party, selectMachines, selectParty, shareOrganization } from './party-queries.ts'
import {
  deleteGroupMember,
  deleteGroupRows,
  deleteMemberships,
  findGroupId,
  findGroupRole,
  type GroupRole,
  type GroupRow,
  insertGroup,
  insertGroupMember,
  lockGroup,
  updateGroupMember,
  updateGroupRow,
} from './queries.ts'

export { type Party, shareOrganization } from './party-queries.ts'
export { findGroupId, type GroupRole, listGroups } from './queries.ts'

const mostName = 100

/** Throws `invalid_input`. */
export const parseGroupName = (value: string): string => parseTitle(value, mostName)

/** Of a description. */
export const mostDescription = 500

/** Throws `invalid_input` or `group_name_taken`. */
export async function createGroup(
  hub: Hub,
  allowed: Allowed<'org.group.create'>,
  origin: Origin,
  input: { readonly name: string; readonly description: string | null },
): Promise<GroupRow> {
  return await hub.transaction((tx) => createGroupIn(hub, tx, allowed, origin, input))
}

/** `createGroup` inside a transaction. */
export async function createGroupIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.group.create'>,
  origin: Origin,
  input: { readonly name: string; readonly description: string | null },
): Promise<GroupRow> {
  const organization = allowed.resource
  const name = parseGroupName(input.name)
  const row: GroupRow = {
    id: hub.clock.id(),
    organizationId: organization.id,
    name,
    nameKey: nameKey(name),
    description: input.description,
    createdAt: hub.clock.now(),
    createdBy: accountOf(allowed.principal)?.id ?? null,
  }
  if (!(await insertGroup(tx, row))) throw nameTaken(organization.name, name)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'group', id: row.id, name },
    ownerId: organization.id,
    data: { description: row.description },
  })
  return row
}

export interface GroupChange {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
}

/** Throws `invalid_input`, `group_name_taken`, or `group_not_found` where it was deleted meanwhile. */
export async function updateGroup(
  hub: Hub,
  allowed: Allowed<'org.group.update'>,
  origin: Origin,
  change: GroupChange,
): Promise<void> {
  await hub.transaction((tx) => updateGroupIn(hub, tx, allowed, origin, change))
}

/** `updateGroup` inside a transaction, which a name that is taken dooms. */
export async function updateGroupIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.group.update'>,
  origin: Origin,
  change: GroupChange,
): Promise<void> {
  const { id, organization } = allowed.resource
  const name = change.name === undefined ? undefined : parseGroupName(change.name)
  const rows = {
    ...(name === undefined ? {} : { name, nameKey: nameKey(name) }),
    ...(change.description === undefined ? {} : { description: change.description }),
  }
  if (Object.keys(rows).length === 0) return
  const before = await lockGroup(tx, hub.db.dialect, id, 'update')
  if (before === null) throw new HoldfastError('group_not_found')
  try {
    await updateGroupRow(tx, id, rows)
  } catch (error) {
    throw isUniqueViolation(error) ? nameTaken(organization.name, name ?? '') : error
  }
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'group', id, name: name ?? before.name },
    ownerId: organization.id,
    data: {
      ...(name === undefined ? {} : { name: { from: before.name, to: name } }),
      ...(change.description === undefined ? {} : { description: change.description }),
    },
  })
}

/** GRP-7: gone with the group are its members' access through it, and nothing else. */
export async function deleteGroup(hub: Hub, allowed: Allowed<'org.group.delete'>, origin: Origin): Promise<void> {
  await hub.transaction((tx) => deleteGroupIn(hub, tx, allowed, origin))
}

/** `deleteGroup` inside a transaction. */
export async function deleteGroupIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.group.delete'>,
  origin: Origin,
): Promise<void> {
  const { id, organization } = allowed.resource
  const group = await lockGroup(tx, hub.db.dialect, id, 'update')
  if (group === null) throw new HoldfastError('group_not_found')
  const gone = await deleteGroupRows(tx, id)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'group', id, name: group.name },
    ownerId: organization.id,
    data: gone,
  })
}

export interface GroupMemberChange {
  /** User name: `sa-` and the id for a service account. */
  readonly name: string
  readonly role: GroupRole
  readonly onlyNew?: boolean
}

/**
 * Puts somebody into the group, or gives them another role there; `onlyNew` refuses the second. True where they were not in it before.
 * Throws `not_of_organization`, `already_in_group`, or `group_not_found`.
 */
export async function putGroupMember(
  hub: Hub,
  allowed: Allowed<'org.group.change_members'>,
  origin: Origin,
  change: GroupMemberChange,
): Promise<{ party: Party; isNew: boolean }> {
  return await hub.transaction((tx) => putGroupMemberIn(hub, tx, allowed, origin, change))
}

/** `putGroupMember` inside a transaction. */
export async function putGroupMemberIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.group.change_members'>,
  origin: Origin,
  change: GroupMemberChange,
): Promise<{ party: Party; isNew: boolean }> {
  const group = allowed.resource
  const addedBy = accountOf(allowed.principal)?.id ?? null
  const party = await findMemberToBe(hub, tx, group, change.name)
  await refuseOwnTemporary(hub, tx, allowed, party.id, [group.organization.id])
  const before = await findGroupRole(tx, group.id, party.id)
  const isNew = before === null
  if (!isNew && change.onlyNew === true) throw new HoldfastError('already_in_group', { name: party.name })
  if (before === change.role) return { party, isNew }
  await (isNew
    ? insertGroupMember(tx, {
        groupId: group.id,
        principalId: party.id,
        principalKind: party.kind,
        role: change.role,
        createdAt: hub.clock.now(),
        createdBy: addedBy,
      })
    : updateGroupMember(tx, group.id, party.id, change.role))
  await recordEvent(hub, tx, allowed, origin, {
    action: isNew ? 'org.group.add_member' : 'org.group.change_role',
    resource: { kind: 'group', id: group.id, name: group.name },
    ownerId: group.organization.id,
    data: { ...member(party), ...(before === null ? { role: change.role } : { from: before, to: change.role }) },
  })
  return { party, isNew }
}

/** Throws `not_in_group`, for whoever is not of the organization too, or `group_not_found`. */
export async function removeGroupMember(
  hub: Hub,
  allowed: Allowed<'org.group.change_members'>,
  origin: Origin,
  name: string,
): Promise<void> {
  await hub.transaction((tx) => removeGroupMemberIn(hub, tx, allowed, origin, name))
}

/** `removeGroupMember` inside a transaction. */
export async function removeGroupMemberIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.group.change_members'>,
  origin: Origin,
  name: string,
): Promise<void> {
  const group = allowed.resource
  await shareOrganization(tx, hub.db.dialect, group.organization.id)
  if ((await lockGroup(tx, hub.db.dialect, group.id, 'update')) === null) throw new HoldfastError('group_not_found')
  const party = await selectParty(tx, hub.db.dialect, group.organization.id, name)
  const role = party === null ? null : await deleteGroupMember(tx, group.id, party.id)
  if (party === null || role === null) throw new HoldfastError('not_in_group', { name })
  await recordEvent(hub, tx, allowed, origin, {
    action: 'org.group.remove_member',
    resource: { kind: 'group', id: group.id, name: group.name },
    ownerId: group.organization.id,
    data: { ...member(party), role },
  })
}

/** For a transaction in which somebody stops being of the organization (GRP-8). Names of the groups that they were in. */
export async function leaveGroups(tx: Tx, organizationId: string, principalId: string): Promise<string[]> {
  return await deleteMemberships(tx, organizationId, principalId)
}

/** A person or a service account of the organization, who stays so until the transaction ends. Throws `not_of_organization`. */
export async function findParty(
  hub: Hub,
  tx: Tx,
  organization: { readonly id: string; readonly name: string },
  name: string,
): Promise<Party> {
  const party = await selectParty(tx, hub.db.dialect, organization.id, name)
  if (party === null) throw new HoldfastError('not_of_organization', { name, organization: organization.name })
  return party
}

const mostOffered = 200

/**
 * Service accounts for a form to offer, since nobody types their user names; none to who may not list them (SA-1): managers of a group or a
 * workspace name them by what the administrator told.
 */
export async function machinesToOffer(hub: Hub, facts: Facts, organizationId: string): Promise<Party[]> {
  return facts.standing.organizationRole === 'admin' ? await selectMachines(hub.db, organizationId, mostOffered) : []
}

/** A group of the organization by name or id, which stays there until the transaction ends. Throws `group_not_found`. */
export async function findGroupToAdd(hub: Hub, tx: Tx, organizationId: string, nameOrId: string): Promise<GroupRow> {
  const id = await findGroupId(tx, organizationId, nameOrId)
  if (id === null) throw new HoldfastError('group_not_found')
  return await keepGroup(hub, tx, organizationId, id)
}

/** A group of the organization by id, which stays there until the transaction ends. Throws `group_not_found`. */
export async function keepGroup(hub: Hub, tx: Tx, organizationId: string, id: string): Promise<GroupRow> {
  const group = await lockGroup(tx, hub.db.dialect, id, 'share')
  if (group?.organizationId !== organizationId) throw new HoldfastError('group_not_found')
  return group
}

async function findMemberToBe(hub: Hub, tx: Tx, group: PartFacts, name: string): Promise<Party> {
  await shareOrganization(tx, hub.db.dialect, group.organization.id)
  if ((await lockGroup(tx, hub.db.dialect, group.id, 'update')) === null) throw new HoldfastError('group_not_found')
  return await findParty(hub, tx, group.organization, name)
}

/** In an event: whom it is about. */
function member(party: Party): EventData {
  const whom: EventData = { member: party.name, memberId: party.id, kind: party.kind }
  return party.kind === 'service-account' && party.fullname !== null ? { ...whom, called: party.fullname } : whom
}

function nameTaken(organization: string, name: string): HoldfastError {
  return new HoldfastError('group_name_taken', { organization, name })
}
