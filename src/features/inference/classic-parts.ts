/** What the tasks of the classic API share: its body, how a field is checked, and what is asked of a server of OpenAI's API. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { Question } from './ask-backend.ts'
import { openAiAddress } from './backend.ts'
import type { Backend } from './queries.ts'
import type { Asked } from './relay.ts'

export const classicShape = z.looseObject({
  inputs: z.unknown(),
  parameters: z.looseObject({}).nullish(),
  options: z.looseObject({}).nullish(),
  stream: z.boolean().nullish(),
})
export type ClassicBody = z.output<typeof classicShape>

/** What a task makes of a call. */
export type Parts = Pick<Asked, 'route' | 'questionFor' | 'told' | 'translate'>

export const mostInputs = 2_048

export const unsupported = (reason: string): HoldfastError => new HoldfastError('inference_unsupported', { reason })

export function openAi(backend: Backend, path: string, body: object, isStream = false): Question {
  return { url: openAiAddress(backend, path), body: Buffer.from(JSON.stringify(body)), isStream }
}

/** Throws `bad_request` that names the field; `field` empty: the whole body. */
export function read<T extends z.ZodType>(shape: T, value: unknown, field: string): z.output<T> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = [field, ...(issue?.path ?? [])].filter((part) => part !== '').join('.')
  const said = issue?.message ?? 'not valid'
  throw new HoldfastError('bad_request', { reason: at === '' ? said : `"${at}": ${said}` })
}

/** Beside `inputs`, `parameters` and `options`. */
const rootFields: ReadonlySet<string> = new Set(['inputs', 'parameters', 'options', 'stream', 'model'])

/**
 * What a call is to be answered with: its `parameters`, and of vectors also what stands beside them, as some clients write it. Throws `bad_request`
 * for a field that is none of this API.
 */
export function parametersOf(task: string, body: ClassicBody): Readonly<Record<string, unknown>> {
  const others = Object.entries(body).filter(([name, value]) => !rootFields.has(name) && value !== undefined)
  if (task !== 'feature-extraction' && others[0] !== undefined) {
    throw new HoldfastError('bad_request', { reason: `"${others[0][0].slice(0, 60)}": not a field of this API.` })
  }
  return { ...(body.parameters ?? {}), ...Object.fromEntries(others) }
}

/** An event of a stream as Text Generation Inference has it; `text` empty: the end. */
export function tokenEvent(index: number, text: string, more: object): string {
  // What number a token has, and how likely it was, is not told where others generate.
  const token = { id: 0, text, logprob: 0, special: text === '' }
  return `data:${JSON.stringify({ index, token, ...more })}\n\n`
}
