/** The way to the company's provider and back, and what one's account is connected with. */
import { z } from 'zod'
import { addressBucket } from '../../access/address-bucket.ts'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { pendingCookie } from '../second-factors/service.ts'
import { type Counted, countAttempt, forgiveAttempt, sessionCookie, signOut } from '../sessions/service.ts'
import { type CompanyAnswer, callbackPath, providerAddress, readAnswer } from './ask.ts'
import {
  type Attempt,
  attemptCookie,
  endedAttemptCookie,
  newAttempt,
  type Purpose,
  presentedAttempt,
  readAttempt,
  spendAttempt,
} from './attempt.ts'
import { CompanyFaultPage, ConnectionsPage, connectionsPath, OnwardPage } from './pages.tsx'
import { companyOf } from './provider.ts'
import {
  confirmWithCompany,
  connectOwnAccount,
  disconnectOwnAccount,
  listConnections,
  signInWithCompany,
} from './service.ts'

const instance = { on: 'instance' } as const
const self = { on: 'self' } as const
const address = z.string().max(2_000).optional()

export const companySignInRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/login/company',
    surface: 'page',
    action: 'instance.read',
    target: instance,
    query: z.object({ next: address }),
    handle: async ({ hub, facts, query, request }) => {
      const next = safeReturn(query.next)
      if (facts.principal.kind === 'user') return redirect(next)
      return await leave(hub, facts, request, newAttempt(hub, { purpose: 'sign-in', session: null, next }))
    },
  }),
  route({
    method: 'GET',
    path: '/login/company/confirm',
    surface: 'page',
    action: 'session.refresh',
    target: self,
    query: z.object({ next: address }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const session = allowed.credential?.id ?? null
      const attempt = newAttempt(hub, { purpose: 'confirm', session, next: safeReturn(query.next) })
      return await leave(hub, facts, request, attempt)
    },
  }),
  route({
    method: 'GET',
    path: callbackPath,
    surface: 'page',
    action: 'session.create',
    target: instance,
    handle: (call) => comeBack(call),
  }),
  route({
    method: 'GET',
    path: connectionsPath,
    surface: 'page',
    action: 'account.company.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional(), issuer: z.string().max(2_000).optional() }),
    handle: ({ hub, allowed, facts, query, request }) => {
      const issuer = query.dialog === 'disconnect' ? (query.issuer ?? null) : null
      return connectionsReply(hub, allowed, facts, request, issuer)
    },
  }),
  route({
    method: 'POST',
    path: `${connectionsPath}/connect`,
    surface: 'page',
    action: 'account.company.update',
    target: self,
    handle: async ({ hub, allowed, facts, request }) => {
      const session = allowed.credential?.id ?? null
      const attempt = newAttempt(hub, { purpose: 'connect', session, next: connectionsPath })
      return await orFaultPage(hub, facts, request, attempt.purpose, attempt.next, async () => {
        const href = await providerAddress(hub, attempt)
        const context = await pageContext(hub, facts, request)
        return pageReply(context, <OnwardPage context={context} company={companyOf(hub).name} href={href} />, {
          secret: true,
          headers: { 'set-cookie': [attemptCookie(hub, attempt)], refresh: `0;url=${href}` },
        })
      })
    },
  }),
  route({
    method: 'POST',
    path: `${connectionsPath}/disconnect`,
    surface: 'page',
    action: 'account.company.update',
    target: self,
    body: z.object({ issuer: z.string().max(2_000).default('') }),
    handle: ({ hub, allowed, facts, body, request, authorizeAlso }) =>
      orShow(
        async () => {
          await disconnectOwnAccount(hub, allowed, request.origin, body.issuer)
          return redirectWithNotice(connectionsPath, 'success', 'It is disconnected.')
        },
        async (fault) => {
          const reading = await authorizeAlso('account.company.read', self)
          return await connectionsReply(hub, reading, facts, request, null, formWithFault({}, fault), fault)
        },
      ),
  }),
]

async function leave(hub: Hub, facts: Facts, request: HttpRequest, attempt: Attempt): Promise<Reply> {
  return await orFaultPage(hub, facts, request, attempt.purpose, attempt.next, async () => {
    const href = await providerAddress(hub, attempt)
    return redirect(href, 303, { 'set-cookie': [attemptCookie(hub, attempt)], 'cache-control': 'no-store' })
  })
}

type Returning = Call<'session.create', unknown, unknown>

async function comeBack(call: Returning): Promise<Reply> {
  const { hub, facts, request } = call
  let attempt: Attempt | null = null
  try {
    companyOf(hub)
    attempt = readAttempt(hub, presentedAttempt(request), request.query.get('state') ?? '')
    const counted: Counted = { limit: 'sign-in-address', about: addressBucket(request.origin.ip) }
    await countAttempt(hub, [counted])
    await spendAttempt(hub, attempt)
    const answer = await readAnswer(hub, attempt, request.query)
    const reply = await finish(call, attempt, answer)
    await forgiveAttempt(hub, [], [counted])
    return reply
  } catch (error) {
    return await faultReply(hub, facts, request, attempt?.purpose ?? 'sign-in', attempt?.next ?? '/', error)
  }
}

async function finish(call: Returning, attempt: Attempt, answer: CompanyAnswer): Promise<Reply> {
  const { hub, allowed, facts, request, authorizeAlso } = call
  const { origin } = request
  const { name } = companyOf(hub)
  const ended = endedAttemptCookie(hub)
  const next = safeReturn(attempt.next)
  if (attempt.purpose !== 'sign-in') {
    // Somebody else signed in here meanwhile, or nobody is.
    if (facts.credential?.kind !== 'session' || facts.credential.id !== attempt.session) {
      throw new HoldfastError('company_sign_in_lost')
    }
    const isConnecting = attempt.purpose === 'connect'
    if (isConnecting) {
      await connectOwnAccount(hub, await authorizeAlso('account.company.update', self), origin, answer)
    } else await confirmWithCompany(hub, await authorizeAlso('session.refresh', self), origin, answer)
    const words = isConnecting
      ? `Your account is connected with ${name}.`
      : 'Confirmed. For an hour you are not asked again.'
    return redirectWithNotice(next, 'success', words, { 'set-cookie': [ended] })
  }
  const signed = await signInWithCompany(hub, allowed, origin, answer)
  if (!signed.done) {
    return redirect(`/login/second-factor?next=${encodeURIComponent(next)}`, 303, {
      'set-cookie': [pendingCookie(hub, signed.pending, 'Lax'), ended],
    })
  }
  // The browser forgets the session that it had: nobody could end it but from the list.
  if (facts.credential?.kind === 'session') await signOut(hub, await authorizeAlso('session.delete', self), origin)
  const headers = { 'set-cookie': [sessionCookie(hub, signed.cookie), ended] }
  if (signed.notices.length > 0) return redirectWithNotice(next, 'warning', signed.notices.join(' '), headers)
  if (!signed.isNew) return redirect(next, 303, headers)
  return redirectWithNotice(next, 'success', `Welcome, ${signed.name}. Your account is ready.`, headers)
}

async function orFaultPage(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  purpose: Purpose,
  next: string,
  run: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await run()
  } catch (error) {
    return await faultReply(hub, facts, request, purpose, next, error)
  }
}

const faultTitles = {
  'sign-in': 'You are not signed in',
  connect: 'Your account is not connected',
  confirm: 'It is not confirmed',
} as const satisfies Record<Purpose, string>

async function faultReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  purpose: Purpose,
  next: string,
  error: unknown,
): Promise<Reply> {
  if (!(error instanceof HoldfastError) || error.code === 'company_sign_in_off') throw error
  const context = await pageContext(hub, facts, request)
  const query = `?next=${encodeURIComponent(safeReturn(next))}`
  const again = {
    'sign-in': `/login/company${query}`,
    connect: connectionsPath,
    confirm: `/login/company/confirm${query}`,
  }
  const isSignedIn = facts.principal.kind === 'user'
  const page = (
    <CompanyFaultPage
      context={context}
      title={faultTitles[purpose]}
      fault={error}
      again={again[purpose]}
      otherWay={
        isSignedIn
          ? { href: safeReturn(next), label: 'Go back without it' }
          : { href: `/login${query}`, label: 'Sign in another way' }
      }
    />
  )
  const { status, headers } = faultAnswer(error)
  return pageReply(context, page, {
    status,
    secret: true,
    headers: { ...headers, 'set-cookie': [endedAttemptCookie(hub)] },
  })
}

async function connectionsReply(
  hub: Hub,
  allowed: Allowed<'account.company.read'>,
  facts: Facts,
  request: HttpRequest,
  issuer: string | null,
  form: FormState = freshForm,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const [context, connections] = await Promise.all([pageContext(hub, facts, request), listConnections(hub, allowed)])
  const page = (
    <ConnectionsPage
      context={context}
      company={hub.config.company?.name ?? null}
      connections={connections}
      form={form}
      disconnecting={connections.find((one) => one.issuer === issuer) ?? null}
    />
  )
  return pageReply(context, page, fault === null ? {} : faultAnswer(fault))
}
