/** How a model is called where nobody says more: by the task on its card, else by what runs there. */
import type { EmbeddedTask } from './embedded/job.ts'
import { embeddedTask, type ModelPlan } from './embedded/model-files.ts'
import type { Served } from './queries.ts'

/** Of OpenAI's API, or a task of the classic one. `any`: the model does not say what it is for, and a call has to. */
export type CallWay = 'chat' | 'completion' | 'embedding' | 'any' | Exclude<EmbeddedTask, 'feature-extraction'>

export interface UsualCall {
  readonly way: CallWay
  /** What stands for a word that is missing, in brackets; where nothing is known of it, as most models have it. */
  readonly mask: string
}

/** Of most models. */
const usualMask = '[MASK]'

/** By servers. */
export function usualCall({ pipelineTag, backends }: Served): UsualCall & { readonly way: 'chat' | 'embedding' } {
  const isForVectors = pipelineTag === 'feature-extraction' || pipelineTag === 'sentence-similarity'
  const isEmbedding = isForVectors || (backends.length > 0 && backends.every(({ kind }) => kind === 'tei'))
  return { way: isEmbedding ? 'embedding' : 'chat', mask: usualMask }
}

/** By the hub itself. `plan`: null where the files cannot be read; then the card's task, as the list of models knows it, says it. */
export function embeddedCall({ pipelineTag }: Pick<Served, 'pipelineTag'>, plan: ModelPlan | null): UsualCall {
  const [way = 'any'] = embeddedWays(plan === null ? pipelineTag : plan.task, plan?.hasChatTemplate ?? false)
  return { way, mask: plan?.mask ?? usualMask }
}

/** All ways to call a model of this task, the usual one first; none where it does not say what it is for, or what the hub does not run. */
export function embeddedWays(task: string | null, hasChatTemplate: boolean): readonly CallWay[] {
  // Older cards say no more than that a text is made of another.
  if (task === 'text2text-generation') return ['summarization', 'translation']
  const known = task === null ? null : embeddedTask(task)
  if (known === null) return []
  if (known === 'feature-extraction' || known === 'sentence-similarity') return ['embedding', 'sentence-similarity']
  if (known === 'text-generation') return hasChatTemplate ? ['chat', 'completion'] : ['completion']
  return [known]
}
