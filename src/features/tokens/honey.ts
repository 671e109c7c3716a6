/**
 * Honey tokens (idea 20): values that look like any of this hub, give nothing, and tell on whoever uses one. They are planted where a thief would look.
 * To a request a honey token is a value that its token no longer has: the same row, the same statement, the same refusal as for one that was
 * deleted, so nobody can tell them apart. Only the job behind the tripwire knows. They are managed by sessions alone: whoever found a real token
 * must not be able to look up which others are bait.
 */
import { randomBytes } from 'node:crypto'
import { tokenHash } from '../../access/credentials.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import { makeTokenValue } from '../../domain/token.ts'
import type { Hub } from '../../hub.ts'
import { recordEvent } from '../audit/service.ts'
import { insertFormerValues } from './former-queries.ts'
import { deleteHoney, insertHoney, listHoney } from './honey-queries.ts'
import { parseTokenName } from './store.ts'

export const mostHoney = 50
const longestPlace = 200

export interface HoneyToken {
  readonly id: string
  readonly name: string
  /** Where it lies, in the words of who made it. */
  readonly place: string
  readonly last4: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly lastIp: string | null
  readonly lastUserAgent: string | null
  /** When somebody reported or pushed it. */
  readonly reportedAt: number | null
}

type Verb = 'read' | 'create' | 'delete'
type Managing<V extends Verb> = Allowed<`token.honey.${V}`> | Allowed<`org.honey_token.${V}`>

/** The newest first; all of them. */
export async function listHoneyTokens(hub: Hub, allowed: Managing<'read'>): Promise<HoneyToken[]> {
  return await listHoney(hub.db.read, ownerOf(allowed).id, mostHoney)
}

/** Throws `invalid_input` for a name or place that cannot be, and where there are as many as may be. */
export async function makeHoneyToken(
  hub: Hub,
  allowed: Managing<'create'>,
  origin: Origin,
  input: { readonly name: string; readonly place?: string | undefined },
): Promise<{ readonly value: string; readonly token: HoneyToken }> {
  const owner = ownerOf(allowed)
  const name = parseTokenName(input.name)
  const place = (input.place ?? '').trim()
  if (place.length > longestPlace || /\p{Cc}/u.test(place)) {
    throw new HoldfastError('invalid_input', {
      reason: `Say it in at most ${longestPlace} characters.`,
      field: 'place',
    })
  }
  const value = makeTokenValue(randomBytes, (text) => hub.keys.mac('token-checksum', text))
  const hash = tokenHash(hub.keys, value)
  const last4 = value.slice(-4)
  const now = hub.clock.now()
  const id = hub.clock.id()
  const row = {
    id,
    hash,
    last4,
    name,
    place,
    ownerId: owner.id,
    ownerName: owner.name,
    organizationId: owner.organizationId,
    createdAt: now,
    lastUsedAt: null,
    lastIp: null,
    lastUserAgent: null,
    reportedAt: null,
  }
  await hub.transaction(async (tx) => {
    if ((await listHoney(tx, owner.id, mostHoney)).length >= mostHoney) {
      throw new HoldfastError('invalid_input', {
        reason: `There are at most ${mostHoney} honey tokens. Delete one first.`,
      })
    }
    await insertHoney(tx, row)
    const dead = { hash, tokenId: id, name, last4, ownerId: owner.id, ownerName: owner.name }
    await insertFormerValues(tx, [
      {
        ...dead,
        organizationId: owner.organizationId,
        contact: null,
        since: now,
        // Kept for as long as it lies there.
        endedAt: Number.MAX_SAFE_INTEGER,
        validUntil: null,
        lastUsedAt: null,
        lastIp: null,
        lastUserAgent: null,
        alertedAt: null,
      },
    ])
    await record(hub, tx, allowed, origin, { id, name, place })
  })
  return { value, token: row }
}

/** Throws `not_found`. */
export async function deleteHoneyToken(
  hub: Hub,
  allowed: Managing<'delete'>,
  origin: Origin,
  id: string,
): Promise<void> {
  await hub.transaction(async (tx) => {
    const row = await deleteHoney(tx, ownerOf(allowed).id, id)
    if (row === null) throw new HoldfastError('not_found')
    await record(hub, tx, allowed, origin, row)
  })
}

/** Without the last characters: whoever may read the log is not told which of the values they found is bait. */
async function record(
  hub: Hub,
  tx: Parameters<typeof recordEvent>[1],
  allowed: Managing<'create' | 'delete'>,
  origin: Origin,
  { id, name, place }: Pick<HoneyToken, 'id' | 'name' | 'place'>,
): Promise<void> {
  const owner = ownerOf(allowed)
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: 'token', id, name },
    ownerId: owner.id,
    data: { owner: owner.name, place },
  })
}

function ownerOf({ principal, resource }: Managing<Verb>) {
  if (resource !== null) return { id: resource.id, name: resource.name, organizationId: resource.id }
  if (principal.kind !== 'user') throw new Error('A honey token belongs to a person or an organization.')
  return { id: principal.id, name: principal.name, organizationId: null }
}
