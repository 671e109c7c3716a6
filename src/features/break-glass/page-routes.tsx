/** The pages of emergency administration. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { decide, mayOnceFresh } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { membersPath } from '../../web/settings-frame.tsx'
import { minuteTime } from '../../web/time-words.ts'
import { findNamespace } from '../organizations/service.ts'
import { BreakGlassPage, EmergencyPage, emergencyPath } from './pages.tsx'
import { breakGlass, getState, setBreakGlass } from './service.ts'

const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const taking = '/organizations/:name/break-glass'
const settings = '/organizations/:name/settings/emergency'

export const breakGlassPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: taking,
    surface: 'page',
    action: 'org.break_glass',
    target: { on: 'instance' },
    handle: ({ hub, facts, params, request }) => takeReply(hub, params.get('name'), facts, request, {}),
  }),
  route({
    method: 'POST',
    path: taking,
    surface: 'page',
    action: 'org.break_glass',
    target: { on: 'instance' },
    body: z.object({ reason: z.string().max(1_000).default(''), seconds: z.coerce.number().int() }),
    handle: ({ hub, allowed, facts, params, body, request }) =>
      orShow(
        async () => {
          const input = { organization: params.get('name'), ...body }
          const { organization: name, until } = await breakGlass(hub, allowed, request.origin, input)
          const words = `You administer ${name} until ${minuteTime(until)}. Everybody there is told.`
          return redirectWithNotice(membersPath(name), 'warning', words)
        },
        (fault) => {
          const form = formWithFault({ reason: body.reason, seconds: String(body.seconds) }, fault)
          return takeReply(hub, params.get('name'), facts, request, { form, fault })
        },
      ),
  }),
  route({
    method: 'GET',
    path: settings,
    surface: 'page',
    action: 'org.settings.read',
    target: organization,
    handle: async ({ hub, allowed, facts, request }) => {
      const [context, state] = await Promise.all([pageContext(hub, facts, request), getState(hub, allowed)])
      return pageReply(
        context,
        <EmergencyPage
          context={context}
          organization={allowed.resource.name}
          state={state}
          mayEnd={decide('org.change_role', facts).allow}
          mayDecide={mayOnceFresh('org.break_glass_policy.update', facts)}
          form={freshForm}
        />,
      )
    },
  }),
  route({
    method: 'POST',
    path: settings,
    surface: 'page',
    action: 'org.break_glass_policy.update',
    target: organization,
    body: z.object({ enabled: z.enum(['yes', 'no']) }),
    handle: async ({ hub, allowed, body, request }) => {
      await setBreakGlass(hub, allowed, request.origin, body.enabled === 'yes')
      return redirectWithNotice(emergencyPath(allowed.resource.name), 'success', 'It is saved.')
    },
  }),
]

async function takeReply(
  hub: Hub,
  name: string,
  facts: Facts,
  request: HttpRequest,
  view: { form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const [context, found] = await Promise.all([pageContext(hub, facts, request), findNamespace(hub.db, name)])
  if (found?.kind !== 'organization') throw new HoldfastError('organization_not_found')
  const page = <BreakGlassPage context={context} organization={found.name} form={view.form ?? freshForm} />
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}
