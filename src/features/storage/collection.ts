/** One run of the collector: what it may do, what it has removed so far, and what every step of it goes through. */
import type { Hub } from '../../hub.ts'
import type { BlobName } from '../../platform/blobs/blob-store.ts'
import { isCollectionHeld } from '../../platform/db/collection-hold.ts'
import type { Tx } from '../../platform/db/database.ts'
import { type CollectorLease, CollectorStopped } from './collector-lease.ts'

export interface Count {
  count: number
  /** In the blob store. */
  bytes: number
}

/** By kind. `blobs`: large files, `files`: what Xet files were made of, `claims`: of scopes to xorbs, `strays`: bytes without a row. */
export type Counts = Readonly<Record<'blobs' | 'files' | 'xorbs' | 'claims' | 'strays', Count>>

/** Makes the links of a repo agree with its commits: what a commit names is marked so. */
export type ProveRepo = (repoId: string) => Promise<void>

export interface Collection {
  readonly hub: Hub
  readonly counts: Counts
  /** False where the links of this repo could not be compared with its commits; once for each repo and run. */
  prove(repoId: string): Promise<boolean>
  /** Between steps: renews the lease of the collector. Throws `CollectorStopped` if it is lost. */
  keep(): Promise<void>
  /** Claims rows in a transaction, unless a backup asks that nothing goes. */
  claim<T>(work: (tx: Tx) => Promise<readonly T[]>): Promise<readonly T[]>
  /** Removes bytes of claimed rows; gives those whose bytes are gone. */
  removeBytes<T>(rows: readonly T[], nameOf: (row: T) => BlobName): Promise<T[]>
}

const deletedAtOnce = 4

export function noCounts(): Counts {
  const none = (): Count => ({ count: 0, bytes: 0 })
  return { blobs: none(), files: none(), xorbs: none(), claims: none(), strays: none() }
}

export function beginCollection(
  hub: Hub,
  lease: CollectorLease,
  proveRepo: ProveRepo,
  signal: AbortSignal | undefined,
): Collection {
  const proven = new Map<string, boolean>()
  const keep = async (): Promise<void> => await lease.keep()
  /** What is claimed is finished first: until then an upload of the same bytes waits. */
  const beginBatch = async (): Promise<void> => {
    if (signal?.aborted === true) throw new CollectorStopped('The collection was asked to stop.')
    await keep()
  }
  return {
    hub,
    counts: noCounts(),
    keep,
    async prove(repoId) {
      const known = proven.get(repoId)
      if (known !== undefined) return known
      await beginBatch()
      const isProven = await proveRepo(repoId).then(
        () => true,
        (error: unknown) => {
          hub.log.error({ err: error, repo: repoId }, 'Nothing that this repo links is collected: it cannot be read')
          return false
        },
      )
      proven.set(repoId, isProven)
      return isProven
    },
    async claim(work) {
      await beginBatch()
      const claimed = await hub.transaction(async (tx) =>
        (await isCollectionHeld(tx, hub.db.dialect, hub.clock.now())) ? null : await work(tx),
      )
      if (claimed === null) throw new CollectorStopped('A backup is being made.')
      return claimed
    },
    async removeBytes(rows, nameOf) {
      const gone: (typeof rows)[number][] = []
      for (let at = 0; at < rows.length; at += deletedAtOnce) {
        await keep()
        await Promise.all(
          rows.slice(at, at + deletedAtOnce).map(async (row) => {
            const name = nameOf(row)
            lease.check()
            try {
              await hub.blobs.delete(name)
              gone.push(row)
            } catch (error) {
              // Its row stays claimed: the next run tries again.
              hub.log.error({ err: error, ...name }, 'Bytes could not be removed')
            }
          }),
        )
      }
      return gone
    },
  }
}
