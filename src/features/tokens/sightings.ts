/**
 * The tripwire: who uses a value that its token no longer has is told on to the owner, with address and program, at most once a day for each
 * token; and the use of a token outside of its fence stands in the log once an hour. Either a program was forgotten, or somebody has what was not theirs. Values that this hub never made alert nobody.
 */
import { z } from 'zod'
import { quietMs, sightingQueue } from '../../access/sightings.ts'
import { newAddressQueue } from '../../access/token-usage.ts'
import type { Origin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { ensureEnqueued } from '../../platform/jobs/enqueue.ts'
import type { JobHandlers } from '../../platform/jobs/workers.ts'
import { enqueueMail } from '../accounts/service.ts'
import { recordEvent } from '../audit/service.ts'
import { firstAdmins } from '../organizations/service.ts'
import { forgetDigests } from './digest.ts'
import { claimAlert, deleteFormerValuesBefore, findFormerOwner } from './former-queries.ts'
import { claimHoneyUse } from './honey-queries.ts'
import { mostAdminsTold } from './leaked.ts'
import { claimFenceEvent } from './queries.ts'
import { usageKeptDays } from './usage.ts'
import { claimNewAddress, deleteUsesBefore } from './usage-queries.ts'

const report = z.object({
  kind: z.enum(['dead', 'fenced']),
  tokenId: z.string(),
  last4: z.string(),
  at: z.number(),
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  requestId: z.string().nullable(),
})
type Report = z.output<typeof report>

const newAddress = z.object({
  tokenId: z.string(),
  address: z.string(),
  program: z.string().nullable(),
  at: z.number(),
})

const forgetQueue = 'forget-token-values'
const dayMs = 86_400_000
/** How long the hashes of dead values are kept. */
const keptDays = 90
const rowsAtOnce = 1_000

export function sightingJobs(hub: Hub): JobHandlers {
  return {
    [sightingQueue]: async (payload) => {
      const seen = report.parse(payload)
      await hub.transaction((tx) => (seen.kind === 'dead' ? tellOfReuse : tellOfFence)(hub, tx, seen))
    },
    [newAddressQueue]: async (payload) => {
      const seen = newAddress.parse(payload)
      await hub.transaction((tx) => tellOfNewAddress(hub, tx, seen))
    },
    [forgetQueue]: (_payload, signal) => forgetValues(hub, signal),
  }
}

/** Once at start: a job that waits already is left as it is. */
export async function scheduleForgettingValues(hub: Hub): Promise<void> {
  await ensureEnqueued(hub.db, forgetQueue, null, { dedupKey: 'next', runAt: hub.clock.now() + dayMs })
}

async function forgetValues(hub: Hub, signal: AbortSignal): Promise<void> {
  await scheduleForgettingValues(hub)
  const before = hub.clock.now() - keptDays * dayMs
  for (;;) {
    signal.throwIfAborted()
    const removed = await hub.transaction((tx) => deleteFormerValuesBefore(tx, before, rowsAtOnce))
    if (removed < rowsAtOnce) break
  }
  await forgetDigests(hub, signal)
  const lastDay = hub.clock.now() - usageKeptDays * dayMs
  while (await hub.transaction((tx) => deleteUsesBefore(tx, lastDay, rowsAtOnce))) signal.throwIfAborted()
}

/** Only here, long after the answer, does a honey token part from a value that is dead. */
async function tellOfHoney(hub: Hub, tx: Tx, seen: Report): Promise<boolean> {
  const { isHoney, told } = await claimHoneyUse(tx, seen.tokenId, seen, seen.at - quietMs.dead)
  if (told === null) return isHoney
  const { name, place, ownerId, ownerName, organizationId } = told
  await recordEvent(hub, tx, systemGrant('token.read', { on: 'self' }, 'honey token'), originOf(seen), {
    action: 'token.honey_used',
    resource: { kind: 'token', id: told.id, name },
    ownerId,
    data: { owner: ownerName, place, last4: seen.last4 },
  })
  const { at, ip, userAgent: program, last4 } = seen
  const facts = { owner: ownerName, token: name, place, last4, at, ip, program }
  for (const to of await readersOf(tx, { ownerId, organizationId, contact: null })) {
    await enqueueMail(hub, tx, { kind: 'honey-used', ...to, ...facts })
  }
  return true
}

async function tellOfReuse(hub: Hub, tx: Tx, seen: Report): Promise<void> {
  if (await tellOfHoney(hub, tx, seen)) return
  const value = await claimAlert(tx, seen.tokenId, seen.at, seen.at - quietMs.dead)
  if (value === null) return
  const { name, ownerId, ownerName, organizationId } = value
  // By the hub: who sent the value is not known, from where is.
  const hubItself = systemGrant('token.delete', { on: 'self' }, 'reuse tripwire')
  await recordEvent(hub, tx, hubItself, originOf(seen), {
    action: 'token.reused',
    resource: { kind: 'token', id: seen.tokenId, name },
    ownerId: organizationId ?? ownerId,
    data: { owner: ownerName, last4: seen.last4 },
  })
  const facts = { owner: ownerName, token: name, last4: seen.last4, at: seen.at, ip: seen.ip, program: seen.userAgent }
  for (const to of await readersOf(tx, value)) await enqueueMail(hub, tx, { kind: 'token-reused', ...to, ...facts })
}

/** For the log alone: a pipeline that moved is more likely than a thief, who has the value and not the place. */
async function tellOfFence(hub: Hub, tx: Tx, seen: Report): Promise<void> {
  const token = await claimFenceEvent(tx, seen.tokenId, seen.at, seen.at - quietMs.fenced)
  if (token === null) return
  const { ownerName, organizationId } = await findFormerOwner(tx, token.ownerId)
  await recordEvent(hub, tx, systemGrant('token.read', { on: 'self' }, 'token fence'), originOf(seen), {
    action: 'token.fenced',
    resource: { kind: 'token', id: seen.tokenId, name: token.name },
    ownerId: organizationId ?? token.ownerId,
    data: { owner: ownerName, last4: seen.last4 },
  })
}

/** For the log, once a day for each token: laptops move, and a pipeline that moves is looked at. */
async function tellOfNewAddress(hub: Hub, tx: Tx, seen: z.output<typeof newAddress>): Promise<void> {
  const token = await claimNewAddress(tx, seen.tokenId, seen.at, seen.at - dayMs)
  if (token === null) return
  const { ownerName, organizationId } = await findFormerOwner(tx, token.ownerId)
  const origin: Origin = { ip: seen.address, userAgent: seen.program, requestId: null }
  await recordEvent(hub, tx, systemGrant('token.read', { on: 'self' }, 'token provenance'), origin, {
    action: 'token.new_address',
    resource: { kind: 'token', id: seen.tokenId, name: token.name },
    ownerId: organizationId ?? token.ownerId,
    data: { owner: ownerName, last4: token.last4 },
  })
}

type Reader = { readonly userId: string } | { readonly address: string }

/** A person; or whom to ask about a service account, where that is an address, and the administrators of its organization. */
async function readersOf(
  tx: Tx,
  value: { readonly ownerId: string; readonly organizationId: string | null; readonly contact: string | null },
): Promise<Reader[]> {
  if (value.organizationId === null) return [{ userId: value.ownerId }]
  const administrators = await firstAdmins(tx, value.organizationId, mostAdminsTold)
  const isAddress = value.contact !== null && /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(value.contact)
  return [
    ...administrators.map((userId) => ({ userId })),
    ...(isAddress && value.contact !== null ? [{ address: value.contact }] : []),
  ]
}

function originOf({ ip, userAgent, requestId }: Report): Origin {
  return { ip, userAgent, requestId }
}
