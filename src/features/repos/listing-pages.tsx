/* Lists of repositories: one kind with search, filter and order; the search over all kinds; a namespace; the first
   page. Each is one keyset page, already limited to what the viewer may see. */
import type { Child } from 'hono/jsx'
import {
  listPath,
  newRepoPath,
  type RepoAddress,
  type RepoKind,
  repoId,
  repoPath,
  withQuery,
} from '../../web/address.ts'
import { RepoBadges } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import type { Section } from '../../web/header.tsx'
import { Icon } from '../../web/icon.tsx'
import type { IconName } from '../../web/icon-names.ts'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { membersPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Snippet } from '../../web/snippet.tsx'
import { type Tab, Tabs } from '../../web/tabs.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'

export type RepoRow = RepoAddress & {
  isPrivate: boolean
  isGated?: boolean
  /** One line; from the card. */
  description: string | null
  /** "text-generation"; null where the card says nothing. */
  task: string | null
  library: string | null
  updatedAt: number
}

export const kindWords: Readonly<Record<RepoKind, { one: string; many: string; icon: IconName; section: Section }>> = {
  model: { one: 'model', many: 'models', icon: 'box', section: 'models' },
  dataset: { one: 'dataset', many: 'datasets', icon: 'database', section: 'datasets' },
  space: { one: 'space', many: 'spaces', icon: 'app-window', section: 'spaces' },
}

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
  const isNarrowed = query.search !== '' || query.author !== '' || query.filters.length > 0
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
  return (
    <search>
      <form class="flex flex-wrap gap-2" action={listPath[kind]}>
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
        {query.author !== '' && <input type="hidden" name="author" value={query.author} />}
        {query.filters.map((filter) => (
          <input type="hidden" name="filter" value={filter} />
        ))}
        <button class="btn btn-sm btn-line" type="submit">
          Search
        </button>
      </form>
    </search>
  )
}

function Filters(props: ListingPageProps) {
  const { kind, query } = props
  const suggested = props.suggestedFilters.filter((filter) => !query.filters.includes(filter))
  if (query.filters.length === 0 && query.author === '' && suggested.length === 0) return null
  return (
    <div class="flex flex-wrap items-center gap-1.5 text-sm">
      {query.author !== '' && (
        <a class="btn btn-xs btn-primary" href={listingHref(kind, { ...query, author: '' })}>
          by {query.author}
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
  return search.size === 0 ? listPath[kind] : `${listPath[kind]}?${search}`
}

export function RepoRows(props: { caption: string; repos: readonly RepoRow[]; showKind?: boolean }) {
  return (
    <Rows
      caption={props.caption}
      columns={[{ label: 'Name' }, { label: 'Task', class: 'max-lg:hidden' }, { label: 'Changed', class: 'end' }]}
    >
      {props.repos.map((repo) => (
        <Row>
          <RowHead
            before={
              props.showKind ? (
                <span class="text-muted" title={kindWords[repo.kind].one}>
                  <Icon name={kindWords[repo.kind].icon} />
                  <span class="sr-only">{kindWords[repo.kind].one}</span>
                </span>
              ) : undefined
            }
            description={repo.description}
          >
            <span class="flex flex-wrap items-center gap-x-2 gap-y-1">
              <a class="quiet [overflow-wrap:anywhere]" href={repoPath(repo)}>
                {repoId(repo)}
              </a>
              <RepoBadges isPrivate={repo.isPrivate} isGated={repo.isGated} />
            </span>
          </RowHead>
          <Cell label="Task" class="max-lg:hidden text-muted">
            {[repo.task, repo.library].filter(Boolean).join(', ')}
          </Cell>
          <Cell label="Changed" class="end nowrap text-muted">
            <Time at={repo.updatedAt} />
          </Cell>
        </Row>
      ))}
    </Rows>
  )
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

type NamespacePageProps = {
  context: PageContext
  namespace: {
    name: string
    kind: 'user' | 'organization'
    fullname: string | null
    description: string | null
    createdAt: number
  }
  kind: RepoKind
  repos: readonly RepoRow[]
  nextHref: string | null
  firstHref: string | null
  /** From the policy: whether New is drawn. */
  mayCreate: boolean
  /** From the policy: whether the members are linked, and the settings of an organization. */
  maySeeMembers: boolean
  maySeeSettings: boolean
  /** From the policy: a member whom the organization keeps to what is public until there is a second factor. */
  lacksSecondFactor: boolean
}

/** At /{ns}?kind=model|dataset|space. */
export function NamespacePage(props: NamespacePageProps) {
  const { namespace, kind } = props
  const words = kindWords[kind]
  const here = `/${encodeURIComponent(namespace.name)}`
  const tabs: Tab[] = (['model', 'dataset', 'space'] as const).map((each) => ({
    href: each === 'model' ? here : `${here}?kind=${each}`,
    label: { model: 'Models', dataset: 'Datasets', space: 'Spaces' }[each],
    icon: kindWords[each].icon,
    current: each === kind,
  }))
  if (props.maySeeMembers) tabs.push({ href: membersPath(namespace.name), label: 'Members', icon: 'users' })
  if (props.maySeeSettings) {
    tabs.push({ href: organizationSettingsPath(namespace.name, 'profile'), label: 'Settings', icon: 'settings' })
  }
  return (
    <Page
      context={props.context}
      title={namespace.name}
      place={
        <>
          <div class="crumbs">
            <Who kind={namespace.kind} name={namespace.fullname ?? namespace.name} size="large" />
            <div class="min-w-0">
              <h1 class="text-lg break-all">{namespace.name}</h1>
              <p class="text-sm text-muted">
                {namespace.fullname && `${namespace.fullname}, `}
                {namespace.kind === 'organization' ? 'organization' : 'here'} since <Time at={namespace.createdAt} />
              </p>
            </div>
          </div>
          <Tabs label={namespace.name} tabs={tabs} />
        </>
      }
    >
      {namespace.description && (
        <p class="max-w-3xl whitespace-pre-line [overflow-wrap:anywhere]">{namespace.description}</p>
      )}
      {props.lacksSecondFactor && (
        <Notice
          kind="warning"
          standing={true}
          action={
            <LinkButton href={`/settings/authentication?next=${encodeURIComponent(here)}`}>
              Set up a second factor
            </LinkButton>
          }
        >
          {namespace.name} asks its members for a second factor. Until you have one you see only what is public here.
        </Notice>
      )}
      {props.mayCreate && props.repos.length > 0 && (
        <div class="flex justify-end">
          <LinkButton look="primary" icon="plus" href={withQuery(newRepoPath[kind], { owner: namespace.name })}>
            New {words.one}
          </LinkButton>
        </div>
      )}
      <section class="panel" aria-label={`${words.many} of ${namespace.name}`}>
        {props.repos.length === 0 ? (
          <Empty
            icon={words.icon}
            title={`No ${words.many} here`}
            action={
              props.mayCreate && (
                <LinkButton look="primary" icon="plus" href={withQuery(newRepoPath[kind], { owner: namespace.name })}>
                  New {words.one}
                </LinkButton>
              )
            }
          >
            {namespace.name} has no {words.many} that you may see.
          </Empty>
        ) : (
          <RepoRows caption={`${words.many} of ${namespace.name}`} repos={props.repos} />
        )}
      </section>
      {props.repos.length > 0 && (
        <MoreRows
          order="Last changed first"
          shown={props.repos.length}
          olderHref={props.nextHref}
          firstHref={props.firstHref}
        />
      )}
    </Page>
  )
}

/** At /. `yours` is null for a stranger. */
export function HomePage(props: {
  context: PageContext
  publicUrl: string
  yours: readonly RepoRow[] | null
  recent: readonly RepoRow[]
}) {
  const { viewer } = props.context
  return (
    <Page context={props.context} title={props.context.instanceName}>
      {viewer ? (
        <HomeSection
          id="yours"
          title={`Welcome, ${viewer.fullname ?? viewer.name}`}
          heading="h1"
          repos={props.yours ?? []}
          caption="What you work on"
          empty={
            <Empty
              icon="box"
              title="Nothing of yours yet"
              action={
                <LinkButton look="primary" icon="plus" href="/new">
                  New model
                </LinkButton>
              }
            >
              Repositories of yours and of your organizations are listed here, last changed first.
            </Empty>
          }
        />
      ) : (
        <div class="grid gap-1">
          <h1 class="text-2xl">{props.context.instanceName}</h1>
          <p class="lede">
            Models, datasets and spaces, kept with their whole history and reached by git, hf and the Hugging Face
            libraries as they are.
          </p>
        </div>
      )}
      <HomeSection
        id="recent"
        title="Last changed"
        heading="h2"
        repos={props.recent}
        caption="Last changed repositories"
        empty={
          <Empty icon="box" title="Nothing public yet">
            What anybody may see appears here.
          </Empty>
        }
      />
      <section class="grid gap-2 max-w-3xl" aria-labelledby="point">
        <h2 id="point">Point your tools here</h2>
        <Snippet label="commands" code={`export HF_ENDPOINT=${props.publicUrl}\nhf auth login --token hf_…`} />
      </section>
    </Page>
  )
}

function HomeSection(props: {
  id: string
  title: string
  heading: 'h1' | 'h2'
  caption: string
  repos: readonly RepoRow[]
  empty: Child
}) {
  const Heading = props.heading
  return (
    <section class="grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby={props.id}>
      <Heading id={props.id}>{props.title}</Heading>
      <div class="panel">
        {props.repos.length === 0 ? (
          props.empty
        ) : (
          <RepoRows caption={props.caption} repos={props.repos} showKind={true} />
        )}
      </div>
    </section>
  )
}
