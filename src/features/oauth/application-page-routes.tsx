/** The pages of connected applications, and of those that one registered. A secret is in the answer to the POST that made it, and nowhere else. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { isConfirmed } from '../../web/confirmation.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import {
  type ApplicationDialog,
  ApplicationPage,
  applicationsPath,
  ConnectedPage,
  connectedPath,
  NewApplicationPage,
} from './application-pages.tsx'
import {
  createApplication,
  deleteApplication,
  disconnect,
  getOwnApplication,
  listConnections,
  listOwnApplications,
  renewSecret,
  updateApplication,
} from './applications.ts'
import type { Client } from './client.ts'

const self = { on: 'self' } as const
const dialogs = ['delete', 'secret'] as const
const field = z.string().max(1_000).default('')
const applicationForm = z.object({
  name: field,
  redirectUris: z.string().max(10_000).default(''),
  scopes: repeatable.pipe(z.array(z.string().max(100)).max(50)).default([]),
  devices: z.string().max(10).optional(),
  kind: field,
})
type ApplicationForm = z.output<typeof applicationForm>

const settingsOf = (body: ApplicationForm) => ({
  name: body.name,
  redirectUris: body.redirectUris,
  scopes: body.scopes,
  takesDevices: body.devices !== undefined,
})

export const applicationPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: connectedPath,
    surface: 'page',
    action: 'oauth.connection.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional(), application: z.string().max(100).optional() }),
    handle: async ({ hub, allowed, facts, query, request, authorizeAlso }) => {
      const context = await pageContext(hub, facts, request)
      const connections = await listConnections(hub, allowed)
      const applications = await listOwnApplications(hub, await authorizeAlso('oauth.client.read', self))
      const dialog =
        query.dialog === 'disconnect' ? connections.find(({ clientId }) => clientId === query.application) : undefined
      const page = (
        <ConnectedPage
          context={context}
          connections={connections}
          applications={applications}
          dialog={dialog ?? null}
        />
      )
      return pageReply(context, page)
    },
  }),
  route({
    method: 'POST',
    path: '/settings/connected-applications/:id/disconnect',
    surface: 'page',
    action: 'oauth.connection.delete',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      const { name } = await disconnect(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(
        connectedPath,
        'success',
        `${name} is disconnected. Its tokens are refused from now on.`,
      )
    },
  }),
  route({
    method: 'GET',
    path: '/settings/applications/new',
    surface: 'page',
    action: 'oauth.client.create',
    target: self,
    handle: ({ hub, facts, request }) =>
      newReply(hub, facts, request, { form: freshForm, ticked: ['openid', 'profile'], devices: false }),
  }),
  route({
    method: 'POST',
    path: applicationsPath,
    surface: 'page',
    action: 'oauth.client.create',
    target: self,
    body: applicationForm,
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const confidential = body.kind === 'confidential'
          const made = await createApplication(hub, allowed, request.origin, { ...settingsOf(body), confidential })
          if (made.secret !== null) return await applicationReply(hub, facts, request, made.client, made)
          const next = `${applicationsPath}/${made.client.id}`
          return redirectWithNotice(next, 'success', `The application “${made.client.name}” is registered.`)
        },
        (fault) => newReply(hub, facts, request, { ...sent(body, fault), fault }),
      ),
  }),
  route({
    method: 'GET',
    path: '/settings/applications/:id',
    surface: 'page',
    action: 'oauth.client.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional() }),
    handle: async ({ hub, allowed, facts, params, query, request }) => {
      const client = await getOwnApplication(hub, allowed, params.get('id'))
      const kind = dialogs.find((known) => known === query.dialog) ?? null
      const dialog: ApplicationDialog | null = kind === null ? null : { kind, form: freshForm }
      return await applicationReply(hub, facts, request, client, { dialog })
    },
  }),
  route({
    method: 'POST',
    path: '/settings/applications/:id',
    surface: 'page',
    action: 'oauth.client.update',
    target: self,
    body: applicationForm,
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const client = await getOwnApplication(hub, allowed, params.get('id'))
      return await orShow(
        async () => {
          await updateApplication(hub, allowed, request.origin, client.id, settingsOf(body))
          const next = `${applicationsPath}/${client.id}`
          return redirectWithNotice(next, 'success', `The application “${body.name.trim()}” is saved.`)
        },
        (fault) => applicationReply(hub, facts, request, client, { sent: sent(body, fault), fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: '/settings/applications/:id/secret',
    surface: 'page',
    action: 'oauth.client.update',
    target: self,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const { client, secret } = await renewSecret(hub, allowed, request.origin, params.get('id'))
      return await applicationReply(hub, facts, request, client, { secret })
    },
  }),
  route({
    method: 'POST',
    path: '/settings/applications/:id/delete',
    surface: 'page',
    action: 'oauth.client.delete',
    target: self,
    body: z.object({ confirm: field }),
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const client = await getOwnApplication(hub, allowed, params.get('id'))
      return await orShow(
        async () => {
          if (!isConfirmed(body.confirm, client.name)) {
            throw new HoldfastError('invalid_input', { reason: `Type ${client.name} to go on.`, field: 'confirm' })
          }
          await deleteApplication(hub, allowed, request.origin, client.id)
          return redirectWithNotice(connectedPath, 'success', `The application “${client.name}” is deleted.`)
        },
        (fault) => {
          const dialog = { kind: 'delete', form: formWithFault(body, fault) } as const
          return applicationReply(hub, facts, request, client, { dialog, fault })
        },
      )
    },
  }),
]

interface Sent {
  readonly form: FormState
  readonly ticked: readonly string[]
  readonly devices: boolean
}

function sent(body: ApplicationForm, fault: HoldfastError): Sent {
  return { form: formWithFault(body, fault), ticked: body.scopes, devices: body.devices !== undefined }
}

async function newReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  view: Sent & { readonly fault?: HoldfastError },
): Promise<Reply> {
  const { fault, ...shown } = view
  const context = await pageContext(hub, facts, request)
  const page = <NewApplicationPage context={context} {...shown} />
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}

async function applicationReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  client: Client,
  view: { secret?: string | null; dialog?: ApplicationDialog | null; sent?: Sent; fault?: HoldfastError },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const shown = view.sent ?? { form: freshForm, ticked: client.scopes, devices: client.takesDevices }
  const page = (
    <ApplicationPage
      context={context}
      client={client}
      {...shown}
      secret={view.secret ?? null}
      dialog={view.dialog ?? null}
    />
  )
  const answer = view.fault === undefined ? {} : faultAnswer(view.fault)
  return pageReply(context, page, { ...answer, secret: view.secret != null })
}
