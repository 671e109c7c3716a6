/** An organization's radar for dead tokens (idea 8): which of those that reach it need attention, why, and what to do. Never their values. */

import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { TokenPolicy } from '../../domain/token-policy.ts'
import type { Hub } from '../../hub.ts'
import { selectPolicy, type TokenMark } from './queries.ts'
import { listNeedingAttention, type RadarKind, type RadarPage, type RadarRow } from './radar-queries.ts'

export interface RadarToken {
  readonly token: Omit<RadarRow, 'name' | 'kinds'>
  /** As in the list of tokens that reach the organization: told only where they need approval, or of its own service accounts. */
  readonly displayName: string | null
  readonly findings: readonly { readonly kind: RadarKind; readonly advice: string }[]
}

export interface RadarOfOrganization {
  readonly policy: TokenPolicy
  readonly tokens: readonly RadarToken[]
  readonly next: TokenMark | null
}

/** By owner. Throws `organization_not_found` where it was deleted meanwhile. */
export async function organizationRadar(
  hub: Hub,
  allowed: Allowed<'org.token.read'>,
  page: RadarPage,
): Promise<RadarOfOrganization> {
  const { id } = allowed.resource
  const found = await selectPolicy(hub.db, id)
  if (found === null) throw new HoldfastError('organization_not_found')
  const policy = found.tokenPolicy
  const rows = await listNeedingAttention(hub.db, id, hub.clock.now(), { ...page, limit: page.limit + 1 })
  const tokens = rows.slice(0, page.limit).map(({ name, kinds, ...token }) => ({
    token,
    displayName: policy === 'approval' || token.ownerKind === 'service-account' ? name : null,
    findings: kinds.map((kind) => ({ kind, advice: adviceOn(kind, token) })),
  }))
  const last = tokens.at(-1)?.token
  const hasMore = rows.length > page.limit && last !== undefined
  return { policy, tokens, next: hasMore ? { ownerId: last.ownerId, id: last.id } : null }
}

function adviceOn(kind: RadarKind, token: RadarToken['token']): string {
  const isOurs = token.ownerKind === 'service-account'
  const ask = isOurs ? 'Delete it if nothing needs it any more.' : 'Ask its owner to delete it, or revoke it here.'
  switch (kind) {
    case 'owner_left':
      return "Its owner's account is deactivated. Revoke it here, so that it reaches nothing should the account come back."
    case 'no_contact':
      return 'Nobody is named who answers for this service account. Name a contact.'
    case 'expiring': {
      const day = new Date(token.expiresAt ?? 0).toISOString().slice(0, 10)
      return `Expires on ${day}. ${isOurs ? 'Refresh it' : 'Its owner refreshes it'} if something still needs it.`
    }
    case 'never_used':
      return `Not used since it was ${token.rotatedAt === null ? 'made' : 'refreshed'}. ${ask}`
    case 'unused':
      return `Not used for more than 90 days. ${ask}`
    case 'never_expires':
      return `Never expires. ${isOurs ? 'Refresh it with an expiry.' : 'Ask its owner to refresh it with an expiry.'}`
    case 'classic_write':
      return 'A classic token with write access carries everything that its owner may do here. Ask its owner for a fine-grained one.'
  }
}
