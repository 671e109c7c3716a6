/**
 * The switch for the weekly mail about tokens that need attention, and the address in such a mail that switches it off. The address is signed for
 * this one purpose and names one person: it can do nothing else, and needs no session.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { findUserIn } from './queries.ts'
import { findSwitch, turnSwitch } from './token-mail-queries.ts'

export const offPath = '/settings/token-mail/off'

export async function tokenMailIsOn(hub: Hub, userId: string): Promise<boolean> {
  return ((await findSwitch(hub.db.read, userId))?.offAt ?? null) === null
}

/** One's own. Nothing happens, and nothing is recorded, where it stands so already. */
export async function setTokenMail(
  hub: Hub,
  allowed: Allowed<'account.update'>,
  origin: Origin,
  isOn: boolean,
): Promise<void> {
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('Mail is for a person.')
  await turn(hub, allowed, origin, principal.id, isOn)
}

/** Path and query of the address that switches it off for this person. */
export function tokenMailOffPath(hub: Hub, userId: string): string {
  return `${offPath}?person=${userId}&signature=${hub.keys.mac('mail-switch', signedText(userId)).toString('hex')}`
}

/** Throws `mail_link_not_valid` unless this hub signed it for that person. */
export function checkTokenMailLink(hub: Hub, link: TokenMailLink): void {
  const { person = '', signature = '' } = link
  const isSigned = /^[0-9a-f]{64}$/.test(signature)
  if (!isSigned || !hub.keys.verify('mail-switch', signedText(person), Buffer.from(signature, 'hex'))) {
    throw new HoldfastError('mail_link_not_valid')
  }
}

export interface TokenMailLink {
  readonly person?: string | undefined
  readonly signature?: string | undefined
}

/** By the address alone; again changes nothing. Throws `mail_link_not_valid`. */
export async function switchOffByLink(
  hub: Hub,
  allowed: Allowed<'account.recover'>,
  origin: Origin,
  link: TokenMailLink,
): Promise<void> {
  checkTokenMailLink(hub, link)
  await turn(hub, allowed, origin, link.person ?? '', false)
}

function signedText(userId: string): string {
  return `token-mail off ${userId}`
}

async function turn(
  hub: Hub,
  allowed: Allowed<'account.update' | 'account.recover'>,
  origin: Origin,
  userId: string,
  isOn: boolean,
): Promise<void> {
  await hub.transaction(async (tx) => {
    const user = await findUserIn(tx, userId)
    // Whoever is gone gets no mail.
    if (user === null || !(await turnSwitch(tx, userId, isOn ? null : hub.clock.now()))) return
    await recordEvent(hub, tx, allowed, origin, {
      action: 'account.update',
      resource: { kind: 'user', id: userId, name: user.name },
      ownerId: userId,
      data: { tokenMail: isOn ? 'on' : 'off' },
    })
  })
}
