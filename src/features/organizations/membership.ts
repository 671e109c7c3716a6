/**
 * Who is of an organization, and as what. An organization always has an administrator whose account is active: every change that could take
 * the last one away holds the organization and looks again inside the transaction (ROL-c). Service accounts are no members: to what is here
 * they do not exist (SA-5).
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type OwnerFacts } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { leaveGroups } from '../groups/service.ts'
import {
  clearTemporary,
  findGrant,
  type GrantRow,
  type Raised,
  raiseData,
  raiseRole,
  refuseOwnTemporary,
  runningGrant,
  type Term,
} from '../temporary-roles/service.ts'
import { autoJoinWorkspaces } from '../workspaces/service.ts'
import { deleteInvitationsOf } from './invitation-queries.ts'
import {
  deleteGrantsInOrganization,
  deleteWorkspaceGrants,
  findActiveUser,
  findMember,
  insertGrant,
  lockOrganizations,
  someActiveAdmins,
  updateRole,
  workspacesIn,
} from './queries.ts'
import { holdSeat } from './seats.ts'

type Organization = Pick<OwnerFacts, 'id' | 'name'>

interface Person {
  readonly id: string
  readonly name: string
}

/**
 * `role` null: the organization's default. Gives the role. Throws `user_not_found`, `already_member` or `seats_full`.
 */
export async function addMember(
  hub: Hub,
  allowed: Allowed<'org.add_user'>,
  origin: Origin,
  input: { readonly username: string; readonly role: Role | null; readonly term?: Term | null },
): Promise<Role> {
  const user = await findActiveUser(hub.db.read, nameKey(input.username))
  if (user === null) throw new HoldfastError('user_not_found')
  const { role, term = null } = input
  return await hub.transaction((tx) => addMemberIn(hub, tx, allowed, origin, { user, role, term }))
}

/** `addMember` inside a transaction, of an active user. */
export async function addMemberIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.add_user'>,
  origin: Origin,
  input: { readonly user: Person; readonly role: Role | null; readonly term: Term | null },
): Promise<Role> {
  const organization = allowed.resource
  const { user, term } = input
  // Before the seats: who is in already is told so, however full it is.
  if ((await findMember(tx, organization.id, nameKey(user.name), hub.clock.now())) !== null)
    throw alreadyMember(user, organization)
  const { defaultRole } = await holdSeat(hub, tx, organization)
  const role = input.role ?? defaultRole
  const addedBy = accountOf(allowed.principal)?.id ?? null
  if (term !== null) {
    const raised = await joinForAWhile(hub, tx, allowed, { organization, user, role, ...term })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: organization.id,
      data: { organization: organization.name, role, ...raiseData(term, raised) },
    })
    return role
  }
  if (!(await becomeMember(hub, tx, { organization, user, role, addedBy }))) throw alreadyMember(user, organization)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: organization.id,
    data: { organization: organization.name, role },
  })
  await autoJoinWorkspaces(hub, tx, allowed, origin, joining(organization, user, null, role))
  return role
}

/** A membership that ends by itself. Nobody joins workspaces by it: what is for a while is given one by one. */
async function joinForAWhile(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.add_user'>,
  { organization, user, ...given }: Term & { organization: Organization; user: Person; role: Role },
): Promise<Raised> {
  const raised = await raiseRole(hub, tx, allowed, { ...raiseOf(organization, user.id), ...given })
  await deleteInvitationsOf(tx, organization.id, user.id)
  return raised
}

function raiseOf(organization: Organization, userId: string) {
  return {
    targetId: organization.id,
    targetKind: 'organization',
    principalId: userId,
    principalKind: 'user',
    kind: 'given',
  } as const
}

export interface RoleChange {
  readonly username: string
  readonly role: Role
  /**
   * The member's workspaces afterwards: absent leaves them, a list replaces them. (The Hub's endpoint takes an absent list for an empty
   * one, ROL-d; its route says so.)
   */
  readonly workspaces?: readonly { readonly id: string; readonly role: Role }[]
  /** The role is for a while; null or absent: for good. */
  readonly term?: Term | null
}

/** Throws `not_a_member`, or `last_admin` where nobody else could administer the organization afterwards. */
export async function changeRole(
  hub: Hub,
  allowed: Allowed<'org.change_role'>,
  origin: Origin,
  change: RoleChange,
): Promise<void> {
  await hub.transaction((tx) => changeRoleIn(hub, tx, allowed, origin, change))
}

/** `changeRole` inside a transaction. */
export async function changeRoleIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.change_role'>,
  origin: Origin,
  change: RoleChange,
): Promise<void> {
  const organization = allowed.resource
  await lockOrganizations(tx, hub.db.dialect, [organization.id])
  const member = await getMember(hub, tx, organization, change.username)
  await refuseOwnTemporary(hub, tx, allowed, member.userId, [organization.id])
  if (change.term != null) return await raiseMember(hub, tx, allowed, origin, { ...change, term: change.term, member })
  if (change.role !== 'admin') await refuseWithoutAdmin(tx, organization, member.userId)
  await updateRole(tx, organization.id, member.userId, change.role)
  if (change.workspaces !== undefined) {
    await replaceWorkspaces(hub, tx, allowed, organization.id, member.userId, change.workspaces)
  }
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'user', id: member.userId, name: member.name },
    ownerId: organization.id,
    data: {
      organization: organization.name,
      from: member.role,
      to: change.role,
      ...(change.workspaces === undefined
        ? {}
        : { workspaces: change.workspaces.map(({ id, role }) => `${id}=${role}`) }),
    },
  })
  const user = { id: member.userId, name: member.name }
  await autoJoinWorkspaces(hub, tx, allowed, origin, joining(organization, user, member.role, change.role))
}

async function raiseMember(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.change_role'>,
  origin: Origin,
  change: { readonly role: Role; readonly term: Term; readonly member: { userId: string; name: string; role: Role } },
): Promise<void> {
  const organization = allowed.resource
  const { role, term, member } = change
  const raised = await raiseRole(hub, tx, allowed, { ...raiseOf(organization, member.userId), role, ...term })
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'user', id: member.userId, name: member.name },
    ownerId: organization.id,
    data: { organization: organization.name, from: member.role, to: role, ...raiseData(term, raised) },
  })
}

/**
 * A temporary role is over now; what was there before counts again, or the membership ends with it. Throws `not_a_member` or
 * `no_temporary_role`.
 */
export async function endTemporaryRole(
  hub: Hub,
  allowed: Allowed<'org.change_role'>,
  origin: Origin,
  username: string,
): Promise<void> {
  const organization = allowed.resource
  await hub.transaction(async (tx) => {
    await lockOrganizations(tx, hub.db.dialect, [organization.id])
    const member = await getMember(hub, tx, organization, username)
    const row = await runningGrant(hub, tx, organization.id, member.userId)
    await settleMembership(tx, row)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: member.userId, name: member.name },
      ownerId: organization.id,
      data: {
        organization: organization.name,
        from: member.role,
        to: row.endsWhole === 1 ? 'none' : row.role,
        ended: 'early',
      },
    })
  })
}

/** What is left of a membership whose temporary role is over. */
export async function settleMembership(tx: Tx, row: GrantRow): Promise<void> {
  if (row.endsWhole === 1) await endMembership(tx, row.targetId, row.principalId)
  else await clearTemporary(tx, row.targetId, row.principalId)
}

/** Throws `not_a_member` or `last_admin`. */
export async function removeMember(
  hub: Hub,
  allowed: Allowed<'org.remove_user'>,
  origin: Origin,
  username: string,
): Promise<void> {
  await hub.transaction((tx) => removeMemberIn(hub, tx, allowed, origin, username))
}

/** `removeMember` inside a transaction. */
export async function removeMemberIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.remove_user'>,
  origin: Origin,
  username: string,
): Promise<void> {
  const organization = allowed.resource
  await lockOrganizations(tx, hub.db.dialect, [organization.id])
  const member = await getMember(hub, tx, organization, username)
  await refuseWithoutAdmin(tx, organization, member.userId)
  const withdrawn = await endMembership(tx, organization.id, member.userId)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'user', id: member.userId, name: member.name },
    ownerId: organization.id,
    data: { organization: organization.name, role: member.role, withdrawnInvitations: withdrawn },
  })
}

/** Throws `last_admin`. */
export async function leaveOrganization(hub: Hub, allowed: Allowed<'org.leave'>, origin: Origin): Promise<void> {
  const organization = allowed.resource
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('Only a person can leave an organization.')
  await hub.transaction(async (tx) => {
    await lockOrganizations(tx, hub.db.dialect, [organization.id])
    const member = await getMember(hub, tx, organization, principal.name)
    await refuseWithoutAdmin(tx, organization, principal.id)
    const withdrawn = await endMembership(tx, organization.id, principal.id)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id: organization.id, name: organization.name },
      ownerId: organization.id,
      data: { role: member.role, withdrawnInvitations: withdrawn },
    })
  })
}

/** For `autoJoinWorkspaces` (WS-7), after the event of the role itself. */
export function joining(organization: Organization, user: Person, from: Role | null, to: Role) {
  return { organizationId: organization.id, userId: user.id, name: user.name, from, to }
}

/**
 * The row of a new member. Invitations that wait for them are moot. False where they are a member already: nothing changes then. The caller
 * holds a seat, writes the event, and lets them join workspaces.
 */
export async function becomeMember(
  hub: Hub,
  tx: Tx,
  joining: {
    readonly organization: Organization
    readonly user: Person
    readonly role: Role
    readonly addedBy: string | null
  },
): Promise<boolean> {
  const { organization, user, role, addedBy } = joining
  const now = hub.clock.now()
  await removeEnded(tx, organization.id, user.id, now)
  const isNew = await insertGrant(tx, {
    targetId: organization.id,
    targetKind: 'organization',
    principalId: user.id,
    principalKind: 'user',
    role,
    createdAt: now,
    createdBy: addedBy,
  })
  if (!isNew) return false
  await deleteInvitationsOf(tx, organization.id, user.id)
  return true
}

/** What has ended, and was not tidied up yet, goes first: nothing of it comes back with the new membership. */
async function removeEnded(tx: Tx, organizationId: string, userId: string, now: number): Promise<void> {
  const row = await findGrant(tx, organizationId, userId)
  if (row?.endsWhole === 1 && (row.temporaryUntil ?? 0) <= now) await endMembership(tx, organizationId, userId)
}

/**
 * Everything that the organization gave goes, so that nothing comes back with somebody who is added again later: roles, groups (GRP-8), and
 * invitations that would let them in by themselves. Gives the addresses of these.
 */
export async function endMembership(tx: Tx, organizationId: string, userId: string): Promise<string[]> {
  await leaveGroups(tx, organizationId, userId)
  await deleteGrantsInOrganization(tx, organizationId, userId)
  return await deleteInvitationsOf(tx, organizationId, userId)
}

function alreadyMember(user: Person, organization: Organization): HoldfastError {
  return new HoldfastError('already_member', { user: user.name, organization: organization.name })
}

async function getMember(hub: Hub, tx: Tx, organization: Organization, username: string) {
  const member = await findMember(tx, organization.id, nameKey(username), hub.clock.now())
  if (member === null) throw new HoldfastError('not_a_member', { user: username, organization: organization.name })
  return member
}

async function refuseWithoutAdmin(tx: Tx, organization: Organization, userId: string): Promise<void> {
  const admins = await someActiveAdmins(tx, organization.id)
  if (admins.length === 1 && admins[0] === userId) {
    throw new HoldfastError('last_admin', { organization: organization.name })
  }
}

async function replaceWorkspaces(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.change_role'>,
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
      createdBy: accountOf(allowed.principal)?.id ?? null,
    })
  }
}
