/** The wire of evaluation results. */
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { splitRevisionAndPath } from '../../domain/names.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { getRevision } from '../files/service.ts'
import { loadEvalResults } from './load-results.ts'
import { presentEntries, presentResult } from './present.ts'

export const evalResultRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/models/:namespace/:name/eval-results/*',
    surface: 'api',
    action: 'repo.read',
    target: ({ params }) => ({
      on: 'repo',
      kind: 'model',
      namespace: params.get('namespace'),
      name: params.get('name'),
    }),
    summary: 'Evaluation results at a revision, each with the commit that last changed it and whether that is signed',
    answers: { 200: 'Those of model-index and of .eval_results', 404: 'RepoNotFound or RevisionNotFound' },
    handle: async ({ hub, allowed, params }) => {
      const { commit } = await getRevision(hub, allowed, splitRevisionAndPath(params.tail).revision)
      return json((await loadEvalResults(hub, allowed, commit)).map(presentResult))
    },
  }),
]

/** `evalResults` of repo info, for the feature below this one. */
export async function evalEntries(hub: Hub, allowed: Allowed<'repo.read'>, commit: string): Promise<object[]> {
  return presentEntries(await loadEvalResults(hub, allowed, commit))
}
