/** Confirming who one is in a session that is older: sensitive actions ask for it. With a second factor only that counts, without one the password. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { confirmPassword } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { refreshSession } from '../sessions/service.ts'
import { requestOptions } from './passkeys.ts'
import { type FactorAnswer, judge, type Proof, recordingRefusal } from './proof.ts'
import { findPerson, findTotp, hasCompanyIdentity, passkeysOf } from './queries.ts'

export interface Ways {
  readonly name: string
  readonly password: boolean
  readonly app: boolean
  readonly passkey: boolean
  /** Through the company's provider, by its name: with a second factor of this hub it is not enough. */
  readonly company: string | null
}

/** What this person confirms with. */
export async function waysToConfirm(hub: Hub, allowed: Allowed<'session.refresh'>): Promise<Ways> {
  const { id, name } = person(allowed)
  const { company } = hub.config
  const [app, passkeys, user, isConnected] = await Promise.all([
    findTotp(hub.db.read, id, 'active'),
    passkeysOf(hub.db.read, id),
    findPerson(hub.db.read, id),
    company === null ? false : hasCompanyIdentity(hub.db, id),
  ])
  const hasFactor = app !== null || passkeys.length > 0
  return {
    name,
    password: !hasFactor && (user?.passwordHash != null || !isConnected),
    app: app !== null,
    passkey: passkeys.length > 0,
    company: !hasFactor && company !== null && isConnected ? company.name : null,
  }
}

/** For the browser's passkey dialog. */
export async function confirmOptions(hub: Hub, allowed: Allowed<'session.refresh'>): Promise<object> {
  return await requestOptions(hub, purposeOf(allowed), await passkeysOf(hub.db.read, person(allowed).id))
}

export type Confirmation = FactorAnswer | { readonly method: 'password'; readonly value: string }

/**
 * The session counts as begun just now. Throws `wrong_current_password` (also for the right one where the account has a second factor: who
 * stole a session and knows the password must not get further), `wrong_code`, `passkey_refused`, `too_many_attempts`.
 */
export async function confirmIdentity(
  hub: Hub,
  allowed: Allowed<'session.refresh'>,
  origin: Origin,
  answer: Confirmation,
): Promise<void> {
  const user = person(allowed)
  if (answer.method === 'password') {
    const { password } = await waysToConfirm(hub, allowed)
    if (!password) throw new HoldfastError('wrong_current_password', { field: 'password' })
    await confirmPassword(hub, user.id, answer.value, 'password')
    await refresh(hub, allowed, origin, user, null)
    return
  }
  const asking = { allowed, origin, purpose: purposeOf(allowed) }
  const proof = await judge(hub, asking, user, answer)
  await recordingRefusal(hub, asking, user, answer.method, () => refresh(hub, allowed, origin, user, proof))
  await proof.forgive()
}

async function refresh(
  hub: Hub,
  allowed: Allowed<'session.refresh'>,
  origin: Origin,
  user: { readonly id: string; readonly name: string },
  proof: Proof | null,
): Promise<void> {
  await hub.transaction(async (tx) => {
    if (proof !== null) await proof.use(tx)
    else if ((await findPerson(tx, user.id))?.secondFactorAt !== null) {
      throw new HoldfastError('wrong_current_password', { field: 'password' })
    }
    await refreshSession(hub, tx, allowed)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { method: proof?.method ?? 'password' },
    })
  })
}

/** Another session, of the same person even, cannot use the answer. */
function purposeOf(allowed: Allowed<'session.refresh'>): string {
  return `confirm ${allowed.credential?.id ?? ''}`
}

function person(allowed: Allowed<'session.refresh'>): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('Only a person confirms who they are.')
  return allowed.principal
}
