/**
 * Tokens of service accounts. A scoped one lists what it may do, in the whole organization, in workspaces or on single repos, where what it
 * lists for a repo stands in place of the rest (SA-23); one that inherits may do what its account may, and only if it was asked for by name
 * (SA-20). Every change holds the account's row, so that none slips past its being disabled.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { OwnerFacts } from '../../domain/facts.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import {
  type ChildToken,
  changeStored,
  closeOldValue,
  fenceInWords,
  findStored,
  type Grant,
  listChildren,
  listStored,
  parseExpiry,
  parseFence,
  parseTokenName,
  permissionsInWords,
  type RequestedFence,
  type RequestedGrant,
  type ResolvedPermissions,
  refuseChild,
  removeStored,
  type StoredToken,
  storeNewValue,
  storeToken,
} from '../tokens/service.ts'
import { parseRemark, requireActive, type ServiceAccount } from './account.ts'
import { ceilingOf, shortfallsOf } from './ceiling.ts'
import { judgeGrants } from './judge-grants.ts'
import {
  expiryWithin,
  fenceOfMinter,
  isItself,
  type Minter,
  minterOf,
  refuseFormerValue,
  requireHeld,
  requireWithinFence,
} from './minting.ts'
import { findAccount, lockAccount } from './queries.ts'

type TokenAction = `org.service_account.token.${'create' | 'update' | 'rotate' | 'delete'}`

/** `inherit`: all that the account may do. */
export type TokenMode = 'scoped' | 'inherit'

export interface AccountToken extends StoredToken {
  readonly mode: TokenMode
  readonly scoped: readonly AccountGrant[]
}

export interface AccountGrant extends Grant {
  /** Permissions that give nothing today, because the account may not do what they open. */
  readonly lost: readonly string[]
}

export interface MadeAccountToken {
  readonly value: string
  readonly token: AccountToken
}

/** What is absent of its fence: none, or that of the token that makes it. */
export interface NewAccountToken extends RequestedFence {
  /** Absent: "API Token", with a number where that is taken. */
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly mode?: TokenMode | undefined
  readonly scoped?: readonly RequestedGrant[] | undefined
  readonly endpointPatterns?: readonly string[] | undefined
  /** Milliseconds; null: never. Absent: never, or as long as the token that makes it. */
  readonly expiresAt?: number | null | undefined
}

/**
 * Throws `service_account_not_found`, `service_account_disabled`, `service_account_expired`, `token_name_taken`, `invalid_input`,
 * `beyond_ceiling`, `workspace_role_missing` or `beyond_minter`.
 */
export async function createAccountToken(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.create'>,
  origin: Origin,
  accountId: string,
  input: NewAccountToken,
): Promise<MadeAccountToken> {
  const organization = allowed.resource
  const account = await getAccount(hub, organization, accountId)
  requireActive(account, hub.clock.now())
  const minter = await minterOf(hub, allowed)
  const given = input.name === undefined ? null : parseTokenName(input.name)
  const description = parseRemark(input.description, 'description')
  const role = input.mode === 'inherit' ? 'inherit' : 'fineGrained'
  const permissions = await judgeGrants(hub, minter, organization, account, null, input)
  const endpointPatterns = input.endpointPatterns ?? []
  await requireHeld(hub, minter, organization.id, { role, scoped: permissions.scoped, endpointPatterns })
  const expiresAt = parseExpiry(expiryWithin(minter, input.expiresAt), hub.clock.now())
  const fence = parseFence(fenceOfMinter(allowed), input)
  requireWithinFence(allowed, fence)
  const { id, value } = await hub.transaction(async (tx) => {
    const locked = await lock(hub, tx, allowed, accountId)
    const name = given ?? freeName((await listStored(tx, accountId, hub.clock.now())).map((token) => token.name))
    const made = await storeToken(hub, tx, accountId, {
      name,
      role,
      description,
      permissions,
      endpointPatterns,
      fence,
      expiresAt,
    })
    await record(
      hub,
      tx,
      allowed,
      origin,
      locked,
      { ...made, name },
      { ...inEvent({ role, ...permissions }), expiresAt, fence: fenceInWords(fence) },
    )
    return made
  })
  return { value, token: await getAccountToken(hub, organization, account, id) }
}

/** Narrower ones that a token of the account derived and that are still taken. Throws `not_found`. */
export async function listAccountChildren(hub: Hub, account: ServiceAccount, id: string): Promise<ChildToken[]> {
  if ((await findStored(hub.db.read, account.id, id, hub.clock.now())) === null) throw new HoldfastError('not_found')
  return await listChildren(hub.db.read, account.id, id, hub.clock.now())
}

/** The newest first. */
export async function listAccountTokens(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
): Promise<AccountToken[]> {
  return await withLosses(hub, organization, account, await listStored(hub.db.read, account.id, hub.clock.now()))
}

/** Throws `not_found`. */
export async function getAccountToken(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  id: string,
): Promise<AccountToken> {
  const found = await findStored(hub.db.read, account.id, id, hub.clock.now())
  const [token] = found === null ? [] : await withLosses(hub, organization, account, [found.token])
  if (token === undefined) throw new HoldfastError('not_found')
  return token
}

export interface AccountTokenChange extends RequestedFence {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly mode?: TokenMode | undefined
  /** In place of everything that it lists. */
  readonly scoped?: readonly RequestedGrant[] | undefined
  readonly endpointPatterns?: readonly string[] | undefined
  /** Earlier than it was: a longer life needs a new value (SA-24). */
  readonly expiresAt?: number | null | undefined
}

/** What is absent stays; the value does. Throws as `createAccountToken` does, `not_found`, and `token_changed_meanwhile`. */
export async function updateAccountToken(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.update'>,
  origin: Origin,
  accountId: string,
  id: string,
  change: AccountTokenChange,
): Promise<AccountToken> {
  const organization = allowed.resource
  const account = await getAccount(hub, organization, accountId)
  const minter = await minterOf(hub, allowed)
  const found = await findStored(hub.db.read, accountId, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  const before = found.token
  refuseChild(before)
  const role = change.mode === undefined ? before.role : change.mode === 'inherit' ? 'inherit' : 'fineGrained'
  const regrants = change.scoped !== undefined || change.mode !== undefined
  const permissions = regrants ? await judgeGrants(hub, minter, organization, account, before, change) : undefined
  const { name, description, endpointPatterns } = {
    name: change.name === undefined ? before.name : parseTokenName(change.name),
    description: change.description === undefined ? before.description : parseRemark(change.description, 'description'),
    endpointPatterns: change.endpointPatterns ?? before.endpointPatterns,
  }
  if (regrants || change.endpointPatterns !== undefined) {
    // All of it, not what was added: to take away what it lists for a repo can give more.
    const scoped = permissions?.scoped ?? before.scoped
    await requireHeld(hub, minter, organization.id, { role, scoped, endpointPatterns })
  }
  const expiresAt = shortened(before.expiresAt, change.expiresAt, hub.clock.now())
  const fence = parseFence(before.fence, change)
  // Also where it stays: to give more to a token that is taken from elsewhere reaches as far.
  const refences = [change.networks, change.paths, change.programs, change.requestsPerMinute, change.bytesPerDay].some(
    (one) => one !== undefined,
  )
  if (regrants || refences) requireWithinFence(allowed, fence)
  await hub.transaction(async (tx) => {
    const locked = await lock(hub, tx, allowed, accountId, { evenInactive: true })
    await requireUnchanged(hub, tx, accountId, before)
    await changeStored(tx, accountId, id, { name, description, role, permissions, endpointPatterns, fence, expiresAt })
    const after = { ...before, ...permissions, role }
    await record(
      hub,
      tx,
      allowed,
      origin,
      locked,
      { id, name, last4: before.last4 },
      {
        from: {
          name: before.name,
          ...inEvent(before),
          expiresAt: before.expiresAt,
          fence: fenceInWords(before.fence),
        },
        to: { name, ...inEvent(after), expiresAt, fence: fenceInWords(fence) },
      },
    )
  })
  return await getAccountToken(hub, organization, account, id)
}

/**
 * A new value; the old one is refused from the next request on (SA-25), or goes on for `overlapSeconds`. `expiresAt` absent: as long a life as it had. Throws
 * `rotated_meanwhile` for the later of two that come at once (SA-26), and as `createAccountToken` does.
 */
export async function rotateAccountToken(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.rotate'>,
  origin: Origin,
  accountId: string,
  id: string,
  change: { readonly expiresAt?: number | null | undefined; readonly overlapSeconds?: number | undefined },
): Promise<MadeAccountToken> {
  const organization = allowed.resource
  const account = await getAccount(hub, organization, accountId)
  requireActive(account, hub.clock.now())
  const found = await findStored(hub.db.read, accountId, id, hub.clock.now())
  if (found === null) throw new HoldfastError('not_found')
  const before = found.token
  refuseChild(before)
  const minter = await minterOf(hub, allowed)
  // Whoever refreshes it has its value.
  requireWithinFence(allowed, before.fence)
  await requireHeld(hub, minter, organization.id, before)
  const now = hub.clock.now()
  const again = before.expiresAt === null ? null : now + before.expiresAt - (before.rotatedAt ?? before.createdAt)
  const expiresAt = parseExpiry(rotatedExpiry(minter, before, again, change.expiresAt), now)
  const { value } = await hub.transaction(async (tx) => {
    const locked = await lock(hub, tx, allowed, accountId)
    const overlapSeconds = change.overlapSeconds ?? 0
    const made = await storeNewValue(hub, tx, accountId, found, { expiresAt, overlapSeconds })
    await requireUnchanged(hub, tx, accountId, before)
    await record(
      hub,
      tx,
      allowed,
      origin,
      locked,
      { id, name: before.name, last4: made.last4 },
      {
        oldLast4: before.last4,
        oldUntil: made.oldUntil,
        expiresAt,
      },
    )
    return made
  })
  return { value, token: await getAccountToken(hub, organization, account, id) }
}

/** Ends the time of the old value early. Throws `not_found` where no old value is taken. */
export async function finishAccountRotation(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.delete'>,
  origin: Origin,
  accountId: string,
  id: string,
): Promise<AccountToken> {
  const organization = allowed.resource
  refuseFormerValue(allowed)
  const account = await hub.transaction(async (tx) => {
    const locked = await lock(hub, tx, allowed, accountId, { evenInactive: true })
    const found = await findStored(tx, accountId, id, hub.clock.now())
    if (found === null) throw new HoldfastError('not_found')
    const { last4: oldLast4 } = await closeOldValue(hub, tx, accountId, id)
    const action = 'org.service_account.token.finish_rotation'
    await record(hub, tx, allowed, origin, locked, found.token, { oldLast4 }, action)
    return locked
  })
  return await getAccountToken(hub, organization, account, id)
}

/** Throws `not_found`. */
export async function deleteAccountToken(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.delete'>,
  origin: Origin,
  accountId: string,
  id: string,
): Promise<void> {
  await hub.transaction(async (tx) => {
    const account = await lock(hub, tx, allowed, accountId, { evenInactive: true })
    const [removed] = await removeStored(hub, tx, accountId, id)
    if (removed === undefined) throw new HoldfastError('not_found')
    await record(hub, tx, allowed, origin, account, removed, { mode: modeOf(removed.role) })
  })
}

/** The account stays as it is (SA-28). Gives how many there were. */
export async function deleteAllAccountTokens(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.delete'>,
  origin: Origin,
  accountId: string,
): Promise<number> {
  return await hub.transaction(async (tx) => {
    const account = await lock(hub, tx, allowed, accountId, { evenInactive: true })
    const removed = await removeStored(hub, tx, accountId, null)
    await recordEvent(hub, tx, allowed, origin, {
      action: 'org.service_account.token.delete_all',
      resource: { kind: 'service-account', id: account.id, name: account.name },
      ownerId: allowed.resource.id,
      data: {
        organization: allowed.resource.name,
        tokens: removed.map((token) => `${token.id} ${token.name} …${token.last4}`),
      },
    })
    return removed.length
  })
}

export const modeOf = (role: StoredToken['role']): TokenMode => (role === 'inherit' ? 'inherit' : 'scoped')

/** Throws `invalid_input` for a longer life than the token has. */
function shortened(before: number | null, wanted: number | null | undefined, now: number): number | null {
  if (wanted === undefined || wanted === before) return before
  if (wanted === null || (before !== null && wanted > before)) {
    throw new HoldfastError('invalid_input', {
      reason: 'An edit can only shorten the life of a token. Refresh it to give it a longer one.',
      field: 'expiry',
    })
  }
  return parseExpiry(wanted, now)
}

/** Its own life may go on as it was, by its own hand; that of another ends with the token that refreshes it. */
function rotatedExpiry(
  minter: Minter,
  before: StoredToken,
  again: number | null,
  wanted: number | null | undefined,
): number | null {
  if (minter === null) return wanted === undefined ? again : wanted
  if (!isItself(minter, before.id)) return expiryWithin(minter, wanted)
  return expiryWithin({ ...minter, expiresAt: again }, wanted)
}

async function getAccount(hub: Hub, organization: OwnerFacts, id: string): Promise<ServiceAccount> {
  const account = await findAccount(hub.db.read, organization.id, id, hub.clock.now())
  if (account === null) throw new HoldfastError('service_account_not_found')
  return account
}

async function lock(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<TokenAction>,
  id: string,
  { evenInactive = false } = {},
): Promise<ServiceAccount> {
  const account = await lockAccount(tx, hub.db.dialect, allowed.resource.id, id, hub.clock.now())
  if (account === null) throw new HoldfastError('service_account_not_found')
  if (!evenInactive) requireActive(account, hub.clock.now())
  return account
}

/** What was judged before the transaction must still be what is there. */
async function requireUnchanged(hub: Hub, tx: Tx, accountId: string, before: StoredToken): Promise<void> {
  const now = await findStored(tx, accountId, before.id, hub.clock.now())
  if (now === null) throw new HoldfastError('not_found')
  if (gist(now.token) !== gist(before)) throw new HoldfastError('token_changed_meanwhile')
}

function gist({ role, scoped, endpointPatterns }: StoredToken): string {
  return JSON.stringify([role, endpointPatterns, scoped.map(({ type, id, permissions }) => [type, id, permissions])])
}

async function withLosses(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  tokens: readonly StoredToken[],
): Promise<AccountToken[]> {
  if (tokens.length === 0) return []
  const ceiling = await ceilingOf(hub, organization, account)
  const grants = tokens.flatMap((token) => token.scoped)
  const shortfalls = await shortfallsByGrant(hub, ceiling, grants)
  return tokens.map((token) => ({
    ...token,
    mode: modeOf(token.role),
    scoped: token.scoped.map((grant) => {
      const lost = grant.isEffective ? (shortfalls.get(grant) ?? []) : grant.permissions
      return { ...grant, lost, isEffective: lost.length < grant.permissions.length }
    }),
  }))
}

/** Several tokens may list one entity, each with other permissions. */
async function shortfallsByGrant(
  hub: Hub,
  ceiling: Awaited<ReturnType<typeof ceilingOf>>,
  grants: readonly Grant[],
): Promise<ReadonlyMap<Grant, readonly string[]>> {
  const whole = new Map<string, Grant>()
  for (const grant of grants) {
    const permissions = [...new Set([...(whole.get(grant.id)?.permissions ?? []), ...grant.permissions])]
    whole.set(grant.id, { ...grant, permissions })
  }
  const byEntity = await shortfallsOf(hub, ceiling, [...whole.values()])
  return new Map(
    grants.map((grant) => {
      const lost = (byEntity.get(grant.id) ?? []).map(({ permission }) => permission)
      return [grant, grant.permissions.filter((permission) => lost.includes(permission))]
    }),
  )
}

function freeName(taken: readonly string[]): string {
  const plain = 'API Token'
  for (let number = 1; ; number++) {
    const name = number === 1 ? plain : `${plain} ${number}`
    if (!taken.includes(name)) return name
  }
}

function inEvent(token: { readonly role: StoredToken['role'] } & ResolvedPermissions) {
  return { mode: modeOf(token.role), permissions: permissionsInWords(token) }
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<TokenAction>,
  origin: Origin,
  account: ServiceAccount,
  token: { readonly id: string; readonly name: string; readonly last4: string },
  data: Parameters<typeof recordEvent>[4]['data'],
  action: string = allowed.action,
): Promise<void> {
  await recordEvent(hub, tx, allowed, origin, {
    action,
    resource: { kind: 'token', id: token.id, name: token.name },
    ownerId: allowed.resource.id,
    data: {
      organization: allowed.resource.name,
      serviceAccount: account.name,
      serviceAccountId: account.id,
      last4: token.last4,
      ...data,
    },
  })
}
