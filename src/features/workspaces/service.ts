/**
 * Workspaces (the Hub's resource groups): repos of an organization that only those see and write who have a role there. All that other
 * features may import.
 */
export { type AutoJoin, autoJoinWorkspaces } from './auto-join.ts'
export { keepWorkspace } from './held.ts'
export { changeOfPlace, type LossThroughGroup, lossThroughGroup, workspacesOfGroup } from './impact-queries.ts'
export {
  createWorkspaceIn,
  deleteWorkspaceIn,
  deletionLimitMs,
  mostDescription,
  parseWorkspaceName,
  updateWorkspaceIn,
} from './manage.ts'
export type { RepoPlaces } from './places.ts'
export {
  findWorkspaceRow,
  listPlacesToCreate,
  listWorkspaces,
  type PlaceToCreate,
  type WorkspaceRow,
} from './queries.ts'
export { addToWorkspaceIn, changeWorkspaceRoleIn, removeFromWorkspaceIn } from './roster.ts'
export { countRoles } from './roster-queries.ts'
