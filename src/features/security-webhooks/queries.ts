/** The SQL of security webhooks. Whoever delivers holds the webhook by (id, holder), so that each has one sender at a time. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/db/database.ts'
import type {
  AuditedDownloadTable,
  EventTable,
  SecurityWebhookTable,
  WebhookDeliveryTable,
} from '../../platform/db/schema.ts'

type Row<T> = { [Column in keyof T]: T[Column] extends { readonly __select__: infer S } ? S : T[Column] }
export type Webhook = Omit<Row<SecurityWebhookTable>, 'isActive' | 'failures' | 'leaseUntil'> & {
  readonly isActive: number
  readonly failures: number
  readonly leaseUntil: number
}

export async function selectWebhooks(db: Db, organizationId: string | null): Promise<Webhook[]> {
  return await db.read
    .selectFrom('securityWebhook')
    .selectAll()
    .where('organizationId', organizationId === null ? 'is' : '=', organizationId)
    .orderBy('id')
    .limit(100)
    .execute()
}

export async function findWebhook(db: Db, organizationId: string | null, id: string): Promise<Webhook | null> {
  const row = await db.read
    .selectFrom('securityWebhook')
    .selectAll()
    .where('id', '=', id)
    .where('organizationId', organizationId === null ? 'is' : '=', organizationId)
    .executeTakeFirst()
  return row ?? null
}

export async function insertWebhook(tx: Tx, webhook: Webhook): Promise<void> {
  await tx
    .insertInto('securityWebhook')
    .values({ ...webhook, isActive: webhook.isActive === 1 ? 1 : 0 })
    .execute()
}

export type WebhookChange = Partial<Omit<Webhook, 'id' | 'isActive'>> & { readonly isActive?: 0 | 1 }

export async function updateWebhook(tx: Tx, id: string, change: WebhookChange): Promise<void> {
  await tx.updateTable('securityWebhook').set(change).where('id', '=', id).execute()
}

export async function deleteWebhook(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('securityWebhook').where('id', '=', id).execute()
}

/** Where both chains end now: a new webhook is told of what comes after. */
export async function readEnds(db: Db): Promise<Place & { readonly downloadSeal: number }> {
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

export async function selectDue(db: Db, now: number, limit: number): Promise<Webhook[]> {
  return await db.read
    .selectFrom('securityWebhook')
    .selectAll()
    .where('isActive', '=', 1)
    .where('nextAt', '<=', now)
    .where('leaseUntil', '<=', now)
    .orderBy('nextAt')
    .limit(limit)
    .execute()
}

/** False where another process was faster. */
export async function claimWebhook(tx: Tx, id: string, holder: string, now: number, until: number): Promise<boolean> {
  const done = await tx
    .updateTable('securityWebhook')
    .set({ holder, leaseUntil: until })
    .where('id', '=', id)
    .where('isActive', '=', 1)
    .where('leaseUntil', '<=', now)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1
}

/** What the holder found; nothing where it lost the webhook meanwhile. */
export async function settleWebhook(tx: Tx, id: string, holder: string, change: WebhookChange): Promise<boolean> {
  const done = await tx
    .updateTable('securityWebhook')
    .set({ ...change, holder: null, leaseUntil: 0 })
    .where('id', '=', id)
    .where('holder', '=', holder)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1
}

export interface Place {
  readonly seal: number
  readonly position: number
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

export async function insertDelivery(tx: Tx, delivery: WebhookDeliveryTable, kept: number): Promise<void> {
  await tx.insertInto('webhookDelivery').values(delivery).execute()
  const oldest = await tx
    .selectFrom('webhookDelivery')
    .select('id')
    .where('webhookId', '=', delivery.webhookId)
    .orderBy('id', 'desc')
    .offset(kept)
    .limit(1)
    .executeTakeFirst()
  if (oldest === undefined) return
  await tx
    .deleteFrom('webhookDelivery')
    .where('webhookId', '=', delivery.webhookId)
    .where('id', '<=', oldest.id)
    .execute()
}

export async function selectDeliveries(db: Db, webhookId: string, limit: number): Promise<WebhookDeliveryTable[]> {
  return await db.list
    .selectFrom('webhookDelivery')
    .selectAll()
    .where('webhookId', '=', webhookId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

export async function findDelivery(db: Db, webhookId: string, id: string): Promise<WebhookDeliveryTable | null> {
  const row = await db.read
    .selectFrom('webhookDelivery')
    .selectAll()
    .where('webhookId', '=', webhookId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}
