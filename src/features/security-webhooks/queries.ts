/** The SQL of security webhooks. Whoever delivers holds the webhook by (id, holder), so that each has one sender at a time. */
import type { Db, Tx } from '../../platform/db/database.ts'
import type { SecurityWebhookTable, WebhookDeliveryTable } from '../../platform/db/schema.ts'

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

/**
 * How many there are. On PostgreSQL those who count at once wait for each other at the rows that are there; what the first one added is read by a second
 * statement, which sees it. Where there is none to wait at, the limit is far.
 */
export async function countLocked(tx: Tx, dialect: Db['dialect'], organizationId: string | null): Promise<number> {
  const here = tx
    .selectFrom('securityWebhook')
    .select('id')
    .where('organizationId', organizationId === null ? 'is' : '=', organizationId)
    .orderBy('id')
    .limit(100)
  if (dialect === 'postgres') await here.forUpdate().execute()
  return (await here.execute()).length
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

/** How far it has been told. */
export type WebhookPlace = Pick<Webhook, 'seal' | 'position' | 'downloadSeal'>

export type WebhookChange = Partial<Omit<Webhook, 'id' | 'isActive'>> & { readonly isActive?: 0 | 1 }

export async function updateWebhook(tx: Tx, id: string, change: WebhookChange): Promise<void> {
  await tx.updateTable('securityWebhook').set(change).where('id', '=', id).execute()
}

export async function deleteWebhook(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('securityWebhook').where('id', '=', id).execute()
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

/** Changes a webhook that nobody holds and that is where it was found. False where another process was faster. */
async function changeFree(tx: Tx, found: Webhook, change: WebhookChange, now: number): Promise<boolean> {
  const done = await tx
    .updateTable('securityWebhook')
    .set(change)
    .where('id', '=', found.id)
    .where('isActive', '=', 1)
    .where('leaseUntil', '<=', now)
    .where('seal', '=', found.seal)
    .where('position', '=', found.position)
    .where('downloadSeal', '=', found.downloadSeal)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1
}

export async function claimWebhook(
  tx: Tx,
  found: Webhook,
  holder: string,
  now: number,
  until: number,
): Promise<boolean> {
  return await changeFree(tx, found, { holder, leaseUntil: until }, now)
}

/** Past what is none of its business. */
export async function moveOver(tx: Tx, found: Webhook, to: WebhookPlace, now: number): Promise<boolean> {
  return await changeFree(tx, found, to, now)
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

export async function nameOfOrganization(tx: Tx, id: string): Promise<string | null> {
  const row = await tx.selectFrom('namespace').select('name').where('id', '=', id).executeTakeFirst()
  return row?.name ?? null
}
