/** The endpoints of OAuth that programs use. */
import { type Route, route } from '../../access/route.ts'
import { answerTokenRequest, type Grant, tokenBody } from './token-endpoint.ts'

/** `grants`: what the token endpoint takes, each from the feature that judges its proof. */
export function oauthRoutes(grants: readonly Grant[]): Route[] {
  return [
    route({
      method: 'POST',
      path: '/oauth/token',
      surface: 'oauth',
      action: 'oauth.token',
      target: { on: 'instance' },
      authority: 'body',
      body: tokenBody,
      bodyLimit: 65_536,
      summary: 'Answers a proof of who one is, as a form or JSON, with an access token: RFC 6749 and RFC 8693.',
      answers: { 200: 'The access token', 400: 'Why not, as OAuth has it: {error, error_description}' },
      handle: ({ hub, allowed, body, request }) =>
        answerTokenRequest(grants, { hub, allowed, parameters: body, request }),
    }),
  ]
}
