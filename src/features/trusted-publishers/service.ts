/**
 * Trusted publishers: automation elsewhere that gets tokens by its ID tokens, so that no secret is stored there. One of a repo pushes to that repo in
 * the name of who set it up, and only while that person may; one of a service account is the account.
 */
import { noFence } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { EventData, Origin } from '../../domain/event.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import { publisherName } from '../../domain/publisher.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { getTokenPolicy } from '../organization-tokens/service.ts'
import {
  getServiceAccount,
  minterOf,
  refuseFormerValue,
  requireActive,
  requireHeld,
  requireWithinFence,
} from '../service-accounts/service.ts'
import { rememberEnded } from '../tokens/service.ts'
import { type NewPublisher, type ParsedPublisher, type Publisher, parsePublisher, publisherOfRow } from './publisher.ts'
import { deleteExpired, deletePublisher, type Holder, insertPublisher, listPublishers, lockHolder } from './queries.ts'

export { tokenExchange } from './exchange.ts'

export const mostPublishers = 20

type RepoAction = Allowed<'repo.publisher.read' | 'repo.publisher.create' | 'repo.publisher.delete'>

export async function listRepoPublishers(hub: Hub, allowed: RepoAction): Promise<Publisher[]> {
  return await list(hub, { kind: 'repo', id: allowed.resource.id })
}

/** Throws `not_found`. */
export async function getRepoPublisher(hub: Hub, allowed: RepoAction, id: string): Promise<Publisher> {
  return one(await listRepoPublishers(hub, allowed), id)
}

/** Throws `invalid_input`, or `beyond_minter` and `former_value` for tokens that it would outlive. */
export async function createRepoPublisher(
  hub: Hub,
  allowed: Allowed<'repo.publisher.create'>,
  origin: Origin,
  input: NewPublisher,
): Promise<Publisher> {
  refuseWhatItOutlives(allowed)
  await refuseWhatWaits(hub, allowed)
  const { id, kind, owner, name } = allowed.resource
  const parsed = parsePublisher(hub, input)
  const made = await store(hub, allowed, origin, { kind: 'repo', id }, parsed, {
    action: 'repo.publisher.create',
    resource: { kind, id, name: `${owner.name}/${name}` },
    ownerId: owner.id,
  })
  return await getRepoPublisher(hub, allowed, made)
}

/** Its tokens are refused from the next request. Throws `not_found`. */
export async function deleteRepoPublisher(
  hub: Hub,
  allowed: Allowed<'repo.publisher.delete'>,
  origin: Origin,
  publisherId: string,
): Promise<void> {
  const { id, kind, owner, name } = allowed.resource
  await remove(hub, allowed, origin, { kind: 'repo', id }, publisherId, {
    action: 'repo.publisher.delete',
    resource: { kind, id, name: `${owner.name}/${name}` },
    ownerId: owner.id,
  })
}

type AccountAction = Allowed<
  'org.service_account.read' | 'org.service_account.token.create' | 'org.service_account.token.delete'
>

/** Throws `service_account_not_found`. */
export async function listAccountPublishers(hub: Hub, allowed: AccountAction, accountId: string): Promise<Publisher[]> {
  const { id } = await getServiceAccount(hub, allowed, accountId)
  return await list(hub, { kind: 'service-account', id })
}

/** Throws `service_account_not_found` and `not_found`. */
export async function getAccountPublisher(
  hub: Hub,
  allowed: AccountAction,
  accountId: string,
  id: string,
): Promise<Publisher> {
  return one(await listAccountPublishers(hub, allowed, accountId), id)
}

/** Throws as `createAccountToken` does: what it gets is a token that inherits. */
export async function createAccountPublisher(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.create'>,
  origin: Origin,
  accountId: string,
  input: NewPublisher,
): Promise<Publisher> {
  const account = await getServiceAccount(hub, allowed, accountId)
  requireActive(account, hub.clock.now())
  const minter = await minterOf(hub, allowed)
  await requireHeld(hub, minter, allowed.resource.id, { role: 'inherit', scoped: [], endpointPatterns: [] })
  requireWithinFence(allowed, noFence)
  const parsed = parsePublisher(hub, input)
  const made = await store(hub, allowed, origin, { kind: 'service-account', id: account.id }, parsed, {
    action: 'org.service_account.publisher.create',
    resource: { kind: 'service-account', id: account.id, name: account.name },
    ownerId: allowed.resource.id,
  })
  return await getAccountPublisher(hub, allowed, accountId, made)
}

/** Throws `service_account_not_found` and `not_found`. */
export async function deleteAccountPublisher(
  hub: Hub,
  allowed: Allowed<'org.service_account.token.delete'>,
  origin: Origin,
  accountId: string,
  publisherId: string,
): Promise<void> {
  const account = await getServiceAccount(hub, allowed, accountId)
  await remove(hub, allowed, origin, { kind: 'service-account', id: account.id }, publisherId, {
    action: 'org.service_account.publisher.delete',
    resource: { kind: 'service-account', id: account.id, name: account.name },
    ownerId: allowed.resource.id,
  })
}

const tokensKeptMs = 86_400_000
const rowsAtOnce = 1_000

/** Removes what has expired: used ID tokens at once, tokens a day later, so that their holders hear why they are refused. */
export async function cleanPublishers(hub: Hub, signal: AbortSignal): Promise<void> {
  const now = hub.clock.now()
  while (!signal.aborted && (await hub.transaction((tx) => deleteExpired(tx, now, now - tokensKeptMs, rowsAtOnce))));
}

/** Where tokens are approved one by one, those that a publisher gets each hour would all wait. Administrators' own do not. */
async function refuseWhatWaits(hub: Hub, { resource, standing }: Allowed<'repo.publisher.create'>): Promise<void> {
  const { owner } = resource
  if (owner.kind !== 'organization' || standing.organizationRole === 'admin') return
  const { policy } = await getTokenPolicy(hub, owner.id)
  if (policy !== 'approval') return
  throw new HoldfastError('invalid_input', {
    reason: `${owner.name} approves access tokens one by one, and each that this publisher gets would wait. Have an administrator of ${owner.name} set it up, or trust it with a service account.`,
  })
}

/** A publisher has no end and no fence: a token that has one, or is at its end, sets none up (SA-11). */
function refuseWhatItOutlives(allowed: Allowed<Action>): void {
  refuseFormerValue(allowed)
  requireWithinFence(allowed, noFence)
  const { credential } = allowed
  if (credential?.kind !== 'token' || credential.expiresAt === null) return
  const what = `a life beyond ${new Date(credential.expiresAt).toISOString()}`
  throw new HoldfastError(
    'beyond_minter',
    { what },
    { denied: { code: 'beyond_minter', need: 'a session, or a token without an end', have: 'a token that ends' } },
  )
}

interface Told {
  readonly action: string
  readonly resource: { readonly kind: string; readonly id: string; readonly name: string }
  readonly ownerId: string
}

async function list(hub: Hub, holder: Holder): Promise<Publisher[]> {
  return (await listPublishers(hub.db.read, holder)).map((row) => publisherOfRow(hub, row))
}

function one(publishers: readonly Publisher[], id: string): Publisher {
  const found = publishers.find((publisher) => publisher.id === id)
  if (found === undefined) throw new HoldfastError('not_found')
  return found
}

async function store(
  hub: Hub,
  allowed: Allowed<Action>,
  origin: Origin,
  holder: Holder,
  parsed: ParsedPublisher,
  told: Told,
): Promise<string> {
  const id = hub.clock.id()
  const { issuer, audience } = parsed
  const claims = JSON.stringify(parsed.claims)
  await hub.transaction(async (tx) => {
    await lockHolder(tx, hub.db.dialect, holder)
    const others = await listPublishers(tx, holder)
    if (others.length >= mostPublishers) {
      throw new HoldfastError('invalid_input', {
        reason: `There are at most ${mostPublishers} trusted publishers in one place. Delete one first.`,
      })
    }
    if (others.some((one) => one.issuer === issuer && one.audience === audience && one.claims === claims)) {
      throw new HoldfastError('invalid_input', { reason: 'There is such a trusted publisher already.' })
    }
    const { principal } = allowed
    await insertPublisher(tx, {
      id,
      repoId: holder.kind === 'repo' ? holder.id : null,
      serviceAccountId: holder.kind === 'service-account' ? holder.id : null,
      issuer,
      audience,
      claims,
      createdBy: principal.kind === 'user' ? principal.id : null,
      createdAt: hub.clock.now(),
      lastUsedAt: null,
      lastRun: null,
      refusedAt: null,
    })
    await recordEvent(hub, tx, allowed, origin, {
      ...told,
      data: { ...describe(issuer, parsed.claims), publisherId: id, audience },
    })
  })
  return id
}

async function remove(
  hub: Hub,
  allowed: Allowed<Action>,
  origin: Origin,
  holder: Holder,
  id: string,
  told: Told,
): Promise<void> {
  await hub.transaction(async (tx) => {
    const gone = await deletePublisher(tx, holder, id)
    if (gone === null) throw new HoldfastError('not_found')
    await rememberEnded(tx, gone.ended, hub.clock.now())
    const claims = JSON.parse(gone.claims) as ParsedPublisher['claims']
    await recordEvent(hub, tx, allowed, origin, {
      ...told,
      data: { ...describe(gone.issuer, claims), publisherId: id, tokens: gone.ended.length },
    })
  })
}

function describe(issuer: string, claims: ParsedPublisher['claims']): EventData {
  return { trusts: publisherName(issuer, claims), issuer, claims }
}
