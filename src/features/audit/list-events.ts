/** The log of one owner: a page of it, or all of it, each event with what is known today of those it names. */
import type { Hub } from '../../hub.ts'
import type { EventTable } from '../../platform/db/schema.ts'
import type { EventFilter } from './filter.ts'
import { selectActions, selectLiving, selectPage, selectSealNumbers, selectTokens } from './list-queries.ts'
import { detailsOf, type LogEntry, messageOf, presentEntry } from './present.ts'

export interface LogPage {
  readonly entries: readonly LogEntry[]
  /** The id to go on below; null on the last page. */
  readonly next: string | null
}

/** Newest first, those below the id `before`; null: from the newest. */
export async function listEvents(
  hub: Hub,
  filter: EventFilter,
  before: string | null,
  limit: number,
): Promise<LogPage> {
  const events = await selectPage(hub.db, filter, before, limit + 1)
  const shown = events.slice(0, limit)
  return {
    entries: await describe(hub, shown),
    next: events.length > limit ? (shown.at(-1)?.id ?? null) : null,
  }
}

/** The actions that the log of this owner has, by name. */
export async function listActions(hub: Hub, ownerId: string): Promise<string[]> {
  return await selectActions(hub.db, { ownerId, action: null, actor: null })
}

/** Entries as they are exported. */
export async function presentEvents(hub: Hub, events: readonly EventTable[]) {
  return (await describe(hub, events)).map((entry) => presentEntry(hub, entry))
}

async function describe(hub: Hub, events: readonly EventTable[]): Promise<LogEntry[]> {
  const distinct = (ids: readonly (string | null)[]) => [...new Set(ids.filter((id) => id !== null))]
  const [seals, tokens, living] = await Promise.all([
    selectSealNumbers(
      hub.db,
      events.map(({ id }) => id),
    ),
    selectTokens(
      hub.db,
      distinct(events.map((event) => (event.credentialKind === 'token' ? event.credentialId : null))),
    ),
    selectLiving(hub.db, distinct(events.map(({ actorId }) => actorId))),
  ])
  const tokenById = new Map(tokens.map((token) => [token.id, token]))
  const isLiving = new Set(living)
  return events.map((event) => {
    const details = detailsOf(event)
    return {
      event,
      details,
      message: messageOf(event, details),
      seal: seals.get(event.id) ?? null,
      token: tokenById.get(event.credentialId ?? '') ?? null,
      isActorDeleted: event.actorId !== null && !isLiving.has(event.actorId),
    }
  })
}
