/**
 * Who made a commit, as far as this hub knows: the account that the hub itself wrote into it, or that proved the commit's e-mail address,
 * else the name in the commit. Shown as who is said to have made it; only a signature proves it.
 */
import { accountIdOfCommitEmail } from '../../domain/commit-identity.ts'
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { selectNamesByEmail, selectNamesById } from './queries.ts'

/** By commit id: the account's name and whether there is one. */
export async function authorsOf(
  hub: Hub,
  commits: readonly Commit[],
): Promise<ReadonlyMap<string, { readonly name: string; readonly isAccount: boolean }>> {
  const emails = commits.map((commit) => commit.author.email)
  const ids = emails.map(accountIdOfCommitEmail).filter((id) => id !== null)
  const [byEmail, byId] = await Promise.all([selectNamesByEmail(hub.db, emails), selectNamesById(hub.db, ids)])
  return new Map(
    commits.map((commit) => {
      const { email } = commit.author
      const account = byId.get(accountIdOfCommitEmail(email) ?? '') ?? byEmail.get(email)
      return [commit.oid, { name: account ?? commit.author.name, isAccount: account !== undefined }]
    }),
  )
}
