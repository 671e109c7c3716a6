/** The SQL of those who follow the sealed log: each has a place in it, and asks for what comes after. */
import { sql } from 'kysely'
import type { Db } from '../../platform/db/database.ts'
import type { AuditedDownloadTable, EventTable } from '../../platform/db/schema.ts'

/** After the event at this place of this seal. */
export interface Place {
  readonly seal: number
  readonly position: number
}

/** Where both chains end now: a new follower is told of what comes after. */
export async function readLogEnds(db: Db): Promise<Place & { readonly downloadSeal: number }> {
  const last = await db.read
    .selectFrom('sealedEvent')
    .select(['seal', 'position'])
    .orderBy('seal', 'desc')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  const download = await db.read
    .selectFrom('downloadSeal')
    .select('number')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return { seal: last?.seal ?? 0, position: last?.position ?? -1, downloadSeal: download?.number ?? 0 }
}

export interface SealedEvent extends EventTable, Place {}

/** Sealed events after a place, in the order of the chain: nothing that commits late is missed, since it is sealed late. */
export async function selectSealedAfter(db: Db, after: Place, limit: number): Promise<SealedEvent[]> {
  return await db.list
    .selectFrom('sealedEvent')
    .innerJoin('event', 'event.id', 'sealedEvent.eventId')
    .selectAll('event')
    .select(['sealedEvent.seal', 'sealedEvent.position'])
    .where(sql<boolean>`("sealedEvent"."seal", "sealedEvent"."position") > (${after.seal}, ${after.position})`)
    .orderBy('sealedEvent.seal')
    .orderBy('sealedEvent.position')
    .limit(limit)
    .execute()
}

/** All records of the next seal that has any. */
export async function selectNextDownloads(db: Db, after: number): Promise<AuditedDownloadTable[]> {
  const next = await db.list
    .selectFrom('auditedDownload')
    .select('seal')
    .where('seal', '>', after)
    .orderBy('seal')
    .limit(1)
    .executeTakeFirst()
  if (next === undefined) return []
  return await db.list.selectFrom('auditedDownload').selectAll().where('seal', '=', next.seal).orderBy('id').execute()
}

/** Records of downloads after one of them, in the order of their chain. */
export async function selectDownloadsAfter(
  db: Db,
  after: { readonly seal: number; readonly id: string },
  limit: number,
): Promise<AuditedDownloadTable[]> {
  return await db.list
    .selectFrom('auditedDownload')
    .selectAll()
    .where(sql<boolean>`("auditedDownload"."seal", "auditedDownload"."id") > (${after.seal}, ${after.id})`)
    .orderBy('seal')
    .orderBy('id')
    .limit(limit)
    .execute()
}
