/**
 * Hop 2, first half: which credential does the request carry? Nothing is looked up here. A credential that is present is the one that
 * counts: a wrong token never falls back to being anonymous (AUTH-6), and a password is never taken over Basic (AUTH-3).
 */
import { HoldfastError } from '../domain/errors.ts'
import { checkedPart, isOwnToken, isTokenShaped, tokenPrefixes } from '../domain/token.ts'
import type { KeyRing } from '../platform/crypto/key-ring.ts'
import { hashSecret } from '../platform/crypto/secret.ts'
import type { HttpRequest } from './http-request.ts'
import type { Presented } from './presented.ts'
import { signedCredential } from './signed-address.ts'

const none: Presented = { kind: 'none' }

/** Throws `invalid_credentials` for what cannot be a credential, `two_credentials` and `token_in_query` for what must not be sent. */
export function presentedCredential(request: HttpRequest, keys: KeyRing): Presented {
  refuseStray(request)
  const header = request.header('authorization')?.trim() ?? ''
  if (header !== '') {
    const value = tokenIn(header)
    return value === '' ? none : { kind: 'token', hash: tokenHash(keys, value), isOurs: () => wasMadeHere(keys, value) }
  }
  const cookie = request.cookie('token')
  return cookie === null || cookie === '' ? none : { kind: 'session', hash: hashSecret(cookie) }
}

/** The authority of a route that takes signed addresses only; headers and cookies do not count there. */
export function presentedBySignature(request: HttpRequest, keys: KeyRing, now: number): Presented {
  return { kind: 'signed', ...signedCredential(request, keys, now) }
}

/** What stands in the database in place of a token. */
export function tokenHash(keys: KeyRing, value: string): string {
  return keys.mac('token-hash', value).toString('hex')
}

/** Whether its keyed checksum is of this hub, whatever became of the token. */
export function wasMadeHere(keys: KeyRing, value: string): boolean {
  return keys.macs('token-checksum', checkedPart(value)).some((digest) => isOwnToken(value, () => digest))
}

/** The value of the header; empty for an empty token, which is the same as none (UAT-20). */
function tokenIn(header: string): string {
  const space = header.indexOf(' ')
  const scheme = (space === -1 ? header : header.slice(0, space)).toLowerCase()
  const rest = space === -1 ? '' : header.slice(space + 1).trim()
  if (scheme === 'bearer') return checked(rest)
  if (scheme !== 'basic') throw new HoldfastError('invalid_credentials')
  const decoded = Buffer.from(rest, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon === -1) throw new HoldfastError('invalid_credentials')
  return checked(decoded.slice(colon + 1).trim())
}

/** Only what has the form of a token is ever compared: a password typed into git's prompt goes nowhere. */
function checked(value: string): string {
  if (value !== '' && !isTokenShaped(value)) throw new HoldfastError('invalid_credentials')
  return value
}

function refuseStray(request: HttpRequest): void {
  let seen = 0
  const raw = request.message.rawHeaders
  for (let i = 0; i < raw.length; i += 2) if (raw[i]?.toLowerCase() === 'authorization') seen++
  if (seen > 1) throw new HoldfastError('two_credentials')
  const url = request.message.url ?? ''
  if (tokenPrefixes.some((prefix) => url.includes(prefix))) {
    for (const [, value] of request.query) if (isTokenShaped(value.trim())) throw new HoldfastError('token_in_query')
  }
}
