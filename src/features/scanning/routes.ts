/** The wire of scans: what is known of a repo. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { contentPattern } from '../../domain/quarantine.ts'
import { releaseContent, withdrawRelease } from './release.ts'
import { repoStatus } from './repo-status.ts'

/** As files show it: `git:` and an object id, or `sha256:` and a hash. */
const contentShape = z.string().regex(contentPattern, 'git:<object id> or sha256:<hash>')

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
  route({
    method: 'POST',
    path: '/api/scan/releases',
    surface: 'api',
    action: 'scan.release',
    target: { on: 'instance' },
    body: z.strictObject({ content: contentShape, reason: z.string().trim().min(3).max(2_000) }),
    summary:
      'Lets a content out of quarantine in every repo, with a reason: for administrators of the hub, in a session',
    answers: { 200: 'So it is', 404: 'Nothing of that name was scanned' },
    handle: async ({ hub, allowed, body, request }) => {
      await releaseContent(hub, allowed, request.origin, body)
      return json({ content: body.content, released: true })
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/scan/releases/:content',
    surface: 'api',
    action: 'scan.release',
    target: { on: 'instance' },
    summary: 'Takes a release back',
    answers: { 200: 'So it is', 404: 'It is not released' },
    handle: async ({ hub, allowed, params, request }) => {
      await withdrawRelease(hub, allowed, request.origin, params.get('content'))
      return json({ content: params.get('content'), released: false })
    },
  }),
]
