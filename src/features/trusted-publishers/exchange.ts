/**
 * An ID token for an access token (RFC 8693), as `huggingface_hub` asks for it. In this order: what the ID token says of itself; whether anybody here
 * trusts its issuer; whether the issuer signed it; and only then what it is wanted for. Who holds no ID token of a trusted issuer learns nothing
 * about repos, and who holds one that fits nowhere hears the same sentence whether there is no repo, no publisher, or one that asks for something else.
 */
import { z } from 'zod'
import { noFence } from '../../access/fence.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { RepoKind } from '../../domain/facts.ts'
import { couldBeRepo, nameKey } from '../../domain/names.ts'
import { systemGrant } from '../../domain/policy.ts'
import { misfits, publisherName, runOf } from '../../domain/publisher.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { type Grant, grant, type TokenAnswer } from '../oauth/service.ts'
import { lockServiceAccount } from '../service-accounts/service.ts'
import { noPermissions, storeToken } from '../tokens/service.ts'
import { type ReadIdToken, readIdToken, skewSeconds } from './id-token.ts'
import { isSignedByIssuer } from './issuer-keys.ts'
import { type Publisher, publisherOfRow } from './publisher.ts'
import {
  claimRefusal,
  countLiveTokens,
  findAccount,
  findRepo,
  type Holder,
  isKnownIssuer,
  listPublishers,
  markUse,
  type Place,
  useUp,
} from './queries.ts'

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const idTokenTypes = ['urn:ietf:params:oauth:token-type:id_token', 'urn:ietf:params:oauth:token-type:jwt']

const lifetimeSeconds = 3_600
/** A job that asks again and again keeps what it has. */
const mostLive = 500
/** What was refused is told in the audit log at most this often for each publisher. */
const quietMs = 600_000

export const tokenExchange: Grant = grant(
  'urn:ietf:params:oauth:grant-type:token-exchange',
  z.object({
    subject_token: z.string().min(1),
    subject_token_type: z.enum(idTokenTypes as [string, ...string[]]),
    resource: z.string().min(1).max(300),
    requested_token_type: z.literal(accessTokenType).optional(),
  }),
  async ({ hub, parameters, request }) => {
    const token = readIdToken(parameters.subject_token, hub.clock.now())
    return await exchange(hub, request.origin, token, parameters.resource)
  },
)

/** Throws `id_token_refused`, `id_token_used`, `issuer_unreachable`, `publisher_busy` or `invalid_target`. */
async function exchange(hub: Hub, origin: Origin, token: ReadIdToken, resource: string): Promise<TokenAnswer> {
  const wanted = parseResource(resource)
  const refuse = async (reason: string, at: Place | null, publisher: Publisher | null): Promise<never> => {
    hub.log.info({ requestId: origin.requestId, issuer: token.issuer, resource, reason }, 'An ID token was refused')
    if (at !== null && publisher !== null) await tellOfRefusal(hub, origin, token, at, publisher, reason)
    throw new HoldfastError('id_token_refused', { resource, issuer: token.issuer.slice(0, 200) })
  }
  if (!(await isKnownIssuer(hub.db, token.issuer))) return await refuse('nobody trusts this issuer', null, null)
  if (!(await isSignedByIssuer(hub, token))) return await refuse('its issuer did not sign it', null, null)
  const place = await find(hub, wanted)
  if (place === null) return await refuse('there is no such resource', null, null)
  const publishers = await listPublishers(hub.db.read, holderOf(place))
  const [best] = publishers
    .filter(({ issuer }) => issuer === token.issuer)
    .map((row) => publisherOfRow(hub, row))
    .map((publisher) => ({ publisher, fault: faultOf(hub, place, publisher, token) }))
    .sort((a, b) => a.fault.length - b.fault.length)
  if (best === undefined) return await refuse('it has no trusted publisher of this issuer', place, null)
  if (best.fault.length > 0) return await refuse(best.fault.join('; '), place, best.publisher)
  return await give(hub, origin, token, place, best.publisher)
}

/** What keeps this ID token from this publisher; empty where it fits. */
function faultOf(hub: Hub, place: Place, publisher: Publisher, token: ReadIdToken): string[] {
  const faults: string[] = []
  if (token.audience !== publisher.audience) {
    faults.push(`its audience is ${JSON.stringify(token.claims.aud ?? null).slice(0, 300)}, not ${publisher.audience}`)
  }
  const names = misfits(publisher.claims, token.claims)
  if (names.length > 0) faults.push(`these claims differ: ${names.join(', ')}`)
  if (place.disabledAt !== null)
    faults.push(place.kind === 'service-account' ? 'the account is disabled' : 'the repo is disabled')
  if (place.expiresAt !== null && place.expiresAt <= hub.clock.now()) faults.push('the account has expired')
  if (place.kind !== 'service-account' && publisher.createdBy?.isActive !== true) {
    faults.push('whoever set the publisher up is not active')
  }
  return faults
}

async function give(
  hub: Hub,
  origin: Origin,
  token: ReadIdToken,
  place: Place,
  publisher: Publisher,
): Promise<TokenAnswer> {
  const now = hub.clock.now()
  const run = runOf(token.issuer, publisher.claims, token.claims)
  const isMachine = place.kind === 'service-account'
  const ownerId = isMachine ? place.id : (publisher.createdBy?.id ?? '')
  const value = await hub.transaction(async (tx) => {
    if (isMachine) await requireStillActive(hub, tx, place)
    if (!(await useUp(tx, token.hashes, (token.expiresAt + skewSeconds) * 1000 + quietMs))) {
      throw new HoldfastError('id_token_used')
    }
    // Deleted meanwhile, it gives nothing any more.
    if (!(await markUse(tx, publisher.id, now, JSON.stringify(run)))) throw gone(place, token)
    if ((await countLiveTokens(tx, publisher.id, now)) >= mostLive) {
      throw new HoldfastError('publisher_busy', { most: mostLive }, { headers: { 'retry-after': '600' } })
    }
    const trusts = publisherName(publisher.issuer, publisher.claims)
    const name = `${trusts.slice(0, 70)} ${hub.clock.id()}`
    const made = await storeToken(hub, tx, ownerId, {
      name,
      role: isMachine ? 'inherit' : 'fineGrained',
      description: null,
      permissions: isMachine
        ? noPermissions
        : {
            ...noPermissions,
            scoped: [
              {
                type: place.kind,
                id: place.id,
                name: place.name,
                permissions: ['repo.content.read', 'repo.content.write'],
              },
            ],
          },
      endpointPatterns: [],
      fence: noFence,
      expiresAt: now + lifetimeSeconds * 1000,
      publisher: { id: publisher.id, run },
    })
    await recordEvent(hub, tx, hubItself(), origin, {
      action: isMachine ? 'org.service_account.publisher.exchange' : 'repo.publisher.exchange',
      resource: resourceOf(place),
      ownerId: place.ownerId,
      data: {
        trusts,
        publisherId: publisher.id,
        tokenId: made.id,
        last4: made.last4,
        publisher: { id: publisher.id, issuer: run.issuer, claims: run.claims },
      },
    })
    return made.value
  })
  return {
    access_token: value,
    token_type: 'bearer',
    expires_in: lifetimeSeconds,
    issued_token_type: accessTokenType,
  }
}

/** Whoever disables an account deletes its tokens: none is made behind their back. */
async function requireStillActive(hub: Hub, tx: Tx, place: Place): Promise<void> {
  const account = await lockServiceAccount(hub, tx, place.ownerId, place.id)
  if (account === null || account.disabledAt !== null) throw new HoldfastError('busy')
}

function gone(place: Place, token: ReadIdToken): HoldfastError {
  return new HoldfastError('id_token_refused', { resource: place.name, issuer: token.issuer.slice(0, 200) })
}

async function tellOfRefusal(
  hub: Hub,
  origin: Origin,
  token: ReadIdToken,
  place: Place,
  publisher: Publisher,
  reason: string,
): Promise<void> {
  const now = hub.clock.now()
  await hub.transaction(async (tx) => {
    if (!(await claimRefusal(tx, publisher.id, now, now - quietMs))) return
    const { claims } = runOf(token.issuer, publisher.claims, token.claims)
    await recordEvent(hub, tx, hubItself(), origin, {
      action: place.kind === 'service-account' ? 'org.service_account.publisher.refuse' : 'repo.publisher.refuse',
      resource: resourceOf(place),
      ownerId: place.ownerId,
      data: {
        trusts: publisherName(publisher.issuer, publisher.claims),
        publisherId: publisher.id,
        issuer: token.issuer,
        reason,
        claims,
      },
    })
  })
}

/** Who holds an ID token is nobody here yet. */
const hubItself = () => systemGrant('oauth.token', { on: 'instance' }, 'trusted publisher')

function resourceOf(place: Place) {
  return { kind: place.kind, id: place.id, name: place.name }
}

function holderOf(place: Place): Holder {
  return { kind: place.kind === 'service-account' ? 'service-account' : 'repo', id: place.id }
}

interface Wanted {
  readonly kind: RepoKind | 'service-account'
  readonly namespace: string
  readonly name: string
}

const prefixes: Readonly<Record<string, Wanted['kind']>> = {
  models: 'model',
  datasets: 'dataset',
  spaces: 'space',
  'service-accounts': 'service-account',
}

/** `acme/m1`, `datasets/acme/d1`, `spaces/acme/s1`, `service-accounts/acme/nightly`. Throws `invalid_target`. */
function parseResource(resource: string): Wanted {
  const parts = resource.split('/')
  const kind = parts.length === 3 ? prefixes[parts[0] ?? ''] : 'model'
  const [namespace = '', name = ''] = parts.slice(-2)
  const isWhole = parts.length === 2 || parts.length === 3
  if (!isWhole || kind === undefined || namespace === '' || name === '') {
    throw new HoldfastError('invalid_target', { resource })
  }
  return { kind, namespace, name }
}

async function find(hub: Hub, { kind, namespace, name }: Wanted): Promise<Place | null> {
  if (kind === 'service-account') {
    const id = /^sa-([0-9a-f]{24})$/.exec(name)?.[1] ?? null
    return await findAccount(hub.db, nameKey(namespace), nameKey(name), id)
  }
  // Looked up all the same: a name that cannot be costs as much as one that is not there.
  return await findRepo(hub.db, kind, nameKey(namespace), couldBeRepo(namespace, name) ? nameKey(name) : '')
}
