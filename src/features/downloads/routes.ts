/** Who downloaded a content, for programs: administrators of the hub see all, those of an organization what left its own repos. */
import { z } from 'zod'
import { replyWithJsonArray } from '../../access/json-array-reply.ts'
import { nextPageLink, type PageParameters } from '../../access/paging.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'
import { pluralOfKind } from '../../domain/names.ts'
import { contentPattern } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { contentsOf, type DownloadPage, listDownloads, listDownloadsOf, listDownloadsOfRepo } from './list.ts'
import { presentDownload } from './present.ts'
import { recordExport } from './record-export.ts'
import { scopeOf } from './scope.ts'

const mostPerPage = 1_000
const organization = z.string().max(100).optional()
const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(mostPerPage).default(100),
  /** The id of the last record that was seen. */
  cursor: z.string().max(24).optional(),
})

/** With `?organization=` the records of its repos alone, for its administrators. */
const target = ({ query }: Asked<unknown>) => {
  const name = query.get('organization')
  return name === null ? ({ on: 'instance' } as const) : ({ on: 'organization', name } as const)
}
const action = ({ query }: Asked<unknown>) =>
  query.get('organization') === null ? ('download.read' as const) : ('org.download.read' as const)

const answers = { 200: 'Newest first; empty also for a content that is not here', 403: 'Not an administrator' }

export const downloadApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/scan/contents/:content/downloads',
    surface: 'api',
    action,
    target,
    query: pageQuery.extend({ organization }),
    summary:
      'Who downloaded a content (`git:<object id>` or `sha256:<hash>`), a page at a time (`Link`): from all repos for administrators of the hub in a session, with `organization` from its repos for its administrators',
    answers,
    handle: async ({ hub, allowed, params, query }) => {
      const content = readContent(params.get('content'))
      const page = await listDownloads(hub, scopeOf(allowed), content, readCursor(query.cursor), query.limit)
      const path = `/api/scan/contents/${encodeURIComponent(content)}/downloads`
      return pageOf(hub, page, path, { organization: query.organization ?? null, limit: query.limit })
    },
  }),
  route({
    method: 'GET',
    path: '/api/scan/contents/:content/downloads/export',
    surface: 'api',
    action,
    target,
    query: z.object({ organization }),
    summary: 'The newest 100,000 of these records as one JSON array. The export is itself recorded.',
    answers,
    handle: async ({ hub, allowed, params, request, reauthorize }) => {
      const content = readContent(params.get('content'))
      const scope = scopeOf(allowed)
      if (request.method !== 'HEAD') await recordExport(hub, allowed, request.origin, content)
      const contents = await contentsOf(hub, scope, content)
      return await replyWithJsonArray(request, {
        fileName: `downloads-${content.replace(':', '-').slice(0, 24)}.json`,
        page: async (before: string | null, limit) => {
          const { records, next } = await listDownloadsOf(hub, scope, contents, before, limit)
          return { items: records.map(presentDownload), next }
        },
        stillAllowed: reauthorize,
      })
    },
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/downloads',
    surface: 'api',
    action: 'repo.download.read',
    target: ({ params }) => ({
      on: 'repo',
      kind: params.kind,
      namespace: params.get('namespace'),
      name: params.get('name'),
    }),
    query: pageQuery,
    summary: 'Who downloaded what from a repo, newest first, a page at a time (`Link`), for its administrators',
    answers: { 200: 'Records', 403: 'The role or the token is too weak', 404: 'RepoNotFound' },
    handle: async ({ hub, allowed, query }) => {
      const { kind, owner, name } = allowed.resource
      const page = await listDownloadsOfRepo(hub, allowed.resource, readCursor(query.cursor), query.limit)
      return pageOf(hub, page, `/api/${pluralOfKind(kind)}/${owner.name}/${name}/downloads`, { limit: query.limit })
    },
  }),
]

function pageOf(hub: Hub, page: DownloadPage, path: string, parameters: PageParameters): Reply {
  const link = page.next === null ? {} : nextPageLink(hub.config, path, { ...parameters, cursor: page.next })
  return json(page.records.map(presentDownload), 200, {
    'cache-control': 'no-store',
    // More repos hold it than were searched for fetches by git.
    ...(page.isComplete ? {} : { 'x-hf-warning': 'downloads; not every repo that holds this content was searched' }),
    ...link,
  })
}

/** Throws `bad_request` for what is no content. */
export function readContent(text: string): string {
  if (contentPattern.test(text)) return text
  throw new HoldfastError('bad_request', { reason: 'A content is written git:<object id> or sha256:<hash>.' })
}

/** Throws `bad_request` for what no page of ours gave out. */
export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined || cursor === '') return null
  if (!isId(cursor)) throw new HoldfastError('bad_request', { reason: 'This cursor is not one of ours.' })
  return cursor
}
