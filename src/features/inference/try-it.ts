/** A call of a model from its page: the same call as on the wire, and what is shown of its answer. */
import { z } from 'zod'
import type { Reply } from '../../access/reply.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { classicBodyOf } from './call-samples.ts'
import { countsIn, notCounted, type TokenCounts } from './token-counts.ts'
import { saidIn } from './tried-words.ts'
import { moreOf, type WayToTry, waysToTry } from './try-ways.ts'
import { classic, type InferCall, passThrough } from './wire-routes.ts'

const most = 4_000

export const tryShape = z.object({
  way: z.enum(waysToTry),
  text: z.string().trim().max(most).default(''),
  /** What some ways ask for beside the text: labels, sentences, or a text in which the answer stands. */
  more: z.string().trim().max(most).default(''),
})
type Trying = z.output<typeof tryShape>

export interface Tried {
  readonly way: WayToTry
  /** What the model says; of vectors their size and beginning. */
  readonly text: string
  /** Whether there was more of it. */
  readonly isCut: boolean
  readonly counts: TokenCounts
  readonly tookMs: number
}

const mostTokens = 256
const mostShown = 8_000

/** Throws as a call on the wire does; `invalid_input` with the field that is missing. A `Reply`: whoever asked has left. */
export async function tryModel(call: InferCall, trying: Trying): Promise<Tried | Reply> {
  const { way, text, more } = trying
  if (text === '') throw new HoldfastError('invalid_input', { reason: 'Type what the model is asked.', field: 'text' })
  const missing = moreOf[way]
  if (missing !== undefined && more === '')
    throw new HoldfastError('invalid_input', { reason: `Fill in "${missing.label}" as well.`, field: 'more' })
  const startedAt = performance.now()
  const reply = await ask(call, trying)
  if (reply.kind !== 'body') return reply
  const value: unknown = JSON.parse(reply.body.toString())
  const said = saidIn(way, value)
  return {
    way,
    text: said.slice(0, mostShown),
    isCut: said.length > mostShown,
    counts: countsIn(value) ?? notCounted,
    tookMs: Math.round(performance.now() - startedAt),
  }
}

function ask(call: InferCall, { way, text, more }: Trying): Promise<Reply> {
  switch (way) {
    case 'chat':
      return passThrough(call, 'chat/completions', {
        messages: [{ role: 'user', content: text }],
        max_tokens: mostTokens,
      })
    case 'completion':
      return passThrough(call, 'completions', { prompt: text, max_tokens: mostTokens })
    case 'embedding':
      return passThrough(call, 'embeddings', { input: text })
    case 'classic':
      return classic(call, null, { inputs: text })
    default: {
      const listed = { labels: partsOf(more, ','), sentences: partsOf(more, '\n'), context: more }
      const body = classicBodyOf(way, text, listed)
      const isWritten = way === 'summarization' || way === 'translation' || way === 'text-generation'
      const parameters = { ...body.parameters, ...(isWritten ? { max_new_tokens: mostTokens } : {}) }
      // Whoever sits before the page waits for the model.
      return classic(call, way, { inputs: body.inputs, parameters, options: { wait_for_model: true } })
    }
  }
}

function partsOf(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
