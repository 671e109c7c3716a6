/** Which commit last changed each result (GPG-12): blame, of results instead of lines. */
import type { PathVersions } from '../../platform/git/path-versions.ts'

/**
 * By key, the commit that brought the result as it is at the newest version; null where history is longer than was read. A result that a
 * commit has and one of its parents too came from there, whatever else the commit did; that it was taken away and brought back counts as a
 * change. `keysOf` gives the results of a version, null where it cannot be read whole: what passed through such a version has no known origin,
 * or whoever hid a change behind one would have it vouched for by whoever mends the file. It is asked once a version, while results are open.
 */
export async function attribute(
  { versions }: PathVersions,
  keysOf: (commit: string) => Promise<ReadonlySet<string> | null>,
): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>()
  const [newest] = versions
  if (newest === undefined) return found
  const known = new Map<string, ReadonlySet<string> | null>()
  const keysAt = async (commit: string): Promise<ReadonlySet<string> | null> => {
    const before = known.get(commit)
    const keys = before === undefined ? await keysOf(commit) : before
    known.set(commit, keys)
    return keys
  }
  const isRead = new Set(versions.map(({ commit }) => commit))
  const open = new Map<string, Set<string>>([[newest.commit, new Set((await keysAt(newest.commit)) ?? [])]])
  for (const { commit, parents } of versions) {
    for (const key of open.get(commit) ?? []) {
      let origin: string | null = commit
      for (const parent of parents) {
        // Beyond what was read, or not to be read: it may have been there already.
        const keys = isRead.has(parent) ? await keysAt(parent) : null
        if (keys === null) origin = null
        else if (keys.has(key)) {
          const there = open.get(parent) ?? new Set()
          open.set(parent, there.add(key))
          origin = parent
          break
        }
      }
      if (origin === commit || origin === null) found.set(key, origin)
    }
    open.delete(commit)
    known.delete(commit)
  }
  return found
}
