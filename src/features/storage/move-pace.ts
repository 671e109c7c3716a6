/**
 * Keeps the move in the background: it works as fast as one thread can while nobody else needs the machine, and rests twice as long as it
 * works while somebody does. It notices that by itself: the event loop is busy, or the same work takes much longer than it did.
 */
import { setTimeout as pause } from 'node:timers/promises'

export interface Pace {
  /** Does a piece of work of a few MiB, then rests if somebody else is at work. Ends in an error when `signal` aborts. */
  work<T>(piece: () => Promise<T>, signal: AbortSignal): Promise<T>
  /** What a piece only waits for, such as a disk that syncs: its time says nothing of how busy others are. */
  apart<T>(wait: () => Promise<T>): Promise<T>
}

/** Of the time of the event loop; the move itself needs about a fifth. */
const busyLoop = 0.6
const slowerThanUsual = 3
/** Below this, times say nothing. */
const leastMs = 15
const longestRestMs = 1_000

export function politePace(): Pace {
  let loop = performance.eventLoopUtilization()
  let usualMs = Number.POSITIVE_INFINITY
  let apartMs = 0
  return {
    async apart(wait) {
      const begun = performance.now()
      try {
        return await wait()
      } finally {
        apartMs += performance.now() - begun
      }
    },
    async work(piece, signal) {
      signal.throwIfAborted()
      apartMs = 0
      const begun = performance.now()
      const result = await piece()
      const tookMs = performance.now() - begun - apartMs
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, loop)
      loop = now
      // What is usual rises slowly, so that one lucky piece does not make all others look slow.
      usualMs = Math.min(tookMs, usualMs * 1.02)
      const isBusy = tookMs > leastMs && (utilization > busyLoop || tookMs > slowerThanUsual * usualMs)
      if (isBusy) await pause(Math.min(longestRestMs, 2 * tookMs), undefined, { signal })
      return result
    },
  }
}
