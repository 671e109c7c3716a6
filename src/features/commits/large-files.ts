/**
 * The large files that a commit names. A hash alone is no right to bytes: they must have been sent to this very repo, or lie in one that
 * the caller may read (a copy between repos; clients then send no size). Looked up in batches, put in the order of the body.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoFacts } from '../../domain/facts.ts'
import type { LfsPointer } from '../../domain/lfs-pointer.ts'
import { storedContent } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { ApiCommit } from '../ingest/service.ts'
import { findHeld, findLinkedBlobs, linkBlob, linkStoredBlob, prepareBlob } from '../storage/service.ts'
import type { SpooledContent } from './content-spool.ts'
import { selectHolders } from './queries.ts'

export interface NamedLargeFile {
  readonly path: string
  readonly sha256: string
  /** Null: as large as what is stored. */
  readonly size: number | null
}

/** The repo if the caller may read its content, decided now; else null. */
export type MayRead = (repoId: string) => Promise<RepoFacts | null>

/** How many repos are tried for the files of one batch. */
const holderLimit = 200

/** Puts the pointers; `put` hears of each. Throws `lfs_object_missing` where a size would have to be guessed, and `bad_request` for a wrong one. */
export async function putLargeFiles(
  hub: Hub,
  repoId: string,
  commit: ApiCommit,
  files: readonly NamedLargeFile[],
  mayRead: MayRead,
  put: (path: string, blob: string) => void,
): Promise<void> {
  const sizes = new Map(
    await findLinkedBlobs(
      hub.db,
      repoId,
      files.map((file) => file.sha256),
    ),
  )
  const absent = [...new Set(files.map((file) => file.sha256))].filter((sha256) => !sizes.has(sha256))
  for (const pointer of await linkFromElsewhere(hub, repoId, absent, mayRead)) sizes.set(pointer.sha256, pointer.size)
  for (const { path, sha256, size } of files) {
    const stored = sizes.get(sha256)
    if (stored === undefined && size === null) throw new HoldfastError('lfs_object_missing', { count: 1, paths: path })
    if (stored !== undefined && size !== null && stored !== size) {
      const reason = `The large file "${path}" has ${stored} bytes, not ${size}.`
      throw new HoldfastError('bad_request', { reason })
    }
    // What is not stored at all is refused with all others of its kind when the commit is judged.
    put(path, await commit.putLargeFile(path, { sha256, size: stored ?? size ?? 0 }))
  }
}

async function linkFromElsewhere(
  hub: Hub,
  repoId: string,
  sha256s: readonly string[],
  mayRead: MayRead,
): Promise<LfsPointer[]> {
  if (sha256s.length === 0) return []
  const found = new Map<string, LfsPointer>()
  const holders = await selectHolders(hub.db, sha256s, holderLimit)
  for (const [holderId, held] of Map.groupBy(holders, ({ repoId: id }) => id)) {
    const wanted = held.filter(({ sha256 }) => !found.has(sha256))
    const repo = wanted.length === 0 ? null : await mayRead(holderId)
    if (repo === null) continue
    // What is not handed out there shall not be had through a copy here.
    const kept = await findHeld(
      hub,
      repo,
      wanted.map(({ sha256 }) => storedContent(sha256)),
    )
    for (const { sha256, size } of wanted) if (!kept.has(storedContent(sha256))) found.set(sha256, { sha256, size })
  }
  if (found.size > 0) {
    await hub.transaction(async (tx) => {
      for (const blob of found.values()) await linkStoredBlob(tx, repoId, blob, hub.clock.now())
    })
  }
  return [...found.values()]
}

/** Stores a content that is too large for git as a large file, whatever the client took it for. Gives its pointer. */
export async function storeAsLargeFile(hub: Hub, repoId: string, content: SpooledContent): Promise<LfsPointer> {
  const hash = createHash('sha256')
  for await (const chunk of streamOf(content) as AsyncIterable<Buffer>) hash.update(chunk)
  const blob = { sha256: hash.digest('hex'), size: content.size }
  await prepareBlob(hub, blob)
  await hub.blobs.put(streamOf(content), blob)
  await hub.transaction((tx) => linkBlob(tx, repoId, blob, hub.clock.now()))
  return blob
}

function streamOf(content: SpooledContent): Readable {
  return content.file === null
    ? Readable.from([content.bytes])
    : createReadStream(content.file, { highWaterMark: 256 * 1024 })
}
