/**
 * Moves a repo of an organization into a workspace, out of one, or from one to another. From the next request on those see and write it who
 * may where it lies then, running tokens included (WS-4). Its bytes come to belong to another dedup scope in the same transaction.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { recordEvent } from '../audit/service.ts'
import { claimXorbsOfRepo, claimXorbsOfWorkspace, dedupScope } from '../storage/service.ts'
import { keepWorkspace, type RepoPlaces } from '../workspaces/service.ts'
import { lockRepo, updateWorkspaceOf, workspaceName } from './queries.ts'
import { emptyWorkspace } from './workspace-queries.ts'

export interface Placement {
  /** Null: out of any, to the root of the organization. */
  readonly workspaceId: string | null
  /** Where the caller believes it to be; absent where they did not say. */
  readonly from?: string | null | undefined
}

/**
 * Throws `workspace_not_found` for a workspace of another owner too, `repo_in_other_workspace` where it is not where the caller believes,
 * and `repo_not_found` where it was deleted or given away meanwhile.
 */
export async function placeRepo(
  hub: Hub,
  allowed: Allowed<'repo.update_resource_group'>,
  origin: Origin,
  { workspaceId, from }: Placement,
): Promise<void> {
  const organizationId = allowed.resource.owner.id
  await hub.transaction(async (tx) => {
    const into = workspaceId === null ? null : await keepWorkspace(hub, tx, { id: workspaceId, organizationId })
    await put(hub, tx, allowed, origin, into, (before) => {
      if (from !== undefined && from !== before) return { advice: 'Look where it lies now, and decide again.' }
      return null
    })
  })
}

/** How workspaces reach repos (features/index.ts puts the two together). */
export const repoPlaces: RepoPlaces = {
  takeIn: (hub, tx, allowed, origin, into) =>
    put(hub, tx, allowed, origin, into, (before) =>
      before !== null && before !== into.id && !into.moves
        ? { advice: 'To move it from there, send "moveRepos": true.' }
        : null,
    ),
  giveBack: async (hub, tx, workspace) => {
    const owner = { id: workspace.organizationId }
    const scopes = {
      from: dedupScope(hub.config, { owner, workspaceId: workspace.id }),
      to: dedupScope(hub.config, { owner, workspaceId: null }),
    }
    await claimXorbsOfWorkspace(tx, workspace.id, scopes, hub.clock.now())
    return await emptyWorkspace(tx, workspace.id)
  },
}

async function put(
  hub: Hub,
  tx: Tx,
  allowed: Allowed<'repo.update_resource_group'>,
  origin: Origin,
  into: { readonly id: string; readonly name: string; readonly organizationId: string } | null,
  objection: (before: string | null) => { readonly advice: string } | null,
): Promise<void> {
  const repo = allowed.resource
  if (into !== null && into.organizationId !== repo.owner.id) throw new HoldfastError('workspace_not_found')
  const before = await lockRepo(tx, hub.db.dialect, repo.id)
  // Given away since it was decided: the decision was about another owner's repo.
  if (before === null || before.ownerId !== repo.owner.id) throw new HoldfastError('repo_not_found')
  const from = before.workspaceId
  const objected = objection(from)
  if (objected !== null) {
    const workspace = from === null ? 'no workspace' : `the workspace "${await workspaceName(tx, from)}"`
    throw new HoldfastError('repo_in_other_workspace', { repo: before.fullName, workspace, ...objected })
  }
  const to = into?.id ?? null
  if (from === to) return
  await updateWorkspaceOf(tx, repo.id, to)
  const { owner } = repo
  const scopes = {
    from: dedupScope(hub.config, { owner, workspaceId: from }),
    to: dedupScope(hub.config, { owner, workspaceId: to }),
  }
  // Later uploads there may build on the chunks that it brings along; what it leaves behind keeps its claims.
  await claimXorbsOfRepo(tx, repo.id, scopes, hub.clock.now())
  await recordEvent(hub, tx, allowed, origin, {
    resource: { kind: repo.kind, id: repo.id, name: before.fullName },
    ownerId: before.ownerId,
    data: {
      from: from === null ? null : await workspaceName(tx, from),
      to: into?.name ?? null,
      fromId: from,
      toId: to,
    },
  })
}
