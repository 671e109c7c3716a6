/**
 * What a company's groups give, brought up to date at each sign-in. What is given by hand is never touched: `companyGrant` has a row for each
 * membership that mappings gave, with the role that they gave; where the role is another one now, somebody changed it, and it is theirs.
 * An organization keeps its last administrator, and takes nobody in beyond its seats.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import { plainOrganization } from '../../domain/facts.ts'
import { type Allowed, systemGrant } from '../../domain/policy.ts'
import { isRole, type Role, roles, stronger } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { CompanyGrantTable } from '../../platform/db/schema.ts'
import { recordEvent } from '../audit/service.ts'
import {
  becomeMember,
  endMembership,
  holdSeat,
  joining,
  lockOrganizations,
  someActiveAdmins,
} from '../organizations/service.ts'
import { autoJoinWorkspaces } from '../workspaces/service.ts'
import type { GroupClaim } from './claims.ts'
import {
  deleteGrant,
  deleteGrantsIn,
  giveInPart,
  grantsOf,
  type Held,
  hasByHand,
  heldInPart,
  heldRole,
  holdPart,
  leaveTemporary,
  type MappingRow,
  mappingsOf,
  organizationsById,
  putGrant,
  type SyncedOrganization,
  setRole,
  takeInPart,
} from './grant-queries.ts'

interface Person {
  readonly id: string
  readonly name: string
}

interface Wanted {
  readonly kind: MappingRow['kind']
  readonly targetId: string
  readonly role: string
  /** Names of the groups that give it. */
  readonly by: readonly string[]
}

interface Syncing {
  readonly hub: Hub
  readonly tx: Tx
  readonly origin: Origin
  readonly user: Person
  readonly organization: SyncedOrganization
  readonly allowed: Allowed<'org.company_group.update'>
  /** By target. */
  readonly wanted: ReadonlyMap<string, Wanted>
  readonly held: ReadonlyMap<string, CompanyGrantTable>
  readonly isComplete: boolean
}

/** In the transaction of the sign-in. Gives what the person should be told, in words: an organization that has no seat for them. */
export async function syncGroups(
  hub: Hub,
  tx: Tx,
  origin: Origin,
  user: Person,
  groups: GroupClaim,
): Promise<string[]> {
  const mappings = await mappingsOf(tx, groups.names)
  const held = await grantsOf(tx, user.id)
  const ids = [...new Set([...mappings, ...held].map((row) => row.organizationId))].sort()
  await lockOrganizations(tx, hub.db.dialect, ids)
  const notices: string[] = []
  for (const organization of await organizationsById(tx, ids)) {
    const resource = {
      on: 'organization',
      name: organization.name,
      organization: plainOrganization(organization),
    } as const
    const notice = await syncOrganization({
      hub,
      tx,
      origin,
      user,
      organization,
      allowed: systemGrant('org.company_group.update', resource, 'groups of the company'),
      wanted: wantedOf(mappings.filter((row) => row.organizationId === organization.id)),
      held: new Map(held.filter((row) => row.organizationId === organization.id).map((row) => [row.targetId, row])),
      isComplete: groups.isComplete,
    })
    if (notice !== null) notices.push(notice)
  }
  return notices
}

/** Several groups may give the same: the strongest role counts. */
function wantedOf(mappings: readonly MappingRow[]): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const { kind, targetId, role, externalGroup } of mappings) {
    const before = wanted.get(targetId)
    const by = [...(before?.by ?? []), externalGroup]
    wanted.set(targetId, { kind, targetId, role: before === undefined ? role : strongest(kind, before.role, role), by })
  }
  return wanted
}

function strongest(kind: MappingRow['kind'], one: string, other: string): string {
  if (kind === 'group') return one === 'manager' ? one : other
  return stronger(asRole(one), asRole(other)) ?? one
}

function asRole(text: string): Role {
  if (!isRole(text)) throw new Error(`"${text}" is no role.`)
  return text
}

async function syncOrganization(syncing: Syncing): Promise<string | null> {
  const { notice, isMember } = await syncMembership(syncing)
  if (isMember) {
    for (const wanted of syncing.wanted.values()) if (wanted.kind !== 'organization') await givePart(syncing, wanted)
    for (const grant of syncing.held.values()) {
      if (grant.kind !== 'organization' && !syncing.wanted.has(grant.targetId)) await takePart(syncing, grant)
    }
  }
  return notice
}

interface Membership {
  readonly isMember: boolean
  readonly notice: string | null
}

const still: Membership = { isMember: true, notice: null }
const none: Membership = { isMember: false, notice: null }

/** Whoever gets something in a group or a workspace has to be of the organization: as what its default role says, where no group says more. */
async function syncMembership(syncing: Syncing): Promise<Membership> {
  const { tx, user, organization, wanted, held } = syncing
  const direct = wanted.get(organization.id)
  const to = direct === undefined ? (wanted.size > 0 ? organization.defaultRole : null) : asRole(direct.role)
  const now = await heldRole(tx, organization.id, user.id, syncing.hub.clock.now())
  const grant = held.get(organization.id)
  if (now === null) {
    // Somebody ended the membership by hand, and with it everything that it gave.
    if (held.size > 0) await deleteGrantsIn(tx, user.id, organization.id)
    return to === null ? none : await takeIn(syncing, to)
  }
  if (grant === undefined) return still
  if (now.isTemporaryAlone || grant.role !== now.role) {
    await deleteGrant(tx, user.id, organization.id)
    return still
  }
  if (to === null) return syncing.isComplete ? await letGo(syncing, now) : still
  const from = asRole(now.role)
  if (to !== from && (syncing.isComplete || roles.indexOf(to) > roles.indexOf(from))) await changeRole(syncing, now, to)
  return still
}

async function takeIn(syncing: Syncing, role: Role): Promise<Membership> {
  const { hub, tx, origin, user, organization, allowed } = syncing
  try {
    await holdSeat(hub, tx, organization)
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'seats_full') throw error
    await record(syncing, 'org.company_group.no_seat', { role })
    return { isMember: false, notice: `${error.message} You were not taken in.` }
  }
  await becomeMember(hub, tx, { organization, user, role, addedBy: null })
  await keep(syncing, { kind: 'organization', targetId: organization.id, role })
  await record(syncing, 'org.add_user', { role })
  await autoJoinWorkspaces(hub, tx, allowed, origin, joining(organization, user, null, role))
  return still
}

async function changeRole(syncing: Syncing, held: Held, to: Role): Promise<void> {
  const { hub, tx, origin, user, organization, allowed } = syncing
  const from = asRole(held.role)
  if (from === 'admin' && (await isLastAdmin(syncing))) {
    await record(syncing, 'org.company_group.kept', { role: from, reason: 'nobody else administers the organization' })
    return
  }
  await setRole(tx, organization.id, user.id, to, held)
  await keep(syncing, { kind: 'organization', targetId: organization.id, role: to })
  await record(syncing, 'org.change_role', { from, to })
  await autoJoinWorkspaces(hub, tx, allowed, origin, joining(organization, user, from, to))
}

/** No group gives the membership any more. What others gave by hand inside the organization hangs on it: then it stays, and gives nothing. */
async function letGo(syncing: Syncing, held: Held): Promise<Membership> {
  const { hub, tx, user, organization } = syncing
  const from = asRole(held.role)
  if (from === 'admin' && (await isLastAdmin(syncing))) {
    await record(syncing, 'org.company_group.kept', { role: from, reason: 'nobody else administers the organization' })
    return still
  }
  if (await hasByHand(tx, organization.id, user.id, hub.clock.now())) {
    if (from !== 'no_access') await changeRole(syncing, held, 'no_access')
    return still
  }
  if (held.temporary !== null) {
    await leaveTemporary(tx, organization.id, user.id)
    await deleteGrant(tx, user.id, organization.id)
    await record(syncing, 'org.change_role', { from, to: 'none', temporary: held.temporary })
    return still
  }
  const withdrawnInvitations = await endMembership(tx, organization.id, user.id)
  await deleteGrantsIn(tx, user.id, organization.id)
  await record(syncing, 'org.remove_user', { role: from, withdrawnInvitations })
  return none
}

async function isLastAdmin({ tx, user, organization }: Syncing): Promise<boolean> {
  const admins = await someActiveAdmins(tx, organization.id)
  return admins.length === 1 && admins[0] === user.id
}

const partEvents = {
  group: { add: 'org.group.add_member', change: 'org.group.change_role', remove: 'org.group.remove_member' },
  workspace: {
    add: 'resource_group.add_users',
    change: 'resource_group.change_role',
    remove: 'resource_group.remove_users',
  },
} as const

const partRoles: readonly string[] = ['member', 'manager', ...roles]

async function givePart(syncing: Syncing, { kind, targetId, role, by }: Wanted): Promise<void> {
  const { hub, tx, user, held } = syncing
  if (kind === 'organization') return
  const name = await holdPart(tx, hub.db.dialect, kind, targetId)
  if (name === null) return
  const now = await heldInPart(tx, kind, targetId, user.id, hub.clock.now())
  const from = now?.role ?? null
  const grant = held.get(targetId)
  if (now !== null && (now.isTemporaryAlone || grant?.role !== now.role)) {
    if (grant !== undefined) await deleteGrant(tx, user.id, targetId)
    return
  }
  const isWeaker = from !== null && partRoles.indexOf(role) < partRoles.indexOf(from)
  if (from === role || (isWeaker && !syncing.isComplete)) return
  await giveInPart(tx, kind, { id: targetId, userId: user.id, role, now: hub.clock.now(), held: now })
  await keep(syncing, { kind, targetId, role })
  const part = { kind, id: targetId, name, groups: by }
  if (from === null) await recordPart(syncing, partEvents[kind].add, part, { role })
  else await recordPart(syncing, partEvents[kind].change, part, { from, to: role })
}

async function takePart(syncing: Syncing, { kind, targetId, role }: CompanyGrantTable): Promise<void> {
  const { hub, tx, user } = syncing
  if (kind === 'organization' || !syncing.isComplete) return
  const name = await holdPart(tx, hub.db.dialect, kind, targetId)
  const now = name === null ? null : await heldInPart(tx, kind, targetId, user.id, hub.clock.now())
  await deleteGrant(tx, user.id, targetId)
  if (name === null || now === null || now.isTemporaryAlone || now.role !== role) return
  await (now.temporary === null ? takeInPart(tx, kind, targetId, user.id) : leaveTemporary(tx, targetId, user.id))
  await recordPart(syncing, partEvents[kind].remove, { kind, id: targetId, name, groups: [] }, { role })
}

async function keep(
  { hub, tx, user, organization }: Syncing,
  given: Pick<CompanyGrantTable, 'kind' | 'targetId' | 'role'>,
): Promise<void> {
  await putGrant(tx, { ...given, userId: user.id, organizationId: organization.id, givenAt: hub.clock.now() })
}

/** As the same act by hand is recorded: about the group or the workspace. */
async function recordPart(
  { hub, tx, origin, user, organization, allowed }: Syncing,
  action: string,
  part: {
    readonly kind: 'group' | 'workspace'
    readonly id: string
    readonly name: string
    readonly groups: readonly string[]
  },
  data: EventData,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    action,
    resource: { kind: part.kind === 'group' ? 'group' : 'resource-group', id: part.id, name: part.name },
    ownerId: organization.id,
    data: {
      member: user.name,
      memberId: user.id,
      kind: 'user',
      by: 'groups of the company',
      groups: part.groups.slice(0, 20),
      ...data,
    },
  })
}

async function record(syncing: Syncing, action: string, data: EventData): Promise<void> {
  const { hub, tx, origin, user, organization, wanted } = syncing
  const groups = wanted.get(organization.id)?.by ?? [...new Set([...wanted.values()].flatMap(({ by }) => by))]
  await recordEvent(hub, tx, syncing.allowed, origin, {
    action,
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: organization.id,
    data: { organization: organization.name, by: 'groups of the company', groups: groups.slice(0, 20), ...data },
  })
}
