/** The pages of tokens that reach an organization. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { type Allowed, decide, mayOnceFresh } from '../../domain/policy.ts'
import { tokenPolicies } from '../../domain/token-policy.ts'
import type { Hub } from '../../hub.ts'
import { withQuery } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { OrganizationTokensPage, TokenPolicyPage, tokensOf } from './pages.tsx'
import { readMark, writeMark } from './routes.ts'
import {
  findListed,
  getTokenPolicy,
  judgeToken,
  listTokens,
  longestLifetimeDays,
  revokeToken,
  setTokenPolicy,
} from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const pageSize = 50

export const organizationTokenPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/tokens',
    surface: 'page',
    action: 'org.token.read',
    target,
    query: z.object({
      cursor: z.string().max(100).optional(),
      waiting: z.string().max(10).optional(),
      revoke: z.string().max(100).optional(),
    }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { name } = allowed.resource
      const isWaiting = query.waiting === 'true'
      const [context, page, revoking] = await Promise.all([
        pageContext(hub, facts, request),
        listTokens(hub, allowed, { after: readMark(query.cursor), limit: pageSize, isWaiting }),
        query.revoke === undefined ? null : findListed(hub, allowed, query.revoke),
      ])
      const waiting = isWaiting ? { waiting: 'true' } : {}
      const older = page.next === null ? null : withQuery(tokensOf(name), { ...waiting, cursor: writeMark(page.next) })
      return pageReply(
        context,
        <OrganizationTokensPage
          context={context}
          organization={name}
          policy={page.policy}
          view={{
            tokens: page.tokens,
            isWaiting,
            olderHref: older,
            firstHref: query.cursor === undefined ? null : withQuery(tokensOf(name), waiting),
          }}
          mayApprove={decide('org.token.approve', facts).allow}
          mayChangePolicy={mayOnceFresh('org.token_policy.update', facts)}
          revoking={revoking}
        />,
      )
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/:name/settings/tokens/policy',
    surface: 'page',
    action: 'org.token_policy.update',
    target,
    handle: ({ hub, allowed, facts, request }) => policyReply(hub, allowed, facts, request, {}),
  }),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/tokens/policy',
    surface: 'page',
    action: 'org.token_policy.update',
    target,
    body: z.object({
      policy: z.enum(tokenPolicies),
      mostDays: z.string().max(20).default(''),
      classicTokensAdminister: z.enum(['yes', 'no']),
    }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await setTokenPolicy(hub, allowed, request.origin, {
            policy: body.policy,
            mostDays: readDays(body.mostDays),
            classicTokensAdminister: body.classicTokensAdminister === 'yes',
          })
          return redirectWithNotice(tokensOf(allowed.resource.name), 'success', 'The token policy is saved.')
        },
        (fault) => policyReply(hub, allowed, facts, request, { form: formWithFault(body, fault), fault }),
      ),
  }),
  ...(['approve', 'deny'] as const).map((verb) =>
    route({
      method: 'POST',
      path: `/organizations/:name/settings/tokens/:tokenId/${verb}`,
      surface: 'page',
      action: 'org.token.approve',
      target,
      handle: async ({ hub, allowed, params, request }) => {
        await judgeToken(
          hub,
          allowed,
          request.origin,
          params.get('tokenId'),
          verb === 'approve' ? 'approved' : 'denied',
        )
        const words = verb === 'approve' ? 'The token is approved.' : 'The token is denied.'
        return redirectWithNotice(tokensOf(allowed.resource.name), 'success', words)
      },
    }),
  ),
  route({
    method: 'POST',
    path: '/organizations/:name/settings/tokens/:tokenId/revoke',
    surface: 'page',
    action: 'org.token.revoke',
    target,
    handle: ({ hub, allowed, params, request }) => {
      const here = tokensOf(allowed.resource.name)
      return orShow(
        async () => {
          await revokeToken(hub, allowed, request.origin, { id: params.get('tokenId') })
          return redirectWithNotice(here, 'success', 'The token reaches nothing here any more.')
        },
        async (fault) => redirectWithNotice(here, 'error', [fault.message, fault.next].filter(Boolean).join(' ')),
      )
    },
  }),
]

async function policyReply(
  hub: Hub,
  allowed: Allowed<'org.token_policy.update'>,
  facts: Facts,
  request: HttpRequest,
  view: { form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const { id, name } = allowed.resource
  const [context, policy] = await Promise.all([pageContext(hub, facts, request), getTokenPolicy(hub, id)])
  const page = <TokenPolicyPage context={context} organization={name} policy={policy} form={view.form ?? freshForm} />
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

/** Throws `invalid_input`. */
function readDays(text: string): number | null {
  if (text.trim() === '') return null
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= longestLifetimeDays) return days
  const reason = `A lifetime is a number of days from 1 to ${longestLifetimeDays.toLocaleString('en')}.`
  throw new HoldfastError('invalid_input', { reason, field: 'mostDays' })
}
