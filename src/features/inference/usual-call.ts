/** How a model is called where nobody says more: by the task on its card, else by what runs there. */
import type { Served } from './queries.ts'

export type UsualCall = 'chat' | 'embedding'

export function usualCall({ pipelineTag, backends }: Served): UsualCall {
  if (pipelineTag === 'feature-extraction' || pipelineTag === 'sentence-similarity') return 'embedding'
  return backends.length > 0 && backends.every(({ kind }) => kind === 'tei') ? 'embedding' : 'chat'
}
