/** Who am I, and who is that: `whoami-v2` and the public profile of a person. */
import { type RateLimiter, rateLimiter } from '../../access/rate-limit.ts'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { countPublicRepos, membershipsOf } from '../organizations/service.ts'
import { grantsOfToken, presentGrant } from '../tokens/service.ts'
import { presentIdentity, presentProfile } from './present.ts'
import { emailsOf, findUserByName } from './queries.ts'

/** A tenth of what the rest of the interface allows (AUTH-9): it is where stolen tokens are tried. */
const limiters = new WeakMap<Hub, RateLimiter>()

function countWhoami(hub: Hub, caller: string): void {
  const limit = Math.ceil(hub.config.rateLimitApi / 10)
  const limiter = limiters.get(hub) ?? rateLimiter(limit, hub.clock.now)
  limiters.set(hub, limiter)
  const { isOver, secondsLeft } = limiter.count(caller)
  if (isOver) {
    throw new HoldfastError(
      'rate_limited',
      { seconds: secondsLeft },
      { headers: { 'retry-after': String(secondsLeft) } },
    )
  }
}

export const identityRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/whoami-v2',
    surface: 'api',
    action: 'account.read',
    target: { on: 'self' },
    summary: 'Who the credential of this request belongs to, and what it is.',
    handle: async ({ hub, allowed }) => {
      const { principal, credential } = allowed
      if (principal.kind !== 'user' || credential === null) throw new Error('Only a person asks who it is.')
      countWhoami(hub, principal.id)
      const isFine = credential.kind === 'token' && credential.role === 'fineGrained'
      const [emails, organizations, grants] = await Promise.all([
        emailsOf(hub.db.read, principal.id),
        membershipsOf(hub.db, principal.id),
        isFine ? grantsOfToken(hub, principal.id, credential.id) : [],
      ])
      const primary = emails[0]
      return json(
        presentIdentity(hub, {
          ...principal,
          email: primary?.address ?? null,
          isEmailVerified: primary?.verifiedAt != null,
          organizations,
          credential,
          grants: grants.map(presentGrant),
        }),
      )
    },
  }),
  route({
    method: 'GET',
    path: '/api/users/:name/overview',
    surface: 'api',
    action: 'user.read',
    target: { on: 'instance' },
    summary: 'The public profile of a person.',
    handle: async ({ hub, params }) => {
      const user = await findUserByName(hub.db, nameKey(params.get('name')))
      if (user === null || user.state !== 'active') throw new HoldfastError('user_not_found')
      const [organizations, repos] = await Promise.all([
        membershipsOf(hub.db, user.id),
        countPublicRepos(hub.db, user.id),
      ])
      return json(presentProfile(hub, { name: user.name, fullname: user.fullname, organizations, repos }))
    },
  }),
]
