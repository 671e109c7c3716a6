/** The pages of one's signing keys. */
import { z } from 'zod'
import { faultAnswer, formWithFault, orShow } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { getServiceAccount } from '../service-accounts/service.ts'
import { AddKeyPage, type KeyDialog, KeysPage, keysPath, MachineKeysPage } from './pages.tsx'
import { primaryAddressOf } from './queries.ts'
import { addKey, commitsVerifiedBy, deleteKey, type KeyKind, kindOfKey, listKeys, ownerOf, ownKeys } from './service.ts'

const self = { on: 'self' } as const
const words = { gpg: 'GPG', ssh: 'SSH' } as const

const addRoutes = (kind: KeyKind): Route[] => [
  route({
    method: 'GET',
    path: `${keysPath}/add-${kind}`,
    surface: 'page',
    action: `user.${kind}_key.create`,
    target: self,
    handle: ({ hub, facts, request }) => addReply(hub, facts, request, kind, freshForm),
  }),
  route({
    method: 'POST',
    path: `${keysPath}/add-${kind}`,
    surface: 'page',
    action: `user.${kind}_key.create`,
    target: self,
    body: z.object({ key: z.string().max(500_000).default('') }),
    handle: ({ hub, allowed, facts, body, request }) =>
      orShow(
        async () => {
          const key = await addKey(hub, allowed, request.origin, ownKeys(allowed), kind, body.key)
          return redirectWithNotice(keysPath, 'success', `The ${words[kind]} key ${key.title} is added.`)
        },
        (fault) => {
          // A secret does not travel back to the browser, nor into whatever keeps its pages.
          const values = fault.code === 'private_key_exposed' || /PRIVATE/.test(body.key) ? {} : body
          return addReply(hub, facts, request, kind, formWithFault(values, fault), fault)
        },
      ),
  }),
]

export const keyPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: keysPath,
    surface: 'page',
    action: 'user.gpg_key.read',
    target: self,
    query: z.object({ dialog: z.string().max(30).optional(), key: z.string().max(100).optional() }),
    handle: async ({ hub, allowed, facts, query, request }) => {
      const [context, keys] = await Promise.all([pageContext(hub, facts, request), listKeys(hub, ownKeys(allowed))])
      const asked = query.dialog === 'delete' ? keys.find(({ id }) => id === query.key) : undefined
      const dialog: KeyDialog | null =
        asked === undefined ? null : { signingKey: asked, commits: await commitsVerifiedBy(hub, asked) }
      return pageReply(context, <KeysPage context={context} keys={keys} dialog={dialog} />)
    },
  }),
  ...addRoutes('gpg'),
  ...addRoutes('ssh'),
  route({
    method: 'POST',
    path: `${keysPath}/:id/delete`,
    surface: 'page',
    action: 'user.gpg_key.delete',
    target: self,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteKey(hub, allowed, request.origin, ownKeys(allowed), params.get('id'))
      return redirectWithNotice(keysPath, 'success', 'The key is deleted.')
    },
  }),
]

const ofAccount = '/organizations/:name/settings/service-accounts/:id/keys'
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

export const machineKeyPageRoutes: Route[] = [
  route({
    method: 'GET',
    path: ofAccount,
    surface: 'page',
    action: 'org.service_account.key.read',
    target: organization,
    query: z.object({ dialog: z.string().max(30).optional(), key: z.string().max(100).optional() }),
    handle: async ({ hub, allowed, facts, params, query, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const asked = query.dialog === 'delete' ? query.key : undefined
      return await machineReply(hub, facts, request, { organization: allowed.resource, account }, { asked })
    },
  }),
  route({
    method: 'POST',
    path: ofAccount,
    surface: 'page',
    action: 'org.service_account.key.create',
    target: organization,
    body: z.object({ key: z.string().max(500_000).default('') }),
    handle: async ({ hub, allowed, facts, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const place = { organization: allowed.resource, account }
      return await orShow(
        async () => {
          const kind = kindOfKey(body.key)
          const key = await addKey(hub, allowed, request.origin, ownerOf(allowed.resource, account), kind, body.key)
          return redirectWithNotice(machinePath(place), 'success', `The ${words[kind]} key ${key.title} is added.`)
        },
        (fault) => {
          const values = fault.code === 'private_key_exposed' || /PRIVATE/.test(body.key) ? {} : body
          return machineReply(hub, facts, request, place, { form: formWithFault(values, fault), fault })
        },
      )
    },
  }),
  route({
    method: 'POST',
    path: `${ofAccount}/:key/delete`,
    surface: 'page',
    action: 'org.service_account.key.delete',
    target: organization,
    handle: async ({ hub, allowed, params, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      await deleteKey(hub, allowed, request.origin, ownerOf(allowed.resource, account), params.get('key'))
      return redirectWithNotice(
        machinePath({ organization: allowed.resource, account }),
        'success',
        'The key is deleted.',
      )
    },
  }),
]

interface MachinePlace {
  readonly organization: OwnerFacts
  readonly account: { readonly id: string; readonly name: string }
}

function machinePath({ organization: { name }, account }: MachinePlace): string {
  return `${organizationSettingsPath(name, 'service-accounts')}/${account.id}/keys`
}

async function machineReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  place: MachinePlace,
  view: { asked?: string | undefined; form?: FormState; fault?: HoldfastError },
): Promise<Reply> {
  const { organization: owner, account } = place
  const [context, keys] = await Promise.all([pageContext(hub, facts, request), listKeys(hub, ownerOf(owner, account))])
  const asked = keys.find(({ id }) => id === view.asked)
  const dialog = asked === undefined ? null : { signingKey: asked, commits: await commitsVerifiedBy(hub, asked) }
  const page = (
    <MachineKeysPage
      context={context}
      organization={owner.name}
      account={account}
      keys={keys}
      form={view.form ?? freshForm}
      dialog={dialog}
    />
  )
  return pageReply(context, page, view.fault === undefined ? {} : faultAnswer(view.fault))
}

async function addReply(
  hub: Hub,
  facts: Facts,
  request: HttpRequest,
  kind: KeyKind,
  form: FormState,
  fault?: HoldfastError,
): Promise<Reply> {
  const { principal } = facts
  const [context, email] = await Promise.all([
    pageContext(hub, facts, request),
    principal.kind === 'user' ? primaryAddressOf(hub.db, principal.id) : null,
  ])
  const page = <AddKeyPage context={context} kind={kind} form={form} email={email ?? 'you@example.com'} />
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}
