/**
 * The pages of one's tokens. A value is in the answer to the POST that made it, which nothing may keep, and never in an address; a
 * prefilled form makes nothing before it is sent (UAT-3, UAT-17).
 */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { html, type Reply, redirect } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { isConfirmed } from '../../web/confirmation.tsx'
import { expiryFromForm } from '../../web/expiry-field.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { type AddingRepo, PermissionSummary } from '../../web/permission-picker.tsx'
import { renderPart } from '../../web/render.ts'
import { viewOfChild } from './child-view.ts'
import { listChildren } from './derive.ts'
import { fenceFromForm } from './fence-form.ts'
import { EditTokenPage, NewTokenPage } from './form-pages.tsx'
import { overlapOf, viewOfOldValue } from './old-value-view.ts'
import { type MadeToken, type TokenRow, type TokensDialog, TokensPage } from './pages.tsx'
import { tokensPath } from './paths.ts'
import { type Picked, pickerGroups, reachWords, summarize } from './picker.ts'
import { pickedFromTicks, pickedFromToken, pickerOwner, requestedFromTicks, type Ticks } from './picking.ts'
import { suggestRepos } from './repo-suggestions.ts'
import {
  createToken,
  deleteAllOwnTokens,
  deleteOwnToken,
  finishOwnRotation,
  getOwnToken,
  listOwnTokens,
  rotateOwnToken,
  type Token,
  type TokenRole,
  updateOwnToken,
} from './service.ts'
import { changedPicker, field, person, plain, prefilled, roles, ticksFrom, tokenForm, unjudged } from './token-form.ts'

const self = { on: 'self' } as const
const confirmAllWord = 'delete all tokens'
export const tokenPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: tokensPath,
    surface: 'page',
    action: 'token.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional(), token: z.string().max(100).optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const tokens = await listOwnTokens(hub, allowed)
      const dialog = dialogOf(
        query.dialog,
        tokens.find((token) => token.id === query.token),
        freshForm,
      )
      return await tokensReply(hub, facts, request, tokens, { dialog })
    },
  }),
  route({
    method: 'GET',
    path: '/settings/tokens/new',
    surface: 'page',
    // As the form does: who has to confirm who they are does so before typing.
    action: 'token.create',
    target: self,
    handle: async ({ hub, facts, request }) => {
      const { role, ticks } = prefilled(facts, request.query)
      const form: FormState = { values: role === null ? {} : { role }, errors: {} }
      return await newTokenReply(hub, facts, request, { form, role: role ?? 'fineGrained', ticks })
    },
  }),
  route({
    method: 'POST',
    path: tokensPath,
    surface: 'page',
    action: 'token.create',
    target: self,
    body: tokenForm,
    handle: async ({ hub, allowed, facts, body, request, authorizeAlso }) => {
      const role = roles.find((known) => known === body.role) ?? null
      const again = { role: role ?? 'fineGrained', ticks: ticksFrom(body) } as const
      const changed = await changedPicker(hub, facts, body)
      if (changed !== null) {
        return await newTokenReply(hub, facts, request, { ...again, ...changed, form: unjudged(body) })
      }
      return await orShow(
        async () => {
          if (role === null) {
            throw new HoldfastError('invalid_input', { reason: 'Choose what the token may do.', field: 'role' })
          }
          const made = await createToken(hub, allowed, request.origin, {
            name: body.name,
            role,
            expiresAt: expiryOf(hub, body, null),
            ...fenceFromForm(body),
            ...(role === 'fineGrained' ? { fineGrained: requestedFromTicks(again.ticks, null) } : {}),
          })
          return await shownOnce(hub, await authorizeAlso('token.read', self), facts, request, made)
        },
        (fault) => newTokenReply(hub, facts, request, { ...again, form: formWithFault(plain(body), fault), fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/summary',
    surface: 'page',
    action: 'token.read',
    target: self,
    body: tokenForm,
    handle: async ({ hub, facts, body }) => {
      const role = roles.find((known) => known === body.role) ?? 'fineGrained'
      const owner = await pickerOwner(hub, person(facts))
      const picked = await pickedFromTicks(hub, person(facts), ticksFrom(body), null)
      const lines = summarize(owner, role, picked)
      const part = renderPart(<PermissionSummary lines={lines} address={`${tokensPath}/summary`} />)
      return html(part, 200, { 'cache-control': 'no-store' })
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/delete-all',
    surface: 'page',
    action: 'token.delete',
    target: self,
    body: z.object({ confirm: field }),
    handle: ({ hub, allowed, facts, body, request, authorizeAlso }) =>
      orShow(
        async () => {
          requireWord(body.confirm, confirmAllWord)
          const count = await deleteAllOwnTokens(hub, allowed, request.origin)
          return redirectWithNotice(
            tokensPath,
            'success',
            count === 1 ? 'One token is deleted.' : `${count} tokens are deleted.`,
          )
        },
        async (fault) => {
          const tokens = await listOwnTokens(hub, await authorizeAlso('token.read', self))
          const dialog = dialogOf('delete-all', undefined, formWithFault(body, fault))
          return await tokensReply(hub, facts, request, tokens, { dialog, fault })
        },
      ),
  }),
  route({
    method: 'GET',
    path: '/settings/tokens/:id',
    surface: 'page',
    action: 'token.read',
    target: self,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const token = await getOwnToken(hub, allowed, params.get('id'))
      // A child is as it was derived: its parent's page lists it, and ends it.
      if (token.parentId !== null) return redirect(`${tokensPath}/${encodeURIComponent(token.parentId)}`)
      return await editTokenReply(hub, facts, request, token, { form: freshForm, ticks: null })
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/:id',
    surface: 'page',
    action: 'token.update',
    target: self,
    body: tokenForm,
    handle: async ({ hub, allowed, facts, params, body, request, authorizeAlso }) => {
      const id = params.get('id')
      const token = await getOwnToken(hub, await authorizeAlso('token.read', self), id)
      const ticks = ticksFrom(body)
      const changed = await changedPicker(hub, facts, body)
      if (changed !== null) {
        return await editTokenReply(hub, facts, request, token, { ...changed, form: unjudged(body) })
      }
      return await orShow(
        async () => {
          await updateOwnToken(hub, allowed, request.origin, id, {
            name: body.name,
            ...fenceFromForm(body),
            ...(token.role === 'fineGrained' ? { fineGrained: requestedFromTicks(ticks, token) } : {}),
          })
          return redirectWithNotice(tokensPath, 'success', `The token “${body.name.trim()}” is saved.`)
        },
        (fault) =>
          editTokenReply(hub, facts, request, token, { form: formWithFault(plain(body), fault), ticks, fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/:id/refresh',
    surface: 'page',
    action: 'token.rotate',
    target: self,
    body: z.object({ expiry: field, expiryDate: field, overlap: z.string().max(10).default('0') }),
    handle: async ({ hub, allowed, facts, params, body, request, authorizeAlso }) => {
      const id = params.get('id')
      const reading = await authorizeAlso('token.read', self)
      const token = await getOwnToken(hub, reading, id)
      return await orShow(
        async () => {
          const expiresAt = expiryOf(hub, body, token.expiresAt)
          const made = await rotateOwnToken(hub, allowed, request.origin, id, {
            expiresAt,
            overlapSeconds: overlapOf(body.overlap),
          })
          return await shownOnce(hub, reading, facts, request, made)
        },
        async (fault) => {
          const dialog = dialogOf('refresh', token, formWithFault(body, fault))
          return await tokensReply(hub, facts, request, await listOwnTokens(hub, reading), { dialog, fault })
        },
      )
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/:id/finish',
    surface: 'page',
    action: 'token.delete',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      const { id, name } = await finishOwnRotation(hub, allowed, request.origin, params.get('id'))
      const next = `${tokensPath}/${encodeURIComponent(id)}`
      return redirectWithNotice(next, 'success', `The old value of “${name}” is refused from now on.`)
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/:id/children/:child/end',
    surface: 'page',
    action: 'token.delete',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteOwnToken(hub, allowed, request.origin, params.get('child'))
      const next = `${tokensPath}/${encodeURIComponent(params.get('id'))}`
      return redirectWithNotice(next, 'success', 'The child token is refused from now on.')
    },
  }),
  route({
    method: 'POST',
    path: '/settings/tokens/:id/delete',
    surface: 'page',
    action: 'token.delete',
    target: self,
    body: z.object({ confirm: field }),
    handle: async ({ hub, allowed, facts, params, body, request, authorizeAlso }) => {
      const id = params.get('id')
      const reading = await authorizeAlso('token.read', self)
      const token = await getOwnToken(hub, reading, id)
      return await orShow(
        async () => {
          requireWord(body.confirm, token.name)
          await deleteOwnToken(hub, allowed, request.origin, id)
          return redirectWithNotice(tokensPath, 'success', `The token “${token.name}” is deleted.`)
        },
        async (fault) => {
          const dialog = dialogOf('delete', token, formWithFault(body, fault))
          return await tokensReply(hub, facts, request, await listOwnTokens(hub, reading), { dialog, fault })
        },
      )
    },
  }),
]

async function shownOnce(
  hub: Hub,
  reading: Allowed<'token.read'>,
  facts: Facts,
  request: HttpRequest,
  made: { readonly value: string; readonly token: Token },
): Promise<Reply> {
  const tokens = await listOwnTokens(hub, reading)
  return await tokensReply(hub, facts, request, tokens, {
    made: { id: made.token.id, name: made.token.name, value: made.value },
  })
}

async function tokensReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  tokens: readonly Token[],
  state: { made?: MadeToken; dialog?: TokensDialog | null; fault?: HoldfastError },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const page = (
    <TokensPage context={context} tokens={tokens.map(rowOf)} made={state.made ?? null} dialog={state.dialog ?? null} />
  )
  const answer = state.fault === undefined ? {} : faultAnswer(state.fault)
  return pageReply(context, page, { ...answer, secret: state.made !== undefined })
}

interface FormView {
  readonly form: FormState
  /** Null: as the token is now. */
  readonly ticks: Ticks | null
  readonly adding?: AddingRepo
  readonly fault?: HoldfastError
}

async function newTokenReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  view: FormView & { readonly role: TokenRole; readonly ticks: Ticks },
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const owner = await pickerOwner(hub, person(facts))
  const picked = await pickedFromTicks(hub, person(facts), view.ticks, null)
  const page = (
    <NewTokenPage
      context={context}
      form={view.form}
      groups={pickerGroups(owner, picked, { ...view.adding, suggestions: await suggestRepos(hub, facts) })}
      summary={summarize(owner, view.role, picked)}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function editTokenReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  token: Token,
  view: FormView,
): Promise<Reply> {
  const context = await pageContext(hub, facts, request)
  const owner = await pickerOwner(hub, person(facts))
  const children = await listChildren(hub.db.read, person(facts).id, token.id, hub.clock.now())
  const picked: Picked =
    view.ticks === null ? pickedFromToken(token) : await pickedFromTicks(hub, person(facts), view.ticks, token)
  const page = (
    <EditTokenPage
      context={context}
      form={view.form}
      groups={pickerGroups(owner, picked, { ...view.adding, suggestions: await suggestRepos(hub, facts) })}
      summary={summarize(owner, token.role, picked)}
      token={{ ...rowOf(token), createdAt: token.createdAt }}
      childTokens={children.map(viewOfChild)}
      hub={hub.config.publicUrl}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

function dialogOf(kind: string | undefined, token: Token | undefined, form: FormState): TokensDialog | null {
  if (kind === 'delete-all') return { kind, confirmWord: confirmAllWord, form }
  if ((kind === 'refresh' || kind === 'delete') && token !== undefined) return { kind, token: rowOf(token), form }
  return null
}

function rowOf(token: Token): TokenRow {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    reach: reachWords(token.role, pickedFromToken(token)),
    lastFour: token.last4,
    lastUsedAt: token.lastUsedAt,
    lastUsedBy:
      token.lastUsedAt === null ? null : { ip: token.lastIp, program: token.lastUserAgent?.slice(0, 80) ?? null },
    oldValue: viewOfOldValue(token),
    fence: token.fence,
    expiresAt: token.expiresAt,
    hasLostGrants: token.scoped.some((grant) => !grant.isEffective),
  }
}

function expiryOf(hub: Hub, body: { expiry: string; expiryDate: string }, kept: number | null): number | null {
  const expiry = expiryFromForm(
    { expiry: body.expiry === '' ? 'never' : body.expiry, expiryDate: body.expiryDate },
    hub.clock.now(),
    kept,
  )
  if (expiry === 'invalid') {
    throw new HoldfastError('invalid_input', { reason: 'Choose a day in the future.', field: 'expiryDate' })
  }
  return expiry
}

function requireWord(typed: string, word: string): void {
  if (!isConfirmed(typed, word)) {
    throw new HoldfastError('invalid_input', { reason: `Type ${word} to confirm.`, field: 'confirm' })
  }
}
