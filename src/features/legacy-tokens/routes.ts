/** The deprecated token of an organization, for programs: to see that it is there, to refresh it, to be rid of it. Nothing here makes one. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { deleteLegacyToken, getLegacyToken, type LegacyToken, rotateLegacyToken } from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const path = '/api/organizations/:name/legacy-token'

/** Other tokens take an overlap. Whoever counts on one must hear that there is none before the old value ends (OAT-2). */
const rotateBody = z.strictObject({
  overlapSeconds: z
    .literal(0, { error: 'The token of an organization is refreshed without an overlap: the old value ends at once.' })
    .optional(),
})

export const legacyTokenRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'api',
    action: 'org.legacy_token.read',
    target,
    summary:
      'Whether the organization has its deprecated token, with its role and last four characters. The value is shown to nobody.',
    handle: async ({ hub, allowed }) => {
      const { isTaken, token } = await getLegacyToken(hub, allowed)
      return json({ enabled: isTaken, deprecated: true, token: token === null ? null : present(token) })
    },
  }),
  route({
    method: 'POST',
    path: `${path}/rotate`,
    surface: 'api',
    action: 'org.rotate_token',
    target,
    body: rotateBody,
    summary:
      'Refreshes the deprecated token of the organization, in a fresh session: the old value is refused from the next request, and the new one is in this answer and nowhere else.',
    answers: { 404: 'The organization has none; no endpoint makes one.' },
    handle: async ({ hub, allowed, request }) => {
      const { value, token } = await rotateLegacyToken(hub, allowed, request.origin)
      return json({ ...present(token), value }, 200, { 'cache-control': 'no-store' })
    },
  }),
  route({
    method: 'DELETE',
    path,
    surface: 'api',
    action: 'org.delete_token',
    target,
    summary: 'Deletes the deprecated token of the organization for good, in a session.',
    answers: { 204: 'It is gone.', 404: 'The organization has none.' },
    handle: async ({ hub, allowed, request }) => {
      await deleteLegacyToken(hub, allowed, request.origin)
      return empty(204)
    },
  }),
]

function present({ role, last4, createdAt, rotatedAt, lastUsedAt }: LegacyToken) {
  return { role, last4, createdAt: isoTime(createdAt), rotatedAt: isoTime(rotatedAt), lastUsedAt: isoTime(lastUsedAt) }
}
