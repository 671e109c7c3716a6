/**
 * How tokens are kept, whoever they belong to: a person or a service account. A value exists in the answer that made it and nowhere else:
 * kept are a keyed hash and the last four characters (AUTH-10). Who may do any of it is decided by the callers, who hold the proof.
 */

import { randomBytes } from 'node:crypto'
import { tokenHash } from '../../access/credentials.ts'
import type { Fence } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { PublisherRun } from '../../domain/facts.ts'
import { makeTokenValue, type TokenPrefix } from '../../domain/token.ts'
import { isWithinLimits, noLimits, type TokenLimits } from '../../domain/token-limits.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import type { AccessTokenTable, TokenGrantTable } from '../../platform/db/schema.ts'
import { keepDigest } from './digest.ts'
import {
  closeFormerValues,
  findFormerOwner,
  insertFormerValues,
  listWindows,
  type WindowRow,
} from './former-queries.ts'
import { type Grant, grantOfRow, type ResolvedGrant } from './grants.ts'
import {
  countTokens,
  deleteChildren,
  deleteTokens,
  findToken,
  type GrantRow,
  insertToken,
  listGrants,
  listTokens,
  replaceGrants,
  swapValue,
  updateToken,
} from './queries.ts'
import type { ResolvedPermissions } from './requested-permissions.ts'
import type { AnyTokenRole, OldValue, StoredToken } from './token.ts'

export const mostTokens = 500
export const tokenNameLimit = 100

export interface TokenToStore {
  readonly name: string
  readonly role: AnyTokenRole
  readonly description: string | null
  readonly permissions: ResolvedPermissions
  readonly endpointPatterns: readonly string[]
  readonly fence: Fence
  /** Milliseconds; null: never. */
  readonly expiresAt: number | null
  /** For a child. */
  readonly parentId?: string
  readonly usesLeft?: number | null
  readonly prefix?: TokenPrefix
  /** It is held by a run of automation, and neither listed nor counted among the tokens that its owner made. */
  readonly publisher?: PublisherRun
}

/** A value that was just made, with what may be said of it afterwards. */
export interface NewValue {
  readonly id: string
  readonly value: string
  readonly last4: string
}

/** Throws `token_name_taken`, or `invalid_input` where the owner has as many as it may. */
export async function storeToken(hub: Hub, tx: Tx, ownerId: string, input: TokenToStore): Promise<NewValue> {
  const isCounted = input.publisher === undefined && input.parentId === undefined
  if (isCounted && (await countTokens(tx, ownerId)) >= mostTokens) {
    throw new HoldfastError('invalid_input', {
      reason: `An account has at most ${mostTokens} tokens. Delete one first.`,
    })
  }
  const value = makeValue(hub, input.prefix)
  const hash = tokenHash(hub.keys, value)
  const id = hub.clock.id()
  const isNew = await insertToken(tx, {
    id,
    hash,
    last4: value.slice(-4),
    ownerId,
    name: input.name,
    role: input.role,
    description: input.description,
    canReadGatedRepos: input.permissions.canReadGatedRepos ? 1 : 0,
    globalPermissions: JSON.stringify(input.permissions.global),
    endpointPatterns: listColumn(input.endpointPatterns),
    networks: listColumn(input.fence.networks),
    notBefore: input.fence.notBefore,
    limits: limitsColumn(input.fence),
    bytesDay: null,
    bytesTaken: null,
    fencedAt: null,
    createdAt: hub.clock.now(),
    rotatedAt: null,
    expiresAt: input.expiresAt,
    lastUsedAt: null,
    lastIp: null,
    lastUserAgent: null,
    publisherId: input.publisher?.id ?? null,
    publisherRun: input.publisher === undefined ? null : JSON.stringify(input.publisher.run),
    parentId: input.parentId ?? null,
    usesLeft: input.usesLeft ?? null,
    newAddressAt: null,
  })
  if (!isNew) throw new HoldfastError('token_name_taken', { field: 'name' })
  await keepDigest(hub, tx, value, hash)
  await replaceGrants(tx, id, grantRows(id, input.permissions.scoped))
  return { id, value, last4: value.slice(-4) }
}

/** What is absent stays as it is. */
export interface StoredChange {
  readonly name?: string
  readonly role?: AnyTokenRole
  readonly description?: string | null
  readonly permissions?: ResolvedPermissions | undefined
  readonly endpointPatterns?: readonly string[]
  readonly fence?: Fence
  readonly expiresAt?: number | null
}

/** Its children end. Throws `token_name_taken` where the transaction cannot go on, as PostgreSQL has it. */
export async function changeStored(tx: Tx, ownerId: string, id: string, change: StoredChange): Promise<void> {
  const { permissions, endpointPatterns, fence, ...columns } = change
  try {
    await updateToken(tx, ownerId, id, {
      ...columns,
      ...(endpointPatterns === undefined ? {} : { endpointPatterns: listColumn(endpointPatterns) }),
      ...(fence === undefined
        ? {}
        : { networks: listColumn(fence.networks), notBefore: fence.notBefore, limits: limitsColumn(fence) }),
      ...(permissions === undefined
        ? {}
        : {
            canReadGatedRepos: permissions.canReadGatedRepos ? 1 : 0,
            globalPermissions: JSON.stringify(permissions.global),
          }),
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new HoldfastError('token_name_taken', { field: 'name' })
    throw error
  }
  if (permissions !== undefined) await replaceGrants(tx, id, grantRows(id, permissions.scoped))
  // What they were derived from is no longer what it was.
  await deleteChildren(tx, id)
}

/** The longest time for which an old value goes on beside the new one. */
export const longestOverlapSeconds = 7 * 86_400

export interface Replaced {
  readonly hash: string
  readonly token: Pick<StoredToken, 'id' | 'name' | 'last4' | 'createdAt' | 'rotatedAt' | 'expiresAt'>
}

export interface Replacement {
  readonly expiresAt: number | null
  /** How long the old value goes on, though never beyond the end that it had. 0: it is refused from the next request. */
  readonly overlapSeconds: number
  readonly prefix?: TokenPrefix
}

/**
 * Puts a new value in the place of the one whose hash is given. A value that was old already is refused from now on: there are never more than
 * two. Throws `rotated_meanwhile` where it is no longer there: of two that come at once, the later.
 */
export async function storeNewValue(
  hub: Hub,
  tx: Tx,
  ownerId: string,
  before: Replaced,
  { expiresAt, overlapSeconds, prefix }: Replacement,
): Promise<NewValue & { readonly oldUntil: number | null }> {
  const value = makeValue(hub, prefix)
  const hash = tokenHash(hub.keys, value)
  const last4 = value.slice(-4)
  const { id, name } = before.token
  const now = hub.clock.now()
  const isSwapped = await swapValue(tx, ownerId, id, before.hash, {
    hash,
    last4,
    rotatedAt: now,
    expiresAt,
  })
  if (!isSwapped) throw new HoldfastError('rotated_meanwhile')
  await keepDigest(hub, tx, value, hash)
  await closeFormerValues(tx, ownerId, id, now)
  // Also with an overlap: whoever had the old value may have derived them.
  await deleteChildren(tx, id)
  const until = Math.min(now + overlapSeconds * 1000, before.token.expiresAt ?? Number.MAX_SAFE_INTEGER)
  const oldUntil = until > now ? until : null
  await keepValues(tx, ownerId, [{ ...before.token, id, name, hash: before.hash }], now, oldUntil)
  return { id, value, last4, oldUntil }
}

/** Ends what is left of an old value's time. Throws `not_found` where nothing is. */
export async function closeOldValue(
  hub: Hub,
  tx: Tx,
  ownerId: string,
  id: string,
): Promise<{ readonly last4: string }> {
  const [closed] = await closeFormerValues(tx, ownerId, id, hub.clock.now())
  if (closed === undefined) throw new HoldfastError('not_found')
  return closed
}

export type RemovedToken = Pick<AccessTokenTable, 'id' | 'name' | 'last4' | 'role'>

/** One, or all of the owner's where `id` is null. Old values that were still taken go with them. */
export async function removeStored(hub: Hub, tx: Tx, ownerId: string, id: string | null): Promise<RemovedToken[]> {
  const removed = await deleteTokens(tx, ownerId, id)
  const now = hub.clock.now()
  for (const token of removed) await closeFormerValues(tx, ownerId, token.id, now)
  await keepValues(tx, ownerId, removed, now, null)
  return removed.map(({ id, name, last4, role }) => ({ id, name, last4, role }))
}

export type EndedToken = Ending & { readonly ownerId: string }

/** Of tokens that were just deleted elsewhere, of whomever: their values are noticed as those of tokens that their owners deleted (idea 12). */
export async function rememberEnded(tx: Tx, tokens: readonly EndedToken[], now: number): Promise<void> {
  for (const [ownerId, ended] of Map.groupBy(tokens, (token) => token.ownerId)) {
    for (const { id } of ended) await closeFormerValues(tx, ownerId, id, now)
    await keepValues(tx, ownerId, ended, now, null)
  }
}

type Ending = Pick<AccessTokenTable, 'id' | 'name' | 'last4' | 'hash' | 'createdAt' | 'rotatedAt'>

/** Values that are no longer those of their tokens; whoever uses them later is noticed. */
async function keepValues(
  tx: Tx,
  ownerId: string,
  tokens: readonly Ending[],
  now: number,
  validUntil: number | null,
): Promise<void> {
  if (tokens.length === 0) return
  const owner = await findFormerOwner(tx, ownerId)
  await insertFormerValues(
    tx,
    tokens.map(({ id, name, last4, hash, createdAt, rotatedAt }) => ({
      hash,
      tokenId: id,
      name,
      last4,
      ownerId,
      ...owner,
      since: rotatedAt ?? createdAt,
      endedAt: now,
      validUntil,
      lastUsedAt: null,
      lastIp: null,
      lastUserAgent: null,
      alertedAt: null,
    })),
  )
}

/** The token with the hash of its value, for the swap; null for what is not the owner's. */
export async function findStored(
  on: Tx | Db['read'],
  ownerId: string,
  id: string,
  now: number,
): Promise<{ readonly hash: string; readonly token: StoredToken } | null> {
  const row = await findToken(on, ownerId, id)
  if (row === null) return null
  const grants = await listGrants(on, ownerId, id, now)
  const old = (await listWindows(on, ownerId)).findLast(({ tokenId }) => tokenId === id)
  return { hash: row.hash, token: storedOfRow(row, ownerId, grants, old) }
}

/** The newest first; all of them, since there are never many. */
export async function listStored(on: Tx | Db['read'], ownerId: string, now: number): Promise<StoredToken[]> {
  const rows = await listTokens(on, ownerId, mostTokens)
  const byToken = Map.groupBy(await listGrants(on, ownerId, null, now), (grant) => grant.tokenId)
  const windows = new Map((await listWindows(on, ownerId)).map((row) => [row.tokenId, row]))
  return rows.map((row) => storedOfRow(row, ownerId, byToken.get(row.id) ?? [], windows.get(row.id)))
}

/** What a token lists, for who holds it (whoami). */
export async function grantsOfToken(hub: Hub, ownerId: string, tokenId: string): Promise<Grant[]> {
  return grantsOfRows(ownerId, await listGrants(hub.db.read, ownerId, tokenId, hub.clock.now()))
}

function storedOfRow(
  row: AccessTokenTable,
  ownerId: string,
  grants: readonly GrantRow[],
  old: WindowRow | undefined,
): StoredToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    description: row.description,
    last4: row.last4,
    canReadGatedRepos: row.canReadGatedRepos === 1,
    global: JSON.parse(row.globalPermissions) as string[],
    scoped: grantsOfRows(ownerId, grants),
    endpointPatterns: row.endpointPatterns === null ? [] : (JSON.parse(row.endpointPatterns) as string[]),
    fence: {
      networks: row.networks === null ? [] : (JSON.parse(row.networks) as string[]),
      notBefore: row.notBefore,
      ...noLimits,
      ...(row.limits === null ? {} : (JSON.parse(row.limits) as Partial<TokenLimits>)),
    },
    createdAt: row.createdAt,
    rotatedAt: row.rotatedAt,
    expiresAt: row.expiresAt,
    lastUsedAt: row.lastUsedAt,
    lastIp: row.lastIp,
    lastUserAgent: row.lastUserAgent,
    parentId: row.parentId,
    usesLeft: row.usesLeft,
    oldValue: oldValueOf(old),
  }
}

function oldValueOf(row: WindowRow | undefined): OldValue | null {
  if (row === undefined || row.validUntil === null) return null
  const { last4, validUntil, lastUsedAt, lastIp, lastUserAgent } = row
  return { last4, validUntil, lastUsedAt, lastIp, lastUserAgent }
}

function grantsOfRows(ownerId: string, rows: readonly GrantRow[]): Grant[] {
  return rows.map((row) => grantOfRow(ownerId, row)).filter((grant) => grant !== null)
}

function grantRows(tokenId: string, grants: readonly ResolvedGrant[]): TokenGrantTable[] {
  return grants.map((grant) => ({
    tokenId,
    entityType: grant.type,
    entityId: grant.id,
    entityName: grant.name,
    permissions: JSON.stringify(grant.permissions),
    throughId: grant.throughId ?? null,
  }))
}

const listColumn = (list: readonly string[]) => (list.length === 0 ? null : JSON.stringify(list))

function makeValue(hub: Hub, prefix?: TokenPrefix): string {
  return makeTokenValue(randomBytes, (text) => hub.keys.mac('token-checksum', text), prefix)
}

/** Throws `invalid_input`. */
export function parseTokenName(name: string): string {
  const trimmed = name.trim()
  if (trimmed === '' || trimmed.length > tokenNameLimit || /\p{Cc}/u.test(trimmed)) {
    throw new HoldfastError('invalid_input', {
      reason: `A token has a name of 1 to ${tokenNameLimit} characters.`,
      field: 'name',
    })
  }
  return trimmed
}

/** Throws `invalid_input` for what is not ahead. */
export function parseExpiry(expiresAt: number | null, now: number): number | null {
  if (expiresAt === null) return null
  if (!Number.isSafeInteger(expiresAt) || expiresAt <= now) {
    throw new HoldfastError('invalid_input', { reason: 'A token expires in the future, or never.', field: 'expiry' })
  }
  return expiresAt
}

function limitsColumn({ paths, programs, requestsPerMinute, bytesPerDay }: TokenLimits): string | null {
  const limits: TokenLimits = { paths, programs, requestsPerMinute, bytesPerDay }
  return isWithinLimits(noLimits, limits) ? null : JSON.stringify(limits)
}
