/** A call of a model from its page: the same call as on the wire, and what is shown of its answer. */
import { z } from 'zod'
import type { Reply } from '../../access/reply.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { countsIn, notCounted, type TokenCounts } from './token-counts.ts'
import { classic, type InferCall, passThrough } from './wire-routes.ts'

export const waysToTry = ['chat', 'completion', 'embedding', 'classic'] as const
export type WayToTry = (typeof waysToTry)[number]

export const tryShape = z.object({
  way: z.enum(waysToTry),
  text: z.string().trim().max(4_000).default(''),
})

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
const mostNumbers = 8

/** Throws as a call on the wire does; `invalid_input` without a text. A `Reply`: whoever asked has left. */
export async function tryModel(call: InferCall, { way, text }: z.output<typeof tryShape>): Promise<Tried | Reply> {
  if (text === '') throw new HoldfastError('invalid_input', { reason: 'Type what the model is asked.', field: 'text' })
  const startedAt = performance.now()
  const reply = await ask(call, way, text)
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

function ask(call: InferCall, way: WayToTry, text: string): Promise<Reply> {
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
  }
}

const message = z.looseObject({
  choices: z.tuple([z.looseObject({ message: z.looseObject({ content: z.string() }) })], z.unknown()),
})
const completion = z.looseObject({ choices: z.tuple([z.looseObject({ text: z.string() })], z.unknown()) })
const vector = z.looseObject({ data: z.tuple([z.looseObject({ embedding: z.array(z.number()).min(1) })], z.unknown()) })

/** The words of an answer of the usual shape; any other as it came. */
function saidIn(way: WayToTry, value: unknown): string {
  const asChat = way === 'chat' ? message.safeParse(value) : null
  if (asChat?.success) return asChat.data.choices[0].message.content
  const asCompletion = way === 'completion' ? completion.safeParse(value) : null
  if (asCompletion?.success) return asCompletion.data.choices[0].text
  const asVector = way === 'embedding' ? vector.safeParse(value) : null
  if (asVector?.success) return vectorWords(asVector.data.data[0].embedding)
  return JSON.stringify(value, null, 2)
}

function vectorWords(numbers: readonly number[]): string {
  const first = numbers.slice(0, mostNumbers).map((number) => String(Number(number.toPrecision(4))))
  const more = numbers.length > mostNumbers ? ', …' : ''
  return `A vector of ${numbers.length} numbers:\n[${first.join(', ')}${more}]`
}
