/** OpenAI's Responses API in terms of what the hub itself runs: a chat, answered as one message. Nothing of it is kept. */
import { z } from 'zod'
import { read } from '../classic-parts.ts'
import { limited } from './classic-job.ts'
import type { ChatMessage } from './job.ts'
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
  type OpenAiCall,
  type StreamWords,
  samplingFields,
  type Told,
  textOf,
  textOnly,
  textsRead,
  tokensAsked,
} from './open-ai-call.ts'

const notKept = 'nothing of a conversation is kept here: send all of it in "input".'

/** They come back with the answer, more than once in a stream. */
const name = z.string().max(512).nullish()
const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, 'at most 16 pairs.')

/** What would change the answer and cannot be done here is refused; what only tells who asks is passed over. */
const shape = z.strictObject({
  model: z.string().nullish(),
  /** Read on its own, so that what is wrong in it is named by its place. */
  input: z.unknown(),
  instructions: z.string().nullish(),
  max_output_tokens: tokensAsked,
  ...samplingFields,
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.literal(false).nullish() }).nullish(),
  ...{ metadata: metadata.nullish(), user: name, safety_identifier: name, prompt_cache_key: name },
  store: z.literal(false, 'answers are not kept here: leave it out, or say false.').nullish(),
  previous_response_id: z.null(notKept).optional(),
  conversation: z.null(notKept).optional(),
  background: z.literal(false, 'answers are not kept here to be fetched later: wait for this one.').nullish(),
  service_tier: z.enum(['auto', 'default']).nullish(),
  text: z
    .strictObject({ format: z.strictObject({ type: z.literal('text', textOnly) }).nullish(), verbosity: nothing })
    .nullish(),
  tools: z.array(z.unknown()).max(0, noTools).nullish(),
  tool_choice: z.enum(['none', 'auto'], noTools).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_tool_calls: nothing,
  include: z.array(z.unknown()).max(0, 'nothing beside the text can be told.').nullish(),
  reasoning: z
    .strictObject({ effort: z.literal('none').nullish(), summary: nothing, generate_summary: nothing })
    .nullish(),
  truncation: z.literal('disabled', 'what is too long is refused, and not cut.').nullish(),
  top_logprobs: z.literal(0, noProbabilities).nullish(),
  ...{ prompt: nothing, moderation: nothing, context_management: nothing },
  ...{ prompt_cache_options: nothing, prompt_cache_retention: nothing },
})
type Asked = z.output<typeof shape>

const text = z.string('a text, or a list of messages.').min(1)
const messages = z
  .array(
    z.strictObject({
      type: z.literal('message', 'models that the hub runs itself read messages, and nothing else.').nullish(),
      role: z.enum(['system', 'developer', 'user', 'assistant']),
      content: z.unknown(),
      // As they stand in an answer that is sent back.
      ...{ id: z.string().nullish(), status: z.string().nullish(), phase: z.string().nullish() },
    }),
  )
  .min(1)
  .max(mostMessages)
const parts = z
  .array(
    z.strictObject({
      type: z.enum(['input_text', 'output_text'], textsRead),
      text: z.string(),
      ...{ annotations: z.array(z.unknown()).nullish(), logprobs: z.array(z.unknown()).nullish() },
    }),
    aTextOrParts,
  )
  .max(mostMessages)

/** Throws `bad_request`. */
export function responsesJob(body: object): OpenAiCall {
  const asked = read(shape, body, '')
  const prompt = [
    ...(asked.instructions == null ? [] : [messageOf('system', asked.instructions)]),
    ...messagesIn(asked.input),
  ]
  limited(prompt.map(({ content }) => content))
  const isStream = asked.stream === true
  const generation = {
    ...asTheModelHasIt,
    most: asked.max_output_tokens ?? null,
    temperature: asked.temperature ?? null,
    topP: asked.top_p ?? null,
  }
  return {
    job: { head: 'text-generation', prompt, generation, isStream },
    stream: isStream ? (told) => wordsOf(asked, told) : null,
    whole: (told, result, ended) => finished(asked, told, result, ended).response,
  }
}

function messagesIn(input: unknown): ChatMessage[] {
  if (!Array.isArray(input)) return [messageOf('user', read(text, input, 'input'))]
  return read(messages, input, 'input').map(({ role, content }, at) =>
    messageOf(role, textOf(parts, content, `input.${at}.content`)),
  )
}

const outputText = (said: string): object => ({ type: 'output_text', text: said, annotations: [], logprobs: [] })

function messageItem({ id }: Told, status: string, content: readonly object[]): object {
  return { id: messageId(id), type: 'message', status, role: 'assistant', content }
}

const messageId = (id: string): string => id.replace(/^resp_/, 'msg_')

interface State {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly completed_at?: number
  readonly error?: object
  readonly incomplete_details?: object
  readonly output?: readonly object[]
  readonly usage?: object
}

function presented(asked: Asked, { id, created, model }: Told, state: State): object {
  return {
    ...{ id, object: 'response', created_at: created, completed_at: null, background: false },
    ...{ error: null, incomplete_details: null, instructions: asked.instructions ?? null },
    ...{ max_output_tokens: asked.max_output_tokens ?? null, max_tool_calls: null, model, output: [] },
    ...{ parallel_tool_calls: asked.parallel_tool_calls ?? true, previous_response_id: null },
    ...{ prompt_cache_key: asked.prompt_cache_key ?? null, reasoning: { effort: null, summary: null } },
    ...{ safety_identifier: asked.safety_identifier ?? null, service_tier: 'default', store: false },
    ...{ temperature: asked.temperature ?? null, top_p: asked.top_p ?? null, top_logprobs: 0, truncation: 'disabled' },
    ...{ text: { format: { type: 'text' } }, tool_choice: asked.tool_choice ?? 'auto', tools: [] },
    ...{ usage: null, user: asked.user ?? null, metadata: asked.metadata ?? {} },
    ...state,
  }
}

function finished(asked: Asked, told: Told, result: unknown, ended: Ended) {
  const said = generated(result)
  // Its own word for a text that ends where no more was let through: by the caller, the model or the hub.
  const isCut = said.finish === 'length'
  const status = isCut ? 'incomplete' : 'completed'
  const item = messageItem(told, status, [outputText(said.text)])
  const response = presented(asked, told, {
    status,
    ...(isCut ? { incomplete_details: { reason: 'max_output_tokens' } } : { completed_at: ended.at }),
    output: [item],
    usage: {
      input_tokens: ended.tokensIn,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: ended.tokensOut,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: ended.tokensIn + ended.tokensOut,
    },
  })
  return { text: said.text, status, item, response }
}

function wordsOf(asked: Asked, told: Told): StreamWords {
  let number = 0
  const event = (type: string, more: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...more })}\n\n`
  const ofPart = { item_id: messageId(told.id), output_index: 0, content_index: 0 }
  const begun = (): string => {
    if (number > 0) return ''
    const response = presented(asked, told, { status: 'in_progress' })
    return [
      event('response.created', { response }),
      event('response.in_progress', { response }),
      event('response.output_item.added', { output_index: 0, item: messageItem(told, 'in_progress', []) }),
      event('response.content_part.added', { ...ofPart, part: outputText('') }),
    ].join('')
  }
  return {
    part: (delta) => begun() + event('response.output_text.delta', { ...ofPart, delta, logprobs: [] }),
    end: (result, ended) => {
      const { text: said, status, item, response } = finished(asked, told, result, ended)
      return [
        begun(),
        event('response.output_text.done', { ...ofPart, text: said, logprobs: [] }),
        event('response.content_part.done', { ...ofPart, part: outputText(said) }),
        event('response.output_item.done', { output_index: 0, item }),
        event(`response.${status}`, { response }),
      ].join('')
    },
    brokenOff: (message) => {
      const failure = { code: 'server_error', message }
      const error = { ...failure, type: 'server_error', param: null }
      return [
        begun(),
        event('response.failed', { response: presented(asked, told, { status: 'failed', error: failure }) }),
        // Clients raise what has `error` in it; those that read event by event find the rest where it is written down.
        event('error', { ...failure, param: null, error }),
      ].join('')
    },
  }
}
