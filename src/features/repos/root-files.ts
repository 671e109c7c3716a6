/** The files in a commit's root folder, by name. Bounded: a folder with more is looked at no further. */
import type { Hub } from '../../hub.ts'
import { walkTree } from '../../platform/git/tree.ts'

const mostLookedAt = 5000

export async function rootFiles(
  hub: Hub,
  repoId: string,
  commit: string,
): Promise<ReadonlyMap<string, { readonly oid: string; readonly size: number }>> {
  const files = new Map<string, { oid: string; size: number }>()
  for await (const entry of walkTree(hub.git, repoId, commit, '', { recursive: false })) {
    if (entry.type === 'blob') files.set(entry.path, { oid: entry.oid, size: entry.size })
    if (files.size >= mostLookedAt) break
  }
  return files
}
