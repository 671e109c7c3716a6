/** What other features may use of evaluation results. */
export { type EvalResult, loadEvalResults } from './load-results.ts'
