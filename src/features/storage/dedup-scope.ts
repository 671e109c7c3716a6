/**
 * Within which bounds Xet shares chunks: a shard may build files only of xorbs that its scope claims. The scope stands in the address of
 * every Xet endpoint, so that a client's cache never carries a reference from one scope into another.
 */
import type { Config } from '../../config.ts'
import type { RepoFacts } from '../../domain/facts.ts'

type Owner = Partial<RepoFacts['owner']> & Pick<RepoFacts['owner'], 'id'>
type Scoped = Pick<RepoFacts, 'workspaceId'> & { readonly owner: Owner }

/** The repo's workspace, else its owner, by id; `hub` where the instance shares everything. */
export function dedupScope(config: Pick<Config, 'xetDedup'>, repo: Scoped): string {
  return config.xetDedup === 'instance' ? 'hub' : (repo.workspaceId ?? repo.owner.id)
}
