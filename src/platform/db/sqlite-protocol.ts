/** What the main thread and a SQLite worker say to each other: each request gets one reply, in order. */

export interface WorkerStart {
  readonly path: string
  readonly role: 'writer' | 'lists'
}

export type WorkerRequest =
  | { readonly kind: 'run'; readonly sql: string; readonly parameters: readonly unknown[] }
  /** Like `run`; begins a transaction first when none is open. */
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
        readonly fault: 'aborted' | 'integer' | 'statement'
        readonly message: string
        readonly code: string | null
      }
    }
