/** The classic API (`inputs`, `parameters`, `options`) in terms of what the hub itself runs, task by task. */
import { z } from 'zod'
import { HoldfastError } from '../../../domain/errors.ts'
import { type ClassicBody, parametersOf, read } from '../classic-parts.ts'
import type { EmbeddedTask, Generation, Job } from './job.ts'
import { cosine, vectorsOf } from './vectors.ts'

export interface EmbeddedCall {
  /** As it is written down. */
  readonly route: string
  readonly job: Job
  /** What the caller is told. */
  told(result: unknown, counted: { readonly tokensOut: number }): unknown
}

/** Of texts, in all. */
const mostCharacters = 1_000_000
const mostTexts = 2_048
const mostLabels = 100
const mostImage = 12_582_912

const texts = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(mostTexts)])
const top = (most: number) => z.number().int().min(1).max(most).nullish()
const cleaned = { clean_up_tokenization_spaces: z.boolean().nullish() }
const functions = z.enum(['softmax', 'sigmoid', 'none']).nullish()

/** What text is generated with, in the words of this API. */
export const generationFields = {
  max_new_tokens: z.number().int().min(1).max(4_096).nullish(),
  max_length: z.number().int().min(1).max(4_096).nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.number().int().min(1).nullish(),
  repetition_penalty: z.number().gt(0).max(100).nullish(),
  do_sample: z.boolean().nullish(),
  seed: z.number().int().min(0).nullish(),
}
const generationShape = z.strictObject(generationFields)
type GenerationFields = z.output<typeof generationShape>

const parameters = {
  features: z.strictObject({
    normalize: z.boolean().nullish(),
    truncate: z.boolean().nullish(),
    truncation_direction: z.enum(['right', 'Right']).nullish(),
    prompt_name: z.null().optional(),
    dimensions: z.null().optional(),
    encoding_format: z.literal('float').nullish(),
  }),
  none: z.strictObject({}),
  classification: z.strictObject({ top_k: top(10_000), function_to_apply: functions }),
  tokens: z.strictObject({
    aggregation_strategy: z.enum(['none', 'simple']).nullish(),
    ignore_labels: z.array(z.string()).max(mostLabels).nullish(),
  }),
  zeroShot: z.strictObject({
    candidate_labels: z.union([
      z.array(z.string().min(1)).min(1).max(mostLabels),
      z
        .string()
        .min(1)
        .transform((list) =>
          list
            .split(',')
            .map((one) => one.trim())
            .filter(Boolean),
        ),
    ]),
    hypothesis_template: z.string().includes('{}').max(1_000).nullish(),
    multi_label: z.boolean().nullish(),
  }),
  mask: z.strictObject({ top_k: top(100) }),
  question: z.strictObject({ top_k: top(20) }),
  image: z.strictObject({ top_k: top(10_000), function_to_apply: z.literal('softmax').nullish() }),
  rewriting: z.strictObject({
    ...generationFields,
    ...cleaned,
    generate_parameters: generationShape.nullish(),
    src_lang: z.string().max(40).nullish(),
    tgt_lang: z.string().max(40).nullish(),
  }),
} as const

const similarityInputs = z.strictObject({
  source_sentence: z.string().min(1),
  sentences: z
    .array(z.string().min(1))
    .min(1)
    .max(mostTexts - 1),
})
const questionInputs = z.strictObject({
  question: z.string().min(1).max(10_000),
  context: z.string().min(1).max(100_000),
})
/** `body`: bytes where the caller sent no JSON. Throws `bad_request` and `inference_unsupported`. */
export function classicJob(task: Exclude<EmbeddedTask, 'text-generation'>, body: ClassicBody | Buffer): EmbeddedCall {
  if (task === 'image-classification') return image(body)
  if (Buffer.isBuffer(body)) throw noJson(task)
  if (body.stream === true)
    throw unsupported(
      'Text alone comes as a stream here: of text-generation, and at /v1/completions and /v1/chat/completions.',
    )
  return { ...jobs[task](body.inputs, parametersOf(task, body)), route: task }
}

type Made = Omit<EmbeddedCall, 'route'>
const asIs = (result: unknown): unknown => result

const jobs: Readonly<
  Record<Exclude<EmbeddedTask, 'image-classification' | 'text-generation'>, (inputs: unknown, given: object) => Made>
> = {
  'feature-extraction': (inputs, given) => {
    const { normalize, truncate } = read(parameters.features, given, 'parameters')
    const all = textsIn(inputs)
    return {
      job: { head: 'feature-extraction', texts: all, isNormalized: normalize ?? null, isCut: truncate ?? true },
      told: (result) => {
        const vectors = vectorsOf(result, all.length)
        return typeof inputs === 'string' ? vectors[0] : vectors
      },
    }
  },
  'sentence-similarity': (inputs, given) => {
    read(parameters.none, given, 'parameters')
    const { source_sentence: source, sentences } = read(similarityInputs, inputs, 'inputs')
    const all = [source, ...sentences]
    limited(all)
    return {
      job: { head: 'feature-extraction', texts: all, isNormalized: null, isCut: true },
      told: (result) => {
        const [first = [], ...others] = vectorsOf(result, all.length)
        return others.map((other) => cosine(first, other))
      },
    }
  },
  'text-classification': (inputs, given) => {
    const { top_k, function_to_apply } = read(parameters.classification, given, 'parameters')
    const job = { texts: textsIn(inputs), most: top_k ?? null, apply: function_to_apply ?? null }
    return { job: { head: 'text-classification', ...job }, told: asIs }
  },
  'token-classification': (inputs, given) => {
    const { aggregation_strategy, ignore_labels } = read(parameters.tokens, given, 'parameters')
    const isGrouped = (aggregation_strategy ?? 'simple') === 'simple'
    const job = { texts: textsIn(inputs), isGrouped, ignored: ignore_labels ?? ['O'] }
    return { job: { head: 'token-classification', ...job }, told: oneOrAll(inputs) }
  },
  'zero-shot-classification': (inputs, given) => {
    const { candidate_labels, hypothesis_template, multi_label } = read(parameters.zeroShot, given, 'parameters')
    const job = {
      texts: textsIn(inputs),
      labels: candidate_labels,
      template: hypothesis_template ?? 'This example is {}.',
      isMulti: multi_label ?? false,
    }
    return { job: { head: 'zero-shot-classification', ...job }, told: oneOrAll(inputs) }
  },
  'fill-mask': (inputs, given) => {
    const { top_k } = read(parameters.mask, given, 'parameters')
    return { job: { head: 'fill-mask', texts: textsIn(inputs), most: top_k ?? 5 }, told: oneOrAll(inputs) }
  },
  'question-answering': (inputs, given) => {
    const { top_k } = read(parameters.question, given, 'parameters')
    const { question, context } = read(questionInputs, inputs, 'inputs')
    return { job: { head: 'question-answering', question, context, most: top_k ?? 1 }, told: asIs }
  },
  summarization: (inputs, given) => rewriting('summarization', inputs, given),
  translation: (inputs, given) => rewriting('translation', inputs, given),
}

function rewriting(head: 'summarization' | 'translation', inputs: unknown, given: object): Made {
  const asked = read(parameters.rewriting, given, 'parameters')
  const job = { source: asked.src_lang ?? null, target: asked.tgt_lang ?? null, texts: textsIn(inputs) }
  const generation = generationOf({ ...asked, ...(asked.generate_parameters ?? {}) })
  return { job: { head, generation, ...job }, told: asIs }
}

export function generationOf(asked: GenerationFields): Generation {
  return {
    most: asked.max_new_tokens ?? asked.max_length ?? null,
    temperature: asked.temperature ?? null,
    topP: asked.top_p ?? null,
    topK: asked.top_k ?? null,
    repetitionPenalty: asked.repetition_penalty ?? null,
    seed: asked.seed ?? null,
    isSampled: asked.do_sample ?? null,
    stops: [],
  }
}

/** Bytes as they are, or in Base64 as `inputs`. */
function image(body: ClassicBody | Buffer): EmbeddedCall {
  const encoded = Buffer.isBuffer(body) ? body.toString('base64') : read(z.string().min(1), body.inputs, 'inputs')
  const { top_k } = read(parameters.image, Buffer.isBuffer(body) ? {} : (body.parameters ?? {}), 'parameters')
  const plain = encoded.replace(/^data:image\/[\w.+-]+;base64,/, '')
  if (plain === '') throw bad('The body is empty: send the bytes of an image.')
  if (!/^[A-Za-z0-9+/_\r\n-]+={0,2}\s*$/.test(plain))
    throw bad('"inputs": not an image in Base64. Addresses of images are not fetched: send its bytes.')
  if (plain.length > (mostImage / 3) * 4) throw bad(`An image has at most ${mostImage} bytes.`)
  return {
    route: 'image-classification',
    job: { head: 'image-classification', image: plain, most: top_k ?? 5 },
    told: asIs,
  }
}

function textsIn(inputs: unknown): readonly string[] {
  const all = [read(texts, inputs, 'inputs')].flat()
  limited(all)
  return all
}

/** Throws `bad_request` for more than a call may ask for. */
export function limited(all: readonly string[]): void {
  const characters = all.reduce((sum, one) => sum + one.length, 0)
  if (characters > mostCharacters)
    throw bad(`The texts have ${characters} characters; at most ${mostCharacters} are taken at once.`)
}

/** A list for a list. */
function oneOrAll(inputs: unknown): (result: unknown) => unknown {
  return (result) => (typeof inputs === 'string' && Array.isArray(result) ? result[0] : result)
}

export function noJson(task: string): HoldfastError {
  return bad(`${task} takes JSON: {"inputs": ...}, with Content-Type: application/json.`)
}
const bad = (reason: string): HoldfastError => new HoldfastError('bad_request', { reason })
const unsupported = (reason: string): HoldfastError => new HoldfastError('inference_unsupported', { reason })
