/** The wire of scans: what is known of a repo. */
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { repoStatus } from './repo-status.ts'

export const scanRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/scan',
    surface: 'api',
    action: 'repo.read',
    target: ({ params }) => ({
      on: 'repo',
      kind: params.kind,
      namespace: params.get('namespace'),
      name: params.get('name'),
    }),
    summary: 'Whether all files are scanned, and in which something was found',
    answers: { 200: 'The files of main with something, by level', 404: 'RepoNotFound' },
    handle: async ({ hub, allowed }) => json(await repoStatus(hub, allowed)),
  }),
]
