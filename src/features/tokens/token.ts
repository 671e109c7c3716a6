/** What the rest sees of an access token: everything but its value, which is nowhere. */
import type { Grant } from './grants.ts'

export type TokenRole = 'read' | 'write' | 'fineGrained'

export interface Token {
  readonly id: string
  readonly name: string
  readonly role: TokenRole
  readonly description: string | null
  readonly last4: string
  readonly canReadGatedRepos: boolean
  readonly global: readonly string[]
  readonly scoped: readonly Grant[]
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly lastIp: string | null
  readonly lastUserAgent: string | null
}

/** The value goes to who asked, once. */
export interface MadeToken {
  readonly value: string
  readonly token: Token
}
