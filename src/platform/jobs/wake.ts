/** Workers of this process that sleep until something is enqueued. A hint only: they look by themselves every few seconds. */
const sleepers = new Set<() => void>()

/** Calls `wake` after each commit that enqueued a job in this process; returns how to stop that. */
export function onEnqueued(wake: () => void): () => void {
  sleepers.add(wake)
  return () => sleepers.delete(wake)
}

export function wakeWorkers(): void {
  for (const wake of sleepers) wake()
}
