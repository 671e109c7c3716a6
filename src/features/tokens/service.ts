/**
 * Access tokens of people. Only a session makes, changes or ends them (UAT-14), and only one's own (UAT-13). How tokens are kept stands in
 * store.ts, which service accounts share.
 */
import { noFence } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { askForApproval } from '../organization-tokens/service.ts'
import { type ChildToken, listChildren, refuseChild } from './derive.ts'
import type { TokenOwner } from './grants.ts'
import { fenceInWords, parseFence, type RequestedFence } from './requested-fence.ts'
import {
  permissionsInWords,
  type RequestedPermissions,
  resolveKept,
  resolvePermissions,
} from './requested-permissions.ts'
import {
  changeStored,
  closeOldValue,
  findStored,
  listStored,
  parseExpiry,
  parseTokenName,
  removeStored,
  storeNewValue,
  storeToken,
} from './store.ts'
import type { MadeToken, StoredToken, Token, TokenRole } from './token.ts'

export { viewOfChild } from './child-view.ts'
export { type ChildToken, listChildren, refuseChild } from './derive.ts'
export { fenceAsSent, fenceFields, fenceFromForm } from './fence-form.ts'
export { limitsShape } from './fence-shape.ts'
export {
  type EntityReference,
  type EntityType,
  entityTypes,
  type Grant,
  parseScoped,
  type RequestedGrant,
  type ResolvedGrant,
  resolveEntity,
  type TokenOwner,
  unseenRepo,
} from './grants.ts'
export { type Exposure, leakJobs, mostAdminsTold, revokeLeaked } from './leaked.ts'
export { overlapOf, viewOfOldValue } from './old-value-view.ts'
export { leastRoleFor } from './picker.ts'
export { unticked } from './picking.ts'
export { presentChild, presentFence, presentGrant, presentOldValue } from './present.ts'
export type { LiveToken } from './queries.ts'
export { type Finding, ownRadar } from './radar.ts'
export { addedInstead, isTypedAndLeft, suggestRepos } from './repo-suggestions.ts'
export { fenceInWords, parseFence, type RequestedFence } from './requested-fence.ts'
export {
  noPermissions,
  permissionsInWords,
  type RequestedPermissions,
  type ResolvedPermissions,
  resolveKept,
  resolvePermissions,
} from './requested-permissions.ts'
export { scheduleForgettingValues, sightingJobs } from './sightings.ts'
export {
  changeStored,
  closeOldValue,
  type EndedToken,
  findStored,
  grantsOfToken,
  listStored,
  longestOverlapSeconds,
  parseExpiry,
  parseTokenName,
  type RemovedToken,
  rememberEnded,
  removeStored,
  type StoredChange,
  storeNewValue,
  storeToken,
  tokenNameLimit,
} from './store.ts'
export type { MadeToken, StoredToken, Token, TokenRole } from './token.ts'
export {
  type Proposal,
  proposeShrink,
  type SeenCaller,
  type TouchedThing,
  type UsageReport,
  usageOf,
} from './usage.ts'
export { presentProposal, presentUsage } from './usage-present.ts'
export { viewOfShrink, viewOfUsage } from './usage-view.ts'

export interface NewToken extends RequestedFence {
  readonly name: string
  readonly role: TokenRole
  /** Only for `fineGrained`. */
  readonly fineGrained?: RequestedPermissions
  /** Milliseconds; null or absent: never. */
  readonly expiresAt?: number | null
}

/**
 * `owner`: the caller, or whom the command line names. Throws `token_name_taken`, `email_not_verified`, or `invalid_input` for a name, a
 * time or permissions that cannot be.
 */
export async function createToken(
  hub: Hub,
  allowed: Allowed<'token.create'>,
  origin: Origin,
  input: NewToken,
  onBehalfOf?: TokenOwner,
): Promise<MadeToken> {
  const owner = ownerOf(allowed, onBehalfOf)
  await requireVerifiedEmail(hub, owner.id)
  const name = parseTokenName(input.name)
  if (input.role !== 'fineGrained' && input.fineGrained !== undefined) {
    throw new HoldfastError('invalid_input', { reason: 'Only a fine-grained token lists permissions.' })
  }
  const permissions = await resolvePermissions(hub, owner, input.fineGrained)
  const expiresAt = parseExpiry(input.expiresAt ?? null, hub.clock.now())
  const fence = parseFence(noFence, input)
  const { id, value } = await hub.transaction(async (tx) => {
    const made = await storeToken(hub, tx, owner.id, {
      name,
      role: input.role,
      description: null,
      permissions,
      endpointPatterns: [],
      fence,
      expiresAt,
    })
    const data = {
      role: input.role,
      expiresAt,
      permissions: permissionsInWords(permissions),
      fence: fenceInWords(fence),
    }
    await record(hub, tx, allowed, origin, owner, { ...made, name }, data)
    await askForApproval(hub, tx, { ...made, name }, owner)
    return made
  })
  return { value, token: await getOwn(hub, owner.id, id) }
}

/** The newest first; all of them, since there are never many. */
export async function listOwnTokens(hub: Hub, allowed: Allowed<'token.read'>): Promise<Token[]> {
  return (await listStored(hub.db.read, ownerOf(allowed).id, hub.clock.now())).map(personal)
}

/** Throws `not_found` for what is not one's own. */
export async function getOwnToken(hub: Hub, allowed: Allowed<'token.read'>, id: string): Promise<Token> {
  return await getOwn(hub, ownerOf(allowed).id, id)
}

/** Name and permissions; its role stays what it is (UAT-21). Throws as `createToken` does, and `not_found`. */
export async function updateOwnToken(
  hub: Hub,
  allowed: Allowed<'token.update'>,
  origin: Origin,
  id: string,
  change: { readonly name?: string; readonly fineGrained?: RequestedPermissions } & RequestedFence,
): Promise<Token> {
  const owner = ownerOf(allowed)
  const before = await getOwn(hub, owner.id, id)
  refuseChild(before)
  if (change.fineGrained !== undefined && before.role !== 'fineGrained') {
    throw new HoldfastError('invalid_input', { reason: 'Only a fine-grained token lists permissions.' })
  }
  const name = change.name === undefined ? before.name : parseTokenName(change.name)
  const permissions =
    change.fineGrained === undefined ? undefined : await resolveKept(hub, owner, before, change.fineGrained)
  const fence = parseFence(before.fence, change)
  await hub.transaction(async (tx) => {
    if ((await findStored(tx, owner.id, id, hub.clock.now())) === null) throw new HoldfastError('not_found')
    await changeStored(tx, owner.id, id, { name, permissions, fence })
    const data = {
      from: { name: before.name, permissions: permissionsInWords(before), fence: fenceInWords(before.fence) },
      to: { name, permissions: permissionsInWords(permissions ?? before), fence: fenceInWords(fence) },
    }
    await record(hub, tx, allowed, origin, owner, { id, name, last4: before.last4 }, data)
    if (permissions !== undefined) await askForApproval(hub, tx, { id, name, last4: before.last4 }, owner)
  })
  return await getOwn(hub, owner.id, id)
}

/** Narrower ones that it derived and that are still taken, the newest first. Throws `not_found`. */
export async function listOwnChildren(hub: Hub, allowed: Allowed<'token.read'>, id: string): Promise<ChildToken[]> {
  const owner = ownerOf(allowed)
  await getOwn(hub, owner.id, id)
  return await listChildren(hub.db.read, owner.id, id, hub.clock.now())
}

/**
 * A new value for the same token; the old one is refused from the next request, or goes on for `overlapSeconds`. `expiresAt` absent keeps the
 * expiry (UAT-21). Throws `rotated_meanwhile` for the later of two that come at once, and `not_found`.
 */
export async function rotateOwnToken(
  hub: Hub,
  allowed: Allowed<'token.rotate'>,
  origin: Origin,
  id: string,
  change: { readonly expiresAt?: number | null; readonly overlapSeconds?: number },
): Promise<MadeToken> {
  const owner = ownerOf(allowed)
  const before = await findStored(hub.db.read, owner.id, id, hub.clock.now())
  if (before === null) throw new HoldfastError('not_found')
  refuseChild(before.token)
  const { name, last4: oldLast4 } = before.token
  const expiresAt = parseExpiry(
    change.expiresAt === undefined ? before.token.expiresAt : change.expiresAt,
    hub.clock.now(),
  )
  const { value } = await hub.transaction(async (tx) => {
    const overlapSeconds = change.overlapSeconds ?? 0
    const made = await storeNewValue(hub, tx, owner.id, before, { expiresAt, overlapSeconds })
    const data = { oldLast4, oldUntil: made.oldUntil, expiresAt }
    await record(hub, tx, allowed, origin, owner, { id, name, last4: made.last4 }, data)
    return made
  })
  return { value, token: await getOwn(hub, owner.id, id) }
}

/** Ends the time of the old value early: it is refused from the next request. Throws `not_found` where no old value is taken. */
export async function finishOwnRotation(
  hub: Hub,
  allowed: Allowed<'token.delete'>,
  origin: Origin,
  id: string,
): Promise<Token> {
  const owner = ownerOf(allowed)
  await hub.transaction(async (tx) => {
    const found = await findStored(tx, owner.id, id, hub.clock.now())
    if (found === null) throw new HoldfastError('not_found')
    const { last4: oldLast4 } = await closeOldValue(hub, tx, owner.id, id)
    const { name, last4 } = found.token
    await recordEvent(hub, tx, allowed, origin, {
      action: 'token.finish_rotation',
      resource: { kind: 'token', id, name },
      ownerId: owner.id,
      data: { owner: owner.name, last4, oldLast4 },
    })
  })
  return await getOwn(hub, owner.id, id)
}

/** Throws `not_found`. */
export async function deleteOwnToken(
  hub: Hub,
  allowed: Allowed<'token.delete'>,
  origin: Origin,
  id: string,
): Promise<void> {
  const removed = await removeTokens(hub, allowed, origin, id)
  if (removed === 0) throw new HoldfastError('not_found')
}

/** Returns how many there were. */
export async function deleteAllOwnTokens(hub: Hub, allowed: Allowed<'token.delete'>, origin: Origin): Promise<number> {
  return await removeTokens(hub, allowed, origin, null)
}

async function removeTokens(
  hub: Hub,
  allowed: Allowed<'token.delete'>,
  origin: Origin,
  id: string | null,
): Promise<number> {
  const owner = ownerOf(allowed)
  return await hub.transaction(async (tx) => {
    const removed = await removeStored(hub, tx, owner.id, id)
    for (const token of removed) await record(hub, tx, allowed, origin, owner, token, { role: token.role })
    return removed.length
  })
}

async function getOwn(hub: Hub, ownerId: string, id: string): Promise<Token> {
  const found = await findStored(hub.db.read, ownerId, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  return personal(found.token)
}

/** Only a service account's tokens inherit. */
function personal(token: StoredToken): Token {
  if (token.role === 'inherit') throw new Error(`Token ${token.id} of a person inherits.`)
  return { ...token, role: token.role }
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'token.create' | 'token.update' | 'token.rotate' | 'token.delete'>,
  origin: Origin,
  owner: TokenOwner,
  token: { readonly id: string; readonly name: string; readonly last4: string },
  data: Parameters<typeof recordEvent>[4]['data'],
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'token', id: token.id, name: token.name },
    ownerId: owner.id,
    data: { owner: owner.name, last4: token.last4, ...data },
  })
}

/** Somebody else's name counts only where the hub itself acts: no request can pass one. */
function ownerOf(
  allowed: Allowed<'token.read' | 'token.create' | 'token.update' | 'token.rotate' | 'token.delete'>,
  onBehalfOf?: TokenOwner,
): TokenOwner {
  const { principal } = allowed
  if (principal.kind === 'user') return principal
  if (principal.kind === 'system' && onBehalfOf !== undefined) return onBehalfOf
  throw new Error('A token belongs to a person.')
}
