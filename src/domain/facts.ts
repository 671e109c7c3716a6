/**
 * The facts that a decision is made from, loaded fresh for each request by `access/load-facts.ts`. Plain data: the policy never asks back.
 */
import type { Role } from './role.ts'
import type { TokenLimits } from './token-limits.ts'
import type { TokenRestriction } from './token-policy.ts'

export type RepoKind = 'model' | 'dataset' | 'space'
export const repoKinds: readonly RepoKind[] = ['model', 'dataset', 'space']

export type Principal =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'user'
      readonly id: string
      readonly name: string
      readonly fullname: string | null
      readonly isAdmin: boolean
      readonly hasSecondFactor: boolean
    }
  | {
      readonly kind: 'service-account'
      readonly id: string
      /** `sa-` and its id: no user can have such a name (SA-12). */
      readonly name: string
      /** What people call it. */
      readonly fullname: string
      readonly organization: { readonly id: string; readonly name: string }
    }
  /** An organization itself, by its deprecated token (OAT-3). */
  | { readonly kind: 'organization'; readonly id: string; readonly name: string; readonly fullname: string | null }
  /** The hub itself, in a job or on the command line; `reason` says which. */
  | { readonly kind: 'system'; readonly reason: string }

/** Whoever has an id: a person, a service account, or an organization with its deprecated token. */
export type Account = Extract<Principal, { kind: 'user' | 'service-account' | 'organization' }>

export function accountOf(principal: Principal): Account | null {
  const { kind } = principal
  return kind === 'user' || kind === 'service-account' || kind === 'organization' ? principal : null
}

/** The user name of a service account; it has no namespace. */
export const serviceAccountName = (id: string): string => `sa-${id}`

export type Credential =
  /** `isFresh`: the person proved who they are a short while ago. */
  | { readonly kind: 'session'; readonly id: string; readonly isFresh: boolean }
  | {
      readonly kind: 'token'
      readonly id: string
      readonly name: string
      /** Of the value that the request carries. */
      readonly last4: string
      /** `inherit`: everything that the service account may do. */
      readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
      readonly canReadGatedRepos: boolean
      readonly globalPermissions: readonly string[]
      readonly createdAt: number
      /** When its value was last replaced; null for never. */
      readonly rotatedAt: number | null
      readonly expiresAt: number | null
      /** From which it is taken (CIDR); empty for everywhere. The request comes from one of them. */
      readonly networks: readonly string[]
      readonly limits: TokenLimits
      /** What it took away on a day (since 1970, UTC), as far as it is written down. Null where nobody counts. */
      readonly taken: { readonly day: number; readonly bytes: number } | null
      /** Set where a trusted publisher got it. */
      readonly publisher?: PublisherRun
      /** Set where the request carries the value that the token had before it was refreshed, while both are valid. */
      readonly former: { readonly replacedAt: number; readonly until: number } | null
      /** Set on a child token: what it was derived from, and can never do more than. */
      readonly parent: ParentToken | null
      /** Requests that a child token may still make; null: as many as it likes. */
      readonly usesLeft: number | null
    }

/** A run of automation that got a token by its ID token, as the audit log tells of it. */
export interface PublisherRun {
  /** Of the trusted publisher. */
  readonly id: string
  readonly run: RunFacts
}

/** `issuer`: who vouched for it; `claims`: those of its ID token that say which run it is. */
export interface RunFacts {
  readonly issuer: string
  readonly claims: Readonly<Record<string, string>>
}

/** What counts of the token that a child was derived from. */
export interface ParentToken {
  readonly id: string
  readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
}

export interface OwnerFacts {
  readonly id: string
  readonly kind: 'user' | 'organization'
  readonly name: string
}

export interface OrganizationFacts extends OwnerFacts {
  readonly kind: 'organization'
  /** The weakest role that may make a workspace (WS-6). */
  readonly workspaceCreation: Role
  readonly showsMembers: boolean
  /** Whether a classic write token of an administrator administers it (UAT-6). */
  readonly classicTokensAdminister: boolean
}

/** An organization for the hub's own acts, which ask for no role. */
export function plainOrganization({ id, name }: { readonly id: string; readonly name: string }): OrganizationFacts {
  return {
    id,
    kind: 'organization',
    name,
    workspaceCreation: 'admin',
    showsMembers: false,
    classicTokensAdminister: true,
  }
}

/** Where a repo is to be made. */
export interface NamespaceFacts extends OwnerFacts {
  readonly workspace: { readonly id: string; readonly name: string } | null
}

/** A group or a workspace of an organization. */
export interface PartFacts {
  readonly id: string
  readonly name: string
  readonly organization: OrganizationFacts
}

export interface RepoFacts {
  readonly id: string
  readonly kind: RepoKind
  readonly owner: OwnerFacts
  readonly name: string
  readonly visibility: 'public' | 'private' | 'protected'
  readonly creatorId: string
  readonly workspaceId: string | null
  readonly isDisabled: boolean
  readonly headCommit: string | null
  /** Whether its content is behind a gate: who asks is let in at once (`auto`), or by whoever may write to it (`manual`). */
  readonly gated: false | 'auto' | 'manual'
  /** The gate also stands before plain members of the organization that owns it (REP-6). */
  readonly orgMembersGated: boolean
}

/** What became of somebody's request to pass the gate of a repo. */
export type AccessStatus = 'pending' | 'accepted' | 'rejected'
export const accessStatuses: readonly AccessStatus[] = ['pending', 'accepted', 'rejected']

export interface AccessFacts {
  readonly status: AccessStatus
  /** Why it was rejected, in the words of who did. */
  readonly reason: string | null
}

/** What the caller is to the resource's owner. Null: nothing. */
export interface Standing {
  /** Role in the organization that owns the resource. */
  readonly organizationRole: Role | null
  /** The highest role in the workspace that the repo is in, or that is acted on: direct, or through a group (GRP-6). */
  readonly workspaceRole: Role | null
  /** Role in the group that is acted on. */
  readonly groupRole: 'member' | 'manager' | null
  /** Role granted on the repo itself. */
  readonly repoRole: Role | null
  /**
   * What a fine-grained token lists for the owner, the workspace and the repo. With a service account's token, what it lists for the repo
   * stands in place of the rest (SA-23).
   */
  readonly tokenGrants: readonly string[]
  /** What a fine-grained token lists for the account that holds it, or the service account's organization; empty where that does not count. */
  readonly holderGrants: readonly string[]
  /** What the organization that owns the resource asks for and this caller lacks (AUTH-4e). */
  readonly restriction: 'second_factor' | TokenRestriction | null
  /** The caller's own request to pass the gate of the repo; null where there is none, or no gate. */
  readonly access: AccessFacts | null
}

export const noStanding: Standing = {
  organizationRole: null,
  workspaceRole: null,
  groupRole: null,
  repoRole: null,
  tokenGrants: [],
  holderGrants: [],
  restriction: null,
  access: null,
}

/** The thing that is acted on; `null` inside it means that there is no such thing. */
export type Resource =
  | { readonly on: 'instance' }
  | { readonly on: 'self' }
  /** `workspace` undefined: none was asked for; null: there is no such one. */
  | {
      readonly on: 'namespace'
      readonly name: string
      readonly owner: OwnerFacts | null
      readonly workspace?: { readonly id: string; readonly name: string } | null
    }
  | { readonly on: 'organization'; readonly name: string; readonly organization: OrganizationFacts | null }
  | { readonly on: 'group'; readonly group: PartFacts | null }
  | { readonly on: 'workspace'; readonly workspace: PartFacts | null }
  | { readonly on: 'repo'; readonly kind: RepoKind; readonly repo: RepoFacts | null }

export interface Facts {
  readonly principal: Principal
  readonly credential: Credential | null
  readonly resource: Resource
  readonly standing: Standing
  /** The file of the repo that is asked for; absent where it is not one file. */
  readonly path?: string
}
