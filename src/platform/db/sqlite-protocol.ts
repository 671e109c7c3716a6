/** What the main thread and a SQLite worker say to each other: a first message when the worker listens, then one reply to each request, in order. */
import type { DatabaseFault } from './errors.ts'

export interface WorkerStart {
  readonly path: string
  readonly role: 'writer' | 'lists'
}

export type WorkerRequest =
  /** A list: as many rows as a message may hold. */
  | { readonly kind: 'query'; readonly sql: string; readonly parameters: readonly unknown[] }
  /** Begins a transaction first when none is open. */
  | { readonly kind: 'write'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'open'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'next'; readonly count: number }
  | { readonly kind: 'shut' }
  /** The worker closes its file and ends. */
  | { readonly kind: 'end' }

export type WorkerReply =
  | { readonly rows: object[]; readonly changes: number | null }
  | {
      readonly error: {
        readonly fault: DatabaseFault
        readonly message: string
        readonly code: string | null
      }
    }
