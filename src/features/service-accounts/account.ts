/** What a service account is, and what it may be called. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Role } from '../../domain/role.ts'
import type { Temporary } from '../temporary-roles/service.ts'

export interface ServiceAccount {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly description: string | null
  /** Whom to ask about it. */
  readonly contact: string | null
  /** In its organization. */
  readonly role: Role
  /** Where the role is for a while. */
  readonly temporary: Temporary | null
  readonly createdAt: number
  readonly createdBy: string | null
  /** From then on its tokens are refused; null for never. */
  readonly expiresAt: number | null
  readonly disabledAt: number | null
}

export const accountNameLimit = 50
export const descriptionLimit = 500
export const contactLimit = 200

/** Throws `invalid_input`. */
export function parseAccountName(value: string): string {
  const name = value.trim().replace(/ {2,}/g, ' ')
  // It stands in commits as the name of their author, where these characters end it.
  if (name === '' || name.length > accountNameLimit || /[\p{Cc}<>]/u.test(name)) {
    throw new HoldfastError('invalid_input', {
      reason: `A service account has a name of 1 to ${accountNameLimit} characters, without "<" and ">".`,
      field: 'name',
    })
  }
  return name
}

/** A description or a contact; null where nothing is said. Throws `invalid_input`. */
export function parseRemark(value: string | null | undefined, field: 'description' | 'contact'): string | null {
  const text = value?.trim() ?? ''
  const limit = field === 'description' ? descriptionLimit : contactLimit
  if (text.length > limit || /[^\P{Cc}\n\r\t]/u.test(text)) {
    throw new HoldfastError('invalid_input', { reason: `A ${field} has at most ${limit} characters.`, field })
  }
  return text === '' ? null : text
}

/** When the account ends. Throws `invalid_input` for what is not ahead. */
export function parseAccountExpiry(expiresAt: number | null, now: number): number | null {
  if (expiresAt !== null && (!Number.isSafeInteger(expiresAt) || expiresAt <= now)) {
    throw new HoldfastError('invalid_input', {
      reason: 'A service account expires in the future, or never.',
      field: 'expiry',
    })
  }
  return expiresAt
}

/** Disabled and expired accounts have no tokens that work, and get none (SA-31). */
export function requireActive(account: ServiceAccount, now: number): void {
  if (account.disabledAt !== null) throw new HoldfastError('service_account_disabled', { account: account.name })
  if (account.expiresAt !== null && account.expiresAt <= now) {
    throw new HoldfastError('service_account_expired', { account: account.name })
  }
}
