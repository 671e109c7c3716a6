/**
 * The evaluation results that a file states: `model-index` in the card of a model, and `.eval_results/*.yaml`. The text comes from anybody;
 * what does not have the shape of a result is left out, never guessed. Both give null where there are more than are looked at.
 */
import { z } from 'zod'

export interface StatedResult {
  /** Equal where the whole result is the same, word for word and number for number: whoever changes any of it has changed the result. */
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
  return bounded(
    listed(index).flatMap((item) => {
      const model = modelShape.safeParse(item).data
      if (model === undefined) return []
      return model.results.flatMap((each) => {
        const result = resultShape.safeParse(each).data
        return result === undefined ? [] : resultsOf(model.name ?? null, result)
      })
    }),
  )
}

function resultsOf(model: string | null, result: z.output<typeof resultShape>): StatedResult[] {
  const { metrics, ...rest } = result
  return metrics.flatMap((each) => {
    const metric = metricShape.safeParse(each).data
    if (metric === undefined) return []
    const value = scalar.safeParse(metric.value).data ?? null
    const data = { name: model, ...rest, metrics: [metric] }
    return [
      {
        key: canonical(data),
        model,
        task: result.task?.name ?? result.task?.type ?? null,
        dataset: { id: result.dataset?.type ?? null, name: result.dataset?.name ?? null },
        metric: metric.name ?? metric.type ?? null,
        value,
        data,
      },
    ]
  })
}

/** `file`: what a YAML file of `.eval_results` holds. */
export function resultsOfFile(file: unknown): StatedResult[] | null {
  return bounded(
    listed(file).flatMap((item) => {
      const entry = entryShape.safeParse(item).data
      if (entry === undefined) return []
      const { dataset, value } = entry
      return [
        {
          key: canonical(entry),
          model: null,
          task: dataset.task_id,
          dataset: { id: dataset.id, name: null },
          metric: null,
          value: value ?? null,
          data: entry,
        },
      ]
    }),
  )
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function bounded(results: StatedResult[]): StatedResult[] | null {
  return results.length > mostResults ? null : results
}

/** JSON with its keys in order: another order of keys in the file is no other result. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
