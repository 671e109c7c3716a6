/** What an owner has, with its storage (`hf repos ls`), and the tags that there are to filter by. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { type Facts, repoKinds } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { findUsage } from '../storage/service.ts'
import { listRepos, mostPerPage, nextLink, readCursor } from './listing.ts'
import { presentOwned } from './present.ts'
import { tagsByType } from './tag-words.ts'

const ownedQuery = z.object({
  search: repeatable.optional(),
  limit: z.coerce.number().int().min(1).max(mostPerPage).default(100),
  cursor: z.string().max(500).optional(),
})

export const ownedRepoRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/settings/repositories',
    surface: 'api',
    action: 'repo.list_own',
    target: { on: 'self' },
    query: ownedQuery,
    summary: "Lists the caller's own repositories with their storage",
    handle: async ({ hub, facts, query, request }) => {
      const owner = facts.principal.kind === 'user' ? facts.principal.name : ''
      return await ownedReply(hub, facts, owner, query, request)
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:namespace/settings/repositories',
    surface: 'api',
    action: 'org.repos.read',
    target: ({ params }) => ({ on: 'organization', name: params.get('namespace') }),
    query: ownedQuery,
    summary: 'Lists those repositories of an organization that the caller may see, with their storage',
    handle: async ({ hub, facts, allowed, query, request }) =>
      await ownedReply(hub, facts, allowed.resource.name, query, request),
  }),
  ...(['model', 'dataset'] as const).map((kind) =>
    route({
      method: 'GET',
      path: `/api/${kind}s-tags-by-type`,
      surface: 'api',
      action: 'instance.read',
      target: { on: 'instance' },
      summary: `The words that ${kind}s are filtered by`,
      handle: async () => json(tagsByType(kind), 200, { 'cache-control': 'public, max-age=3600' }),
    }),
  ),
]

/** All kinds in one list, last changed first. */
async function ownedReply(
  hub: Hub,
  facts: Facts,
  owner: string,
  query: z.output<typeof ownedQuery>,
  request: { readonly path: string; readonly query: URLSearchParams },
): Promise<Reply> {
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor)
  const pages = await Promise.all(
    repoKinds.map((kind) =>
      listRepos(hub, facts, {
        kind,
        author: owner,
        words: query.search,
        orderBy: 'updatedAt',
        direction: 'descending',
        after,
        limit: query.limit,
        wanted: { card: false, config: false },
      }),
    ),
  )
  const rows = pages
    .flatMap((page) => page.rows)
    .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1))
    .slice(0, query.limit)
  const found = pages.reduce((sum, page) => sum + page.rows.length, 0)
  const hasMore = found > rows.length || pages.some((page) => page.next !== null)
  const last = rows.at(-1)
  const next = hasMore && last !== undefined ? { value: last.updatedAt, id: last.id } : null
  const usage = await findUsage(
    hub.db,
    rows.map((row) => row.id),
  )
  return json(
    rows.map((row) => presentOwned(row, usage.get(row.id) ?? null)),
    200,
    nextLink(hub, request.path, request.query, next),
  )
}
