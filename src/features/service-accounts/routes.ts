/** The interface of service accounts: the Hub's paths and members, and ours for what the Hub does not have. */

import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { roles } from '../../domain/role.ts'
import { readTerm, termShape } from '../temporary-roles/service.ts'
import {
  entityTypes,
  limitsShape,
  longestOverlapSeconds,
  presentChild,
  presentProposal,
  presentUsage,
} from '../tokens/service.ts'
import {
  createAccountToken,
  deleteAccountToken,
  deleteAllAccountTokens,
  finishAccountRotation,
  getAccountToken,
  listAccountChildren,
  listAccountTokens,
  rotateAccountToken,
  updateAccountToken,
} from './account-tokens.ts'
import { accountUsage, proposeAccountShrink, shrinkAccountToken } from './account-usage.ts'
import {
  presentAccount,
  presentAccountWithTokens,
  presentMadeAccount,
  presentMadeToken,
  presentToken,
} from './present.ts'
import { listAccounts } from './queries.ts'
import {
  createServiceAccount,
  deleteServiceAccount,
  disableServiceAccount,
  enableServiceAccount,
  endAccountRole,
  getServiceAccount,
  updateServiceAccount,
} from './service.ts'
import { requestedGrants } from './wire-grants.ts'

const target = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const

/** An ISO time, milliseconds, or null for never. */
const expiresAt = z
  .union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)), z.null()])
  .optional()
/** How long the old value goes on beside the new one. */
const overlapSeconds = z.number().int().min(0).max(longestOverlapSeconds).default(0)
const text = z.string().max(2_000)
const role = z.enum(roles)

const page = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  /** The lower-cased name of the last account that was seen. */
  cursor: z.string().max(100).default(''),
})

const newAccount = z.strictObject({
  name: text,
  description: text.nullish(),
  contact: text.nullish(),
  // Never admin unless it was said: a token of the Hub's kind then works, and manages nothing (C2).
  role: role.default('write'),
  expiresAt,
})

const changedAccount = z.strictObject({
  name: text.optional(),
  description: text.nullish(),
  contact: text.nullish(),
  role: role.optional(),
  expiresAt,
  ...termShape,
})

const entity = z
  .object({ type: z.enum(entityTypes), _id: z.string().max(100).optional(), name: z.string().max(200).optional() })
  .refine((value) => value._id !== undefined || value.name !== undefined, 'an entity has an "_id" or a "name"')
  .transform(({ type, _id, name }) => ({
    type,
    ...(_id === undefined ? {} : { id: _id }),
    ...(name === undefined ? {} : { name }),
  }))

const permission = z.string().max(100)
const tokenMembers = {
  displayName: text.optional(),
  description: text.nullish(),
  mode: z.enum(['scoped', 'inherit']).optional(),
  permissions: z.array(permission).max(50).optional(),
  repoIds: z
    .array(
      z
        .string()
        .regex(/^[0-9a-fA-F]{24}$/, 'an id has 24 hexadecimal digits')
        .transform((id) => id.toLowerCase()),
    )
    .max(500)
    .optional(),
  repoPermissions: z.array(permission).max(50).optional(),
  endpointPatterns: z
    .array(
      z
        .string()
        .max(256)
        .regex(/^[^.?()\]\\[{}]+$/, 'a pattern has letters, digits, hyphens and "*"'),
    )
    .max(20)
    .optional(),
  skipNetworkSecurity: z.boolean().optional(),
  fineGrained: z
    .strictObject({
      scoped: z.array(z.object({ entity, permissions: z.array(permission).max(50) })).max(500),
    })
    .optional(),
  expiresAt,
  ...limitsShape,
  notBefore: expiresAt,
}
const newToken = z.strictObject(tokenMembers)
const changedToken = z.strictObject(tokenMembers)
type TokenBody = z.output<typeof newToken>

/** The answer carries a secret: nothing on the way may keep it. */
const unkept = { 'cache-control': 'no-store' }

export const serviceAccountApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/organizations/:name/service-accounts',
    surface: 'api',
    action: 'org.service_account.read',
    target,
    query: page,
    summary: 'The service accounts of an organization by name, a page at a time (`Link`).',
    handle: async ({ hub, allowed, query }) => {
      const { id, name } = allowed.resource
      const accounts = await listAccounts(hub.db, id, {
        after: query.cursor,
        limit: query.limit + 1,
        now: hub.clock.now(),
      })
      const shown = accounts.slice(0, query.limit)
      const cursor = encodeURIComponent(shown.at(-1)?.nameKey ?? '')
      const next = `${hub.config.publicUrl}/api/organizations/${encodeURIComponent(name)}/service-accounts?limit=${query.limit}&cursor=${cursor}`
      return json(
        shown.map(presentAccount),
        200,
        accounts.length > query.limit ? { link: `<${next}>; rel="next"` } : {},
      )
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts',
    surface: 'api',
    action: 'org.service_account.create',
    target,
    body: newAccount,
    summary: 'Adds a service account. Without a `role` it has the role write.',
    answers: { 201: 'It exists, without tokens.', 409: 'The organization has one of this name.' },
    handle: async ({ hub, allowed, body, request }) =>
      json(presentMadeAccount(await createServiceAccount(hub, allowed, request.origin, body)), 201),
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/service-accounts/:id',
    surface: 'api',
    action: 'org.service_account.read',
    target,
    summary: 'A service account and its tokens, without their values.',
    handle: async ({ hub, allowed, params }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const tokens = await listAccountTokens(hub, allowed.resource, account)
      return json(presentAccountWithTokens(account, tokens, hub.clock.now()))
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/organizations/:name/service-accounts/:id',
    surface: 'api',
    action: 'org.service_account.update',
    target,
    body: changedAccount,
    summary:
      'Changes a service account. Another role holds for its tokens from the next request on; with `until` or `seconds`, and a `reason`, until then.',
    answers: { 200: 'As it is now.', 409: 'The organization has another one of this name.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const term = readTerm(body, hub.clock.now())
      if (term !== null && body.role === undefined) {
        throw new HoldfastError('invalid_input', { reason: 'Say which role it is to have until then.', field: 'role' })
      }
      const change = { ...body, term }
      return json(presentAccount(await updateServiceAccount(hub, allowed, request.origin, params.get('id'), change)))
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/service-accounts/:id/temporary-role',
    surface: 'api',
    action: 'org.service_account.update',
    target,
    summary: 'Ends the temporary role of a service account in the organization: its lasting one counts again.',
    answers: { 200: 'As it is now.', 404: 'No temporary role is running.' },
    handle: async ({ hub, allowed, params, request }) =>
      json(presentAccount(await endAccountRole(hub, allowed, request.origin, params.get('id')))),
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/service-accounts/:id',
    surface: 'api',
    action: 'org.service_account.delete',
    target,
    summary: 'Deletes a service account and all its tokens for good.',
    answers: { 204: 'It is gone.' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteServiceAccount(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts/:id/disable',
    surface: 'api',
    action: 'org.service_account.disable',
    target,
    summary: 'Disables a service account: all its tokens are deleted for good, its roles stay recorded.',
    handle: async ({ hub, allowed, params, request }) => {
      const { account } = await disableServiceAccount(hub, allowed, request.origin, params.get('id'))
      return json(presentAccount(account))
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts/:id/enable',
    surface: 'api',
    action: 'org.service_account.enable',
    target,
    summary: 'Enables a service account again: with the roles that it had, and without tokens.',
    handle: async ({ hub, allowed, params, request }) =>
      json(presentAccount(await enableServiceAccount(hub, allowed, request.origin, params.get('id')))),
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/service-accounts/:id/tokens',
    surface: 'api',
    action: 'org.service_account.read',
    target,
    summary: 'The tokens of a service account, without their values.',
    handle: async ({ hub, allowed, params }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const now = hub.clock.now()
      return json((await listAccountTokens(hub, allowed.resource, account)).map((token) => presentToken(token, now)))
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts/:id/tokens',
    surface: 'api',
    action: 'org.service_account.token.create',
    target,
    body: newToken,
    summary: 'Adds a token to a service account. Its value is in this answer and nowhere else.',
    answers: { 201: 'The value and the token.', 409: 'It has a token of this name.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      refuseNetworkExemption(body)
      const scoped = await requestedGrants(hub, allowed.resource, wireOf(body), [])
      const made = await createAccountToken(hub, allowed, request.origin, params.get('id'), {
        ...membersOf(body),
        mode: body.mode,
        scoped,
      })
      return json(presentMadeToken(made, hub.clock.now()), 201, unkept)
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/service-accounts/:id/tokens',
    surface: 'api',
    action: 'org.service_account.token.delete',
    target,
    summary: 'Deletes all tokens of a service account, which stays as it is.',
    answers: { 200: 'How many there were.' },
    handle: async ({ hub, allowed, params, request }) =>
      json({ deleted: await deleteAllAccountTokens(hub, allowed, request.origin, params.get('id')) }),
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token/children',
    surface: 'api',
    action: 'org.service_account.read',
    target,
    summary:
      'Child tokens that a token of the account derived and that are still taken. Each is deleted like any token, by its id.',
    handle: async ({ hub, allowed, params }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      return json((await listAccountChildren(hub, account, params.get('token'))).map(presentChild))
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token/usage',
    surface: 'api',
    action: 'org.service_account.read',
    target,
    summary:
      'What a token of the account could reach and what it did reach, from which addresses and by which programs.',
    handle: async ({ hub, allowed, params }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      return json(presentUsage(await accountUsage(hub, allowed, account, params.get('token'))))
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token/shrink',
    surface: 'api',
    action: 'org.service_account.token.update',
    target,
    body: z.strictObject({ dryRun: z.boolean().default(false) }),
    summary: 'Narrows a token of the account to what it was used for. `dryRun` only says what it would be.',
    answers: { 200: 'Before, after, and whether it is so now.', 409: 'Nothing was recorded, or too much.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const id = params.get('token')
      if (body.dryRun) return json(presentProposal(await proposeAccountShrink(hub, allowed, account, id), false))
      return json(presentProposal(await shrinkAccountToken(hub, allowed, request.origin, account, id), true))
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token',
    surface: 'api',
    action: 'org.service_account.token.update',
    target,
    body: changedToken,
    summary: 'Changes name, description and permissions of a token, or ends its life earlier; its value stays.',
    answers: { 200: 'As it is now.', 409: 'Another one has this name, or somebody changed it at the same moment.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      refuseNetworkExemption(body)
      const account = await getServiceAccount(hub, allowed, params.get('id'))
      const before = await getAccountToken(hub, allowed.resource, account, params.get('token'))
      const scoped = await requestedGrants(hub, allowed.resource, wireOf(body), before.scoped)
      const change = { ...membersOf(body), mode: body.mode, scoped }
      const token = await updateAccountToken(hub, allowed, request.origin, account.id, before.id, change)
      return json(presentToken(token, hub.clock.now()))
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token',
    surface: 'api',
    action: 'org.service_account.token.delete',
    target,
    summary: 'Deletes a token of a service account: its value is refused from the next request on.',
    answers: { 204: 'It is gone.' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteAccountToken(hub, allowed, request.origin, params.get('id'), params.get('token'))
      return empty(204)
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token/rotate',
    surface: 'api',
    action: 'org.service_account.token.rotate',
    target,
    body: z.strictObject({ expiresAt, overlapSeconds }),
    summary:
      'Gives a token a new value, in this answer and nowhere else. The old one is refused from the next request on, or goes on for `overlapSeconds` (up to 604800) with a warning. Without `expiresAt` the token lives as long as before.',
    answers: { 200: 'The value and the token.', 409: 'Somebody refreshed it at the same moment.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const made = await rotateAccountToken(hub, allowed, request.origin, params.get('id'), params.get('token'), body)
      return json(presentMadeToken(made, hub.clock.now()), 200, unkept)
    },
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/service-accounts/:id/tokens/:token/rotate/finish',
    surface: 'api',
    action: 'org.service_account.token.delete',
    target,
    summary: 'Ends the overlap after a refresh early: the old value is refused from the next request on.',
    answers: { 200: 'The token.', 404: 'There is no such token, or no old value of it is taken.' },
    handle: async ({ hub, allowed, params, request }) => {
      const ids = [params.get('id'), params.get('token')] as const
      const token = await finishAccountRotation(hub, allowed, request.origin, ...ids)
      return json(presentToken(token, hub.clock.now()))
    },
  }),
]

function membersOf(body: TokenBody) {
  return {
    name: body.displayName,
    description: body.description,
    endpointPatterns: body.endpointPatterns,
    expiresAt: body.expiresAt,
    networks: body.networks,
    notBefore: body.notBefore,
    paths: body.paths,
    programs: body.programs,
    requestsPerMinute: body.requestsPerMinute,
    bytesPerDay: body.bytesPerDay,
  }
}

function wireOf(body: TokenBody) {
  const { permissions, repoIds, repoPermissions, fineGrained } = body
  return { permissions, repoIds, repoPermissions, scoped: fineGrained?.scoped }
}

/** Nobody may exempt a token from rules about the network that this hub does not have yet. */
function refuseNetworkExemption({ skipNetworkSecurity }: TokenBody): void {
  if (skipNetworkSecurity !== true) return
  throw new HoldfastError('invalid_input', {
    reason: '"skipNetworkSecurity" needs the permission org.networkSecurity.write, which this hub does not give yet.',
  })
}
