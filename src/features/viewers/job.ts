/** What the process of viewers and the hub say to each other. */
import type { Language } from './languages.ts'
import type { Shown } from './shown.ts'

export type Format = 'csv' | 'tsv' | 'json' | 'jsonl' | 'parquet' | 'safetensors' | 'gguf' | 'notebook'

export type Job =
  | { readonly do: 'read'; readonly format: Format; readonly size: number; readonly from: number }
  | { readonly do: 'highlight'; readonly language: Language; readonly text: string }

export type ToWorker =
  | { readonly job: Job }
  /** The answer to `read`. */
  | { readonly bytes: Uint8Array }

export type FromWorker =
  | { readonly say: 'ready' }
  | { readonly say: 'read'; readonly from: number; readonly to: number }
  | { readonly say: 'shown'; readonly shown: Shown; readonly read: number }
  | { readonly say: 'not shown'; readonly why: string; readonly read: number }
