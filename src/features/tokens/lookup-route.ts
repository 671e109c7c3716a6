import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { lookUpTokens, mostLookedUp } from './digest.ts'

export const lookupRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/tokens/lookup',
    surface: 'api',
    action: 'token.lookup',
    target: { on: 'instance' },
    body: z.strictObject({
      sha256: z
        .array(
          z
            .string()
            .toLowerCase()
            .regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex'),
        )
        .min(1)
        .max(mostLookedUp)
        .transform((list) => [...new Set(list)]),
    }),
    summary: `Which tokens values belong to that leaked, by the SHA-256 of each (up to ${mostLookedUp}): nobody has to send the value itself.`,
    answers: { 200: 'For each: the token, living or dead, or null' },
    handle: async ({ hub, allowed, body, request }) =>
      json({ tokens: await lookUpTokens(hub, allowed, request.origin, body.sha256) }),
  }),
]
