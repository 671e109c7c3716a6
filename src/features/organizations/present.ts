/** Organizations on the wire, in the Hub's shapes (hub-api.md, section 14). */
import type { Hub } from '../../hub.ts'
import { avatarUrl } from './avatar.ts'
import type { MemberRow } from './queries.ts'

export function presentMember(hub: Hub, member: MemberRow) {
  return {
    _id: member.userId,
    user: member.name,
    fullname: member.fullname ?? member.name,
    avatarUrl: avatarUrl(hub, member.name),
    isPro: false,
    type: 'user',
    role: member.role,
    joinedAt: new Date(member.joinedAt).toISOString(),
  }
}

export interface OrganizationProfile {
  readonly name: string
  readonly fullname: string | null
  readonly members: number
  readonly repos: readonly { readonly kind: string; readonly count: number }[]
}

export function presentOrganization(hub: Hub, profile: OrganizationProfile) {
  const count = (kind: string): number => profile.repos.find((row) => row.kind === kind)?.count ?? 0
  return {
    name: profile.name,
    fullname: profile.fullname ?? profile.name,
    avatarUrl: avatarUrl(hub, profile.name),
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
