/** A blob that a repo links, and how its bytes are sent: the one place that knows that they lie as an object or in a Xet file. */
import { findAddressInStore } from '../../access/address-in-store.ts'
import type { SentFile } from '../../access/file-reply.ts'
import { storedContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { type BlobIdentity, objectNamed } from '../../platform/blobs/blob-store.ts'
import type { Db } from '../../platform/db/database.ts'
import { openBlob } from './open-blob.ts'
import { selectPlacedBlob, selectXetHashesOfRepo } from './placed-blob-queries.ts'
import type { Place } from './quarantine.ts'
import { redirectTime } from './redirect-time.ts'

export interface PlacedBlob extends BlobIdentity {
  /** The bytes lie as they are. */
  readonly hasObject: boolean
  /** The Xet file that holds them, as a hash string. */
  readonly xetHash: string | null
}

/** The blob if this repo links it, else null. */
export async function findPlacedBlob(db: Db, repoId: string, sha256: string): Promise<PlacedBlob | null> {
  const row = await selectPlacedBlob(db, repoId, sha256)
  return row === null ? null : { ...row, hasObject: row.hasObject === 1 }
}

/** Of these blobs, the Xet files of those that the repo links, by SHA-256. */
export async function findXetHashesOfRepo(
  db: Db,
  repoId: string,
  sha256s: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  if (sha256s.length === 0) return found
  for (const { sha256, xetHash } of await selectXetHashesOfRepo(db, repoId, [...new Set(sha256s)])) {
    if (xetHash !== null) found.set(sha256, xetHash)
  }
  return found
}

/** Only what lies as it is can be sent by somebody else; chunks are put together here. */
export function bytesOf(
  hub: Hub,
  repo: Place,
  blob: PlacedBlob,
): Pick<SentFile, 'open' | 'frontServerPath' | 'addressElsewhere' | 'timeLimitMs'> {
  const name = objectNamed(blob.sha256)
  return {
    open: (start, end) => openBlob(hub, blob, start, end),
    frontServerPath: blob.hasObject ? hub.blobs.pathForFrontServer(name) : null,
    addressElsewhere: async (headers) => {
      if (!blob.hasObject) return null
      const lifetimeMs = await redirectTime(hub, repo, storedContent(blob.sha256))
      return lifetimeMs === null ? null : await findAddressInStore(hub, name, blob.size, headers, lifetimeMs)
    },
    timeLimitMs: null,
  }
}
