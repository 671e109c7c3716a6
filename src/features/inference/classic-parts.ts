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

/** Throws `bad_request` that names the field. */
export function read<T extends z.ZodType>(shape: T, value: unknown, field: string): z.output<T> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = [field, ...(issue?.path ?? [])].join('.')
  throw new HoldfastError('bad_request', { reason: `"${at}": ${issue?.message ?? 'not valid'}` })
}
