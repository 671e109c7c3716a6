/**
 * The authorization code (RFC 6749, 4.1, with PKCE and RFC 9700): what an application may ask, the code that goes back to it through the
 * browser, and the one exchange of that code. Nothing is ever sent to an address that the application did not register.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { HoldfastError, type OAuthErrorCode } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { type Client, type ClientProof, clientOf, isRegistered, provesItself, requireProof } from './client.ts'
import { mergeConsent } from './consent.ts'
import { signIdToken } from './id-token.ts'
import { codeLifetimeSeconds, ended, endReplayed, mint, prepareGrant } from './mint.ts'
import { findClientRow, findCode, findConsent, insertCode, listMemberships, spendCode } from './queries.ts'
import { askedScopes, type ScopeName, scopesOf } from './scopes.ts'
import type { TokenAnswer, TokenRequest } from './token-endpoint.ts'

const codeLifetimeMs = 60_000

/** A request that may be answered, because where the answer goes is registered. */
export interface Asked {
  readonly client: Client
  readonly redirectUri: string
  readonly state: string | null
  readonly scopes: readonly ScopeName[]
  readonly challenge: string | null
  readonly nonce: string | null
  readonly prompt: readonly string[]
  /** What came, to be sent along through sign-in and consent. */
  readonly parameters: Readonly<Record<string, string>>
}

/** What is said to the application rather than to the person. */
export interface Fault {
  readonly redirectUri: string
  readonly state: string | null
  readonly error:
    | OAuthErrorCode
    | 'unsupported_response_type'
    | 'request_not_supported'
    | 'login_required'
    | 'consent_required'
  readonly description: string
}

const longest: Readonly<Record<string, number>> = {
  response_type: 100,
  client_id: 100,
  redirect_uri: 600,
  scope: 600,
  state: 2_000,
  nonce: 500,
  code_challenge: 128,
  code_challenge_method: 10,
  response_mode: 20,
  prompt: 60,
  request: 10_000,
  request_uri: 1_000,
}

/**
 * Reads an authorization request. Throws `oauth_request_refused`, for a page, where nobody can be trusted with an answer: an unknown
 * application, an address that it did not register, a parameter that comes twice.
 */
export async function readRequest(hub: Hub, given: URLSearchParams): Promise<Asked | Fault> {
  const parameters: Record<string, string> = {}
  for (const [name, most] of Object.entries(longest)) {
    const values = given.getAll(name)
    if (values.length > 1) throw refuse(`it names "${name}" twice.`)
    const [value] = values
    if (value === undefined || value === '') continue
    if (value.length > most) throw refuse(`its "${name}" is longer than ${most} characters.`)
    parameters[name] = value
  }
  const row = parameters.client_id === undefined ? null : await findClientRow(hub.db.read, parameters.client_id)
  if (row === null) throw refuse('this hub knows no application with this client ID.')
  const client = clientOf(row)
  const redirectUri = parameters.redirect_uri
  if (redirectUri === undefined) throw refuse('it does not say where to send you afterwards (redirect_uri).')
  if (!isRegistered(client.redirectUris, redirectUri)) {
    throw refuse('it would send you to an address that the application did not register.')
  }
  const state = parameters.state ?? null
  const fault = (error: Fault['error'], description: string): Fault => ({ redirectUri, state, error, description })
  if (parameters.request !== undefined || parameters.request_uri !== undefined) {
    return fault('request_not_supported', 'Parameters are taken from the address alone.')
  }
  if (parameters.response_type !== 'code') {
    return fault('unsupported_response_type', 'The only response_type here is code.')
  }
  if (parameters.response_mode !== undefined && parameters.response_mode !== 'query') {
    return fault('invalid_request', 'The only response_mode here is query.')
  }
  let scopes: ScopeName[]
  try {
    scopes = askedScopes(parameters.scope, client.scopes)
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError)) throw thrown
    return fault('invalid_scope', `${thrown.message} ${thrown.next ?? ''}`.replaceAll('"', "'"))
  }
  const challenge = parameters.code_challenge ?? null
  const nonce = parameters.nonce ?? null
  if (challenge !== null && parameters.code_challenge_method !== 'S256') {
    return fault('invalid_request', 'The only code_challenge_method here is S256.')
  }
  if (challenge !== null && !/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    return fault('invalid_request', 'The code_challenge is no SHA-256 in base64url.')
  }
  // OpenID's nonce does for a client with a secret what PKCE does (RFC 9700, 2.1.1); for others nothing but PKCE does.
  const hasNonce = client.secretHash !== null && nonce !== null && scopes.includes('openid')
  if (challenge === null && !hasNonce) {
    return fault('invalid_request', 'A code_challenge with code_challenge_method=S256 is needed (PKCE).')
  }
  return {
    client,
    redirectUri,
    state,
    scopes,
    challenge,
    nonce,
    prompt: (parameters.prompt ?? '').split(' '),
    parameters,
  }
}

export function isFault(read: Asked | Fault): read is Fault {
  return 'error' in read
}

/** Where the browser goes with an answer. `iss` says which provider it is from (RFC 9207). */
export function answerAddress(
  hub: Hub,
  redirectUri: string,
  state: string | null,
  answer: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams({ ...answer, ...(state === null ? {} : { state }), iss: hub.config.publicUrl })
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query}`
}

export function faultAddress(hub: Hub, fault: Fault): string {
  return answerAddress(hub, fault.redirectUri, fault.state, {
    error: fault.error,
    error_description: fault.description,
  })
}

/** The organizations of an earlier answer where no new one is needed; else null. */
export async function earlierConsent(hub: Hub, asked: Asked, userId: string): Promise<readonly string[] | null> {
  if (asked.prompt.includes('consent') || !provesItself(asked.client, asked.redirectUri)) return null
  const consent = await findConsent(hub.db.read, userId, asked.client.id)
  if (consent === null) return null
  const known = scopesOf(consent.scope)
  return asked.scopes.every((name) => known.includes(name)) ? (JSON.parse(consent.organizationIds) as string[]) : null
}

/** Returns where the browser goes. Throws `email_not_verified`. */
export async function approve(
  hub: Hub,
  allowed: Allowed<'oauth.authorize'>,
  origin: Origin,
  asked: Asked,
  chosen: readonly string[],
): Promise<string> {
  const person = personOf(allowed)
  await requireVerifiedEmail(hub, person.id)
  return await hub.transaction(async (tx) => {
    const memberOf = (await listMemberships(tx, person.id, hub.clock.now())).map(({ id }) => id)
    const organizationIds = memberOf.filter((id) => chosen.includes(id))
    await mergeConsent(hub, tx, person.id, asked.client.id, asked.scopes, organizationIds)
    await record(hub, tx, allowed, origin, asked, { organizations: organizationIds })
    return await issueCode(hub, tx, person.id, asked, organizationIds)
  })
}

/** Without a question, for what was allowed before. Returns where the browser goes. */
export async function signInAgain(
  hub: Hub,
  allowed: Allowed<'oauth.sign_in'>,
  origin: Origin,
  asked: Asked,
  organizationIds: readonly string[],
): Promise<string> {
  const person = personOf(allowed)
  return await hub.transaction(async (tx) => {
    await record(hub, tx, allowed, origin, asked, {})
    return await issueCode(hub, tx, person.id, asked, organizationIds)
  })
}

export async function deny(
  hub: Hub,
  allowed: Allowed<'oauth.authorize'>,
  origin: Origin,
  asked: Asked,
): Promise<string> {
  await hub.transaction((tx) => record(hub, tx, allowed, origin, asked, {}, 'oauth.deny'))
  return answerAddress(hub, asked.redirectUri, asked.state, {
    error: 'access_denied',
    error_description: 'The person denied the request.',
  })
}

async function issueCode(
  hub: Hub,
  tx: Tx,
  userId: string,
  asked: Asked,
  organizationIds: readonly string[],
): Promise<string> {
  const code = newSecret()
  const now = hub.clock.now()
  await insertCode(tx, {
    hash: hashSecret(code),
    clientId: asked.client.id,
    userId,
    redirectUri: asked.redirectUri,
    scope: asked.scopes.join(' '),
    organizationIds: JSON.stringify(organizationIds),
    challenge: asked.challenge,
    nonce: asked.nonce,
    createdAt: now,
    expiresAt: now + codeLifetimeMs,
    usedAt: null,
    tokenId: null,
  })
  return answerAddress(hub, asked.redirectUri, asked.state, { code })
}

export interface CodeExchange {
  readonly code: string
  readonly redirectUri: string | null
  readonly verifier: string | null
  readonly proof: ClientProof
}

/**
 * The code names its client, so that one which sends no client_id (as @huggingface/hub) is known as well; PKCE proves that it is the one that
 * asked. A code that comes a second time ends what the first time gave. Throws `oauth_grant_refused` and `oauth_client_refused`.
 */
export async function exchangeCode({
  hub,
  allowed,
  parameters: { code, redirectUri, verifier, proof },
  request,
}: TokenRequest<CodeExchange>): Promise<TokenAnswer> {
  const hash = hashSecret(code)
  const row = await findCode(hub.db.read, hash)
  const clientRow = row === null ? null : await findClientRow(hub.db.read, row.clientId)
  if (row === null || clientRow === null) throw unknownCode()
  const client = clientOf(clientRow)
  requireProof(client, proof)
  if (row.redirectUri !== redirectUri) {
    throw new HoldfastError('oauth_grant_refused', {
      reason: 'The redirect_uri is not the one that the code was sent to.',
    })
  }
  requireVerifier(row.challenge, verifier)
  const endTwice = async (): Promise<HoldfastError> => {
    const { tokenId } = (await findCode(hub.db.read, hash)) ?? row
    if (tokenId !== null) {
      const replayed = { userId: row.userId, tokenId }
      await hub.transaction((tx) => endReplayed(hub, tx, allowed, request.origin, 'authorization code', replayed))
    }
    return unknownCode()
  }
  if (row.usedAt !== null) throw await endTwice()
  const now = hub.clock.now()
  if (row.expiresAt <= now) throw unknownCode()
  const scopes = scopesOf(row.scope)
  const organizationIds = JSON.parse(row.organizationIds) as string[]
  const granted = await prepareGrant(hub, client, row.userId, scopes, organizationIds, codeLifetimeSeconds)
  const idToken = scopes.includes('openid')
    ? await signIdToken(hub, { client, person: granted.person, scopes, nonce: row.nonce })
    : null
  const answer = await hub
    .transaction(async (tx) => {
      const minted = await mint(hub, tx, allowed, request.origin, granted)
      if (!(await spendCode(tx, hash, now, minted.tokenId))) throw new SpentMeanwhile()
      return minted.answer
    })
    .catch((thrown: unknown) => {
      // What this one would have got is rolled back; what the other one got ends as well.
      if (thrown instanceof SpentMeanwhile) return null
      throw thrown
    })
  if (answer === null) throw await endTwice()
  return idToken === null ? answer : { ...answer, id_token: idToken }
}

class SpentMeanwhile extends Error {}

/** RFC 7636, 4.6. A verifier where there was no challenge is an attempt to pass off a code as one's own. */
function requireVerifier(challenge: string | null, verifier: string | null): void {
  const refuse = new HoldfastError('oauth_grant_refused', { reason: 'The code_verifier is not that of this code.' })
  if (challenge === null) {
    if (verifier !== null) throw refuse
    return
  }
  if (verifier === null || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) throw refuse
  const made = createHash('sha256').update(verifier).digest()
  const wanted = Buffer.from(challenge, 'base64url')
  if (made.length !== wanted.length || !timingSafeEqual(made, wanted)) throw refuse
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'oauth.authorize' | 'oauth.sign_in'>,
  origin: Origin,
  asked: Asked,
  data: Parameters<typeof recordEvent>[4]['data'],
  action?: string,
): Promise<void> {
  const { client } = asked
  await recordEvent(hub, tx, allowed, origin, {
    ...(action === undefined ? {} : { action }),
    resource: { kind: 'oauth-app', id: client.id, name: client.name },
    ownerId: personOf(allowed).id,
    data: { scope: asked.scopes.join(' '), redirectUri: asked.redirectUri, ...data },
  })
}

function personOf(allowed: Allowed<'oauth.authorize' | 'oauth.sign_in'>): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('A person lets an application in.')
  return allowed.principal
}

function refuse(reason: string): HoldfastError {
  return new HoldfastError('oauth_request_refused', { reason })
}

function unknownCode(): HoldfastError {
  return ended()
}
