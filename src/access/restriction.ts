/** What an organization asks of those who have a role in it, and this caller lacks (AUTH-4e): for single decisions and for lists alike. */
import type { Credential, Principal, Standing } from '../domain/facts.ts'
import type { Role } from '../domain/role.ts'
import { tokenPolicies, tokenRestriction, tokenVerdicts } from '../domain/token-policy.ts'

export interface Viewer {
  readonly principal: Principal
  readonly credential: Credential | null
}

/** Columns of the organization; null where there is none. */
export interface DemandColumns {
  readonly secondFactorRequired?: number | null
  readonly tokenPolicy?: string | null
  readonly mostTokenDays?: number | null
}

/** `verdict`: what its administrators said of the token that was sent; `role`: of its owner in the organization. */
export function restrictionOf(
  columns: DemandColumns,
  { principal, credential }: Viewer,
  verdict: string | null,
  role: Role | null,
): Standing['restriction'] {
  // A service account and its tokens are the organization's own.
  const isOrganization = principal.kind === 'organization'
  if ((principal.kind !== 'user' && !isOrganization) || columns.tokenPolicy == null) return null
  // Its deprecated token is a classic one: where these are not taken, it is not (OAT-6).
  if (columns.secondFactorRequired === 1 && !isOrganization && !principal.hasSecondFactor) return 'second_factor'
  if (credential?.kind !== 'token') return null
  const demands = {
    // Anything unknown counts as the strictest.
    policy: tokenPolicies.find((policy) => policy === columns.tokenPolicy) ?? 'approval',
    mostDays: columns.mostTokenDays ?? null,
  }
  const known = tokenVerdicts.find((one) => one === verdict) ?? null
  // A child is taken where its parent is: to derive one is no way around what an organization asks for.
  return tokenRestriction(demands, credential.parent ?? credential, known, role === 'admin')
}
