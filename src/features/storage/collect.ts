/**
 * The garbage collection: blobs that no commit names any more, then xorbs that no file is made of any more, then claims to them. What was
 * uploaded, or promised as stored, stays for 28 days; what lost its last name stays for the undo window.
 */
import { systemOrigin } from '../../domain/event.ts'
import { systemGrant } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { findCollectionHold } from '../../platform/db/collection-hold.ts'
import { recordEvent } from '../audit/service.ts'
import { collectBlobs } from './collect-blobs.ts'
import { collectClaims } from './collect-claims.ts'
import { collectStrays } from './collect-strays.ts'
import { collectXorbs } from './collect-xorbs.ts'
import { beginCollection, type Collection, type Counts, noCounts, type ProveRepo } from './collection.ts'
import { CollectorStopped, leaseCollector } from './collector-lease.ts'

/** A transfer that was silent for this long is dead. */
const staleUploadMs = 3 * 24 * 3_600_000

export interface CollectOptions {
  readonly proveRepo: ProveRepo
  /** Bytes that no row names go too, where a check saw them 28 days ago or earlier. */
  readonly withStrays?: boolean
  /** Who asked, for the audit log. */
  readonly reason: string
  readonly signal?: AbortSignal
}

export interface CollectionReport {
  readonly removed: Counts
  /** Why it did not run, or ended early; null when it is done. */
  readonly stopped: string | null
}

/** Removes what nothing needs. Safe beside everything, interrupted at any point, and run again. */
export async function collectStorage(hub: Hub, options: CollectOptions): Promise<CollectionReport> {
  if (await findCollectionHold(hub.db, hub.clock.now()))
    return { removed: noCounts(), stopped: 'A backup is being made.' }
  const lease = await leaseCollector(hub)
  if (lease === null) return { removed: noCounts(), stopped: 'Another collection is running.' }
  const collection = beginCollection(hub, lease, options.proveRepo, options.signal)
  let stopped: string | null = null
  try {
    await run(collection, options)
  } catch (error) {
    if (!(error instanceof CollectorStopped)) throw error
    stopped = error.message
  } finally {
    await lease.release()
  }
  await record(hub, options.reason, collection.counts, stopped)
  return { removed: collection.counts, stopped }
}

async function run(collection: Collection, { withStrays = false }: CollectOptions): Promise<void> {
  await collectBlobs(collection)
  await collectXorbs(collection)
  await collectClaims(collection)
  if (withStrays) await collectStrays(collection)
  await collection.hub.blobs.removeStale(staleUploadMs)
}

async function record(hub: Hub, reason: string, removed: Counts, stopped: string | null): Promise<void> {
  hub.log.info({ removed, stopped }, 'Collected what nothing needs')
  const data = Object.fromEntries(
    Object.entries(removed).flatMap(([kind, { count, bytes }]) => [
      [kind, count],
      [`${kind}Bytes`, bytes],
    ]),
  )
  await hub.transaction((tx) =>
    recordEvent(hub, tx, systemGrant('storage.collect', { on: 'instance' }, reason), systemOrigin, {
      resource: { kind: 'instance', id: null, name: null },
      ownerId: null,
      data: { ...data, stopped },
    }),
  )
}
