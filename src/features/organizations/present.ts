/** Organizations on the wire, in the Hub's shapes (hub-api.md, section 14) where it has one. */
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { presentTemporary } from '../temporary-roles/service.ts'
import { avatarUrl } from './avatar.ts'
import type { InvitationRow, ListedInvitation } from './invitation-queries.ts'
import type { MemberRow, MemberWorkspace } from './member-queries.ts'
import type { OrganizationRow } from './queries.ts'
import type { Seats } from './seats.ts'

/** What of a member the caller is told: strangers see who, members what they are there, administrators more. */
export interface MemberDetail {
  readonly seesRoles: boolean
  /** Null for those who do not administer the organization. */
  readonly workspaces: readonly (MemberWorkspace & { readonly numUsers: number })[] | null
}

export function presentMember(hub: Hub, member: MemberRow, detail: MemberDetail) {
  return {
    _id: member.userId,
    user: member.name,
    fullname: member.fullname ?? member.name,
    avatarUrl: avatarUrl(hub, member.name),
    isPro: false,
    type: 'user',
    ...(detail.seesRoles
      ? {
          role: member.role,
          joinedAt: new Date(member.joinedAt).toISOString(),
          ...presentTemporary(member.temporary),
        }
      : {}),
    ...(detail.workspaces === null
      ? {}
      : {
          twoFaEnabled: member.secondFactorAt !== null,
          resourceGroups: detail.workspaces.map(({ id, name, role, numUsers }) => ({ id, name, role, numUsers })),
        }),
  }
}

export interface OrganizationProfile {
  readonly name: string
  readonly fullname: string | null
  readonly details: string | null
  readonly members: number
  readonly repos: readonly { readonly kind: string; readonly count: number }[]
}

export function presentOrganization(hub: Hub, profile: OrganizationProfile) {
  const count = (kind: string): number => profile.repos.find((row) => row.kind === kind)?.count ?? 0
  return {
    name: profile.name,
    fullname: profile.fullname ?? profile.name,
    avatarUrl: avatarUrl(hub, profile.name),
    ...(profile.details === null ? {} : { details: profile.details }),
    isVerified: false,
    isFollowing: false,
    numUsers: profile.members,
    numModels: count('model'),
    numDatasets: count('dataset'),
    numSpaces: count('space'),
    numFollowers: 0,
    numPapers: 0,
  }
}

export function presentSettings(name: string, row: OrganizationRow) {
  return {
    name,
    fullname: row.fullname,
    description: row.description,
    defaultRole: row.defaultRole,
    defaultVisibility: row.defaultVisibility,
    membersVisibility: row.membersVisibility,
    workspaceCreation: row.workspaceCreation,
    scanPolicy: row.scanPolicy,
    pickleAdmission: row.pickleAdmission,
    pickleAllowList: row.pickleAllowList,
    leakedTokens: row.leakedTokens,
    pushProtection: row.pushProtection,
    secondFactorRequired: row.secondFactorRequired === 1,
  }
}

/** Of service accounts, administrators alone learn even the number (SA-1). */
export function presentSeats(seats: Seats, isAdmin: boolean) {
  return {
    seats: { used: seats.used, limit: seats.limit },
    ...(isAdmin ? { serviceAccounts: seats.serviceAccounts, invitations: seats.invited } : {}),
  }
}

export function presentInvitation(row: InvitationRow, now: number, inviterRole?: Role | null) {
  return {
    id: row.id,
    email: row.address,
    role: row.role,
    invitedBy: row.inviterName,
    createdAt: new Date(row.createdAt).toISOString(),
    expiresAt: new Date(row.expiresAt).toISOString(),
    sentAt: row.sentAt === null ? null : new Date(row.sentAt).toISOString(),
    state: invitationState(row, now, inviterRole),
  }
}

export type InvitationState = 'open' | 'expired' | 'no longer effective'

/** `inviterRole` undefined: not looked up, since the inviter is who asks. */
export function invitationState(
  row: Pick<ListedInvitation, 'expiresAt' | 'inviterId'>,
  now: number,
  inviterRole?: Role | null,
): InvitationState {
  if (row.expiresAt <= now) return 'expired'
  return row.inviterId === null || inviterRole === undefined || inviterRole === 'admin' ? 'open' : 'no longer effective'
}
