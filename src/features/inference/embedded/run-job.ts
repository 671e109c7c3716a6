/** One call of a loaded model, in the process that runs them. Results are in the shapes of the classic API, but for vectors and generated text. */

import { withSeed } from './chance.ts'
import { embed } from './embed.ts'
import { NotTheModels } from './faults.ts'
import { generate, rewrite } from './generate.ts'
import type { Job } from './job.ts'
import type { Library, Tensor } from './library.ts'
import { type Counts, counted, type LoadedModel } from './loaded-model.ts'
import { placeOf, placesOf } from './places.ts'

export interface Ran extends Counts {
  readonly result: unknown
}

/** Texts that a model gets at once. */
export const batchSize = 32
/** Of a picture, when it is unpacked. */
const mostPixels = 50_000_000

/** `onText`: what is generated, as it comes. Throws `NotTheModels`, what the runtime throws, and what `signal` was aborted with. */
export async function runJob(
  library: Library,
  model: LoadedModel,
  job: Job,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<Ran> {
  const counts: Counts = { tokensIn: 0, tokensOut: 0 }
  const seed = 'generation' in job ? job.generation.seed : null
  const work = () => performed(library, model, job, signal, counts, onText)
  const result = await counted(counts, () => withSeed(library, seed, work))
  return { result, ...counts }
}

async function performed(
  library: Library,
  model: LoadedModel,
  job: Job,
  signal: AbortSignal,
  counts: Counts,
  onText: (text: string) => void,
): Promise<unknown> {
  const each = <T>(texts: readonly string[], work: (text: string) => Promise<T>) => oneByOne(texts, signal, work)
  switch (job.head) {
    case 'feature-extraction':
      return await embed(model, job, signal, batchSize)
    case 'text-classification':
      return await each(job.texts, (text) => classify(model, text, job))
    case 'token-classification':
      return await each(job.texts, (text) => classifyTokens(model, text, job))
    case 'zero-shot-classification':
      return await each(job.texts, async (text) => {
        const options = { hypothesis_template: job.template, multi_label: job.isMulti }
        const said = (await model.pipeline(text, job.labels, options)) as { labels: string[]; scores: number[] }
        return said.labels.map((label, at) => ({ label, score: said.scores[at] }))
      })
    case 'fill-mask':
      return await each(job.texts, (text) => fillMask(model, text, job.most))
    case 'question-answering':
      return await answer(model, job)
    case 'image-classification':
      return await classifyImage(library, model, job)
    case 'summarization':
    case 'translation':
      return await each(job.texts, (text) => rewrite(library, model, text, job, signal))
    case 'text-generation':
      return await generate(library, model, job, signal, counts, onText)
  }
}

/** Between two of them others have their turn. */
async function oneByOne<T>(
  texts: readonly string[],
  signal: AbortSignal,
  work: (text: string) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  for (const text of texts) {
    signal.throwIfAborted()
    results.push(await work(text))
  }
  return results
}

type Of<H extends Job['head']> = Extract<Job, { head: H }>

interface Scored {
  readonly label: string
  readonly score: number
}

async function classify(
  { model, tokenizer }: LoadedModel,
  text: string,
  { most, apply }: Of<'text-classification'>,
): Promise<Scored[]> {
  const { logits } = await model(tokenizer([text], { padding: true, truncation: true }))
  const { id2label, problem_type } = model.config
  const values = numbersOf(logits)
  const how = apply ?? (problem_type === 'multi_label_classification' || values.length === 1 ? 'sigmoid' : 'softmax')
  const scores =
    how === 'none' ? values : how === 'sigmoid' ? values.map((x) => 1 / (1 + Math.exp(-x))) : softmax(values)
  return scores
    .map((score, at) => ({ label: id2label?.[at] ?? `LABEL_${at}`, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, most ?? scores.length)
}

function numbersOf(tensor: Tensor | undefined): number[] {
  if (tensor === undefined || !(tensor.data instanceof Float32Array))
    throw new Error('The graph of this model does not give what its task needs.')
  return [...tensor.data]
}

function softmax(values: readonly number[]): number[] {
  const largest = values.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY)
  const powers = values.map((one) => Math.exp(one - largest))
  const sum = powers.reduce((total, one) => total + one, 0)
  return powers.map((one) => one / sum)
}

interface Word {
  readonly word: string
  readonly score: number
  readonly entity?: string
  readonly entity_group?: string
}

async function classifyTokens(
  { pipeline }: LoadedModel,
  text: string,
  { isGrouped, ignored }: Of<'token-classification'>,
): Promise<object[]> {
  const options = { ignore_labels: ignored, aggregation_strategy: isGrouped ? 'simple' : 'none' }
  const found = (await pipeline(text, options)) as Word[]
  const places = placesOf(
    text,
    found.map(({ word }) => word),
  )
  return found.map(({ word, score, entity, entity_group }, at) => ({
    ...(isGrouped ? { entity_group } : { entity }),
    score,
    word,
    start: places[at]?.start ?? null,
    end: places[at]?.end ?? null,
  }))
}

async function fillMask({ pipeline, tokenizer }: LoadedModel, text: string, most: number): Promise<unknown> {
  const { mask_token: mask } = tokenizer
  if (mask == null) throw new Error('The tokenizer of this model has no mask.')
  if (text.split(mask).length !== 2)
    throw new NotTheModels(`The text needs ${mask} in it once, where a word is missing.`)
  return await pipeline(text, { top_k: most })
}

async function answer(
  { pipeline }: LoadedModel,
  { question, context, most }: Of<'question-answering'>,
): Promise<unknown> {
  const said = await pipeline(question, context, { top_k: most })
  const answers = [said].flat() as { answer: string; score: number }[]
  const told = answers.map(({ answer: text, score }) => {
    const place = placeOf(context, text, 0)
    // As it stands in the context, where it was found there.
    return place === null
      ? { answer: text, score, start: 0, end: 0 }
      : { answer: context.slice(place.start, place.end), score, ...place }
  })
  return most === 1 ? told[0] : told
}

async function classifyImage(
  { RawImage }: Library,
  { pipeline }: LoadedModel,
  { image, most }: Of<'image-classification'>,
): Promise<unknown> {
  const bytes = Buffer.from(image, 'base64')
  const pixels = await pixelsOf(bytes)
  if (pixels > mostPixels) throw new NotTheModels(`The image has ${pixels} pixels; at most ${mostPixels} are taken.`)
  let read: unknown
  try {
    read = await RawImage.fromBlob(new Blob([bytes]))
  } catch (error) {
    throw new NotTheModels('The image is damaged.', { cause: error })
  }
  return await pipeline(read, { top_k: most })
}

type Sharp = (bytes: Uint8Array) => { metadata(): Promise<{ width?: number; height?: number; pages?: number }> }

/** Told by its head: a small file may be a very large picture. */
async function pixelsOf(bytes: Uint8Array): Promise<number> {
  // What the library itself reads images with.
  const { default: sharp } = (await import('sharp' as string)) as { default: Sharp }
  try {
    const { width = 0, height = 0 } = await sharp(bytes).metadata()
    return width * height
  } catch (error) {
    throw new NotTheModels('The body is no image that this hub reads: send a PNG, JPEG, WebP or GIF.', { cause: error })
  }
}
