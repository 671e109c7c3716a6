/**
 * What a thread is given to work out who is affected: plain data, which passes from one thread to the other whole. Objects that are one and
 * the same in it stay one and the same.
 */
import type { OrganizationFacts, OwnerFacts, RepoFacts } from '../../domain/facts.ts'
import type { Role } from '../../domain/role.ts'
import type { Place } from './subject.ts'

interface Common {
  readonly places: { readonly before: Place; readonly after: Place }
  /** The asker administers the owner: what is of its administrators alone is looked at too. */
  readonly isAdministrator: boolean
  /** Milliseconds since 1970: which roles and tokens hold. */
  readonly now: number
}

/** Repos that are named by the change, as they are and as they would be. */
export interface RepoPair {
  readonly before: RepoFacts
  readonly after: RepoFacts
}

/** A change of named repos. */
export interface RepoWork extends Common {
  readonly on: 'repos'
  readonly owner: OwnerFacts
  readonly pairs: readonly RepoPair[]
  /** Whether people are told at all; else only what everyone can do. */
  readonly isTold: boolean
}

/** Whose roles or credentials are concerned. */
export type Concerned =
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'group'; readonly id: string }
  /** `withHolders`: whoever has a role on a single repo too. */
  | { readonly kind: 'members'; readonly withHolders: boolean }

/** What becomes of what they hold. */
export type Effect =
  | { readonly kind: 'none' }
  | { readonly kind: 'member_role'; readonly role: Role | null }
  /** `group` null: a role of their own. */
  | {
      readonly kind: 'workspace_role'
      readonly workspace: string
      readonly role: Role | null
      readonly group: string | null
    }
  /** `shown`: the workspaces that the asker sees; null: all. */
  | {
      readonly kind: 'group_member'
      readonly group: string
      readonly isMember: boolean
      readonly shown: readonly string[] | null
    }

/** A change that is felt on all repos of an organization, or of workspaces of it. */
export interface OrganizationWork extends Common {
  readonly on: 'organization'
  readonly organization: OrganizationFacts
  readonly concerned: Concerned
  readonly effect: Effect
  /** The organization itself is looked at, and not its workspaces alone. */
  readonly isWhole: boolean
  /** The organization's deprecated tokens are concerned too. */
  readonly withOwnTokens: boolean
}

export type Work = RepoWork | OrganizationWork
