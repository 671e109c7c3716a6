/**
 * Organizations and their members. An organization always has an administrator whose account is active: every change that could take the
 * last one away locks the organization and looks again inside the transaction (ROL-c).
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { nameKey } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { leaveGroups } from '../groups/service.ts'
import { autoJoinWorkspaces } from '../workspaces/service.ts'
import { claimName } from './namespaces.ts'
import {
  administeredBy,
  deleteGrantsInOrganization,
  deleteWorkspaceGrants,
  findActiveUser,
  findMember,
  insertGrant,
  insertOrganization,
  lockOrganizations,
  someActiveAdmins,
  updateRole,
  workspacesIn,
} from './queries.ts'

export { avatarUrl } from './avatar.ts'
export { claimName, findNamespace, type Namespace, retireName } from './namespaces.ts'
export { countPublicRepos, type MembershipRow, membershipsOf } from './queries.ts'

export interface NewOrganization {
  readonly name: string
  readonly fullname: string | null
  readonly defaultVisibility: 'public' | 'private'
}

interface Person {
  readonly id: string
  readonly name: string
}

/**
 * `owner` becomes the first administrator: the caller, or whom the command line names. Throws `invalid_name` or `name_taken`.
 */
export async function createOrganization(
  hub: Hub,
  allowed: Allowed<'org.create'>,
  origin: Origin,
  input: NewOrganization & { readonly owner: Person },
): Promise<{ id: string; name: string }> {
  const id = hub.clock.id()
  const now = hub.clock.now()
  const { owner } = input
  await hub.transaction(async (tx) => {
    await claimName(tx, { id, kind: 'organization', name: input.name }, now)
    await insertOrganization(tx, {
      id,
      fullname: input.fullname,
      defaultVisibility: input.defaultVisibility,
      createdAt: now,
      createdBy: owner.id,
    })
    await insertGrant(tx, organizationGrant(id, owner.id, 'admin', now, owner.id))
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id, name: input.name },
      ownerId: id,
      data: { admin: owner.name },
    })
  })
  return { id, name: input.name }
}

/** Throws `user_not_found` or `already_member`. */
export async function addMember(
  hub: Hub,
  allowed: Allowed<'org.add_user'>,
  origin: Origin,
  input: { readonly username: string; readonly role: Role },
): Promise<void> {
  const organization = allowed.resource
  const user = await getActiveUser(hub.db, input.username)
  const now = hub.clock.now()
  const addedBy = allowed.principal.kind === 'user' ? allowed.principal.id : null
  await hub.transaction(async (tx) => {
    const isNew = await insertGrant(tx, organizationGrant(organization.id, user.id, input.role, now, addedBy))
    if (!isNew) throw new HoldfastError('already_member', { user: user.name, organization: organization.name })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: organization.id,
      data: { organization: organization.name, role: input.role },
    })
    const joining = { organizationId: organization.id, userId: user.id, name: user.name, from: null, to: input.role }
    await autoJoinWorkspaces(hub, tx, allowed, origin, joining)
  })
}

export interface RoleChange {
  readonly username: string
  readonly role: Role
  /**
   * The member's workspaces afterwards: absent leaves them, a list replaces them. (The Hub's endpoint takes an absent list for an empty
   * one, ROL-d; its route says so.)
   */
  readonly workspaces?: readonly { readonly id: string; readonly role: Role }[]
}

/** Throws `not_a_member`, or `last_admin` where nobody else could administer the organization afterwards. */
export async function changeRole(
  hub: Hub,
  allowed: Allowed<'org.change_role'>,
  origin: Origin,
  change: RoleChange,
): Promise<void> {
  const organization = allowed.resource
  await hub.transaction(async (tx) => {
    await lockOrganizations(tx, hub.db.dialect, [organization.id])
    const member = await getMember(tx, organization, change.username)
    if (change.role !== 'admin') await refuseWithoutAdmin(tx, organization, member.userId)
    await updateRole(tx, organization.id, member.userId, change.role)
    if (change.workspaces !== undefined)
      await replaceWorkspaces(hub, tx, organization.id, member.userId, change.workspaces)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: member.userId, name: member.name },
      ownerId: organization.id,
      data: { organization: organization.name, from: member.role, to: change.role },
    })
    const joining = { organizationId: organization.id, ...member, from: member.role, to: change.role }
    await autoJoinWorkspaces(hub, tx, allowed, origin, joining)
  })
}

/** Throws `not_a_member` or `last_admin`. */
export async function removeMember(
  hub: Hub,
  allowed: Allowed<'org.remove_user'>,
  origin: Origin,
  username: string,
): Promise<void> {
  const organization = allowed.resource
  await hub.transaction(async (tx) => {
    await lockOrganizations(tx, hub.db.dialect, [organization.id])
    const member = await getMember(tx, organization, username)
    await refuseWithoutAdmin(tx, organization, member.userId)
    await deleteGrantsInOrganization(tx, organization.id, member.userId)
    await leaveGroups(tx, organization.id, member.userId)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: member.userId, name: member.name },
      ownerId: organization.id,
      data: { organization: organization.name, role: member.role },
    })
  })
}

/** Throws `last_admin`. */
export async function leaveOrganization(hub: Hub, allowed: Allowed<'org.leave'>, origin: Origin): Promise<void> {
  const organization = allowed.resource
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('Only a person can leave an organization.')
  await hub.transaction(async (tx) => {
    await lockOrganizations(tx, hub.db.dialect, [organization.id])
    const member = await getMember(tx, organization, principal.name)
    await refuseWithoutAdmin(tx, organization, principal.id)
    await deleteGrantsInOrganization(tx, organization.id, principal.id)
    await leaveGroups(tx, organization.id, principal.id)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id: organization.id, name: organization.name },
      ownerId: organization.id,
      data: { role: member.role },
    })
  })
}

/** Whether this user is the only active administrator. */
export async function isLastAdmin(db: Db, organizationId: string, userId: string): Promise<boolean> {
  const admins = await someActiveAdmins(db.read, organizationId)
  return admins.length === 1 && admins[0] === userId
}

/** Names of the organizations that nobody else administers. */
export async function organizationsOnlyAdministeredBy(on: Tx | Db['read'], userId: string): Promise<string[]> {
  const names: string[] = []
  for (const { id, name } of await administeredBy(on, userId)) {
    const admins = await someActiveAdmins(on, id)
    if (admins.every((admin) => admin === userId)) names.push(name)
  }
  return names
}

/** For a transaction that takes a person away: holds their organizations still and throws `owns_organizations` if one would be left alone. */
export async function refuseWhileNeeded(hub: Hub, tx: Tx, userId: string): Promise<void> {
  const administered = await administeredBy(tx, userId)
  await lockOrganizations(
    tx,
    hub.db.dialect,
    administered.map(({ id }) => id),
  )
  const names = await organizationsOnlyAdministeredBy(tx, userId)
  if (names.length > 0) throw new HoldfastError('owns_organizations', { organizations: names.join(', ') })
}

async function getActiveUser(db: Db, username: string): Promise<Person> {
  const user = await findActiveUser(db, nameKey(username))
  if (user === null) throw new HoldfastError('user_not_found')
  return user
}

async function getMember(tx: Tx, organization: Person, username: string) {
  const member = await findMember(tx, organization.id, nameKey(username))
  if (member === null) throw new HoldfastError('not_a_member', { user: username, organization: organization.name })
  return member
}

async function refuseWithoutAdmin(tx: Tx, organization: Person, userId: string): Promise<void> {
  const admins = await someActiveAdmins(tx, organization.id)
  if (admins.length === 1 && admins[0] === userId) {
    throw new HoldfastError('last_admin', { organization: organization.name })
  }
}

async function replaceWorkspaces(
  hub: Hub,
  tx: Tx,
  organizationId: string,
  userId: string,
  workspaces: readonly { readonly id: string; readonly role: Role }[],
): Promise<void> {
  const known = await workspacesIn(
    tx,
    organizationId,
    workspaces.map(({ id }) => id),
  )
  const unknown = workspaces.find(({ id }) => !known.includes(id))
  if (unknown !== undefined) {
    throw new HoldfastError('invalid_input', { reason: `This organization has no resource group "${unknown.id}".` })
  }
  await deleteWorkspaceGrants(tx, organizationId, userId)
  for (const { id, role } of workspaces) {
    await insertGrant(tx, {
      targetId: id,
      targetKind: 'workspace',
      principalId: userId,
      principalKind: 'user',
      role,
      createdAt: hub.clock.now(),
      createdBy: null,
    })
  }
}

function organizationGrant(organizationId: string, userId: string, role: Role, now: number, createdBy: string | null) {
  return {
    targetId: organizationId,
    targetKind: 'organization',
    principalId: userId,
    principalKind: 'user',
    role,
    createdAt: now,
    createdBy,
  } as const
}
