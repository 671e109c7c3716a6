/** The grant types of applications at the token endpoint: what each reads from the request. */
import { z } from 'zod'
import type { HttpRequest } from '../../access/http-request.ts'
import { exchangeCode } from './authorize.ts'
import { proofOf } from './client.ts'
import { answerDeviceCode } from './device.ts'
import { refreshTokens } from './refresh.ts'
import { type Grant, grant } from './token-endpoint.ts'

const text = z.string().min(1).max(2_000)
/** Strings that come empty count as absent: forms of some clients send all of their fields. */
const optional = z
  .string()
  .max(2_000)
  .transform((value) => (value === '' ? undefined : value))
  .optional()
const client = { client_id: optional, client_secret: optional }

const proofIn = (request: HttpRequest, body: { client_id?: string | undefined; client_secret?: string | undefined }) =>
  proofOf(request.header('authorization'), body)

export const applicationGrants: readonly Grant[] = [
  grant(
    'urn:ietf:params:oauth:grant-type:device_code',
    z.object({ ...client, device_code: text }),
    async ({ parameters, ...asked }) =>
      await answerDeviceCode({
        ...asked,
        parameters: { device_code: parameters.device_code, proof: proofIn(asked.request, parameters) },
      }),
  ),
  grant(
    'authorization_code',
    z.object({ ...client, code: text, redirect_uri: optional, code_verifier: optional }),
    async ({ parameters, ...asked }) =>
      await exchangeCode({
        ...asked,
        parameters: {
          code: parameters.code,
          redirectUri: parameters.redirect_uri ?? null,
          verifier: parameters.code_verifier ?? null,
          proof: proofIn(asked.request, parameters),
        },
      }),
  ),
  grant(
    'refresh_token',
    z.object({ ...client, refresh_token: text, scope: optional }),
    async ({ parameters, ...asked }) =>
      await refreshTokens({
        ...asked,
        parameters: {
          refreshToken: parameters.refresh_token,
          scope: parameters.scope,
          proof: proofIn(asked.request, parameters),
        },
      }),
  ),
]
