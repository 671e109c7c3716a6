/** Sending a browser to the provider, and taking what it brings back. */
import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientError,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  ResponseBodyError,
} from 'openid-client'
import type { CompanyConfig } from '../../config.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { Attempt } from './attempt.ts'
import type { Claims } from './claims.ts'
import { companyOf, findProvider, isOutbound, reasonsOf, unreachable } from './provider.ts'

export const callbackPath = '/login/company/callback'

/** Seconds since the person proved who they are there, for a confirmation: what it takes to come back, and clocks that differ. */
const recentSeconds = 120

/** Where the browser goes. Throws `company_sign_in_off` or `company_unreachable`. */
export async function providerAddress(hub: Hub, attempt: Attempt): Promise<string> {
  const company = companyOf(hub)
  const provider = await findProvider(hub)
  const url = buildAuthorizationUrl(provider, {
    response_type: 'code',
    redirect_uri: `${hub.config.publicUrl}${callbackPath}`,
    scope: company.scopes,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
    ...(attempt.purpose === 'confirm' ? { prompt: 'login', max_age: '0' } : {}),
  })
  return url.href
}

export interface CompanyAnswer {
  readonly issuer: string
  readonly subject: string
  readonly claims: Claims
}

/**
 * Exchanges the code and checks everything that came: state and issuer of the answer, signature, issuer, audience, nonce and times of the ID token.
 * Throws `company_sign_in_denied`, `company_sign_in_refused`, `company_not_recent`, `company_unreachable`.
 */
export async function readAnswer(hub: Hub, attempt: Attempt, query: URLSearchParams): Promise<CompanyAnswer> {
  const company = companyOf(hub)
  const provider = await findProvider(hub)
  const address = new URL(`${hub.config.publicUrl}${callbackPath}?${query.toString()}`)
  try {
    const tokens = await authorizationCodeGrant(provider, address, {
      pkceCodeVerifier: attempt.verifier,
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      idTokenExpected: true,
      ...(attempt.purpose === 'confirm' ? { maxAge: recentSeconds } : {}),
    })
    const said = tokens.claims()
    if (said === undefined) throw new Error('There is no ID token.')
    const more = await moreClaims(hub, company, provider, tokens.access_token, said)
    return { issuer: said.iss, subject: said.sub, claims: { ...more, ...said } }
  } catch (error) {
    throw refusalOf(hub, company, attempt, error)
  }
}

/** Some providers tell address and groups only to who asks with the access token. That it fails is no reason to keep somebody out. */
async function moreClaims(
  hub: Hub,
  company: CompanyConfig,
  provider: Configuration,
  accessToken: string,
  said: Claims & { readonly sub: string },
): Promise<Claims> {
  const wanted = ['email', company.usernameClaim, company.groupsClaim]
  const isMissing = wanted.some((name) => said[name] === undefined)
  if (!isMissing || provider.serverMetadata().userinfo_endpoint === undefined) return {}
  try {
    return await fetchUserInfo(provider, accessToken, said.sub)
  } catch (error) {
    hub.log.warn({ reasons: reasonsOf(error) }, "The company's sign-in says nothing more of a person")
    return {}
  }
}

const deniedWords: Readonly<Record<string, string>> = {
  access_denied: 'you pressed cancel there, or are not let in to this hub',
  login_required: 'you are not signed in there',
  consent_required: 'you did not agree to what this hub asks for',
  temporarily_unavailable: 'it has no time at the moment',
  server_error: 'something went wrong there',
}

const refusedWords: Readonly<Record<string, string>> = {
  OAUTH_JWT_CLAIM_COMPARISON_FAILED: 'it is of another issuer, for somebody else than this hub, or of another sign-in',
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: 'it is too old, or one of the two clocks is wrong',
  OAUTH_KEY_SELECTION_FAILED: 'it is not signed with a key of the issuer',
}

function refusalOf(hub: Hub, company: CompanyConfig, attempt: Attempt, error: unknown): Error {
  const named = { company: company.name }
  if (isOutbound(error)) return unreachable(hub, company, error)
  if (error instanceof AuthorizationResponseError) {
    const reason = deniedWords[error.error] ?? 'it names no reason that is known here'
    hub.log.info({ code: error.error.slice(0, 100) }, "The company's sign-in did not let somebody in")
    return new HoldfastError('company_sign_in_denied', { ...named, reason })
  }
  if (!(error instanceof ClientError || error instanceof ResponseBodyError || error instanceof TypeError)) {
    return error instanceof Error ? error : new Error('The sign-in failed.', { cause: error })
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  hub.log.warn({ code, reasons: reasonsOf(error) }, "What the company's sign-in answered is not taken")
  const isTime =
    code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' || reasonsOf(error).some((text) => text.includes('auth_time'))
  if (attempt.purpose === 'confirm' && isTime) return new HoldfastError('company_not_recent', named)
  const reason = refusedWords[code] ?? 'it is not what the rules of OpenID Connect ask for'
  return new HoldfastError('company_sign_in_refused', { ...named, reason })
}
