/**
 * Slows down guessing. Attempts are counted in the database before they are judged, so the limit holds over restarts and replicas and
 * against parallel guesses; after the free ones each further attempt waits twice as long as the one before. Keys hold a hash of what was
 * typed: people type passwords into the name's field.
 */
import { createHash } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { deleteThrottle, refundThrottle, takeThrottle, writeThrottle } from './throttle-queries.ts'

interface Limit {
  /** Attempts before the first wait. */
  readonly free: number
  /** The first wait (ms); doubled by every further attempt. */
  readonly firstWait: number
  readonly longestWait: number
}

const seconds = 1_000
const minutes = 60 * seconds

const limits = {
  'sign-in-name': { free: 10, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'sign-in-address': { free: 60, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'join-address': { free: 20, firstWait: 1 * minutes, longestWait: 60 * minutes },
  'mail-target': { free: 4, firstWait: 1 * minutes, longestWait: 60 * minutes },
  'mail-address': { free: 20, firstWait: 1 * minutes, longestWait: 60 * minutes },
  'second-factor': { free: 10, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'recovery-code': { free: 10, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'invite-target': { free: 8, firstWait: 1 * minutes, longestWait: 60 * minutes },
  'invite-organization': { free: 200, firstWait: 1 * minutes, longestWait: 60 * minutes },
  'access-request': { free: 8, firstWait: 1 * minutes, longestWait: 60 * minutes },
  'device-start': { free: 60, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'device-code': { free: 10, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'device-code-address': { free: 60, firstWait: 5 * seconds, longestWait: 15 * minutes },
  'password-check': { free: 10, firstWait: 5 * seconds, longestWait: 15 * minutes },
} as const satisfies Record<string, Limit>

/** What is counted: a kind of limit and what it is about. */
export interface Counted {
  readonly limit: keyof typeof limits
  readonly about: string
}

/** After this long without an attempt a row is forgotten, and counting begins anew. */
export const quietMs = 24 * 60 * minutes

/** Counts one attempt at each of `counted`. Throws `too_many_attempts` where one of them has to wait; then nothing is counted. */
export async function countAttempt(hub: Hub, counted: readonly Counted[]): Promise<void> {
  const now = hub.clock.now()
  const wait = await hub.transaction(async (tx) => {
    const rows = []
    // In one order, so that two attempts never wait for each other.
    for (const item of [...counted].sort((a, b) => keyOf(a).localeCompare(keyOf(b)))) {
      const row = await takeThrottle(tx, keyOf(item), now)
      if (row.blockedUntil !== null && row.blockedUntil > now) return row.blockedUntil - now
      rows.push({ row, limit: limits[item.limit] })
    }
    for (const { row, limit } of rows) {
      const count = (now - row.windowStartedAt > quietMs ? 0 : row.count) + 1
      const over = count - limit.free
      const blockedUntil =
        over < 0 ? null : now + Math.min(limit.firstWait * 2 ** Math.min(over, 30), limit.longestWait)
      await writeThrottle(tx, { key: row.key, count, windowStartedAt: now, blockedUntil })
    }
    return 0
  })
  if (wait > 0) {
    const secondsLeft = Math.ceil(wait / seconds)
    throw new HoldfastError(
      'too_many_attempts',
      { seconds: secondsLeft },
      { headers: { 'retry-after': String(secondsLeft) } },
    )
  }
}

/** The attempt was right: `forgiven` start anew; for `refunded` it counts as not made (an address does not become innocent by one account). */
export async function forgiveAttempt(
  hub: Hub,
  forgiven: readonly Counted[],
  refunded: readonly Counted[],
): Promise<void> {
  await hub.transaction(async (tx) => {
    for (const item of forgiven) await deleteThrottle(tx, keyOf(item))
    for (const item of refunded) await refundThrottle(tx, keyOf(item))
  })
}

function keyOf({ limit, about }: Counted): string {
  return `${limit}:${createHash('sha256').update(about).digest('base64url').slice(0, 32)}`
}
