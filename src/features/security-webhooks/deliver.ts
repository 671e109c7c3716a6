/**
 * Sends what happened to those who asked for it, from the sealed audit log: in its order, at least once, each webhook at its own pace. A sender of
 * its own, beside the jobs: a receiver that takes its time holds one of few places here for ten seconds at most, and no worker.
 */

import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import { presentEvents, recordEvent } from '../audit/service.ts'
import {
  claimWebhook,
  insertDelivery,
  type Place,
  readEnds,
  selectDue,
  selectNextDownloads,
  selectSealedAfter,
  settleWebhook,
  type Webhook,
  type WebhookChange,
} from './queries.ts'
import { isInScope, type ScopeName, scopeNames, signatureHeader, signatureOf } from './signature.ts'

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
const firstPauseMs = 5_000
const longestPauseMs = 3_600_000
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
  readonly place: Place
  readonly downloadSeal: number
}

/** What this webhook is told next; the places move also over what is none of its business. */
async function nextBatch(hub: Hub, webhook: Webhook): Promise<Batch> {
  const scopes = scopesOf(webhook)
  let place: Place = webhook
  const chosen: Awaited<ReturnType<typeof selectSealedAfter>> = []
  const rows = await selectSealedAfter(hub.db, webhook, rowsAtOnce)
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
  const end = (await readEnds(hub.db)).downloadSeal
  const found = wantsDownloads ? await selectNextDownloads(hub.db, webhook.downloadSeal) : []
  const downloads = found.filter(({ ownerId }) => webhook.organizationId === null || ownerId === webhook.organizationId)
  return {
    events,
    downloads,
    place: { seal: place.seal, position: place.position },
    downloadSeal: found[0]?.seal ?? Math.max(end, webhook.downloadSeal),
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

/** One delivery, if there is something to tell. True: there may be more at once. */
async function deliverNext(hub: Hub, webhook: Webhook, holder: string): Promise<boolean> {
  const batch = await nextBatch(hub, webhook)
  const moved = { ...batch.place, downloadSeal: batch.downloadSeal }
  const hasMoved =
    moved.seal !== webhook.seal || moved.position !== webhook.position || moved.downloadSeal !== webhook.downloadSeal
  const now = hub.clock.now()
  const count = batch.events.length + batch.downloads.length
  if (count === 0) {
    await hub.transaction((tx) => settleWebhook(tx, webhook.id, holder, hasMoved ? moved : {}))
    return hasMoved
  }
  const id = hub.clock.id()
  const body = bodyOf(id, webhook, batch, now)
  const outcome = await post(hub, webhook, id, body)
  const change = outcome.error === null ? taken(hub, moved) : failed(hub, webhook, outcome.error)
  await hub.transaction(async (tx) => {
    if (!(await settleWebhook(tx, webhook.id, holder, change))) return
    const { status, error, tookMs } = outcome
    await insertDelivery(
      tx,
      { id, webhookId: webhook.id, at: now, kind: 'events', status, error, events: count, tookMs, body },
      deliveriesKept,
    )
    if (change.isActive === 0) await recordSwitchedOff(hub, tx, webhook)
  })
  return outcome.error === null
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

async function recordSwitchedOff(hub: Hub, tx: Parameters<typeof recordEvent>[1], webhook: Webhook): Promise<void> {
  const origin = { ip: null, userAgent: null, requestId: null }
  await recordEvent(hub, tx, systemGrant('storage.scrub', { on: 'instance' }, 'security webhooks'), origin, {
    action: 'webhook.switched_off',
    resource: { kind: 'webhook', id: webhook.id, name: null },
    ownerId: webhook.organizationId,
    data: { id: webhook.id },
  })
}

function isAtEnd(webhook: Webhook, ends: Awaited<ReturnType<typeof readEnds>>): boolean {
  const { seal, position, downloadSeal } = ends
  const isToldAll = webhook.seal > seal || (webhook.seal === seal && webhook.position >= position)
  return isToldAll && webhook.downloadSeal >= downloadSeal
}

/** Looks each second; `stop` waits for what is being sent. */
export function startWebhooks(hub: Hub): { stop(): Promise<void> } {
  const holder = hub.clock.id()
  const sending = new Map<string, Promise<void>>()
  let isStopping = false
  let timer: NodeJS.Timeout | null = null
  let look: Promise<void> = Promise.resolve()

  const send = async (webhook: Webhook): Promise<void> => {
    const now = hub.clock.now()
    if (!(await hub.transaction((tx) => claimWebhook(tx, webhook.id, holder, now, now + leaseMs)))) return
    await deliverNext(hub, webhook, holder)
  }
  const turn = async (): Promise<void> => {
    const due = await selectDue(hub.db, hub.clock.now(), mostLookedAt)
    const ends = due.length === 0 ? null : await readEnds(hub.db)
    for (const webhook of due) {
      if (sending.size >= mostAtOnce) break
      if (ends === null || sending.has(webhook.id) || isAtEnd(webhook, ends)) continue
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
