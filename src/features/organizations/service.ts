/** What other features may ask of organizations, and how an organization comes into being. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { claimName } from './namespaces.ts'
import { administeredBy, insertGrant, insertOrganization, lockOrganizations, someActiveAdmins } from './queries.ts'

export {
  findInvitationByLink,
  type InvitationView,
  useInvitationForAccount,
} from './answer-invitation.ts'
export { avatarUrl } from './avatar.ts'
export { deleteExpiredInvitations } from './invitation-queries.ts'
export { composeInvitation, makeInvitationLink } from './invitations.ts'
export {
  addMember,
  addMemberIn,
  becomeMember,
  changeRoleIn,
  endMembership,
  joining,
  removeMemberIn,
} from './membership.ts'
export { claimName, findNamespace, type Namespace, retireName } from './namespaces.ts'
export {
  administeredNow,
  countPublicRepos,
  firstAdmins,
  lockOrganizations,
  type MembershipRow,
  membershipsOf,
  roleIn,
  someActiveAdmins,
} from './queries.ts'
export { holdSeat, type Seats, seatsOf, setSeatLimit } from './seats.ts'
export { changeSettingsIn, requireSecondFactorIn } from './settings.ts'

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
    await insertGrant(tx, {
      targetId: id,
      targetKind: 'organization',
      principalId: owner.id,
      principalKind: 'user',
      role: 'admin',
      createdAt: now,
      createdBy: owner.id,
    })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id, name: input.name },
      ownerId: id,
      data: { admin: owner.name },
    })
  })
  return { id, name: input.name }
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
