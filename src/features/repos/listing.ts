/** Lists of repos: reads what a client asks for, takes a page of what it may see, and says where the next page begins. */
import { z } from 'zod'
import { queryFlag, repeatable } from '../../access/body.ts'
import { type RepoOrder, type RepoPosition, visibleRepos } from '../../access/visible-repos.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, RepoKind } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { findNamespace } from '../organizations/service.ts'
import type { ShownRow } from './present.ts'
import { listRepoRows } from './queries.ts'

export const mostPerPage = 1000
const usualPerPage = 100

const commaList = repeatable.transform((values) =>
  values
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== ''),
)

/** The query of `GET /api/models` and its sisters. */
export const listingQuery = z.object({
  search: repeatable.optional(),
  author: z.string().optional(),
  filter: commaList.optional(),
  apps: commaList.optional(),
  pipeline_tag: z.string().optional(),
  sort: z.string().optional(),
  direction: z.string().optional(),
  limit: z.coerce.number().int().min(1, 'is at least 1').optional(),
  cursor: z.string().max(500).optional(),
  full: queryFlag.optional(),
  config: queryFlag.optional(),
  cardData: queryFlag.optional(),
  expand: repeatable.optional(),
  gated: queryFlag.optional(),
  /** `warm` or `served`: models that a server answers for. */
  inference: z.string().optional(),
  // What this hub has none of: a list that asks for it is empty.
  inference_provider: repeatable.optional(),
  num_parameters: z.string().optional(),
  datasets: repeatable.optional(),
  models: repeatable.optional(),
})
export type ListingQuery = z.output<typeof listingQuery>

/** The clients' words for an order, old spellings included. */
const orders: Readonly<Record<string, RepoOrder>> = {
  createdAt: 'createdAt',
  created_at: 'createdAt',
  lastModified: 'updatedAt',
  last_modified: 'updatedAt',
  downloads: 'downloads',
  likes: 'likes',
  trendingScore: 'trendingScore',
  trending_score: 'trendingScore',
}
const orderNames = ['createdAt', 'downloads', 'lastModified', 'likes', 'trendingScore']

export interface ListRequest {
  readonly kind: RepoKind
  readonly author?: string | undefined
  readonly words?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly pipelineTag?: string | undefined
  readonly isGated?: boolean | undefined
  /** Only models that a server answers for. */
  readonly isServed?: true | undefined
  readonly orderBy: RepoOrder
  readonly direction: 'ascending' | 'descending'
  readonly after?: RepoPosition | undefined
  readonly limit: number
  readonly wanted: { readonly card: boolean; readonly config: boolean; readonly served?: boolean | undefined }
}

export interface ListPage {
  readonly rows: readonly ShownRow[]
  /** The last row, where there are more. */
  readonly next: RepoPosition | null
}

const emptyPage: ListPage = { rows: [], next: null }

export async function listRepos(hub: Hub, viewer: Facts, request: ListRequest): Promise<ListPage> {
  const owner = request.author === undefined ? undefined : await findNamespace(hub.db, request.author)
  if (owner === null) return emptyPage
  const positions = await visibleRepos(hub.db, viewer, {
    ...request,
    words: (request.words ?? []).map(nameKey),
    ownerId: owner?.id,
    limit: request.limit + 1,
    now: hub.clock.now(),
  })
  const shown = positions.slice(0, request.limit)
  const rows = await listRepoRows(
    hub.db,
    shown.map(({ id }) => id),
    request.wanted,
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  return {
    rows: shown.flatMap(({ id }) => byId.get(id) ?? []),
    next: positions.length > request.limit ? (shown.at(-1) ?? null) : null,
  }
}

/** Null where nothing here can be what is asked for. Throws `bad_request` for an order, a length or a cursor that is none. */
export function readListing(kind: RepoKind, query: ListingQuery): ListRequest | null {
  const orderBy = orders[query.sort ?? 'createdAt']
  if (orderBy === undefined) {
    throw new HoldfastError('bad_request', { reason: `"sort" must be one of [${orderNames.join(', ')}]` })
  }
  const words = (query.search ?? []).map((word) => word.trim()).filter((word) => word !== '')
  const tags = [...(query.filter ?? []), ...(query.apps ?? [])]
  if (words.length > 10 || tags.length > 20 || words.some((word) => word.length > 200)) {
    throw new HoldfastError('bad_request', {
      reason: 'A search has at most 10 words of 200 characters and 20 filters.',
    })
  }
  const direction = query.direction === '1' || query.direction === 'asc' ? 'ascending' : 'descending'
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor)
  // The Hub's word, and this hub's.
  const isServed = kind === 'model' && (query.inference === 'warm' || query.inference === 'served')
  const isForeign =
    [isServed ? undefined : query.inference, query.inference_provider, query.num_parameters].some(
      (asked) => asked !== undefined,
    ) ||
    (kind === 'space' && [query.datasets, query.models].some((asked) => asked !== undefined))
  if (isForeign) return null
  return {
    kind,
    author: query.author === '' ? undefined : query.author,
    words,
    tags,
    pipelineTag: query.pipeline_tag,
    isGated: query.gated,
    isServed: isServed ? true : undefined,
    orderBy,
    direction,
    after,
    limit: Math.min(query.limit ?? usualPerPage, mostPerPage),
    wanted: { card: false, config: false },
  }
}

const cursorShape = z.tuple([z.number().int(), z.string().regex(/^[0-9a-f]{24}$/)])

/** Says nothing that the page before did not say, so it needs no signature: whoever changes it begins elsewhere in the same list. */
export function writeCursor(position: RepoPosition): string {
  return Buffer.from(JSON.stringify([position.value, position.id])).toString('base64url')
}

export function readCursor(text: string): RepoPosition {
  const parsed = cursorShape.safeParse(parsedJson(Buffer.from(text, 'base64url').toString('utf8')))
  if (!parsed.success) throw new HoldfastError('bad_request', { reason: 'This cursor is not one of ours.' })
  return { value: parsed.data[0], id: parsed.data[1] }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** `Link` to the next page; absolute, as the JavaScript client insists. */
export function nextLink(
  hub: Hub,
  path: string,
  query: URLSearchParams,
  next: RepoPosition | null,
): Record<string, string> {
  if (next === null) return {}
  const following = new URLSearchParams(query)
  following.set('cursor', writeCursor(next))
  return { link: `<${hub.config.publicUrl}${path}?${following}>; rel="next"` }
}
