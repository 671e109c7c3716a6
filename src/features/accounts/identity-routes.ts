/** Who am I, and who is that: `whoami-v2` and the public profile of a person. */
import { type RateLimiter, rateLimiter, refuseOver } from '../../access/rate-limit.ts'
import { json } from '../../access/reply.ts'
import { restrictionOf } from '../../access/restriction.ts'
import { type Route, route } from '../../access/route.ts'
import { serviceAccountEmail } from '../../domain/commit-identity.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Account, accountOf } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { countPublicRepos, membershipsOf } from '../organizations/service.ts'
import { grantsOfToken, presentGrant } from '../tokens/service.ts'
import { consentOf, organizationsOf, workspacesOf } from './identity-queries.ts'
import { presentIdentity, presentOrganizationIdentity, presentProfile } from './present.ts'
import { emailsOf, findUserByName } from './queries.ts'

/** A tenth of what the rest of the interface allows (AUTH-9): it is where stolen tokens are tried. */
const limiters = new WeakMap<Hub, RateLimiter>()

function countWhoami(hub: Hub, caller: string): void {
  const limit = Math.ceil(hub.config.rateLimitApi / 10)
  const limiter = limiters.get(hub) ?? rateLimiter(limit, hub.clock.now)
  limiters.set(hub, limiter)
  refuseOver(limiter.count(caller))
}

/** A service account has an address that no mail server takes, so nobody ever proved it. */
async function addressOf(
  hub: Hub,
  account: Exclude<Account, { kind: 'organization' }>,
): Promise<{ email: string | null; isEmailVerified: boolean }> {
  if (account.kind === 'service-account') return { email: serviceAccountEmail(account.id), isEmailVerified: false }
  const [primary] = await emailsOf(hub.db.read, account.id)
  return { email: primary?.address ?? null, isEmailVerified: primary?.verifiedAt != null }
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
      const account = accountOf(allowed.principal)
      const { credential } = allowed
      if (account === null || credential === null) throw new Error('Nobody asks who they are.')
      countWhoami(hub, account.id)
      if (account.kind === 'organization') return json(presentOrganizationIdentity(hub, account, credential))
      const isFine = credential.kind === 'token' && credential.role === 'fineGrained'
      const now = hub.clock.now()
      // What was ticked for an application, or said of a token by an organization, holds for children of its token.
      const tokenId = credential.kind === 'token' ? (credential.parent?.id ?? credential.id) : ''
      const [consent, address, organizations, workspaces, grants] = await Promise.all([
        isFine ? consentOf(hub.db, tokenId) : null,
        addressOf(hub, account),
        organizationsOf(hub.db, account.id, tokenId, now),
        workspacesOf(hub.db, account.id, now),
        isFine ? grantsOfToken(hub, account.id, credential.id) : [],
      ])
      const isShown = (organizationId: string) => consent?.organizationIds.includes(organizationId) !== false
      return json(
        presentIdentity(hub, {
          ...account,
          ...(consent?.showsEmail === false ? { email: null, isEmailVerified: false } : address),
          organizations: organizations
            .filter(({ id }) => isShown(id))
            .map((row) => ({
              ...row,
              restriction: restrictionOf(row, { principal: account, credential }, row.tokenVerdict, row.role),
            })),
          workspaces: workspaces.filter(({ organizationId }) => isShown(organizationId)),
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
        membershipsOf(hub.db, user.id, hub.clock.now()),
        countPublicRepos(hub.db, user.id),
      ])
      return json(presentProfile(hub, { name: user.name, fullname: user.fullname, organizations, repos }))
    },
  }),
]
