/** The classic API (`inputs`, `parameters`, `options`) in terms of what the servers speak, as far as one can be put into the other. */
import { z } from 'zod'
import { BackendFault } from './ask-backend.ts'
import { transcription } from './classic-audio.ts'
import { generations } from './classic-generation.ts'
import { type ClassicBody, mostInputs, openAi, type Parts, read, unsupported } from './classic-parts.ts'
import { classification, ranking } from './classic-tei.ts'
import { cosine } from './embedded/vectors.ts'
import type { Served } from './queries.ts'
import { type ClassicTask, classicTasks } from './wire-names.ts'

const texts = z.union([z.string(), z.array(z.string()).min(1).max(mostInputs)])
const similarity = z.strictObject({
  source_sentence: z.string(),
  sentences: z.array(z.string()).min(1).max(mostInputs),
})
/** The server judges them itself. */
const embedding = z.looseObject({})

/**
 * `named`: the task in the address, else what the card says, else what the server is for. A body that is no JSON is audio. Throws `inference_unsupported`
 * and `bad_request`.
 */
export function classicCall(served: Served, repoName: string, named: string | null, body: ClassicBody | Buffer): Parts {
  const task = taskOf(served, named, body)
  if (task === 'automatic-speech-recognition') return transcription(served, repoName, body)
  if (Buffer.isBuffer(body))
    throw unsupported(`${task} takes JSON ({"inputs": ...}), with Content-Type: application/json.`)
  switch (task) {
    case 'feature-extraction':
      return features(repoName, body)
    case 'sentence-similarity':
      return similarities(repoName, body)
    case 'text-generation':
      return generations(served, repoName, body)
    case 'text-classification':
      return classification(served, body)
    case 'sentence-ranking':
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
