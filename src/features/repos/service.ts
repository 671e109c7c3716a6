/** What other features may use of repos. */
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoKind } from '../../domain/facts.ts'
import { couldBeRepo, nameKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import { findRepoByAddress, type RepoRow } from './queries.ts'

export { type CardCheck, checkCard } from './check-card.ts'
export { commitPerson } from './commit-person.ts'
export { type CreatedRepo, createRepo, invalidMetadata, type NewRepo, repoUrl } from './create-repo.ts'
export { deleteRepo } from './delete-repo.ts'
export { enqueueIndexing, findRepoWithCard, updateCardFromHead } from './index-repo.ts'
export { type Move, moveRepo } from './move-repo.ts'
export { findRepoById, type RepoRow } from './queries.ts'
export { type RepoSettings, updateRepoSettings } from './repo-settings.ts'
export { repoViewOf } from './repo-view.ts'

/**
 * A repo by its present address, whoever may see it: the caller decides that. Old addresses are not followed.
 * Throws `repo_not_found`.
 */
export async function getRepoByAddress(hub: Hub, kind: RepoKind, namespace: string, name: string): Promise<RepoRow> {
  const repo = couldBeRepo(namespace, name)
    ? await findRepoByAddress(hub.db, { namespaceKey: nameKey(namespace), kind, nameKey: nameKey(name) })
    : null
  if (repo === null) throw new HoldfastError('repo_not_found')
  return repo
}
