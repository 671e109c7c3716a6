/** The endpoints of OAuth and OpenID Connect that programs use. */
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { accountOf } from '../../domain/facts.ts'
import { claimsOf } from './claims.ts'
import { proofOf } from './client.ts'
import { startDevice } from './device.ts'
import { applicationGrants } from './grants.ts'
import { discovery, publishedKeys } from './id-token.ts'
import { findGrantOfToken } from './queries.ts'
import { revokeSignIn } from './refresh.ts'
import { scopeNames, scopesOf } from './scopes.ts'
import { answerTokenRequest, type Grant, tokenBody } from './token-endpoint.ts'

const instance = { on: 'instance' } as const
const optional = z.string().max(2_000).optional()
const notKept = { 'cache-control': 'no-store', pragma: 'no-cache' }

const userinfo = (method: 'GET' | 'POST'): Route =>
  route({
    method,
    path: '/oauth/userinfo',
    surface: 'api',
    action: 'account.read',
    target: { on: 'self' },
    summary: 'Who let the application act, as OpenID Connect has it, as far as its scopes say.',
    handle: async ({ hub, allowed }) => {
      const account = accountOf(allowed.principal)
      const { credential } = allowed
      if (account === null || credential === null) throw new Error('Nobody asks who they are.')
      const grant = credential.kind === 'token' ? await findGrantOfToken(hub.db.read, credential.id) : null
      // Whoever holds another credential of a person sees all of this at whoami.
      const scopes = grant === null ? scopeNames : scopesOf(grant.scope)
      const organizationIds = grant === null ? [] : (JSON.parse(grant.organizationIds) as string[])
      return json(await claimsOf(hub, account, scopes, organizationIds), 200, notKept)
    },
  })

/** `others`: what the token endpoint takes beside the grants of applications, each from the feature that judges its proof. */
export function oauthRoutes(others: readonly Grant[]): Route[] {
  const grants = [...applicationGrants, ...others]
  return [
    route({
      method: 'POST',
      path: '/oauth/token',
      surface: 'oauth',
      action: 'oauth.token',
      target: instance,
      authority: 'body',
      body: tokenBody,
      bodyLimit: 65_536,
      summary: 'Answers a proof of who one is, as a form or JSON, with an access token: RFC 6749 and RFC 8693.',
      answers: { 200: 'The access token', 400: 'Why not, as OAuth has it: {error, error_description}' },
      handle: ({ hub, allowed, body, request }) =>
        answerTokenRequest(grants, { hub, allowed, parameters: body, request }),
    }),
    route({
      method: 'POST',
      path: '/oauth/device',
      surface: 'oauth',
      action: 'oauth.ask',
      target: instance,
      authority: 'body',
      body: z.object({ client_id: optional, client_secret: optional, scope: optional }),
      bodyLimit: 65_536,
      summary: 'Begins the sign-in of a device (RFC 8628), as `hf auth login` does.',
      answers: { 200: 'The codes, and where a person types the short one', 401: 'The application is unknown' },
      handle: async ({ hub, body, request }) => {
        const proof = proofOf(request.header('authorization'), body)
        return json(await startDevice(hub, request.origin, { proof, scope: body.scope }), 200, notKept)
      },
    }),
    route({
      method: 'POST',
      path: '/oauth/revoke',
      surface: 'oauth',
      action: 'oauth.revoke',
      target: instance,
      authority: 'body',
      body: z.object({
        token: z.string().min(1).max(2_000),
        token_type_hint: optional,
        client_id: optional,
        client_secret: optional,
      }),
      bodyLimit: 65_536,
      summary: 'Ends a sign-in of an application, by its access token or its refresh token (RFC 7009).',
      answers: { 200: 'It has ended, or there was none' },
      handle: async ({ hub, allowed, body, request }) => {
        const proof = proofOf(request.header('authorization'), body)
        await revokeSignIn(hub, allowed, request.origin, { token: body.token, proof })
        return json({}, 200, notKept)
      },
    }),
    userinfo('GET'),
    userinfo('POST'),
    route({
      method: 'GET',
      path: '/.well-known/openid-configuration',
      surface: 'api',
      action: 'instance.read',
      target: instance,
      summary: 'Where the endpoints of OAuth and OpenID Connect are, and what they take.',
      handle: async ({ hub }) => json(discovery(hub), 200, { 'cache-control': 'public, max-age=300' }),
    }),
    route({
      method: 'GET',
      path: '/oauth/jwks',
      surface: 'api',
      action: 'instance.read',
      target: instance,
      summary: 'The public keys that ID tokens of this hub are checked with.',
      handle: async ({ hub }) =>
        json({ keys: await publishedKeys(hub) }, 200, { 'cache-control': 'public, max-age=300' }),
    }),
  ]
}
