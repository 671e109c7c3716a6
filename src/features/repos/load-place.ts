/** What the pages of a repo say about workspaces: where it lies, where it could, and whom a move would concern. */
import type { Facts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { PlaceMove } from '../../web/place-change.tsx'
import {
  changeOfPlace,
  findWorkspaceRow,
  listPlacesToCreate,
  listWorkspaces,
  type PlaceToCreate,
} from '../workspaces/service.ts'
import type { RepoWorkspace } from './pages.tsx'

/** As many as a list can be chosen from; a repo is moved into others on their own page. */
const mostChoices = 500

/** Null for whoever may not move it between workspaces. `facts` are those of a route about the repo. */
export async function loadWorkspaces(hub: Hub, facts: Facts): Promise<RepoWorkspace | null> {
  const repo = movable(facts)
  if (repo === null) return null
  const [rows, current] = await Promise.all([
    listWorkspaces(hub.db, repo.owner.id, null, { after: '', limit: mostChoices, now: hub.clock.now() }),
    repo.workspaceId === null ? null : findWorkspaceRow(hub.db, repo.workspaceId),
  ])
  const choices = current === null || rows.some(({ id }) => id === current.id) ? rows : [current, ...rows]
  return { current, choices }
}

/** Null where nothing would change, or one may not do it, or there is no such workspace. */
export async function loadMove(hub: Hub, facts: Facts, workspaceId: string | null): Promise<PlaceMove | null> {
  const repo = movable(facts)
  if (repo === null || repo.workspaceId === workspaceId) return null
  const { owner } = repo
  const [into, from] = await Promise.all([
    workspaceId === null ? null : findWorkspaceRow(hub.db, workspaceId),
    repo.workspaceId === null ? null : findWorkspaceRow(hub.db, repo.workspaceId),
  ])
  if (workspaceId !== null && into?.organizationId !== owner.id) return null
  return {
    repo: { kind: repo.kind, namespace: owner.name, name: repo.name, isPrivate: repo.visibility !== 'public' },
    from,
    into,
    effect: await changeOfPlace(hub.db, owner.id, repo.workspaceId, workspaceId, hub.clock.now()),
  }
}

/** Those of the caller; none for who is no person. */
export async function workspacesToCreateIn(hub: Hub, { principal }: Facts): Promise<PlaceToCreate[]> {
  return principal.kind === 'user' ? await listPlacesToCreate(hub.db, principal.id, mostChoices, hub.clock.now()) : []
}

function movable(facts: Facts) {
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (repo?.owner.kind !== 'organization' || !decide('repo.update_resource_group', facts).allow) return null
  return repo
}
