/** Audited downloads for programs: of an organization for its administrators, of the whole hub for those of the hub in a session. */
import { z } from 'zod'
import { replyWithLines } from '../../access/json-array-reply.ts'
import { nextPageLink } from '../../access/paging.ts'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import {
  type AuditedPage,
  type AuditedQuery,
  auditedQuery,
  getAuditScope,
  listAudited,
  recordAuditedExport,
  setAuditScope,
} from './audit-list.ts'
import { presentAudited } from './present.ts'
import { readCursor } from './routes.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const pageQuery = auditedQuery.extend({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** The id of the last record that was seen. */
  cursor: z.string().max(24).optional(),
})
const scopeShape = z.strictObject({ downloads: z.enum(['nothing', 'restricted', 'all']) })

export const downloadAuditRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/audit-log/downloads',
    surface: 'api',
    action: 'org.audit_log.read',
    target,
    query: pageQuery,
    summary:
      'Audited downloads from the repos of an organization, newest first, a page at a time (`Link`), by `repo` (owner/name), `principal`, `token` (id), `from` and `to`.',
    answers: { 400: 'A filter is none.' },
    handle: async ({ hub, allowed, query }) => {
      const { id, name } = allowed.resource
      const page = await listAudited(hub, id, query, readCursor(query.cursor), query.limit)
      return pageOf(hub, page, `/api/organizations/${encodeURIComponent(name)}/audit-log/downloads`, query)
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/audit-log/downloads/export',
    surface: 'api',
    action: 'org.audit_log.read',
    target,
    query: auditedQuery,
    summary: 'The newest 100,000 of these records as lines of JSON (NDJSON), each with its hash and its seal.',
    answers: { 400: 'A filter is none.' },
    handle: async ({ hub, allowed, query, request, reauthorize }) => {
      const { id, name } = allowed.resource
      if (request.method !== 'HEAD') await recordAuditedExport(hub, allowed, request.origin)
      return await replyWithLines(request, {
        fileName: `downloads-${name}.ndjson`,
        page: async (before: string | null, limit) => {
          const { records, next } = await listAudited(hub, id, query, before, limit)
          return { items: records.map(presentAudited), next }
        },
        stillAllowed: reauthorize,
      })
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/audit-log/downloads/settings',
    surface: 'api',
    action: 'org.settings.read',
    target,
    summary: 'Which downloads from its repos an organization has audited.',
    handle: async ({ hub, allowed }) => json({ downloads: await getAuditScope(hub, allowed.resource.id) }),
  }),
  route({
    method: 'PUT',
    path: '/api/organizations/:name/audit-log/downloads/settings',
    surface: 'api',
    action: 'org.download_audit.update',
    target,
    body: scopeShape,
    summary:
      'Decides which downloads are audited, in a session: nothing, restricted (private and gated repos, and content that is held), or all.',
    handle: async ({ hub, allowed, body, request }) => {
      await setAuditScope(hub, allowed, request.origin, body.downloads)
      return json({ downloads: body.downloads })
    },
  }),
  route({
    method: 'GET',
    path: '/api/audited-downloads',
    surface: 'api',
    action: 'download.read',
    target: () => ({ on: 'instance' }),
    query: pageQuery,
    summary: 'Audited downloads of the whole hub, for its administrators in a session, with the same filters.',
    answers: { 400: 'A filter is none.' },
    handle: async ({ hub, query }) =>
      pageOf(
        hub,
        await listAudited(hub, null, query, readCursor(query.cursor), query.limit),
        '/api/audited-downloads',
        query,
      ),
  }),
]

function pageOf(hub: Hub, page: AuditedPage, path: string, query: AuditedQuery & { readonly limit: number }) {
  const { repo, principal, token, from, to, limit } = query
  const asked = Object.fromEntries(
    Object.entries({ repo, principal, token, from, to }).filter(([, value]) => value !== ''),
  )
  return json(page.records.map(presentAudited), 200, {
    'cache-control': 'no-store',
    ...(page.next === null ? {} : nextPageLink(hub.config, path, { ...asked, limit, cursor: page.next })),
  })
}
