/**
 * Rate limits as on the Hub: fixed windows of five minutes per caller and surface, announced on every response. Kept in memory: a limit
 * protects this process. The number of callers remembered is bounded.
 */
export interface RateLimiter {
  /** Counts one request. `secondsLeft` until the window ends. */
  count(caller: string): { limit: number; remaining: number; secondsLeft: number; isOver: boolean }
}

const windowMs = 300_000
const mostCallers = 100_000

export function rateLimiter(limit: number, now: () => number): RateLimiter {
  let windowEnds = 0
  let counts = new Map<string, number>()
  return {
    count: (caller) => {
      const time = now()
      if (time >= windowEnds || counts.size >= mostCallers) {
        windowEnds = time >= windowEnds ? time + windowMs : windowEnds
        counts = new Map()
      }
      const used = (counts.get(caller) ?? 0) + 1
      counts.set(caller, used)
      return {
        limit,
        remaining: Math.max(0, limit - used),
        secondsLeft: Math.ceil((windowEnds - time) / 1000),
        isOver: limit > 0 && used > limit,
      }
    },
  }
}
