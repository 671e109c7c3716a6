/** `text-generation` of the classic API in terms of OpenAI's completions, whole and as a stream: its words are those of Text Generation Inference. */
import { z } from 'zod'
import { BackendFault } from './ask-backend.ts'
import { ownAddress } from './backend.ts'
import { type ClassicBody, openAi, type Parts, read, tokenEvent, unsupported } from './classic-parts.ts'
import type { Served } from './queries.ts'
import { countsIn } from './token-counts.ts'

/** What can be said to any server; the rest only Text Generation Inference understands. */
const generation = z.strictObject({
  max_new_tokens: z.number().int().min(1).nullish(),
  temperature: z.number().min(0).nullish(),
  top_p: z.number().nullish(),
  top_k: z.number().int().nullish(),
  repetition_penalty: z.number().nullish(),
  stop: z.array(z.string()).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  seed: z.number().int().nullish(),
  frequency_penalty: z.number().nullish(),
  return_full_text: z.boolean().nullish(),
  details: z.boolean().nullish(),
  decoder_input_details: z.literal(false).nullish(),
  do_sample: z.boolean().nullish(),
  watermark: z.literal(false).nullish(),
})
type Generation = z.output<typeof generation>

const choice = z.looseObject({
  text: z.string(),
  finish_reason: z.string().nullish(),
  /** vLLM: the word that ended it; absent or null at the end that the model made. */
  stop_reason: z.unknown().optional(),
})
type Choice = z.output<typeof choice>
const completion = z.looseObject({ choices: z.tuple([choice], z.unknown()) })
/** The last event has the count and no choice. */
const event = z.looseObject({ choices: z.array(choice).optional(), error: z.unknown().optional() })

export function generations(served: Served, repoName: string, body: ClassicBody): Parts {
  const { inputs, parameters } = body
  const isStream = body.stream === true
  const prompt = read(z.string(), inputs, 'inputs')
  // It is its own API: nothing is lost on the way, and streams come in its own events.
  if (served.backends.every(({ kind }) => kind === 'tgi')) {
    const plain = Buffer.from(JSON.stringify({ inputs: prompt, parameters: parameters ?? {}, stream: isStream }))
    return {
      route: 'text-generation',
      questionFor: (backend) => ({ url: ownAddress(backend), body: plain, isStream }),
    }
  }
  const asked = read(generation, parameters ?? {}, 'parameters')
  const given = {
    ...fieldsOf(served, asked),
    ...(isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
  const parts: Parts = {
    route: 'text-generation',
    questionFor: (backend) =>
      openAi(backend, 'completions', { model: backend.model ?? repoName, prompt, ...given }, isStream),
  }
  if (isStream)
    return { ...parts, translate: () => new GenerationEvents(asked.return_full_text === true ? prompt : '') }
  return {
    ...parts,
    told: (value) => {
      const parsed = completion.safeParse(value)
      if (!parsed.success) throw new BackendFault('its answer is not a completion.')
      const [first] = parsed.data.choices
      const text = asked.return_full_text === true ? prompt + first.text : first.text
      return [{ generated_text: text, ...(asked.details === true ? { details: detailsOf(first, value, asked) } : {}) }]
    },
  }
}

function fieldsOf({ backends }: Served, asked: Generation): object {
  const { max_new_tokens, temperature, top_p, top_k, repetition_penalty, seed, frequency_penalty } = asked
  if ((top_k != null || repetition_penalty != null) && !backends.every(({ kind }) => kind === 'vllm')) {
    throw unsupported('The servers of this model do not all know "top_k" and "repetition_penalty".')
  }
  const fields = {
    max_tokens: max_new_tokens,
    // Without sampling the likeliest word is taken, which is what a temperature of nothing says.
    temperature: temperature ?? (asked.do_sample === false ? 0 : null),
    top_p,
    top_k,
    repetition_penalty,
    seed,
    frequency_penalty,
    stop: asked.stop ?? asked.stop_sequences,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))
}

function detailsOf(of: Choice, answer: unknown, { seed }: Generation): object {
  const generated = countsIn(answer)?.tokensOut ?? 0
  // Single tokens are not told by all servers.
  return { finish_reason: reasonOf(of), generated_tokens: generated, seed: seed ?? null, prefill: [], tokens: [] }
}

function reasonOf({ finish_reason, stop_reason }: Choice): 'length' | 'stop_sequence' | 'eos_token' {
  if (finish_reason === 'length') return 'length'
  return typeof stop_reason === 'string' ? 'stop_sequence' : 'eos_token'
}

/** Of one line, and of all the words together, which the last event repeats. */
const longestLine = 1_048_576
const longestText = 16_777_216
const data = 'data:'

/** Events of a stream of completions, made into those that clients of the classic API read: one for each piece, and one at the end with all of it. */
class GenerationEvents {
  readonly #decoder = new TextDecoder()
  #line = ''
  #text: string
  #index = 0
  #last: Choice | null = null
  #counted: ReturnType<typeof countsIn> = null

  /** `before`: what the whole text begins with. */
  constructor(before: string) {
    this.#text = before
  }

  /** Throws `BackendFault` for what is no stream of completions. */
  add(chunk: Buffer): string {
    const [rest = '', ...more] = this.#decoder.decode(chunk, { stream: true }).split('\n')
    // What came before is not looked through again with each chunk.
    const lines = [this.#line + rest, ...more]
    this.#line = lines.pop() ?? ''
    if (this.#line.length > longestLine) throw new BackendFault('an event of its stream is too long.')
    return lines.map((line) => this.#read(line)).join('')
  }

  /** What ends it: a token without a word, as the end of a text is one. Throws `BackendFault` where there was nothing. */
  end(): string {
    const rest = this.#read(this.#line)
    this.#line = ''
    if (this.#last === null) throw new BackendFault('its stream has no completion in it.')
    const details = {
      finish_reason: reasonOf(this.#last),
      generated_tokens: this.#counted?.tokensOut ?? this.#index,
      input_length: this.#counted?.tokensIn ?? 0,
    }
    return rest + this.#told('', { generated_text: this.#text, details })
  }

  #read(line: string): string {
    const plain = line.trimEnd()
    if (!plain.startsWith(data)) return ''
    const said = plain.slice(data.length).trim()
    if (said === '' || said === '[DONE]') return ''
    const value = eventIn(said)
    this.#counted = countsIn(value) ?? this.#counted
    const [first] = value.choices ?? []
    if (first === undefined) return ''
    this.#last = { ...first, finish_reason: first.finish_reason ?? this.#last?.finish_reason }
    if (first.text === '') return ''
    this.#text += first.text
    if (this.#text.length > longestText) throw new BackendFault('its answer is too long.')
    return this.#told(first.text, { generated_text: null, details: null })
  }

  #told(text: string, more: object): string {
    this.#index++
    return tokenEvent(this.#index, text, more)
  }
}

function eventIn(said: string): z.output<typeof event> {
  let value: unknown
  try {
    value = JSON.parse(said)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new BackendFault('an event of its stream is not valid JSON.', { cause: error })
  }
  const parsed = event.safeParse(value)
  if (!parsed.success || parsed.data.error != null) throw new BackendFault('an event of its stream is no completion.')
  return parsed.data
}
