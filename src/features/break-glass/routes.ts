/** Emergency administration, for programs that hold a session of a person: no token of any kind can begin it. */

import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { reasonLimit } from '../temporary-roles/service.ts'
import { type BreakGlassState, breakGlass, getState, setBreakGlass } from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const path = '/api/organizations/:name/break-glass'

export const breakGlassRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'api',
    action: 'org.settings.read',
    target,
    summary: 'Whether an organization takes emergency administration, and whose is running, with its reason.',
    handle: async ({ hub, allowed }) => json(present(await getState(hub, allowed))),
  }),
  route({
    method: 'POST',
    path,
    surface: 'api',
    action: 'org.break_glass',
    target: { on: 'instance' },
    body: z.strictObject({ reason: z.string().max(reasonLimit), seconds: z.number().int().optional() }),
    summary:
      'Makes an administrator of this hub one of the organization, for an hour at most, in a fresh session and with a reason. All its administrators are told.',
    answers: { 201: 'An administrator until `until`.', 409: 'It is running already.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const made = await breakGlass(hub, allowed, request.origin, { organization: params.get('name'), ...body })
      return json(
        { organization: made.organization, role: 'admin', until: isoTime(made.until), reason: made.reason },
        201,
      )
    },
  }),
  route({
    method: 'PUT',
    path,
    surface: 'api',
    action: 'org.break_glass_policy.update',
    target,
    body: z.strictObject({ enabled: z.boolean() }),
    summary: 'Lets administrators of this hub administer the organization in an emergency, or not, in a session.',
    handle: async ({ hub, allowed, body, request }) => {
      await setBreakGlass(hub, allowed, request.origin, body.enabled)
      return json(present(await getState(hub, allowed)))
    },
  }),
]

function present({ enabled, running }: BreakGlassState) {
  return {
    enabled,
    running: running.map(({ name, since, until, reason }) => ({
      user: name,
      since: isoTime(since),
      until: isoTime(until),
      reason,
    })),
  }
}
