/** `text-generation` of the classic API in terms of what the hub itself runs, whole and as a stream, in the words of Text Generation Inference. */
import { z } from 'zod'
import { type ClassicBody, parametersOf, read, tokenEvent } from '../classic-parts.ts'
import { type EmbeddedCall, generationFields, generationOf, limited, noJson } from './classic-job.ts'
import { generated, type StreamWords } from './open-ai-call.ts'

export interface ClassicTextCall extends EmbeddedCall {
  /** Null: the answer is one piece. */
  readonly stream: (() => StreamWords) | null
}

const shape = z.strictObject({
  ...generationFields,
  stop: z.array(z.string().min(1)).max(8).nullish(),
  stop_sequences: z.array(z.string().min(1)).max(8).nullish(),
  return_full_text: z.boolean().nullish(),
  /** Single tokens are not told. */
  details: z.boolean().nullish(),
  decoder_input_details: z.literal(false).nullish(),
  watermark: z.literal(false).nullish(),
})

/** Throws `bad_request`. */
export function classicTextJob(body: ClassicBody | Buffer): ClassicTextCall {
  const route = 'text-generation'
  if (Buffer.isBuffer(body)) throw noJson(route)
  const asked = read(shape, parametersOf(route, body), 'parameters')
  const prompt = read(z.string().min(1), body.inputs, 'inputs')
  limited([prompt])
  const isStream = body.stream === true
  const generation = { ...generationOf(asked), stops: asked.stop ?? asked.stop_sequences ?? [] }
  const before = asked.return_full_text === true ? prompt : ''
  return {
    route,
    job: { head: 'text-generation', prompt, generation, isStream },
    told: (result, { tokensOut }) => {
      const { text, finish } = generated(result)
      const more = { seed: asked.seed ?? null, prefill: [], tokens: [] }
      const details = { finish_reason: reasonOf(finish), generated_tokens: tokensOut, ...more }
      return [{ generated_text: before + text, ...(asked.details === true ? { details } : {}) }]
    },
    stream: isStream ? () => generationWords(before) : null,
  }
}

/** The events of Text Generation Inference: one for each piece, and one at the end with all of it. */
function generationWords(before: string): StreamWords {
  let index = 0
  let all = before
  return {
    part: (text) => {
      if (text === '') return ''
      all += text
      return tokenEvent(++index, text, { generated_text: null, details: null })
    },
    end: (result, { tokensIn, tokensOut }) => {
      const { finish } = generated(result)
      const details = { finish_reason: reasonOf(finish), generated_tokens: tokensOut, input_length: tokensIn }
      return tokenEvent(++index, '', { generated_text: all, details })
    },
  }
}

/** Whether a word that was to end it did, is not told. */
function reasonOf(finish: 'stop' | 'length'): string {
  return finish === 'length' ? 'length' : 'eos_token'
}
