/** One's e-mail addresses. Anybody may claim an address; it counts only once the link that was sent there was opened, and for one account. */
import { addressBucket } from '../../access/address-bucket.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { emailKey } from '../../domain/names.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import type { EmailTable } from '../../platform/db/schema.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { recordEvent } from '../audit/service.ts'
import { countAttempt } from '../sessions/service.ts'
import { parseEmail } from './create.ts'
import { findOpenLink, useLink } from './links.ts'
import { enqueueMail } from './mail.ts'
import {
  deleteEmail,
  emailsOf,
  findEmail,
  findUserIn,
  findVerifiedEmail,
  insertEmail,
  makeEmailPrimary,
  verifyEmailRow,
} from './queries.ts'

const mostAddresses = 10

/** Adds an address and mails the link that verifies it. Throws `invalid_input` or `email_taken` (by oneself only). */
export async function addEmail(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  address: string,
): Promise<void> {
  const user = person(allowed)
  const email = parseEmail(address)
  await countMail(hub, origin, email)
  const id = hub.clock.id()
  await hub.transaction(async (tx) => {
    if ((await emailsOf(tx, user.id)).length >= mostAddresses) {
      throw new HoldfastError('invalid_input', {
        reason: `An account has at most ${mostAddresses} addresses.`,
        field: 'email',
      })
    }
    const isNew = await insertEmail(tx, {
      id,
      userId: user.id,
      address: email,
      addressKey: emailKey(email),
      verifiedAt: null,
      isPrimary: 0,
      createdAt: hub.clock.now(),
    })
    if (!isNew) throw new HoldfastError('invalid_input', { reason: 'You have this address already.', field: 'email' })
    await enqueueMail(hub, tx, { kind: 'verify-email', emailId: id })
    await record(hub, tx, allowed, origin, user, { added: email })
  })
}

/** Mails a new link. The old one stops working when it is sent. */
export async function resendVerification(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const user = person(allowed)
  const email = await findEmail(hub.db.read, id)
  if (email?.userId !== user.id) throw new HoldfastError('not_found')
  if (email.verifiedAt !== null) return
  await countMail(hub, origin, email.address)
  await hub.transaction((tx) => enqueueMail(hub, tx, { kind: 'verify-email', emailId: id }))
}

/** Throws `invalid_input` for an address that is not verified. */
export async function makePrimary(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const user = person(allowed)
  await hub.transaction(async (tx) => {
    const email = await getOwn(tx, user.id, id)
    if (email.verifiedAt === null) throw new HoldfastError('invalid_input', { reason: 'Verify this address first.' })
    await makeEmailPrimary(tx, user.id, id)
    await record(hub, tx, allowed, origin, user, { primary: email.address })
  })
}

/** Throws `invalid_input` for the primary address: mail must have somewhere to go. */
export async function removeEmail(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const user = person(allowed)
  await hub.transaction(async (tx) => {
    const email = await getOwn(tx, user.id, id)
    if (email.isPrimary === 1) {
      throw new HoldfastError('invalid_input', {
        reason: 'This is your primary address. Make another one primary first.',
      })
    }
    await deleteEmail(tx, user.id, id)
    await record(hub, tx, allowed, origin, user, { removed: email.address })
  })
}

/** What the page behind a verification link asks about; null for a link that is spent. */
export async function addressOfLink(hub: Hub, secret: string): Promise<string | null> {
  const link = await findOpenLink(hub, secret, ['verify-email'])
  const email = link?.emailId == null ? null : await findEmail(hub.db.read, link.emailId)
  return email?.address ?? null
}

/** Uses the link up. Throws `link_invalid`, or `email_taken` where another account has verified the address. */
export async function verifyEmail(
  hub: Hub,
  allowed: Allowed<'account.recover'>,
  origin: Origin,
  secret: string,
): Promise<string> {
  try {
    return await hub.transaction(async (tx) => {
      const link = await useLink(hub, tx, secret, ['verify-email'])
      const email = link.emailId === null ? null : await findEmail(tx, link.emailId)
      const user = email === null ? null : await findUserIn(tx, email.userId)
      if (email === null || user?.state !== 'active') throw new HoldfastError('link_invalid')
      if (email.verifiedAt === null) {
        if ((await findVerifiedEmail(tx, email.addressKey)) !== null) throw new HoldfastError('email_taken')
        await verifyEmailRow(tx, email.id, hub.clock.now())
        // What was signed for this address may count from now on (GPG-3).
        await enqueue(tx, 'judge-signatures-again', { email: email.addressKey })
      }
      await record(hub, tx, allowed, origin, user, { verified: email.address })
      return email.address
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new HoldfastError('email_taken')
    throw error
  }
}

/** Throws `email_not_verified` where the hub asks for a verified address and this person has none. */
export async function requireVerifiedEmail(hub: Hub, userId: string): Promise<void> {
  if (!hub.config.requireVerifiedEmail) return
  const emails = await emailsOf(hub.db.read, userId)
  if (!emails.some((email) => email.verifiedAt !== null)) throw new HoldfastError('email_not_verified')
}

/** Mail to strangers is limited by whom it goes to and by who asks for it. */
export async function countMail(hub: Hub, origin: Origin, address: string): Promise<void> {
  await countAttempt(hub, [
    { limit: 'mail-target', about: emailKey(address).toLowerCase() },
    { limit: 'mail-address', about: addressBucket(origin.ip) },
  ])
}

async function getOwn(tx: Tx, userId: string, id: string): Promise<EmailTable> {
  const email = await findEmail(tx, id)
  if (email?.userId !== userId) throw new HoldfastError('not_found')
  return email
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  user: { readonly id: string; readonly name: string },
  data: Readonly<Record<string, string>>,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    action: 'account.update_email',
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data,
  })
}

function person(allowed: Allowed<'account.update'>): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('Addresses belong to a person.')
  return allowed.principal
}
