/** The radar for dead tokens (idea 8): those that nobody needs, that can do more than they are used for, or that end soon. */

import { covers } from '../../domain/narrower.ts'
import type { Allowed } from '../../domain/policy.ts'
import { radarDayMs as dayMs, firstUseMs, unusedMs, warningDays } from '../../domain/token-radar.ts'
import type { Hub } from '../../hub.ts'
import { neededPermissions } from './radar-queries.ts'
import { listStored } from './store.ts'
import type { StoredToken } from './token.ts'

/** A token is this old before permissions that nothing needed are told: some jobs run once a month. */
const permissionsMs = 30 * dayMs

export const findingKinds = ['expiring', 'never_used', 'unused', 'unused_permissions'] as const
export type FindingKind = (typeof findingKinds)[number]

export interface Finding {
  readonly token: { readonly id: string; readonly name: string; readonly last4: string }
  readonly kind: FindingKind
  /** Milliseconds: since when it is so; for `expiring`, since when it was due to be told. */
  readonly since: number
  /** What is the matter, and what to do. */
  readonly advice: string
  /** Only for `unused_permissions`. */
  readonly permissions: readonly string[]
}

export interface FindingMark {
  readonly tokenId: string
  readonly kind: FindingKind
}

/**
 * What is to be said of one token. `needed`: permissions that recorded uses needed, or undefined where none are recorded. Expired tokens reach nothing:
 * nothing is said of them.
 */
export function findingsOf(token: StoredToken, needed: ReadonlySet<string> | undefined, now: number): Finding[] {
  const { id, name, last4, expiresAt } = token
  if (expiresAt !== null && expiresAt <= now) return []
  const findings: Finding[] = []
  const add = (kind: FindingKind, since: number, advice: string, permissions: readonly string[] = []) =>
    findings.push({ token: { id, name, last4 }, kind, since, advice, permissions })
  const bornAt = token.rotatedAt ?? token.createdAt
  const days = expiresAt === null ? undefined : warningDays.find((some) => expiresAt - now <= some * dayMs)
  // One that was made for a shorter life than that ends as planned.
  if (expiresAt !== null && days !== undefined && expiresAt - bornAt > days * dayMs) {
    const day = new Date(expiresAt).toISOString().slice(0, 10)
    const within = days === 1 ? 'within a day' : `within ${days} days`
    add('expiring', expiresAt - days * dayMs, `Expires ${within}, on ${day}. Refresh it if something still needs it.`)
  }
  // A refresh forgets the uses of the token; the old value keeps its own.
  const lastUsedAt = Math.max(token.lastUsedAt ?? 0, token.oldValue?.lastUsedAt ?? 0)
  if (lastUsedAt === 0 && now - bornAt > firstUseMs) {
    const since = token.rotatedAt === null ? 'it was made' : 'it was refreshed'
    add('never_used', bornAt, `Not used since ${since}. Delete it, or put it where it was meant to be.`)
  } else if (lastUsedAt !== 0 && now - lastUsedAt > unusedMs) {
    add('unused', lastUsedAt, 'Not used for more than 90 days. Delete it if nothing needs it any more.')
  }
  if (needed !== undefined && now - token.createdAt > permissionsMs) {
    const held = new Set([...token.scoped.flatMap(({ permissions }) => permissions), ...token.global])
    const idle = [...held].filter((one) => ![...needed].some((used) => covers([one], used))).sort()
    if (idle.length > 0) {
      const advice = `Nothing needed these permissions of it in the last 90 days: ${idle.join(', ')}. Shrink it to what was used.`
      add('unused_permissions', token.createdAt, advice, idle)
    }
  }
  return findings
}

/** Of one's own tokens, the newest token first. */
export async function ownRadar(
  hub: Hub,
  allowed: Allowed<'token.read'>,
  page: { readonly after: FindingMark | null; readonly limit: number },
): Promise<{ readonly findings: readonly Finding[]; readonly next: FindingMark | null }> {
  const { principal } = allowed
  if (principal.kind !== 'user') throw new Error('A token belongs to a person.')
  const now = hub.clock.now()
  const tokens = await listStored(hub.db.read, principal.id, now)
  const needed = await neededPermissions(hub.db.read, principal.id)
  const all = tokens.flatMap((token) => findingsOf(token, needed.get(token.id), now))
  const { after } = page
  const rest = after === null ? all : all.filter((finding) => isAfter(finding, after))
  const findings = rest.slice(0, page.limit)
  const last = findings.at(-1)
  const hasMore = last !== undefined && rest.length > findings.length
  return { findings, next: hasMore ? { tokenId: last.token.id, kind: last.kind } : null }
}

/** By places in the order, so that a token deleted meanwhile moves nothing. */
function isAfter({ token, kind }: Finding, mark: FindingMark): boolean {
  if (token.id !== mark.tokenId) return token.id < mark.tokenId
  return findingKinds.indexOf(kind) > findingKinds.indexOf(mark.kind)
}
