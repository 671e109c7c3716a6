/** The second step of signing in, signing in by a passkey alone, and confirming who one is. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import { json, type Reply, redirect } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { sessionCookie, signOut } from '../sessions/service.ts'
import { type Confirmation, confirmIdentity, confirmOptions, waysToConfirm } from './confirm.ts'
import type { FactorAnswer } from './proof.ts'
import {
  endedPendingCookie,
  finishSignIn,
  passkeySignInOptions,
  presentedPending,
  readSecondStep,
  secondStepOptions,
  signInWithPasskey,
} from './sign-in.ts'
import { ConfirmPage, SecondStepPage } from './sign-in-pages.tsx'

const instance = { on: 'instance' } as const
const self = { on: 'self' } as const
const address = z.string().max(2_000).optional()
const answerSchema = z.object({
  code: z.string().max(100).optional(),
  recovery: z.string().max(100).optional(),
  response: z.string().max(50_000).optional(),
  next: address,
})
/** Nothing on the way keeps a challenge. */
const notKept = { 'cache-control': 'no-store' }

export const secondStepRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/login/second-factor',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    query: z.object({ next: address }),
    handle: ({ hub, facts, query, request }) => secondStepReply(hub, facts, request, query.next, freshForm),
  }),
  route({
    method: 'POST',
    path: '/login/second-factor',
    surface: 'page',
    action: 'session.create',
    target: instance,
    body: answerSchema,
    handle: (call) => {
      const { hub, allowed, facts, body, request } = call
      return orShow(
        async () => {
          const pending = presentedPending(request)
          const made = await finishSignIn(hub, allowed, request.origin, pending, answerOf(body))
          const cookies = [sessionCookie(hub, made.cookie), endedPendingCookie(hub)]
          await endSessionOfBefore(call)
          if (made.codesLeft === null) return redirect(safeReturn(body.next), 303, { 'set-cookie': cookies })
          return redirectWithNotice(safeReturn(body.next), 'warning', codesLeftWords(made.codesLeft), {
            'set-cookie': cookies,
          })
        },
        (fault) => secondStepReply(hub, facts, request, body.next, formWithFault(body, fault), fault),
      )
    },
  }),
  route({
    method: 'GET',
    path: '/login/second-factor/options',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: async ({ hub, request }) => json(await secondStepOptions(hub, presentedPending(request)), 200, notKept),
  }),
  route({
    method: 'GET',
    path: '/login/passkey/options',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    handle: async ({ hub }) => json(await passkeySignInOptions(hub), 200, notKept),
  }),
  route({
    method: 'POST',
    path: '/login/passkey',
    surface: 'page',
    action: 'session.create',
    target: instance,
    body: z.object({ response: z.string().max(50_000).default(''), next: address }),
    handle: (call) => {
      const { hub, allowed, body, request } = call
      return orShow(
        async () => {
          const cookie = await signInWithPasskey(hub, allowed, request.origin, body.response)
          await endSessionOfBefore(call)
          const cookies = [sessionCookie(hub, cookie), endedPendingCookie(hub)]
          return redirect(safeReturn(body.next), 303, { 'set-cookie': cookies })
        },
        async (fault) => {
          const next = body.next === undefined ? '' : `?next=${encodeURIComponent(safeReturn(body.next))}`
          return redirectWithNotice(`/login${next}`, 'error', [fault.message, fault.next ?? ''].join(' ').trim())
        },
      )
    },
  }),
  route({
    method: 'GET',
    path: '/login/confirm',
    surface: 'page',
    action: 'session.refresh',
    target: self,
    query: z.object({ next: address }),
    handle: ({ hub, allowed, facts, query, request }) =>
      confirmReply(hub, allowed, facts, request, query.next, freshForm),
  }),
  route({
    method: 'POST',
    path: '/login/confirm',
    surface: 'page',
    action: 'session.refresh',
    target: self,
    body: answerSchema.extend({ password: z.string().max(1_000).optional() }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const answer: Confirmation =
            body.password === undefined ? answerOf(body) : { method: 'password', value: body.password }
          await confirmIdentity(hub, allowed, request.origin, answer)
          const words = 'Confirmed. For an hour you are not asked again.'
          return redirectWithNotice(safeReturn(body.next), 'success', words)
        },
        (fault) => confirmReply(hub, allowed, facts, request, body.next, formWithFault(body, fault), fault),
      ),
  }),
  route({
    method: 'GET',
    path: '/login/confirm/options',
    surface: 'page',
    action: 'session.refresh',
    target: self,
    handle: async ({ hub, allowed }) => json(await confirmOptions(hub, allowed), 200, notKept),
  }),
]

function answerOf(body: z.infer<typeof answerSchema>): FactorAnswer {
  if (body.response !== undefined) return { method: 'passkey', value: body.response }
  if (body.recovery !== undefined) return { method: 'recovery code', value: body.recovery }
  return { method: 'code', value: body.code ?? '' }
}

/** The browser forgets the session that it had: nobody could end it but from the list. */
async function endSessionOfBefore({
  hub,
  facts,
  request,
  authorizeAlso,
}: Pick<Call<'session.create', unknown, unknown>, 'hub' | 'facts' | 'request' | 'authorizeAlso'>): Promise<void> {
  if (facts.credential?.kind !== 'session') return
  await signOut(hub, await authorizeAlso('session.delete', self), request.origin)
}

function codesLeftWords(left: number): string {
  const count =
    left === 0
      ? 'That was your last recovery code.'
      : `${left} of your recovery codes ${left === 1 ? 'is' : 'are'} left.`
  return `${count} You can make new ones under Settings, Password and sign-in.`
}

async function secondStepReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  asked: string | undefined,
  form: FormState,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const step = fault?.code === 'sign_in_expired' ? null : await readSecondStep(hub, presentedPending(request))
  const next = asked === undefined ? null : safeReturn(asked)
  const page = <SecondStepPage context={context} form={form} next={next} step={step} />
  const answer = fault === null ? { status: step === null ? 410 : 200 } : faultAnswer(fault)
  return pageReply(context, page, { ...answer, secret: true })
}

async function confirmReply(
  hub: Hub,
  allowed: Allowed<'session.refresh'>,
  facts: Facts,
  request: HttpRequest,
  asked: string | undefined,
  form: FormState,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const ways = await waysToConfirm(hub, allowed)
  const page = <ConfirmPage context={context} form={form} next={safeReturn(asked)} ways={ways} />
  return pageReply(context, page, { ...(fault === null ? {} : faultAnswer(fault)), secret: true })
}
