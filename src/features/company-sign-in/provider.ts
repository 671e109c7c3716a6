/**
 * The company's OpenID provider, asked through the outbound guard and nowhere else. What it says of itself is kept for an hour; its keys are
 * kept by the library, which asks for them again where a token names one that it does not have.
 */
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client'
import type { CompanyConfig } from '../../config.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'

const keptMs = 60 * 60_000
/** A provider that is down is not asked by everybody who wants to sign in. */
const failedMs = 5_000
const timeLimitMs = 8_000
const sizeLimit = 1_048_576

interface Kept {
  readonly found: Promise<Configuration>
  until: number
}

/** By hub, since a process of tests has several. */
const known = new WeakMap<Hub, Kept>()

/** Throws `company_sign_in_off`. */
export function companyOf(hub: Hub): CompanyConfig {
  const { company } = hub.config
  if (company === null) throw new HoldfastError('company_sign_in_off')
  return company
}

/** Throws `company_sign_in_off`, or `company_unreachable` where the provider does not answer, or says of itself what cannot be. */
export async function findProvider(hub: Hub): Promise<Configuration> {
  const company = companyOf(hub)
  const now = hub.clock.now()
  let kept = known.get(hub)
  if (kept === undefined || kept.until <= now) {
    kept = { found: discover(hub, company), until: now + keptMs }
    known.set(hub, kept)
  }
  try {
    return await kept.found
  } catch (error) {
    kept.until = Math.min(kept.until, now + failedMs)
    throw unreachable(hub, company, error)
  }
}

async function discover(hub: Hub, company: CompanyConfig): Promise<Configuration> {
  const isPlain = company.issuer.startsWith('http:')
  const provider = await discovery(new URL(company.issuer), company.clientId, undefined, None(), {
    [customFetch]: fetchThrough(hub),
    timeout: timeLimitMs / 1_000,
    // The guard lets plain http through to no host but those that the administrator names.
    ...(isPlain ? { execute: [allowInsecureRequests] } : {}),
  })
  const metadata = provider.serverMetadata()
  // Of a whole cloud instead of one company: whoever has an account anywhere in it would come in.
  if (metadata.issuer.includes('{')) throw new Error('The issuer is of no single tenant.')
  const made = withAuthentication(hub, company, provider)
  const where = URL.parse(metadata.authorization_endpoint ?? '')
  if (where === null || !(where.protocol === 'https:' || (isPlain && where.protocol === 'http:'))) {
    throw new Error('The provider names no address to sign in at.')
  }
  return made
}

/** The same provider, with the way in which it wants to be shown the secret, and with every ID token checked against its keys. */
function withAuthentication(hub: Hub, company: CompanyConfig, found: Configuration): Configuration {
  const metadata = found.serverMetadata()
  const ways = metadata.token_endpoint_auth_methods_supported
  const { clientSecret } = company
  const authentication =
    clientSecret === null
      ? None()
      : ways === undefined || ways.includes('client_secret_basic')
        ? ClientSecretBasic(clientSecret)
        : ClientSecretPost(clientSecret)
  const made = new Configuration(metadata, company.clientId, undefined, authentication)
  made[customFetch] = fetchThrough(hub)
  made.timeout = timeLimitMs / 1_000
  if (company.issuer.startsWith('http:')) allowInsecureRequests(made)
  enableNonRepudiationChecks(made)
  return made
}

function fetchThrough(hub: Hub): CustomFetch {
  return async (url, { method, headers, body }) => {
    const reply = await hub.outbound.send({
      url,
      method: method === 'POST' ? 'POST' : 'GET',
      headers: Object.fromEntries(new Headers(headers)),
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      timeLimitMs,
      sizeLimit,
    })
    if (reply.status < 200 || reply.status > 599)
      throw new OutboundRefusal('The provider answered no status.', { fault: 'wrong answer' })
    // The guard hands on status and body. Whatever is asked of a provider answers JSON, or is not understood.
    const type = reply.body.trimStart().startsWith('{') ? 'application/json' : 'text/plain'
    const isEmpty = reply.status === 204 || reply.status === 205 || reply.status === 304
    return new Response(isEmpty ? null : reply.body, { status: reply.status, headers: { 'content-type': type } })
  }
}

/** Logs why, and tells only that. */
export function unreachable(hub: Hub, company: CompanyConfig, error: unknown): HoldfastError {
  hub.log.warn({ reasons: reasonsOf(error) }, "The company's sign-in cannot be reached")
  return new HoldfastError('company_unreachable', { company: company.name })
}

/** The messages of an error and of what caused it. Never their other parts, which hold tokens. */
export function reasonsOf(error: unknown): string[] {
  const reasons: string[] = []
  for (let at = error; at instanceof Error && reasons.length < 5; at = at.cause) reasons.push(at.message.slice(0, 300))
  return reasons
}

/** Whether it was the guard, or the network, and not what the provider said. */
export function isOutbound(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof OutboundRefusal) return true
  return false
}
