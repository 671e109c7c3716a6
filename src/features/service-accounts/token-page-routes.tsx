/** The pages of a service account's tokens. A value is in the answer to the POST that made it, which nothing may keep. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { html, type Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { isConfirmed } from '../../web/confirmation.tsx'
import { expiryFromForm } from '../../web/expiry-field.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { type AddingRepo, PermissionSummary } from '../../web/permission-picker.tsx'
import { renderPart } from '../../web/render.ts'
import {
  addedInstead,
  fenceAsSent,
  fenceFields,
  fenceFromForm,
  isTypedAndLeft,
  overlapOf,
  suggestRepos,
  viewOfChild,
} from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import {
  type AccountToken,
  createAccountToken,
  deleteAccountToken,
  deleteAllAccountTokens,
  finishAccountRotation,
  getAccountToken,
  listAccountChildren,
  rotateAccountToken,
  type TokenMode,
  updateAccountToken,
} from './account-tokens.ts'
import { accountReply, tokenRow } from './account-view.tsx'
import { accountPath, accountTokenPath } from './paths.ts'
import { drawPicker, findTypedRepo, requestedFromTicks, type Ticks, ticksFromToken } from './picking.ts'
import { getServiceAccount } from './service.ts'
import { EditAccountTokenPage, NewAccountTokenPage } from './token-form-pages.tsx'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const tokens = '/organizations/:name/settings/service-accounts/:id/tokens'
const field = z.string().max(2_000).default('')
const many = repeatable.pipe(z.array(z.string().max(400)).max(1_000)).default([])

/** Both forms of a token. Everything may be absent: what is missing is said at its field. */
const tokenForm = z.object({
  name: field,
  description: field,
  role: field,
  expiry: field,
  expiryDate: field,
  ...fenceFields,
  scoped: many,
  selected: many,
  add: z.string().optional(),
  remove: z.string().max(400).optional(),
  repo: field,
})
type TokenForm = z.output<typeof tokenForm>

const firstStep = z.object({ first: z.string().max(10).optional() })

/** Who is asked about, and by whom. */
interface Scene {
  readonly hub: Hub
  readonly organization: OwnerFacts
  readonly account: ServiceAccount
  readonly facts: Facts
  readonly request: HttpRequest
}

export const serviceAccountTokenPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: `${tokens}/new`,
    surface: 'page',
    // As the form does: who has to confirm who they are does so before typing.
    action: 'org.service_account.token.create',
    target,
    query: firstStep,
    handle: async ({ hub, allowed, facts, params, query, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const scene = { hub, organization: allowed.resource, account, facts, request }
      const ticks = { scoped: [], selected: [] }
      return await newTokenReply(scene, { form: freshForm, ticks, isFirst: query.first !== undefined })
    },
  }),
  route({
    method: 'POST',
    path: tokens,
    surface: 'page',
    action: 'org.service_account.token.create',
    target,
    query: firstStep,
    body: tokenForm,
    handle: async ({ hub, allowed, facts, params, query, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const scene = { hub, organization: allowed.resource, account, facts, request }
      const isFirst = query.first !== undefined
      const changed = await changedPicker(scene, body)
      if (changed !== null) return await newTokenReply(scene, { ...changed, form: unjudged(body), isFirst })
      return await orShow(
        async () => {
          const { value, token } = await createAccountToken(hub, allowed, request.origin, account.id, {
            name: body.name,
            description: body.description,
            expiresAt: expiryOf(hub, body),
            ...fenceFromForm(body),
            ...permissionsOf(body),
          })
          const made = { id: token.id, name: token.name, value }
          return await accountReply(hub, allowed.resource, account, facts, request, { made, isNew: isFirst })
        },
        (fault) => newTokenReply(scene, { form: tokenFault(body, fault), ticks: ticksOf(body), isFirst, fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/summary`,
    surface: 'page',
    action: 'org.service_account.read',
    target,
    body: tokenForm,
    handle: async ({ hub, allowed, params, body }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const inherits = body.role === 'inherit'
      const { summary } = await drawPicker(hub, allowed.resource, account, ticksOf(body), null, { inherits })
      const address = `${accountPath(allowed.resource.name, account.id)}/tokens/summary`
      const part = renderPart(<PermissionSummary lines={summary} address={address} owner={account.name} />)
      return html(part, 200, { 'cache-control': 'no-store' })
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/delete-all`,
    surface: 'page',
    action: 'org.service_account.token.delete',
    target,
    body: z.object({ confirm: field }),
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      return await orShow(
        async () => {
          requireWord(body.confirm, account.name)
          const count = await deleteAllAccountTokens(hub, allowed, request.origin, account.id)
          const words = count === 1 ? 'One token is deleted.' : `${count} tokens are deleted.`
          return redirectWithNotice(accountPath(allowed.resource.name, account.id), 'success', words)
        },
        (fault) =>
          accountReply(hub, allowed.resource, account, facts, request, {
            dialog: () => ({ kind: 'delete-all', form: formWithFault(body, fault) }),
            fault,
          }),
      )
    },
  }),
  route({
    method: 'GET',
    path: `${tokens}/:token`,
    surface: 'page',
    action: 'org.service_account.read',
    target,
    handle: async ({ hub, allowed, facts, params, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const token = await getAccountToken(hub, allowed.resource, account, params.get('token'))
      const scene = { hub, organization: allowed.resource, account, facts, request }
      return await editTokenReply(scene, token, { form: freshForm, ticks: ticksFromToken(token, allowed.resource) })
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/:token`,
    surface: 'page',
    action: 'org.service_account.token.update',
    target,
    body: tokenForm,
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const token = await getAccountToken(hub, allowed.resource, account, params.get('token'))
      const scene = { hub, organization: allowed.resource, account, facts, request }
      const changed = await changedPicker(scene, body)
      if (changed !== null) return await editTokenReply(scene, token, { ...changed, form: unjudged(body) })
      return await orShow(
        async () => {
          const change = {
            name: body.name,
            description: body.description,
            ...fenceFromForm(body),
            ...permissionsOf(body),
          }
          const saved = await updateAccountToken(hub, allowed, request.origin, account.id, token.id, change)
          const next = accountPath(allowed.resource.name, account.id)
          return redirectWithNotice(next, 'success', `The token “${saved.name}” is saved.`)
        },
        (fault) => editTokenReply(scene, token, { form: tokenFault(body, fault), ticks: ticksOf(body), fault }),
      )
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/:token/refresh`,
    surface: 'page',
    action: 'org.service_account.token.rotate',
    target,
    body: z.object({ expiry: field, expiryDate: field, overlap: z.string().max(10).default('0') }),
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const id = params.get('token')
      return await orShow(
        async () => {
          const change = { expiresAt: expiryOf(hub, body), overlapSeconds: overlapOf(body.overlap) }
          const { value, token } = await rotateAccountToken(hub, allowed, request.origin, account.id, id, change)
          const made = { id: token.id, name: token.name, value }
          return await accountReply(hub, allowed.resource, account, facts, request, { made })
        },
        (fault) =>
          accountReply(hub, allowed.resource, account, facts, request, {
            dialog: (rows) => {
              const token = rows.find((row) => row.id === id)
              return token === undefined ? null : { kind: 'refresh', token, form: formWithFault(body, fault) }
            },
            fault,
          }),
      )
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/:token/finish`,
    surface: 'page',
    action: 'org.service_account.token.delete',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      const ids = [params.get('id'), params.get('token')] as const
      const { id, name } = await finishAccountRotation(hub, allowed, request.origin, ...ids)
      const next = accountTokenPath(allowed.resource.name, params.get('id'), id)
      return redirectWithNotice(next, 'success', `The old value of “${name}” is refused from now on.`)
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/:token/children/:child/end`,
    surface: 'page',
    action: 'org.service_account.token.delete',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteAccountToken(hub, allowed, request.origin, params.get('id'), params.get('child'))
      const next = accountTokenPath(allowed.resource.name, params.get('id'), params.get('token'))
      return redirectWithNotice(next, 'success', 'The child token is refused from now on.')
    },
  }),
  route({
    method: 'POST',
    path: `${tokens}/:token/delete`,
    surface: 'page',
    action: 'org.service_account.token.delete',
    target,
    body: z.object({ confirm: field }),
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const token = await getAccountToken(hub, allowed.resource, account, params.get('token'))
      return await orShow(
        async () => {
          requireWord(body.confirm, token.name)
          await deleteAccountToken(hub, allowed, request.origin, account.id, token.id)
          const next = accountPath(allowed.resource.name, account.id)
          return redirectWithNotice(next, 'success', `The token “${token.name}” is deleted.`)
        },
        (fault) =>
          accountReply(hub, allowed.resource, account, facts, request, {
            dialog: () => ({
              kind: 'delete-token',
              token: tokenRow(token, account, allowed.resource),
              form: formWithFault(body, fault),
            }),
            fault,
          }),
      )
    },
  }),
]

interface FormView {
  readonly form: FormState
  readonly ticks: Ticks
  readonly adding?: AddingRepo
  readonly fault?: HoldfastError
}

async function newTokenReply(scene: Scene, view: FormView & { readonly isFirst: boolean }): Promise<Reply> {
  const { hub, organization, account, facts, request } = scene
  const context = await pageContext(hub, facts, request)
  const drawn = await drawPicker(hub, organization, account, view.ticks, null, await drawing(scene, view))
  const page = (
    <NewAccountTokenPage
      context={context}
      organization={organization.name}
      account={account}
      form={view.form}
      isFirst={view.isFirst}
      {...drawn}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function editTokenReply(scene: Scene, token: AccountToken, view: FormView): Promise<Reply> {
  const { hub, organization, account, facts, request } = scene
  const context = await pageContext(hub, facts, request)
  const children = await listAccountChildren(hub, account, token.id)
  const drawn = await drawPicker(hub, organization, account, view.ticks, token, await drawing(scene, view, token.mode))
  const page = (
    <EditAccountTokenPage
      context={context}
      organization={organization.name}
      account={account}
      form={view.form}
      token={{ ...tokenRow(token, account, organization), createdAt: token.createdAt }}
      childTokens={children.map(viewOfChild)}
      hub={hub.config.publicUrl}
      {...drawn}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function drawing({ hub, organization, facts }: Scene, { form, adding }: FormView, mode: TokenMode = 'scoped') {
  const inherits = form.values.role === undefined ? mode === 'inherit' : form.values.role === 'inherit'
  return { inherits, adding: { ...adding, suggestions: await suggestRepos(hub, facts, organization.id) } }
}

/** The picker after *Add* or *Remove*, or where a typed repository was left behind. Null where the form is to be taken as it is. */
async function changedPicker(
  { hub, organization, account }: Scene,
  body: TokenForm,
): Promise<Pick<FormView, 'ticks' | 'adding'> | null> {
  const ticks = ticksOf(body)
  const { remove } = body
  if (remove !== undefined) {
    return {
      ticks: {
        selected: ticks.selected.filter((entity) => entity !== remove),
        scoped: ticks.scoped.filter((tick) => !tick.startsWith(`${remove}=`)),
      },
    }
  }
  const isLeftBehind = isTypedAndLeft(body)
  if (body.add === undefined && !isLeftBehind) return null
  try {
    const found = await findTypedRepo(hub, organization, account, body.repo)
    const added = { ...ticks, selected: [...new Set([...ticks.selected, found])] }
    return isLeftBehind ? { ticks: added, adding: { error: addedInstead } } : { ticks: added }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    return { ticks, adding: { error: error.message, typed: body.repo } }
  }
}

const ticksOf = (body: TokenForm): Ticks => ({ scoped: body.scoped, selected: body.selected })

/** SA-20: on the page the mode is an explicit choice. */
function permissionsOf(body: TokenForm) {
  if (body.role === 'inherit') return { mode: 'inherit' as const }
  if (body.role === 'fineGrained') return { mode: 'scoped' as const, scoped: requestedFromTicks(ticksOf(body)) }
  throw new HoldfastError('invalid_input', { reason: 'Choose scoped or inherit.', field: 'role' })
}

function expiryOf(hub: Hub, body: { readonly expiry: string; readonly expiryDate: string }): number | null {
  const { expiry, expiryDate } = body
  const expiresAt = expiryFromForm({ expiry: expiry === '' ? 'never' : expiry, expiryDate }, hub.clock.now())
  if (expiresAt !== 'invalid') return expiresAt
  throw new HoldfastError('invalid_input', { reason: 'Choose a day in the future.', field: 'expiryDate' })
}

/** The values that the fields of the form show again; the picker has its own. */
function plain(body: TokenForm): Record<string, string> {
  const { name, description, role, expiry, expiryDate } = body
  return { name, description, ...(role === '' ? {} : { role }), expiry, expiryDate, ...fenceAsSent(body) }
}

/** The form as it was sent, while only the picker changes. */
function unjudged(body: TokenForm): FormState {
  return { values: plain(body), errors: {} }
}

function tokenFault(body: TokenForm, fault: HoldfastError): FormState {
  return formWithFault(plain(body), fault, { token_name_taken: 'name' })
}

function requireWord(typed: string, word: string): void {
  if (!isConfirmed(typed, word)) {
    throw new HoldfastError('invalid_input', { reason: `Type ${word} to confirm.`, field: 'confirm' })
  }
}
