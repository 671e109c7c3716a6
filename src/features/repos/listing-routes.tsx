/** The pages that list repos: home, one kind, a namespace, the search over everything. Each is a keyset page of what the viewer may see. */
import type { Child } from 'hono/jsx'
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { findRenamedOwner } from '../../access/find-moved.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import { redirect } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import { type ErrorCode, HoldfastError, orRefusal } from '../../domain/errors.ts'
import { type Facts, type RepoKind, repoKinds } from '../../domain/facts.ts'
import { nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { listPath, namespacePath, withQuery } from '../../web/address.ts'
import { HomePage } from './home-page.tsx'
import { type ListPage, type ListRequest, listRepos, readCursor, writeCursor } from './listing.ts'
import { ListingPage, type ListingQuery, listingHref, listingSorts, SearchPage } from './listing-pages.tsx'
import { NamespacePage } from './namespace-page.tsx'
import type { ShownRow } from './present.ts'
import { findProfile, listProfiles } from './queries.ts'
import type { RepoRow } from './repo-rows.tsx'

const instance = { on: 'instance' } as const
const perPage = 30
const onHome = 10
const ofEachKind = 10
/** More organizations than this are not looked through for the first page. */
const ownersOnHome = 8

const listingShape = z.object({
  search: z.string().max(200).default(''),
  sort: z.string().default('lastModified'),
  author: z.string().max(100).default(''),
  filter: repeatable.default([]),
  inference: z.string().max(20).default(''),
  cursor: z.string().max(500).optional(),
})

/** The card of a person or an organization, drawn by a feature that reads what is in repos; null where there is none. */
export type DrawOwnerCard = (
  call: Pick<Call<'user.read', unknown, unknown>, 'hub' | 'authorizeAlso'>,
  owner: string,
) => Promise<Child | null>

export const listingRoutes = (drawOwnerCard: DrawOwnerCard): Route[] => [
  route({
    method: 'GET',
    path: '/',
    surface: 'page',
    action: 'repo.list',
    target: instance,
    handle: async ({ hub, facts, request }) => {
      const context = await pageContext(hub, facts, request)
      const mine = context.viewer === null ? null : ownersOf(context.viewer)
      const yours = mine === null ? null : await lastChanged(hub, facts, mine)
      const recent = await lastChanged(hub, facts, [undefined])
      return pageReply(
        context,
        <HomePage context={context} publicUrl={hub.config.publicUrl} yours={yours} recent={recent} />,
      )
    },
  }),
  ...repoKinds.map((kind) =>
    route({
      method: 'GET',
      path: listPath[kind],
      surface: 'page',
      action: 'repo.list',
      target: instance,
      query: listingShape,
      handle: async ({ hub, facts, query, request }) => {
        const asked = askedFor(kind, query)
        const page = await listRepos(hub, facts, {
          ...ordered(kind, asked.sort),
          author: asked.author === '' ? undefined : asked.author,
          words: wordsOf(asked.search),
          tags: asked.filters,
          isServed: asked.served ? true : undefined,
          after: query.cursor === undefined ? undefined : readCursor(query.cursor),
          limit: perPage,
        })
        const context = await pageContext(hub, facts, request)
        const here = listingHref(kind, asked)
        return pageReply(
          context,
          <ListingPage
            context={context}
            kind={kind}
            query={asked}
            repos={page.rows.map(shownRow)}
            total={null}
            nextHref={nextHref(here, page)}
            firstHref={query.cursor === undefined ? null : here}
            suggestedFilters={suggestions(page.rows)}
          />,
        )
      },
    }),
  ),
  route({
    method: 'GET',
    path: '/search',
    surface: 'page',
    action: 'repo.list',
    target: instance,
    query: z.object({ q: z.string().max(200).default('') }),
    handle: async ({ hub, facts, query, request }) => {
      const words = wordsOf(query.q)
      const groups = await Promise.all(
        repoKinds.map(async (kind) => {
          if (words.length === 0) return { kind, repos: [], hasMore: false }
          const page = await listRepos(hub, facts, { ...ordered(kind, 'lastModified'), words, limit: ofEachKind })
          return { kind, repos: page.rows.map(shownRow), hasMore: page.next !== null }
        }),
      )
      const [word] = words
      const namespaces =
        words.length === 1 && word !== undefined ? await listProfiles(hub.db, nameKey(word), ofEachKind) : []
      const context = await pageContext(hub, facts, request)
      return pageReply(
        context,
        <SearchPage context={context} query={query.q.trim()} groups={groups} namespaces={namespaces} />,
      )
    },
  }),
  route({
    method: 'GET',
    path: '/:namespace',
    surface: 'page',
    action: 'user.read',
    target: instance,
    query: z.object({ kind: z.enum(['model', 'dataset', 'space']).default('model'), cursor: z.string().optional() }),
    handle: async (call) => {
      const { hub, facts, params, query, request, authorizeAlso } = call
      const profile = await findProfile(hub.db, nameKey(params.get('namespace')))
      if (profile === null) {
        const renamed = await findRenamedOwner(hub.db, params.get('namespace'))
        if (renamed === null) throw new HoldfastError('not_found')
        return redirect(namespacePath(renamed), 307)
      }
      const { kind, cursor } = query
      const page = await listRepos(hub, facts, {
        ...ordered(kind, 'lastModified'),
        author: profile.name,
        after: cursor === undefined ? undefined : readCursor(cursor),
        limit: perPage,
      })
      const here = withQuery(namespacePath(profile.name), { kind: kind === 'model' ? null : kind })
      const isFront = kind === 'model' && cursor === undefined
      const { name } = profile
      const ofOrganization = async (action: 'org.members.read' | 'org.settings.read') =>
        profile.kind === 'organization' &&
        (await decisionOf(() => authorizeAlso(action, { on: 'organization', name }))) === 'allowed'
      const [context, creating, maySeeMembers, maySeeSettings, card] = await Promise.all([
        pageContext(hub, facts, request),
        decisionOf(() => authorizeAlso('repo.create', { on: 'namespace', name })),
        ofOrganization('org.members.read'),
        ofOrganization('org.settings.read'),
        isFront ? drawOwnerCard(call, name) : null,
      ])
      return pageReply(
        context,
        <NamespacePage
          context={context}
          namespace={profile}
          kind={kind}
          repos={page.rows.map(shownRow)}
          nextHref={nextHref(here, page)}
          firstHref={cursor === undefined ? null : here}
          card={card}
          mayCreate={creating === 'allowed'}
          maySeeMembers={maySeeMembers}
          maySeeSettings={maySeeSettings}
          lacksSecondFactor={creating === 'second_factor_required'}
        />,
      )
    },
  }),
]

/** What the policy says: for buttons and notices, where a refusal is no fault. */
async function decisionOf(decide: () => Promise<unknown>): Promise<'allowed' | ErrorCode> {
  const outcome = await orRefusal(decide)
  return outcome instanceof HoldfastError ? outcome.code : 'allowed'
}

function askedFor(kind: RepoKind, query: z.output<typeof listingShape>): ListingQuery {
  const sort = listingSorts.find(({ value }) => value === query.sort)?.value ?? 'lastModified'
  const filters = query.filter.filter((filter) => filter !== '' && filter.length <= 200).slice(0, 10)
  const served = kind === 'model' && query.inference === 'served'
  return { search: query.search.trim(), sort, author: query.author, filters, served }
}

function ordered(
  kind: RepoKind,
  sort: ListingQuery['sort'],
): Pick<ListRequest, 'kind' | 'orderBy' | 'direction' | 'wanted'> {
  const orderBy = sort === 'lastModified' ? 'updatedAt' : sort
  return { kind, orderBy, direction: 'descending', wanted: { card: false, config: false, served: kind === 'model' } }
}

function wordsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 5)
}

function nextHref(here: string, page: ListPage): string | null {
  if (page.next === null) return null
  return `${here}${here.includes('?') ? '&' : '?'}cursor=${writeCursor(page.next)}`
}

function shownRow(row: ShownRow): RepoRow {
  return {
    kind: row.kind,
    namespace: row.ownerName,
    name: row.name,
    isPrivate: row.visibility !== 'public',
    isGated: row.gated !== 'open',
    isServed: row.isServed === 1,
    description: row.description,
    task: row.pipelineTag,
    library: row.libraryName,
    updatedAt: row.updatedAt,
  }
}

/** What the repos on this page have in common with others: their tasks, libraries and licences. */
function suggestions(rows: readonly ShownRow[]): string[] {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const tags: unknown = JSON.parse(row.tags)
    const license = Array.isArray(tags) ? tags.find((tag) => String(tag).startsWith('license:')) : undefined
    for (const tag of [row.pipelineTag, row.libraryName, license]) {
      if (typeof tag === 'string') counts.set(tag, (counts.get(tag) ?? 0) + 1)
    }
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 8)
    .map(([tag]) => tag)
}

function ownersOf(viewer: { readonly name: string; readonly organizations: readonly { readonly name: string }[] }) {
  return [viewer.name, ...viewer.organizations.slice(0, ownersOnHome).map(({ name }) => name)]
}

/** Of all kinds, and of these owners (undefined: of everybody). */
async function lastChanged(hub: Hub, facts: Facts, owners: readonly (string | undefined)[]): Promise<RepoRow[]> {
  const pages = await Promise.all(
    owners.flatMap((author) =>
      repoKinds.map((kind) => listRepos(hub, facts, { ...ordered(kind, 'lastModified'), author, limit: onHome })),
    ),
  )
  return pages
    .flatMap((page) => page.rows)
    .sort((a, b) => b.updatedAt - a.updatedAt)
    .slice(0, onHome)
    .map(shownRow)
}
