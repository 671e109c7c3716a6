/**
 * Where people answer for applications and devices. Nothing is given by opening an address: each answer is a press in a session of the last
 * hour, on a page that nothing can frame, sent from this hub itself.
 */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import {
  type Asked,
  answerAddress,
  approve,
  deny,
  earlierConsent,
  faultAddress,
  isFault,
  readRequest,
  signInAgain,
} from './authorize.ts'
import type { Client } from './client.ts'
import {
  type ConsentOrganization,
  ConsentPage,
  consentPath,
  DeviceConsentPage,
  DevicePage,
  devicePath,
} from './consent-pages.tsx'
import { answerForDevice, findDeviceByUserCode, type WaitingDevice } from './device.ts'
import { findActivePerson, findConsent, listMemberships } from './queries.ts'

const self = { on: 'self' } as const
const instance = { on: 'instance' } as const
const organizations = repeatable.pipe(z.array(z.string().max(100)).max(200)).default([])
const notKept = { 'cache-control': 'no-store' }

export const oauthPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: devicePath,
    surface: 'page',
    // As the answer does: who has to confirm who they are does so before typing.
    action: 'oauth.authorize',
    target: self,
    query: z.object({ user_code: z.string().max(40).optional() }),
    handle: async ({ hub, facts, query, request }) =>
      await deviceReply(hub, facts, request, { form: freshForm, userCode: query.user_code ?? '' }),
  }),
  route({
    method: 'POST',
    path: devicePath,
    surface: 'page',
    action: 'oauth.authorize',
    target: self,
    body: z.object({ user_code: z.string().max(40).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const device = await findDeviceByUserCode(hub, allowed, request.origin, body.user_code)
          return await deviceConsentReply(hub, facts, request, device, freshForm)
        },
        (fault) =>
          deviceReply(hub, facts, request, { form: formWithFault(body, fault), userCode: body.user_code, fault }),
      ),
  }),
  route({
    method: 'POST',
    path: `${devicePath}/answer`,
    surface: 'page',
    action: 'oauth.authorize',
    target: self,
    body: z.object({ user_code: z.string().max(40), answer: z.enum(['approve', 'deny']), organization: organizations }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const device = await findDeviceByUserCode(hub, allowed, request.origin, body.user_code)
          const approved = body.answer === 'approve'
          const answer = { approved, organizationIds: body.organization }
          await answerForDevice(hub, allowed, request.origin, device, answer)
          return approved
            ? redirectWithNotice(
                '/settings/connected-applications',
                'success',
                `${device.client.name} is signed in. Go back to your device; you may close this page.`,
              )
            : redirectWithNotice(devicePath, 'info', 'The device was denied, and gets nothing.')
        },
        (fault) =>
          deviceReply(hub, facts, request, { form: formWithFault(body, fault), userCode: body.user_code, fault }),
      ),
  }),
  route({
    method: 'GET',
    path: '/oauth/authorize',
    surface: 'page',
    action: 'oauth.ask',
    target: instance,
    handle: async (call) => await authorizationReply(call, call.request.query, true),
  }),
  route({
    method: 'POST',
    path: '/oauth/authorize',
    surface: 'oauth',
    action: 'oauth.ask',
    target: instance,
    body: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    bodyLimit: 65_536,
    summary: 'The same as GET: begins the sign-in to an application (RFC 6749, OpenID Connect).',
    answers: { 303: 'To the application with a code, or to the page that asks first' },
    handle: async (call) => {
      const given = new URLSearchParams(call.request.query)
      for (const [name, value] of Object.entries(call.body)) {
        for (const one of [value].flat()) given.append(name, one)
      }
      return await authorizationReply(call, given, false)
    },
  }),
  route({
    method: 'POST',
    path: consentPath,
    surface: 'page',
    action: 'oauth.authorize',
    target: self,
    body: z.looseObject({ answer: z.enum(['approve', 'deny']), organization: organizations }),
    bodyLimit: 65_536,
    handle: async ({ hub, allowed, facts, body, request }) => {
      const given = new URLSearchParams()
      for (const [name, value] of Object.entries(body)) {
        if (typeof value === 'string' && name !== 'answer') given.append(name, value)
      }
      // The form went through the browser: it is read as strictly as what the application sent.
      const asked = await readRequest(hub, given)
      if (isFault(asked)) return redirect(faultAddress(hub, asked), 303, notKept)
      return await orShow(
        async () => {
          const location =
            body.answer === 'approve'
              ? await approve(hub, allowed, request.origin, asked, body.organization)
              : await deny(hub, allowed, request.origin, asked)
          return redirect(location, 303, notKept)
        },
        (fault) => consentReply(hub, facts, request, asked, formWithFault({}, fault), fault),
      )
    },
  }),
]

type AskCall = Pick<Call<'oauth.ask', unknown, unknown>, 'hub' | 'facts' | 'request' | 'authorizeAlso'>

/** `asks`: a page may be shown; else the browser is sent to it. */
async function authorizationReply(
  { hub, facts, request, authorizeAlso }: AskCall,
  given: URLSearchParams,
  asks: boolean,
): Promise<Reply> {
  const asked = await readRequest(hub, given)
  if (isFault(asked)) return redirect(faultAddress(hub, asked), 303, notKept)
  const page = `/oauth/authorize?${new URLSearchParams(asked.parameters)}`
  const isSilent = asked.prompt.includes('none')
  const { principal } = facts
  if (principal.kind !== 'user') {
    if (isSilent) return redirect(refusal(hub, asked, 'login_required'), 303, notKept)
    return redirect(`/login?next=${encodeURIComponent(page)}`, 303, notKept)
  }
  const allowed = await authorizeAlso('oauth.sign_in', self)
  const earlier = await earlierConsent(hub, asked, principal.id)
  // On the way from our own sign-in form the browser would not follow to the application: its policy names this hub alone.
  const canFollow = request.header('sec-fetch-site') !== 'same-origin'
  if (earlier !== null && canFollow) {
    return redirect(await signInAgain(hub, allowed, request.origin, asked, earlier), 303, notKept)
  }
  if (isSilent) return redirect(refusal(hub, asked, 'consent_required'), 303, notKept)
  if (!asks) return redirect(page, 303, notKept)
  await authorizeAlso('oauth.authorize', self)
  return await consentReply(hub, facts, request, asked, freshForm)
}

function refusal(hub: Hub, asked: Asked, error: 'login_required' | 'consent_required'): string {
  return answerAddress(hub, asked.redirectUri, asked.state, { error })
}

async function deviceReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  view: { form: FormState; userCode: string; fault?: HoldfastError },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = <DevicePage context={context} form={view.form} userCode={view.userCode} />
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function deviceConsentReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  device: WaitingDevice,
  form: FormState,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <DeviceConsentPage
      context={context}
      application={await applicationOf(hub, device.client)}
      scopes={device.scopes}
      organizations={await organizationsFor(hub, facts, device.client)}
      form={form}
      device={device}
    />
  )
  return pageReply(context, page, { headers: notKept })
}

async function consentReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  asked: Asked,
  form: FormState,
  fault?: HoldfastError,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const { origin, protocol } = new URL(asked.redirectUri)
  const page = (
    <ConsentPage
      context={context}
      application={await applicationOf(hub, asked.client)}
      scopes={asked.scopes}
      organizations={await organizationsFor(hub, facts, asked.client)}
      form={form}
      destination={origin === 'null' ? `${protocol} (a program on this machine)` : origin}
      parameters={asked.parameters}
    />
  )
  const answer = fault === undefined ? {} : faultAnswer(fault)
  return pageReply(context, page, { ...answer, secret: true, formLeadsTo: asked.redirectUri })
}

async function applicationOf(hub: Hub, client: Client): Promise<{ name: string; ownerName: string | null }> {
  if (client.ownerId === null) return { name: client.name, ownerName: null }
  const owner = await findActivePerson(hub.db.read, client.ownerId)
  return { name: client.name, ownerName: owner?.name ?? 'somebody who has left' }
}

/** Ticked as at the last answer; at the first, all for what comes with the hub, which is one's own tool, and none for others. */
async function organizationsFor(hub: Hub, facts: Facts, client: Client): Promise<ConsentOrganization[]> {
  const { principal } = facts
  if (principal.kind !== 'user') return []
  const [memberships, consent] = await Promise.all([
    listMemberships(hub.db.read, principal.id, hub.clock.now()),
    findConsent(hub.db.read, principal.id, client.id),
  ])
  const earlier = consent === null ? null : (JSON.parse(consent.organizationIds) as string[])
  return memberships.map(({ id, name }) => ({
    id,
    name,
    ticked: earlier === null ? client.ownerId === null : earlier.includes(id),
  }))
}
