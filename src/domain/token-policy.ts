/**
 * Which access tokens of its members an organization takes: a ceiling beside the token's own (AUTH-4 e). What a token may not do there it may
 * still do elsewhere, and what is public stays open to it. Tokens of service accounts are the organization's own, and sessions no tokens.
 */
/** The most open first. `approval`: fine-grained tokens that an administrator has approved, or that are an administrator's own. */
export const tokenPolicies = ['any', 'fine_grained', 'approval'] as const
export type TokenPolicy = (typeof tokenPolicies)[number]

/** What administrators have said of one token. `revoked` counts under every policy, and for good. */
export const tokenVerdicts = ['approved', 'denied', 'revoked'] as const
export type TokenVerdict = (typeof tokenVerdicts)[number]

export interface TokenDemands {
  readonly policy: TokenPolicy
  /** From a token's creation, or its last rotation, to its expiry; null: any, and none. */
  readonly mostDays: number | null
}

export type TokenRestriction =
  | 'token_revoked_here'
  | 'token_policy'
  | 'token_lifetime'
  | 'token_pending'
  | 'token_denied'

const dayMs = 86_400_000

/** What counts of a token. */
export interface JudgedToken {
  readonly role: 'read' | 'write' | 'fineGrained' | 'inherit'
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly expiresAt: number | null
}

/** Why the organization does not take this token of a member; null: it does. */
export function tokenRestriction(
  demands: TokenDemands,
  token: JudgedToken,
  verdict: TokenVerdict | null,
  isAdministrator: boolean,
): TokenRestriction | null {
  if (verdict === 'revoked') return 'token_revoked_here'
  if (demands.policy !== 'any' && token.role !== 'fineGrained') return 'token_policy'
  if (demands.mostDays !== null) {
    const begins = token.rotatedAt ?? token.createdAt
    if (token.expiresAt === null || token.expiresAt - begins > demands.mostDays * dayMs) return 'token_lifetime'
  }
  if (demands.policy !== 'approval' || verdict === 'approved') return null
  if (verdict === 'denied') return 'token_denied'
  return isAdministrator ? null : 'token_pending'
}
