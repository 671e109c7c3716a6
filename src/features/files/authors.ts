/** Who made a commit, as far as this hub knows: the account that proved the commit's e-mail address, else the name in the commit. */
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { selectNamesByEmail } from './queries.ts'

/** By commit id: the account's name and whether there is one. */
export async function authorsOf(
  hub: Hub,
  commits: readonly Commit[],
): Promise<ReadonlyMap<string, { readonly name: string; readonly isAccount: boolean }>> {
  const names = await selectNamesByEmail(
    hub.db,
    commits.map((commit) => commit.author.email),
  )
  return new Map(
    commits.map((commit) => {
      const account = names.get(commit.author.email)
      return [commit.oid, { name: account ?? commit.author.name, isAccount: account !== undefined }]
    }),
  )
}
