/** Tokens that reach an organization, for programs. */
import { z } from 'zod'
import { nextPageLink } from '../../access/paging.ts'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { tokenPolicies } from '../../domain/token-policy.ts'
import {
  getTokenPolicy,
  judgeToken,
  type ListedToken,
  listTokens,
  longestLifetimeDays,
  type OrganizationTokenPolicy,
  revokeToken,
  setTokenPolicy,
  type TokenMark,
} from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

const policyShape = z.strictObject({
  policy: z.enum(tokenPolicies).optional(),
  mostDays: z.number().int().min(1).max(longestLifetimeDays).nullable().optional(),
  classicTokensAdminister: z.boolean().optional(),
})

export const organizationTokenRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/token-policy',
    surface: 'api',
    action: 'org.settings.read',
    target,
    summary: 'Which access tokens of its members an organization takes.',
    handle: async ({ hub, allowed }) => json(await getTokenPolicy(hub, allowed.resource.id)),
  }),
  route({
    method: 'PUT',
    path: '/api/organizations/:name/token-policy',
    surface: 'api',
    action: 'org.token_policy.update',
    target,
    body: policyShape,
    summary:
      'Sets which access tokens of its members an organization takes, in a session: any, fine-grained ones, or fine-grained ones that an administrator approved; how many days they may live; and whether classic tokens of administrators administer it. What is absent stays.',
    handle: async ({ hub, allowed, body, request }) =>
      json(await setTokenPolicy(hub, allowed, request.origin, changeOf(body))),
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/settings/tokens',
    surface: 'api',
    action: 'org.token.read',
    target,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(200).default(50),
      cursor: z.string().max(100).optional(),
      waiting: z.enum(['true', 'false']).optional(),
    }),
    summary:
      'Access tokens of members that reach the organization, without their values, a page at a time (`Link`). `waiting=true`: those that wait for approval. Names are told only where tokens need approval.',
    handle: async ({ hub, allowed, query }) => {
      const isWaiting = query.waiting === 'true'
      const page = { after: readMark(query.cursor), limit: query.limit, isWaiting }
      const { policy, tokens, next } = await listTokens(hub, allowed, page)
      const path = `/api/organizations/${encodeURIComponent(allowed.resource.name)}/settings/tokens`
      const more = { limit: query.limit, waiting: isWaiting || null, cursor: next === null ? null : writeMark(next) }
      return json(
        tokens.map((token) => presentToken(token, policy.policy === 'approval')),
        200,
        { 'cache-control': 'no-store', ...(next === null ? {} : nextPageLink(hub.config, path, more)) },
      )
    },
  }),
  ...(['approve', 'deny'] as const).map((verb) =>
    route({
      method: 'POST',
      path: `/api/organizations/:name/settings/tokens/:tokenId/${verb}`,
      surface: 'api',
      action: 'org.token.approve',
      target,
      summary: `${verb === 'approve' ? 'Approves' : 'Denies'} a fine-grained token of a member for the organization, in a session.`,
      answers: { 200: 'So it is.', 404: 'No such token reaches the organization', 409: 'It was revoked' },
      handle: async ({ hub, allowed, params, request }) => {
        await judgeToken(
          hub,
          allowed,
          request.origin,
          params.get('tokenId'),
          verb === 'approve' ? 'approved' : 'denied',
        )
        return json({ success: true })
      },
    }),
  ),
  route({
    method: 'POST',
    path: '/api/organizations/:name/settings/tokens/:tokenId/revoke',
    surface: 'api',
    action: 'org.token.revoke',
    target,
    summary:
      "Revokes a member's token for this organization, for good. The token is not deleted: it still works elsewhere.",
    answers: { 200: 'It is not taken any more.', 400: 'It is your own', 404: 'No such token reaches the organization' },
    handle: async ({ hub, allowed, params, request }) => {
      await revokeToken(hub, allowed, request.origin, { id: params.get('tokenId') })
      return json({ success: true })
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/settings/tokens/revoke',
    surface: 'api',
    action: 'org.token.revoke',
    target,
    body: z.strictObject({ token: z.string().min(1).max(200) }),
    summary: "Revokes a member's token for this organization by its value, for who found one.",
    answers: { 200: 'It is not taken any more.', 400: 'It is your own', 404: 'No such token reaches the organization' },
    handle: async ({ hub, allowed, body, request }) => {
      await revokeToken(hub, allowed, request.origin, { value: body.token })
      return json({ success: true })
    },
  }),
]

function changeOf(body: z.infer<typeof policyShape>): Partial<OrganizationTokenPolicy> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
}

function presentToken(token: ListedToken, showsName: boolean): object {
  const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())
  return {
    id: token.id,
    user: token.ownerName,
    roleInOrg: token.ownerRole,
    displayName: showsName ? token.name : null,
    last4: token.last4,
    role: token.role,
    createdAt: time(token.createdAt),
    expiresAt: time(token.expiresAt),
    lastUsedAt: time(token.lastUsedAt),
    verdict: token.verdict,
    decidedAt: time(token.decidedAt),
    restriction: token.restriction,
  }
}

export function writeMark({ ownerId, id }: TokenMark): string {
  return `${ownerId}.${id}`
}

/** Throws `invalid_input`. */
export function readMark(text: string | undefined): TokenMark | null {
  if (text === undefined) return null
  const [, ownerId, id] = /^([0-9a-f]{24})\.([0-9a-f]{24})$/.exec(text) ?? []
  if (ownerId === undefined || id === undefined) {
    throw new HoldfastError('invalid_input', { reason: 'That cursor is none of this list.', field: 'cursor' })
  }
  return { ownerId, id }
}
