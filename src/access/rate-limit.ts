/**
 * Rate limits as on the Hub: fixed windows of five minutes, each beginning with a caller's first request, announced on every response. Kept
 * in memory: a limit protects this process. The number of callers remembered is bounded; the one whose window began first is forgotten.
 */
import { HoldfastError } from '../domain/errors.ts'
import type { Account } from '../domain/facts.ts'
import { addressBucket } from './address-bucket.ts'

export interface Counted {
  /** Requests in one window; 0: without a limit. */
  readonly limit: number
  readonly remaining: number
  /** Until the window of this caller ends. */
  readonly secondsLeft: number
  readonly isOver: boolean
}

export interface RateLimiter {
  /** Counts one request of `caller`: see `callerKey`. */
  count(caller: string): Counted
  /** How many callers are remembered. */
  readonly size: () => number
}

export const windowMs = 300_000
const mostCallers = 100_000

interface Window {
  used: number
  readonly endsAt: number
}

export interface Windows {
  /** Counts one request: the how manyth of its window it is, and the seconds until that ends. */
  use(caller: string): { readonly used: number; readonly secondsLeft: number }
  /** As it stands, without counting one. */
  look(caller: string): { readonly used: number; readonly secondsLeft: number }
  readonly size: () => number
}

/** `lengthMs` of each window. */
export function fixedWindows(lengthMs: number, now: () => number, most = mostCallers): Windows {
  // In the order in which the windows began.
  const windows = new Map<string, Window>()
  const begin = (caller: string, time: number): Window => {
    windows.delete(caller)
    for (const [oldest, { endsAt }] of windows) {
      if (endsAt > time && windows.size < most) break
      windows.delete(oldest)
    }
    const window = { used: 0, endsAt: time + lengthMs }
    windows.set(caller, window)
    return window
  }
  return {
    size: () => windows.size,
    look: (caller) => {
      const window = windows.get(caller)
      const left = (window?.endsAt ?? 0) - now()
      return window === undefined || left <= 0
        ? { used: 0, secondsLeft: 0 }
        : { used: window.used, secondsLeft: Math.ceil(left / 1000) }
    },
    use: (caller) => {
      const time = now()
      const known = windows.get(caller)
      const window = known === undefined || known.endsAt <= time ? begin(caller, time) : known
      window.used++
      return { used: window.used, secondsLeft: Math.ceil((window.endsAt - time) / 1000) }
    },
  }
}

export function rateLimiter(limit: number, now: () => number, most = mostCallers): RateLimiter {
  const windows = fixedWindows(windowMs, now, most)
  return {
    size: windows.size,
    count: (caller) => {
      if (limit === 0) return { limit, remaining: 0, secondsLeft: 0, isOver: false }
      const { used, secondsLeft } = windows.use(caller)
      return { limit, remaining: Math.max(0, limit - used), secondsLeft, isOver: used > limit }
    },
  }
}

/** Who is counted: an account wherever it comes from; of strangers their address, of an IPv6 subscriber the whole network. */
export function callerKey(account: Account | null, address: string | null): string {
  return account?.id ?? addressBucket(address)
}

/** Throws `rate_limited` with the seconds to wait. */
export function refuseOver({ isOver, secondsLeft }: Counted): void {
  if (!isOver) return
  const headers = { 'retry-after': String(secondsLeft) }
  throw new HoldfastError('rate_limited', { seconds: secondsLeft }, { headers })
}
