/** The interface by which a token derives narrower child tokens of itself (idea 14). */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { deriveToken, longestChildSeconds, mostChildUses } from './derive.ts'
import { networksShape } from './fence-shape.ts'
import { presentChild } from './present.ts'

const child = z.strictObject({
  name: z.string().max(1_000).optional(),
  role: z.enum(['read', 'write'], { error: 'one of read and write' }).default('read'),
  repos: z
    .array(z.strictObject({ type: z.enum(['model', 'dataset', 'space']), name: z.string().max(200) }))
    .max(100)
    .optional(),
  permissions: z.array(z.string().max(100)).min(1).max(50).optional(),
  seconds: z.number().int().min(1).max(longestChildSeconds),
  uses: z.number().int().min(1).max(mostChildUses).optional(),
  networks: networksShape.min(1).optional(),
})

export const deriveRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/tokens/derive',
    surface: 'api',
    action: 'token.derive',
    target: { on: 'self' },
    body: child,
    summary:
      'Derives a narrower child token from the token that is sent: fewer repos, less on them, at most a day, for `uses` requests. Its value is in this answer and nowhere else. It ends with its parent, and when that is edited or refreshed.',
    answers: { 201: 'The value and the child token.', 409: 'There are too many, or one of this name.' },
    handle: async ({ hub, allowed, body, request }) => {
      const { value, token } = await deriveToken(hub, allowed, request.origin, body)
      return json({ token: value, tokenInfo: presentChild(token) }, 201, { 'cache-control': 'no-store' })
    },
  }),
]
