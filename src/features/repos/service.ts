/** What other features may use of repos. A repo is found by the facts of the route that is about it, or by its id. */

export { readCard, readYaml } from './card-reader.ts'
export { checkCard } from './check-card.ts'
export { commitPerson } from './commit-person.ts'
export { invalidMetadata, repoUrl } from './create-repo.ts'
export { hubKeyBlobs, signAsHub } from './hub-signature.ts'
export { enqueueIndexing, findRepoWithCard } from './index-repo.ts'
export { repoPlaces } from './place-repo.ts'
export { lockRepo } from './queries.ts'
export { repoViewOf } from './repo-view.ts'
export { type DeletedRepo, listDeletedRepos, restoreRepo } from './restore-repo.ts'
