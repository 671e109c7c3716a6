/** What other features may ask of accounts. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { findUser, updateUser } from './queries.ts'

export {
  activateUser,
  deactivateUser,
  getUserByName,
  listAccounts,
  makePendingLinks,
  makeResetLink,
  makeVerificationLinks,
  setAdmin,
} from './administer.ts'
export { cleanAccounts, scheduleCleaning } from './clean-up.ts'
export { createCompanyUser, createUser, ensureSetupLink, inviteSomebody } from './create.ts'
export { requireVerifiedEmail } from './emails.ts'
export { enqueueMail, type FactorChange, reach, sendMail } from './mail.ts'
export { changePassword, confirmPassword } from './password.ts'
export { tokenMailIsOn, tokenMailOffPath } from './token-mail.ts'

/** Throws `invalid_input` for a name that is too long. */
export async function updateProfile(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  input: { readonly fullname: string },
): Promise<void> {
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('A profile belongs to a person.')
  const fullname = input.fullname.trim().replace(/\s+/g, ' ') || null
  if (fullname !== null && (fullname.length > 100 || /\p{Cc}/u.test(fullname))) {
    throw new HoldfastError('invalid_input', { reason: 'A full name has at most 100 characters.', field: 'fullname' })
  }
  await hub.transaction(async (tx) => {
    await updateUser(tx, principal.id, { fullname })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id: principal.id, name: principal.name },
      ownerId: principal.id,
      data: { fullname: fullname ?? '' },
    })
  })
}

/** When the password was last changed; null where there is none yet. */
export async function passwordChangedAt(hub: Hub, userId: string): Promise<number | null> {
  return (await findUser(hub.db, userId))?.passwordChangedAt ?? null
}
