/** The settings page "Inference limits". */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, type Call as RouteCall, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { noLimit } from '../../domain/inference-limits.ts'
import { authorize } from '../../domain/policy.ts'
import { withQuery } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { formShape, sentAmounts, sharedIn } from './limit-form.ts'
import { type Changing, LimitsPage, limitsOf } from './limit-pages.tsx'
import { getLimits, type Limits, type OwnLimit, setLimits } from './limits.ts'
import { ownKinds, setOwnLimit, withShared } from './own-limit.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const rowsOfPage = 100
const here = '/organizations/:name/settings/inference-limits'
const ownShape = z.looseObject({
  kind: z.enum(ownKinds),
  name: z.string().min(1).max(200),
  version: z.string().max(100),
})

type PageCall = Pick<
  RouteCall<'org.inference_limits.read' | 'org.inference_limits.update', unknown, unknown>,
  'hub' | 'facts' | 'request'
>

export const limitPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: here,
    surface: 'page',
    action: 'org.inference_limits.read',
    target,
    query: z.object({
      /** The last one that was shown. */
      after: z.string().max(100).optional(),
      change: z.string().max(100).optional(),
    }),
    handle: async (call) => {
      const limits = await limitsNow(call)
      return await reply(call, limits, { after: call.query.after, changing: changingOf(limits, call.query.change) })
    },
  }),
  route({
    method: 'POST',
    path: here,
    surface: 'page',
    action: 'org.inference_limits.update',
    target,
    body: formShape,
    handle: async (call) => {
      const { hub, allowed, body, request } = call
      const limits = await limitsNow(call)
      return await orShow(
        async () => {
          await setLimits(hub, allowed, request.origin, withShared(limits, sharedIn(body)), body.version ?? null)
          return redirectWithNotice(limitsOf(allowed.resource.name), 'success', 'The limits are saved.')
        },
        (fault) => reply(call, limits, { form: formWithFault(body, fault), fault }),
      )
    },
  }),
  ...(['', '/remove'] as const).map((end) =>
    route({
      method: 'POST',
      path: `${here}/own${end}`,
      surface: 'page',
      action: 'org.inference_limits.update',
      target,
      body: ownShape,
      handle: async (call) => {
        const { hub, allowed, body, request } = call
        const limits = await limitsNow(call)
        return await orShow(
          async () => {
            if (body.version !== limits.version) throw new HoldfastError('inference_limits_changed')
            const amounts = end === '/remove' ? null : sentAmounts(formShape.parse(body), 'own')
            await setOwnLimit(hub, allowed, request.origin, limits, body, amounts)
            const said =
              end === '/remove'
                ? `The limits of ${body.name} are taken away: what holds for all of the kind holds again.`
                : `The limits of ${body.name} are saved.`
            return redirectWithNotice(limitsOf(allowed.resource.name), 'success', said)
          },
          (fault) => {
            const known = limits.own.find(({ kind, name }) => kind === body.kind && name === body.name)
            const form = formWithFault(body, fault)
            const changing: Changing = {
              kind: body.kind,
              name: known?.name ?? null,
              amounts: known?.amounts ?? noLimit,
              // What is sent again is held against what is shown now.
              form: { ...form, values: { ...form.values, version: limits.version } },
            }
            return reply(call, limits, { changing, fault })
          },
        )
      },
    }),
  ),
]

async function limitsNow({ hub, facts }: PageCall): Promise<Limits> {
  return await getLimits(hub, authorize('org.inference_limits.read', facts))
}

/** Throws `not_found` for who has no limits of their own. */
function changingOf({ own }: Limits, change: string | undefined): Changing | null {
  if (change === undefined) return null
  if (change === 'new') return { kind: 'user', name: null, amounts: noLimit, form: freshForm }
  const one = own.find(({ id }) => id === change)
  if (one === undefined) throw new HoldfastError('not_found')
  return { kind: one.kind, name: one.name, amounts: one.amounts, form: freshForm }
}

interface View {
  readonly after?: string | undefined
  readonly form?: FormState
  readonly changing?: Changing | null
  readonly fault?: HoldfastError
}

async function reply(
  { hub, facts, request }: PageCall,
  limits: Limits,
  { after, form = freshForm, changing = null, fault }: View,
): Promise<Reply> {
  const { name } = authorize('org.inference_limits.read', facts).resource
  const context = await pageContext(hub, facts, request)
  const rows = pageAfter(limits.own, after)
  const last = rows.at(-1)
  const page = (
    <LimitsPage
      context={context}
      organization={name}
      limits={limits}
      own={rows}
      total={limits.own.length}
      moreHref={last === undefined || last === limits.own.at(-1) ? null : withQuery(limitsOf(name), { after: last.id })}
      firstHref={after === undefined ? null : limitsOf(name)}
      form={form}
      changing={changing}
    />
  )
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}

function pageAfter(own: readonly OwnLimit[], after: string | undefined): readonly OwnLimit[] {
  const from = own.findIndex(({ id }) => id === after) + 1
  return own.slice(from, from + rowsOfPage)
}
