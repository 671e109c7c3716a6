/**
 * Links that work once. The secret is in the link and nowhere else: a link can be made again, never shown again. Pages behind such an
 * address must answer with `no-store` and without a referrer.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import type { OneTimeLinkTable } from '../../platform/db/schema.ts'
import { deleteLinksForEmail, deleteLinksOf, findLink, insertLink, type Purpose, takeLink } from './queries.ts'

const hours = 3_600_000

/** How long a link works that was mailed, and one that an administrator hands over. */
export const mailedResetMs = 1 * hours
export const handedMs = 24 * hours
const lifetimes: Readonly<Record<Purpose, number>> = {
  setup: handedMs,
  'verify-email': 48 * hours,
  'reset-password': handedMs,
  join: 7 * 24 * hours,
}

const pages: Readonly<Record<Purpose, string>> = {
  setup: 'join',
  join: 'join',
  'verify-email': 'verify-email',
  'reset-password': 'password-reset',
}

interface LinkFor {
  readonly purpose: Purpose
  readonly userId?: string
  readonly emailId?: string
  /** Milliseconds; by default what suits the purpose. */
  readonly lifetime?: number
}

/** Makes a link and ends the ones that it replaces. Returns the whole address. */
export async function makeLink(hub: Hub, tx: Tx, what: LinkFor): Promise<string> {
  const secret = newSecret()
  const now = hub.clock.now()
  if (what.emailId !== undefined) await deleteLinksForEmail(tx, what.emailId, what.purpose)
  else if (what.userId !== undefined) await deleteLinksOf(tx, what.userId, what.purpose)
  await insertLink(tx, {
    id: hub.clock.id(),
    tokenHash: hashSecret(secret),
    purpose: what.purpose,
    userId: what.userId ?? null,
    emailId: what.emailId ?? null,
    createdAt: now,
    expiresAt: now + (what.lifetime ?? lifetimes[what.purpose]),
    usedAt: null,
  })
  return `${hub.config.publicUrl}/${pages[what.purpose]}/${secret}`
}

/** Looks without using: what the page behind the link shows. */
export async function findOpenLink(
  hub: Hub,
  secret: string,
  purposes: readonly Purpose[],
): Promise<OneTimeLinkTable | null> {
  const link = await findLink(hub.db, hashSecret(secret), hub.clock.now())
  return link !== null && purposes.includes(link.purpose) ? link : null
}

/** Uses the link up. Throws `link_invalid`. */
export async function useLink(
  hub: Hub,
  tx: Tx,
  secret: string,
  purposes: readonly Purpose[],
): Promise<OneTimeLinkTable> {
  const link = await takeLink(tx, hashSecret(secret), purposes, hub.clock.now())
  if (link === null) throw new HoldfastError('link_invalid')
  return link
}
