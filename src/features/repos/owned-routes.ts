/** What an owner has, with its storage (`hf repos ls`), and the tags that there are to filter by. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { findUsage } from '../storage/service.ts'
import { mostPerPage, nextLink } from './listing.ts'
import { listOwned } from './owned.ts'
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

async function ownedReply(
  hub: Hub,
  facts: Facts,
  owner: string,
  query: z.output<typeof ownedQuery>,
  request: { readonly path: string; readonly query: URLSearchParams },
): Promise<Reply> {
  const { rows, next } = await listOwned(hub, facts, owner, query)
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
