/** A server that answers for a model: what is said of it, and where its addresses are. */
import { z } from 'zod'
import type { BackendKind } from '../../platform/db/schema.ts'

export type { BackendKind }

export const backendKinds = ['vllm', 'tgi', 'tei', 'llama.cpp', 'ollama', 'openai'] as const satisfies BackendKind[]

export const mostBackends = 8
const mostWeight = 100

export const backendShape = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  kind: z.enum(backendKinds),
  /** What the server calls the model; absent: as the repo is called. */
  model: z.string().trim().min(1).max(200).nullish(),
  /** Absent: what it was, at the same address. Null: none. */
  secret: z
    .string()
    .min(1)
    .max(4_000)
    .regex(/^[\x21-\x7e]+$/, 'letters, digits and signs without blanks')
    .nullish(),
  weight: z.number().int().min(1).max(mostWeight).default(1),
})
export const settingsShape = z
  .strictObject({
    backends: z.array(backendShape).min(1).max(mostBackends).optional(),
    /** The hub runs the model itself. */
    embedded: z.literal(true).optional(),
    /** A branch, tag or commit; it stays at the commit that it is now. Absent: the head. */
    revision: z.string().min(1).max(200).nullish(),
  })
  .refine(({ backends, embedded }) => (backends === undefined) !== (embedded === undefined), {
    error: 'Say either which servers answer ("backends"), or that the hub itself does ("embedded": true).',
  })

export type NewBackend = z.output<typeof backendShape>
export type NewSettings = z.output<typeof settingsShape>

/** Where the server answers `path`, such as `chat/completions`. `http://host:8000` and `http://host:8000/v1` say the same. */
export function openAiAddress(
  { url, kind }: { readonly url: string; readonly kind: BackendKind },
  path: string,
): string {
  const base = new URL(url)
  const root = base.pathname.replace(/\/+$/, '')
  // What is compatible with OpenAI may lie elsewhere: its address is taken as it is.
  const isWhole = root.endsWith('/v1') || (kind === 'openai' && root !== '')
  base.pathname = `${isWhole ? root : `${root}/v1`}/${path}`
  return base.href
}

/** The server's own root, beside its `/v1`. */
export function ownAddress({ url }: { readonly url: string }): string {
  const base = new URL(url)
  base.pathname = `${base.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}/`
  return base.href
}

/** Where it says whether it is well. */
export function probeAddress(backend: { readonly url: string; readonly kind: BackendKind }): string {
  if (backend.kind === 'openai') return openAiAddress(backend, 'models')
  return `${ownAddress(backend)}${backend.kind === 'ollama' ? 'api/version' : 'health'}`
}
