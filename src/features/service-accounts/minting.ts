/**
 * No credential makes another that is more than itself (SA-11). Sessions and classic write tokens of administrators are bound by their role
 * alone, as everywhere. A fine-grained token, of a person or of a service account, holds a part of that, and gives only from this part:
 * else whoever finds one that may "manage service accounts" would have the whole organization one request later.
 */
import { type Fence, noFence } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import { atLeast, type Role } from '../../domain/role.ts'
import { isWithinLimits } from '../../domain/token-limits.ts'
import type { Hub } from '../../hub.ts'
import { findStored, type ResolvedGrant, type StoredToken } from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import { repoPermissions } from './ceiling.ts'
import { findAccount, findRepos } from './queries.ts'

/** A fine-grained token that gives. `Minter` null: whoever acts is bound by their role alone. */
interface BoundMinter {
  readonly tokenId: string
  readonly permissions: ReadonlyMap<string, readonly string[]>
  /** What a service account's token lists for single repos stands there in place of the rest (SA-23). Empty for people. */
  readonly overrides: ReadonlyMap<string, readonly string[]>
  readonly endpointPatterns: readonly string[]
  /** Of the token or of its account, whichever comes first. */
  readonly expiresAt: number | null
}
export type Minter = BoundMinter | null

/**
 * The value that a token had before it was refreshed makes nothing that would outlive it: whoever refreshed it because it leaked may be ahead of
 * the finder. Throws `former_value`.
 */
export function refuseFormerValue({ credential }: Allowed<Action>): void {
  if (credential?.kind !== 'token' || credential.former === null) return
  throw new HoldfastError('former_value', {}, { denied: { code: 'former_value', need: 'the new value of the token' } })
}

/** Throws `former_value`. */
export async function minterOf(hub: Hub, allowed: Allowed<Action>): Promise<Minter> {
  refuseFormerValue(allowed)
  const { principal, credential } = allowed
  // What it made would outlive it.
  if (credential?.kind === 'token' && credential.parent !== null) {
    throw new HoldfastError('child_token', {}, { denied: { code: 'child_token' } })
  }
  if (principal.kind === 'system' || credential?.kind === 'session') return null
  if (principal.kind === 'anonymous' || credential === null) throw new Error('Nobody manages service accounts.')
  if (credential.role === 'write' && principal.kind === 'user') return null
  const stored = await findStored(hub.db.read, principal.id, credential.id, hub.clock.now())
  if (stored === null) throw new HoldfastError('invalid_credentials', {}, { denied: { code: 'invalid_credentials' } })
  const isMachine = principal.kind === 'service-account'
  const account = isMachine
    ? await findAccount(hub.db.read, principal.organization.id, principal.id, hub.clock.now())
    : null
  const { scoped, endpointPatterns } = stored.token
  const onRepos = scoped.filter(({ type }) => type !== 'org' && type !== 'user' && type !== 'resource-group')
  return {
    tokenId: credential.id,
    permissions: new Map(scoped.map(({ id, permissions }) => [id, permissions])),
    overrides: new Map(isMachine ? onRepos.map(({ id, permissions }) => [id, permissions]) : []),
    endpointPatterns,
    expiresAt: earlier(stored.token.expiresAt, account?.expiresAt ?? null),
  }
}

/** What a token is to be, or is. */
type Given = Pick<StoredToken, 'endpointPatterns'> & {
  readonly role: StoredToken['role']
  readonly scoped: readonly ResolvedGrant[]
}

/** Throws `beyond_minter` where `given` holds anything that the minter does not. */
export async function requireHeld(hub: Hub, minter: Minter, organizationId: string, given: Given): Promise<void> {
  if (minter === null) return
  if (given.role !== 'fineGrained') throw beyond('all that the account may do', 'inherit')
  const repos = await findRepos(
    hub.db,
    given.scoped.map(({ id }) => id),
  )
  const workspaces = new Map(repos.map(({ id, workspaceId }) => [id, workspaceId]))
  for (const grant of given.scoped) {
    const isWide = grant.type === 'org' || grant.type === 'resource-group'
    const place = workspaces.get(grant.id) ?? null
    for (const permission of grant.permissions) {
      const holds = isWide
        ? holdsWidely(minter, organizationId, grant, permission)
        : holdsOnRepo(minter, organizationId, grant.id, place, permission)
      if (!holds) throw beyond(`${permission} on ${grant.name}`, permission)
    }
  }
  const isForEndpoints = given.scoped.some(({ permissions }) => permissions.some(isEndpointPermission))
  if (minter.endpointPatterns.length > 0 && isForEndpoints) {
    const known = given.endpointPatterns.every((pattern) => minter.endpointPatterns.includes(pattern))
    if (given.endpointPatterns.length === 0 || !known) throw beyond('other inference endpoints', 'endpointPatterns')
  }
}

/** A permission on all of the organization, or on a workspace, reaches the repos that the minter is kept from one by one. */
function holdsWidely(minter: BoundMinter, organizationId: string, grant: ResolvedGrant, permission: string): boolean {
  const listed = [organizationId, grant.id].some((id) => minter.permissions.get(id)?.includes(permission) === true)
  if (!listed || !repoPermissions.some((each) => each === permission)) return listed
  return [...minter.overrides.values()].every((permissions) => permissions.includes(permission))
}

function holdsOnRepo(
  minter: BoundMinter,
  organizationId: string,
  repoId: string,
  workspaceId: string | null,
  permission: string,
): boolean {
  const override = minter.overrides.get(repoId)
  if (override !== undefined) return override.includes(permission)
  return [organizationId, workspaceId ?? '', repoId].some(
    (id) => minter.permissions.get(id)?.includes(permission) === true,
  )
}

const isEndpointPermission = (permission: string): boolean => permission.startsWith('inference.endpoints.')

/** When a token ends that this minter makes: asked for, or else as soon as the minter itself. Throws `beyond_minter` for later. */
export function expiryWithin(minter: Minter, expiresAt: number | null | undefined): number | null {
  if (minter === null || minter.expiresAt === null) return expiresAt ?? null
  if (expiresAt === undefined) return minter.expiresAt
  if (expiresAt === null || expiresAt > minter.expiresAt) {
    throw beyond(`a life beyond ${new Date(minter.expiresAt).toISOString()}`, 'expiresAt')
  }
  return expiresAt
}

/** Whether it is the minter's own token that is refreshed: its life may go on as it was. */
export const isItself = (minter: Minter, tokenId: string): boolean => minter !== null && minter.tokenId === tokenId

/** A token that is fenced in makes what is fenced in alike, unless it says otherwise. */
export function fenceOfMinter({ credential }: Allowed<Action>): Fence {
  return credential?.kind === 'token'
    ? { ...credential.limits, networks: credential.networks, notBefore: null }
    : noFence
}

/** Throws `beyond_minter` for what is taken from where the minter is not, whatever its role. */
export function requireWithinFence({ credential }: Allowed<Action>, fence: Fence): void {
  if (credential?.kind !== 'token') return
  if (!isWithinLimits(fence, credential.limits)) throw beyond('fewer limits', 'limits')
  if (credential.networks.length === 0) return
  const isWithin = fence.networks.length > 0 && fence.networks.every((network) => credential.networks.includes(network))
  if (!isWithin) throw beyond('other networks', 'networks')
}

/** The role of a new account: below admin, for tokens will be made for it by whoever gets hold of this one. */
export function requireRoleToGive(minter: Minter, role: Role): void {
  if (minter !== null && role === 'admin') throw beyond('the role admin', 'admin')
}

/**
 * What would make tokens stronger that are out there, in the hands of whoever has their values: a higher role, or a later end of the
 * account.
 */
export function requireNoWidening(
  minter: Minter,
  before: ServiceAccount,
  change: { readonly role?: Role | undefined; readonly expiresAt?: number | null | undefined },
): void {
  if (minter === null) return
  const { role, expiresAt } = change
  // What it is for a while, it is not for good.
  const lasting = before.temporary === null ? before.role : before.temporary.roleAfter
  if (role !== undefined && !atLeast(lasting, role)) throw beyond(`the role ${role}`, role)
  if (expiresAt === undefined || before.expiresAt === null) return
  if (expiresAt === null || expiresAt > before.expiresAt) throw beyond('a later end of the account', 'expiresAt')
}

function beyond(what: string, need: string): HoldfastError {
  return new HoldfastError('beyond_minter', { what }, { denied: { code: 'beyond_minter', need, have: 'less' } })
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}
