/**
 * The JSON of workspaces: the Hub's resource groups, in its shapes and with nothing added. A service account stands among the users, as on
 * the Hub, with its user name (`sa-` and its id); groups have an address of their own.
 */
import type { Hub } from '../../hub.ts'
import { avatarUrl } from '../organizations/service.ts'
import { presentTemporary } from '../temporary-roles/service.ts'
import type { Content } from './content-queries.ts'
import type { WorkspaceRow } from './queries.ts'
import type { GroupHolder, Holder } from './roster-queries.ts'

export function presentWorkspace(
  hub: Hub,
  workspace: WorkspaceRow,
  inside: { readonly holders: readonly Holder[]; readonly contents: readonly Content[] },
) {
  const repos = inside.contents.map(presentContent)
  return {
    id: workspace.id,
    name: workspace.name,
    description: workspace.description,
    autoJoin: presentAutoJoin(workspace),
    users: inside.holders.map((holder) => presentHolder(hub, holder)),
    resources: repos,
    // The Hub's description demands it without describing it: its older name for the same list.
    repos,
  }
}

function presentAutoJoin({ autoJoin, autoJoinRole }: WorkspaceRow) {
  return autoJoin === null || autoJoinRole === null
    ? { enabled: false }
    : { enabled: true, role: autoJoinRole, scope: autoJoin }
}

export function presentHolder(hub: Hub, holder: Holder) {
  return {
    type: 'user',
    _id: holder.id,
    fullname: holder.fullname ?? holder.name,
    name: holder.name,
    avatarUrl: avatarUrl(hub, holder.name),
    role: holder.role,
    ...presentTemporary(holder.temporary),
    ...(holder.addedBy === null ? {} : { addedBy: holder.addedBy }),
  }
}

export function presentContent(repo: Content) {
  return { type: repo.kind, name: repo.fullName, private: repo.visibility !== 'public' }
}

export function presentGroupHolder(group: GroupHolder) {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    role: group.role,
    ...presentTemporary(group.temporary),
    numUsers: group.people,
    numServiceAccounts: group.machines,
    addedAt: new Date(group.addedAt).toISOString(),
  }
}
