/** The pages of an organization's security webhooks. A secret is in the answer to the POST that made it, and nowhere else. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type ScopeName, scopeNames } from '../../domain/event-scopes.ts'
import type { Facts } from '../../domain/facts.ts'
import { mayOnceFresh } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { WebhookDeliveryTable } from '../../platform/db/schema.ts'
import { freshForm } from '../../web/form-state.ts'
import { scopesOf } from './deliver.ts'
import { type SentForm, type WebhookDialog, WebhookPage, WebhooksPage, webhookPath, webhooksPath } from './pages.tsx'
import type { Webhook } from './queries.ts'
import {
  changeWebhook,
  createWebhook,
  getWebhook,
  listDeliveries,
  listWebhooks,
  longestOverlapSeconds,
  type Reading,
  redeliver,
  removeWebhook,
  rotateSecret,
  sendTest,
  type Writing,
} from './service.ts'

const base = '/organizations/:name/settings/security-webhooks'
const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const form = z.object({
  url: z.string().trim().max(4_000).default(''),
  scopes: repeatable.pipe(z.array(z.string().max(100)).max(50)).default([]),
})
const urlShape = z.url({ protocol: /^https?$/ }).max(2_000)
const overlapShape = z.object({
  overlapHours: z.coerce
    .number()
    .int()
    .min(0)
    .max(longestOverlapSeconds / 3_600),
})

interface View {
  readonly sent?: SentForm
  readonly fault?: HoldfastError
  readonly dialog?: WebhookDialog | null
  readonly secret?: string
}

export const webhookPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: base,
    surface: 'page',
    action: 'org.webhook.read',
    target,
    handle: async ({ hub, allowed, facts, request }) =>
      await listReply(hub, facts, request, await listWebhooks(hub, allowed), {}),
  }),
  route({
    method: 'POST',
    path: base,
    surface: 'page',
    action: 'org.webhook.write',
    target,
    body: form,
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const { webhook, secret } = await createWebhook(hub, allowed, request.origin, settingsOf(body))
          return await webhookReply(hub, facts, request, { webhook, deliveries: [] }, { secret })
        },
        async (fault) => await listReply(hub, facts, request, await listWebhooks(hub, allowed), refused(body, fault)),
      ),
  }),
  route({
    method: 'GET',
    path: `${base}/:id`,
    surface: 'page',
    action: 'org.webhook.read',
    target,
    query: z.object({ dialog: z.string().max(30).optional() }),
    handle: async ({ hub, allowed, facts, params, query, request }) => {
      const dialog = query.dialog === 'rotate' || query.dialog === 'delete' ? query.dialog : null
      return await webhookReply(hub, facts, request, await load(hub, allowed, params.get('id')), { dialog })
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id`,
    surface: 'page',
    action: 'org.webhook.write',
    target,
    body: form,
    handle: ({ hub, allowed, facts, params, body, request }) =>
      orShow(
        async () => {
          const id = params.get('id')
          const before = await getWebhook(hub, allowed, id)
          const { url, scopes } = settingsOf(body)
          // The same address again would make a failing webhook look well.
          await changeWebhook(hub, allowed, request.origin, id, { scopes, ...(url === before.url ? {} : { url }) })
          return redirectWithNotice(webhookPath(allowed.resource.name, id), 'success', 'The webhook is saved.')
        },
        async (fault) => {
          const loaded = await load(hub, allowed, params.get('id'))
          return await webhookReply(hub, facts, request, loaded, refused(body, fault))
        },
      ),
  }),
  ...(['on', 'off'] as const).map((state) =>
    route({
      method: 'POST',
      path: `${base}/:id/${state}`,
      surface: 'page',
      action: 'org.webhook.write',
      target,
      handle: async ({ hub, allowed, params, request }) => {
        const { id } = await changeWebhook(hub, allowed, request.origin, params.get('id'), { active: state === 'on' })
        const words =
          state === 'on'
            ? 'The webhook is switched on. It goes on where it stopped.'
            : 'The webhook is switched off. What happens meanwhile is sent once it is on again.'
        return redirectWithNotice(webhookPath(allowed.resource.name, id), 'success', words)
      },
    }),
  ),
  route({
    method: 'POST',
    path: `${base}/:id/rotate`,
    surface: 'page',
    action: 'org.webhook.write',
    target,
    body: overlapShape,
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const id = params.get('id')
      const secret = await rotateSecret(hub, allowed, request.origin, id, body.overlapHours * 3_600)
      return await webhookReply(hub, facts, request, await load(hub, allowed, id), { secret })
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/delete`,
    surface: 'page',
    action: 'org.webhook.write',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      await removeWebhook(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(webhooksPath(allowed.resource.name), 'success', 'The webhook is deleted.')
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/test`,
    surface: 'page',
    action: 'org.webhook.write',
    target,
    handle: async ({ hub, allowed, params }) => {
      const id = params.get('id')
      return toldOf(await sendTest(hub, allowed, id), webhookPath(allowed.resource.name, id), 'The test')
    },
  }),
  route({
    method: 'POST',
    path: `${base}/:id/deliveries/:deliveryId/redeliver`,
    surface: 'page',
    action: 'org.webhook.write',
    target,
    handle: async ({ hub, allowed, params }) => {
      const id = params.get('id')
      const delivery = await redeliver(hub, allowed, id, params.get('deliveryId'))
      return toldOf(delivery, webhookPath(allowed.resource.name, id), 'The delivery')
    },
  }),
]

function toldOf({ error, status, tookMs }: WebhookDeliveryTable, here: string, what: string): Reply {
  return error === null
    ? redirectWithNotice(here, 'success', `${what} was taken: ${status} after ${tookMs} ms.`)
    : redirectWithNotice(here, 'error', `${what} was not taken. ${error}`)
}

/** Throws `invalid_input` for what is no address, and where nothing is ticked. */
function settingsOf(body: z.output<typeof form>): { url: string; scopes: ScopeName[] } {
  const url = urlShape.safeParse(body.url)
  if (!url.success) {
    const reason = 'Give a whole address: https://siem.example.org/holdfast.'
    throw new HoldfastError('invalid_input', { reason, field: 'url' })
  }
  const scopes = scopeNames.filter((name) => body.scopes.includes(name))
  if (scopes.length === 0) {
    throw new HoldfastError('invalid_input', { reason: 'Tick at least one kind of event.', field: 'scopes' })
  }
  return { url: url.data, scopes }
}

function refused(body: z.output<typeof form>, fault: HoldfastError): View {
  return { sent: { form: formWithFault(body, fault), ticked: body.scopes }, fault }
}

async function load(hub: Hub, allowed: Reading | Writing, id: string) {
  return { webhook: await getWebhook(hub, allowed, id), deliveries: await listDeliveries(hub, allowed, id) }
}

function organizationOf(facts: Facts): string {
  return facts.resource.on === 'organization' ? facts.resource.name : ''
}

async function listReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  webhooks: readonly Webhook[],
  view: View,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <WebhooksPage
      context={context}
      organization={organizationOf(facts)}
      webhooks={webhooks.map(viewOf)}
      mayChange={mayOnceFresh('org.webhook.write', facts)}
      sent={view.sent ?? { form: freshForm, ticked: ['*'] }}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function webhookReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  { webhook, deliveries }: { webhook: Webhook; deliveries: readonly WebhookDeliveryTable[] },
  view: View,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const mayChange = mayOnceFresh('org.webhook.write', facts)
  const page = (
    <WebhookPage
      context={context}
      organization={organizationOf(facts)}
      webhook={viewOf(webhook)}
      deliveries={deliveries}
      mayChange={mayChange}
      sent={view.sent ?? { form: { values: { url: webhook.url }, errors: {} }, ticked: scopesOf(webhook) }}
      dialog={mayChange ? (view.dialog ?? null) : null}
      secret={view.secret ?? null}
      now={hub.clock.now()}
    />
  )
  return pageReply(context, page, {
    ...(view.fault === undefined ? {} : faultAnswer(view.fault)),
    secret: view.secret !== undefined,
  })
}

function viewOf(webhook: Webhook) {
  const { id, url, createdAt, oldSecretUntil, switchedOffReason, failingSince, lastDeliveredAt, lastError } = webhook
  return {
    ...{ id, url, createdAt, oldSecretUntil, switchedOffReason, failingSince, lastDeliveredAt, lastError },
    scopes: scopesOf(webhook),
    isActive: webhook.isActive === 1,
    nextAt: webhook.failures === 0 ? null : webhook.nextAt,
  }
}
