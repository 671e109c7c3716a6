/**
 * Lists of repos: the keyset page that a viewer may see, merged from one ordered source for each way in which a repo can be visible (it is
 * public, it lies in a namespace or workspace that is open to the viewer, it was granted). Nothing is read that the viewer may not see,
 * except in the second step of a search inside hidden repos. Agrees with `decide('repo.read')`: visible-repos.test.ts.
 *
 * A narrowed list (by words or tags) takes at most two steps per source: first its rows in order, up to a budget, which finds what is
 * common; then, if rows are left that might belong on the page, the rarest of the words and tags through its own index, which finds what is
 * rare.
 */
import { type RawBuilder, sql } from 'kysely'
import type { RepoKind } from '../domain/facts.ts'
import type { Db } from '../platform/db/database.ts'
import { candidates, type Narrowing, narrowingConditions } from './repo-narrowing.ts'
import type { Viewer } from './restriction.ts'
import { loadReach, type Reach } from './viewer-reach.ts'

export type { Viewer } from './restriction.ts'

export const repoOrders = ['createdAt', 'updatedAt', 'downloads', 'likes', 'trendingScore'] as const
export type RepoOrder = (typeof repoOrders)[number]

/** Where a page begins: after this row. */
export interface RepoPosition {
  readonly id: string
  /** The value of the column that the list is ordered by. */
  readonly value: number
}

export interface RepoListQuery extends Narrowing {
  readonly kind: RepoKind
  /** Id of a user or organization. */
  readonly ownerId?: string | undefined
  readonly orderBy: RepoOrder
  readonly direction: 'ascending' | 'descending'
  readonly after?: RepoPosition | undefined
  readonly limit: number
  /** The moment (ms) whose roles count. */
  readonly now: number
  /** Rows that the first step of a narrowed list may read per source. */
  readonly budget?: number
}

const defaultBudget = 4000
const wholeSource = Number.MAX_SAFE_INTEGER

/** At most `limit` repos, in order; fewer only at the end. */
export async function visibleRepos(db: Db, viewer: Viewer, query: RepoListQuery): Promise<RepoPosition[]> {
  const reach = await loadReach(db, viewer, query.now)
  const pages = await Promise.all(sources(db, reach, query).map((source) => pageOf(db, source, query)))
  const seen = new Set<string>()
  const isNew = ({ id }: RepoPosition) => !seen.has(id) && seen.add(id)
  return pages
    .flat()
    .sort((a, b) => inOrder(a, b, query.direction))
    .filter(isNew)
    .slice(0, query.limit)
}

function inOrder(a: RepoPosition, b: RepoPosition, direction: RepoListQuery['direction']): number {
  const ascending = a.value !== b.value ? a.value - b.value : a.id < b.id ? -1 : a.id > b.id ? 1 : 0
  return direction === 'ascending' ? ascending : -ascending
}

type Fragment = RawBuilder<unknown>

interface Source {
  readonly isPublic: boolean
  /** Its first rows: at most `limit` that meet `conditions`, found among the first `budget`. */
  page(conditions: Fragment | null, limit: number, budget: number): Fragment
  /** Its rows lie in one order, so that `page` gives the first ones of all. */
  readonly isOneOrder: boolean
  /** The first row in order that `page` did not read, if there is one; null where `page` always reads to the end. */
  overflow: ((budget: number) => Fragment) | null
  /** True of a row `repo` that belongs to it. */
  readonly membership: Fragment
}

async function pageOf(db: Db, source: Source, query: RepoListQuery): Promise<RepoPosition[]> {
  const conditions = narrowingConditions(db.dialect, query)
  const budget = Math.max(query.budget ?? defaultBudget, query.limit)
  const rows = await positions(db, source.page(conditions, query.limit, budget))
  if (conditions === null || source.overflow === null) return rows
  if (rows.length >= query.limit && source.isOneOrder) return rows
  const [unread] = await positions(db, source.overflow(budget))
  if (unread === undefined) return rows
  // One place may have had its budget spent on what does not match, and hold better rows than those that others gave.
  const sure = rows.filter((row) => inOrder(row, unread, query.direction) < 0)
  if (sure.length >= query.limit) return sure
  const candidate = await candidates(db, query, source.isPublic)
  // Nothing to look up by: all of the source, in order.
  if (candidate === null) return await positions(db, source.page(conditions, query.limit, wholeSource))
  const key = sql.id(candidate.key)
  // Materialized, and first in the join: what the index proposes is few, whatever the planner thinks.
  return await positions(
    db,
    sql`with "candidate" as materialized (${candidate.rows})
      select "repo"."id", "repo".${column(query)} as "value" from "candidate"
      cross join "repo" where "repo".${key} = "candidate".${key}
      and ${source.membership} and ${startsAfter(query)} and ${conditions} ${ordered(query)} limit ${query.limit}`,
  )
}

async function positions(db: Db, query: Fragment): Promise<RepoPosition[]> {
  const { rows } = await sql<RepoPosition>`${query}`.execute(db.list)
  return rows
}

/** Conditions are spelled as the partial indexes spell them (0001-foundation.ts), or these would not be used. */
const isPublic = sql`"repo"."visibility" = 'public' and "repo"."deletedAt" is null`
const isHidden = sql`"repo"."visibility" <> 'public' and "repo"."deletedAt" is null`
const rowNumber = sql`"repo"."rowNumber"`
const placeOf = sql`coalesce("repo"."workspaceId", "repo"."ownerId")`

function sources(db: Db, reach: Reach, query: RepoListQuery): Source[] {
  const { ownerId } = query
  const places = reach.places.filter((place) => ownerId === undefined || place.ownerId === ownerId).map(({ id }) => id)
  const owners = ownerId === undefined ? reach.owners : reach.owners.filter((owner) => owner === ownerId)
  const found = [publicSource(db, query)]
  if (places.length > 0) {
    found.push(hiddenSource(db, query, places, placeOf, sql`true`))
  }
  if (owners.length > 0) {
    found.push(hiddenSource(db, query, owners, sql`"repo"."ownerId"`, sql`"repo"."workspaceId" is not null`))
  }
  if (reach.repos.length > 0) found.push(grantedSource(db, query, reach.repos))
  return found
}

function publicSource(db: Db, query: RepoListQuery): Source {
  const where =
    query.ownerId === undefined
      ? sql`"repo"."kind" = ${query.kind} and ${isPublic}`
      : sql`"repo"."ownerId" = ${query.ownerId} and "repo"."kind" = ${query.kind} and ${isPublic}`
  return {
    isPublic: true,
    isOneOrder: true,
    page: (conditions, limit, budget) => firstRows(db, query, where, conditions, limit, budget, position(query)),
    overflow: (budget) => beyond(query, where, budget, position(query)),
    membership: where,
  }
}

/** The best rows of each place, by one descent into the index per place; then the best of all. */
function hiddenSource(db: Db, query: RepoListQuery, ids: readonly string[], key: Fragment, also: Fragment): Source {
  const inPlace = sql`${key} = "place"."id" and "repo"."kind" = ${query.kind} and ${isHidden} and ${also}`
  // At least a few of each, so that the first step finds what is common in every place.
  const perPlace = (budget: number) => Math.max(Math.ceil(budget / ids.length), Math.min(budget, 20))
  const places = idTable(db, ids)
  const pick = db.dialect === 'postgres' ? position(query) : rowNumber
  return {
    isPublic: false,
    isOneOrder: ids.length === 1,
    page: (conditions, limit, budget) =>
      sql`select * from (${forEach(db, query, places, firstRows(db, query, inPlace, conditions, limit, perPlace(budget), pick))}) as "best"
        order by "value" ${direction(query)}, "id" ${direction(query)} limit ${limit}`,
    overflow: (budget) =>
      sql`select * from (${forEach(db, query, places, beyond(query, inPlace, perPlace(budget), pick))}) as "unread"
        order by "value" ${direction(query)}, "id" ${direction(query)} limit 1`,
    membership: sql`${key} in (select "place"."id" from ${places}) and "repo"."kind" = ${query.kind} and ${isHidden} and ${also}`,
  }
}

/** Single repos: as many as were granted to one person, so they are all looked at. */
function grantedSource(db: Db, query: RepoListQuery, ids: readonly string[]): Source {
  const ofOwner = query.ownerId === undefined ? sql`true` : sql`"repo"."ownerId" = ${query.ownerId}`
  const membership = sql`"repo"."kind" = ${query.kind} and ${isHidden} and ${ofOwner}`
  return {
    isPublic: false,
    isOneOrder: true,
    page: (conditions, limit) =>
      sql`select ${position(query)} from ${idTable(db, ids)} cross join "repo"
        where "repo"."id" = "place"."id" and ${membership} and ${startsAfter(query)}
        and ${conditions ?? sql`true`} ${ordered(query)} limit ${limit}`,
    overflow: null,
    membership,
  }
}

/** The first `limit` rows of a source that meet the conditions, among its first `budget` rows. */
function firstRows(
  db: Db,
  query: RepoListQuery,
  where: Fragment,
  conditions: Fragment | null,
  limit: number,
  budget: number,
  pick: Fragment,
): Fragment {
  if (conditions === null) {
    return sql`select ${pick} from "repo" where ${where} and ${startsAfter(query)} ${ordered(query)} limit ${limit}`
  }
  // The rows come in the order of the inner query, so the outer one may stop at its limit without sorting. PostgreSQL has to be told: it may
  // begin with the tags instead. SQLite would sort them all.
  const order = db.dialect === 'postgres' ? ordered(query) : sql``
  const columns = sql`"repo"."id", "repo".${column(query)}, "repo"."fullNameKey", "repo"."pipelineTag", "repo"."gated"${pick === rowNumber ? sql`, ${rowNumber}` : sql``}`
  return sql`select ${pick} from (
      select ${columns} from "repo" where ${where} and ${startsAfter(query)} ${ordered(query)} limit ${budget}
    ) as "repo" where ${conditions} ${order} limit ${limit}`
}

/** A row if there is one after the first `budget`. */
function beyond(query: RepoListQuery, where: Fragment, budget: number, pick: Fragment): Fragment {
  return sql`select ${pick} from "repo" where ${where} and ${startsAfter(query)} ${ordered(query)} limit 1 offset ${budget}`
}

/** `inner` for each place. SQLite has no LATERAL: there `inner` gives row numbers, and may name the outer row inside IN. */
function forEach(db: Db, query: RepoListQuery, places: Fragment, inner: Fragment): Fragment {
  return db.dialect === 'postgres'
    ? sql`select "found"."id", "found"."value" from ${places} cross join lateral (${inner}) as "found"`
    : sql`select ${position(query)} from ${places} cross join "repo" where "repo"."rowNumber" in (${inner})`
}

function position(query: RepoListQuery): Fragment {
  return sql`"repo"."id", "repo".${column(query)} as "value"`
}

/** A list of ids as one parameter, so that the statement's text does not depend on how many there are. */
function idTable(db: Db, ids: readonly string[]): Fragment {
  const json = JSON.stringify(ids)
  return db.dialect === 'postgres'
    ? sql`json_array_elements_text(${json}::json) as "place" ("id")`
    : sql`(select "value" as "id" from json_each(${json})) as "place"`
}

function column(query: RepoListQuery): Fragment {
  return sql.id(query.orderBy)
}

function direction(query: RepoListQuery): Fragment {
  return query.direction === 'ascending' ? sql`asc` : sql`desc`
}

function ordered(query: RepoListQuery): Fragment {
  return sql`order by "repo".${column(query)} ${direction(query)}, "repo"."id" ${direction(query)}`
}

function startsAfter(query: RepoListQuery): Fragment {
  if (query.after === undefined) return sql`true`
  const row = sql`("repo".${column(query)}, "repo"."id")`
  const { value, id } = query.after
  return query.direction === 'ascending' ? sql`${row} > (${value}, ${id})` : sql`${row} < (${value}, ${id})`
}
