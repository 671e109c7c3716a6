/** The SQL of reading the sealed log: always by a key and in pages, so that a log of any length costs little memory. */
import { type Kysely, sql } from 'kysely'
import type {
  AuditCheckpointTable,
  AuditSealTable,
  EventTable,
  Schema,
  SealedEventTable,
} from '../../platform/db/schema.ts'

/** What `Db.snapshot` lends. */
export type LogView = Kysely<Schema>

export async function selectSeals(on: Kysely<Schema>, after: number, limit: number): Promise<AuditSealTable[]> {
  return await on
    .selectFrom('auditSeal')
    .selectAll()
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute()
}

export type EntryKey = Pick<SealedEventTable, 'seal' | 'position' | 'eventId'>

/** By seal and position; the id settles what nobody but a forger makes equal. */
export async function selectEntries(on: Kysely<Schema>, after: EntryKey, limit: number): Promise<SealedEventTable[]> {
  return await on
    .selectFrom('sealedEvent')
    .selectAll()
    .where(sql<boolean>`("seal", "position", "eventId") > (${after.seal}, ${after.position}, ${after.eventId})`)
    .orderBy('seal')
    .orderBy('position')
    .orderBy('eventId')
    .limit(limit)
    .execute()
}

export async function selectEvents(on: Kysely<Schema>, ids: readonly string[]): Promise<EventTable[]> {
  if (ids.length === 0) return []
  return await on.selectFrom('event').selectAll().where('id', 'in', ids).execute()
}

export async function selectCheckpoints(
  on: Kysely<Schema>,
  after: number,
  limit: number,
): Promise<AuditCheckpointTable[]> {
  return await on
    .selectFrom('auditCheckpoint')
    .selectAll()
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute()
}

/** The last checkpoint of a seal of before `since` whose number is at most `atMost`. */
export async function findAnchor(
  on: Kysely<Schema>,
  since: number,
  atMost: number,
): Promise<AuditCheckpointTable | null> {
  const row = await on
    .selectFrom('auditCheckpoint')
    .innerJoin('auditSeal', 'auditSeal.number', 'auditCheckpoint.number')
    .selectAll('auditCheckpoint')
    .where('auditSeal.sealedAt', '<', since)
    .where('auditCheckpoint.number', '<=', atMost)
    .orderBy('auditCheckpoint.number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

export interface UnsealedEvents {
  readonly count: number
  /** Milliseconds; null where there are none. */
  readonly oldestAt: number | null
}

/** Looks at every event's id. */
export async function countUnsealed(on: Kysely<Schema>): Promise<UnsealedEvents> {
  return await on
    .selectFrom('event')
    .leftJoin('sealedEvent', 'sealedEvent.eventId', 'event.id')
    .where('sealedEvent.eventId', 'is', null)
    .select((e) => [e.fn.countAll<number>().as('count'), e.fn.min<number | null>('event.at').as('oldestAt')])
    .executeTakeFirstOrThrow()
}

/** The newest event, and whether it is sealed. */
export async function findNewest(on: Kysely<Schema>): Promise<{ at: number; isSealed: boolean } | null> {
  const row = await on
    .selectFrom('event')
    .leftJoin('sealedEvent', 'sealedEvent.eventId', 'event.id')
    .select(['event.at', 'sealedEvent.seal'])
    .orderBy('event.id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { at: row.at, isSealed: row.seal !== null }
}
