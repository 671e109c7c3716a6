/** What the process of viewers and the hub say to each other. */
import { z } from 'zod'
import type { Language } from './languages.ts'
import type { Shown } from './shown.ts'

/** Bytes of one answer at most: what is put together and written in one turn of the hub. */
export const mostAtOnce = 512 << 10

export type Format = 'csv' | 'tsv' | 'json' | 'jsonl' | 'parquet' | 'safetensors' | 'gguf' | 'notebook'

export type Job =
  | { readonly do: 'read'; readonly format: Format; readonly size: number; readonly from: number }
  | { readonly do: 'highlight'; readonly language: Language; readonly text: string }

export type ToWorker =
  | { readonly job: Job }
  /** The answer to `read`, in base64. */
  | { readonly bytes: string }

const place = z.number().int().min(0)
const isShown = (value: unknown): value is Shown =>
  typeof value === 'object' && value !== null && 'kind' in value && shownKinds.some((kind) => kind === value.kind)
const shownKinds = ['table', 'tensors', 'notebook', 'code'] as const satisfies readonly Shown['kind'][]

/** A process that a file has taken over may say anything: what does not look like this is not listened to. */
export const fromWorker = z.discriminatedUnion('say', [
  z.strictObject({ say: z.literal('read'), from: place, to: place }),
  z.strictObject({ say: z.literal('shown'), shown: z.custom<Shown>(isShown), read: place }),
  z.strictObject({ say: z.literal('not shown'), why: z.string().max(500), read: place }),
])
export type FromWorker = z.infer<typeof fromWorker>
