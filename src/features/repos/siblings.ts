/** The files of a repo at a commit, as repo info lists them. A repo with more files than clients take from here shows one more than that, and
 * they page through the tree instead. */
import { lfsPointerLimit, parseLfsPointer } from '../../domain/lfs-pointer.ts'
import type { Hub } from '../../hub.ts'
import { readObjects } from '../../platform/git/objects.ts'
import { type TreeEntry, walkTree } from '../../platform/git/tree.ts'

export interface Sibling {
  readonly path: string
  readonly size: number
  readonly oid: string
  readonly lfs: { readonly sha256: string; readonly size: number } | null
}

/** huggingface_hub lists the tree itself where there are more than 50,000. */
const mostListed = 50_001
const pointersAtOnce = 500
const shortestPointer = 120

export async function listSiblings(
  hub: Hub,
  repoId: string,
  commit: string,
  options: { readonly withBlobs: boolean; readonly most?: number },
): Promise<Sibling[]> {
  const most = options.most ?? mostListed
  const entries: TreeEntry[] = []
  for await (const entry of walkTree(hub.git, repoId, commit, '', { sizes: options.withBlobs })) {
    if (entry.type !== 'blob') continue
    entries.push(entry)
    if (entries.length >= most) break
  }
  if (!options.withBlobs) return entries.map(({ path, oid }) => ({ path, size: 0, oid, lfs: null }))
  const pointers = await pointersAmong(hub, repoId, entries)
  return entries.map(({ path, size, oid }) => ({ path, size, oid, lfs: pointers.get(oid) ?? null }))
}

async function pointersAmong(
  hub: Hub,
  repoId: string,
  entries: readonly TreeEntry[],
): Promise<ReadonlyMap<string, { sha256: string; size: number }>> {
  const small = entries.filter(({ size }) => size >= shortestPointer && size < lfsPointerLimit).map(({ oid }) => oid)
  const oids = [...new Set(small)]
  const found = new Map<string, { sha256: string; size: number }>()
  for (let start = 0; start < oids.length; start += pointersAtOnce) {
    for (const object of await readObjects(
      hub.git,
      repoId,
      oids.slice(start, start + pointersAtOnce),
      lfsPointerLimit,
    )) {
      const pointer = object === null ? null : parseLfsPointer(object.bytes)
      if (object !== null && pointer !== null) found.set(object.oid, pointer)
    }
  }
  return found
}
