/** `POST /api/access/explain`, for programs. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { type Action, permissions } from '../../domain/permissions.ts'
import { broughtCommits } from '../signatures/service.ts'
import { explainAccess } from './explain.ts'
import { parseResource } from './parse-resource.ts'
import { presentExplanation } from './present.ts'

export const actions = Object.keys(permissions) as Action[]

const question = z.strictObject({
  action: z.enum(actions, {
    error: 'no action of this name: /docs/permissions on this hub has them all, such as repo.push',
  }),
  resource: z.string().min(1).max(300),
  principal: z.string().min(1).max(100).nullish(),
  path: z.string().min(1).max(1_000).nullish(),
  revision: z.string().min(1).max(250).nullish(),
  program: z.string().min(1).max(500).nullish(),
  commits: z.enum(broughtCommits).nullish(),
  token: z
    .string()
    .regex(/^[0-9a-f]{24}$/, 'A token is named by its id, never by its value.')
    .nullish(),
})

export const accessReviewRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/access/explain',
    surface: 'api',
    action: 'access.explain',
    target: { on: 'instance' },
    body: question,
    bodyLimit: 4_096,
    summary:
      'Why an action on a resource is allowed or refused: every check in its order, with what it needs and what there is. For the caller; in a session for one of the own tokens (`token`: its id); for administrators of the organization also for a member or service account of it (`principal`), or a token that reaches it.',
    answers: {
      200: 'The rows, and the answer that the request would get',
      403: 'No administrator, asking about somebody else',
      404: 'Nobody of that name, or no such token, in that organization',
    },
    handle: async (call) => {
      const { body } = call
      const { principal = null, token = null, path = null } = body
      const { revision = null, program = null, commits = null } = body
      const about = { principal, token, path, revision, program, commits }
      const asked = { action: body.action, target: parseResource(body.resource), ...about }
      const explanation = await explainAccess(call.hub, call, asked)
      return json(presentExplanation(explanation, body.resource), 200, { 'cache-control': 'no-store' })
    },
  }),
]
