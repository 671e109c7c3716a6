/** The interface of honey tokens (idea 20), for sessions. */

import { z } from 'zod'
import { empty, json } from '../../access/reply.ts'
import { type Params, type Route, route } from '../../access/route.ts'
import { isoTime } from '../../domain/iso-time.ts'
import { deleteHoneyToken, type HoneyToken, listHoneyTokens, makeHoneyToken } from './honey.ts'

const self = { on: 'self' } as const
const organization = ({ params }: { params: Params }) => ({ on: 'organization', name: params.get('name') }) as const
const newHoney = z.strictObject({ name: z.string().max(1_000), place: z.string().max(1_000).optional() })
const unkept = { 'cache-control': 'no-store' }
const made = { 201: 'The value, in this answer and nowhere else, and the honey token.' }
const gone = { 204: 'It is gone: its value is one that never was.' }

export const honeyRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/api/settings/honey-tokens',
    surface: 'api',
    action: 'token.honey.read',
    target: self,
    summary: "The caller's honey tokens: values that give nothing and tell on whoever uses them.",
    handle: async ({ hub, allowed }) => json((await listHoneyTokens(hub, allowed)).map(presentHoney)),
  }),
  route({
    method: 'POST',
    path: '/api/settings/honey-tokens',
    surface: 'api',
    action: 'token.honey.create',
    target: self,
    body: newHoney,
    summary: 'Makes a honey token. `place`: where it will lie, for whoever reads of its use.',
    answers: made,
    handle: async ({ hub, allowed, body, request }) => {
      const { value, token } = await makeHoneyToken(hub, allowed, request.origin, body)
      return json({ token: value, tokenInfo: presentHoney(token) }, 201, unkept)
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/settings/honey-tokens/:id',
    surface: 'api',
    action: 'token.honey.delete',
    target: self,
    summary: 'Deletes a honey token: nobody hears of its use any more.',
    answers: gone,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteHoneyToken(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
  route({
    method: 'GET',
    path: '/api/organizations/:name/honey-tokens',
    surface: 'api',
    action: 'org.honey_token.read',
    target: organization,
    summary: 'The honey tokens of an organization, for its administrators.',
    handle: async ({ hub, allowed }) => json((await listHoneyTokens(hub, allowed)).map(presentHoney)),
  }),
  route({
    method: 'POST',
    path: '/api/organizations/:name/honey-tokens',
    surface: 'api',
    action: 'org.honey_token.create',
    target: organization,
    body: newHoney,
    summary: 'Makes a honey token of an organization: its administrators hear of any use.',
    answers: made,
    handle: async ({ hub, allowed, body, request }) => {
      const { value, token } = await makeHoneyToken(hub, allowed, request.origin, body)
      return json({ token: value, tokenInfo: presentHoney(token) }, 201, unkept)
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/organizations/:name/honey-tokens/:id',
    surface: 'api',
    action: 'org.honey_token.delete',
    target: organization,
    summary: 'Deletes a honey token of an organization.',
    answers: gone,
    handle: async ({ hub, allowed, params, request }) => {
      await deleteHoneyToken(hub, allowed, request.origin, params.get('id'))
      return empty(204)
    },
  }),
]

function presentHoney(token: HoneyToken) {
  return {
    id: token.id,
    name: token.name,
    place: token.place,
    last4: token.last4,
    createdAt: isoTime(token.createdAt),
    lastUsedAt: isoTime(token.lastUsedAt),
    lastUsedIp: token.lastIp,
    lastUsedBy: token.lastUserAgent,
    reportedAt: isoTime(token.reportedAt),
  }
}
