/**
 * Which access tokens of its members an organization takes, the list of those that reach it (never their values), and what its administrators
 * say of single ones: approve, deny, revoke. A revocation holds here alone; elsewhere the token works on.
 */
import { tokenHash } from '../../access/credentials.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import { accountOf } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import { type TokenPolicy, type TokenRestriction, tokenRestriction } from '../../domain/token-policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { firstAdmins } from '../organizations/service.ts'
import {
  findReaching,
  forgetApprovals,
  listReaching,
  listWaiting,
  lockPolicy,
  type PolicyRow,
  putVerdict,
  type ReachingToken,
  selectPolicy,
  type TokenMark,
  updatePolicy,
} from './queries.ts'

export type { TokenMark } from './queries.ts'
export { organizationRadar } from './radar.ts'

export interface OrganizationTokenPolicy {
  readonly policy: TokenPolicy
  /** Days from making or rotating a token to its expiry; null: any number, and tokens that never expire. */
  readonly mostDays: number | null
  /** Whether classic write tokens of administrators administer the organization. */
  readonly classicTokensAdminister: boolean
}

/** Longer is as good as none. */
export const longestLifetimeDays = 3_650

/** Throws `organization_not_found` where it was deleted meanwhile. */
export async function getTokenPolicy(hub: Hub, organizationId: string): Promise<OrganizationTokenPolicy> {
  const row = await selectPolicy(hub.db, organizationId)
  if (row === null) throw new HoldfastError('organization_not_found')
  return ofRow(row)
}

/** What is absent stays. */
export async function setTokenPolicy(
  hub: Hub,
  allowed: Allowed<'org.token_policy.update'>,
  origin: Origin,
  change: Partial<OrganizationTokenPolicy>,
): Promise<OrganizationTokenPolicy> {
  return await hub.transaction((tx) => setTokenPolicyIn(hub, tx, allowed, origin, change))
}

/** `setTokenPolicy` inside a transaction. */
export async function setTokenPolicyIn(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.token_policy.update'>,
  origin: Origin,
  change: Partial<OrganizationTokenPolicy>,
): Promise<OrganizationTokenPolicy> {
  const organization = allowed.resource
  const row = await lockPolicy(tx, hub.db.dialect, organization.id)
  if (row === null) throw new HoldfastError('organization_not_found')
  const before = ofRow(row)
  const after = { ...before, ...change }
  const changed = (Object.keys(after) as (keyof OrganizationTokenPolicy)[]).filter((key) => before[key] !== after[key])
  if (changed.length === 0) return before
  await updatePolicy(tx, organization.id, {
    tokenPolicy: after.policy,
    mostTokenDays: after.mostDays,
    classicTokensAdminister: after.classicTokensAdminister ? 1 : 0,
  })
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'organization', id: organization.id, name: organization.name },
    ownerId: organization.id,
    data: Object.fromEntries(changed.map((key) => [key, { from: before[key], to: after[key] }])),
  })
  return after
}

function ofRow(row: PolicyRow): OrganizationTokenPolicy {
  return {
    policy: row.tokenPolicy,
    mostDays: row.mostTokenDays,
    classicTokensAdminister: row.classicTokensAdminister === 1,
  }
}

export type ListedToken = ReachingToken & {
  /** Why it is not taken as things are; null: it is. */
  readonly restriction: TokenRestriction | null
}

export interface TokenPage {
  readonly policy: OrganizationTokenPolicy
  readonly tokens: readonly ListedToken[]
  readonly next: TokenMark | null
}

/** Tokens of members that reach the organization, by their owners. */
export async function listTokens(
  hub: Hub,
  allowed: Allowed<'org.token.read'>,
  page: { readonly after: TokenMark | null; readonly limit: number; readonly isWaiting: boolean },
): Promise<TokenPage> {
  const { id } = allowed.resource
  const policy = await getTokenPolicy(hub, id)
  // Where nobody asks for approval, nothing waits for it.
  if (page.isWaiting && policy.policy !== 'approval') return { policy, tokens: [], next: null }
  const rows = await listReaching(hub.db, id, hub.clock.now(), { ...page, limit: page.limit + 1 })
  const tokens = rows.slice(0, page.limit).map((row) => ({ ...row, restriction: restrictionIn(policy, row) }))
  const last = tokens.at(-1)
  return {
    policy,
    tokens,
    next: rows.length > page.limit && last !== undefined ? { ownerId: last.ownerId, id: last.id } : null,
  }
}

/** Whether a member's token could reach it, as far as the token itself says; also where it was revoked for it. */
export async function reachesOrganization(hub: Hub, organizationId: string, tokenId: string): Promise<boolean> {
  return (await findReaching(hub.db.read, organizationId, hub.clock.now(), { id: tokenId })) !== null
}

/** Null for one that does not reach it, or was revoked. */
export async function findListed(
  hub: Hub,
  allowed: Allowed<'org.token.read'>,
  id: string,
): Promise<ListedToken | null> {
  const [policy, token] = await Promise.all([
    getTokenPolicy(hub, allowed.resource.id),
    findReaching(hub.db.read, allowed.resource.id, hub.clock.now(), { id }),
  ])
  return token === null || token.verdict === 'revoked' ? null : { ...token, restriction: restrictionIn(policy, token) }
}

function restrictionIn(policy: OrganizationTokenPolicy, token: ReachingToken): TokenRestriction | null {
  return tokenRestriction(policy, token, token.verdict, token.ownerRole === 'admin')
}

/** Throws `not_found` for what does not reach the organization, and `token_revoked_already` for what was revoked: that is for good. */
export async function judgeToken(
  hub: Hub,
  allowed: Allowed<'org.token.approve'>,
  origin: Origin,
  tokenId: string,
  verdict: 'approved' | 'denied',
): Promise<void> {
  await hub.transaction(async (tx) => {
    const token = await findReaching(tx, allowed.resource.id, hub.clock.now(), { id: tokenId })
    if (token === null || token.role !== 'fineGrained') throw new HoldfastError('not_found')
    if (token.verdict === verdict) return
    await say(hub, tx, allowed, origin, token, verdict)
  })
}

/**
 * For good, whatever the policy is. `by`: its id, or its value, which who found one has. Throws `not_found`, and `own_token` for one's own,
 * which can be deleted instead. What is revoked already stays so.
 */
export async function revokeToken(
  hub: Hub,
  allowed: Allowed<'org.token.revoke'>,
  origin: Origin,
  by: { readonly id: string } | { readonly value: string },
): Promise<void> {
  const key = 'id' in by ? by : { hash: tokenHash(hub.keys, by.value.trim()) }
  await hub.transaction(async (tx) => {
    const token = await findReaching(tx, allowed.resource.id, hub.clock.now(), key)
    if (token === null) throw new HoldfastError('not_found')
    if (token.ownerId === accountOf(allowed.principal)?.id) throw new HoldfastError('own_token')
    if (token.verdict === 'revoked') return
    await say(hub, tx, allowed, origin, token, 'revoked')
  })
}

async function say(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'org.token.approve' | 'org.token.revoke'>,
  origin: Origin,
  token: ReachingToken,
  verdict: 'approved' | 'denied' | 'revoked',
): Promise<void> {
  const { resource: organization, principal } = allowed
  const decidedBy = principal.kind === 'user' ? principal.id : null
  const row = { tokenId: token.id, organizationId: organization.id, verdict, decidedBy, decidedAt: hub.clock.now() }
  if (!(await putVerdict(tx, row))) throw new HoldfastError('token_revoked_already')
  const data: EventData = { owner: token.ownerName, last4: token.last4, role: token.role }
  await recordEvent(hub, tx, allowed, origin, {
    action: `org.token.${verdict === 'approved' ? 'approve' : verdict === 'denied' ? 'deny' : 'revoke'}`,
    resource: { kind: 'token', id: token.id, name: token.name },
    ownerId: organization.id,
    data,
  })
  await enqueueMail(hub, tx, {
    kind: 'token-judged',
    userId: token.ownerId,
    token: token.name,
    last4: token.last4,
    organization: organization.name,
    verdict,
  })
}

/** As many administrators hear of a token that waits. */
const mostTold = 5

/**
 * After a fine-grained token was made, or lists something else: an approval was of what it listed before, and administrators of organizations
 * that ask for one are told that it waits.
 */
export async function askForApproval(
  hub: Hub,
  tx: Tx,
  token: { readonly id: string; readonly name: string; readonly last4: string },
  owner: { readonly id: string; readonly name: string },
): Promise<void> {
  await forgetApprovals(tx, token.id)
  for (const { organizationId, name: organization } of await listWaiting(tx, token.id, owner.id, hub.clock.now())) {
    for (const userId of await firstAdmins(tx, organizationId, mostTold)) {
      const { last4 } = token
      await enqueueMail(hub, tx, { kind: 'token-waits', userId, owner: owner.name, last4, organization })
    }
  }
}
