/** How an account comes into being: by joining, by the setup link of a new hub, or by an administrator. One place writes the rows. */
import { addressBucket } from '../../access/address-bucket.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { emailKey, isEmailAddress, nameKey } from '../../domain/names.ts'
import { passwordFault } from '../../domain/password.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { hashPassword } from '../../platform/crypto/password.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import { recordEvent } from '../audit/service.ts'
import { claimName, findInvitationByLink, useInvitationForAccount } from '../organizations/service.ts'
import { countAttempt, startSession } from '../sessions/service.ts'
import { findOpenLink, handedMs, makeLink, useLink } from './links.ts'
import { enqueueMail } from './mail.ts'
import { findVerifiedEmail, insertEmail, insertUser, someAdmins, takeAllSetupLinks } from './queries.ts'

/**
 * How somebody with this link (or none) may join now. `invited`: by this hub; `org-invited`: by an organization, which opens sign-up for one
 * account with the address that was invited.
 */
export type JoinWay = 'open' | 'invited' | 'org-invited' | 'setup' | 'invitation-needed' | 'link-spent' | 'closed'

export async function joinWay(hub: Hub, secret: string | null): Promise<JoinWay> {
  if (secret !== null) {
    const link = await findOpenLink(hub, secret, ['setup', 'join'])
    if (link?.purpose === 'setup') return (await someAdmins(hub.db.read)).length === 0 ? 'setup' : 'link-spent'
    if (isCompanyOnly(hub)) return 'closed'
    if (link === null) return await wayByOrganization(hub, secret)
    return hub.config.signUp === 'closed' ? 'closed' : 'invited'
  }
  if (isCompanyOnly(hub)) return 'closed'
  if (hub.config.signUp === 'open') return 'open'
  return hub.config.signUp === 'invite' ? 'invitation-needed' : 'closed'
}

/** Then accounts come by the first sign-in through the company, or from an administrator. */
function isCompanyOnly(hub: Hub): boolean {
  return hub.config.company?.isOnly === true
}

async function wayByOrganization(hub: Hub, secret: string): Promise<JoinWay> {
  const invitation = await findInvitationByLink(hub, secret)
  if (invitation !== null && hub.config.signUp === 'closed') return 'closed'
  if (invitation !== null && !invitation.hasAccount) return 'org-invited'
  return hub.config.signUp === 'open' ? 'open' : 'link-spent'
}

/** The address that an organization invited with this link; null for another link. */
export async function invitedAddress(hub: Hub, secret: string): Promise<string | null> {
  return (await findInvitationByLink(hub, secret))?.address ?? null
}

/**
 * Makes an account and signs it in; returns the cookie's value. Throws `join_closed`, `join_by_invitation`, `link_invalid`, `name_taken`,
 * `invalid_name`, `invalid_input` (with `field`), `too_many_attempts`. An address that another account has verified is not refused here:
 * that would tell strangers who has an account.
 */
export async function join(
  hub: Hub,
  allowed: Allowed<'account.join'>,
  origin: Origin,
  input: { readonly username: string; readonly email: string; readonly password: string; readonly link: string | null },
): Promise<{ cookie: string; name: string }> {
  await countAttempt(hub, [{ limit: 'join-address', about: addressBucket(origin.ip) }])
  const way = await joinWay(hub, input.link)
  refuseUnlessOpen(way)
  // Not what was typed: an invitation makes no account but for whom it is.
  const address = way === 'org-invited' ? await invitedAddress(hub, input.link ?? '') : null
  const account = await prepare({ ...input, name: input.username, email: address ?? input.email })
  const cookie = await hub.transaction(async (tx) => {
    if (way === 'setup') await useSetupLink(hub, tx, input.link ?? '')
    else if (way === 'invited') await useLink(hub, tx, input.link ?? '', ['join'])
    // Whoever holds the setup link owns the machine: nobody else could vouch for the address.
    const isFirst = way === 'setup'
    const id = await writeAccount(hub, tx, { ...account, isAdmin: isFirst, isVerified: isFirst })
    if (way === 'org-invited') await useInvitationForAccount(hub, tx, input.link ?? '', id)
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'user', id, name: account.name },
      ownerId: id,
      data: { way, admin: isFirst },
    })
    return await startSession(hub, tx, allowed, origin, { id, ...account }, 'password')
  })
  return { cookie, name: account.name }
}

/** For the command line and the administration. The address counts as verified. Without a password a link must be made for one. */
export async function createUser(
  hub: Hub,
  allowed: Allowed<'user.create'>,
  origin: Origin,
  input: {
    readonly name: string
    readonly email: string
    readonly password: string | null
    readonly isAdmin: boolean
    readonly fullname?: string | null
  },
): Promise<{ id: string; name: string }> {
  const account = await prepare(input)
  try {
    const id = await hub.transaction(async (tx) => {
      if ((await findVerifiedEmail(tx, emailKey(account.email))) !== null) throw new HoldfastError('email_taken')
      const made = await writeAccount(hub, tx, { ...account, isAdmin: input.isAdmin, isVerified: true })
      await recordEvent(hub, tx, allowed, origin, {
        resource: { kind: 'user', id: made, name: account.name },
        ownerId: made,
        data: { admin: input.isAdmin },
      })
      return made
    })
    return { id, name: account.name }
  } catch (error) {
    // Two at once verified the same address; the index decided.
    if (isUniqueViolation(error)) throw new HoldfastError('email_taken')
    throw error
  }
}

/**
 * For somebody whom the company's provider vouches for: an account without a password. Throws `name_taken` or `invalid_name`, and
 * `company_account_exists` where another account has verified the address.
 */
export async function createCompanyUser(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  input: {
    readonly name: string
    readonly fullname: string | null
    readonly email: string
    readonly isVerified: boolean
  },
): Promise<{ id: string; name: string }> {
  if (input.isVerified && (await findVerifiedEmail(tx, emailKey(input.email))) !== null) {
    throw new HoldfastError('company_account_exists', { company: hub.config.company?.name ?? '' })
  }
  const account = { ...input, passwordHash: null, isAdmin: false }
  const id = await writeAccount(hub, tx, account)
  await recordEvent(hub, tx, allowed, origin, {
    action: 'account.join',
    resource: { kind: 'user', id, name: input.name },
    ownerId: id,
    data: { way: 'company', admin: false },
  })
  return { id, name: input.name }
}

/**
 * A link that makes the first administrator, or null once this hub has one. Each call makes another; the first one that is used ends all.
 */
export async function ensureSetupLink(hub: Hub): Promise<string | null> {
  if ((await someAdmins(hub.db.read)).length > 0) return null
  return await hub.transaction(async (tx) => {
    if ((await someAdmins(tx)).length > 0) return null
    return await makeLink(hub, tx, { purpose: 'setup', lifetime: handedMs })
  })
}

/** A link with which one person may join, for a week. Throws `join_closed` where nobody may. */
export async function inviteSomebody(hub: Hub, allowed: Allowed<'user.create'>, origin: Origin): Promise<string> {
  if (hub.config.signUp === 'closed') throw new HoldfastError('join_closed')
  return await hub.transaction(async (tx) => {
    await recordEvent(hub, tx, allowed, origin, {
      action: 'user.invite',
      resource: { kind: 'instance', id: null, name: null },
      ownerId: null,
    })
    return await makeLink(hub, tx, { purpose: 'join' })
  })
}

/** Checks an address that somebody typed. Throws `invalid_input`. */
export function parseEmail(address: string): string {
  const trimmed = address.trim()
  if (!isEmailAddress(trimmed)) {
    throw new HoldfastError('invalid_input', { reason: 'That is not an e-mail address.', field: 'email' })
  }
  return trimmed
}

/** Checks and hashes a new password. `known`: names and addresses of its owner. Throws `invalid_input`. */
export async function hashNewPassword(password: string, known: readonly string[]): Promise<string> {
  const fault = passwordFault(password, known)
  if (fault !== null) throw new HoldfastError('invalid_input', { reason: fault, field: 'password' })
  return await hashPassword(password)
}

interface Prepared {
  readonly name: string
  readonly fullname: string | null
  readonly email: string
  readonly passwordHash: string | null
}

/** Everything that costs time happens here, before the transaction. */
async function prepare(input: {
  readonly name: string
  readonly email: string
  readonly password: string | null
  readonly fullname?: string | null
}): Promise<Prepared> {
  const name = input.name.trim()
  const email = parseEmail(input.email)
  const passwordHash = input.password === null ? null : await hashNewPassword(input.password, [name, email])
  return { name, fullname: input.fullname?.trim() || null, email, passwordHash }
}

async function writeAccount(
  hub: Hub,
  tx: Tx,
  account: Prepared & { readonly isAdmin: boolean; readonly isVerified: boolean },
): Promise<string> {
  const id = hub.clock.id()
  const emailId = hub.clock.id()
  const now = hub.clock.now()
  await claimName(tx, { id, kind: 'user', name: account.name }, now)
  await insertUser(tx, {
    id,
    fullname: account.fullname,
    passwordHash: account.passwordHash,
    passwordChangedAt: account.passwordHash === null ? null : now,
    isAdmin: account.isAdmin ? 1 : 0,
    state: 'active',
    createdAt: now,
    secondFactorAt: null,
  })
  await insertEmail(tx, {
    id: emailId,
    userId: id,
    address: account.email,
    addressKey: emailKey(account.email),
    verifiedAt: account.isVerified ? now : null,
    isPrimary: 1,
    createdAt: now,
  })
  if (!account.isVerified) await enqueueMail(hub, tx, { kind: 'verify-email', emailId })
  return id
}

/** Of two setup links that are used at the same moment, one makes the administrator. */
async function useSetupLink(hub: Hub, tx: Tx, secret: string): Promise<void> {
  const taken = await takeAllSetupLinks(tx, hub.clock.now())
  if (!taken.includes(hashSecret(secret)) || (await someAdmins(tx)).length > 0) throw new HoldfastError('link_invalid')
}

function refuseUnlessOpen(way: JoinWay): void {
  if (way === 'closed') throw new HoldfastError('join_closed')
  if (way === 'invitation-needed') throw new HoldfastError('join_by_invitation')
  if (way === 'link-spent') throw new HoldfastError('link_invalid')
}

/** The key under which names are looked up, for those who have only the name. */
export const userKey = (name: string): string => nameKey(name.trim())
