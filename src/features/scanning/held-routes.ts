/** Lists of quarantine for programs: what is unsafe on the hub or in an organization, and what was released. */
import { z } from 'zod'
import { nextPageLink, type PageParameters } from '../../access/paging.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { contentPattern } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { TimeMark } from './held-queries.ts'
import { type HeldPlace, type Listed, listReleases, listUnsafe, type Release, type UnsafeContent } from './list-held.ts'

const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
})

/** With `?organization=` what lies in its repos, for its administrators. */
const target = ({ query }: Asked<unknown>) => {
  const name = query.get('organization')
  return name === null ? ({ on: 'instance' } as const) : ({ on: 'organization', name } as const)
}

export const heldRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/scan/unsafe',
    surface: 'api',
    action: ({ query }) => (query.get('organization') === null ? ('scan.read' as const) : ('org.scan.read' as const)),
    target,
    query: pageQuery.extend({ organization: z.string().max(100).optional() }),
    summary:
      'What scanners found unsafe, newest first, a page at a time (`Link`), with the repos that hold it: for administrators of the hub in a session, with `organization` for its administrators',
    answers: { 200: 'Contents, each with what was found and where it is held', 403: 'Not an administrator' },
    handle: async ({ hub, allowed, query }) => {
      const page = await listUnsafe(hub, allowed.resource?.id ?? null, readMark(query.cursor), query.limit)
      return pageOf(hub, page, presentUnsafe, '/api/scan/unsafe', {
        organization: query.organization ?? null,
        limit: query.limit,
      })
    },
  }),
  route({
    method: 'GET',
    path: '/api/scan/releases',
    surface: 'api',
    action: 'scan.read',
    target: { on: 'instance' },
    query: pageQuery,
    summary:
      'What was released from quarantine, newest first, a page at a time (`Link`): for administrators of the hub, in a session',
    answers: { 200: 'Releases, each with its reason', 403: 'Not an administrator' },
    handle: async ({ hub, query }) => {
      const page = await listReleases(hub, readMark(query.cursor), query.limit)
      return pageOf(hub, page, presentRelease, '/api/scan/releases', { limit: query.limit })
    },
  }),
]

function pageOf<Item>(
  hub: Hub,
  { items, next }: Listed<Item>,
  present: (item: Item) => object,
  path: string,
  parameters: PageParameters,
): Reply {
  const link = next === null ? {} : nextPageLink(hub.config, path, { ...parameters, cursor: writeMark(next) })
  return json(items.map(present), 200, { 'cache-control': 'no-store', ...link })
}

function presentUnsafe({ content, size, foundAt, found, isReleased, places, hasMore }: UnsafeContent): object {
  return {
    content,
    size,
    foundAt: new Date(foundAt).toISOString(),
    found,
    released: isReleased,
    repos: places.map(presentPlace),
    moreRepos: hasMore,
  }
}

function presentRelease({ content, reason, releasedAt, releasedBy, level, places, hasMore }: Release): object {
  return {
    content,
    reason,
    releasedAt: new Date(releasedAt).toISOString(),
    releasedBy,
    level,
    repos: places.map(presentPlace),
    moreRepos: hasMore,
  }
}

function presentPlace({ kind, namespace, name, path, isHeld }: HeldPlace): object {
  return { type: kind, name: `${namespace}/${name}`, path, held: isHeld }
}

export function writeMark({ at, content }: TimeMark): string {
  return `${at}-${content}`
}

/** Throws `bad_request` for what no page of ours gave out. */
export function readMark(cursor: string | undefined): TimeMark | null {
  if (cursor === undefined || cursor === '') return null
  const [, at = '', content = ''] = /^(\d{1,15})-(.+)$/.exec(cursor) ?? []
  if (!contentPattern.test(content))
    throw new HoldfastError('bad_request', { reason: 'This cursor is not one of ours.' })
  return { at: Number(at), content }
}
