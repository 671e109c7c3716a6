/** The interface of an organization's radar for tokens (idea 8). */

import { z } from 'zod'
import { nextPageLink } from '../../access/paging.ts'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { organizationRadar, type RadarToken } from './radar.ts'
import { radarKinds } from './radar-queries.ts'
import { readMark, writeMark } from './routes.ts'

export const organizationRadarRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/token-radar',
    surface: 'api',
    action: 'org.token.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }) as const,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(200).default(50),
      cursor: z.string().max(100).optional(),
      kind: z.enum(radarKinds).optional(),
    }),
    summary:
      'Access tokens of members and service accounts that reach the organization and need attention, without their values, a page at a time (`Link`), each with its findings. `kind`: only those of which it is so.',
    handle: async ({ hub, allowed, query }) => {
      const { limit, kind = null } = query
      const { tokens, next } = await organizationRadar(hub, allowed, { after: readMark(query.cursor), limit, kind })
      const path = `/api/organizations/${encodeURIComponent(allowed.resource.name)}/token-radar`
      const more = next === null ? {} : nextPageLink(hub.config, path, { limit, kind, cursor: writeMark(next) })
      return json(tokens.map(presentToken), 200, { 'cache-control': 'no-store', ...more })
    },
  }),
]

function presentToken({ token, displayName, findings }: RadarToken): object {
  return {
    id: token.id,
    owner: { kind: token.ownerKind, name: token.ownerName },
    displayName,
    last4: token.last4,
    role: token.role,
    createdAt: isoTime(token.createdAt),
    expiresAt: isoTime(token.expiresAt),
    lastUsedAt: isoTime(token.lastUsedAt),
    findings,
  }
}
