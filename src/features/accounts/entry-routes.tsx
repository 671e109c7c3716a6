/**
 * The pages before one is signed in, and the way out. Pages behind a one-time link are not kept by anything on the way, and no link is used
 * up by being opened: mail scanners open every link.
 */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { passwordMinimum } from '../../domain/password.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { beginSecondStep, passkeysWork, pendingCookie } from '../second-factors/service.ts'
import { endedSessionCookie, sessionCookie, signIn, signOut } from '../sessions/service.ts'
import { invitedAddress, type JoinWay, join, joinWay } from './create.ts'
import { addressOfLink, verifyEmail } from './emails.ts'
import {
  type EmailVerification,
  EmailVerificationPage,
  JoinPage,
  type JoinState,
  PasswordResetPage,
  PasswordResetRequestPage,
  SignInPage,
} from './pages.tsx'
import { ownerOfResetLink, requestPasswordReset, resetPassword } from './password.ts'

const instance = { on: 'instance' } as const
const field = z.string().max(1_000).default('')

export const entryRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/login',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    query: z.object({ next: z.string().max(8_000).optional() }),
    handle: async ({ hub, facts, query, request }) => {
      const next = query.next === undefined ? null : safeReturn(query.next)
      if (facts.principal.kind === 'user') return redirect(next ?? '/')
      return await signInReply(hub, facts, request, freshForm, next)
    },
  }),
  route({
    method: 'POST',
    path: '/login',
    surface: 'page',
    action: 'session.create',
    target: instance,
    body: z.object({ username: field, password: field, next: z.string().max(8_000).optional() }),
    handle: ({ hub, allowed, facts, body, request, authorizeAlso }) =>
      orShow(
        async () => {
          const signed = await signIn(hub, allowed, request.origin, body)
          if (!signed.done) {
            const pending = await beginSecondStep(hub, signed.user)
            const next = body.next === undefined ? '' : `?next=${encodeURIComponent(safeReturn(body.next))}`
            return redirect(`/login/second-factor${next}`, 303, { 'set-cookie': [pendingCookie(hub, pending)] })
          }
          // The browser forgets the session that it had: nobody could end it but from the list.
          if (facts.credential?.kind === 'session') {
            await signOut(hub, await authorizeAlso('session.delete', { on: 'self' }), request.origin)
          }
          return redirect(safeReturn(body.next), 303, { 'set-cookie': [sessionCookie(hub, signed.cookie)] })
        },
        async (fault) => {
          const next = body.next === undefined ? null : safeReturn(body.next)
          return await signInReply(hub, facts, request, formWithFault(body, fault), next, fault)
        },
      ),
  }),
  route({
    method: 'POST',
    path: '/logout',
    surface: 'page',
    // Open to everybody: who is not signed in any more wants the dead cookie gone, not a lecture.
    action: 'instance.read',
    target: instance,
    handle: async ({ hub, facts, authorizeAlso, request }) => {
      if (facts.principal.kind === 'user') {
        await signOut(hub, await authorizeAlso('session.delete', { on: 'self' }), request.origin)
      }
      return redirectWithNotice('/login', 'success', 'You are signed out.', {
        'set-cookie': [endedSessionCookie(hub)],
      })
    },
  }),
  route({
    method: 'GET',
    path: '/join',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: ({ hub, facts, request }) => joinReply(hub, facts, request, null),
  }),
  route({
    method: 'GET',
    path: '/join/:link',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: ({ hub, facts, params, request }) => joinReply(hub, facts, request, params.get('link')),
  }),
  route({
    method: 'POST',
    path: '/join',
    surface: 'page',
    action: 'account.join',
    target: instance,
    body: z.object({ username: field, email: field, password: field, link: z.string().max(100).optional() }),
    handle: ({ hub, allowed, facts, body, request }) => {
      const link = body.link ?? null
      return orShow(
        async () => {
          const next = link !== null && (await invitedAddress(hub, link)) !== null ? `/invitations/${link}` : '/'
          const { cookie, name } = await join(hub, allowed, request.origin, { ...body, link })
          return redirectWithNotice(next, 'success', `Welcome, ${name}. Your account is ready.`, {
            'set-cookie': [sessionCookie(hub, cookie)],
          })
        },
        (fault) => joinReply(hub, facts, request, link, { body, fault }),
      )
    },
  }),
  route({
    method: 'GET',
    path: '/password-reset',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: ({ hub, facts, request }) => resetRequestReply(hub, facts, request, freshForm, false),
  }),
  route({
    method: 'POST',
    path: '/password-reset',
    surface: 'page',
    action: 'account.recover',
    target: instance,
    body: z.object({ email: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          if (hub.mailer.isConfigured) await requestPasswordReset(hub, allowed, request.origin, body.email)
          return await resetRequestReply(hub, facts, request, freshForm, hub.mailer.isConfigured)
        },
        (fault) => resetRequestReply(hub, facts, request, formWithFault(body, fault), false, fault),
      ),
  }),
  route({
    method: 'GET',
    path: '/password-reset/:link',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: async ({ hub, facts, params, request }) => {
      return await resetReply(hub, facts, request, params.get('link'), freshForm, null)
    },
  }),
  route({
    method: 'POST',
    path: '/password-reset/set',
    surface: 'page',
    action: 'account.recover',
    target: instance,
    body: z.object({ link: z.string().max(100).default(''), password: field }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          await resetPassword(hub, allowed, request.origin, body)
          return redirectWithNotice('/login', 'success', 'Your new password is saved. Sign in with it.')
        },
        (fault) => resetReply(hub, facts, request, body.link, formWithFault(body, fault), fault),
      ),
  }),
  route({
    method: 'GET',
    path: '/verify-email/:link',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: async ({ hub, facts, params, request }) => {
      const link = params.get('link')
      const address = await addressOfLink(hub, link)
      return address === null
        ? await verificationReply(hub, facts, request, { kind: 'spent' }, 410)
        : await verificationReply(hub, facts, request, { kind: 'ask', address, link }, 200)
    },
  }),
  route({
    method: 'POST',
    path: '/verify-email',
    surface: 'page',
    action: 'account.recover',
    target: instance,
    body: z.object({ link: z.string().max(100).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const address = await verifyEmail(hub, allowed, request.origin, body.link)
          return await verificationReply(hub, facts, request, { kind: 'verified', address }, 200)
        },
        async (fault) => {
          if (fault.code !== 'link_invalid') throw fault
          return await verificationReply(hub, facts, request, { kind: 'spent' }, 410)
        },
      ),
  }),
]

async function signInReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  form: FormState,
  next: string | null,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <SignInPage context={context} form={form} next={next} passkeys={passkeysWork(hub)} company={hub.config.company} />
  )
  return pageReply(context, page, fault === null ? {} : faultAnswer(fault))
}

async function joinReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  link: string | null,
  refused: { body: Readonly<Record<string, unknown>>; fault: HoldfastError } | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const way = await joinWay(hub, link)
  const state = await joinState(hub, way, link)
  const form =
    refused === null
      ? freshForm
      : formWithFault(refused.body, refused.fault, { name_taken: 'username', invalid_name: 'username' })
  const page = <JoinPage context={context} form={form} join={state} passwordMinimum={passwordMinimum} />
  const answer = refused === null ? { status: way === 'link-spent' ? 410 : 200 } : faultAnswer(refused.fault)
  return pageReply(context, page, { ...answer, secret: link !== null })
}

async function joinState(hub: Hub, way: JoinWay, link: string | null): Promise<JoinState> {
  if (way === 'org-invited') {
    return { kind: 'invited', link: link ?? '', address: await invitedAddress(hub, link ?? '') }
  }
  return way === 'invited' || way === 'setup' ? { kind: way, link: link ?? '' } : { kind: way }
}

async function resetRequestReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  form: FormState,
  sent: boolean,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <PasswordResetRequestPage context={context} form={form} sent={sent} sendsMail={hub.mailer.isConfigured} />
  )
  return pageReply(context, page, fault === null ? {} : faultAnswer(fault))
}

async function resetReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  link: string,
  form: FormState,
  fault: HoldfastError | null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const name = await ownerOfResetLink(hub, link)
  const reset = name === null ? null : { link, name }
  const page = <PasswordResetPage context={context} form={form} reset={reset} passwordMinimum={passwordMinimum} />
  const answer = fault === null ? { status: reset === null ? 410 : 200 } : faultAnswer(fault)
  return pageReply(context, page, { ...answer, secret: true })
}

async function verificationReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  verification: EmailVerification,
  status: number,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  return pageReply(context, <EmailVerificationPage context={context} verification={verification} />, {
    status,
    secret: true,
  })
}
