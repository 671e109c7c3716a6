/**
 * Which git blobs are LFS pointers. Only blobs of a pointer's size are read, many at a time, and what was found is remembered by object id,
 * which can never change its meaning.
 */
import { type LfsPointer, lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import { readObjects } from '../../platform/git/objects.ts'

/** Version line, object id and the shortest size line: nothing shorter is a pointer. */
const shortestPointer = 120
const remembered = 20_000
const batchSize = 500

const known = new Map<string, LfsPointer | null>()

interface SizedBlob {
  readonly oid: string
  readonly size: number
}

/** The pointers among the blobs, by object id. Blobs that are none are absent. */
export async function findPointers(
  hub: Hub,
  repoId: string,
  blobs: readonly SizedBlob[],
): Promise<ReadonlyMap<string, LfsPointer>> {
  const found = new Map<string, LfsPointer>()
  const unread = new Set<string>()
  for (const { oid, size } of blobs) {
    if (size < shortestPointer || size >= lfsPointerLimit) continue
    const pointer = recall(oid)
    if (pointer === undefined) unread.add(oid)
    else if (pointer !== null) found.set(oid, pointer)
  }
  const oids = [...unread]
  for (let at = 0; at < oids.length; at += batchSize) {
    for (const object of await readObjects(hub.git, repoId, oids.slice(at, at + batchSize), lfsPointerLimit)) {
      if (object === null) continue
      const pointer = parseLfsPointer(object.bytes)
      remember(object.oid, pointer)
      if (pointer !== null) found.set(object.oid, pointer)
    }
  }
  return found
}

function recall(oid: string): LfsPointer | null | undefined {
  const pointer = known.get(oid)
  if (pointer !== undefined) {
    known.delete(oid)
    known.set(oid, pointer)
  }
  return pointer
}

function remember(oid: string, pointer: LfsPointer | null): void {
  known.set(oid, pointer)
  if (known.size <= remembered) return
  const [oldest] = known.keys()
  if (oldest !== undefined) known.delete(oldest)
}
