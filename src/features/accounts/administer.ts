/** What an administrator of the hub does with other people's accounts: on the command line now, on pages later. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { organizationsOnlyAdministeredBy } from '../organizations/service.ts'
import { userKey } from './create.ts'
import { deactivate, refuseLastAdmin } from './leave.ts'
import { makeLink } from './links.ts'
import {
  emailsOf,
  findUserByName,
  listUsers,
  type UserListRow,
  type UserRow,
  unverifiedEmails,
  updateUser,
} from './queries.ts'

/** Throws `user_not_found`; accounts that were deleted have no name any more. */
export async function getUserByName(hub: Hub, name: string): Promise<UserRow> {
  const user = await findUserByName(hub.db, userKey(name))
  if (user === null) throw new HoldfastError('user_not_found')
  return user
}

/** By name, `limit` after the name `after` (lower case). */
export async function listAccounts(
  hub: Hub,
  _allowed: Allowed<'user.list'>,
  page: { readonly after: string; readonly limit: number },
): Promise<UserListRow[]> {
  return await listUsers(hub.db, page)
}

/** Throws `last_admin` where nobody would be left. */
export async function setAdmin(
  hub: Hub,
  allowed: Allowed<'user.set_admin'>,
  origin: Origin,
  input: { readonly name: string; readonly isAdmin: boolean },
): Promise<void> {
  const user = await getUserByName(hub, input.name)
  await hub.transaction(async (tx) => {
    if (!input.isAdmin) await refuseLastAdmin(hub, tx, user.id)
    await updateUser(tx, user.id, { isAdmin: input.isAdmin ? 1 : 0 })
    await recordAbout(hub, tx, allowed, origin, user, { admin: input.isAdmin })
  })
}

/**
 * Goes ahead where the person is the last administrator of an organization: an account that was taken over must be stoppable. Returns
 * those organizations.
 */
export async function deactivateUser(
  hub: Hub,
  allowed: Allowed<'user.deactivate'>,
  origin: Origin,
  name: string,
): Promise<string[]> {
  const user = await getUserByName(hub, name)
  return await hub.transaction(async (tx) => {
    await refuseLastAdmin(hub, tx, user.id)
    const orphaned = await organizationsOnlyAdministeredBy(tx, user.id)
    await deactivate(hub, tx, allowed, origin, user, allowed.action)
    return orphaned
  })
}

/** The account's tokens work again; its sessions are gone. */
export async function activateUser(
  hub: Hub,
  allowed: Allowed<'user.activate'>,
  origin: Origin,
  name: string,
): Promise<void> {
  const user = await getUserByName(hub, name)
  await hub.transaction(async (tx) => {
    await updateUser(tx, user.id, { state: 'active' })
    await recordAbout(hub, tx, allowed, origin, user, {})
  })
}

/** A link with which this person chooses a new password, for a day. */
export async function makeResetLink(
  hub: Hub,
  allowed: Allowed<'user.make_link'>,
  origin: Origin,
  name: string,
): Promise<string> {
  const user = await getUserByName(hub, name)
  if (user.state !== 'active') throw new HoldfastError('account_deactivated')
  return await hub.transaction(async (tx) => {
    await recordAbout(hub, tx, allowed, origin, user, { purpose: 'reset-password' })
    return await makeLink(hub, tx, { purpose: 'reset-password', userId: user.id })
  })
}

export interface VerificationLink {
  readonly name: string
  readonly address: string
  readonly link: string
}

/** Links that verify this person's addresses, one for each that is not verified. */
export async function makeVerificationLinks(
  hub: Hub,
  allowed: Allowed<'user.make_link'>,
  origin: Origin,
  name: string,
): Promise<VerificationLink[]> {
  const user = await getUserByName(hub, name)
  return await hub.transaction(async (tx) => {
    const open = (await emailsOf(tx, user.id)).filter((email) => email.verifiedAt === null)
    const links: VerificationLink[] = []
    for (const email of open) {
      const link = await makeLink(hub, tx, { purpose: 'verify-email', userId: user.id, emailId: email.id })
      links.push({ name: user.name, address: email.address, link })
    }
    if (links.length > 0) await recordAbout(hub, tx, allowed, origin, user, { purpose: 'verify-email' })
    return links
  })
}

/** The same for everybody whose address waits, the oldest hundred: links are kept as hashes, so showing one means making it anew. */
export async function makePendingLinks(
  hub: Hub,
  allowed: Allowed<'user.make_link'>,
  origin: Origin,
): Promise<VerificationLink[]> {
  const waiting = await unverifiedEmails(hub.db, 100)
  const names = [...new Set(waiting.map((email) => email.name))]
  const links: VerificationLink[] = []
  for (const name of names) links.push(...(await makeVerificationLinks(hub, allowed, origin, name)))
  return links
}

async function recordAbout(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<Action>,
  origin: Origin,
  user: { readonly id: string; readonly name: string },
  data: Readonly<Record<string, string | boolean>>,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'user', id: user.id, name: user.name },
    ownerId: user.id,
    data,
  })
}
