/** The pages of password and second factors. What changes them asks for a sign-in of the last hour. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice, safeReturn } from '../../access/page-reply.tsx'
import { json, type Reply, redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import { passwordMinimum } from '../../domain/password.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { changePassword, passwordChangedAt } from '../accounts/service.ts'
import type { FactorDialog } from './factor-dialogs.tsx'
import {
  addPasskey,
  beginApp,
  type CodesOnce,
  finishApp,
  listSecondFactors,
  newPasskeyOptions,
  readAppSetup,
  removeApp,
  removePasskey,
  renewRecoveryCodes,
  type SecondFactors,
} from './factors.ts'
import {
  AppSetupPage,
  AuthenticationSettingsPage,
  authenticationPath,
  NewPasskeyPage,
  RecoveryCodesPage,
} from './settings-pages.tsx'

const self = { on: 'self' } as const
const field = z.string().max(1_000).default('')
const address = z.string().max(2_000).optional()

export const secondFactorRoutes: Route[] = [
  route({
    method: 'GET',
    path: authenticationPath,
    surface: 'page',
    action: 'account.second_factor.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional(), passkey: z.string().max(100).optional(), next: address }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const factors = await listSecondFactors(hub, allowed)
      const dialog = dialogOf(factors, query.dialog, query.passkey)
      return await authenticationReply(hub, facts, request, factors, { dialog, next: query.next })
    },
  }),
  route({
    method: 'POST',
    path: authenticationPath,
    surface: 'page',
    action: 'account.update',
    target: self,
    body: z.object({ current: field, password: field }),
    handle: ({ hub, allowed, facts, body, request, authorizeAlso }) =>
      orShow(
        async () => {
          await changePassword(hub, allowed, request.origin, body)
          return redirectWithNotice(
            authenticationPath,
            'success',
            'Your new password is saved. Your other sessions have ended.',
          )
        },
        async (fault) => {
          const factors = await listSecondFactors(hub, await authorizeAlso('account.second_factor.read', self))
          return await authenticationReply(hub, facts, request, factors, { form: formWithFault(body, fault), fault })
        },
      ),
  }),
  route({
    method: 'POST',
    path: `${authenticationPath}/app/start`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    body: z.object({ next: address }),
    handle: async ({ hub, allowed, body }) => {
      await beginApp(hub, allowed)
      return redirect(`${authenticationPath}/app${onward(body.next)}`)
    },
  }),
  route({
    method: 'GET',
    path: `${authenticationPath}/app`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    query: z.object({ next: address }),
    handle: ({ hub, allowed, facts, query, request }) =>
      appSetupReply(hub, allowed, facts, request, query.next, freshForm),
  }),
  route({
    method: 'POST',
    path: `${authenticationPath}/app`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    body: z.object({ code: z.string().max(100).default(''), next: address }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const codes = await finishApp(hub, allowed, request.origin, body.code)
          return await addedReply(hub, facts, request, codes, 'The authenticator app is on.', body.next)
        },
        (fault) => appSetupReply(hub, allowed, facts, request, body.next, formWithFault(body, fault), fault),
      ),
  }),
  route({
    method: 'POST',
    path: `${authenticationPath}/app/remove`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    handle: async ({ hub, allowed, request }) => {
      await removeApp(hub, allowed, request.origin)
      return redirectWithNotice(authenticationPath, 'success', 'The authenticator app is removed.')
    },
  }),
  route({
    method: 'GET',
    path: `${authenticationPath}/passkeys/new`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    query: z.object({ next: address }),
    handle: ({ hub, facts, query, request }) => newPasskeyReply(hub, facts, request, query.next, freshForm),
  }),
  route({
    method: 'GET',
    path: `${authenticationPath}/passkeys/options`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    handle: async ({ hub, allowed }) =>
      json(await newPasskeyOptions(hub, allowed), 200, { 'cache-control': 'no-store' }),
  }),
  route({
    method: 'POST',
    path: `${authenticationPath}/passkeys`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    body: z.object({ name: field, response: z.string().max(50_000).default(''), next: address }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const codes = await addPasskey(hub, allowed, request.origin, body)
          return await addedReply(hub, facts, request, codes, 'The passkey is added.', body.next)
        },
        (fault) => newPasskeyReply(hub, facts, request, body.next, formWithFault(body, fault), fault),
      ),
  }),
  route({
    method: 'POST',
    path: `${authenticationPath}/passkeys/:id/remove`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      await removePasskey(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(authenticationPath, 'success', 'The passkey is removed.')
    },
  }),
  route({
    method: 'POST',
    path: `${authenticationPath}/recovery-codes`,
    surface: 'page',
    action: 'account.second_factor.update',
    target: self,
    handle: async ({ hub, allowed, facts, request }) => {
      const codes = await renewRecoveryCodes(hub, allowed, request.origin)
      return await codesReply(hub, facts, request, codes, 'Your codes of before do not work any more.', undefined)
    },
  }),
]

async function authenticationReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  factors: SecondFactors,
  state: { form?: FormState; fault?: HoldfastError; dialog?: FactorDialog | null; next?: string | undefined },
): Promise<Reply> {
  const { principal } = facts
  if (principal.kind !== 'user') throw new HoldfastError('unauthenticated')
  const context = await pageContext(hub, facts, request)
  const page = (
    <AuthenticationSettingsPage
      context={context}
      name={principal.name}
      form={state.form ?? freshForm}
      passwordChangedAt={await passwordChangedAt(hub, principal.id)}
      passwordMinimum={passwordMinimum}
      factors={factors}
      next={state.next === undefined ? null : safeReturn(state.next)}
      dialog={state.dialog ?? null}
    />
  )
  return pageReply(context, page, state.fault === undefined ? {} : faultAnswer(state.fault))
}

function dialogOf(
  factors: SecondFactors,
  kind: string | undefined,
  passkeyId: string | undefined,
): FactorDialog | null {
  if (kind === 'remove-app' && factors.app !== null) return { kind }
  if (kind === 'recovery-codes' && factors.recoveryCodes.all > 0) return { kind }
  if (kind !== 'remove-passkey') return null
  const passkey = factors.passkeys.find((one) => one.id === passkeyId)
  return passkey === undefined ? null : { kind, id: passkey.id, name: passkey.name }
}

async function appSetupReply(
  hub: Hub,
  allowed: Allowed<'account.second_factor.update'>,
  facts: Facts,
  request: HttpRequest,
  next: string | undefined,
  form: FormState,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  try {
    const setup = await readAppSetup(hub, allowed)
    const context = await pageContext(hub, facts, request)
    const page = <AppSetupPage context={context} form={form} setup={setup} next={nextOf(next)} />
    return pageReply(context, page, { ...(fault === null ? {} : faultAnswer(fault)), secret: true })
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'totp_setup_expired') throw error
    return redirectWithNotice(`${authenticationPath}${onward(next)}`, 'error', `${error.message} ${error.next ?? ''}`)
  }
}

async function newPasskeyReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  next: string | undefined,
  form: FormState,
  fault: HoldfastError | null = null,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = <NewPasskeyPage context={context} form={form} next={nextOf(next)} />
  return pageReply(context, page, fault === null ? {} : faultAnswer(fault))
}

/** With the first factor come recovery codes, and they are shown now or never. */
async function addedReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  codes: CodesOnce,
  words: string,
  next: string | undefined,
): Promise<Reply> {
  if (codes === null) return redirectWithNotice(nextOf(next) ?? authenticationPath, 'success', words)
  return await codesReply(hub, facts, request, codes, `${words} Your other sessions have ended.`, next)
}

async function codesReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  codes: readonly string[],
  lede: string,
  next: string | undefined,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <RecoveryCodesPage context={context} codes={codes} next={nextOf(next) ?? authenticationPath} lede={lede} />
  )
  return pageReply(context, page, { secret: true })
}

function nextOf(asked: string | undefined): string | null {
  return asked === undefined ? null : safeReturn(asked)
}

function onward(asked: string | undefined): string {
  const next = nextOf(asked)
  return next === null ? '' : `?next=${encodeURIComponent(next)}`
}
