/** The SQL of reading the sealed log: always by a key and in pages, so that a log of any length costs little memory. */
import { type Kysely, sql } from 'kysely'
import type { AuditCheckpointTable, AuditSealTable, Schema, SealedEventTable } from '../../platform/db/schema.ts'
import { timeOfId } from './seal-format.ts'
import { selectUnsealedIds, type UnsealedPage } from './seal-queries.ts'

/** What `Db.snapshot` lends. */
export type LogView = Kysely<Schema>

export async function selectSeals(on: LogView, after: number, limit: number): Promise<AuditSealTable[]> {
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
export async function selectEntries(on: LogView, after: EntryKey, limit: number): Promise<SealedEventTable[]> {
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

export async function selectCheckpoints(on: LogView, after: number, limit: number): Promise<AuditCheckpointTable[]> {
  return await on
    .selectFrom('auditCheckpoint')
    .selectAll()
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute()
}

/** The last checkpoint of a seal of before `since` whose number is at most `atMost`. */
export async function findAnchor(on: LogView, since: number, atMost: number): Promise<AuditCheckpointTable | null> {
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
  /** Milliseconds, as the oldest id says; null where there are none. */
  readonly oldestAt: number | null
}

const idsOfPage = 5000

/** Looks at every event's id. */
export async function countUnsealed(on: LogView): Promise<UnsealedEvents> {
  let [count, oldestAt]: [number, number | null] = [0, null]
  for (let after: string | null = ''; after !== null; ) {
    const page: UnsealedPage = await selectUnsealedIds(on, after, idsOfPage)
    count += page.ids.length
    const [oldest] = page.ids
    if (oldest !== undefined) oldestAt ??= timeOfId(oldest)
    after = page.until
  }
  return { count, oldestAt }
}

/** The newest event, and whether it is sealed. */
export async function findNewest(on: LogView): Promise<{ at: number; isSealed: boolean } | null> {
  const event = await on.selectFrom('event').select(['id', 'at']).orderBy('id', 'desc').limit(1).executeTakeFirst()
  if (event === undefined) return null
  const sealed = await on.selectFrom('sealedEvent').select('seal').where('eventId', '=', event.id).executeTakeFirst()
  return { at: event.at, isSealed: sealed !== undefined }
}
