/** The JSON of evaluation results. */
import { presentVerification } from '../signatures/service.ts'
import type { EvalResult } from './load-results.ts'

/** As the Hub lists `evalResults`, which its clients read: entries of `.eval_results` alone, with who vouches for each beside them. */
export function presentEntries(results: readonly EvalResult[]): object[] {
  return results
    .filter(({ model, metric, path }) => path !== 'README.md' && model === null && metric === null)
    .map((one) => ({ filename: one.path, data: one.data, ...vouching(one) }))
}

export function presentResult(one: EvalResult): object {
  const { path, model, task, dataset, metric, value } = one
  return { filename: path, model, task, dataset, metric, value, ...vouching(one) }
}

function vouching({ commit, verification }: EvalResult): object {
  return { commit, verification: verification === null ? null : presentVerification(verification) }
}
