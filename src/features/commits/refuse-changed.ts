/** What keeps two people from overwriting each other: a commit that says what its author saw lands only where that is still so. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import { entriesAt } from '../../platform/git/tree.ts'

/** Folders that lie on the way to the paths of one commit and are looked at. */
const mostFolders = 10_000

/**
 * Throws `changed_meanwhile` where one of the paths is not at `head` what it was at `seen`, and `unsafe_path` where a file stands in the
 * way of a folder. Called in the repo's turn, so that nothing moves between this and the commit.
 */
export async function refuseChanged(
  hub: Hub,
  repoId: string,
  { seen, head }: { readonly seen: string | null; readonly head: string | null },
  paths: ReadonlySet<string>,
): Promise<void> {
  const asked = [...paths]
  const folders = foldersAbove(asked).slice(0, mostFolders)
  const now = await entriesOf(hub, repoId, head, [...asked, ...folders])
  for (const [index, folder] of folders.entries()) {
    const entry = now[asked.length + index]
    if (entry == null || entry.type === 'tree' || paths.has(folder)) continue
    throw new HoldfastError('unsafe_path', { path: folder, reason: 'it is a file, so nothing can lie below it' })
  }
  if (seen === head) return
  const before = await entriesOf(hub, repoId, seen, asked)
  for (const [index, path] of asked.entries()) {
    const [was, is] = [before[index] ?? null, now[index] ?? null]
    if (was?.oid === is?.oid && was?.mode === is?.mode) continue
    throw new HoldfastError('changed_meanwhile', { path })
  }
}

function entriesOf(hub: Hub, repoId: string, commit: string | null, paths: readonly string[]) {
  return commit === null ? Promise.resolve(paths.map(() => null)) : entriesAt(hub.git, repoId, commit, paths)
}

function foldersAbove(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths)
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1))
      folders.add(path.slice(0, slash))
  return [...folders]
}
