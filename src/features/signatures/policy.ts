/**
 * What an organization, and a repo of it, ask of the commits that are pushed (SIG-1). The stricter of the two counts, so a repo is never laxer
 * than its organization.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { OwnerFacts, RepoFacts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { SigningPolicyTable } from '../../platform/db/schema.ts'
import { recordEvent } from '../audit/service.ts'
import type { Judged } from './judge-commits.ts'
import { putPolicy, selectPolicies, selectPolicyIn } from './policy-queries.ts'

export const signingLevels = ['off', 'warn', 'signed', 'verified'] as const
export type SigningLevel = (typeof signingLevels)[number]

export interface SigningPolicy {
  readonly level: SigningLevel
  /** Also commits through the API and the website are refused (SIG-4). */
  readonly humanSignatureOnly: boolean
  /** Until when pushes pass whatever they bring (SIG-6); null: no bypass is on. */
  readonly bypass: { readonly until: number; readonly reason: string } | null
}

/** Of what a policy is: an organization, or a repo with its owner. */
export type PolicyTarget = { readonly organization: OwnerFacts } | { readonly repo: RepoFacts }

export interface Policies {
  readonly own: SigningPolicy
  /** Of the organization, where it is a repo's. */
  readonly inherited: SigningPolicy | null
  readonly effective: SigningPolicy
  /** Where the effective level comes from. */
  readonly place: string
}

const none: SigningPolicy = { level: 'off', humanSignatureOnly: false, bypass: null }

export async function readPolicies(hub: Hub, target: PolicyTarget): Promise<Policies> {
  const now = hub.clock.now()
  if ('organization' in target) {
    const { id, name } = target.organization
    const own = policyOf((await selectPolicies(hub.db, id, id))[0], now)
    return { own, inherited: null, effective: own, place: name }
  }
  const { repo } = target
  const rows = await selectPolicies(hub.db, repo.owner.id, repo.id)
  const own = policyOf(
    rows.find(({ targetId }) => targetId === repo.id),
    now,
  )
  const inherited = policyOf(
    rows.find(({ targetId }) => targetId === repo.owner.id),
    now,
  )
  const isOwn = rank(own.level) > rank(inherited.level)
  return {
    own,
    inherited: repo.owner.kind === 'organization' ? inherited : null,
    effective: {
      level: isOwn ? own.level : inherited.level,
      humanSignatureOnly: own.humanSignatureOnly || inherited.humanSignatureOnly,
      bypass: own.bypass ?? inherited.bypass,
    },
    place: isOwn ? `${repo.owner.name}/${repo.name}` : repo.owner.name,
  }
}

/** Throws `policy_too_lax` where the organization of a repo asks for more. */
export async function setPolicy(
  hub: Hub,
  allowed: Allowed<'org.signing_policy.update' | 'repo.signing_policy.update'>,
  origin: Origin,
  target: PolicyTarget,
  wanted: { readonly level: SigningLevel; readonly humanSignatureOnly: boolean },
): Promise<void> {
  const { inherited } = await readPolicies(hub, target)
  if (inherited !== null && wanted.level !== 'off' && rank(wanted.level) < rank(inherited.level)) {
    throw new HoldfastError('policy_too_lax', { place: ownerOf(target).name, field: 'level' })
  }
  const targetId = idOf(target)
  await hub.transaction(async (tx) => {
    const before = await selectPolicyIn(tx, targetId)
    const humanSignatureOnly = wanted.humanSignatureOnly ? 1 : 0
    if ((before?.level ?? 'off') === wanted.level && (before?.humanSignatureOnly ?? 0) === humanSignatureOnly) return
    await putPolicy(tx, {
      targetId,
      level: wanted.level,
      humanSignatureOnly,
      bypassUntil: before?.bypassUntil ?? null,
      bypassReason: before?.bypassReason ?? null,
      updatedAt: hub.clock.now(),
    })
    const from = before?.level ?? 'off'
    await recordEvent(hub, tx, allowed, origin, { ...named(target), data: { ...wanted, from } })
  })
}

export const longestBypassHours = 72

/** `hours` from now on, or null to end it. Throws `invalid_input` without a reason. */
export async function setBypass(
  hub: Hub,
  allowed: Allowed<'org.signing_policy.bypass' | 'repo.signing_policy.bypass'>,
  origin: Origin,
  target: PolicyTarget,
  bypass: { readonly hours: number; readonly reason: string } | null,
): Promise<void> {
  const reason = bypass?.reason.trim() ?? null
  if (bypass !== null && (reason === '' || (reason?.length ?? 0) > 300)) {
    throw new HoldfastError('invalid_input', { reason: 'Say why, in up to 300 characters.', field: 'reason' })
  }
  if (bypass !== null && !(bypass.hours > 0 && bypass.hours <= longestBypassHours)) {
    throw new HoldfastError('invalid_input', { reason: `At most ${longestBypassHours} hours.`, field: 'hours' })
  }
  const now = hub.clock.now()
  const until = bypass === null ? null : now + Math.round(bypass.hours * 3_600_000)
  const targetId = idOf(target)
  await hub.transaction(async (tx) => {
    const before = await selectPolicyIn(tx, targetId)
    await putPolicy(tx, {
      targetId,
      level: before?.level ?? 'off',
      humanSignatureOnly: before?.humanSignatureOnly ?? 0,
      bypassUntil: until,
      bypassReason: reason,
      updatedAt: now,
    })
    const data = { until: until === null ? null : new Date(until).toISOString(), reason }
    await recordEvent(hub, tx, allowed, origin, { ...named(target), data })
  })
}

/** Why a commit does not meet a level, as half a sentence; null where it does. `isHere`: it is in the repo, perhaps made by the hub itself. */
export function shortfall(
  judged: Pick<Judged, 'status'> & { readonly reason: string | null },
  level: SigningLevel,
  isHere: boolean,
): string | null {
  if (level === 'off' || judged.status === 'verified') return null
  if (judged.status === 'none') return 'it is not signed'
  if (judged.status === 'hub') {
    // What the hub signed counts where the hub put it (SIG-4); in a push it comes from elsewhere.
    return isHere || level === 'signed' ? null : 'it is signed by this hub, in another repository, and not by a person'
  }
  const isSigned = judged.reason !== 'bad_signature' && judged.reason !== 'malformed'
  return level === 'signed' && isSigned ? null : (shortReasons[judged.reason ?? ''] ?? 'its signature does not count')
}

const shortReasons: Readonly<Record<string, string>> = {
  unknown_key: 'it is signed with a key that no account of this hub has (unknown_key)',
  bad_email: "its committer's address is not one of the key and its account (bad_email)",
  unverified_email: "its committer's address is not verified by the account of the key (unverified_email)",
  expired_key: 'its key was not valid at the time of the commit (expired_key)',
  revoked_key: 'its key was revoked (revoked_key)',
  bad_signature: 'its signature does not fit (bad_signature)',
  malformed: 'its signature cannot be read (malformed)',
}

function policyOf(row: SigningPolicyTable | undefined, now: number): SigningPolicy {
  if (row === undefined) return none
  const { level, bypassUntil: until, bypassReason } = row
  const bypass = until === null || until <= now ? null : { until, reason: bypassReason ?? '' }
  return { level, humanSignatureOnly: row.humanSignatureOnly === 1, bypass }
}

export function stricterLevel(one: SigningLevel, other: SigningLevel): SigningLevel {
  return rank(one) >= rank(other) ? one : other
}

function rank(level: SigningLevel): number {
  return signingLevels.indexOf(level)
}

function idOf(target: PolicyTarget): string {
  return 'organization' in target ? target.organization.id : target.repo.id
}

function ownerOf(target: PolicyTarget): OwnerFacts {
  return 'organization' in target ? target.organization : target.repo.owner
}

function named(target: PolicyTarget) {
  const owner = ownerOf(target)
  const resource =
    'organization' in target
      ? { kind: 'organization', id: owner.id, name: owner.name }
      : { kind: target.repo.kind, id: target.repo.id, name: `${owner.name}/${target.repo.name}` }
  return { resource, ownerId: owner.id }
}
