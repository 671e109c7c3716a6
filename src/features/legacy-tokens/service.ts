/**
 * The deprecated token of a whole organization (OAT), for those who come from where there is one: one for each organization, made by the operator
 * of the hub alone, and only where the hub takes any. It is an access token whose owner is the organization. Service accounts replace it.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import { noLimits } from '../../domain/token-limits.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import {
  findStored,
  listStored,
  noPermissions,
  removeStored,
  type StoredToken,
  storeNewValue,
  storeToken,
} from '../tokens/service.ts'

const name = 'organization token'

/** What members see of it: never the value. */
export interface LegacyToken {
  readonly id: string
  readonly role: 'read' | 'write'
  readonly last4: string
  readonly createdAt: number
  readonly rotatedAt: number | null
  readonly lastUsedAt: number | null
}

export interface LegacyTokenState {
  /** Whether this hub takes such tokens at all. */
  readonly isTaken: boolean
  readonly token: LegacyToken | null
}

export async function getLegacyToken(hub: Hub, allowed: Allowed<'org.legacy_token.read'>): Promise<LegacyTokenState> {
  const [token] = await listStored(hub.db.read, allowed.resource.id, hub.clock.now())
  return { isTaken: hub.config.legacyOrgTokens, token: token === undefined ? null : viewOf(token) }
}

function viewOf({ id, role, last4, createdAt, rotatedAt, lastUsedAt }: StoredToken): LegacyToken {
  return { id, role: role === 'write' ? 'write' : 'read', last4, createdAt, rotatedAt, lastUsedAt }
}

/**
 * By the operator of the hub, on the command line: no route leads here (OAT-5). Throws `organization_token_off` or `organization_token_exists`.
 * Gives the value, which is shown once.
 */
export async function createLegacyToken(
  hub: Hub,
  allowed: Allowed<'org.rotate_token'>,
  origin: Origin,
  role: 'read' | 'write',
): Promise<string> {
  if (allowed.principal.kind !== 'system') throw new Error('The token of an organization is made on the command line.')
  if (!hub.config.legacyOrgTokens) throw new HoldfastError('organization_token_off')
  const { id: organizationId, name: called } = allowed.resource
  return await hub.transaction(async (tx) => {
    const [before] = await listStored(tx, organizationId, hub.clock.now())
    if (before !== undefined) throw new HoldfastError('organization_token_exists')
    const { value, last4 } = await storeToken(hub, tx, organizationId, {
      name,
      role,
      description: null,
      permissions: noPermissions,
      endpointPatterns: [],
      fence: { networks: [], notBefore: null, ...noLimits },
      expiresAt: null,
      prefix: 'api_org_',
    })
    await recordEvent(hub, tx, allowed, origin, {
      action: 'org.create_token',
      resource: { kind: 'organization', id: organizationId, name: called },
      ownerId: organizationId,
      data: { last4, role },
    })
    return value
  })
}

/** The old value is refused from the next request. Throws `not_found`, `organization_token_off` or `rotated_meanwhile`. Gives the new value, once. */
export async function rotateLegacyToken(
  hub: Hub,
  allowed: Allowed<'org.rotate_token'>,
  origin: Origin,
): Promise<{ readonly value: string; readonly token: LegacyToken }> {
  if (!hub.config.legacyOrgTokens) throw new HoldfastError('organization_token_off')
  const { id: organizationId, name: called } = allowed.resource
  return await hub.transaction(async (tx) => {
    const now = hub.clock.now()
    const [listed] = await listStored(tx, organizationId, now)
    const before = listed === undefined ? null : await findStored(tx, organizationId, listed.id, now)
    if (before === null) throw new HoldfastError('not_found')
    const { value, last4 } = await storeNewValue(hub, tx, organizationId, before, {
      expiresAt: null,
      overlapSeconds: 0,
      prefix: 'api_org_',
    })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id: organizationId, name: called },
      ownerId: organizationId,
      data: { last4, oldLast4: before.token.last4 },
    })
    return { value, token: { ...viewOf(before.token), last4, rotatedAt: now } }
  })
}

/** For good: no endpoint makes another one. Throws `not_found`. */
export async function deleteLegacyToken(hub: Hub, allowed: Allowed<'org.delete_token'>, origin: Origin): Promise<void> {
  const { id: organizationId, name: called } = allowed.resource
  await hub.transaction(async (tx) => {
    const [removed] = await removeStored(hub, tx, organizationId, null)
    if (removed === undefined) throw new HoldfastError('not_found')
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'organization', id: organizationId, name: called },
      ownerId: organizationId,
      data: { last4: removed.last4 },
    })
  })
}
