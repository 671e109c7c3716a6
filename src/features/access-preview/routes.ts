/** The interface of access previews. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { actionOf, changeShape, isPolicyChange, targetOf } from './change.ts'
import { presentPreview } from './present.ts'
import { presentPolicyPreview } from './present-policy.ts'
import { previewChange } from './preview.ts'
import { tryPolicy } from './try-policy.ts'

export const accessPreviewRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/access/preview',
    surface: 'api',
    decidesByBody: true,
    body: z.strictObject({
      change: changeShape,
      /** Entries of each list. */
      limit: z.number().int().min(1).max(1000).default(200),
    }),
    bodyLimit: 65_536,
    action: ({ body }) => actionOf(body.change),
    target: ({ body }) => targetOf(body.change),
    summary:
      'Who would gain and who would lose access by a change of role, group, workspace, visibility, gate or policy, and which tokens; whose pushes a signing policy would have refused, which files or models would be held: nothing is changed. For who may make the change.',
    answers: {
      200: 'Who gains and who loses',
      403: 'The caller may not make the change',
      404: 'There is no such thing',
    },
    handle: async ({ body, ...call }) => {
      const { change, limit } = body
      const found = isPolicyChange(change)
        ? presentPolicyPreview(await tryPolicy(call, change, limit), limit)
        : presentPreview(await previewChange(call, change, limit))
      return json(found, 200, { 'cache-control': 'no-store' })
    },
  }),
]
