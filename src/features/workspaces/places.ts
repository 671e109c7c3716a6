/**
 * What workspaces need of repos, which stand above them: given by whoever puts the features together. Moving a repo is the repos' own
 * affair (its bytes belong to a dedup scope); these run inside the transaction of the workspace's change.
 */
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'

export interface RepoPlaces {
  /** Moves a repo into a workspace that the transaction holds. Throws `repo_in_other_workspace` where it lies elsewhere, unless `moves`. */
  takeIn(
    hub: Hub,
    tx: Tx,
    allowed: Allowed<'repo.update_resource_group'>,
    origin: Origin,
    into: { readonly id: string; readonly name: string; readonly organizationId: string; readonly moves: boolean },
  ): Promise<void>
  /** Gives all repos of a workspace that the transaction holds back to the organization. Returns how many there were. */
  giveBack(hub: Hub, tx: Tx, workspace: { readonly id: string; readonly organizationId: string }): Promise<number>
}
