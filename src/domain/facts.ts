/**
 * The facts that a decision is made from, loaded fresh for each request by `access/load-facts.ts`. Plain data: the policy never asks back.
 */
import type { Role } from './role.ts'

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
    }
  /** The hub itself, in a job or on the command line; `reason` says which. */
  | { readonly kind: 'system'; readonly reason: string }

export type Credential =
  | { readonly kind: 'session'; readonly id: string }
  | {
      readonly kind: 'token'
      readonly id: string
      readonly name: string
      readonly last4: string
      readonly role: 'read' | 'write' | 'fineGrained'
      readonly canReadGatedRepos: boolean
      readonly globalPermissions: readonly string[]
      readonly createdAt: number
      readonly expiresAt: number | null
    }

export interface OwnerFacts {
  readonly id: string
  readonly kind: 'user' | 'organization'
  readonly name: string
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
}

/** What the caller is to the resource's owner. Null: nothing. */
export interface Standing {
  /** Role in the organization that owns the resource. */
  readonly organizationRole: Role | null
  /** Role in the workspace that the repo is in. */
  readonly workspaceRole: Role | null
  /** Role granted on the repo itself. */
  readonly repoRole: Role | null
  /** What a fine-grained token lists for the owner, the workspace and the repo. */
  readonly tokenGrants: readonly string[]
}

export const noStanding: Standing = { organizationRole: null, workspaceRole: null, repoRole: null, tokenGrants: [] }

/** The thing that is acted on; `null` inside it means that there is no such thing. */
export type Resource =
  | { readonly on: 'instance' }
  | { readonly on: 'self' }
  | { readonly on: 'namespace'; readonly name: string; readonly owner: OwnerFacts | null }
  | { readonly on: 'organization'; readonly name: string; readonly organization: OwnerFacts | null }
  | { readonly on: 'repo'; readonly kind: RepoKind; readonly repo: RepoFacts | null }

export interface Facts {
  readonly principal: Principal
  readonly credential: Credential | null
  readonly resource: Resource
  readonly standing: Standing
}
