/** The interface of signing keys: one's own, and those of service accounts. */
import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { getServiceAccount } from '../service-accounts/service.ts'
import { presentKey } from './present.ts'
import { addKey, deleteKey, type KeyKind, kindOfKey, listKeys, ownerOf, ownKeys } from './service.ts'

const self = { on: 'self' } as const
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const newKey = z.strictObject({ key: z.string().max(500_000) })
const words = { gpg: 'OpenPGP', ssh: 'SSH' } as const

const ownRoutes = (kind: KeyKind): Route[] => [
  route({
    method: 'GET',
    path: `/api/settings/${kind}-keys`,
    surface: 'api',
    action: `user.${kind}_key.read`,
    target: self,
    summary: `One's ${words[kind]} keys that sign commits.`,
    handle: async ({ hub, allowed }) => json((await listKeys(hub, ownKeys(allowed), kind)).map(presentKey)),
  }),
  route({
    method: 'POST',
    path: `/api/settings/${kind}-keys`,
    surface: 'api',
    action: `user.${kind}_key.create`,
    target: self,
    body: newKey,
    summary: `Adds an ${words[kind]} public key, in a session. One's own key with new certificates is renewed.`,
    answers: { 201: 'The key.', 400: 'It is private, or no key.', 409: 'It belongs to an account already.' },
    handle: async ({ hub, allowed, body, request }) =>
      json(presentKey(await addKey(hub, allowed, request.origin, ownKeys(allowed), kind, body.key)), 201),
  }),
  route({
    method: 'DELETE',
    path: `/api/settings/${kind}-keys/:id`,
    surface: 'api',
    action: `user.${kind}_key.delete`,
    target: self,
    summary: 'Deletes a key, in a session: what it signed is unverified from then on.',
    answers: { 204: 'It is gone.' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteKey(hub, allowed, request.origin, ownKeys(allowed), params.get('id'))
      return empty(204)
    },
  }),
]

const ofAccount = '/api/organizations/:name/service-accounts/:id/keys'

export const keyApiRoutes: Route[] = [
  ...ownRoutes('gpg'),
  ...ownRoutes('ssh'),
  route({
    method: 'GET',
    path: ofAccount,
    surface: 'api',
    action: 'org.service_account.key.read',
    target: organization,
    summary: 'The keys that sign commits of a service account.',
    handle: async ({ hub, allowed, params }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      return json((await listKeys(hub, ownerOf(allowed.resource, account))).map(presentKey))
    },
  }),
  route({
    method: 'POST',
    path: ofAccount,
    surface: 'api',
    action: 'org.service_account.key.create',
    target: organization,
    body: newKey,
    summary: 'Adds an OpenPGP or SSH public key to a service account, in a session.',
    answers: { 201: 'The key.', 400: 'It is private, or no key.', 409: 'It belongs to an account already.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const owner = ownerOf(allowed.resource, account)
      return json(presentKey(await addKey(hub, allowed, request.origin, owner, kindOfKey(body.key), body.key)), 201)
    },
  }),
  route({
    method: 'DELETE',
    path: `${ofAccount}/:key`,
    surface: 'api',
    action: 'org.service_account.key.delete',
    target: organization,
    summary: 'Deletes a key of a service account, in a session.',
    answers: { 204: 'It is gone.' },
    handle: async ({ hub, allowed, params, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      await deleteKey(hub, allowed, request.origin, ownerOf(allowed.resource, account), params.get('key'))
      return empty(204)
    },
  }),
]
