/** Security webhooks for programs: of an organization, and of the whole hub under the same names. */

import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { scopeNames } from '../../domain/event-scopes.ts'
import { isoTime } from '../../domain/iso-time.ts'
import type { WebhookDeliveryTable } from '../../platform/db/schema.ts'
import { scopesOf } from './deliver.ts'
import type { Webhook } from './queries.ts'
import {
  changeWebhook,
  createWebhook,
  getWebhook,
  listDeliveries,
  listWebhooks,
  longestOverlapSeconds,
  redeliver,
  removeWebhook,
  rotateSecret,
  sendTest,
} from './service.ts'

const url = z.url({ protocol: /^https?$/ }).max(2_000)
const scopes = z.array(z.enum(scopeNames)).min(1).max(scopeNames.length)
const createShape = z.strictObject({ url, scopes: scopes.default(['*']) })
const changeShape = z.strictObject({ url: url.optional(), scopes: scopes.optional(), active: z.boolean().optional() })
const rotateShape = z.strictObject({
  overlapSeconds: z.number().int().min(0).max(longestOverlapSeconds).default(86_400),
})

const ofOrganization = {
  base: '/api/organizations/:name/security-webhooks' as const,
  read: 'org.webhook.read' as const,
  write: 'org.webhook.write' as const,
  target: ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const,
  whose: 'an organization',
}
const ofHub = {
  base: '/api/security-webhooks' as const,
  read: 'webhook.read' as const,
  write: 'webhook.write' as const,
  target: () => ({ on: 'instance' }) as const,
  whose: 'the whole hub',
}

export const webhookRoutes: Route[] = [...routesOf(ofOrganization), ...routesOf(ofHub)]

function routesOf({ base, read, write, target, whose }: typeof ofOrganization | typeof ofHub): Route[] {
  return [
    route({
      method: 'GET',
      path: base,
      surface: 'api',
      action: read,
      target,
      summary: `The security webhooks of ${whose}, in a session; without their secrets.`,
      handle: async ({ hub, allowed }) => json((await listWebhooks(hub, allowed)).map(present)),
    }),
    route({
      method: 'POST',
      path: base,
      surface: 'api',
      action: write,
      target,
      body: createShape,
      summary: `Makes a security webhook of ${whose}. The answer has the secret, which is told only here.`,
      answers: { 400: 'The address is not let through, or there are 20 already' },
      handle: async ({ hub, allowed, body, request }) => {
        const { webhook, secret } = await createWebhook(hub, allowed, request.origin, body)
        return json({ ...present(webhook), secret }, 200, { 'cache-control': 'no-store' })
      },
    }),
    route({
      method: 'GET',
      path: `${base}/:id`,
      surface: 'api',
      action: read,
      target,
      summary: `A security webhook of ${whose}.`,
      handle: async ({ hub, allowed, params }) => json(present(await getWebhook(hub, allowed, params.get('id')))),
    }),
    route({
      method: 'PATCH',
      path: `${base}/:id`,
      surface: 'api',
      action: write,
      target,
      body: changeShape,
      summary: `Changes address or scopes of a security webhook of ${whose}, or switches it on or off. What is absent stays.`,
      handle: async ({ hub, allowed, params, body, request }) =>
        json(present(await changeWebhook(hub, allowed, request.origin, params.get('id'), body))),
    }),
    route({
      method: 'DELETE',
      path: `${base}/:id`,
      surface: 'api',
      action: write,
      target,
      summary: `Removes a security webhook of ${whose}.`,
      handle: async ({ hub, allowed, params, request }) => {
        await removeWebhook(hub, allowed, request.origin, params.get('id'))
        return json({ success: true })
      },
    }),
    route({
      method: 'POST',
      path: `${base}/:id/rotate`,
      surface: 'api',
      action: write,
      target,
      body: rotateShape,
      summary: 'Gives it a new secret; until `overlapSeconds` are over (a day unless said) both sign.',
      handle: async ({ hub, allowed, params, body, request }) => {
        const secret = await rotateSecret(hub, allowed, request.origin, params.get('id'), body.overlapSeconds)
        return json({ secret }, 200, { 'cache-control': 'no-store' })
      },
    }),
    route({
      method: 'POST',
      path: `${base}/:id/test`,
      surface: 'api',
      action: write,
      target,
      summary: 'Sends an event `ping` at once, and answers how that went.',
      handle: async ({ hub, allowed, params }) => json(presentDelivery(await sendTest(hub, allowed, params.get('id')))),
    }),
    route({
      method: 'GET',
      path: `${base}/:id/deliveries`,
      surface: 'api',
      action: read,
      target,
      summary: 'Its last 100 deliveries, newest first.',
      handle: async ({ hub, allowed, params }) =>
        json((await listDeliveries(hub, allowed, params.get('id'))).map(presentDelivery)),
    }),
    route({
      method: 'POST',
      path: `${base}/:id/deliveries/:deliveryId/redeliver`,
      surface: 'api',
      action: write,
      target,
      summary: 'Sends a delivery once more, under its own id.',
      handle: async ({ hub, allowed, params }) =>
        json(presentDelivery(await redeliver(hub, allowed, params.get('id'), params.get('deliveryId')))),
    }),
  ]
}

function present(webhook: Webhook): object {
  return {
    id: webhook.id,
    url: webhook.url,
    scopes: scopesOf(webhook),
    active: webhook.isActive === 1,
    switchedOffReason: webhook.switchedOffReason,
    createdAt: isoTime(webhook.createdAt),
    oldSecretUntil: isoTime(webhook.oldSecretUntil),
    lastDeliveredAt: isoTime(webhook.lastDeliveredAt),
    failures: webhook.failures,
    failingSince: isoTime(webhook.failingSince),
    nextAttemptAt: webhook.failures === 0 ? null : isoTime(webhook.nextAt),
    lastError: webhook.lastError,
  }
}

function presentDelivery({ id, at, kind, status, error, events, tookMs, body }: WebhookDeliveryTable): object {
  return { id, at: isoTime(at), kind, status, error, events, tookMs, body }
}
