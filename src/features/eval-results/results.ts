/**
 * The evaluation results that a file states: `model-index` in the card of a model, and `.eval_results/*.yaml`. The text comes from anybody;
 * what does not have the shape of a result is left out, never guessed. Both give null where there are more than are looked at.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'

export interface StatedResult {
  /** A digest: equal where the whole result is the same, word for word and number for number: whoever changes any of it has changed the result. */
  readonly key: string
  /** The name of the model in `model-index`; null in `.eval_results`. */
  readonly model: string | null
  readonly task: string | null
  readonly dataset: { readonly id: string | null; readonly name: string | null }
  /** What was measured: `accuracy`; null in `.eval_results`, where the dataset says so. */
  readonly metric: string | null
  readonly value: string | number | boolean | null
  /** As it stands in the file: one result of `model-index` with one metric, or one entry of `.eval_results`. */
  readonly data: Readonly<Record<string, unknown>>
}

const word = z.string().max(1_000)
const words = z.union([word, z.number().transform(String)]).nullish()
const scalar = z.union([word, z.number(), z.boolean()]).nullish()
const thing = z.looseObject({ type: words, name: words }).nullish()
const metricShape = z.looseObject({ type: words, name: words, value: z.unknown() })
const resultShape = z.looseObject({ task: thing, dataset: thing, metrics: z.array(z.unknown()) })
const modelShape = z.looseObject({ name: words, results: z.array(z.unknown()) })
const entryShape = z.looseObject({
  dataset: z.looseObject({ id: word, task_id: word }),
  value: scalar,
})

/** Results of one file that are looked at. */
const mostResults = 500

/** `index`: the `model-index` of a card. */
export function resultsOfModelIndex(index: unknown): StatedResult[] | null {
  return bounded(statedInIndex(index))
}

function* statedInIndex(index: unknown): Generator<StatedResult> {
  for (const item of listed(index)) {
    const model = modelShape.safeParse(item).data
    for (const each of model?.results ?? []) {
      const result = resultShape.safeParse(each).data
      if (model !== undefined && result !== undefined) yield* resultsOf(model.name ?? null, result)
    }
  }
}

function* resultsOf(model: string | null, result: z.output<typeof resultShape>): Generator<StatedResult> {
  const { metrics, ...rest } = result
  // Once for all its metrics: it may be as long as the file.
  let around: string | null = null
  for (const each of metrics) {
    const metric = metricShape.safeParse(each).data
    if (metric === undefined) continue
    around ??= digest(canonical({ name: model, ...rest }))
    const value = scalar.safeParse(metric.value).data ?? null
    yield {
      key: digest(`${around} ${canonical(metric)}`),
      model,
      task: result.task?.name ?? result.task?.type ?? null,
      dataset: { id: result.dataset?.type ?? null, name: result.dataset?.name ?? null },
      metric: metric.name ?? metric.type ?? null,
      value,
      data: { name: model, ...rest, metrics: [metric] },
    }
  }
}

/** `file`: what a YAML file of `.eval_results` holds. */
export function resultsOfFile(file: unknown): StatedResult[] | null {
  return bounded(statedInList(file))
}

function* statedInList(file: unknown): Generator<StatedResult> {
  for (const item of listed(file)) {
    const entry = entryShape.safeParse(item).data
    if (entry === undefined) continue
    const { dataset, value } = entry
    yield {
      key: digest(canonical(entry)),
      model: null,
      task: dataset.task_id,
      dataset: { id: dataset.id, name: null },
      metric: null,
      value: value ?? null,
      data: entry,
    }
  }
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** Ends with the first that is too many. */
function bounded(results: Iterable<StatedResult>): StatedResult[] | null {
  const all: StatedResult[] = []
  for (const one of results) if (all.push(one) > mostResults) return null
  return all
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** JSON with its keys in order: another order of keys in the file is no other result. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
