/**
 * What an application gets: an ordinary fine-grained access token of the person, so that every rule for tokens holds for it too, and the
 * refresh token behind it. Deleting the access token ends both.
 */
import { noFence } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import type { Tx } from '../../platform/db/database.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { askForApproval } from '../organization-tokens/service.ts'
import {
  findStored,
  type ResolvedPermissions,
  removeStored,
  resolveEntity,
  resolvePermissions,
  storeNewValue,
  storeToken,
} from '../tokens/service.ts'
import type { Client } from './client.ts'
import {
  dropTokens,
  findActivePerson,
  insertGrant,
  insertRefreshToken,
  listGrantsOf,
  type Person,
  type RefreshRow,
} from './queries.ts'
import { permissionsOf, type ScopeName } from './scopes.ts'
import type { TokenAnswer } from './token-endpoint.ts'

/** `hf` refreshes by itself, as soon as less than a day is left. */
export const deviceLifetimeSeconds = 30 * 86_400
export const codeLifetimeSeconds = 8 * 3_600
const refreshLifetimeMs = 90 * 86_400_000
/** Sign-ins of one person to one application; more end the oldest. */
const mostGrants = 20
/** Other processes of the same client may be on their way with the value that was just replaced. */
const overlapSeconds = 600

export interface Granted {
  readonly client: Client
  readonly person: Person
  readonly scopes: readonly ScopeName[]
  readonly organizationIds: readonly string[]
  readonly lifetimeSeconds: number
  readonly permissions: ResolvedPermissions
}

/**
 * Looks up what is needed before the transaction. Organizations that the person left meanwhile are left out. Throws `oauth_grant_refused` for
 * an account that is no longer active, and `email_not_verified`.
 */
export async function prepareGrant(
  hub: Hub,
  client: Client,
  userId: string,
  scopes: readonly ScopeName[],
  organizationIds: readonly string[],
  lifetimeSeconds: number,
): Promise<Granted> {
  const person = await findActivePerson(hub.db.read, userId)
  if (person === null) throw inactive()
  await requireVerifiedEmail(hub, person.id)
  const permissions = permissionsOf(scopes)
  const entities: { type: 'user' | 'org'; id: string }[] = [{ type: 'user', id: person.id }]
  for (const id of organizationIds) {
    if ((await resolveEntity(hub, person, { type: 'org', id })) !== null) entities.push({ type: 'org', id })
  }
  return {
    client,
    person,
    scopes,
    organizationIds,
    lifetimeSeconds,
    permissions: await resolvePermissions(hub, person, {
      canReadGatedRepos: scopes.includes('gated-repos'),
      global: [],
      scoped: permissions.length === 0 ? [] : entities.map((entity) => ({ entity, permissions })),
    }),
  }
}

export interface Minted {
  readonly tokenId: string
  readonly answer: TokenAnswer
}

export async function mint(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'oauth.token'>,
  origin: Origin,
  granted: Granted,
): Promise<Minted> {
  const { client, person, scopes, lifetimeSeconds } = granted
  const before = await listGrantsOf(tx, person.id, client.id)
  await dropTokens(
    tx,
    person.id,
    before.slice(0, Math.max(0, before.length - mostGrants + 1)).map(({ tokenId }) => tokenId),
  )
  const now = hub.clock.now()
  const grantId = hub.clock.id()
  // People type it (`hf auth switch`). The end of an id is random: the name is free.
  const slug = client.name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-')
  const name = `oauth-${slug}-${grantId.slice(-8)}`
  const made = await storeToken(hub, tx, person.id, {
    name,
    role: 'fineGrained',
    description: `Connected application: ${client.name}`,
    permissions: granted.permissions,
    endpointPatterns: [],
    fence: noFence,
    expiresAt: now + lifetimeSeconds * 1_000,
  })
  const scope = scopes.join(' ')
  await insertGrant(tx, {
    id: grantId,
    tokenId: made.id,
    userId: person.id,
    clientId: client.id,
    scope,
    organizationIds: JSON.stringify(granted.organizationIds),
    lifetimeSeconds,
    createdAt: now,
  })
  const refresh = await addRefreshToken(hub, tx, grantId)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'token', id: made.id, name },
    ownerId: person.id,
    data: { owner: person.name, last4: made.last4, application: client.name, clientId: client.id, scope },
  })
  await askForApproval(hub, tx, { ...made, name }, person)
  return { tokenId: made.id, answer: answerOf(made.value, lifetimeSeconds, refresh, scope) }
}

/** Throws `oauth_grant_refused` where the token or the account is gone. */
export async function renew(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'oauth.token'>,
  origin: Origin,
  row: RefreshRow,
  client: Client,
): Promise<TokenAnswer> {
  const person = await findActivePerson(tx, row.userId)
  if (person === null) throw inactive()
  const before = await findStored(tx, row.userId, row.tokenId, hub.clock.now())
  if (before === null) throw ended()
  const expiresAt = hub.clock.now() + row.lifetimeSeconds * 1_000
  const made = await storeNewValue(hub, tx, row.userId, before, { expiresAt, overlapSeconds })
  const refresh = await addRefreshToken(hub, tx, row.grantId)
  await recordEvent(hub, tx, allowed, origin, {
    action: 'oauth.refresh',
    resource: { kind: 'token', id: row.tokenId, name: before.token.name },
    ownerId: row.userId,
    data: { owner: person.name, last4: made.last4, oldLast4: before.token.last4, application: client.name },
  })
  return answerOf(made.value, row.lifetimeSeconds, refresh, row.scope)
}

/** Ends a sign-in that something was replayed of: whoever holds its tokens, one of them is not who should. */
export async function endReplayed(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'oauth.token'>,
  origin: Origin,
  what: 'refresh token' | 'authorization code',
  { userId, tokenId }: { readonly userId: string; readonly tokenId: string },
): Promise<void> {
  for (const { id, name, last4 } of await removeStored(hub, tx, userId, tokenId)) {
    await recordEvent(hub, tx, allowed, origin, {
      action: 'oauth.replayed',
      resource: { kind: 'token', id, name },
      ownerId: userId,
      data: { last4, what },
    })
  }
}

async function addRefreshToken(hub: Hub, tx: Tx, grantId: string): Promise<string> {
  const value = newSecret()
  const now = hub.clock.now()
  await insertRefreshToken(tx, {
    hash: hashSecret(value),
    grantId,
    createdAt: now,
    expiresAt: now + refreshLifetimeMs,
    usedAt: null,
  })
  return value
}

function answerOf(value: string, lifetimeSeconds: number, refresh: string, scope: string): TokenAnswer {
  return { access_token: value, token_type: 'bearer', expires_in: lifetimeSeconds, refresh_token: refresh, scope }
}

export function ended(): HoldfastError {
  return new HoldfastError('oauth_grant_refused', { reason: 'This sign-in was ended, or never was. Sign in again.' })
}

function inactive(): HoldfastError {
  return new HoldfastError('oauth_grant_refused', { reason: 'The account that allowed this is no longer active.' })
}
