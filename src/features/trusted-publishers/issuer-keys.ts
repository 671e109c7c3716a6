/**
 * The public keys of issuers, as their discovery document leads to them. Kept in memory for five minutes, and fetched anew when an ID token names
 * a key that is not among them, so that an issuer may change its keys at any time; but not more often than every half minute, whatever is sent.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { OutboundRefusal } from '../../platform/outbound/outbound.ts'
import { algorithms, type ReadIdToken, skewSeconds } from './id-token.ts'

interface Kept {
  readonly fetchedAt: number
  /** Those that ask at once wait for one answer. */
  readonly keys: Promise<JSONWebKeySet>
}

const freshForMs = 300_000
const quietMs = 30_000
const mostIssuers = 1_000
const answerLimit = 262_144
const timeLimitMs = 5_000

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string().max(2_000) })
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })

const caches = new WeakMap<Hub, Map<string, Kept>>()

/**
 * Whether the issuer signed it. Asks the issuer, so it is called only for one that somebody here trusts. Throws `issuer_unreachable` where its
 * keys cannot be had.
 */
export async function isSignedByIssuer(hub: Hub, token: ReadIdToken): Promise<boolean> {
  const kept = keysOf(hub, token.issuer, freshForMs)
  if (await isSignedWith(hub, await kept.keys, token)) return true
  const again = keysOf(hub, token.issuer, quietMs)
  return again !== kept && (await isSignedWith(hub, await again.keys, token))
}

async function isSignedWith(hub: Hub, keys: JSONWebKeySet, token: ReadIdToken): Promise<boolean> {
  try {
    await jwtVerify(token.text, createLocalJWKSet(keys), {
      algorithms: [...algorithms],
      issuer: token.issuer,
      requiredClaims: ['exp', 'iat'],
      clockTolerance: skewSeconds,
      currentDate: new Date(hub.clock.now()),
    })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) return false
    throw error
  }
}

/** What was fetched within `maxAgeMs`, or is being fetched from now on. */
function keysOf(hub: Hub, issuer: string, maxAgeMs: number): Kept {
  const cache = caches.get(hub) ?? new Map<string, Kept>()
  caches.set(hub, cache)
  const now = hub.clock.now()
  const known = cache.get(issuer)
  if (known !== undefined && now - known.fetchedAt < maxAgeMs) return known
  const kept: Kept = { fetchedAt: now, keys: fetchKeys(hub, issuer) }
  // Whoever waits hears of a failure; it is not asked again before half a minute is over.
  kept.keys.catch(() => {
    if (cache.get(issuer) === kept) cache.set(issuer, { ...kept, fetchedAt: now - freshForMs + quietMs })
  })
  cache.delete(issuer)
  cache.set(issuer, kept)
  const [oldest] = cache.keys()
  if (cache.size > mostIssuers && oldest !== undefined) cache.delete(oldest)
  return kept
}

async function fetchKeys(hub: Hub, issuer: string): Promise<JSONWebKeySet> {
  try {
    const found = await fetchJson(hub, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, discovery)
    // Else whoever may put files on a host would speak for another issuer on it (OpenID Connect Discovery, 4.3).
    if (found.issuer !== issuer)
      throw new OutboundRefusal(`Its discovery document is of another issuer: ${found.issuer}`, {
        fault: 'wrong answer',
      })
    return (await fetchJson(hub, found.jwks_uri, keySet)) as JSONWebKeySet
  } catch (error) {
    if (!(error instanceof OutboundRefusal)) throw error
    hub.log.warn({ issuer, reason: error.reason }, 'The keys of an issuer of ID tokens could not be had')
    throw new HoldfastError('issuer_unreachable', { issuer }, { headers: { 'retry-after': '30' }, cause: error })
  }
}

async function fetchJson<S extends z.ZodType>(hub: Hub, url: string, schema: S): Promise<z.output<S>> {
  const { status, body } = await hub.outbound.send({
    url,
    headers: { accept: 'application/json' },
    sizeLimit: answerLimit,
    timeLimitMs,
  })
  if (status !== 200)
    throw new OutboundRefusal(`${new URL(url).host} answered with status ${status}.`, { fault: 'wrong answer' })
  const parsed = schema.safeParse(jsonOf(body, url))
  if (!parsed.success)
    throw new OutboundRefusal(`${new URL(url).host} answered with something else than was asked for.`, {
      fault: 'wrong answer',
    })
  return parsed.data
}

function jsonOf(body: string, url: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new OutboundRefusal(`${new URL(url).host} did not answer with JSON.`, { fault: 'wrong answer', cause: error })
  }
}
