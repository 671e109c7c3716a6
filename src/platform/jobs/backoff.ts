/** How long a failed job waits: twice as long each time, up to fifteen minutes, scattered so that jobs that failed together do not return together. */
const firstMs = 1000
const longestMs = 15 * 60 * 1000

/** Milliseconds before the run that follows attempt number `attempts` (1, 2, ...). `chance` is in [0, 1). */
export function backoffMs(attempts: number, chance: number = Math.random()): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempts - 1, 30))
  return Math.round(full / 2 + (full / 2) * chance)
}
