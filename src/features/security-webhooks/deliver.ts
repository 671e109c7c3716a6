/**
 * Sends what happened to those who asked for it, from the sealed audit log: in its order, at least once, each webhook at its own pace. A sender of
 * its own, beside the jobs: a receiver that takes its time holds one of few places here for ten seconds at most, and no worker.
 */

import { systemOrigin } from '../../domain/event.ts'
import { isInScope, type ScopeName, scopeNames } from '../../domain/event-scopes.ts'
import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import { enqueueMail } from '../accounts/service.ts'
import {
  type Place,
  presentEvents,
  readLogEnds,
  recordEvent,
  selectNextDownloads,
  selectSealedAfter,
} from '../audit/service.ts'
import { firstAdmins } from '../organizations/service.ts'
import {
  claimWebhook,
  insertDelivery,
  moveOver,
  nameOfOrganization,
  selectDue,
  settleWebhook,
  type Webhook,
  type WebhookChange,
  type WebhookPlace,
} from './queries.ts'
import { signatureHeader, signatureOf } from './signature.ts'

const lookEveryMs = 1_000
/** Receivers at the same time. */
const mostAtOnce = 8
const timeLimitMs = 10_000
const leaseMs = 60_000
/** Events of one delivery. */
const eventsPerDelivery = 100
const rowsAtOnce = 500
const mostLookedAt = 1_000
const deliveriesKept = 100
/** As many administrators are written to as of requests for access. */
const mostAdmins = 5
const firstPauseMs = 5_000
const longestPauseMs = 3_600_000
/** A place that only moved over what is none of a webhook's business is written so seldom, and known in memory meanwhile. */
const skipEveryMs = 60_000
/** Of `rowsAtOnce`, in one look. */
const pagesAtOnce = 20
/** A receiver that takes nothing for so long is switched off, and that is an event. */
export const givenUpAfterMs = 5 * 86_400_000

export interface Outcome {
  readonly status: number | null
  /** Null: it was taken. */
  readonly error: string | null
  readonly tookMs: number
}

/** Posts one body, signed. Redirects and addresses that are not public are refused by the guard, when the connection is made. */
export async function post(hub: Hub, webhook: Webhook, id: string, body: string): Promise<Outcome> {
  const now = hub.clock.now()
  const isOverlap = webhook.oldSecret !== null && (webhook.oldSecretUntil ?? 0) > now
  const secrets = [webhook.secret, ...(isOverlap && webhook.oldSecret !== null ? [webhook.oldSecret] : [])]
  const plain = secrets.map((secret) => hub.keys.decrypt('webhook-secret', secret, webhook.id))
  const from = performance.now()
  const took = () => Math.round(performance.now() - from)
  try {
    const { status } = await hub.outbound.send({
      url: webhook.url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Holdfast-Webhook',
        'x-hub-delivery': id,
        [signatureHeader]: signatureOf(plain, Math.floor(now / 1000), body),
      },
      body,
      timeLimitMs,
      sizeLimit: 64 * 1024,
    })
    const isTaken = status >= 200 && status < 300
    return { status, error: isTaken ? null : `It answered ${status}.`, tookMs: took() }
  } catch (error) {
    if (!(error instanceof OutboundRefusal)) throw error
    return { status: null, error: error.reason, tookMs: took() }
  }
}

export function scopesOf({ scopes }: Pick<Webhook, 'scopes'>): ScopeName[] {
  const given: unknown = JSON.parse(scopes)
  return scopeNames.filter((scope) => Array.isArray(given) && given.includes(scope))
}

interface Batch {
  readonly events: readonly object[]
  readonly downloads: readonly object[]
  readonly place: WebhookPlace
}

/** What this webhook is told next; the places move also over what is none of its business. */
async function nextBatch(hub: Hub, webhook: Webhook, from: WebhookPlace): Promise<Batch> {
  const scopes = scopesOf(webhook)
  let place: Place = from
  const chosen: Awaited<ReturnType<typeof selectSealedAfter>> = []
  const rows = await selectSealedAfter(hub.db, from, rowsAtOnce)
  for (const row of rows) {
    if (chosen.length >= eventsPerDelivery) break
    place = row
    const isTheirs = webhook.organizationId === null || row.ownerId === webhook.organizationId
    if (isTheirs && isInScope(scopes, row.action)) chosen.push(row)
  }
  const presented = await presentEvents(
    hub,
    chosen.map(({ seal: _seal, position: _position, ...event }) => event),
  )
  const events = presented.map((event, at) => ({ sequence: `${chosen[at]?.seal}.${chosen[at]?.position}`, ...event }))
  const wantsDownloads = scopes.includes('*') || scopes.includes('download.*')
  // Before the records are read: what is sealed meanwhile is found the next time.
  const end = (await readLogEnds(hub.db)).downloadSeal
  const found = wantsDownloads ? await selectNextDownloads(hub.db, from.downloadSeal) : []
  const downloads = found.filter(({ ownerId }) => webhook.organizationId === null || ownerId === webhook.organizationId)
  return {
    events,
    downloads,
    place: {
      seal: place.seal,
      position: place.position,
      downloadSeal: found[0]?.seal ?? Math.max(end, from.downloadSeal),
    },
  }
}

export function bodyOf(id: string, webhook: Webhook, batch: Pick<Batch, 'events' | 'downloads'>, now: number): string {
  return JSON.stringify({
    delivery: id,
    webhook: webhook.id,
    sentAt: new Date(now).toISOString(),
    events: batch.events,
    ...(batch.downloads.length === 0 ? {} : { downloads: batch.downloads }),
  })
}

async function deliver(hub: Hub, webhook: Webhook, batch: Batch, holder: string): Promise<void> {
  const now = hub.clock.now()
  const count = batch.events.length + batch.downloads.length
  const id = hub.clock.id()
  const body = bodyOf(id, webhook, batch, now)
  const outcome = await post(hub, webhook, id, body)
  const change = outcome.error === null ? taken(hub, batch.place) : failed(hub, webhook, outcome.error)
  await hub.transaction(async (tx) => {
    if (!(await settleWebhook(tx, webhook.id, holder, change))) return
    const { status, error, tookMs } = outcome
    await insertDelivery(
      tx,
      { id, webhookId: webhook.id, at: now, kind: 'events', status, error, events: count, tookMs, body },
      deliveriesKept,
    )
    if (change.isActive === 0) await tellSwitchedOff(hub, tx, webhook, outcome.error ?? '')
  })
}

function taken(hub: Hub, moved: WebhookChange): WebhookChange {
  const now = hub.clock.now()
  return { ...moved, nextAt: now, failures: 0, failingSince: null, lastError: null, lastDeliveredAt: now }
}

function failed(hub: Hub, webhook: Webhook, error: string): WebhookChange {
  const now = hub.clock.now()
  const failures = webhook.failures + 1
  const failingSince = webhook.failingSince ?? now
  const nextAt = now + Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 20))
  const isOver = now - failingSince >= givenUpAfterMs
  return {
    failures,
    failingSince,
    lastError: error,
    nextAt,
    ...(isOver ? { isActive: 0, switchedOffReason: `It took nothing for five days. ${error}` } : {}),
  }
}

/** By an event, and by mail to those who can mend it. */
async function tellSwitchedOff(hub: Hub, tx: Tx, webhook: Webhook, error: string): Promise<void> {
  const { id, organizationId } = webhook
  await recordEvent(hub, tx, systemGrant('storage.scrub', { on: 'instance' }, 'security webhooks'), systemOrigin, {
    action: 'webhook.switched_off',
    resource: { kind: 'webhook', id, name: null },
    ownerId: organizationId,
    data: { id },
  })
  if (organizationId === null) return
  const organization = await nameOfOrganization(tx, organizationId)
  if (organization === null) return
  const path = `/organizations/${encodeURIComponent(organization)}/settings/security-webhooks/${id}`
  const { host } = new URL(webhook.url)
  for (const userId of await firstAdmins(tx, organizationId, mostAdmins)) {
    await enqueueMail(hub, tx, { kind: 'webhook-off', userId, organization, host, error, path })
  }
}

function isAtEnd(place: WebhookPlace, ends: WebhookPlace): boolean {
  const isToldAll = place.seal > ends.seal || (place.seal === ends.seal && place.position >= ends.position)
  return isToldAll && place.downloadSeal >= ends.downloadSeal
}

const isSamePlace = (one: WebhookPlace, other: WebhookPlace) =>
  one.seal === other.seal && one.position === other.position && one.downloadSeal === other.downloadSeal

const pick = ({ seal, position, downloadSeal }: WebhookPlace): WebhookPlace => ({ seal, position, downloadSeal })

/** Between the place of a webhook as it is written down and `to` lies nothing that it is told of. */
interface Skip {
  readonly from: WebhookPlace
  readonly to: WebhookPlace
  readonly savedAt: number
}

/** Looks each second; `stop` waits for what is being sent. */
export function startWebhooks(hub: Hub): { stop(): Promise<void> } {
  const holder = hub.clock.id()
  const sending = new Map<string, Promise<void>>()
  const skips = new Map<string, Skip>()
  let isStopping = false
  let timer: NodeJS.Timeout | null = null
  let look: Promise<void> = Promise.resolve()

  const placeOf = (webhook: Webhook): WebhookPlace => {
    const skip = skips.get(webhook.id)
    return skip !== undefined && isSamePlace(skip.from, webhook) ? skip.to : webhook
  }
  const send = async (webhook: Webhook): Promise<void> => {
    let from = placeOf(webhook)
    for (let page = 0; page < pagesAtOnce; page++) {
      const batch = await nextBatch(hub, webhook, from)
      if (batch.events.length + batch.downloads.length > 0) {
        const now = hub.clock.now()
        if (!(await hub.transaction((tx) => claimWebhook(tx, webhook, holder, now, now + leaseMs)))) return
        return await deliver(hub, webhook, batch, holder)
      }
      if (isSamePlace(batch.place, from)) break
      from = batch.place
    }
    await skipTo(webhook, from)
  }
  const skipTo = async (webhook: Webhook, to: WebhookPlace): Promise<void> => {
    const now = hub.clock.now()
    const savedAt = skips.get(webhook.id)?.savedAt ?? 0
    if (now - savedAt < skipEveryMs) {
      skips.set(webhook.id, { from: pick(webhook), to: pick(to), savedAt })
      return
    }
    if (skips.size >= 2 * mostLookedAt) skips.clear()
    if (await hub.transaction((tx) => moveOver(tx, webhook, pick(to), now))) {
      skips.set(webhook.id, { from: pick(to), to: pick(to), savedAt: now })
    }
  }
  const turn = async (): Promise<void> => {
    const due = await selectDue(hub.db, hub.clock.now(), mostLookedAt)
    const ends = due.length === 0 ? null : await readLogEnds(hub.db)
    for (const webhook of due) {
      if (sending.size >= mostAtOnce) break
      if (ends === null || sending.has(webhook.id) || isAtEnd(placeOf(webhook), ends)) continue
      const done = send(webhook)
        .catch((error: unknown) =>
          hub.log.error({ err: error, webhook: webhook.id }, 'A security webhook could not be served'),
        )
        .finally(() => sending.delete(webhook.id))
      sending.set(webhook.id, done)
    }
  }
  const next = (): void => {
    if (isStopping) return
    timer = setTimeout(() => {
      look = turn()
        .catch((error: unknown) => hub.log.error({ err: error }, 'Security webhooks could not be looked for'))
        .finally(next)
    }, lookEveryMs)
  }
  next()
  return {
    async stop() {
      isStopping = true
      if (timer !== null) clearTimeout(timer)
      await look
      await Promise.all(sending.values())
    },
  }
}
