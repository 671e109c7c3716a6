/** The pages of service accounts: the list, one account, and every question that is asked before something is done to it. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import { isRole, type Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { expiryFromForm } from '../../web/expiry-field.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { seatsOf } from '../organizations/service.ts'
import type { ServiceAccount } from './account.ts'
import type { AccountDialog, AccountView } from './account-dialogs.tsx'
import type { AccountPageDialog } from './account-page.tsx'
import { listAccountTokens } from './account-tokens.ts'
import { accountReply, viewOf } from './account-view.tsx'
import { AccountsPage } from './accounts-page.tsx'
import { accountPath, accountsPath } from './paths.ts'
import { listAccounts, listPlaces } from './queries.ts'
import {
  createServiceAccount,
  deleteServiceAccount,
  disableServiceAccount,
  enableServiceAccount,
  getServiceAccount,
  updateServiceAccount,
} from './service.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const settings = '/organizations/:name/settings/service-accounts'
const field = z.string().max(2_000).default('')
const pageSize = 100

const accountForm = z.object({
  name: field,
  description: field,
  contact: field,
  role: field,
  expiry: field,
  expiryDate: field,
})
type AccountForm = z.output<typeof accountForm>

export const serviceAccountPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: settings,
    surface: 'page',
    action: 'org.service_account.read',
    target,
    query: z.object({
      dialog: z.string().max(30).optional(),
      account: z.string().max(100).optional(),
      after: z.string().max(100).default(''),
    }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const { dialog: kind, account: id, after } = query
      const account = id === undefined || kind === undefined ? null : await getServiceAccount(hub, allowed, id)
      const dialog = await dialogOf(hub, allowed.resource, kind, account)
      return await listReply(hub, allowed.resource, facts, request, { after, dialog })
    },
  }),
  route({
    method: 'POST',
    path: settings,
    surface: 'page',
    action: 'org.service_account.create',
    target,
    body: accountForm,
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const account = await createServiceAccount(hub, allowed, request.origin, {
            ...textsOf(body),
            role: roleOf(body),
            expiresAt: expiryOf(hub, body, null),
          })
          return redirect(`${accountPath(allowed.resource.name, account.id)}/tokens/new?first=1`, 303)
        },
        (fault) => {
          const dialog: AccountDialog = { kind: 'add', form: accountFault(body, fault) }
          return listReply(hub, allowed.resource, facts, request, { dialog, fault })
        },
      ),
  }),
  route({
    method: 'GET',
    path: `${settings}/:id`,
    surface: 'page',
    action: 'org.service_account.read',
    target,
    query: z.object({
      dialog: z.string().max(30).optional(),
      token: z.string().max(100).optional(),
      next: z.string().max(10).optional(),
    }),
    handle: async ({ hub, allowed, facts, params, query, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      return await accountReply(hub, allowed.resource, account, facts, request, {
        isNew: query.next !== undefined,
        dialog: (tokens): AccountPageDialog | null => {
          const { dialog: kind } = query
          const token = tokens.find(({ id }) => id === query.token)
          if ((kind === 'refresh' || kind === 'delete-token') && token !== undefined) {
            return { kind, token, form: freshForm }
          }
          if (kind === 'delete-all') return { kind, form: freshForm }
          return accountDialog(kind, viewOf(account), tokens.length, freshForm)
        },
      })
    },
  }),
  route({
    method: 'POST',
    path: `${settings}/:id`,
    surface: 'page',
    action: 'org.service_account.update',
    target,
    body: accountForm,
    handle: async ({ hub, allowed, facts, params, body, request, authorizeAlso }) => {
      const reading = await authorizeAlso('org.service_account.read', target({ params }))
      const before = await getServiceAccount(hub, reading, params.get('id'))
      return await orShow(
        async () => {
          const account = await updateServiceAccount(hub, allowed, request.origin, before.id, {
            ...textsOf(body),
            role: roleOf(body),
            expiresAt: expiryOf(hub, body, before.expiresAt),
          })
          return redirectWithNotice(
            accountPath(allowed.resource.name, account.id),
            'success',
            account.role === before.role
              ? `${account.name} is saved.`
              : `${account.name} has the role ${account.role} now.`,
          )
        },
        (fault) =>
          accountReply(hub, allowed.resource, before, facts, request, {
            dialog: (): AccountPageDialog => ({
              kind: 'edit',
              account: viewOf(before),
              form: accountFault(body, fault),
            }),
            fault,
          }),
      )
    },
  }),
  route({
    method: 'POST',
    path: `${settings}/:id/disable`,
    surface: 'page',
    action: 'org.service_account.disable',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      const { account, tokens } = await disableServiceAccount(hub, allowed, request.origin, params.get('id'))
      const gone =
        tokens === 0 ? 'It had no tokens' : tokens === 1 ? 'Its token is deleted' : `Its ${tokens} tokens are deleted`
      return redirectWithNotice(
        accountsPath(allowed.resource.name),
        'success',
        `${account.name} is disabled. ${gone}${tokens === 0 ? '' : ' for good'}; its groups and workspaces are kept for when you enable it again.`,
      )
    },
  }),
  route({
    method: 'POST',
    path: `${settings}/:id/enable`,
    surface: 'page',
    action: 'org.service_account.enable',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      const account = await enableServiceAccount(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(
        accountPath(allowed.resource.name, account.id),
        'success',
        `${account.name} is enabled. It has no tokens: add one.`,
      )
    },
  }),
  route({
    method: 'POST',
    path: `${settings}/:id/delete`,
    surface: 'page',
    action: 'org.service_account.delete',
    target,
    handle: async ({ hub, allowed, params, request }) => {
      const account = await deleteServiceAccount(hub, allowed, request.origin, params.get('id'))
      return redirectWithNotice(
        accountsPath(allowed.resource.name),
        'success',
        `The service account ${account.name} is deleted.`,
      )
    },
  }),
]

async function listReply(
  hub: Hub,
  organization: OwnerFacts,
  facts: Facts,
  request: HttpRequest,
  view: { after?: string; dialog: AccountDialog | null; fault?: HoldfastError },
): Promise<Reply> {
  const after = view.after ?? ''
  const [context, rows, seats] = await Promise.all([
    pageContext(hub, facts, request),
    listAccounts(hub.db, organization.id, { after, limit: pageSize + 1, now: hub.clock.now() }),
    seatsOf(hub, organization.id),
  ])
  const shown = rows.slice(0, pageSize)
  const places = Map.groupBy(
    await listPlaces(
      hub.db,
      shown.map(({ id }) => id),
      hub.clock.now(),
    ),
    ({ accountId }) => accountId,
  )
  const here = accountsPath(organization.name)
  const page = (
    <AccountsPage
      context={context}
      organization={organization.name}
      accounts={shown.map((account) => ({
        ...viewOf(account),
        places: [...new Set((places.get(account.id) ?? []).map(({ name }) => name))],
        tokens: account.tokens,
        nextExpiry: account.nextExpiry,
        lastUsedAt: account.lastUsedAt,
      }))}
      seats={seats}
      nextHref={rows.length > pageSize ? `${here}?after=${encodeURIComponent(shown.at(-1)?.nameKey ?? '')}` : null}
      firstHref={after === '' ? null : here}
      dialog={view.dialog}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function dialogOf(
  hub: Hub,
  organization: OwnerFacts,
  kind: string | undefined,
  account: ServiceAccount | null,
): Promise<AccountDialog | null> {
  if (kind === 'add') return { kind, form: freshForm }
  if (account === null) return null
  const tokens = await listAccountTokens(hub, organization, account)
  return accountDialog(kind, viewOf(account), tokens.length, freshForm)
}

function accountDialog(
  kind: string | undefined,
  account: AccountView,
  tokens: number,
  form: FormState,
): AccountDialog | null {
  if (kind === 'edit') return { kind, account, form }
  if (kind === 'disable' && !account.isDisabled) return { kind, account, tokens }
  if (kind === 'enable' && account.isDisabled) return { kind, account }
  return kind === 'delete' ? { kind, account, tokens } : null
}

function textsOf(body: AccountForm) {
  return { name: body.name, description: body.description, contact: body.contact }
}

/** C2: on the page a role is chosen. */
function roleOf(body: AccountForm): Role {
  if (isRole(body.role)) return body.role
  throw new HoldfastError('invalid_input', { reason: 'Choose a role.', field: 'role' })
}

function expiryOf(hub: Hub, body: AccountForm, kept: number | null): number | null {
  const { expiry, expiryDate } = body
  const expiresAt = expiryFromForm({ expiry: expiry === '' ? 'never' : expiry, expiryDate }, hub.clock.now(), kept)
  if (expiresAt !== 'invalid') return expiresAt
  throw new HoldfastError('invalid_input', { reason: 'Choose a day in the future.', field: 'expiryDate' })
}

function accountFault(body: AccountForm, fault: HoldfastError): FormState {
  return formWithFault(body, fault, { service_account_name_taken: 'name' })
}
