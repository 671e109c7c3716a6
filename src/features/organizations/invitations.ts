/**
 * Invitations by e-mail. The link alone is not enough: mail is forwarded, so whoever accepts has the invited address in their account, verified.
 * Where the hub sends no mail nobody could verify anything; there an administrator is shown the link once, and who has it is who was meant.
 * Inviting answers the same whether somebody has an account under the address or not.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type OwnerFacts } from '../../domain/facts.ts'
import { emailKey, isEmailAddress } from '../../domain/names.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { Mail } from '../../platform/mail/mailer.ts'
import { recordEvent } from '../audit/service.ts'
import { countAttempt } from '../sessions/service.ts'
import {
  deleteExpiredOf,
  deleteInvitation,
  findInvitation,
  findInvitationByAddress,
  findToMail,
  type InvitationRow,
  insertInvitation,
  updateInvitation,
} from './invitation-queries.ts'
import { holdSeat } from './seats.ts'

/** Two weeks: long enough for a holiday. */
const lifetimeMs = 14 * 24 * 3_600_000

export interface Invited {
  readonly invitation: InvitationRow
  /** The whole address of the page to accept at; null where a mail brings it. It is kept nowhere. */
  readonly link: string | null
}

/**
 * `role` null: the organization's default. Throws `invalid_input` (with `field`), `already_invited`, `seats_full` or `too_many_attempts`.
 */
export async function inviteByEmail(
  hub: Hub,
  allowed: Allowed<'org.invite_user'>,
  origin: Origin,
  input: { readonly email: string; readonly role: Role | null },
): Promise<Invited> {
  const organization = allowed.resource
  const address = input.email.trim()
  if (!isEmailAddress(address)) {
    throw new HoldfastError('invalid_input', { reason: 'That is not an e-mail address.', field: 'email' })
  }
  await countInvitation(hub, organization, address)
  const now = hub.clock.now()
  return await hub.transaction(async (tx) => {
    const { defaultRole } = await holdSeat(hub, tx, organization)
    const addressKey = emailKey(address)
    await deleteExpiredOf(tx, organization.id, addressKey, now)
    const { secret, ...delivery } = deliver(hub)
    const invitation: InvitationRow = {
      id: hub.clock.id(),
      organizationId: organization.id,
      address,
      addressKey,
      role: input.role ?? defaultRole,
      createdAt: now,
      ...inviter(allowed),
      expiresAt: now + lifetimeMs,
      sentAt: null,
      accountId: null,
      ...delivery,
    }
    if (!(await insertInvitation(tx, invitation))) {
      throw new HoldfastError('already_invited', { address, organization: organization.name })
    }
    await enqueueInvitation(hub, tx, invitation.id)
    await record(hub, tx, allowed, origin, organization, 'org.invite.email', invitation)
    return { invitation, link: secret === null ? null : invitationLink(hub, secret) }
  })
}

/**
 * Sends it anew, for two weeks from now; the link that was sent before ends. Whoever does so answers for it from then on. Throws
 * `invitation_not_found`, `seats_full` or `too_many_attempts`.
 */
export async function resendInvitation(
  hub: Hub,
  allowed: Allowed<'org.invite_user'>,
  origin: Origin,
  id: string,
): Promise<Invited> {
  const organization = allowed.resource
  const found = await findInvitation(hub.db.read, organization.id, id)
  if (found === null) throw new HoldfastError('invitation_not_found')
  await countInvitation(hub, organization, found.address)
  return await hub.transaction(async (tx) => {
    await holdSeat(hub, tx, organization)
    const before = await findInvitation(tx, organization.id, id)
    if (before === null) throw new HoldfastError('invitation_not_found')
    return await renew(hub, tx, allowed, origin, organization, before, deliver(hub))
  })
}

/**
 * For the command line: a link to hand over, whether the hub sends mail or not. Who has it may accept, whatever their address. Throws
 * `invitation_not_found` or `seats_full`.
 */
export async function makeInvitationLink(
  hub: Hub,
  allowed: Allowed<'org.invite_user'>,
  origin: Origin,
  address: string,
): Promise<string> {
  const organization = allowed.resource
  return await hub.transaction(async (tx) => {
    await holdSeat(hub, tx, organization)
    const before = await findInvitationByAddress(tx, organization.id, emailKey(address.trim()))
    if (before === null) throw new HoldfastError('invitation_not_found')
    const { link } = await renew(hub, tx, allowed, origin, organization, before, handOver())
    if (link === null) throw new Error('A link to hand over was not made.')
    return link
  })
}

/** Throws `invitation_not_found`. */
export async function withdrawInvitation(
  hub: Hub,
  allowed: Allowed<'org.invite_user'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const organization = allowed.resource
  await hub.transaction(async (tx) => {
    const before = await findInvitation(tx, organization.id, id)
    if (before === null || !(await deleteInvitation(tx, organization.id, id))) {
      throw new HoldfastError('invitation_not_found')
    }
    await record(hub, tx, allowed, origin, organization, 'org.invite.withdraw', before)
  })
}

/** Null where there is nobody to write to any more. The secret is made here, so that no row of the queue ever holds one. */
export async function composeInvitation(hub: Hub, id: string): Promise<Mail | null> {
  const secret = newSecret()
  const now = hub.clock.now()
  const invitation = await hub.transaction(async (tx) => {
    const row = await findToMail(tx, id, now)
    // Meanwhile somebody was shown a link: this mail would end it.
    if (row?.proof !== 'address') return null
    await updateInvitation(tx, id, { tokenHash: hashSecret(secret), sentAt: now })
    return row
  })
  if (invitation === null) return null
  const { organizationName: organization, inviterName, role } = invitation
  return {
    to: invitation.address,
    subject: `Join ${organization} on ${hub.config.instanceName}`,
    text: `${[
      `${inviterName} invites you to ${organization} on ${hub.config.publicUrl}, with the role ${role}.`,
      'Open this link to accept or decline. It works once, for two weeks, for an account that has this address:',
      invitationLink(hub, secret),
      'If you know nothing of this, leave the link alone: nothing happens then.',
    ].join('\n\n')}\n`,
  }
}

type Delivery = Pick<InvitationRow, 'proof' | 'tokenHash'> & { readonly secret: string | null }

function deliver(hub: Hub): Delivery {
  return hub.mailer.isConfigured ? { proof: 'address', tokenHash: null, secret: null } : handOver()
}

function handOver(): Delivery {
  const secret = newSecret()
  return { proof: 'link', tokenHash: hashSecret(secret), secret }
}

async function renew(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.invite_user'>,
  origin: Origin,
  organization: OwnerFacts,
  before: InvitationRow,
  { secret, ...delivery }: Delivery,
): Promise<Invited> {
  const change = { ...inviter(allowed), ...delivery, expiresAt: hub.clock.now() + lifetimeMs, sentAt: null }
  await updateInvitation(tx, before.id, change)
  const invitation = { ...before, ...change }
  if (delivery.proof === 'address') await enqueueInvitation(hub, tx, before.id)
  await record(hub, tx, allowed, origin, organization, 'org.invite.resend', invitation)
  return { invitation, link: secret === null ? null : invitationLink(hub, secret) }
}

async function enqueueInvitation(hub: Hub, tx: Tx, id: string): Promise<void> {
  if (hub.mailer.isConfigured) await enqueue(tx, 'mail', { kind: 'invitation', invitationId: id })
}

function invitationLink(hub: Hub, secret: string): string {
  return `${hub.config.publicUrl}/invitations/${secret}`
}

/** Mail to strangers is limited by whom it goes to and by the organization in whose name it goes. */
async function countInvitation(hub: Hub, organization: OwnerFacts, address: string): Promise<void> {
  await countAttempt(hub, [
    { limit: 'invite-target', about: emailKey(address).toLowerCase() },
    { limit: 'invite-organization', about: organization.id },
  ])
}

function inviter({ principal }: Allowed<'org.invite_user'>): Pick<InvitationRow, 'inviterId' | 'inviterName'> {
  const account = accountOf(principal)
  if (account === null) return { inviterId: null, inviterName: 'An administrator of this hub' }
  return { inviterId: account.id, inviterName: account.fullname ?? account.name }
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  organization: OwnerFacts,
  action: string,
  invitation: InvitationRow,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    action,
    resource: { kind: 'invitation', id: invitation.id, name: invitation.address },
    ownerId: organization.id,
    data: { organization: organization.name, role: invitation.role, byMail: invitation.proof === 'address' },
  })
}
