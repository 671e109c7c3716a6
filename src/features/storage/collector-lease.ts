/**
 * One collector at a time, in all processes. The lease is a row that ends by itself. Before bytes are removed the holder looks whether it
 * still has minutes left: what another collector finished, and an upload then wrote anew, must not be removed by somebody who slept.
 */
import type { Hub } from '../../hub.ts'
import { dropLease, moveLease, takeLease } from './collect-queries.ts'

const leaseMs = 10 * 60_000
const renewAfterMs = 2 * 60_000
/** Longer than the removal of one batch takes, in a bucket far away. */
const marginMs = 3 * 60_000

export interface CollectorLease {
  /** Renews the lease where it is time to. Throws `CollectorStopped` if it is lost. */
  keep(): Promise<void>
  /** Throws `CollectorStopped` if it is over, or nearly. */
  check(): void
  release(): Promise<void>
}

/** Thrown where a run must end early; what it claimed is finished by the next one. */
export class CollectorStopped extends Error {}

/** Null while somebody else collects. */
export async function leaseCollector(
  hub: Hub,
  lengths = { leaseMs, renewAfterMs, marginMs },
): Promise<CollectorLease | null> {
  const id = hub.clock.id()
  const valueAt = (until: number): string => `${String(until).padStart(15, '0')}:${id}`
  const begun = hub.clock.now()
  let until = begun + lengths.leaseMs
  if (!(await hub.transaction((tx) => takeLease(tx, valueAt(until), begun)))) return null
  const check = (): void => {
    if (hub.clock.now() > until - lengths.marginMs) throw new CollectorStopped('The lease of this collection is over.')
  }
  return {
    check,
    async keep() {
      const now = hub.clock.now()
      if (now < until - lengths.leaseMs + lengths.renewAfterMs) return
      check()
      const next = now + lengths.leaseMs
      if (!(await hub.transaction((tx) => moveLease(tx, valueAt(until), valueAt(next))))) {
        throw new CollectorStopped('The lease of this collection was lost.')
      }
      until = next
    },
    async release() {
      await hub.transaction((tx) => dropLease(tx, valueAt(until)))
    },
  }
}
