/**
 * Access tokens of people. A value exists in the answer that made it and nowhere else: kept are a keyed hash and the last four characters
 * (AUTH-10). Only a session makes, changes or ends tokens (UAT-14), and only one's own (UAT-13).
 */
import { randomBytes } from 'node:crypto'
import { tokenHash } from '../../access/credentials.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import { makeTokenValue } from '../../domain/token.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { isUniqueViolation } from '../../platform/db/errors.ts'
import type { AccessTokenTable, TokenGrantTable } from '../../platform/db/schema.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import {
  checkGlobalPermissions,
  type Grant,
  grantOfRow,
  lostGrant,
  type RequestedGrant,
  type ResolvedGrant,
  resolveEntity,
  resolveGrants,
} from './grants.ts'
import {
  countTokens,
  deleteTokens,
  findToken,
  insertToken,
  listGrants,
  listTokens,
  replaceGrants,
  swapValue,
  updateToken,
} from './queries.ts'

export { type Grant, parseScoped } from './grants.ts'

import type { MadeToken, Token, TokenRole } from './token.ts'

export { presentGrant } from './present.ts'
export type { MadeToken, Token, TokenRole } from './token.ts'

export interface RequestedPermissions {
  readonly canReadGatedRepos: boolean
  readonly global: readonly string[]
  readonly scoped: readonly RequestedGrant[]
}

export interface NewToken {
  readonly name: string
  readonly role: TokenRole
  /** Only for `fineGrained`. */
  readonly fineGrained?: RequestedPermissions
  /** Milliseconds; null or absent: never. */
  readonly expiresAt?: number | null
}

interface Owner {
  readonly id: string
  readonly name: string
}

const mostTokens = 500
export const tokenNameLimit = 100

/**
 * `owner`: the caller, or whom the command line names. Throws `token_name_taken`, `email_not_verified`, or `invalid_input` for a name, a
 * time or permissions that cannot be.
 */
export async function createToken(
  hub: Hub,
  allowed: Allowed<'token.create'>,
  origin: Origin,
  input: NewToken,
  onBehalfOf?: Owner,
): Promise<MadeToken> {
  const owner = ownerOf(allowed, onBehalfOf)
  await requireVerifiedEmail(hub, owner.id)
  const name = parseName(input.name)
  if (input.role !== 'fineGrained' && input.fineGrained !== undefined) {
    throw new HoldfastError('invalid_input', { reason: 'Only a fine-grained token lists permissions.' })
  }
  const permissions = await resolvePermissions(hub, owner, input.fineGrained)
  const expiresAt = parseExpiry(input.expiresAt ?? null, hub.clock.now())
  const value = makeValue(hub)
  const id = hub.clock.id()
  await hub.transaction(async (tx) => {
    if ((await countTokens(tx, owner.id)) >= mostTokens) {
      throw new HoldfastError('invalid_input', {
        reason: `An account has at most ${mostTokens} tokens. Delete one first.`,
      })
    }
    const isNew = await insertToken(tx, {
      id,
      hash: tokenHash(hub.keys, value),
      last4: value.slice(-4),
      ownerId: owner.id,
      name,
      role: input.role,
      description: null,
      canReadGatedRepos: permissions.canReadGatedRepos ? 1 : 0,
      globalPermissions: JSON.stringify(permissions.global),
      createdAt: hub.clock.now(),
      rotatedAt: null,
      expiresAt,
      lastUsedAt: null,
      lastIp: null,
      lastUserAgent: null,
    })
    if (!isNew) throw new HoldfastError('token_name_taken', { field: 'name' })
    await replaceGrants(tx, id, grantRows(id, permissions.scoped))
    await record(
      hub,
      tx,
      allowed,
      origin,
      owner,
      { id, name, last4: value.slice(-4) },
      {
        role: input.role,
        expiresAt,
        permissions: inWords(permissions),
      },
    )
  })
  return { value, token: await getOwn(hub, owner.id, id) }
}

/** The newest first; all of them, since there are never many. */
export async function listOwnTokens(hub: Hub, allowed: Allowed<'token.read'>): Promise<Token[]> {
  const owner = ownerOf(allowed)
  const [rows, grants] = await Promise.all([
    listTokens(hub.db, owner.id, mostTokens),
    listGrants(hub.db, owner.id, null),
  ])
  const byToken = Map.groupBy(grants, (grant) => grant.tokenId)
  return rows.map((row) => tokenOfRow(row, owner.id, byToken.get(row.id) ?? []))
}

/** Throws `not_found` for what is not one's own. */
export async function getOwnToken(hub: Hub, allowed: Allowed<'token.read'>, id: string): Promise<Token> {
  return await getOwn(hub, ownerOf(allowed).id, id)
}

/** What a token lists, for who holds it (whoami). */
export async function grantsOfToken(hub: Hub, ownerId: string, tokenId: string): Promise<Grant[]> {
  return grantsOfRows(ownerId, await listGrants(hub.db, ownerId, tokenId))
}

/** Name and permissions; its role stays what it is (UAT-21). Throws as `createToken` does, and `not_found`. */
export async function updateOwnToken(
  hub: Hub,
  allowed: Allowed<'token.update'>,
  origin: Origin,
  id: string,
  change: { readonly name?: string; readonly fineGrained?: RequestedPermissions },
): Promise<Token> {
  const owner = ownerOf(allowed)
  const before = await getOwn(hub, owner.id, id)
  if (change.fineGrained !== undefined && before.role !== 'fineGrained') {
    throw new HoldfastError('invalid_input', { reason: 'Only a fine-grained token lists permissions.' })
  }
  const name = change.name === undefined ? before.name : parseName(change.name)
  const permissions =
    change.fineGrained === undefined ? null : await resolveKept(hub, owner, before, change.fineGrained)
  try {
    await hub.transaction(async (tx) => {
      if ((await findToken(tx, owner.id, id)) === null) throw new HoldfastError('not_found')
      await updateToken(tx, owner.id, id, {
        name,
        ...(permissions === null
          ? {}
          : {
              canReadGatedRepos: permissions.canReadGatedRepos ? 1 : 0,
              globalPermissions: JSON.stringify(permissions.global),
            }),
      })
      if (permissions !== null) await replaceGrants(tx, id, grantRows(id, permissions.scoped))
      await record(
        hub,
        tx,
        allowed,
        origin,
        owner,
        { id, name, last4: before.last4 },
        {
          from: { name: before.name, permissions: inWords(before) },
          to: { name, permissions: inWords(permissions ?? before) },
        },
      )
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new HoldfastError('token_name_taken', { field: 'name' })
    throw error
  }
  return await getOwn(hub, owner.id, id)
}

/**
 * A new value for the same token; the old one is refused from the next request. `expiresAt` absent keeps the expiry (UAT-21). Throws
 * `rotated_meanwhile` for the later of two that come at once, and `not_found`.
 */
export async function rotateOwnToken(
  hub: Hub,
  allowed: Allowed<'token.rotate'>,
  origin: Origin,
  id: string,
  change: { readonly expiresAt?: number | null },
): Promise<MadeToken> {
  const owner = ownerOf(allowed)
  const before = await findToken(hub.db.read, owner.id, id)
  if (before === null) throw new HoldfastError('not_found')
  const now = hub.clock.now()
  const expiresAt = parseExpiry(change.expiresAt === undefined ? before.expiresAt : change.expiresAt, now)
  const value = makeValue(hub)
  await hub.transaction(async (tx) => {
    const swapped = await swapValue(tx, owner.id, id, before.hash, {
      hash: tokenHash(hub.keys, value),
      last4: value.slice(-4),
      rotatedAt: now,
      expiresAt,
    })
    if (!swapped) throw new HoldfastError('rotated_meanwhile')
    await record(
      hub,
      tx,
      allowed,
      origin,
      owner,
      { id, name: before.name, last4: value.slice(-4) },
      {
        oldLast4: before.last4,
        expiresAt,
      },
    )
  })
  return { value, token: await getOwn(hub, owner.id, id) }
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
    const removed = await deleteTokens(tx, owner.id, id)
    for (const token of removed) await record(hub, tx, allowed, origin, owner, token, { role: token.role })
    return removed.length
  })
}

async function getOwn(hub: Hub, ownerId: string, id: string): Promise<Token> {
  const row = await findToken(hub.db.read, ownerId, id)
  if (row === null) throw new HoldfastError('not_found')
  return tokenOfRow(row, ownerId, await listGrants(hub.db, ownerId, id))
}

function tokenOfRow(row: AccessTokenTable, ownerId: string, grants: Parameters<typeof grantOfRow>[1][]): Token {
  return {
    id: row.id,
    name: row.name,
    role: personalRole(row),
    description: row.description,
    last4: row.last4,
    canReadGatedRepos: row.canReadGatedRepos === 1,
    global: JSON.parse(row.globalPermissions) as string[],
    scoped: grantsOfRows(ownerId, grants),
    createdAt: row.createdAt,
    rotatedAt: row.rotatedAt,
    expiresAt: row.expiresAt,
    lastUsedAt: row.lastUsedAt,
    lastIp: row.lastIp,
    lastUserAgent: row.lastUserAgent,
  }
}

/** Only a service account's tokens inherit. */
function personalRole(row: AccessTokenTable): TokenRole {
  if (row.role === 'inherit') throw new Error(`Token ${row.id} of a person inherits.`)
  return row.role
}

function grantsOfRows(ownerId: string, rows: Parameters<typeof grantOfRow>[1][]): Grant[] {
  return rows.map((row) => grantOfRow(ownerId, row)).filter((grant) => grant !== null)
}

interface Permissions {
  readonly canReadGatedRepos: boolean
  readonly global: readonly string[]
  readonly scoped: readonly ResolvedGrant[]
}

async function resolvePermissions(
  hub: Hub,
  owner: Owner,
  requested: RequestedPermissions | undefined,
): Promise<Permissions> {
  if (requested === undefined) return { canReadGatedRepos: false, global: [], scoped: [] }
  return {
    canReadGatedRepos: requested.canReadGatedRepos,
    global: checkGlobalPermissions(requested.global),
    scoped: await resolveGrants(hub, owner, requested.scoped),
  }
}

/**
 * Grants that are no longer effective stay listed when they are sent back (UAT-9), by id or by the name they had, and with no more than
 * they had.
 */
async function resolveKept(
  hub: Hub,
  owner: Owner,
  before: Token,
  requested: RequestedPermissions,
): Promise<Permissions> {
  const wanted = new Map<Grant, string[]>()
  const others: RequestedGrant[] = []
  for (const grant of requested.scoped) {
    const lost = lostGrant(before, grant.entity)
    if (lost === undefined || (await resolveEntity(hub, owner, grant.entity)) !== null) others.push(grant)
    else wanted.set(lost, [...(wanted.get(lost) ?? []), ...grant.permissions])
  }
  const kept = [...wanted]
    .map(([grant, permissions]) => ({
      ...grant,
      permissions: grant.permissions.filter((each) => permissions.includes(each)),
    }))
    .filter((grant) => grant.permissions.length > 0)
  const resolved = await resolvePermissions(hub, owner, { ...requested, scoped: others })
  return { ...resolved, scoped: [...resolved.scoped, ...kept] }
}

function grantRows(tokenId: string, grants: readonly ResolvedGrant[]): TokenGrantTable[] {
  return grants.map((grant) => ({
    tokenId,
    entityType: grant.type,
    entityId: grant.id,
    entityName: grant.name,
    permissions: JSON.stringify(grant.permissions),
  }))
}

function makeValue(hub: Hub): string {
  return makeTokenValue(randomBytes, (text) => hub.keys.mac('token-checksum', text))
}

function parseName(name: string): string {
  const trimmed = name.trim()
  if (trimmed === '' || trimmed.length > tokenNameLimit || /\p{Cc}/u.test(trimmed)) {
    throw new HoldfastError('invalid_input', {
      reason: `A token has a name of 1 to ${tokenNameLimit} characters.`,
      field: 'name',
    })
  }
  return trimmed
}

function parseExpiry(expiresAt: number | null, now: number): number | null {
  if (expiresAt === null) return null
  if (!Number.isSafeInteger(expiresAt) || expiresAt <= now) {
    throw new HoldfastError('invalid_input', { reason: 'A token expires in the future, or never.', field: 'expiry' })
  }
  return expiresAt
}

/** Permissions as they stand in the audit log and on the command line. */
function inWords(permissions: Permissions): string[] {
  return [
    ...permissions.scoped.map((grant) => `${grant.type}:${grant.name}=${grant.permissions.join(',')}`),
    ...permissions.global.map((permission) => `global=${permission}`),
    ...(permissions.canReadGatedRepos ? ['canReadGatedRepos'] : []),
  ]
}

async function record(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'token.create' | 'token.update' | 'token.rotate' | 'token.delete'>,
  origin: Origin,
  owner: Owner,
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
  onBehalfOf?: Owner,
): Owner {
  const { principal } = allowed
  if (principal.kind === 'user') return principal
  if (principal.kind === 'system' && onBehalfOf !== undefined) return onBehalfOf
  throw new Error('A token belongs to a person.')
}
