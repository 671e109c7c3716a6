/** OpenAI's API in terms of what the hub itself runs: vectors, text that goes on, and chats. */
import { z } from 'zod'
import { read } from '../classic-parts.ts'
import type { OpenAiPath } from '../wire-names.ts'
import { limited } from './classic-job.ts'
import type { Generation } from './job.ts'
import {
  asTheModelHasIt,
  aTextOrParts,
  type Ended,
  generated,
  messageOf,
  mostMessages,
  noProbabilities,
  noTools,
  nothing,
  notKnown,
  type OpenAiCall,
  type StreamWords,
  samplingFields,
  type Told,
  textOf,
  textOnly,
  textsRead,
  tokensAsked,
} from './open-ai-call.ts'
import { responsesJob } from './responses-job.ts'
import { base64Of, floatsOf } from './vectors.ts'

const mostTexts = 2_048
/** What would change the answer and cannot be done here is refused; what only tells who asks is passed over. */
const commonFields = {
  model: z.string().nullish(),
  user: z.string().nullish(),
  metadata: z.unknown().optional(),
  store: z.literal(false).nullish(),
}
const generationFields = {
  ...commonFields,
  max_tokens: tokensAsked,
  ...samplingFields,
  top_k: z.number().int().min(1).nullish(),
  repetition_penalty: z.number().gt(0).max(100).nullish(),
  seed: z.number().int().min(0).nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(8)]).nullish(),
  n: z.literal(1, 'one answer is given.').nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  frequency_penalty: z.literal(0, notKnown).nullish(),
  presence_penalty: z.literal(0, notKnown).nullish(),
  logit_bias: nothing,
}
const textParts = z
  .array(z.looseObject({ type: z.literal('text', textsRead), text: z.string() }), aTextOrParts)
  .max(mostMessages)
const chatShape = z.strictObject({
  ...generationFields,
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: z.unknown(),
        // What a model said by them before would be left out.
        ...{ tool_calls: z.array(z.unknown()).max(0, noTools).nullish(), function_call: z.null(noTools).optional() },
      }),
    )
    .min(1)
    .max(mostMessages),
  max_completion_tokens: tokensAsked,
  logprobs: z.literal(false, noProbabilities).nullish(),
  top_logprobs: z.literal(0, noProbabilities).nullish(),
  response_format: z.strictObject({ type: z.literal('text', textOnly) }, textOnly).nullish(),
  tools: z.array(z.unknown()).max(0, noTools).nullish(),
  tool_choice: z.enum(['none', 'auto'], noTools).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  tool_prompt: nothing,
})
const completionShape = z.strictObject({
  ...generationFields,
  prompt: z.union([z.string().min(1), z.tuple([z.string().min(1)]).transform(([only]) => only)]),
  echo: z.literal(false, 'the prompt is not told again.').nullish(),
  best_of: z.literal(1, 'one answer is given.').nullish(),
  logprobs: z.null(noProbabilities).optional(),
  suffix: nothing,
})
const embeddingsShape = z.strictObject({
  ...commonFields,
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(mostTexts)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: nothing,
  stream: z.literal(false).nullish(),
})

/** Throws `bad_request`. */
export function openAiJob(path: OpenAiPath, body: object): OpenAiCall {
  return makers[path](body)
}

const makers: Readonly<Record<OpenAiPath, (body: object) => OpenAiCall>> = {
  embeddings,
  completions: completion,
  'chat/completions': chat,
  responses: responsesJob,
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
    ...asTheModelHasIt,
    most: asked.max_tokens ?? null,
    temperature: asked.temperature ?? null,
    topP: asked.top_p ?? null,
    topK: asked.top_k ?? null,
    repetitionPenalty: asked.repetition_penalty ?? null,
    seed: asked.seed ?? null,
    stops: [asked.stop ?? []].flat(),
  }
}

function tellsUsage({ stream_options }: Pick<Asked, 'stream_options'>): boolean {
  return stream_options?.include_usage === true
}

function usageOf({ tokensIn, tokensOut }: Ended): object {
  return { prompt_tokens: tokensIn, completion_tokens: tokensOut, total_tokens: tokensIn + tokensOut }
}

/** `piece`: an event of its kind; its last may tell what it took. */
function wordsOf(
  told: Told,
  tellsUsage: boolean,
  piece: (text: string | null, finish: string | null) => { readonly object: string },
): StreamWords {
  const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
  return {
    part: (text) => event(piece(text, null)),
    end: (result, ended) => {
      const last = piece(null, generated(result).finish)
      const usage = tellsUsage ? event({ ...told, object: last.object, choices: [], usage: usageOf(ended) }) : ''
      return `${event(last)}${usage}data: [DONE]\n\n`
    },
  }
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
      ? (told) => wordsOf(told, tellsUsage(asked), (text, finish) => piece(told, text ?? '', finish))
      : null,
    whole: (told, result, ended) => {
      const { text, finish } = generated(result)
      return { ...piece(told, text, finish), usage: usageOf(ended) }
    },
  }
}

function chat(body: object): OpenAiCall {
  const { messages, max_completion_tokens, ...asked } = read(chatShape, body, '')
  const prompt = messages.map(({ role, content }, at) =>
    messageOf(role, textOf(textParts, content, `messages.${at}.content`)),
  )
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
      ? (told) =>
          wordsOf(told, tellsUsage(asked), (content, finish) =>
            piece(told, content === null ? {} : { role: 'assistant', content }, finish),
          )
      : null,
    whole: (told, result, ended) => {
      const { text, finish } = generated(result)
      const message = { role: 'assistant', content: text, refusal: null }
      return {
        ...told,
        object: 'chat.completion',
        choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
        usage: usageOf(ended),
      }
    },
  }
}
