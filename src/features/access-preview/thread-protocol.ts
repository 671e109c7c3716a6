/** What passes between the hub and the thread that compares. Each message is small: what takes long to unpack keeps everybody else waiting. */
import type { OpenOptions } from '../../platform/db/database.ts'
import type { DatabaseFault } from '../../platform/db/errors.ts'
import type { Comparison, Difference, TokenDifference } from './compare.ts'
import type { Work } from './work.ts'

/** One job at a time; `more` asks for the next part of what was found. */
export type ToThread =
  | { readonly kind: 'begin'; readonly job: Job }
  | {
      readonly kind: 'more'
    }

export interface Job {
  readonly database: OpenOptions
  readonly work: Work
  /** Entries of each list. */
  readonly most: number
}

export type Side = 'gains' | 'loses'

export type Part =
  | { readonly of: 'differences'; readonly side: Side; readonly entries: readonly Difference[] }
  | { readonly of: 'tokens'; readonly side: Side; readonly entries: readonly TokenDifference[] }
  /** Names of workspaces that stand in the differences, by id. */
  | { readonly of: 'names'; readonly entries: readonly (readonly [string, string])[] }

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'done'; readonly counts: Comparison['counts'] }
  | { readonly kind: 'failed'; readonly fault: Fault }

/** An error of the database, or one of ours. */
export interface Fault {
  readonly database: DatabaseFault | null
  readonly message: string
  /** The driver's. */
  readonly code: string | null
}

/** Entries in one message. */
export const partSize = 50
