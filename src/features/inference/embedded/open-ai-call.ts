/** A call of OpenAI's API, whichever of its paths it came by: what is run for it, and how its answer is told. */
import { z } from 'zod'
import { HoldfastError } from '../../../domain/errors.ts'
import { read } from '../classic-parts.ts'
import { type ChatMessage, type Generation, generatedShape, type Job } from './job.ts'

export interface Told {
  readonly id: string
  /** Seconds. */
  readonly created: number
  readonly model: string
}

export interface Ended {
  readonly tokensIn: number
  readonly tokensOut: number
  /** Seconds. */
  readonly at: number
}

/** The events of one stream, as they are sent. */
export interface StreamWords {
  part(text: string): string
  /** Throws `backend_failed` for what is no text. */
  end(result: unknown, ended: Ended): string
  /** What is said when it breaks off; as of servers unless given. */
  brokenOff?(message: string): string
}

export interface OpenAiCall {
  readonly job: Job
  /** Null: the answer is one piece. */
  readonly stream: ((told: Told) => StreamWords) | null
  /** Throws `backend_failed`. */
  whole(told: Told, result: unknown, ended: Ended): object
}

export const mostMessages = 1_000

/** What is said of what cannot be done here, behind its name. */
export const notKnown = 'models that the hub runs itself do not know it.'
export const noTools = 'models that the hub runs itself call no tools.'
export const textOnly = 'models that the hub runs itself answer with plain text.'
export const textsRead = 'models that the hub runs itself read texts, and nothing else.'
export const aTextOrParts = 'a text, or a list of parts.'
export const noProbabilities = 'probabilities are not told.'

/** Fields that are there for other servers. */
export const nothing = z.null(notKnown).optional()

export const samplingFields = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
}
export const tokensAsked = z.number().int().min(1).max(4_096).nullish()

export const asTheModelHasIt: Generation = {
  ...{ most: null, temperature: null, topP: null, topK: null, repetitionPenalty: null, seed: null, isSampled: null },
  stops: [],
}

/** Templates know the older name of the role; a message of one that they do not know many leave out. */
export function messageOf(role: string, content: string): ChatMessage {
  return { role: role === 'developer' ? 'system' : role, content }
}

/** What a message says: a text, or its parts put together. Throws `bad_request` with the place of what is no text. */
export function textOf(
  parts: z.ZodType<readonly { readonly text: string }[]>,
  content: unknown,
  place: string,
): string {
  if (typeof content === 'string') return content
  return read(parts, content, place)
    .map(({ text }) => text)
    .join('')
}

/** Throws `backend_failed`. */
export function generated(result: unknown): { readonly text: string; readonly finish: 'stop' | 'length' } {
  const parsed = generatedShape.safeParse(result)
  if (parsed.success) return parsed.data
  throw new HoldfastError('backend_failed', { reason: 'its answer is no text.' })
}
