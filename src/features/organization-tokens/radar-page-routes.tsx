/** The page of tokens that reach an organization and need attention (idea 8). */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { withQuery } from '../../web/address.ts'
import { tokensOf } from './pages.tsx'
import { organizationRadar } from './radar.ts'
import { OrganizationRadarPage } from './radar-pages.tsx'
import { radarKinds } from './radar-queries.ts'
import { readMark, writeMark } from './routes.ts'

const pageSize = 50

export const organizationRadarPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/organizations/:name/settings/tokens/radar',
    surface: 'page',
    action: 'org.token.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('name') }) as const,
    // The form sends an empty kind for any.
    query: z.object({ cursor: z.string().max(100).optional(), kind: z.enum(['', ...radarKinds]).default('') }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { name } = allowed.resource
      const kind = query.kind === '' ? null : query.kind
      const [context, radar] = await Promise.all([
        pageContext(hub, facts, request),
        organizationRadar(hub, allowed, { after: readMark(query.cursor), limit: pageSize, kind }),
      ])
      const here = tokensOf(name, '/radar')
      const older = radar.next === null ? null : withQuery(here, { kind, cursor: writeMark(radar.next) })
      const page = (
        <OrganizationRadarPage
          context={context}
          organization={name}
          radar={radar}
          kind={kind}
          olderHref={older}
          firstHref={query.cursor === undefined ? null : withQuery(here, { kind })}
        />
      )
      return pageReply(context, page)
    },
  }),
]
