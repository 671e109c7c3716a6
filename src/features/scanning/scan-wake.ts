/** Wakes the scanners of this process when something was queued. A hint only: they look by themselves every few seconds. */
const sleepers = new Set<() => void>()

/** Returns how to stop that. */
export function onQueued(wake: () => void): () => void {
  sleepers.add(wake)
  return () => sleepers.delete(wake)
}

export function wakeScanners(): void {
  for (const wake of sleepers) wake()
}
