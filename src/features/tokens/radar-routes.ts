/** The interface of the radar for one's own tokens (idea 8). */
import { z } from 'zod'
import { nextPageLink } from '../../access/paging.ts'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Finding, type FindingMark, findingKinds, ownRadar } from './radar.ts'

const path = '/api/settings/tokens/radar'

export const radarRoutes: Route[] = [
  route({
    method: 'GET',
    path,
    surface: 'api',
    action: 'token.read',
    target: { on: 'self' },
    query: z.object({
      limit: z.coerce.number().int().min(1).max(200).default(50),
      cursor: z.string().max(100).optional(),
    }),
    summary:
      "One's own tokens that need attention, a page at a time (`Link`): never used, unused for 90 days, with permissions that nothing needed, or about to expire.",
    handle: async ({ hub, allowed, query }) => {
      const { findings, next } = await ownRadar(hub, allowed, { after: readMark(query.cursor), limit: query.limit })
      const more = next === null ? {} : nextPageLink(hub.config, path, { limit: query.limit, cursor: writeMark(next) })
      return json(findings.map(presentFinding), 200, { 'cache-control': 'no-store', ...more })
    },
  }),
]

function presentFinding({ token, kind, since, advice, permissions }: Finding) {
  const shown = { token, kind, since: new Date(since).toISOString(), advice }
  return kind === 'unused_permissions' ? { ...shown, permissions } : shown
}

export const writeMark = ({ tokenId, kind }: FindingMark): string => `${tokenId}.${kind}`

/** Throws `invalid_input`. */
export function readMark(cursor: string | undefined): FindingMark | null {
  if (cursor === undefined) return null
  const [tokenId = '', word] = cursor.split('.')
  const kind = findingKinds.find((one) => one === word)
  if (kind === undefined || tokenId === '') {
    throw new HoldfastError('invalid_input', { reason: 'The cursor is not one that this list gave.' })
  }
  return { tokenId, kind }
}
