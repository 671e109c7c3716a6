/**
 * A sign-in on its way through the provider. What it began with lies in a cookie of the browser that began it, with an end and an HMAC, so that
 * beginning writes nothing; only finishing writes: its state is spent then, and no second answer counts.
 */

import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import { insertSpentChallenge } from '../second-factors/service.ts'

export const attemptLifetimeMs = 10 * 60_000

export type Purpose = 'sign-in' | 'connect' | 'confirm'

export interface Attempt {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly purpose: Purpose
  /** The session that began it, for what changes an account. */
  readonly session: string | null
  /** A path on this hub. */
  readonly next: string
  readonly endsAt: number
}

const cookieName = 'company-sign-in'

export function newAttempt(hub: Hub, begun: Pick<Attempt, 'purpose' | 'session' | 'next'>): Attempt {
  const endsAt = hub.clock.now() + attemptLifetimeMs
  return { ...begun, state: newSecret(), nonce: newSecret(), verifier: newSecret(), endsAt }
}

/** Lax: the way back begins at the provider. */
export function attemptCookie(hub: Hub, attempt: Attempt): string {
  const text = Buffer.from(JSON.stringify(attempt)).toString('base64url')
  const value = `${text}.${hub.keys.mac('company-sign-in', text).toString('base64url')}`
  return `${cookieName}=${value}; Max-Age=${attemptLifetimeMs / 1_000}; ${attributes(hub)}`
}

export function endedAttemptCookie(hub: Hub): string {
  return `${cookieName}=; Max-Age=0; ${attributes(hub)}`
}

function attributes(hub: Hub): string {
  return `Path=/login/company; HttpOnly; SameSite=Lax${hub.config.isHttps ? '; Secure' : ''}`
}

/** What this browser began with this `state`. Throws `company_sign_in_lost`. Use `spendAttempt` before anything is done with it. */
export function readAttempt(hub: Hub, cookie: string | null, state: string): Attempt {
  const [text = '', mac = '', ...rest] = (cookie ?? '').split('.')
  const isOurs = rest.length === 0 && hub.keys.verify('company-sign-in', text, Buffer.from(mac, 'base64url'))
  if (!isOurs) throw new HoldfastError('company_sign_in_lost')
  // This hub wrote it: its HMAC is right.
  const attempt = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Attempt
  if (hashSecret(attempt.state) !== hashSecret(state) || attempt.endsAt <= hub.clock.now()) {
    throw new HoldfastError('company_sign_in_lost')
  }
  return attempt
}

export function presentedAttempt(request: { cookie(name: string): string | null }): string | null {
  return request.cookie(cookieName)
}

/** Throws `company_sign_in_lost` where it was finished before: of two answers that come at once, one counts. */
export async function spendAttempt(hub: Hub, attempt: Attempt): Promise<void> {
  const hash = hashSecret(`company-sign-in ${attempt.state}`)
  const isFirst = await hub.transaction((tx) => insertSpentChallenge(tx, hash, attempt.endsAt))
  if (!isFirst) throw new HoldfastError('company_sign_in_lost')
}
