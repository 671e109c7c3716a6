/** Changing a password, and getting a new one by a link. Either ends sessions; neither says whether an address is known here. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { passwordMaximum } from '../../domain/password.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { verifyPassword } from '../../platform/crypto/password.ts'
import { recordEvent } from '../audit/service.ts'
import { type Counted, countAttempt, endSessionsOf, forgiveAttempt } from '../sessions/service.ts'
import { hashNewPassword, parseEmail } from './create.ts'
import { countMail } from './emails.ts'
import { findOpenLink, useLink } from './links.ts'
import { enqueueMail } from './mail.ts'
import { deleteLinksOf, emailsOf, findUser, findUserIn, updateUser } from './queries.ts'

/**
 * Ends the other sessions. Throws `wrong_current_password`, `too_many_attempts` (a stolen session must not become a way to guess), or
 * `invalid_input` for a password that is not good.
 */
export async function changePassword(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  input: { readonly current: string; readonly password: string },
): Promise<void> {
  const { principal, credential } = allowed
  if (principal.kind !== 'user') throw new Error('A password belongs to a person.')
  await confirmPassword(hub, principal.id, input.current, 'current')
  const known = (await emailsOf(hub.db.read, principal.id)).map((email) => email.address)
  const passwordHash = await hashNewPassword(input.password, [principal.name, ...known])
  await hub.transaction(async (tx) => {
    await updateUser(tx, principal.id, { passwordHash, passwordChangedAt: hub.clock.now() })
    const ended = await endSessionsOf(tx, principal.id, credential?.kind === 'session' ? credential.id : null)
    await deleteLinksOf(tx, principal.id, 'reset-password')
    await enqueueMail(hub, tx, { kind: 'password-changed', userId: principal.id })
    await recordEvent(hub, tx, allowed, origin, {
      action: 'account.change_password',
      resource: { kind: 'user', id: principal.id, name: principal.name },
      ownerId: principal.id,
      data: { endedSessions: ended },
    })
  })
}

/** Checks the caller's own password, counted against guessing. Throws `wrong_current_password`. */
export async function confirmPassword(hub: Hub, userId: string, password: string, field: string): Promise<void> {
  const counted: Counted = { limit: 'password-check', about: userId }
  await countAttempt(hub, [counted])
  const user = await findUser(hub.db, userId)
  const isRight = password.length <= passwordMaximum && (await verifyPassword(user?.passwordHash ?? null, password))
  if (!isRight) throw new HoldfastError('wrong_current_password', { field })
  await forgiveAttempt(hub, [counted], [])
}

/**
 * Asks for a link by mail. Known and unknown addresses take the same way up to the job, which alone looks. Throws `invalid_input` and
 * `too_many_attempts`.
 */
export async function requestPasswordReset(
  hub: Hub,
  _allowed: Allowed<'account.recover'>,
  origin: Origin,
  address: string,
): Promise<void> {
  const email = parseEmail(address)
  await countMail(hub, origin, email)
  await hub.transaction((tx) => enqueueMail(hub, tx, { kind: 'reset-password', address: email }))
}

/** Whose password the link sets; null for a link that is spent. */
export async function ownerOfResetLink(hub: Hub, secret: string): Promise<string | null> {
  const link = await findOpenLink(hub, secret, ['reset-password'])
  const user = link?.userId == null ? null : await findUser(hub.db, link.userId)
  return user?.state === 'active' ? user.name : null
}

/** Sets the password, ends every session and every other link for one. Throws `link_invalid` or `invalid_input`. */
export async function resetPassword(
  hub: Hub,
  allowed: Allowed<'account.recover'>,
  origin: Origin,
  input: { readonly link: string; readonly password: string },
): Promise<void> {
  const open = await findOpenLink(hub, input.link, ['reset-password'])
  const owner = open?.userId == null ? null : await findUser(hub.db, open.userId)
  if (owner === null) throw new HoldfastError('link_invalid')
  const known = (await emailsOf(hub.db.read, owner.id)).map((email) => email.address)
  const passwordHash = await hashNewPassword(input.password, [owner.name, ...known])
  await hub.transaction(async (tx) => {
    const link = await useLink(hub, tx, input.link, ['reset-password'])
    const user = link.userId === null ? null : await findUserIn(tx, link.userId)
    if (user?.state !== 'active') throw new HoldfastError('link_invalid')
    await updateUser(tx, user.id, { passwordHash, passwordChangedAt: hub.clock.now() })
    const ended = await endSessionsOf(tx, user.id)
    await deleteLinksOf(tx, user.id, 'reset-password')
    await enqueueMail(hub, tx, { kind: 'password-changed', userId: user.id })
    await recordEvent(hub, tx, allowed, origin, {
      action: 'account.reset_password',
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: user.id,
      data: { endedSessions: ended },
    })
  })
}
