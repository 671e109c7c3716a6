/**
 * Signing in a device (RFC 8628), as `hf auth login` does: the device gets a long code to ask with and a short one to show; a person types the
 * short one on a page and answers; the device, which asked all the while, gets its tokens.
 */
import { randomBytes } from 'node:crypto'
import { addressBucket } from '../../access/address-bucket.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret, newSecret } from '../../platform/crypto/secret.ts'
import { requireVerifiedEmail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { type Counted, countAttempt, forgiveAttempt } from '../sessions/service.ts'
import { type Client, type ClientProof, clientOf, requireProof, unknownClient } from './client.ts'
import { mergeConsent } from './consent.ts'
import { deviceLifetimeSeconds, mint, prepareGrant } from './mint.ts'
import {
  answerDevice,
  deleteDevice,
  findClientRow,
  findDevice,
  findWaitingDevice,
  insertDevice,
  listMemberships,
  notePoll,
} from './queries.ts'
import { askedScopes, type ScopeName, scopesOf } from './scopes.ts'
import type { TokenAnswer, TokenRequest } from './token-endpoint.ts'

/** No vowels, so that no word comes of it, and nothing that is read as something else: 20^8 codes. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'
const codeLength = 8
const lifetimeSeconds = 900
const pollSeconds = 5
/** A client that sleeps exactly as long as it was told shall not be called hasty for the jitter of its clock. */
const patienceMs = 500

export interface DeviceStart {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

/** Throws `oauth_client_refused`, `oauth_client_unfit`, `oauth_scope_refused` and `too_many_attempts`. */
export async function startDevice(
  hub: Hub,
  origin: Origin,
  asked: { readonly proof: ClientProof; readonly scope: string | undefined },
): Promise<DeviceStart> {
  const row = asked.proof.id === null ? null : await findClientRow(hub.db.read, asked.proof.id)
  if (row === null) throw unknownClient()
  const client = clientOf(row)
  requireProof(client, asked.proof)
  if (!client.takesDevices) {
    throw new HoldfastError('oauth_client_unfit', {
      reason: 'This application is not registered for signing in devices.',
    })
  }
  const scopes = askedScopes(asked.scope, client.scopes)
  await countAttempt(hub, [startedFrom(origin.ip)])
  const now = hub.clock.now()
  const deviceCode = newSecret()
  const userCode = await hub.transaction(async (tx) => {
    for (let tries = 0; tries < 5; tries++) {
      const code = newUserCode()
      const isNew = await insertDevice(tx, {
        deviceHash: hashSecret(deviceCode),
        userCodeHash: hub.keys.mac('device-code', code).toString('hex'),
        clientId: client.id,
        scope: scopes.join(' '),
        ip: origin.ip,
        userAgent: origin.userAgent,
        createdAt: now,
        expiresAt: now + lifetimeSeconds * 1_000,
        pollSeconds,
        lastPolledAt: null,
        verdict: null,
        userId: null,
        organizationIds: null,
      })
      if (isNew) return code
    }
    throw new Error('Five short codes in a row were taken.')
  })
  const shown = `${userCode.slice(0, 4)}-${userCode.slice(4)}`
  const page = `${hub.config.publicUrl}/device`
  return {
    device_code: deviceCode,
    user_code: shown,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${shown}`,
    expires_in: lifetimeSeconds,
    interval: pollSeconds,
  }
}

function startedFrom(ip: string | null): Counted {
  return { limit: 'device-start', about: addressBucket(ip) }
}

function newUserCode(): string {
  let code = ''
  while (code.length < codeLength) {
    for (const byte of randomBytes(codeLength)) {
      // 240 is the largest multiple of 20 below 256: larger bytes are dropped, so that every letter is equally likely.
      if (byte < 240 && code.length < codeLength) code += letters[byte % letters.length]
    }
  }
  return code
}

/** A device that waits, as its person is to see it. */
export interface WaitingDevice {
  readonly deviceHash: string
  /** As the device shows it. */
  readonly userCode: string
  readonly client: Client
  readonly scopes: readonly ScopeName[]
  readonly ip: string | null
  readonly userAgent: string | null
  readonly askedAt: number
}

/** Counted, since the code is short. Throws `user_code_unknown` and `too_many_attempts`. */
export async function findDeviceByUserCode(
  hub: Hub,
  allowed: Allowed<'oauth.authorize'>,
  origin: Origin,
  typed: string,
): Promise<WaitingDevice> {
  const { id } = personOf(allowed)
  const byPerson = { limit: 'device-code', about: id } as const
  const byAddress = { limit: 'device-code-address', about: addressBucket(origin.ip) } as const
  await countAttempt(hub, [byPerson, byAddress])
  const code = typed.toUpperCase().replace(/[^A-Z]/g, '')
  const hashes = hub.keys.macs('device-code', code).map((mac) => mac.toString('hex'))
  const row = code.length === codeLength ? await findWaitingDevice(hub.db.read, hashes, hub.clock.now()) : null
  const clientRow = row === null ? null : await findClientRow(hub.db.read, row.clientId)
  if (row === null || clientRow === null) throw new HoldfastError('user_code_unknown', { field: 'user_code' })
  await forgiveAttempt(hub, [byPerson], [byAddress])
  return {
    deviceHash: row.deviceHash,
    userCode: `${code.slice(0, 4)}-${code.slice(4)}`,
    client: clientOf(clientRow),
    scopes: scopesOf(row.scope),
    ip: row.ip,
    userAgent: row.userAgent,
    askedAt: row.createdAt,
  }
}

/** Throws `user_code_unknown` where it was answered meanwhile, and `email_not_verified`. */
export async function answerForDevice(
  hub: Hub,
  allowed: Allowed<'oauth.authorize'>,
  origin: Origin,
  device: WaitingDevice,
  answer: { readonly approved: boolean; readonly organizationIds: readonly string[] },
): Promise<void> {
  const person = personOf(allowed)
  if (answer.approved) await requireVerifiedEmail(hub, person.id)
  const { client, scopes } = device
  const scope = scopes.join(' ')
  await hub.transaction(async (tx) => {
    const memberOf = (await listMemberships(tx, person.id, hub.clock.now())).map(({ id }) => id)
    const organizationIds = memberOf.filter((id) => answer.organizationIds.includes(id))
    const isFirst = await answerDevice(tx, device.deviceHash, {
      verdict: answer.approved ? 'approved' : 'denied',
      userId: person.id,
      organizationIds: JSON.stringify(organizationIds),
    })
    if (!isFirst) throw new HoldfastError('user_code_unknown', { field: 'user_code' })
    if (answer.approved) await mergeConsent(hub, tx, person.id, client.id, scopes, organizationIds)
    await recordEvent(hub, tx, allowed, origin, {
      ...(answer.approved ? {} : { action: 'oauth.deny' }),
      resource: { kind: 'oauth-app', id: client.id, name: client.name },
      ownerId: person.id,
      data: { device: true, scope, ip: device.ip, userAgent: device.userAgent, organizations: organizationIds },
    })
  })
  // Of many behind one address those that were meant do not count: a whole office signs in from there.
  if (answer.approved) await forgiveAttempt(hub, [], [startedFrom(device.ip)])
}

/**
 * What the device is told each time that it asks. Throws `authorization_pending`, `polled_too_fast`, `device_denied` and `device_code_expired`.
 */
export async function answerDeviceCode({
  hub,
  allowed,
  parameters,
  request,
}: TokenRequest<{ device_code: string; proof: ClientProof }>): Promise<TokenAnswer> {
  const hash = hashSecret(parameters.device_code)
  const now = hub.clock.now()
  const row = await findDevice(hub.db.read, hash)
  const clientRow = row === null ? null : await findClientRow(hub.db.read, row.clientId)
  if (row === null || clientRow === null || row.expiresAt <= now) throw new HoldfastError('device_code_expired')
  const client = clientOf(clientRow)
  if (parameters.proof.id === null) throw unknownClient()
  requireProof(client, parameters.proof)
  if (row.verdict === 'denied') {
    await hub.transaction((tx) => deleteDevice(tx, hash))
    throw new HoldfastError('device_denied')
  }
  if (row.verdict === null || row.userId === null) {
    const isHasty = row.lastPolledAt !== null && now - row.lastPolledAt < row.pollSeconds * 1_000 - patienceMs
    const seconds = isHasty ? Math.min(row.pollSeconds + 5, 60) : row.pollSeconds
    await hub.transaction((tx) => notePoll(tx, hash, now, seconds))
    throw new HoldfastError(isHasty ? 'polled_too_fast' : 'authorization_pending', { seconds })
  }
  const organizationIds = JSON.parse(row.organizationIds ?? '[]') as string[]
  const granted = await prepareGrant(
    hub,
    client,
    row.userId,
    scopesOf(row.scope),
    organizationIds,
    deviceLifetimeSeconds,
  )
  return await hub.transaction(async (tx) => {
    if (!(await deleteDevice(tx, hash))) throw new HoldfastError('device_code_expired')
    return (await mint(hub, tx, allowed, request.origin, granted)).answer
  })
}

function personOf(allowed: Allowed<'oauth.authorize'>): { id: string; name: string } {
  if (allowed.principal.kind !== 'user') throw new Error('A person answers for a device.')
  return allowed.principal
}
