/** What the forms about servers mean: one server that is added, changed or taken away, in terms of all that answer for the model. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { type BackendKind, backendShape, type NewBackend, type NewSettings } from './backend.ts'
import type { Backend, Served } from './queries.ts'

const line = z.string().max(5_000).default('')

/** Where it carries no moment, there was no server when the page was made. */
export const madeFromShape = z.object({ madeFrom: z.union([z.literal(''), z.coerce.number().int()]).default('') })
export const serverFormShape = madeFromShape.extend({
  url: line,
  kind: line,
  model: line,
  secret: line,
  weight: line,
  /** Whether the secret that is kept goes. */
  noSecret: z.literal('yes').optional(),
})
export type ServerForm = z.output<typeof serverFormShape>

export const kindTitles: Readonly<Record<BackendKind, string>> = {
  vllm: 'vLLM',
  tgi: 'Text Generation Inference',
  tei: 'Text Embeddings Inference',
  'llama.cpp': 'llama.cpp',
  ollama: 'Ollama',
  openai: "another one with OpenAI's API",
}

/** What is wrong, in place of the words of the validation library. */
const advice: Readonly<Record<string, string>> = {
  url: 'Give the address where the server listens, such as http://10.20.0.4:8000.',
  kind: 'Choose what runs there.',
  model: 'A name has at most 200 characters.',
  secret: 'A key is letters, digits and signs without blanks, at most 4,000.',
  weight: 'A weight is a whole number from 1 to 100.',
}

/** `null`: the server is added; where the hub ran the model, it takes its place. Throws `invalid_input` with the field that is wrong, and `not_found` for a server that is gone. */
export function withServer(served: Served | null, id: string | null, form: ServerForm): NewSettings {
  const backends = served?.backends ?? []
  const old = id === null ? null : serverOf(served, id)
  const asked = read(form)
  if (backends.some((other) => other.id !== id && isSame(other, asked)))
    throw wrong('url', 'This server is in the list already. Change its weight there.')
  if (old !== null && old.secret !== null && asked.secret === undefined && !isSame(old, asked)) {
    throw wrong(
      'secret',
      'The key that is kept was for the server as it was. Type the key again, or say that this one takes none.',
    )
  }
  return {
    backends: [...backends.map((other) => (other.id === id ? asked : kept(other))), ...(old === null ? [asked] : [])],
  }
}

/** Without one of several. Throws `not_found`. */
export function withoutServer(served: Served | null, id: string): NewSettings {
  const gone = serverOf(served, id)
  return { backends: (served?.backends ?? []).filter((other) => other !== gone).map(kept) }
}

export function serverOf(served: Served | null, id: string): Backend {
  const found = served?.backends.find((backend) => backend.id === id)
  if (found === undefined) throw new HoldfastError('not_found')
  return found
}

/** As it is, by servers or by the hub, under another revision. */
export function withRevision(served: Served | null, revision: string): NewSettings {
  if (served === null) throw new HoldfastError('not_found')
  const wanted = { revision: revision.trim() === '' ? null : revision.trim() }
  return served.isEmbedded ? { embedded: true, ...wanted } : { backends: served.backends.map(kept), ...wanted }
}

function read({ url, kind, model, secret, weight, noSecret }: ServerForm): NewBackend {
  const parsed = backendShape.safeParse({
    url: url.trim(),
    kind,
    model: model.trim() === '' ? null : model,
    // An empty field keeps what there is.
    secret: secret !== '' ? secret : noSecret === 'yes' ? null : undefined,
    weight: Number(weight.trim() === '' ? '1' : weight),
  })
  if (parsed.success) return parsed.data
  const field = String(parsed.error.issues[0]?.path[0] ?? 'url')
  throw wrong(field, advice[field] ?? 'That is not what is taken here.')
}

/** Its secret goes on where nothing is said of it. */
function kept({ url, kind, model, weight }: Backend): NewBackend {
  return { url, kind, model, weight }
}

function isSame(one: Pick<NewBackend, 'url' | 'kind' | 'model'>, other: Pick<NewBackend, 'url' | 'kind' | 'model'>) {
  return one.url === other.url && one.kind === other.kind && (one.model ?? null) === (other.model ?? null)
}

function wrong(field: string, reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason, field })
}
