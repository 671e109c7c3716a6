/** An application, and the rules of where its people may be sent back to. */
import { timingSafeEqual } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import type { OauthClientTable } from '../../platform/db/schema.ts'
import { type ScopeName, scopesOf } from './scopes.ts'

export interface Client {
  readonly id: string
  readonly ownerId: string | null
  readonly name: string
  /** Null: a public client. */
  readonly secretHash: string | null
  readonly secretLast4: string | null
  readonly redirectUris: readonly string[]
  readonly scopes: readonly ScopeName[]
  readonly takesDevices: boolean
  readonly createdAt: number
}

export function clientOf(row: OauthClientTable): Client {
  return {
    id: row.id,
    ownerId: row.ownerId,
    name: row.name,
    secretHash: row.secretHash,
    secretLast4: row.secretLast4,
    redirectUris: JSON.parse(row.redirectUris) as string[],
    scopes: scopesOf(row.scope),
    takesDevices: row.takesDevices === 1,
    createdAt: row.createdAt,
  }
}

export const mostRedirectUris = 10
const longestRedirectUri = 500

/**
 * An address that may be registered: https; http on this machine alone; or, of native applications, a scheme of their own, which has a dot
 * (RFC 8252, 7.1), so that it is never `javascript:` or `data:`. Throws `invalid_input`.
 */
export function parseRedirectUri(text: string): string {
  const refuse = (why: string): never => {
    throw new HoldfastError('invalid_input', { reason: `"${text.slice(0, 100)}" ${why}`, field: 'redirectUris' })
  }
  if (text.length > longestRedirectUri) refuse(`is longer than ${longestRedirectUri} characters.`)
  // What URL parsers forgive, they forgive differently.
  if (!/^[\x21-\x7e]+$/.test(text) || /["<>\\^`{|}*]/.test(text)) refuse('has characters that an address cannot have.')
  const url = URL.parse(text)
  if (url === null) return refuse('is no address.')
  if (text.includes('#')) refuse('has a fragment (#), which no redirect keeps.')
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?]*@/i.test(text)) refuse('carries a user name.')
  if (url.protocol === 'https:' || url.protocol === 'http:') {
    if (!/^https?:\/\/[^/]/i.test(text)) refuse('is no address.')
    if (url.protocol === 'http:' && !isLoopback(url.hostname) && url.hostname !== 'localhost') {
      refuse('is not encrypted. Use https; http is for this machine alone (127.0.0.1, [::1], localhost).')
    }
    return text
  }
  if (!/^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/.test(text)) {
    refuse('has a scheme that no application may have. Use https, or the reversed name of a domain of yours.')
  }
  return text
}

const isLoopback = (host: string) => host === '127.0.0.1' || host === '[::1]'

/**
 * Is `given` one of those that are registered, letter for letter? Of loopback addresses the port may be another, since a native application
 * takes whichever is free (RFC 8252, 7.3).
 */
export function isRegistered(registered: readonly string[], given: string): boolean {
  if (!/^[\x21-\x7e]{1,600}$/.test(given)) return false
  const withoutPort = loopbackWithoutPort(given)
  return registered.some((one) => one === given || (withoutPort !== null && loopbackWithoutPort(one) === withoutPort))
}

function loopbackWithoutPort(text: string): string | null {
  const match = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?((?:[/?].*)?)$/.exec(text)
  return match === null || text.includes('#') ? null : `${match[1]}${match[2]}`
}

/** Only what no other program on somebody's machine can be: such an application may be let through without a question (RFC 8252, 8.6). */
export function provesItself(client: Client, redirectUri: string): boolean {
  return client.secretHash !== null || redirectUri.startsWith('https://')
}

/** `client_id` and `client_secret` as they came: in the body, or as Basic credentials (RFC 6749, 2.3.1). */
export interface ClientProof {
  readonly id: string | null
  readonly secret: string | null
}

/** Throws `oauth_client_refused` where both ways are used at once, or the header is not readable. */
export function proofOf(
  authorization: string | null,
  body: { readonly client_id?: string | undefined; readonly client_secret?: string | undefined },
): ClientProof {
  const header = /^Basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(authorization ?? '')
  if (header?.[1] === undefined) return { id: body.client_id ?? null, secret: body.client_secret ?? null }
  const text = Buffer.from(header[1], 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon === -1 || body.client_secret !== undefined)
    throw refused('The application proves itself in two ways, or in none.')
  const id = decoded(text.slice(0, colon))
  if (body.client_id !== undefined && body.client_id !== id)
    throw refused('Header and body name different applications.')
  return { id, secret: decoded(text.slice(colon + 1)) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw refused('The credentials of the application are not encoded as a form.')
  }
}

/**
 * A client with a secret has to show it; a public one has none to show. Whoever names another client than `client` is refused as well.
 * Throws `oauth_client_refused`.
 */
export function requireProof(client: Client, proof: ClientProof): void {
  if (proof.id !== null && proof.id !== client.id) throw refused('This was given to another application.')
  if (client.secretHash === null) {
    if (proof.secret !== null && proof.secret !== '') throw refused('This application is public: it has no secret.')
    return
  }
  const given = Buffer.from(hashSecret(proof.secret ?? ''))
  const wanted = Buffer.from(client.secretHash)
  if (proof.id === null || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw refused('The application is unknown, or its secret is wrong.')
  }
}

function refused(reason: string): HoldfastError {
  return new HoldfastError(
    'oauth_client_refused',
    { reason },
    { headers: { 'www-authenticate': 'Basic realm="Holdfast"' } },
  )
}

export function unknownClient(): HoldfastError {
  return refused('The application is unknown, or its secret is wrong.')
}
