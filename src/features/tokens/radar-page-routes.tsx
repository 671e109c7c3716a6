/** The page of one's own tokens that need attention (idea 8). */
import { z } from 'zod'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { type Route, route } from '../../access/route.ts'
import { withQuery } from '../../web/address.ts'
import { radarPath } from './paths.ts'
import { ownRadar } from './radar.ts'
import { RadarPage } from './radar-pages.tsx'
import { readMark, writeMark } from './radar-routes.ts'

const pageSize = 50

export const radarPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: radarPath,
    surface: 'page',
    action: 'token.read',
    target: { on: 'self' },
    query: z.object({ cursor: z.string().max(100).optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const [context, { findings, next }] = await Promise.all([
        pageContext(hub, facts, request),
        ownRadar(hub, allowed, { after: readMark(query.cursor), limit: pageSize }),
      ])
      const page = (
        <RadarPage
          context={context}
          findings={findings}
          olderHref={next === null ? null : withQuery(radarPath, { cursor: writeMark(next) })}
          firstHref={query.cursor === undefined ? null : radarPath}
        />
      )
      return pageReply(context, page)
    },
  }),
]
