/** OpenAI's API in terms of what the hub itself runs: vectors, text that goes on, and chats. */
import { z } from 'zod'
import { HoldfastError } from '../../../domain/errors.ts'
import { limited, read } from './classic-job.ts'
import { type ChatMessage, type Generation, generatedShape, type Job } from './job.ts'
import { base64Of, floatsOf } from './vectors.ts'

export interface Told {
  readonly id: string
  /** Seconds. */
  readonly created: number
  readonly model: string
}

export interface Used {
  readonly tokensIn: number
  readonly tokensOut: number
}

export interface OpenAiCall {
  readonly job: Job
  /** Null: the answer is one piece. */
  readonly stream: {
    readonly tellsUsage: boolean
    part(told: Told, text: string): object
    end(told: Told, finish: string): object
  } | null
  whole(told: Told, result: unknown, used: Used): object
}

const mostTexts = 2_048
const nothing = z.null().optional()
/** What would change the answer and cannot be done here is refused; what only tells who asks is passed over. */
const commonFields = {
  model: z.string().nullish(),
  user: z.string().nullish(),
  metadata: z.unknown().optional(),
  store: z.literal(false).nullish(),
}
const generationFields = {
  ...commonFields,
  max_tokens: z.number().int().min(1).max(4_096).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.number().int().min(1).nullish(),
  repetition_penalty: z.number().gt(0).max(100).nullish(),
  seed: z.number().int().min(0).nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(8)]).nullish(),
  n: z.literal(1).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  frequency_penalty: z.literal(0).nullish(),
  presence_penalty: z.literal(0).nullish(),
  logit_bias: nothing,
}
const textPart = z.looseObject({ type: z.literal('text'), text: z.string() })
const chatShape = z.strictObject({
  ...generationFields,
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: z.union([z.string(), z.array(textPart).transform((parts) => parts.map(({ text }) => text).join(''))]),
      }),
    )
    .min(1)
    .max(1_000),
  max_completion_tokens: z.number().int().min(1).max(4_096).nullish(),
  logprobs: z.literal(false).nullish(),
  top_logprobs: nothing,
  response_format: z.strictObject({ type: z.literal('text') }).nullish(),
  tools: z.array(z.unknown()).max(0).nullish(),
  tool_choice: z.literal('none').nullish(),
  tool_prompt: nothing,
})
const completionShape = z.strictObject({
  ...generationFields,
  prompt: z.union([z.string().min(1), z.tuple([z.string().min(1)]).transform(([only]) => only)]),
  echo: z.literal(false).nullish(),
  best_of: z.literal(1).nullish(),
  logprobs: nothing,
  suffix: nothing,
})
const embeddingsShape = z.strictObject({
  ...commonFields,
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(mostTexts)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: nothing,
  stream: z.literal(false).nullish(),
})

/** Throws `bad_request` and `inference_unsupported`. */
export function openAiJob(path: string, body: object): OpenAiCall {
  if (path === 'embeddings') return embeddings(body)
  if (path === 'completions') return completion(body)
  if (path === 'chat/completions') return chat(body)
  throw new HoldfastError('inference_unsupported', {
    reason: 'Models that the hub runs itself answer /v1/chat/completions, /v1/completions and /v1/embeddings.',
  })
}

function embeddings(body: object): OpenAiCall {
  const { input, encoding_format } = read(embeddingsShape, body, '')
  const texts = [input].flat()
  limited(texts)
  return {
    // As its own vectors are: of length 1.
    job: { head: 'feature-extraction', texts, isNormalized: true, isCut: true },
    stream: null,
    whole: ({ model }, result, { tokensIn }) => {
      const { width, floats } = floatsOf(result, texts.length)
      const data = texts.map((_, index) => {
        const vector = floats.subarray(index * width, (index + 1) * width)
        return { object: 'embedding', index, embedding: encoding_format === 'base64' ? base64Of(vector) : [...vector] }
      })
      return { object: 'list', data, model, usage: { prompt_tokens: tokensIn, total_tokens: tokensIn } }
    },
  }
}

type Asked = Omit<z.output<typeof completionShape>, 'prompt'>

function generationOf(asked: Partial<Asked>): Generation {
  return {
    most: asked.max_tokens ?? null,
    temperature: asked.temperature ?? null,
    topP: asked.top_p ?? null,
    topK: asked.top_k ?? null,
    repetitionPenalty: asked.repetition_penalty ?? null,
    seed: asked.seed ?? null,
    isSampled: null,
    stops: [asked.stop ?? []].flat(),
  }
}

function usageOf({ tokensIn, tokensOut }: Used): object {
  return { prompt_tokens: tokensIn, completion_tokens: tokensOut, total_tokens: tokensIn + tokensOut }
}

/** The last event of a stream where it was asked for. */
export function usageEvent(told: Told, object: string, used: Used): object {
  return { ...told, object, choices: [], usage: usageOf(used) }
}

function completion(body: object): OpenAiCall {
  const asked = read(completionShape, body, '')
  limited([asked.prompt])
  const isStream = asked.stream === true
  const piece = (told: Told, text: string, finish: string | null) => ({
    ...told,
    object: 'text_completion',
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  })
  return {
    job: { head: 'text-generation', prompt: asked.prompt, generation: generationOf(asked), isStream },
    stream: isStream
      ? {
          tellsUsage: asked.stream_options?.include_usage === true,
          part: (told, text) => piece(told, text, null),
          end: (told, finish) => piece(told, '', finish),
        }
      : null,
    whole: (told, result, used) => {
      const { text, finish } = generated(result)
      return { ...piece(told, text, finish), usage: usageOf(used) }
    },
  }
}

function chat(body: object): OpenAiCall {
  const { messages, max_completion_tokens, ...asked } = read(chatShape, body, '')
  const prompt: ChatMessage[] = messages.map(({ role, content }) => ({ role, content }))
  limited(prompt.map(({ content }) => content))
  const isStream = asked.stream === true
  const generation = generationOf({
    ...(asked as Partial<Asked>),
    max_tokens: max_completion_tokens ?? asked.max_tokens,
  })
  const piece = (told: Told, delta: object, finish: string | null) => ({
    ...told,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  })
  return {
    job: { head: 'text-generation', prompt, generation, isStream },
    stream: isStream
      ? {
          tellsUsage: asked.stream_options?.include_usage === true,
          part: (told, content) => piece(told, { role: 'assistant', content }, null),
          end: (told, finish) => piece(told, {}, finish),
        }
      : null,
    whole: (told, result, used) => {
      const { text, finish } = generated(result)
      const message = { role: 'assistant', content: text, refusal: null }
      return {
        ...told,
        object: 'chat.completion',
        choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
        usage: usageOf(used),
      }
    },
  }
}

function generated(result: unknown): { text: string; finish: string } {
  const parsed = generatedShape.safeParse(result)
  if (parsed.success) return parsed.data
  throw new HoldfastError('backend_failed', { reason: 'its answer is no text.' })
}
