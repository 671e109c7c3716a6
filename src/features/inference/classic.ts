/** The classic API (`inputs`, `parameters`, `options`) in terms of what the servers speak, as far as one can be put into the other. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { BackendFault, type Question } from './ask-backend.ts'
import { openAiAddress, ownAddress } from './backend.ts'
import { cosine } from './embedded/vectors.ts'
import type { Backend, Served } from './queries.ts'
import type { Asked } from './relay.ts'

export const classicTasks = ['feature-extraction', 'sentence-similarity', 'text-generation'] as const
type ClassicTask = (typeof classicTasks)[number]

export const classicShape = z.looseObject({
  inputs: z.unknown(),
  parameters: z.looseObject({}).nullish(),
  options: z.looseObject({}).nullish(),
  stream: z.boolean().nullish(),
})
export type ClassicBody = z.output<typeof classicShape>

const mostInputs = 2_048
const texts = z.union([z.string(), z.array(z.string()).min(1).max(mostInputs)])
const similarity = z.strictObject({
  source_sentence: z.string(),
  sentences: z.array(z.string()).min(1).max(mostInputs),
})
/** What can be said to any server; the rest only Text Generation Inference understands. */
const generation = z.strictObject({
  max_new_tokens: z.number().int().min(1).nullish(),
  temperature: z.number().min(0).nullish(),
  top_p: z.number().nullish(),
  stop: z.array(z.string()).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  seed: z.number().int().nullish(),
  frequency_penalty: z.number().nullish(),
  return_full_text: z.boolean().nullish(),
  details: z.literal(false).nullish(),
  decoder_input_details: z.literal(false).nullish(),
  do_sample: z.boolean().nullish(),
  watermark: z.literal(false).nullish(),
})
/** The server judges them itself. */
const embedding = z.looseObject({})

type Parts = Pick<Asked, 'route' | 'questionFor' | 'told'>

/** `named`: the task in the address, else what the card says, else what the server is for. Throws `inference_unsupported` and `bad_request`. */
export function classicCall(served: Served, repoName: string, named: string | null, body: ClassicBody): Parts {
  const task = taskOf(served, named, body)
  switch (task) {
    case 'feature-extraction':
      return features(repoName, body)
    case 'sentence-similarity':
      return similarities(repoName, body)
    case 'text-generation':
      return generations(served, repoName, body)
  }
}

function taskOf({ pipelineTag, backends }: Served, named: string | null, { inputs }: ClassicBody): ClassicTask {
  // Clients that were given the address of a model name no task, and the card of a model has one for both.
  if (named === null && similarity.safeParse(inputs).success) return 'sentence-similarity'
  const isEmbedding = backends.every(({ kind }) => kind === 'tei')
  const task = named ?? pipelineTag ?? (isEmbedding ? 'feature-extraction' : 'text-generation')
  const found = classicTasks.find((known) => known === task)
  if (found !== undefined) return found
  const why =
    task === 'conversational' || task === 'image-text-to-text'
      ? 'Call it at /v1/chat/completions.'
      : 'What can be called under its name and /v1 depends on its server.'
  throw unsupported(`This address answers ${classicTasks.join(', ')}, and not ${task.slice(0, 60)}. ${why}`)
}

const unsupported = (reason: string): HoldfastError => new HoldfastError('inference_unsupported', { reason })

function features(repoName: string, { inputs, parameters, stream }: ClassicBody): Parts {
  if (stream === true) throw unsupported('Vectors do not come as a stream.')
  const input = read(texts, inputs, 'inputs')
  read(embedding, parameters ?? {}, 'parameters')
  const count = typeof input === 'string' ? 1 : input.length
  return {
    route: 'feature-extraction',
    questionFor: (backend) => openAi(backend, 'embeddings', { model: backend.model ?? repoName, input }),
    told: (value) => {
      const vectors = vectorsIn(value, count)
      return typeof input === 'string' ? vectors[0] : vectors
    },
  }
}

function similarities(repoName: string, { inputs }: ClassicBody): Parts {
  const { source_sentence: source, sentences } = read(similarity, inputs, 'inputs')
  const input = [source, ...sentences]
  return {
    route: 'sentence-similarity',
    questionFor: (backend) => openAi(backend, 'embeddings', { model: backend.model ?? repoName, input }),
    told: (value) => {
      const [first, ...others] = vectorsIn(value, input.length)
      return others.map((other) => cosine(first ?? [], other))
    },
  }
}

function generations(served: Served, repoName: string, body: ClassicBody): Parts {
  const { inputs, parameters, stream } = body
  const prompt = read(z.string(), inputs, 'inputs')
  // It is its own API: nothing is lost on the way, and streams come in its own events.
  if (served.backends.every(({ kind }) => kind === 'tgi')) {
    const plain = Buffer.from(JSON.stringify({ inputs: prompt, parameters: parameters ?? {}, stream: stream === true }))
    return {
      route: 'text-generation',
      questionFor: (backend) => ({ url: ownAddress(backend), body: plain, isStream: stream === true }),
    }
  }
  if (stream === true)
    throw unsupported('The servers of this model stream at /v1/completions and /v1/chat/completions.')
  const asked = read(generation, parameters ?? {}, 'parameters')
  const { max_new_tokens, temperature, top_p, seed, frequency_penalty, stop, stop_sequences } = asked
  const fields = {
    max_tokens: max_new_tokens,
    temperature,
    top_p,
    seed,
    frequency_penalty,
    stop: stop ?? stop_sequences,
  }
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))
  return {
    route: 'text-generation',
    questionFor: (backend) => openAi(backend, 'completions', { model: backend.model ?? repoName, prompt, ...given }),
    told: (value) => {
      const text = completion.safeParse(value)
      if (!text.success) throw new BackendFault('its answer is not a completion.')
      const generated = text.data.choices[0].text
      return [{ generated_text: asked.return_full_text === true ? prompt + generated : generated }]
    },
  }
}

const completion = z.looseObject({
  choices: z.tuple([z.looseObject({ text: z.string() })], z.unknown()),
})
const embeddings = z.looseObject({
  data: z.array(z.looseObject({ index: z.number().int(), embedding: z.array(z.number()).min(1) })),
})

/** In the order of what was asked. Throws `BackendFault` for too few, or for vectors of different lengths. */
function vectorsIn(value: unknown, count: number): number[][] {
  const parsed = embeddings.safeParse(value)
  const vectors = parsed.success
    ? parsed.data.data.toSorted((a, b) => a.index - b.index).map(({ embedding: vector }) => vector)
    : []
  const isEven = vectors.every((vector) => vector.length === vectors[0]?.length)
  if (vectors.length !== count || !isEven) throw new BackendFault('its answer has not one vector for each text.')
  return vectors
}

function openAi(backend: Backend, path: string, body: object): Question {
  return { url: openAiAddress(backend, path), body: Buffer.from(JSON.stringify(body)), isStream: false }
}

function read<T extends z.ZodType>(shape: T, value: unknown, field: string): z.output<T> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = [field, ...(issue?.path ?? [])].join('.')
  throw new HoldfastError('bad_request', { reason: `"${at}": ${issue?.message ?? 'not valid'}` })
}
