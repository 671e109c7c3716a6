/** Tokens on the wire, with the Hub's names. The value stands beside the token in the one answer that has it, never inside. */
import type { Grant } from './grants.ts'
import type { MadeToken, Token } from './token.ts'

export function presentToken(token: Token) {
  return {
    id: token.id,
    _id: token.id,
    name: token.name,
    displayName: token.name,
    role: token.role,
    last4: token.last4,
    createdAt: iso(token.createdAt),
    rotatedAt: iso(token.rotatedAt),
    lastUsedAt: iso(token.lastUsedAt),
    lastUsedIp: token.lastIp,
    expiresAt: iso(token.expiresAt),
    ...(token.role === 'fineGrained'
      ? {
          fineGrained: {
            canReadGatedRepos: token.canReadGatedRepos,
            global: token.global,
            scoped: token.scoped.map((grant) => ({ ...presentGrant(grant), effective: grant.isEffective })),
          },
        }
      : {}),
  }
}

/** As in whoami-v2. */
export function presentGrant(grant: Grant) {
  return { entity: { _id: grant.id, type: grant.type, name: grant.name }, permissions: grant.permissions }
}

export function presentMadeToken({ value, token }: MadeToken) {
  return { token: value, tokenInfo: presentToken(token) }
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
