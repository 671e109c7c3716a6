/** People and organizations on the wire, in the Hub's shapes (hub-api.md, sections 2 and 14). */
import type { Credential, Standing } from '../../domain/facts.ts'
import { atLeast } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { avatarUrl, type MembershipRow } from '../organizations/service.ts'
import type { OrganizationOfRow, WorkspaceOf } from './identity-queries.ts'

/** `restriction`: why it does not take this credential (AUTH-4e). */
type OrganizationSeen = OrganizationOfRow & { readonly restriction: Standing['restriction'] }

export interface Identity {
  readonly id: string
  readonly name: string
  readonly fullname: string | null
  readonly email: string | null
  readonly isEmailVerified: boolean
  readonly organizations: readonly OrganizationSeen[]
  readonly workspaces: readonly WorkspaceOf[]
  readonly credential: Credential
  /** Only for a fine-grained token. */
  readonly grants: readonly { entity: { _id: string; type: string; name: string }; permissions: readonly string[] }[]
}

/** `GET /api/whoami-v2`: clients compare the whole object, so members are neither added nor left out lightly. */
export function presentIdentity(hub: Hub, identity: Identity) {
  const { id, name, fullname, email, credential } = identity
  return {
    type: 'user',
    id,
    name,
    fullname: fullname ?? name,
    email,
    emailVerified: identity.isEmailVerified,
    canPay: false,
    billingMode: 'postpaid',
    periodEnd: null,
    isPro: false,
    avatarUrl: avatarUrl(hub, name),
    orgs: identity.organizations.map((organization) => presentMembership(hub, identity, organization)),
    auth: credential.kind === 'session' ? { type: 'session' } : tokenOf(credential, identity),
  }
}

/** By the deprecated token of an organization (OAT-3). */
export function presentOrganizationIdentity(
  hub: Hub,
  { id, name, fullname }: { readonly id: string; readonly name: string; readonly fullname: string | null },
  credential: Credential,
) {
  return {
    type: 'org',
    id,
    name,
    fullname: fullname ?? name,
    email: null,
    canPay: false,
    billingMode: 'postpaid',
    periodEnd: null,
    isEnterprise: false,
    avatarUrl: avatarUrl(hub, name),
    orgs: [],
    auth:
      credential.kind === 'session'
        ? { type: 'session' }
        : {
            type: 'access_token',
            accessToken: {
              displayName: credential.name,
              role: credential.role,
              createdAt: new Date(credential.createdAt).toISOString(),
            },
          },
  }
}

/** The Hub's words for what keeps a credential out. */
function wireRestriction(restriction: NonNullable<Standing['restriction']>): string {
  if (restriction === 'second_factor') return 'mfa'
  return restriction === 'token_revoked_here' ? 'token-revoked' : 'token-policy'
}

function presentMembership(hub: Hub, identity: Identity, organization: OrganizationSeen) {
  const groups = identity.workspaces.filter(({ organizationId }) => organizationId === organization.id)
  const { restriction } = organization
  return {
    type: 'org',
    id: organization.id,
    name: organization.name,
    fullname: organization.fullname ?? organization.name,
    email: null,
    canPay: false,
    periodEnd: null,
    isEnterprise: false,
    avatarUrl: avatarUrl(hub, organization.name),
    roleInOrg: organization.role,
    ...(restriction === null ? {} : { securityRestrictions: [wireRestriction(restriction)] }),
    // To who is kept out, the workspaces are not there.
    ...(groups.length === 0 || restriction !== null
      ? {}
      : { resourceGroups: groups.map(({ id, name, role }) => ({ id, name, role })) }),
  }
}

function tokenOf(credential: Extract<Credential, { kind: 'token' }>, identity: Identity) {
  return {
    type: 'access_token',
    ...(credential.expiresAt === null ? {} : { expiresAt: new Date(credential.expiresAt).toISOString() }),
    accessToken: {
      displayName: credential.name,
      role: wireRole(credential, identity),
      createdAt: new Date(credential.createdAt).toISOString(),
      ...(credential.role === 'fineGrained'
        ? {
            fineGrained: {
              canReadGatedRepos: credential.canReadGatedRepos,
              global: credential.globalPermissions,
              scoped: identity.grants,
            },
          }
        : {}),
    },
  }
}

/** Clients know three roles. A token that carries what its account may do is called by what that amounts to. */
function wireRole({ role }: Extract<Credential, { kind: 'token' }>, identity: Identity): string {
  if (role !== 'inherit') return role
  const held = [...identity.organizations, ...identity.workspaces]
  return held.some((place) => atLeast(place.role, 'contributor')) ? 'write' : 'read'
}

export interface Profile {
  readonly name: string
  readonly fullname: string | null
  readonly organizations: readonly MembershipRow[]
  readonly repos: readonly { readonly kind: string; readonly count: number }[]
}

export function presentProfile(hub: Hub, profile: Profile) {
  const count = (kind: string): number => profile.repos.find((row) => row.kind === kind)?.count ?? 0
  return {
    type: 'user',
    user: profile.name,
    fullname: profile.fullname ?? profile.name,
    avatarUrl: avatarUrl(hub, profile.name),
    isPro: false,
    isFollowing: false,
    numModels: count('model'),
    numDatasets: count('dataset'),
    numSpaces: count('space'),
    numDiscussions: 0,
    numPapers: 0,
    numUpvotes: 0,
    numLikes: 0,
    numFollowing: 0,
    numFollowers: 0,
    orgs: profile.organizations.map((organization) => ({
      name: organization.name,
      fullname: organization.fullname ?? organization.name,
      avatarUrl: avatarUrl(hub, organization.name),
    })),
  }
}
