/**
 * An ID token as somebody sent it, read without being trusted: whom it claims to be of, and whether it could hold at all. What is said here of a
 * wrong one depends on the token alone, so that it tells nothing about whom this hub trusts.
 */
import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { HoldfastError } from '../../domain/errors.ts'

/** Signatures with a public key alone: whoever can check one can make none. */
export const algorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** Seconds by which clocks may differ. */
export const skewSeconds = 60
const oldestSeconds = 86_400
export const tokenLimit = 16_384

export interface ReadIdToken {
  /** As it came. */
  readonly text: string
  readonly issuer: string
  /** The one audience that it is for; null where it is for several, and so for none of them alone. */
  readonly audience: string | null
  readonly claims: Readonly<Record<string, unknown>>
  /** Seconds. */
  readonly expiresAt: number
  /** By which it is known again. */
  readonly hashes: readonly string[]
}

/** `now`: ms. Throws `id_token_invalid`. */
export function readIdToken(text: string, now: number): ReadIdToken {
  if (text.length > tokenLimit) throw invalid(`it is longer than ${tokenLimit} characters`)
  const { header, claims } = parts(text)
  if (typeof header.alg !== 'string' || !algorithms.includes(header.alg)) {
    throw invalid(`it is signed with "${shown(header.alg)}", and this hub takes ${algorithms.join(', ')}`)
  }
  const { iss, aud, exp, iat, nbf, jti } = claims
  if (typeof iss !== 'string' || iss === '') throw invalid('it has no issuer (iss)')
  const seconds = now / 1000
  if (!isTime(exp)) throw invalid('it does not say when it expires (exp)')
  if (!isTime(iat)) throw invalid('it does not say when it was issued (iat)')
  if (exp <= seconds - skewSeconds)
    throw invalid(`it expired at ${new Date(exp * 1000).toISOString()}: ask for a new one`)
  if (iat > seconds + skewSeconds) throw invalid('it was issued in the future: compare the clocks')
  if (iat < seconds - oldestSeconds) throw invalid('it was issued more than a day ago: ask for a new one')
  if (nbf !== undefined && (!isTime(nbf) || nbf > seconds + skewSeconds)) {
    throw invalid('it is not valid yet (nbf): compare the clocks')
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const [audience] = audiences
  return {
    text,
    issuer: iss,
    audience: audiences.length === 1 && typeof audience === 'string' ? audience : null,
    claims,
    expiresAt: exp,
    hashes: [
      // Without the signature, which some algorithms let anybody rewrite into another that holds.
      sha256(`signed ${text.slice(0, text.lastIndexOf('.'))}`),
      ...(typeof jti === 'string' && jti !== '' ? [sha256(`jti ${JSON.stringify([iss, jti])}`)] : []),
    ],
  }
}

function parts(text: string): { header: { alg?: unknown }; claims: Record<string, unknown> } {
  try {
    return { header: decodeProtectedHeader(text), claims: decodeJwt(text) }
  } catch {
    // Whatever is wrong with it, it is no JWT; jose's words would quote it.
    throw invalid('it is no signed JWT of three parts')
  }
}

/** JSON knows larger numbers than dates. */
const isTime = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 1e11

const shown = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 20) : 'nothing')

export function invalid(reason: string): HoldfastError {
  return new HoldfastError('id_token_invalid', { reason })
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
