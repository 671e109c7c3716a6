/**
 * Tokens that somebody else has seen: they are revoked at once, and their owner learns of it. Who may ask for it is everybody, since whoever has the value could
 * use it for worse.
 */
import { z } from 'zod'
import { tokenHash } from '../../access/credentials.ts'
import { type EventData, type Origin, systemOrigin } from '../../domain/event.ts'
import { type Allowed, systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { firstAdmins } from '../organizations/service.ts'
import { closeFormerValues } from './former-queries.ts'
import { markReported, selectUnreported } from './honey-queries.ts'
import { type LiveToken, selectLive } from './queries.ts'
import { removeStored } from './store.ts'

export const mostReported = 1_000
/** As many administrators of an organization hear of one of its tokens. */
export const mostAdminsTold = 100
const reportedQueue = 'revoke-reported'

/** Where a token was found, as far as its owner may know it. */
export interface Exposure {
  readonly repo: string | null
  /** For the event. */
  readonly data: EventData
}

/**
 * Revokes those of these values (by hash) that are live, mails their owners, and returns them. Dead ones are nobody's loss. `expose` says what the owner of
 * one is told.
 */
export async function revokeLeaked(
  hub: Hub,
  tx: Tx,
  hashes: readonly string[],
  expose: (token: LiveToken) => Exposure,
): Promise<LiveToken[]> {
  const revoked: LiveToken[] = []
  for (const token of [...(await selectLive(tx, hashes, hub.clock.now())), ...(await liveHoney(tx, hashes))]) {
    // Of two who find it at once, one revokes it.
    if (!(await revoke(hub, tx, token))) continue
    revoked.push(token)
    const { repo, data } = expose(token)
    // By the hub: who pushed it, from which address, is told in the log of the repo.
    const hubItself = systemGrant('token.delete', { on: 'self' }, 'leak trap')
    await recordEvent(hub, tx, hubItself, systemOrigin, {
      action: 'token.leaked',
      resource: { kind: 'token', id: token.id, name: token.name },
      ownerId: token.organizationId ?? token.ownerId,
      data: { owner: token.ownerName, last4: token.last4, ...data },
    })
    const readers =
      token.organizationId === null ? [token.ownerId] : await firstAdmins(tx, token.organizationId, mostAdminsTold)
    const { ownerName: owner, name, last4 } = token
    for (const userId of readers) {
      await enqueueMail(hub, tx, { kind: 'token-leaked', userId, owner, token: name, last4, repo })
    }
  }
  return revoked
}

/** To who finds one, a honey token is a live token like any. */
async function liveHoney(tx: Tx, hashes: readonly string[]): Promise<LiveToken[]> {
  if (hashes.length === 0) return []
  return (await selectUnreported(tx, hashes)).map((row) => ({ ...row, isOld: false, isHoney: true }))
}

/** Of a token with two values that are taken, the old one alone: its owner has moved on to the new one already. */
async function revoke(hub: Hub, tx: Tx, token: LiveToken): Promise<boolean> {
  // It was never taken, and goes on to tell on whoever uses it.
  if (token.isHoney === true) return await markReported(tx, token.id, hub.clock.now())
  if (!token.isOld) return (await removeStored(hub, tx, token.ownerId, token.id)).length > 0
  return (await closeFormerValues(tx, token.ownerId, token.id, hub.clock.now())).length > 0
}

/**
 * Takes a report of leaked values. Whether one of them is a token of this hub decides nothing here: all are hashed, and a job looks them up, so that neither
 * the answer nor its time tells a finder anything.
 */
export async function takeReport(
  hub: Hub,
  _allowed: Allowed<'token.report'>,
  origin: Origin,
  values: readonly string[],
): Promise<void> {
  const hashes = values.map((value) => tokenHash(hub.keys, value.trim()))
  const { requestId } = origin
  await hub.transaction((tx) => enqueue(tx, reportedQueue, { hashes, requestId }))
}

const report = z.object({ hashes: z.array(z.string()), requestId: z.string().nullable() })

export function leakJobs(hub: Hub): JobHandlers {
  return {
    [reportedQueue]: async (payload) => {
      const { hashes, requestId } = report.parse(payload)
      // Not from where: whoever reports a leak does its owner a service.
      const data = { via: 'report', request: requestId }
      await hub.transaction((tx) => revokeLeaked(hub, tx, hashes, () => ({ repo: null, data })))
    },
  }
}
