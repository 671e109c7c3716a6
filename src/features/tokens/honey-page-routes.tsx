/** The pages of honey tokens. A value is in the answer to the POST that made it, which nothing may keep. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { deleteHoneyToken, type HoneyToken, listHoneyTokens, makeHoneyToken } from './honey.ts'
import { HoneyPage, type HoneyRow } from './honey-pages.tsx'
import { honeyPath, organizationHoneyPath } from './paths.ts'

const self = { on: 'self' } as const
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const newHoney = z.object({ name: z.string().max(2_000).default(''), place: z.string().max(2_000).default('') })
const organizationPath = '/organizations/:name/settings/tokens/honey'
const deleted = 'The honey token is deleted. Nobody hears of its use any more.'

export const honeyPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: honeyPath,
    surface: 'page',
    action: 'token.honey.read',
    target: self,
    handle: async ({ hub, allowed, facts, request }) =>
      await honeyReply({ hub, facts, request, organization: null }, await listHoneyTokens(hub, allowed), {}),
  }),
  route({
    method: 'POST',
    path: honeyPath,
    surface: 'page',
    action: 'token.honey.create',
    target: self,
    body: newHoney,
    handle: async ({ hub, allowed, facts, body, request, authorizeAlso }) => {
      const scene = { hub, facts, request, organization: null }
      const reading = await authorizeAlso('token.honey.read', self)
      return await orShow(
        async () => {
          const { value, token } = await makeHoneyToken(hub, allowed, request.origin, body)
          return await honeyReply(scene, await listHoneyTokens(hub, reading), { made: { name: token.name, value } })
        },
        async (fault) =>
          honeyReply(scene, await listHoneyTokens(hub, reading), { form: formWithFault(body, fault), fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: `${honeyPath}/:id/delete`,
    surface: 'page',
    action: 'token.honey.delete',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteHoneyToken(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(honeyPath, 'success', deleted)
    },
  }),
  route({
    method: 'GET',
    path: organizationPath,
    surface: 'page',
    action: 'org.honey_token.read',
    target,
    handle: async ({ hub, allowed, facts, request }) => {
      const scene = { hub, facts, request, organization: allowed.resource.name }
      return await honeyReply(scene, await listHoneyTokens(hub, allowed), {})
    },
  }),
  route({
    method: 'POST',
    path: organizationPath,
    surface: 'page',
    action: 'org.honey_token.create',
    target,
    body: newHoney,
    handle: async ({ hub, allowed, facts, params, body, request, authorizeAlso }) => {
      const scene = { hub, facts, request, organization: allowed.resource.name }
      const reading = await authorizeAlso('org.honey_token.read', { on: 'organization', name: params.get('name') })
      return await orShow(
        async () => {
          const { value, token } = await makeHoneyToken(hub, allowed, request.origin, body)
          return await honeyReply(scene, await listHoneyTokens(hub, reading), { made: { name: token.name, value } })
        },
        async (fault) =>
          honeyReply(scene, await listHoneyTokens(hub, reading), { form: formWithFault(body, fault), fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: `${organizationPath}/:id/delete`,
    surface: 'page',
    action: 'org.honey_token.delete',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteHoneyToken(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(organizationHoneyPath(allowed.resource.name), 'success', deleted)
    },
  }),
]

interface Scene {
  readonly hub: Hub
  readonly facts: Facts
  readonly request: HttpRequest
  readonly organization: string | null
}

async function honeyReply(
  { hub, facts, request, organization }: Scene,
  tokens: readonly HoneyToken[],
  state: { readonly made?: { name: string; value: string }; readonly form?: FormState; readonly fault?: HoldfastError },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <HoneyPage
      context={context}
      organization={organization}
      tokens={tokens.map(rowOf)}
      made={state.made ?? null}
      form={state.form ?? freshForm}
    />
  )
  const answer = state.fault === undefined ? {} : faultAnswer(state.fault)
  return pageReply(context, page, { ...answer, secret: state.made !== undefined })
}

function rowOf(token: HoneyToken): HoneyRow {
  const { id, name, place, last4, createdAt, lastUsedAt, lastIp, lastUserAgent, reportedAt } = token
  const used = lastUsedAt === null ? null : { at: lastUsedAt, ip: lastIp, program: lastUserAgent?.slice(0, 80) ?? null }
  return { id, name, place, lastFour: last4, createdAt, used, reportedAt }
}
