/**
 * Tokens for the Xet endpoints: what a client shows there in place of its own credential, for an hour. One names a repo, a mode and a
 * revision, and carries no right of its own: at each use the credential that asked for it is looked up by its id, so a token of somebody
 * who signed out, refreshed the token or lost the repo opens nothing (AUTH-5).
 */
import { HoldfastError } from '../domain/errors.ts'
import type { Credential } from '../domain/facts.ts'
import type { KeyRing } from '../platform/crypto/key-ring.ts'
import type { HttpRequest } from './http-request.ts'
import { type SignedCredential, signingTime } from './presented.ts'

export type XetMode = 'read' | 'write'

/** What a token is for. */
export interface XetGrant {
  readonly repoId: string
  /** Whoever may write may read. */
  readonly mode: XetMode
  /** As the client asked for it. */
  readonly revision: string
}

interface TokenToMake extends XetGrant {
  readonly credential: Credential | null
  readonly now: number
  readonly expiresAt: number
}

const prefix = 'xet_'
type Payload = [repo: string, mode: XetMode, revision: string, credential: string, issued: number, expires: number]

export function makeXetToken(keys: KeyRing, token: TokenToMake): string {
  const { credential } = token
  const held = credential === null ? 'none' : `${credential.kind}.${credential.id}`
  const payload: Payload = [
    token.repoId,
    token.mode,
    token.revision,
    held,
    signingTime(credential, token.now),
    token.expiresAt,
  ]
  const text = Buffer.from(JSON.stringify(payload)).toString('base64url')
  return `${prefix}${text}.${keys.mac('xet-token', text).toString('base64url')}`
}

/** Throws `xet_token_invalid` for anything but a token that this hub made and that has not expired. */
export function xetTokenOf(
  request: HttpRequest,
  keys: KeyRing,
  now: number,
): { readonly grant: XetGrant; readonly signed: SignedCredential } {
  const [, text, mac] = /^bearer +xet_([\w-]{1,2000})\.([\w-]{43})$/i.exec(request.header('authorization') ?? '') ?? []
  if (text === undefined || mac === undefined || !keys.verify('xet-token', text, Buffer.from(mac, 'base64url'))) {
    throw invalid()
  }
  // Ours, so it has the form that was written above.
  const payload: Payload = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  const [repoId, mode, revision, held, issuedAt, expiresAt] = payload
  if (expiresAt <= now) throw invalid()
  const [kind, id] = held.split('.')
  const grant = { repoId, mode, revision }
  if ((kind !== 'token' && kind !== 'session') || id === undefined) {
    return { grant, signed: { credential: null, issuedAt } }
  }
  return { grant, signed: { credential: { kind, id }, issuedAt } }
}

function invalid(): HoldfastError {
  return new HoldfastError('xet_token_invalid', {}, { denied: { code: 'xet_token_invalid' } })
}
