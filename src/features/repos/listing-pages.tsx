import { listPath, newRepoPath, type RepoKind, withQuery } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Who } from '../../web/who.tsx'
import { kindWords, type RepoRow, RepoRows } from './repo-rows.tsx'
import { tagGroups } from './tag-words.ts'

export const listingSorts = [
  { value: 'lastModified', label: 'Last changed', order: 'Last changed first' },
  { value: 'createdAt', label: 'Newest', order: 'Newest first' },
] as const
export type ListingSort = (typeof listingSorts)[number]['value']

export type ListingQuery = {
  search: string
  sort: ListingSort
  author: string
  /** Tags, libraries and tasks as the Hub's `filter` has them. */
  filters: readonly string[]
  /** Only models that a server answers for. */
  served: boolean
}

type ListingPageProps = {
  context: PageContext
  kind: RepoKind
  query: ListingQuery
  repos: readonly RepoRow[]
  /** Left null where counting would cost more than it says. */
  total: number | null
  nextHref: string | null
  firstHref: string | null
  /** Filters offered beside the chosen ones. */
  suggestedFilters: readonly string[]
}

/** At /models, /datasets, /spaces with `search`, `sort`, `author`, `filter` (many). */
export function ListingPage(props: ListingPageProps) {
  const { kind, query } = props
  const words = kindWords[kind]
  const title = words.many[0]?.toUpperCase() + words.many.slice(1)
  const isNarrowed = query.search !== '' || query.author !== '' || query.filters.length > 0 || query.served
  const sort = listingSorts.find(({ value }) => value === query.sort) ?? listingSorts[0]
  return (
    <Page context={props.context} title={title} section={words.section}>
      <PageHead
        title={title}
        action={
          props.context.viewer ? (
            <LinkButton look="primary" icon="plus" href={newRepoPath[kind]}>
              New {words.one}
            </LinkButton>
          ) : null
        }
      />
      <ListingForm kind={kind} query={query} />
      <Filters {...props} />
      <section class="panel" aria-label={title}>
        {props.repos.length === 0 ? (
          isNarrowed ? (
            <NoHits href={listPath[kind]} what={words.many} />
          ) : (
            <NoReposYet context={props.context} kind={kind} />
          )
        ) : (
          <RepoRows caption={title} repos={props.repos} />
        )}
      </section>
      {props.repos.length > 0 && (
        <MoreRows
          order={sort.order}
          shown={props.repos.length}
          total={props.total}
          olderHref={props.nextHref}
          olderWord={query.sort === 'lastModified' || query.sort === 'createdAt' ? 'Older' : 'More'}
          firstHref={props.firstHref}
        />
      )}
    </Page>
  )
}

function ListingForm(props: { kind: RepoKind; query: ListingQuery }) {
  const { query, kind } = props
  const groups = tagGroups(kind).map(({ label, words }) => ({
    label,
    words,
    chosen: query.filters.find((filter) => words.some(({ id }) => id === filter)) ?? '',
  }))
  const others = query.filters.filter((filter) => !groups.some(({ chosen }) => chosen === filter))
  return (
    <search>
      <form class="grid gap-2" action={listPath[kind]}>
        <div class="flex flex-wrap gap-2">
          <label class="input input-sm flex-1 min-w-48">
            <span class="sr-only">Search {kindWords[kind].many} by name</span>
            <Icon name="search" />
            <input type="search" name="search" value={query.search} placeholder={`Search ${kindWords[kind].many}`} />
          </label>
          <select class="select select-sm w-auto!" name="sort" aria-label="Order">
            {listingSorts.map((sort) => (
              <option value={sort.value} selected={sort.value === query.sort}>
                {sort.label}
              </option>
            ))}
          </select>
          <button class="btn btn-sm btn-line" type="submit">
            Search
          </button>
        </div>
        {query.author !== '' && <input type="hidden" name="author" value={query.author} />}
        {others.map((filter) => (
          <input type="hidden" name="filter" value={filter} />
        ))}
        <details open={query.filters.length > 0 || query.served}>
          <summary class="text-sm font-medium w-fit">Filters</summary>
          <div class="grid gap-3 pt-2 grid-cols-2 md:grid-cols-5 items-end">
            {groups.map(({ label, words, chosen }) => (
              <label class="grid gap-1 text-sm font-medium">
                {label}
                <select class="select select-sm" name="filter">
                  <option value="">any</option>
                  {words.map(({ id, label: word }) => (
                    <option value={id} selected={id === chosen}>
                      {word}
                    </option>
                  ))}
                </select>
              </label>
            ))}
            <label class="grid gap-1 text-sm font-medium">
              Tag
              <input class="input input-sm" name="filter" maxlength={200} placeholder="any tag, as it stands there" />
            </label>
            {kind === 'model' && (
              <label class="flex items-center gap-2 text-sm min-h-8">
                <input
                  class="checkbox checkbox-sm"
                  type="checkbox"
                  name="inference"
                  value="served"
                  checked={query.served}
                />
                Answers calls
              </label>
            )}
            <button class="btn btn-sm btn-line w-fit" type="submit">
              Apply filters
            </button>
          </div>
        </details>
      </form>
    </search>
  )
}

function Filters(props: ListingPageProps) {
  const { kind, query } = props
  const suggested = props.suggestedFilters.filter((filter) => !query.filters.includes(filter))
  if (query.filters.length === 0 && query.author === '' && suggested.length === 0 && !query.served) return null
  return (
    <div class="flex flex-wrap items-center gap-1.5 text-sm">
      {query.author !== '' && (
        <a class="btn btn-xs btn-primary" href={listingHref(kind, { ...query, author: '' })}>
          by {query.author}
          <Icon name="x" />
          <span class="sr-only">remove this filter</span>
        </a>
      )}
      {query.served && (
        <a class="btn btn-xs btn-primary" href={listingHref(kind, { ...query, served: false })}>
          answers calls
          <Icon name="x" />
          <span class="sr-only">remove this filter</span>
        </a>
      )}
      {query.filters.map((filter) => (
        <a
          class="btn btn-xs btn-primary"
          href={listingHref(kind, { ...query, filters: query.filters.filter((each) => each !== filter) })}
        >
          {filter}
          <Icon name="x" />
          <span class="sr-only">remove this filter</span>
        </a>
      ))}
      {suggested.map((filter) => (
        <a class="btn btn-xs btn-line" href={listingHref(kind, { ...query, filters: [...query.filters, filter] })}>
          {filter}
        </a>
      ))}
    </div>
  )
}

/** The address of a listing; `filter` may stand more than once. */
export function listingHref(kind: RepoKind, query: ListingQuery): string {
  const search = new URLSearchParams()
  if (query.search !== '') search.set('search', query.search)
  if (query.sort !== 'lastModified') search.set('sort', query.sort)
  if (query.author !== '') search.set('author', query.author)
  for (const filter of query.filters) search.append('filter', filter)
  if (query.served) search.set('inference', 'served')
  return search.size === 0 ? listPath[kind] : `${listPath[kind]}?${search}`
}

function NoHits(props: { href: string; what: string }) {
  return (
    <Empty
      icon="list-filter"
      title={`No ${props.what} match`}
      action={<LinkButton href={props.href}>Clear filters</LinkButton>}
    >
      Nothing that you may see has this name or these tags.
    </Empty>
  )
}

function NoReposYet(props: { context: PageContext; kind: RepoKind }) {
  const words = kindWords[props.kind]
  return (
    <Empty
      icon={words.icon}
      title={`No ${words.many} yet`}
      action={
        props.context.viewer ? (
          <LinkButton icon="plus" href={newRepoPath[props.kind]}>
            New {words.one}
          </LinkButton>
        ) : (
          <LinkButton href="/login">Sign in</LinkButton>
        )
      }
    >
      {`What you push here is kept with its whole history, for git, hf and ${props.kind === 'dataset' ? 'datasets' : 'transformers'} alike.`}
    </Empty>
  )
}

/** At /search?q=: the best hits of each kind, and the names that match. */
export function SearchPage(props: {
  context: PageContext
  query: string
  groups: readonly { kind: RepoKind; repos: readonly RepoRow[]; hasMore: boolean }[]
  namespaces: readonly { name: string; kind: 'user' | 'organization'; fullname: string | null }[]
}) {
  const found = props.groups.filter((group) => group.repos.length > 0)
  return (
    <Page
      context={props.context}
      title={props.query === '' ? 'Search' : `Search for ${props.query}`}
      query={props.query}
    >
      <h1 class="[overflow-wrap:anywhere]">{props.query === '' ? 'Search' : `Search for “${props.query}”`}</h1>
      {found.length === 0 && props.namespaces.length === 0 && (
        <div class="panel">
          <Empty icon="search" title={props.query === '' ? 'What are you looking for?' : 'Nothing found'}>
            Models, datasets, spaces and people are found by their names.
          </Empty>
        </div>
      )}
      {found.map((group) => (
        <section class="grid gap-2" aria-labelledby={`found-${group.kind}`}>
          <h2 id={`found-${group.kind}`} class="capitalize">
            {kindWords[group.kind].many}
          </h2>
          <div class="panel">
            <RepoRows caption={kindWords[group.kind].many} repos={group.repos} />
          </div>
          {group.hasMore && (
            <a class="a text-sm" href={withQuery(listPath[group.kind], { search: props.query })}>
              All {kindWords[group.kind].many} with this name
            </a>
          )}
        </section>
      ))}
      {props.namespaces.length > 0 && (
        <section class="grid gap-2" aria-labelledby="found-names">
          <h2 id="found-names">People and organizations</h2>
          <ul class="panel [&>li]:px-4 [&>li]:py-2 [&>li+li]:border-t [&>li]:border-line">
            {props.namespaces.map((each) => (
              <li class="flex items-center gap-2.5">
                <Who kind={each.kind} name={each.fullname ?? each.name} />
                <a class="quiet font-medium" href={`/${encodeURIComponent(each.name)}`}>
                  {each.name}
                </a>
                <span class="text-muted text-sm">{each.fullname}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Page>
  )
}
