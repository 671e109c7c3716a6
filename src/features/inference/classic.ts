/** The classic API (`inputs`, `parameters`, `options`) in terms of what the servers speak, as far as one can be put into the other. */
import { z } from 'zod'
import { BackendFault } from './ask-backend.ts'
import { ownAddress } from './backend.ts'
import { transcription } from './classic-audio.ts'
import { generations } from './classic-generation.ts'
import { type ClassicBody, mostInputs, openAi, type Parts, parametersOf, read, unsupported } from './classic-parts.ts'
import { classification, ranking } from './classic-tei.ts'
import { cosine } from './embedded/vectors.ts'
import type { Served } from './queries.ts'
import { type ClassicTask, classicTasks } from './wire-names.ts'

const texts = z.union([z.string(), z.array(z.string()).min(1).max(mostInputs)])
const similarity = z.strictObject({
  source_sentence: z.string(),
  sentences: z.array(z.string()).min(1).max(mostInputs),
})
const none = z.strictObject({})
/** What Text Embeddings Inference is asked for beside the texts. */
const embedding = z.strictObject({
  normalize: z.boolean().nullish(),
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(['Left', 'Right', 'left', 'right']).nullish(),
  prompt_name: z.string().max(200).nullish(),
  dimensions: z.number().int().min(1).nullish(),
  encoding_format: z.literal('float').nullish(),
})

/**
 * `named`: the task in the address, else what the card says, else what the server is for. A body that is no JSON is audio. Throws `inference_unsupported`
 * and `bad_request`.
 */
export function classicCall(served: Served, repoName: string, named: string | null, body: ClassicBody | Buffer): Parts {
  const task = taskOf(served, named, body)
  if (task === 'automatic-speech-recognition') return transcription(served, repoName, body)
  if (Buffer.isBuffer(body))
    throw unsupported(`${task} takes JSON ({"inputs": ...}), with Content-Type: application/json.`)
  const parameters = parametersOf(task, body)
  switch (task) {
    case 'feature-extraction':
      return features(served, repoName, body, parameters)
    case 'sentence-similarity':
      read(none, parameters, 'parameters')
      return similarities(repoName, body)
    case 'text-generation':
      return generations(served, repoName, body)
    case 'text-classification':
      return classification(served, body)
    case 'sentence-ranking':
      read(none, parameters, 'parameters')
      return ranking(served, body)
  }
}

/** What models are labelled with that rank. */
const otherNames: Readonly<Record<string, ClassicTask>> = { 'text-ranking': 'sentence-ranking' }

function taskOf({ pipelineTag, backends }: Served, named: string | null, body: ClassicBody | Buffer): ClassicTask {
  // Clients that were given the address of a model name no task, and the card of a model has one for both.
  const isSimilarity = !Buffer.isBuffer(body) && similarity.safeParse(body.inputs).success
  if (named === null && isSimilarity) return 'sentence-similarity'
  const isEmbedding = backends.every(({ kind }) => kind === 'tei')
  const task = named ?? pipelineTag ?? (isEmbedding ? 'feature-extraction' : 'text-generation')
  const found = classicTasks.find((known) => known === (otherNames[task] ?? task))
  if (found !== undefined) return found
  const why =
    task === 'conversational' || task === 'image-text-to-text'
      ? 'Call it at /v1/chat/completions.'
      : 'What can be called under its name and /v1 depends on its server.'
  throw unsupported(`This address answers ${classicTasks.join(', ')}, and not ${task.slice(0, 60)}. ${why}`)
}

function features({ backends }: Served, repoName: string, { inputs, stream }: ClassicBody, given: object): Parts {
  if (stream === true) throw unsupported('Vectors do not come as a stream.')
  const input = read(texts, inputs, 'inputs')
  const asked = read(embedding, given, 'parameters')
  const all = typeof input === 'string' ? [input] : input
  const told = (vectors: readonly number[][]) => (typeof input === 'string' ? vectors[0] : vectors)
  const { normalize, dimensions } = asked
  const own = Object.entries(asked).filter(([name, value]) => !everywhere.has(name) && value != null && value !== false)
  if (own[0] !== undefined || normalize === false) {
    const [named] = own[0] ?? ['normalize']
    if (!backends.every(({ kind }) => kind === 'tei'))
      throw unsupported(`"${named}" is known to servers of kind "tei" alone, and this model has another.`)
    const direction = asked.truncation_direction?.toLowerCase() === 'left' ? 'Left' : 'Right'
    const fields = { ...asked, encoding_format: undefined, truncation_direction: direction, inputs: all }
    const body = Buffer.from(JSON.stringify(withoutNull(fields)))
    return {
      route: 'feature-extraction',
      questionFor: (backend) => ({ url: `${ownAddress(backend)}embed`, body, isStream: false }),
      told: (value) => told(evenVectors(z.array(vector).safeParse(value).data ?? [], all.length)),
    }
  }
  const more = dimensions == null ? {} : { dimensions }
  return {
    route: 'feature-extraction',
    questionFor: (backend) => openAi(backend, 'embeddings', { model: backend.model ?? repoName, input, ...more }),
    told: (value) => {
      const vectors = vectorsIn(value, all.length)
      return told(normalize === true ? vectors.map(ofLengthOne) : vectors)
    },
  }
}

/** What can be had of every server. */
const everywhere: ReadonlySet<string> = new Set(['normalize', 'dimensions', 'encoding_format'])

function withoutNull(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))
}

function ofLengthOne(of: number[]): number[] {
  const length = Math.hypot(...of)
  return length === 0 ? of : of.map((value) => value / length)
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

const vector = z.array(z.number()).min(1)
const embeddings = z.looseObject({ data: z.array(z.looseObject({ index: z.number().int(), embedding: vector })) })

/** In the order of what was asked. Throws `BackendFault` for too few, or for vectors of different lengths. */
function vectorsIn(value: unknown, count: number): number[][] {
  const parsed = embeddings.safeParse(value)
  const sorted = parsed.success ? parsed.data.data.toSorted((a, b) => a.index - b.index) : []
  // Of which text a vector is, is told by its number alone.
  if (sorted.some(({ index }, at) => index !== at)) throw noVectors()
  return evenVectors(
    sorted.map(({ embedding: one }) => one),
    count,
  )
}

function evenVectors(vectors: number[][], count: number): number[][] {
  const isEven = vectors.every(({ length }) => length === vectors[0]?.length)
  if (vectors.length !== count || !isEven) throw noVectors()
  return vectors
}

const noVectors = () => new BackendFault('its answer has not one vector for each text.')
