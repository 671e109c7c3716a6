/** The audit log of an organization for programs: a page of it, and the Hub's export. */
import { nextPageLink } from '../../access/paging.ts'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { replyWithExport } from './export-reply.ts'
import { filterQuery, given, listQuery, readCursor, readFilter } from './filter.ts'
import { listEvents } from './list-events.ts'
import { presentEntry } from './present.ts'
import { recordExport } from './record-export.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const auditApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/audit-log',
    surface: 'api',
    action: 'org.audit_log.read',
    target,
    query: listQuery,
    summary:
      'The audit log of an organization, newest first, a page at a time (`Link`), by event (`repo.*`), actor, address and time, or by `q` as on the Hub.',
    answers: { 400: 'A filter is none.' },
    handle: async ({ hub, allowed, query }) => {
      const { id, name } = allowed.resource
      const { cursor, ...asked } = query
      const page = await listEvents(hub, readFilter(id, asked), readCursor(cursor), asked.limit)
      const path = `/api/organizations/${encodeURIComponent(name)}/audit-log`
      return json(
        page.entries.map((entry) => presentEntry(hub, entry)),
        200,
        {
          'cache-control': 'no-store',
          ...(page.next === null ? {} : nextPageLink(hub.config, path, { ...given(asked), cursor: page.next })),
        },
      )
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/audit-log/export',
    surface: 'api',
    action: 'org.audit_log.read',
    target,
    query: filterQuery,
    summary:
      'The last 100,000 entries of the audit log as one JSON array, by the same filters. The export is itself recorded.',
    answers: { 200: 'The entries, newest first, the export itself on top.', 400: 'A filter is none.' },
    handle: async ({ hub, allowed, query, request, reauthorize }) => {
      const { id, name } = allowed.resource
      const filter = readFilter(id, query)
      if (request.method !== 'HEAD') await recordExport(hub, allowed, request.origin, given(query))
      const day = new Date(hub.clock.now()).toISOString().slice(0, 10)
      return await replyWithExport(hub, request, filter, {
        fileName: `audit-log-${name}-${day}.json`,
        stillAllowed: reauthorize,
      })
    },
  }),
]
