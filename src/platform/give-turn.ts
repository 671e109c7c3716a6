/** Long computations in parts: everybody else gets a turn of the event loop every few milliseconds. */
import { setImmediate as nextTurn } from 'node:timers/promises'

const turnMs = 4

/** To be called between parts; waits only when this computation has had its few milliseconds. */
export function turnGiver(): () => Promise<void> | undefined {
  let startedAt = performance.now()
  return () => {
    if (performance.now() - startedAt < turnMs) return undefined
    return nextTurn().then(() => {
      startedAt = performance.now()
    })
  }
}
