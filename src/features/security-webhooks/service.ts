/** Security webhooks (idea 18) of organizations, and of the whole hub: made, changed, tried out, their secrets followed by new ones. */
import { randomBytes } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { ScopeName } from '../../domain/event-scopes.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { WebhookDeliveryTable } from '../../platform/db/schema.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import { readLogEnds, recordEvent } from '../audit/service.ts'
import { bodyOf, post } from './deliver.ts'
import {
  countLocked,
  deleteWebhook,
  findDelivery,
  findWebhook,
  insertDelivery,
  insertWebhook,
  selectDeliveries,
  selectWebhooks,
  updateWebhook,
  type Webhook,
  type WebhookChange,
} from './queries.ts'

export { startWebhooks } from './deliver.ts'

export type Reading = Allowed<'org.webhook.read' | 'webhook.read'>
export type Writing = Allowed<'org.webhook.write' | 'webhook.write'>

const mostWebhooks = 20
const deliveriesKept = 100
/** An old secret signs beside the new one for at most so long. */
export const longestOverlapSeconds = 7 * 86_400

/** Of which organization; null: of the whole hub. */
const ownerOf = (allowed: Reading | Writing): string | null => allowed.resource?.id ?? null

export async function listWebhooks(hub: Hub, allowed: Reading | Writing): Promise<Webhook[]> {
  return await selectWebhooks(hub.db, ownerOf(allowed))
}

export async function getWebhook(hub: Hub, allowed: Reading | Writing, id: string): Promise<Webhook> {
  const webhook = await findWebhook(hub.db, ownerOf(allowed), id)
  if (webhook === null) throw new HoldfastError('not_found')
  return webhook
}

/** The secret is told here and never again. */
export async function createWebhook(
  hub: Hub,
  allowed: Writing,
  origin: Origin,
  asked: { readonly url: string; readonly scopes: readonly ScopeName[] },
): Promise<{ webhook: Webhook; secret: string }> {
  judge(hub, asked.url)
  const organizationId = ownerOf(allowed)
  const id = hub.clock.id()
  const secret = newSecret()
  const now = hub.clock.now()
  const webhook: Webhook = {
    id,
    organizationId,
    url: asked.url,
    scopes: JSON.stringify(asked.scopes),
    secret: hub.keys.encrypt('webhook-secret', secret, id),
    oldSecret: null,
    oldSecretUntil: null,
    createdAt: now,
    isActive: 1,
    switchedOffReason: null,
    ...(await readLogEnds(hub.db)),
    nextAt: now,
    failures: 0,
    failingSince: null,
    lastError: null,
    lastDeliveredAt: null,
    holder: null,
    leaseUntil: 0,
  }
  await hub.transaction(async (tx) => {
    if ((await countLocked(tx, hub.db.dialect, organizationId)) >= mostWebhooks) {
      throw new HoldfastError('invalid_input', {
        reason: `There are ${mostWebhooks} webhooks already. Remove one first.`,
      })
    }
    await insertWebhook(tx, webhook)
    await recordChange(hub, tx, allowed, origin, id, 'created')
  })
  return { webhook, secret }
}

export async function changeWebhook(
  hub: Hub,
  allowed: Writing,
  origin: Origin,
  id: string,
  asked: {
    readonly url?: string | undefined
    readonly scopes?: readonly ScopeName[] | undefined
    readonly active?: boolean | undefined
  },
): Promise<Webhook> {
  await getWebhook(hub, allowed, id)
  if (asked.url !== undefined) judge(hub, asked.url)
  const fresh = { failures: 0, failingSince: null, lastError: null, nextAt: hub.clock.now() }
  const change: WebhookChange = {
    ...(asked.url === undefined ? {} : { url: asked.url, ...fresh }),
    ...(asked.scopes === undefined ? {} : { scopes: JSON.stringify(asked.scopes) }),
    ...(asked.active === undefined ? {} : { isActive: asked.active ? 1 : 0, switchedOffReason: null }),
    ...(asked.active === true ? fresh : {}),
  }
  if (Object.keys(change).length > 0) {
    await hub.transaction(async (tx) => {
      await updateWebhook(tx, id, change)
      await recordChange(hub, tx, allowed, origin, id, 'changed')
    })
  }
  return await getWebhook(hub, allowed, id)
}

/** Both secrets sign until the overlap is over. */
export async function rotateSecret(
  hub: Hub,
  allowed: Writing,
  origin: Origin,
  id: string,
  overlapSeconds: number,
): Promise<string> {
  const { secret: old } = await getWebhook(hub, allowed, id)
  const secret = newSecret()
  await hub.transaction(async (tx) => {
    await updateWebhook(tx, id, {
      secret: hub.keys.encrypt('webhook-secret', secret, id),
      oldSecret: overlapSeconds === 0 ? null : old,
      oldSecretUntil: overlapSeconds === 0 ? null : hub.clock.now() + overlapSeconds * 1000,
    })
    await recordChange(hub, tx, allowed, origin, id, 'got a new secret')
  })
  return secret
}

export async function removeWebhook(hub: Hub, allowed: Writing, origin: Origin, id: string): Promise<void> {
  await getWebhook(hub, allowed, id)
  await hub.transaction(async (tx) => {
    await deleteWebhook(tx, id)
    await recordChange(hub, tx, allowed, origin, id, 'removed')
  })
}

export async function listDeliveries(
  hub: Hub,
  allowed: Reading | Writing,
  id: string,
): Promise<WebhookDeliveryTable[]> {
  await getWebhook(hub, allowed, id)
  return await selectDeliveries(hub.db, id, deliveriesKept)
}

/** Sends an event that did not happen, at once, also where the webhook is switched off. */
export async function sendTest(hub: Hub, allowed: Writing, id: string): Promise<WebhookDeliveryTable> {
  const webhook = await getWebhook(hub, allowed, id)
  const delivery = hub.clock.id()
  const now = hub.clock.now()
  const event = { _id: delivery, type: 'ping', createdAt: new Date(now).toISOString(), message: 'A test' }
  return await sendNow(hub, webhook, delivery, 'test', {
    body: bodyOf(delivery, webhook, { events: [event], downloads: [] }, now),
    events: 1,
  })
}

/** Sends a delivery once more, with its own body and a new time in its signature. */
export async function redeliver(
  hub: Hub,
  allowed: Writing,
  id: string,
  deliveryId: string,
): Promise<WebhookDeliveryTable> {
  const webhook = await getWebhook(hub, allowed, id)
  const before = await findDelivery(hub.db, id, deliveryId)
  if (before === null) throw new HoldfastError('not_found')
  return await sendNow(hub, webhook, deliveryId, 'again', before)
}

async function sendNow(
  hub: Hub,
  webhook: Webhook,
  deliveryId: string,
  kind: 'test' | 'again',
  { body, events }: Pick<WebhookDeliveryTable, 'body' | 'events'>,
): Promise<WebhookDeliveryTable> {
  const { status, error, tookMs } = await post(hub, webhook, deliveryId, body)
  const id = kind === 'again' ? hub.clock.id() : deliveryId
  const row: WebhookDeliveryTable = {
    ...{ id, webhookId: webhook.id, at: hub.clock.now(), kind, status, error, events, tookMs, body },
  }
  await hub.transaction((tx) => insertDelivery(tx, row, deliveriesKept))
  return row
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64url')}`
}

function judge(hub: Hub, url: string): void {
  try {
    hub.outbound.judge(url)
  } catch (error) {
    if (error instanceof OutboundRefusal)
      throw new HoldfastError('invalid_input', { reason: error.reason, field: 'url' })
    throw error
  }
}

async function recordChange(
  hub: Hub,
  tx: Parameters<typeof recordEvent>[1],
  allowed: Writing,
  origin: Origin,
  id: string,
  change: string,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'webhook', id, name: null },
    ownerId: ownerOf(allowed),
    data: { id, change },
  })
}
