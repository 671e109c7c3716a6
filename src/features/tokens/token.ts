/** What the rest sees of an access token: everything but its value, which is nowhere. */
import type { Fence } from '../../access/fence.ts'
import type { Grant } from './grants.ts'

/** Of people's tokens. */
export type TokenRole = 'read' | 'write' | 'fineGrained'

/** Of anybody's: a service account's tokens are fine-grained, or carry what the account may do (`inherit`). */
export type AnyTokenRole = TokenRole | 'inherit'

export interface StoredToken {
  readonly id: string
  readonly name: string
  readonly role: AnyTokenRole
  readonly description: string | null
  readonly last4: string
  readonly canReadGatedRepos: boolean
  readonly global: readonly string[]
  readonly scoped: readonly Grant[]
  /** Which inference endpoints its permissions on them are for; empty for all. */
  readonly endpointPatterns: readonly string[]
  readonly fence: Fence
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly lastIp: string | null
  readonly lastUserAgent: string | null
  /** The token that it was derived from; null for what is none's child. */
  readonly parentId: string | null
  /** Requests that it may still make; null: as many as it likes. */
  readonly usesLeft: number | null
  /** The value that it had before, if that was given time to go on: `validUntil` may be over. */
  readonly oldValue: OldValue | null
}

/** Uses are those since it was replaced. */
export interface OldValue {
  readonly last4: string
  readonly validUntil: number
  readonly lastUsedAt: number | null
  readonly lastIp: string | null
  readonly lastUserAgent: string | null
}

/** What is still taken beside the value of the token. */
export function openOldValue(token: { readonly oldValue: OldValue | null }, now: number): OldValue | null {
  return token.oldValue !== null && token.oldValue.validUntil > now ? token.oldValue : null
}

/** A person's. */
export interface Token extends StoredToken {
  readonly role: TokenRole
}

/** The value goes to who asked, once. */
export interface MadeToken {
  readonly value: string
  readonly token: Token
}
