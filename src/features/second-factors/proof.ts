/**
 * Judging what somebody answers to prove who they are: a code of an app, a recovery code, a passkey. Judging and using are two steps: an
 * answer is judged outside of a transaction (it costs time), and used up in the one that writes what it allows, so that of two that send the
 * same answer one gets through.
 */
import { addressBucket } from '../../access/address-bucket.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { PasskeyTable } from '../../platform/db/schema.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { type Counted, countAttempt, forgiveAttempt } from '../sessions/service.ts'
import { spendChallenge } from './challenge.ts'
import { checkAnswer, type PasskeyAnswer, parsePasskeyAnswer } from './passkeys.ts'
import { advancePasskey, advanceTotp, countRecoveryCodes, findPasskey, findTotp, takeRecoveryCode } from './queries.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { stepOfCode } from './totp.ts'

export type FactorMethod = 'code' | 'recovery code' | 'passkey'

/** `value`: the code, or what the browser says of the passkey, as JSON. */
export interface FactorAnswer {
  readonly method: FactorMethod
  readonly value: string
}

/** An answer that is right, and not yet used up. */
export interface Proof {
  readonly method: FactorMethod
  /** In the transaction of what it allows. Throws where it was used up meanwhile. */
  use(tx: Tx): Promise<void>
  /** After it: the counters against guessing begin anew. */
  forgive(): Promise<void>
}

interface Person {
  readonly id: string
  readonly name: string
}

interface Asking {
  readonly allowed: Allowed<Action>
  readonly origin: Origin
  /** Of a passkey's challenge (challenge.ts). */
  readonly purpose: string
}

/**
 * Throws `wrong_code`, `passkey_refused` or `too_many_attempts`. What is wrong is written to the audit log: whoever comes this far knows the
 * password, or has a session.
 */
export async function judge(hub: Hub, asking: Asking, user: Person, answer: FactorAnswer): Promise<Proof> {
  return await recordingRefusal(hub, asking, user, answer.method, async () => {
    switch (answer.method) {
      case 'code':
        return await judgeCode(hub, user, answer.value)
      case 'recovery code':
        return await judgeRecoveryCode(hub, asking, user, answer.value)
      case 'passkey': {
        const parsed = parsePasskeyAnswer(answer.value)
        const passkey = await findPasskey(hub.db, parsed.id)
        if (passkey === null || passkey.userId !== user.id) throw new HoldfastError('passkey_refused')
        return await judgePasskey(hub, asking, passkey, parsed, false)
      }
    }
  })
}

/** Runs `use` and what else it stands for; a refusal in it (an answer that comes twice) is written to the audit log as well. */
export async function recordingRefusal<T>(
  hub: Hub,
  asking: Asking,
  user: Person,
  method: FactorMethod,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof HoldfastError && (error.code === 'wrong_code' || error.code === 'passkey_refused')) {
      await hub.transaction((tx) =>
        recordEvent(hub, tx, asking.allowed, asking.origin, {
          action: 'account.second_factor.refuse',
          resource: { kind: 'user', id: user.id, name: user.name },
          ownerId: user.id,
          data: { method },
        }),
      )
    }
    throw error
  }
}

async function judgeCode(hub: Hub, user: Person, code: string): Promise<Proof> {
  const counted: Counted = { limit: 'second-factor', about: user.id }
  await countAttempt(hub, [counted])
  const totp = await findTotp(hub.db.read, user.id, 'active')
  if (totp === null) throw new HoldfastError('wrong_code', { field: 'code' })
  const now = hub.clock.now()
  const step = stepOfCode(hub.keys.decrypt('totp-secret', totp.secret, user.id), code, now)
  if (step === null || step <= totp.lastStep) throw new HoldfastError('wrong_code', { field: 'code' })
  return {
    method: 'code',
    use: async (tx) => {
      if (!(await advanceTotp(tx, user.id, step, now))) throw new HoldfastError('wrong_code', { field: 'code' })
    },
    forgive: () => forgiveAttempt(hub, [counted], []),
  }
}

async function judgeRecoveryCode(hub: Hub, asking: Asking, user: Person, code: string): Promise<Proof> {
  const counted: Counted = { limit: 'recovery-code', about: user.id }
  await countAttempt(hub, [counted])
  const use = async (tx: Tx): Promise<void> => {
    if (!(await takeRecoveryCode(tx, user.id, hashRecoveryCode(code), hub.clock.now()))) {
      throw new HoldfastError('wrong_code', { field: 'recovery' })
    }
    const { left } = await countRecoveryCodes(tx, user.id)
    await enqueueMail(hub, tx, { kind: 'second-factor', userId: user.id, change: 'recovery-code-used' })
    await recordEvent(hub, tx, asking.allowed, asking.origin, {
      action: 'account.recovery_code.use',
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { left },
    })
  }
  return { method: 'recovery code', use, forgive: () => forgiveAttempt(hub, [counted], []) }
}

/** `alone`: see passkeys.ts. */
export async function judgePasskey(
  hub: Hub,
  asking: Asking,
  passkey: PasskeyTable,
  answer: PasskeyAnswer,
  alone: boolean,
): Promise<Proof> {
  // Nobody guesses a passkey; what is counted is the work of checking.
  const counted: Counted = { limit: 'sign-in-address', about: addressBucket(asking.origin.ip) }
  await countAttempt(hub, [counted])
  const use = await checkAnswer(hub, asking.purpose, passkey, answer, alone)
  return {
    method: 'passkey',
    use: async (tx) => {
      const change = { counter: use.counter, isBackedUp: use.isBackedUp, now: hub.clock.now() }
      if (!(await spendChallenge(tx, use.challenge))) throw new HoldfastError('passkey_refused')
      if (!(await advancePasskey(tx, passkey.id, change))) throw new HoldfastError('passkey_refused')
    },
    forgive: () => forgiveAttempt(hub, [], [counted]),
  }
}
