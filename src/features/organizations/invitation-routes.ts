/** The interface of invitations to an organization, for its administrators. Accepting is done on the page behind the link, signed in. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { roles } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { lastingShape } from '../temporary-roles/service.ts'
import { listInvitations } from './invitation-queries.ts'
import { type Invited, inviteByEmail, resendInvitation, withdrawInvitation } from './invitations.ts'
import { presentInvitation } from './present.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

/** The answer may hold a link that is shown once. */
const unkept = { 'cache-control': 'no-store' }

export const invitationApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/invitations',
    surface: 'api',
    action: 'org.invite_user',
    target,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(500).default(100),
      /** The address of the last invitation that was seen. */
      cursor: z.string().max(300).default(''),
    }),
    summary:
      'Invitations that nobody has answered, by address, a page at a time (`Link`). The links themselves are not shown.',
    handle: async ({ hub, allowed, query }) => {
      const { id, name } = allowed.resource
      const now = hub.clock.now()
      const rows = await listInvitations(hub.db, id, { after: query.cursor, limit: query.limit + 1, now })
      const shown = rows.slice(0, query.limit)
      const next = new URLSearchParams({ limit: String(query.limit), cursor: shown.at(-1)?.addressKey ?? '' })
      const link = `<${hub.config.publicUrl}/api/organizations/${encodeURIComponent(name)}/invitations?${next}>; rel="next"`
      return json(
        shown.map((row) => presentInvitation(row, now, row.inviterRole)),
        200,
        rows.length > query.limit ? { link } : {},
      )
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/invitations',
    surface: 'api',
    action: 'org.invite_user',
    target,
    body: z.object({ email: z.string().max(300), role: z.enum(roles).optional(), ...lastingShape }),
    summary:
      'Invites somebody by e-mail; without a role, with the default role. Where the hub sends no e-mail, `link` is to be handed over: it is shown once.',
    answers: {
      201: 'Invited. The answer says nothing about accounts.',
      409: 'Invited already, or no seat is left.',
      429: 'Too many invitations.',
    },
    handle: async ({ hub, allowed, body, request }) => {
      const input = { email: body.email, role: body.role ?? null }
      return json(present(hub, await inviteByEmail(hub, allowed, request.origin, input)), 201, unkept)
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/invitations/:id/resend',
    surface: 'api',
    action: 'org.invite_user',
    target,
    summary: 'Sends an invitation anew, for two weeks; the link that was sent before ends.',
    answers: { 200: 'On its way.', 404: 'There is no such invitation.', 409: 'No seat is left.' },
    handle: async ({ hub, allowed, params, request }) =>
      json(present(hub, await resendInvitation(hub, allowed, request.origin, params.get('id'))), 200, unkept),
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/invitations/:id',
    surface: 'api',
    action: 'org.invite_user',
    target,
    summary: 'Withdraws an invitation: its link ends.',
    answers: { 204: 'Withdrawn.', 404: 'There is no such invitation.' },
    handle: async ({ hub, allowed, params, request }) => {
      await withdrawInvitation(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
]

function present(hub: Hub, { invitation, link }: Invited) {
  return { ...presentInvitation(invitation, hub.clock.now()), ...(link === null ? {} : { link }) }
}
