/** What Text Embeddings Inference does beside vectors: it classifies texts, and ranks them against a question. */
import { z } from 'zod'
import { BackendFault } from './ask-backend.ts'
import { ownAddress } from './backend.ts'
import { type ClassicBody, mostInputs, type Parts, read, unsupported } from './classic-parts.ts'
import type { Served } from './queries.ts'

const inputs = z.union([z.string(), z.array(z.string()).min(1).max(mostInputs)])
const classifying = z.strictObject({
  top_k: z.number().int().min(1).nullish(),
  /** Unless said the model's own. */
  function_to_apply: z.literal('none').nullish(),
})
const labels = z.array(z.looseObject({ label: z.string(), score: z.number() }))

const rankingInputs = z.strictObject({
  query: z.string().min(1),
  texts: z.array(z.string()).min(1).max(mostInputs),
  return_text: z.boolean().nullish(),
  return_documents: z.boolean().nullish(),
})
const ranks = z.array(z.looseObject({ index: z.number().int().min(0), score: z.number(), text: z.string().optional() }))

/** One list of labels for each text, and for a single text a list of one, as clients of the classic API read it. */
export function classification(served: Served, { inputs: given, parameters, stream }: ClassicBody): Parts {
  requireTei(served, 'text-classification', stream)
  const input = read(inputs, given, 'inputs')
  const { top_k: most, function_to_apply: applied } = read(classifying, parameters ?? {}, 'parameters')
  const all = typeof input === 'string' ? [input] : input
  // A list of two texts would be a pair to it; a list of lists is a list.
  const body = Buffer.from(JSON.stringify({ inputs: all.map((text) => [text]), raw_scores: applied === 'none' }))
  return {
    route: 'text-classification',
    questionFor: (backend) => ({ url: `${ownAddress(backend)}predict`, body, isStream: false }),
    told: (value) => {
      const parsed = z.array(labels).safeParse(value)
      if (!parsed.success || parsed.data.length !== all.length) {
        throw new BackendFault('its answer has not the labels of each text.')
      }
      const sorted = parsed.data.map((of) =>
        of.map(({ label, score }) => ({ label, score })).sort((a, b) => b.score - a.score),
      )
      return most == null ? sorted : sorted.map((of) => of.slice(0, most))
    },
  }
}

/** The best first, each with its place among the texts. */
export function ranking(served: Served, { inputs: given, stream }: ClassicBody): Parts {
  requireTei(served, 'sentence-ranking', stream)
  const { query, texts, return_text, return_documents } = read(rankingInputs, given, 'inputs')
  const withText = return_text === true || return_documents === true
  const body = Buffer.from(JSON.stringify({ query, texts, return_text: false }))
  return {
    route: 'sentence-ranking',
    questionFor: (backend) => ({ url: `${ownAddress(backend)}rerank`, body, isStream: false }),
    told: (value) => {
      const parsed = ranks.safeParse(value)
      const places = new Set(parsed.data?.map(({ index }) => index))
      if (!parsed.success || places.size !== texts.length || parsed.data.some(({ index }) => index >= texts.length)) {
        throw new BackendFault('its answer has not one rank for each text.')
      }
      const sorted = parsed.data.toSorted((a, b) => b.score - a.score)
      return sorted.map(({ index, score }) => ({ index, score, ...(withText ? { text: texts[index] } : {}) }))
    },
  }
}

function requireTei({ backends }: Served, task: string, stream: unknown): void {
  if (stream === true) throw unsupported(`${task} does not come as a stream.`)
  if (backends.every(({ kind }) => kind === 'tei')) return
  throw unsupported(`${task} is answered by servers of kind "tei" alone, and this model has another.`)
}
