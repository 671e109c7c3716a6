/**
 * `POST /oauth/token` (RFC 6749, 3.2): one address, and for each grant type a handler with the parameters that it takes. What goes wrong is a
 * `HoldfastError`, told in the words of OAuth (`access/error-reply.ts`).
 */
import { z } from 'zod'
import { check } from '../../access/body.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { json, type Reply } from '../../access/reply.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'

export interface TokenRequest<Parameters> {
  readonly hub: Hub
  /** That anybody may ask. Whether the proof holds is the handler's to judge. */
  readonly allowed: Allowed<'oauth.token'>
  readonly parameters: Parameters
  readonly request: HttpRequest
}

/** What is answered, as OAuth names it. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'bearer'
  /** Seconds. */
  readonly expires_in?: number
  readonly refresh_token?: string
  readonly scope?: string
  readonly id_token?: string
  /** Of a token exchange (RFC 8693). */
  readonly issued_token_type?: string
}

/** A grant type whose types have been checked; the endpoint no longer needs to know them. */
export interface Grant {
  readonly type: string
  readonly answer: (asked: TokenRequest<unknown>) => Promise<TokenAnswer>
}

/**
 * The only way to add a grant type. `schema` names the parameters beside `grant_type`; one that is sent twice is refused (RFC 6749, 3.2), since
 * each is one text.
 */
export function grant<S extends z.ZodType>(
  type: string,
  schema: S,
  answer: (asked: TokenRequest<z.output<S>>) => Promise<TokenAnswer>,
): Grant {
  return {
    type,
    answer: (asked) => answer({ ...asked, parameters: check(schema, asked.parameters) as z.output<S> }),
  }
}

/** A form or JSON: bodies of a token request before its grant type is known. */
export const tokenBody = z.looseObject({ grant_type: z.string().min(1).max(200) })

export async function answerTokenRequest(
  grants: readonly Grant[],
  asked: TokenRequest<z.output<typeof tokenBody>>,
): Promise<Reply> {
  const { grant_type: given } = asked.parameters
  const found = grants.find(({ type }) => type === given)
  if (found === undefined) {
    throw new HoldfastError('unsupported_grant_type', { given, known: grants.map(({ type }) => type).join(', ') })
  }
  return json(await found.answer(asked), 200, { 'cache-control': 'no-store', pragma: 'no-cache' })
}
