/** Limits of inference, for programs. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { amountsIn, largestLimit } from '../../domain/inference-limits.ts'
import { getLimits, type Limits, mostLimits, type NewLimits, type OwnLimit, setLimits } from './limits.ts'

const path = '/api/organizations/:name/inference-limits'
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

const amount = z.number().int().min(0).max(largestLimit).nullable().default(null)
const amountShape = {
  requestsPerMinute: amount,
  requestsPerMonth: amount,
  tokensPerMinute: amount,
  tokensPerMonth: amount,
}
const amounts = z.strictObject(amountShape).prefault({})
/** What a program reads it may send back: names and use are told, and not taken. */
const told = { name: z.string().optional(), used: z.unknown().optional() }
const named = z.strictObject({ ...amountShape, ...told, name: z.string().min(1).max(200) })
const workspace = z.strictObject({ ...amountShape, ...told, id: z.string().min(1).max(100) })
const limitsShape = z.strictObject({
  organization: z.strictObject({ ...amountShape, used: z.unknown().optional() }).prefault({}),
  everyWorkspace: amounts,
  everyMember: amounts,
  everyServiceAccount: amounts,
  everyToken: amounts,
  workspaces: z.array(workspace).max(mostLimits).default([]),
  members: z.array(named).max(mostLimits).default([]),
  serviceAccounts: z.array(named).max(mostLimits).default([]),
})

export const limitRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'api',
    action: 'org.inference_limits.read',
    target,
    summary:
      'How many requests and tokens an organization is billed for at most, in a minute and in a calendar month (UTC): as a whole, and of each workspace, account and token. Null: any number. With what is used, and an `ETag`.',
    handle: async ({ hub, allowed }) => reply(await getLimits(hub, allowed)),
  }),
  route({
    method: 'PUT',
    path,
    surface: 'api',
    action: 'org.inference_limits.update',
    target,
    body: limitsShape,
    summary:
      'Sets all of them at once: what is absent is not limited. What is set for one workspace, member or service account takes the place of what is set for all of its kind.',
    answers: { 412: '`If-Match` names a version that is not the current one', 422: 'Who is named is not of it' },
    handle: async ({ hub, allowed, body, request }) =>
      reply(await setLimits(hub, allowed, request.origin, limitsIn(body), request.header('if-match'))),
  }),
]

function limitsIn(body: z.output<typeof limitsShape>): NewLimits {
  return {
    organization: amountsIn(body.organization),
    defaults: {
      workspace: body.everyWorkspace,
      member: body.everyMember,
      'service-account': body.everyServiceAccount,
      token: body.everyToken,
    },
    workspaces: body.workspaces.map((one) => ({ id: one.id, amounts: amountsIn(one) })),
    members: body.members.map((one) => ({ name: one.name, amounts: amountsIn(one) })),
    serviceAccounts: body.serviceAccounts.map((one) => ({ name: one.name, amounts: amountsIn(one) })),
  }
}

function reply({ organization, use, defaults, own, version }: Limits) {
  const ofKind = (kind: OwnLimit['kind']) => own.filter((one) => one.kind === kind)
  const present = (one: OwnLimit) => ({ name: one.name, ...one.amounts, used: one.use })
  const body = {
    organization: { ...organization, used: use },
    everyWorkspace: defaults.workspace,
    everyMember: defaults.member,
    everyServiceAccount: defaults['service-account'],
    everyToken: defaults.token,
    workspaces: ofKind('workspace').map((one) => ({ id: one.id, ...present(one) })),
    members: ofKind('user').map(present),
    serviceAccounts: ofKind('service-account').map(present),
  }
  return json(body, 200, { etag: version, 'cache-control': 'no-store' })
}
