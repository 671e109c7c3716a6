/**
 * The SQL of the audit log of one owner, newest first, a page at a time. Each page is a piece of one index per event that it may contain,
 * merged by id: so it costs the same in a log of any length, whatever is looked for.
 */
import { type RawBuilder, sql } from 'kysely'
import { firstIdAt } from '../../domain/ids.ts'
import type { Db } from '../../platform/db/database.ts'
import type { EventTable } from '../../platform/db/schema.ts'
import type { EventFilter } from './filter.ts'
import { selectEventsById } from './seal-queries.ts'

/** The ids of events say when; the clock that wrote `at` was read a moment later. */
const slackMs = 1000
const lastId = 'g'
/** SQLite joins at most 500 selects. */
const actionsAtOnce = 100

/** Up to `limit` events below the id `before` (null: the newest), newest first. */
export async function selectPage(
  db: Db,
  filter: EventFilter,
  before: string | null,
  limit: number,
): Promise<EventTable[]> {
  const found = await selectIds(db, filter, before, limit)
  const events = await selectEventsById(db.list, db.dialect, found)
  return events.reverse()
}

async function selectIds(db: Db, filter: EventFilter, before: string | null, limit: number): Promise<string[]> {
  const actor = await resolveActor(db, filter.actor)
  const resolved = { ...filter, actor }
  if (actor?.name === undefined && filter.action === null)
    return await idsOf(db, newestOf(resolved, null, before, limit))
  const actions =
    filter.action !== null && 'is' in filter.action ? [filter.action.is] : await selectActions(db, resolved)
  if (actions.length === 0) return []
  const found: string[] = []
  for (let at = 0; at < actions.length; at += actionsAtOnce) {
    const all = newestOfEach(db, resolved, actions.slice(at, at + actionsAtOnce), before, limit)
    found.push(...(await idsOf(db, sql`select "id" from ${all} order by "id" desc limit ${limit}`)))
  }
  return found.sort((a, b) => (a < b ? 1 : -1)).slice(0, limit)
}

/** PostgreSQL plans a query once for all actions; SQLite, which has no such join, plans as many in no time. */
function newestOfEach(
  db: Db,
  filter: Resolved,
  actions: readonly string[],
  before: string | null,
  limit: number,
): RawBuilder<unknown> {
  if (db.dialect === 'postgres') {
    const each = newestOf(filter, sql`"each"."action"`, before, limit)
    return sql`jsonb_array_elements_text(${JSON.stringify(actions)}::jsonb) as "each" ("action")
      cross join lateral (${each}) as "newest"`
  }
  const pieces = actions.map((action, number) => {
    return sql`select "id" from (${newestOf(filter, sql`${action}`, before, limit)}) as ${sql.ref(`p${number}`)}`
  })
  return sql`(${sql.join(pieces, sql` union all `)}) as "all"`
}

async function idsOf(db: Db, query: RawBuilder<unknown>): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`${query}`.execute(db.list)
  return rows.map(({ id }) => id)
}

/** `name` as the index has it, `id` for what is compared besides. */
type ResolvedActor = { readonly name?: string; readonly id?: string }

/**
 * The id of somebody who has a name is looked up: the index begins with the owner and the name. An id without one, of a service account or
 * of what is gone, is looked for by the index over actors.
 */
async function resolveActor(db: Db, actor: EventFilter['actor']): Promise<ResolvedActor | null> {
  if (actor === null) return null
  if ('name' in actor) return { name: lowerCase(actor.name) }
  const row = await db.read.selectFrom('namespace').select('name').where('id', '=', actor.id).executeTakeFirst()
  return row === undefined ? { id: actor.id } : { id: actor.id, name: lowerCase(row.name) }
}

/** As `lower` does in both databases: the letters of ASCII alone. */
const lowerCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

type Resolved = Omit<EventFilter, 'actor'> & { readonly actor: ResolvedActor | null }

/**
 * The newest `limit` ids of one action (null: of all), from one index. Its last column and the id are compared and ordered together: an index
 * over ids alone, which a planner may prefer where it believes that most events match, cannot answer that.
 */
export function newestOf(
  filter: Resolved,
  action: RawBuilder<unknown> | null,
  before: string | null,
  limit: number,
): RawBuilder<unknown> {
  const { ownerId, actor, ip, from } = filter
  const conditions: RawBuilder<unknown>[] = []
  let last: readonly [column: RawBuilder<unknown>, value: RawBuilder<unknown>] = [sql.ref('ownerId'), sql`${ownerId}`]
  if (action !== null) {
    conditions.push(sql`"ownerId" = ${ownerId}`)
    last = [sql.ref('event.action'), action]
    if (actor?.id !== undefined) conditions.push(sql`"actorId" = ${actor.id}`)
  } else if (actor?.id !== undefined) {
    // Hidden from the planner: the index over owners is the worse one here.
    conditions.push(sql`coalesce("ownerId", '') = ${ownerId}`)
    last = [sql.ref('actorId'), sql`${actor.id}`]
  }
  if (actor?.name !== undefined) conditions.push(sql`lower("actorName") = ${actor.name}`)
  if (ip !== null) conditions.push(sql`"ip" = ${ip}`)
  const [column, value] = last
  const floor = from === null ? '' : firstIdAt(from - slackMs)
  conditions.push(
    sql`(${column}, "id") < (${value}, ${upTo(filter, before)})`,
    sql`(${column}, "id") >= (${value}, ${floor})`,
  )
  // As sums, of which the planner knows nothing: it would believe that the index has to be read to its end.
  if (from !== null) conditions.push(sql`"at" + 0 >= ${from}`)
  if (filter.before !== null) conditions.push(sql`"at" + 0 < ${filter.before}`)
  return sql`select "id" from "event" where ${sql.join(conditions, sql` and `)}
    order by ${column} desc, "id" desc limit ${limit}`
}

function upTo(filter: Pick<EventFilter, 'before'>, before: string | null): string {
  const end = filter.before === null ? lastId : firstIdAt(filter.before + slackMs)
  return before !== null && before < end ? before : end
}

/**
 * The different actions that there are, each found by one step in an index: what an owner has a million of costs no more than what it has
 * one of.
 */
export async function selectActions(
  db: Db,
  filter: Pick<EventFilter, 'ownerId' | 'action'> & { readonly actor: ResolvedActor | null },
): Promise<string[]> {
  const { ownerId, action, actor } = filter
  const scope = action !== null && 'startsWith' in action ? action.startsWith : ''
  // "/" comes right after ".".
  const end = scope === '' ? '~' : `${scope.slice(0, -1)}/`
  const among =
    actor?.name === undefined
      ? sql`"ownerId" = ${ownerId}`
      : sql`"ownerId" = ${ownerId} and lower("actorName") = ${actor.name}`
  const next = (after: RawBuilder<unknown>) =>
    sql`(select "action" from "event" where ${among} and "action" > ${after} and "action" < ${end} order by "action" limit 1)`
  const { rows } = await sql<{ action: string }>`
    with recursive "found" ("action") as (
      select ${next(sql`${scope}`)} union all select ${next(sql`"found"."action"`)} from "found" where "found"."action" is not null
    ) select "action" from "found" where "action" is not null`.execute(db.list)
  return rows.map((row) => row.action)
}

export interface TokenBrief {
  readonly id: string
  readonly name: string
  readonly role: string
}

/** Of these tokens, those that are still there. */
export async function selectTokens(db: Db, ids: readonly string[]): Promise<TokenBrief[]> {
  if (ids.length === 0) return []
  return await db.list
    .selectFrom('accessToken')
    .select(['id', 'name', 'role'])
    .where('id', 'in', wanted(db.dialect, ids))
    .execute()
}

/** Of these people and service accounts, the ids of those that are still there. */
export async function selectLiving(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const users = db.list
    .selectFrom('user')
    .select('id')
    .where('id', 'in', wanted(db.dialect, ids))
    .where('state', '!=', 'deleted')
  const machines = db.list.selectFrom('serviceAccount').select('id').where('id', 'in', wanted(db.dialect, ids))
  return (await users.unionAll(machines).execute()).map(({ id }) => id)
}

/** The number of the seal of each event that has one. */
export async function selectSealNumbers(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await db.list
    .selectFrom('sealedEvent')
    .select(['eventId', 'seal'])
    .where('eventId', 'in', wanted(db.dialect, ids))
    .execute()
  return new Map(rows.map((row) => [row.eventId, row.seal]))
}

/** One parameter: a statement with hundreds takes milliseconds to build. */
function wanted(dialect: Db['dialect'], ids: readonly string[]): RawBuilder<string> {
  const list = JSON.stringify(ids)
  return dialect === 'postgres'
    ? sql<string>`(select jsonb_array_elements_text(${list}::jsonb))`
    : sql<string>`(select value from json_each(${list}))`
}
