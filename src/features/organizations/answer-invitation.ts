/**
 * What somebody does with the link of an invitation: look at it, make an account with it, accept, decline. Seats and the inviter's role are
 * looked at again at that moment, under the organization's lock.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Role } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { autoJoinWorkspaces } from '../workspaces/service.ts'
import { claimForAccount, findOpen, hasVerified, type OpenInvitation, takeInvitation } from './invitation-queries.ts'
import { becomeMember, joining } from './membership.ts'
import { roleIn } from './queries.ts'
import { holdSeat } from './seats.ts'

/** What the page behind the link shows. */
export interface InvitationView {
  readonly organization: { readonly name: string; readonly fullname: string | null }
  readonly role: Role
  readonly inviterName: string
  readonly address: string
  /** Where the hub sends no mail, the link is the proof and any account may accept. */
  readonly needsAddress: boolean
  readonly expiresAt: number
  /** An account was made with it: whoever comes now signs in. */
  readonly hasAccount: boolean
}

/** Null for a link that was answered, was withdrawn, is too old, or whose inviter administers the organization no more. */
export async function findInvitationByLink(hub: Hub, secret: string): Promise<InvitationView | null> {
  const found = await findOpen(hub.db.read, hashSecret(secret), hub.clock.now())
  if (found === null) return null
  return {
    organization: { name: found.organizationName, fullname: found.organizationFullname },
    role: found.role,
    inviterName: found.inviterName,
    address: found.address,
    needsAddress: found.proof === 'address',
    expiresAt: found.expiresAt,
    hasAccount: found.accountId !== null,
  }
}

/** How things stand between an invitation and somebody who looks at it signed in. */
export type Answerable = 'yes' | 'member' | 'other-address'

export async function answerable(hub: Hub, secret: string, userId: string): Promise<Answerable> {
  const found = await findOpen(hub.db.read, hashSecret(secret), hub.clock.now())
  if (found === null) throw new HoldfastError('link_invalid')
  if ((await roleIn(hub.db.read, found.organizationId, userId, hub.clock.now())) !== null) return 'member'
  const isProved = found.proof === 'link' || (await hasVerified(hub.db.read, userId, found.addressKey))
  return isProved ? 'yes' : 'other-address'
}

/**
 * The caller becomes a member, with the role of the invitation; the link is used up. Throws `link_invalid`, `invitation_for_another`,
 * `already_member` (the link is used up all the same, and the role stays what it is) or `seats_full`.
 */
export async function acceptInvitation(
  hub: Hub,
  allowed: Allowed<'org.invite.accept'>,
  origin: Origin,
  secret: string,
): Promise<{ readonly organization: string; readonly role: Role }> {
  const user = person(allowed)
  const outcome = await hub.transaction(async (tx) => {
    const invitation = await held(hub, tx, user.id, secret, { needsSeat: true })
    const { organizationName: name, organizationId: id, role } = invitation
    const isNew = await becomeMember(hub, tx, { organization: { id, name }, user, role, addedBy: invitation.inviterId })
    await recordEvent(hub, tx, allowed, origin, {
      action: isNew ? 'org.invite.accept' : 'org.invite.decline',
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: id,
      data: isNew
        ? { organization: name, role, address: invitation.address, inviter: invitation.inviterName }
        : { organization: name, address: invitation.address, reason: 'a member already' },
    })
    if (isNew) await autoJoinWorkspaces(hub, tx, allowed, origin, joining({ id, name }, user, null, role))
    return { organization: name, role, isNew }
  })
  if (!outcome.isNew) throw new HoldfastError('already_member', { user: user.name, organization: outcome.organization })
  return outcome
}

/** Throws `link_invalid` or `invitation_for_another`. */
export async function declineInvitation(
  hub: Hub,
  allowed: Allowed<'org.invite.accept'>,
  origin: Origin,
  secret: string,
): Promise<string> {
  const user = person(allowed)
  return await hub.transaction(async (tx) => {
    const invitation = await held(hub, tx, user.id, secret, { needsSeat: false })
    await recordEvent(hub, tx, allowed, origin, {
      action: 'org.invite.decline',
      resource: { kind: 'user', id: user.id, name: user.name },
      ownerId: invitation.organizationId,
      data: { organization: invitation.organizationName, address: invitation.address },
    })
    return invitation.organizationName
  })
}

/** For the transaction that makes an account by this invitation. Throws `link_invalid` where one was made before. */
export async function useInvitationForAccount(hub: Hub, tx: Tx, secret: string, accountId: string): Promise<void> {
  const hash = hashSecret(secret)
  const found = await findOpen(tx, hash, hub.clock.now())
  if (found === null || !(await claimForAccount(tx, found.id, hash, accountId))) throw new HoldfastError('link_invalid')
}

/** Takes the invitation away, for this person. */
async function held(
  hub: Hub,
  tx: Tx,
  userId: string,
  secret: string,
  { needsSeat }: { readonly needsSeat: boolean },
): Promise<OpenInvitation> {
  const hash = hashSecret(secret)
  const seen = await findOpen(tx, hash, hub.clock.now())
  if (seen === null) throw new HoldfastError('link_invalid')
  const organization = { id: seen.organizationId, name: seen.organizationName }
  const isMember = (await roleIn(tx, organization.id, userId, hub.clock.now())) !== null
  if (needsSeat && !isMember) await holdSeat(hub, tx, organization)
  // Looked at again: the inviter may have been demoted, or the link renewed, while this waited for the lock.
  const invitation = await findOpen(tx, hash, hub.clock.now())
  if (invitation === null) throw new HoldfastError('link_invalid')
  if (invitation.proof === 'address' && !(await hasVerified(tx, userId, invitation.addressKey))) {
    throw new HoldfastError('invitation_for_another')
  }
  if (!(await takeInvitation(tx, invitation.id, hash))) throw new HoldfastError('link_invalid')
  return invitation
}

function person(allowed: Allowed<'org.invite.accept'>): { readonly id: string; readonly name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('Invitations are for people.')
  return allowed.principal
}
