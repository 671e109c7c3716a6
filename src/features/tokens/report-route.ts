/** Where anybody reports values that leaked, as on the Hub: always the same answer, whatever was sent. */
import { z } from 'zod'
import { callerKey, type RateLimiter, rateLimiter, refuseOver } from '../../access/rate-limit.ts'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import { mostReported, takeReport } from './leaked.ts'

/** Reports of one address in five minutes. */
const mostReports = 30
const limiters = new WeakMap<Hub, RateLimiter>()

export const reportRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/api/credentials/revoke',
    surface: 'api',
    action: 'token.report',
    target: { on: 'instance' },
    body: z.object({ credentials: z.array(z.string().min(1).max(200)).min(1).max(mostReported) }),
    summary: `Revokes access tokens that leaked: up to ${mostReported.toLocaleString('en')} values, by anybody who has them. Their owners are told.`,
    answers: { 202: 'Taken, whether or not one of them is a live token', 429: 'Too many reports from this address' },
    handle: async ({ hub, allowed, body, request }) => {
      countReport(hub, callerKey(null, request.origin.ip))
      await takeReport(hub, allowed, request.origin, body.credentials)
      return json({}, 202)
    },
  }),
]

function countReport(hub: Hub, caller: string): void {
  const limiter = limiters.get(hub) ?? rateLimiter(mostReports, hub.clock.now)
  limiters.set(hub, limiter)
  refuseOver(limiter.count(caller))
}
