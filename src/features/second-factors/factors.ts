/**
 * Adding and taking away second factors. `user.secondFactorAt` is kept in step in the same transaction: it is null exactly where there is
 * neither an app nor a passkey. Recovery codes alone are no factor, and go with the last one.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueueMail, type FactorChange, getUserByName } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { type Counted, countAttempt, endSessionsOf, forgiveAttempt, holdUser } from '../sessions/service.ts'
import { spendChallenge } from './challenge.ts'
import { checkCreation, creationOptions, mostPasskeys, passkeysWork } from './passkeys.ts'
import {
  countRecoveryCodes,
  deletePasskey,
  deletePasskeys,
  deleteTotp,
  findPerson,
  findTotp,
  insertPasskey,
  organizationsThatAsk,
  passkeysOf,
  putRecoveryCodes,
  putTotp,
  setSecondFactorAt,
  takePendingTotp,
} from './queries.ts'
import { makeRecoveryCodes } from './recovery-codes.ts'
import { newTotpSecret, stepOfCode, totpAddress } from './totp.ts'

type Updating = Allowed<'account.second_factor.update'>
type Own = Allowed<'account.second_factor.read' | 'account.second_factor.update'>

const setupLifetimeMs = 15 * 60_000

export interface Passkey {
  readonly id: string
  readonly name: string
  readonly isBackedUp: boolean
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

export interface SecondFactors {
  readonly app: { readonly createdAt: number; readonly lastUsedAt: number | null } | null
  readonly passkeys: readonly Passkey[]
  readonly recoveryCodes: { readonly left: number; readonly all: number }
  /** Whether browsers allow passkeys at the address of this hub. */
  readonly passkeysWork: boolean
  /** Organizations of this person that ask for a second factor. */
  readonly askedForBy: readonly string[]
}

export async function listSecondFactors(hub: Hub, allowed: Own): Promise<SecondFactors> {
  const { id } = person(allowed)
  const [app, passkeys, recoveryCodes, askedForBy] = await Promise.all([
    findTotp(hub.db.read, id, 'active'),
    passkeysOf(hub.db.read, id),
    countRecoveryCodes(hub.db.read, id),
    organizationsThatAsk(hub.db, id),
  ])
  return {
    app: app === null ? null : { createdAt: app.createdAt, lastUsedAt: app.lastUsedAt },
    passkeys: passkeys.map((row) => ({
      id: row.id,
      name: row.name,
      isBackedUp: row.isBackedUp === 1,
      createdAt: row.createdAt,
      lastUsedAt: row.lastUsedAt,
    })),
    recoveryCodes,
    passkeysWork: passkeysWork(hub),
    askedForBy,
  }
}

/** New recovery codes, which are kept nowhere; null where the ones of before stay. */
export type CodesOnce = readonly string[] | null

// Authenticator app

/** A new secret that waits for its first code. What is in use stays in use until then. */
export async function beginApp(hub: Hub, allowed: Updating): Promise<void> {
  const { id } = person(allowed)
  const secret = hub.keys.encrypt('totp-secret', newTotpSecret(), id)
  await hub.transaction((tx) =>
    putTotp(tx, { userId: id, state: 'pending', secret, createdAt: hub.clock.now(), lastStep: 0, lastUsedAt: null }),
  )
}

/** The secret that waits, and the address that its QR code holds. Throws `totp_setup_expired`. */
export async function readAppSetup(hub: Hub, allowed: Updating): Promise<{ secret: string; address: string }> {
  const { id, name } = person(allowed)
  const { secret } = await waitingApp(hub, id)
  return { secret, address: totpAddress(secret, hub.config.instanceName, name) }
}

/** The first code proves that the app has the secret. An app of before stops working. Throws `wrong_code`, `totp_setup_expired`. */
export async function finishApp(hub: Hub, allowed: Updating, origin: Origin, code: string): Promise<CodesOnce> {
  const user = person(allowed)
  const counted: Counted = { limit: 'second-factor', about: user.id }
  await countAttempt(hub, [counted])
  const { row, secret } = await waitingApp(hub, user.id)
  const now = hub.clock.now()
  const step = stepOfCode(secret, code, now)
  if (step === null) throw new HoldfastError('wrong_code', { field: 'code' })
  const codes = await hub.transaction(async (tx) => {
    const held = await holdUser(tx, user.id)
    if (!(await takePendingTotp(tx, user.id, row.secret))) throw new HoldfastError('totp_setup_expired')
    // The code of the setup is used up by it.
    await putTotp(tx, { ...row, state: 'active', createdAt: now, lastStep: step })
    return await added(hub, tx, allowed, origin, held?.secondFactorAt ?? null, { method: 'app' })
  })
  await forgiveAttempt(hub, [counted], [])
  return codes
}

/** Throws `second_factor_not_found`. */
export async function removeApp(hub: Hub, allowed: Updating, origin: Origin): Promise<void> {
  const user = person(allowed)
  await hub.transaction(async (tx) => {
    await holdUser(tx, user.id)
    if (!(await deleteTotp(tx, user.id))) throw new HoldfastError('second_factor_not_found')
    await removed(hub, tx, allowed, origin, { method: 'app' })
  })
}

async function waitingApp(hub: Hub, userId: string) {
  const row = await findTotp(hub.db.read, userId, 'pending')
  if (row === null || row.createdAt + setupLifetimeMs <= hub.clock.now()) throw new HoldfastError('totp_setup_expired')
  return { row, secret: hub.keys.decrypt('totp-secret', row.secret, userId) }
}

// Passkeys

/** For the browser's dialog. Throws `too_many_passkeys`, `passkeys_unavailable`. */
export async function newPasskeyOptions(hub: Hub, allowed: Updating): Promise<object> {
  const { id } = person(allowed)
  const known = await passkeysOf(hub.db.read, id)
  if (known.length >= mostPasskeys) throw new HoldfastError('too_many_passkeys', { most: mostPasskeys })
  const user = await findPerson(hub.db.read, id)
  if (user === null) throw new HoldfastError('unauthenticated')
  return await creationOptions(hub, purposeOf(allowed), user, known)
}

/** Throws `passkey_refused`, `invalid_input`, `too_many_passkeys`. */
export async function addPasskey(
  hub: Hub,
  allowed: Updating,
  origin: Origin,
  input: { readonly name: string; readonly response: string },
): Promise<CodesOnce> {
  const user = person(allowed)
  const name = passkeyName(input.name)
  const { challenge, ...made } = await checkCreation(hub, purposeOf(allowed), input.response)
  const id = hub.clock.id()
  const createdAt = hub.clock.now()
  return await hub.transaction(async (tx) => {
    const held = await holdUser(tx, user.id)
    if ((await passkeysOf(tx, user.id)).length >= mostPasskeys) {
      throw new HoldfastError('too_many_passkeys', { most: mostPasskeys })
    }
    if (!(await spendChallenge(tx, challenge))) throw new HoldfastError('passkey_refused')
    const row = { ...made, id, userId: user.id, name, createdAt, lastUsedAt: null }
    if (!(await insertPasskey(tx, row))) throw new HoldfastError('passkey_refused')
    return await added(hub, tx, allowed, origin, held?.secondFactorAt ?? null, { method: 'passkey', id, name })
  })
}

/** Throws `second_factor_not_found` for one that is not one's own. */
export async function removePasskey(hub: Hub, allowed: Updating, origin: Origin, id: string): Promise<void> {
  const user = person(allowed)
  await hub.transaction(async (tx) => {
    await holdUser(tx, user.id)
    const name = await deletePasskey(tx, user.id, id)
    if (name === null) throw new HoldfastError('second_factor_not_found')
    await removed(hub, tx, allowed, origin, { method: 'passkey', id, name })
  })
}

// Recovery codes

/** The ones of before stop working. Throws `second_factor_not_found` where there is no factor that they could stand in for. */
export async function renewRecoveryCodes(hub: Hub, allowed: Updating, origin: Origin): Promise<readonly string[]> {
  const user = person(allowed)
  return await hub.transaction(async (tx) => {
    if ((await holdUser(tx, user.id))?.secondFactorAt == null) throw new HoldfastError('second_factor_not_found')
    const codes = await makeRecoveryCodes(hub, tx, user.id)
    await tell(hub, tx, user.id, 'recovery-codes-made')
    await recordEvent(hub, tx, allowed, origin, {
      action: 'account.recovery_code.create',
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { codes: codes.length },
    })
    return codes
  })
}

// For somebody who is locked out

/** Takes everything away and ends the sessions. Returns whether there was a factor. Throws `user_not_found`. */
export async function resetSecondFactors(
  hub: Hub,
  allowed: Allowed<'user.reset_second_factor'>,
  origin: Origin,
  name: string,
): Promise<boolean> {
  const user = await getUserByName(hub, name)
  return await hub.transaction(async (tx) => {
    const held = await holdUser(tx, user.id)
    if (held?.secondFactorAt == null) return false
    const hadApp = await deleteTotp(tx, user.id)
    const passkeys = await deletePasskeys(tx, user.id)
    await putRecoveryCodes(tx, user.id, [])
    await setSecondFactorAt(tx, user.id, null)
    const ended = await endSessionsOf(tx, user.id)
    await tell(hub, tx, user.id, 'reset')
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { app: hadApp, passkeys, endedSessions: ended },
    })
    return true
  })
}

// Keeping in step

interface Factor {
  readonly [key: string]: string
  readonly method: 'app' | 'passkey'
}

/** With the first factor the other sessions end: they were begun with a password alone. */
async function added(
  hub: Hub,
  tx: Tx,
  allowed: Updating,
  origin: Origin,
  since: number | null,
  factor: Factor,
): Promise<CodesOnce> {
  const user = person(allowed)
  let codes: CodesOnce = null
  let ended = 0
  if (since === null) {
    await setSecondFactorAt(tx, user.id, hub.clock.now())
    ended = await endSessionsOf(tx, user.id, allowed.credential?.id ?? null)
    codes = await makeRecoveryCodes(hub, tx, user.id)
  }
  await tell(hub, tx, user.id, `${factor.method}-added`)
  await recordEvent(hub, tx, allowed, origin, {
    action: 'account.second_factor.add',
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data: { ...factor, first: since === null, endedSessions: ended },
  })
  return codes
}

async function removed(hub: Hub, tx: Tx, allowed: Updating, origin: Origin, factor: Factor): Promise<void> {
  const user = person(allowed)
  const isLast = (await findTotp(tx, user.id, 'active')) === null && (await passkeysOf(tx, user.id)).length === 0
  if (isLast) {
    await setSecondFactorAt(tx, user.id, null)
    await putRecoveryCodes(tx, user.id, [])
  }
  await tell(hub, tx, user.id, `${factor.method}-removed`)
  await recordEvent(hub, tx, allowed, origin, {
    action: 'account.second_factor.remove',
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data: { ...factor, last: isLast },
  })
}

async function tell(hub: Hub, tx: Tx, userId: string, change: FactorChange): Promise<void> {
  await enqueueMail(hub, tx, { kind: 'second-factor', userId, change })
}

function passkeyName(typed: string): string {
  const name = typed.trim().replace(/\s+/g, ' ')
  if (name === '' || name.length > 60 || /\p{Cc}/u.test(name)) {
    throw new HoldfastError('invalid_input', { reason: 'A name has 1 to 60 characters.', field: 'name' })
  }
  return name
}

/** Another session, of the same person even, cannot use the answer. */
function purposeOf(allowed: Updating): string {
  return `add passkey ${allowed.credential?.id ?? ''}`
}

function person(allowed: Own): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('Second factors belong to a person.')
  return allowed.principal
}
