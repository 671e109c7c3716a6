/** The interface of one's own tokens, for a session: a token makes no tokens (UAT-14). */

import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { limitsShape } from './fence-shape.ts'
import { entityTypes } from './grants.ts'
import { presentChild, presentMadeToken, presentToken } from './present.ts'
import {
  createToken,
  deleteOwnToken,
  finishOwnRotation,
  getOwnToken,
  listOwnChildren,
  listOwnTokens,
  longestOverlapSeconds,
  type RequestedPermissions,
  rotateOwnToken,
  updateOwnToken,
} from './service.ts'

const entity = z
  .object({ type: z.enum(entityTypes), _id: z.string().max(100).optional(), name: z.string().max(200).optional() })
  .refine((value) => value._id !== undefined || value.name !== undefined, 'an entity has an "_id" or a "name"')
  .transform(({ type, _id, name }) => ({
    type,
    ...(_id === undefined ? {} : { id: _id }),
    ...(name === undefined ? {} : { name }),
  }))

const fineGrained = z
  .object({
    canReadGatedRepos: z.boolean().default(false),
    global: z.array(z.string().max(100)).max(50).default([]),
    scoped: z
      .array(z.object({ entity, permissions: z.array(z.string().max(100)).max(50) }))
      .max(500)
      .default([]),
  })
  .transform((value): RequestedPermissions => value)

/** An ISO time, milliseconds, or null for never. */
const expiresAt = z
  .union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)), z.null()])
  .optional()

/** How long the old value goes on beside the new one. */
const overlapSeconds = z.number().int().min(0).max(longestOverlapSeconds).default(0)

/** From which networks, and from when on, a token is taken, and what else narrows it. */
const fence = { ...limitsShape, notBefore: expiresAt }

const newToken = z.strictObject({
  name: z.string().max(1_000),
  role: z.enum(['read', 'write', 'fineGrained'], { error: 'one of read, write and fineGrained' }),
  fineGrained: fineGrained.optional(),
  expiresAt,
  ...fence,
})

const changedToken = z.strictObject(
  { name: z.string().max(1_000).optional(), fineGrained: fineGrained.optional(), ...fence },
  {
    error:
      'only "name", "fineGrained", "networks", "notBefore", "paths", "programs", "requestsPerMinute" and "bytesPerDay" of a token can be changed; its role cannot',
  },
)

/** The answer carries a secret: nothing on the way may keep it. */
const unkept = { 'cache-control': 'no-store' }
const self = { on: 'self' } as const

export const tokenApiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/settings/tokens',
    surface: 'api',
    action: 'token.read',
    target: self,
    summary: "The caller's access tokens, without their values.",
    handle: async ({ hub, allowed }) => {
      const now = hub.clock.now()
      return json((await listOwnTokens(hub, allowed)).map((token) => presentToken(token, now)))
    },
  }),
  route({
    method: 'POST',
    path: '/api/settings/tokens',
    surface: 'api',
    action: 'token.create',
    target: self,
    body: newToken,
    summary: 'Makes an access token. Its value is in this answer and nowhere else.',
    answers: { 201: 'The value and the token.', 409: 'A token of this name exists.' },
    handle: async ({ hub, allowed, body, request }) =>
      json(presentMadeToken(await createToken(hub, allowed, request.origin, body), hub.clock.now()), 201, unkept),
  }),
  route({
    method: 'GET',
    path: '/api/settings/tokens/:id',
    surface: 'api',
    action: 'token.read',
    target: self,
    summary: "One of the caller's access tokens.",
    handle: async ({ hub, allowed, params }) =>
      json(presentToken(await getOwnToken(hub, allowed, params.get('id')), hub.clock.now())),
  }),
  route({
    method: 'GET',
    path: '/api/settings/tokens/:id/children',
    surface: 'api',
    action: 'token.read',
    target: self,
    summary:
      "Child tokens that one of the caller's tokens derived and that are still taken. Each is deleted like any token, by its id.",
    handle: async ({ hub, allowed, params }) =>
      json((await listOwnChildren(hub, allowed, params.get('id'))).map(presentChild)),
  }),
  route({
    method: 'PATCH',
    path: '/api/settings/tokens/:id',
    surface: 'api',
    action: 'token.update',
    target: self,
    body: changedToken,
    summary: 'Changes name and permissions of a token, from the next request on.',
    handle: async ({ hub, allowed, params, body, request }) =>
      json(presentToken(await updateOwnToken(hub, allowed, request.origin, params.get('id'), body), hub.clock.now())),
  }),
  route({
    method: 'DELETE',
    path: '/api/settings/tokens/:id',
    surface: 'api',
    action: 'token.delete',
    target: self,
    summary: 'Deletes a token: its value is refused from the next request on.',
    answers: { 204: 'It is gone.' },
    handle: async ({ hub, allowed, params, request }) => {
      await deleteOwnToken(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
  route({
    method: 'POST',
    path: '/api/settings/tokens/:id/rotate',
    surface: 'api',
    action: 'token.rotate',
    target: self,
    body: z.strictObject({ expiresAt, overlapSeconds }),
    summary:
      'Gives a token a new value, in this answer and nowhere else. The old one is refused from the next request on, or goes on for `overlapSeconds` (up to 604800) with a warning.',
    answers: { 200: 'The value and the token.', 409: 'Somebody refreshed it at the same moment.' },
    handle: async ({ hub, allowed, params, body, request }) => {
      const made = await rotateOwnToken(hub, allowed, request.origin, params.get('id'), body)
      return json(presentMadeToken(made, hub.clock.now()), 200, unkept)
    },
  }),
  route({
    method: 'POST',
    path: '/api/settings/tokens/:id/rotate/finish',
    surface: 'api',
    action: 'token.delete',
    target: self,
    summary: 'Ends the overlap after a refresh early: the old value is refused from the next request on.',
    answers: { 200: 'The token.', 404: 'There is no such token, or no old value of it is taken.' },
    handle: async ({ hub, allowed, params, request }) => {
      const token = await finishOwnRotation(hub, allowed, request.origin, params.get('id'))
      return json(presentToken(token, hub.clock.now()))
    },
  }),
]
