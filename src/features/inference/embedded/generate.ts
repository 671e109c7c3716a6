/** Text that a model goes on with. */
import { NotTheModels } from './faults.ts'
import type { Generation, Job } from './job.ts'
import type { Library, Tensor, Tokenizer } from './library.ts'
import type { Counts, LoadedModel } from './loaded-model.ts'

/** Where neither the caller nor the model says. */
const usualTokens = 256
const mostTokens = 4_096

interface Generated {
  readonly text: string
  readonly finish: 'stop' | 'length'
}

export async function generate(
  library: Library,
  { model, tokenizer, context }: LoadedModel,
  { prompt, generation, isStream }: Extract<Job, { head: 'text-generation' }>,
  signal: AbortSignal,
  counts: Counts,
  onText: (text: string) => void,
): Promise<Generated> {
  const isChat = typeof prompt !== 'string'
  const text = isChat ? templated(tokenizer, prompt) : prompt
  tokenizer.padding_side = 'left'
  const inputs = tokenizer(text, {
    add_special_tokens: isChat ? false : ((tokenizer.add_bos_token || tokenizer.add_eos_token) ?? false),
    padding: true,
    truncation: false,
  })
  const length = inputs.input_ids.dims[1] ?? 0
  if (length === 0) throw new NotTheModels('The prompt is empty.')
  if (length >= context) {
    throw new NotTheModels(
      `The prompt has ${length} tokens; this model takes at most ${context}, with what it answers.`,
    )
  }
  const asked = generation.most ?? model.generation_config?.max_new_tokens ?? usualTokens
  const most = Math.min(asked, mostTokens, context - length)
  const stopping = new library.InterruptableStoppingCriteria()
  const cut = new StopCutter(generation.stops, (part) => {
    if (isStream) onText(part)
  })
  const streamer = new library.TextStreamer(tokenizer, {
    skip_prompt: true,
    skip_special_tokens: true,
    callback_function: (part) => {
      cut.add(part)
      if (cut.isStopped) stopping.interrupt()
    },
  })
  const onLeaving = (): void => stopping.interrupt()
  signal.addEventListener('abort', onLeaving, { once: true })
  try {
    const ids = await model.generate({
      ...inputs,
      ...inWords(generation),
      max_new_tokens: most,
      stopping_criteria: stopping,
      streamer,
    })
    signal.throwIfAborted()
    cut.end()
    const made = (ids.dims[1] ?? length) - length
    counts.tokensOut += made
    const isFull = made >= most && !cut.isStopped && !isEnd(model.generation_config?.eos_token_id, ids)
    return { text: cut.text, finish: isFull ? 'length' : 'stop' }
  } finally {
    signal.removeEventListener('abort', onLeaving)
  }
}

function templated(tokenizer: Tokenizer, messages: readonly object[]): string {
  if (tokenizer.chat_template == null) {
    throw new NotTheModels('This model has no chat template. Call it at /v1/completions.')
  }
  try {
    return tokenizer.apply_chat_template(messages, { tokenize: false, add_generation_prompt: true })
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new NotTheModels(`The chat template of this model does not take these messages: ${said}`, { cause: error })
  }
}

function inWords({ temperature, topP, topK, repetitionPenalty, isSampled }: Generation): object {
  // A temperature of nothing is the likeliest word.
  const isFree = isSampled ?? (temperature !== null && temperature > 0)
  return {
    ...(isSampled === null && temperature === null ? {} : { do_sample: isFree && temperature !== 0 }),
    ...(temperature === null || temperature === 0 ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...(topK === null ? {} : { top_k: topK }),
    ...(repetitionPenalty === null ? {} : { repetition_penalty: repetitionPenalty }),
  }
}

function isEnd(ends: number | readonly number[] | undefined, { data }: Tensor): boolean {
  const last = Number(data[data.length - 1])
  return [ends ?? []].flat().includes(last)
}

/** Ends a text before the first of these words; what may be the beginning of one is held back until that is known. */
class StopCutter {
  readonly #stops: readonly string[]
  readonly #tell: (part: string) => void
  readonly #held: number
  #told = 0
  text = ''
  isStopped = false

  constructor(stops: readonly string[], tell: (part: string) => void) {
    this.#stops = stops
    this.#tell = tell
    this.#held = Math.max(0, ...stops.map((stop) => stop.length - 1))
  }

  add(part: string): void {
    if (this.isStopped) return
    const from = Math.max(0, this.text.length - this.#held)
    this.text += part
    const found = this.#stops.map((stop) => this.text.indexOf(stop, from)).filter((at) => at >= 0)
    if (found.length > 0) {
      this.isStopped = true
      this.text = this.text.slice(0, Math.min(...found))
      this.#pass(this.text.length)
    } else this.#pass(this.text.length - this.#held)
  }

  end(): void {
    this.#pass(this.text.length)
  }

  #pass(to: number): void {
    if (to <= this.#told) return
    this.#tell(this.text.slice(this.#told, to))
    this.#told = to
  }
}

/** A text made of another: its summary, or itself in another language. */
export async function rewrite(
  library: Library,
  { pipeline }: LoadedModel,
  text: string,
  { generation, source, target, head }: Extract<Job, { head: 'summarization' | 'translation' }>,
  signal: AbortSignal,
): Promise<unknown> {
  const stopping = new library.InterruptableStoppingCriteria()
  const onLeaving = (): void => stopping.interrupt()
  signal.addEventListener('abort', onLeaving, { once: true })
  try {
    const [said] = (await pipeline([text], {
      ...inWords(generation),
      max_new_tokens: Math.min(generation.most ?? usualTokens, mostTokens),
      ...(source === null ? {} : { src_lang: source }),
      ...(target === null ? {} : { tgt_lang: target }),
      stopping_criteria: stopping,
    })) as [Record<string, string>]
    signal.throwIfAborted()
    const key = head === 'summarization' ? 'summary_text' : 'translation_text'
    return { [key]: said[key] ?? '' }
  } finally {
    signal.removeEventListener('abort', onLeaving)
  }
}
