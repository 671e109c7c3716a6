/**
 * Who made a commit, as far as this hub knows: the account that the hub itself wrote into it, or that proved the commit's e-mail address,
 * else the name in the commit. Shown as who is said to have made it; only a signature proves it.
 */
import { accountIdOfCommitEmail, isServiceAccountEmail } from '../../domain/commit-identity.ts'
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { selectNamesByEmail, selectNamesById, selectServiceAccountNames } from './queries.ts'

export interface Author {
  readonly name: string
  readonly kind: 'user' | 'service-account'
  /** There is a page of it: of people that this hub knows. */
  readonly isAccount: boolean
  /** A service account that was deleted (SA-33); its name is the one in the commit. */
  readonly isGone: boolean
}

/** By commit id. */
export async function authorsOf(hub: Hub, commits: readonly Commit[]): Promise<ReadonlyMap<string, Author>> {
  const emails = commits.map((commit) => commit.author.email)
  const ids = emails.map(accountIdOfCommitEmail).filter((id) => id !== null)
  const [byEmail, byId, machines] = await Promise.all([
    selectNamesByEmail(hub.db, emails),
    selectNamesById(hub.db, ids),
    selectServiceAccountNames(hub.db, emails.filter(isServiceAccountEmail).map(accountIdOfCommitEmail)),
  ])
  return new Map(
    commits.map((commit): [string, Author] => {
      const { email, name } = commit.author
      const id = accountIdOfCommitEmail(email) ?? ''
      if (isServiceAccountEmail(email)) {
        const isGone = !machines.has(id)
        return [commit.oid, { name: machines.get(id) ?? name, kind: 'service-account', isAccount: false, isGone }]
      }
      const account = byId.get(id) ?? byEmail.get(email)
      return [commit.oid, { name: account ?? name, kind: 'user', isAccount: account !== undefined, isGone: false }]
    }),
  )
}
