/**
 * The second half of signing in. After the right password of an account with a second factor there is no session yet, but a sign-in that
 * waits: a random cookie of which only the hash is kept, for five minutes, five attempts and one use.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import { type CompanyMethod, holdUser, type SignInMethod, startSession } from '../sessions/service.ts'
import { parsePasskeyAnswer, requestOptions } from './passkeys.ts'
import { type FactorAnswer, type FactorMethod, judge, judgePasskey, recordingRefusal } from './proof.ts'
import {
  countPendingAttempt,
  countRecoveryCodes,
  deleteExpired,
  findPasskey,
  findPending,
  findPerson,
  findTotp,
  insertPending,
  passkeysOf,
  takePending,
} from './queries.ts'

const lifetimeMs = 5 * 60_000
const mostAttempts = 5

const cookieName = 'sign-in'

/**
 * Strict: it is sent only from page to page of this hub. Lax after the way back from a company's provider: to the browser all of that way, the page
 * of the second step too, was begun elsewhere.
 */
export function pendingCookie(hub: Hub, value: string, sameSite: 'Strict' | 'Lax' = 'Strict'): string {
  return `${cookieName}=${value}; Path=/login; Max-Age=${lifetimeMs / 1_000}; ${attributes(hub, sameSite)}`
}

export function endedPendingCookie(hub: Hub): string {
  return `${cookieName}=; Path=/login; Max-Age=0; ${attributes(hub)}`
}

function attributes(hub: Hub, sameSite: 'Strict' | 'Lax' = 'Strict'): string {
  return `HttpOnly; SameSite=${sameSite}${hub.config.isHttps ? '; Secure' : ''}`
}

/** The value of the pending cookie of a request; empty for none. */
export function presentedPending(request: { cookie(name: string): string | null }): string {
  return request.cookie(cookieName) ?? ''
}

/** After the right password, or the word of the company's provider: the value of the cookie. */
export async function beginSecondStep(
  hub: Hub,
  user: { readonly id: string; readonly passwordChangedAt: number | null },
  begunBy: 'password' | 'company' = 'password',
): Promise<string> {
  const value = newSecret()
  await hub.transaction((tx) =>
    insertPending(tx, {
      tokenHash: hashSecret(value),
      userId: user.id,
      passwordChangedAt: user.passwordChangedAt,
      attempts: 0,
      expiresAt: hub.clock.now() + lifetimeMs,
      begunBy,
    }),
  )
  return value
}

export interface SecondStep {
  readonly name: string
  readonly hasApp: boolean
  readonly hasPasskeys: boolean
  readonly recoveryCodesLeft: number
}

/** Who is asked for what. Null where no sign-in waits under this cookie. */
export async function readSecondStep(hub: Hub, cookie: string): Promise<SecondStep | null> {
  const pending = await findPending(hub.db, hashSecret(cookie), hub.clock.now())
  const user = pending === null ? null : await findPerson(hub.db.read, pending.userId)
  if (user === null) return null
  const [app, passkeys, codes] = await Promise.all([
    findTotp(hub.db.read, user.id, 'active'),
    passkeysOf(hub.db.read, user.id),
    countRecoveryCodes(hub.db.read, user.id),
  ])
  return { name: user.name, hasApp: app !== null, hasPasskeys: passkeys.length > 0, recoveryCodesLeft: codes.left }
}

/** For the browser's passkey dialog. Throws `sign_in_expired`. */
export async function secondStepOptions(hub: Hub, cookie: string): Promise<object> {
  const tokenHash = hashSecret(cookie)
  const pending = await findPending(hub.db, tokenHash, hub.clock.now())
  if (pending === null) throw new HoldfastError('sign_in_expired')
  return await requestOptions(hub, secondStepPurpose(tokenHash), await passkeysOf(hub.db.read, pending.userId))
}

const methods = {
  code: 'password and code',
  'recovery code': 'password and recovery code',
  passkey: 'password and passkey',
} as const satisfies Record<FactorMethod, SignInMethod>

const companyMethods = {
  code: 'company and code',
  'recovery code': 'company and recovery code',
  passkey: 'company and passkey',
} as const satisfies Record<FactorMethod, CompanyMethod>

/**
 * Starts the session. `codesLeft` after a recovery code. Throws `sign_in_expired`, `wrong_code`, `passkey_refused`, `too_many_attempts`,
 * `account_deactivated`.
 */
export async function finishSignIn(
  hub: Hub,
  allowed: Allowed<'session.create'>,
  origin: Origin,
  cookie: string,
  answer: FactorAnswer,
): Promise<{ cookie: string; codesLeft: number | null }> {
  const tokenHash = hashSecret(cookie)
  // Counted before it is judged, so that parallel guesses queue up.
  const pending = await hub.transaction((tx) => countPendingAttempt(tx, tokenHash, hub.clock.now(), mostAttempts))
  const user = pending === null ? null : await findPerson(hub.db.read, pending.userId)
  if (pending === null || user === null) throw new HoldfastError('sign_in_expired')
  const asking = { allowed, origin, purpose: secondStepPurpose(tokenHash) }
  const proof = await judge(hub, asking, user, answer)
  const made = await recordingRefusal(hub, asking, user, answer.method, () =>
    hub.transaction(async (tx) => {
      const current = await holdUser(tx, user.id)
      // A password that was changed since is no proof any more, and neither is a sign-in that was finished.
      const isSame = current !== null && current.passwordChangedAt === pending.passwordChangedAt
      if (!isSame || !(await takePending(tx, tokenHash))) throw new HoldfastError('sign_in_expired')
      await proof.use(tx)
      const person = { ...user, passwordHash: current.passwordHash }
      const method = (pending.begunBy === 'company' ? companyMethods : methods)[proof.method]
      const session = await startSession(hub, tx, allowed, origin, person, method)
      const codesLeft = proof.method === 'recovery code' ? (await countRecoveryCodes(tx, user.id)).left : null
      return { cookie: session, codesLeft }
    }),
  )
  await proof.forgive()
  return made
}

/** For a sign-in with nothing but a passkey. */
export async function passkeySignInOptions(hub: Hub): Promise<object> {
  return await requestOptions(hub, 'sign in', null)
}

/** Signs in who holds the passkey and proved it to the authenticator. Throws `passkey_refused`, `account_deactivated`, `too_many_attempts`. */
export async function signInWithPasskey(
  hub: Hub,
  allowed: Allowed<'session.create'>,
  origin: Origin,
  response: string,
): Promise<string> {
  const answer = parsePasskeyAnswer(response)
  const passkey = await findPasskey(hub.db, answer.id)
  const user = passkey === null ? null : await findPerson(hub.db.read, passkey.userId)
  const handle = Buffer.from(answer.response.userHandle ?? '', 'base64url').toString('utf8')
  if (passkey === null || user === null || handle !== user.id) throw new HoldfastError('passkey_refused')
  const asking = { allowed, origin, purpose: 'sign in' }
  return await recordingRefusal(hub, asking, user, 'passkey', async () => {
    const proof = await judgePasskey(hub, asking, passkey, answer, true)
    const cookie = await hub.transaction(async (tx) => {
      const current = await holdUser(tx, user.id)
      await proof.use(tx)
      const person = { ...user, passwordHash: current?.passwordHash ?? null }
      return await startSession(hub, tx, allowed, origin, person, 'passkey')
    })
    await proof.forgive()
    return cookie
  })
}

/** Part of the hourly cleaning: sign-ins that nobody finished, and challenges that could not be answered again anyway. */
export async function cleanSecondFactors(hub: Hub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await hub.transaction((tx) => deleteExpired(tx, hub.clock.now(), 1_000))));
}

function secondStepPurpose(tokenHash: string): string {
  return `second step ${tokenHash}`
}
