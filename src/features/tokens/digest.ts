/**
 * Finding a token by the SHA-256 of its value: whoever found a leaked one need not paste it anywhere. The digest is kept under a key of this hub, so
 * that the database alone tells nobody which values it knows.
 */

import { createHash } from 'node:crypto'
import type { Origin } from '../../domain/event.ts'
import { isoTime } from '../../domain/iso-time.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { KeyRing } from '../../platform/crypto/key-ring.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import {
  deleteLostDigests,
  type FoundRow,
  findFormerByDigest,
  findLiveByDigest,
  insertDigest,
  namesOf,
} from './digest-queries.ts'

export const mostLookedUp = 100
const rowsAtOnce = 500

/** In the transaction that makes the value. `hash`: as it stands with the token. */
export async function keepDigest(hub: Hub, tx: Tx, value: string, hash: string): Promise<void> {
  const sha256 = createHash('sha256').update(value).digest('hex')
  await insertDigest(tx, hub.keys.mac('token-digest', sha256).toString('hex'), hash)
}

/** `sha256`: lower-case hex, each of the whole value, prefix included. In the order in which they were asked for. */
export async function lookUpTokens(
  hub: Hub,
  allowed: Allowed<'token.lookup'>,
  origin: Origin,
  sha256: readonly string[],
): Promise<{ readonly sha256: string; readonly token: object | null }[]> {
  const byDigest = new Map(sha256.flatMap((one) => digestsOf(hub.keys, one).map((digest) => [digest, one])))
  const digests = [...byDigest.keys()]
  const [live, former] = await Promise.all([findLiveByDigest(hub.db, digests), findFormerByDigest(hub.db, digests)])
  const names = await namesOf(hub.db, [...new Set([...live, ...former].map(({ ownerId }) => ownerId)), ''])
  const found = new Map<string, FoundRow>()
  for (const row of [...former, ...live]) found.set(byDigest.get(row.digest) ?? '', row)
  await hub.transaction((tx) =>
    recordEvent(hub, tx, allowed, origin, {
      action: 'token.lookup',
      resource: { kind: 'hub', id: 'hub', name: 'this hub' },
      ownerId: null,
      data: { asked: sha256.length, found: [...found.values()].map(({ tokenId }) => tokenId) },
    }),
  )
  const now = hub.clock.now()
  return sha256.map((one) => {
    const row = found.get(one)
    return { sha256: one, token: row === undefined ? null : present(row, names.get(row.ownerId) ?? null, now) }
  })
}

/** For the daily job: digests of values that neither live nor are kept as dead ones. */
export async function forgetDigests(hub: Hub, signal: AbortSignal): Promise<void> {
  let after: string | null = ''
  while (after !== null) {
    signal.throwIfAborted()
    const from: string = after
    after = await hub.transaction((tx) => deleteLostDigests(tx, from, rowsAtOnce))
  }
}

/** Under every key of the ring: a value may be older than the newest. */
const digestsOf = (keys: KeyRing, sha256: string): string[] =>
  keys.macs('token-digest', sha256).map((digest) => digest.toString('hex'))

function present(row: FoundRow, owner: string | null, now: number): object {
  const isTaken = row.endedAt === null ? row.expiresAt === null || row.expiresAt > now : (row.validUntil ?? 0) > now
  return {
    id: row.tokenId,
    name: row.name,
    last4: row.last4,
    owner,
    role: row.role,
    isTaken,
    createdAt: isoTime(row.createdAt),
    endedAt: isoTime(row.endedAt),
    lastUsedAt: isoTime(row.lastUsedAt),
  }
}
