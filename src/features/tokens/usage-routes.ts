/** The interface of what one's own tokens touched (idea 5). */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { ownUsage, proposeOwnShrink, shrinkOwnToken } from './shrink.ts'
import { presentProposal, presentUsage } from './usage-present.ts'

const self = { on: 'self' } as const

export const usageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/settings/tokens/:id/usage',
    surface: 'api',
    action: 'token.read',
    target: self,
    summary: 'What a token could reach and what it did reach, from which addresses and by which programs.',
    handle: async ({ hub, allowed, params }) => json(presentUsage(await ownUsage(hub, allowed, params.get('id')))),
  }),
  route({
    method: 'POST',
    path: '/api/settings/tokens/:id/shrink',
    surface: 'api',
    action: 'token.update',
    target: self,
    body: z.strictObject({ dryRun: z.boolean().default(false) }),
    summary:
      'Narrows a token to what it was used for: a fine-grained one with the repos that it touched. `dryRun` only says what it would be.',
    answers: { 200: 'Before, after, and whether it is so now.', 409: 'Nothing was recorded, or too much.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const id = params.get('id')
      if (body.dryRun) return json(presentProposal(await proposeOwnShrink(hub, allowed, id), false))
      return json(presentProposal(await shrinkOwnToken(hub, allowed, request.origin, id), true))
    },
  }),
]
