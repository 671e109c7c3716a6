/** Workspaces inside a transaction. Locks are taken in one order everywhere: organization, workspace, group, repo. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { selectLocked, type WorkspaceRow } from './queries.ts'

/** As it is now, and not changed by anybody else until the transaction ends. Throws `workspace_not_found` where it was deleted meanwhile. */
export async function holdWorkspace(hub: Hub, tx: Tx, id: string): Promise<WorkspaceRow> {
  return found(await selectLocked(tx, hub.db.dialect, id, 'update'))
}

/**
 * For a transaction that puts a repo into the workspace: it stays until the transaction ends. Throws `workspace_not_found`, for a workspace
 * of another organization too.
 */
export async function keepWorkspace(
  hub: Hub,
  tx: Tx,
  place: { readonly id: string; readonly organizationId: string },
): Promise<WorkspaceRow> {
  const row = found(await selectLocked(tx, hub.db.dialect, place.id, 'share'))
  return found(row.organizationId === place.organizationId ? row : null)
}

function found(row: WorkspaceRow | null): WorkspaceRow {
  if (row === null) throw new HoldfastError('workspace_not_found')
  return row
}
