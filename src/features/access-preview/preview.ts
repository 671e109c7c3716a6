/**
 * Access preview: who could do more, and who less, after a change, before it is made. Nothing is changed and nothing is remembered. It is for
 * who may make the change, and says nothing that they could not look up: what is of an organization's administrators only is left out for
 * others.
 */
import type { Target } from '../../access/load-facts.ts'
import { loadHoldings } from '../../access/viewer-reach.ts'
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import { accountOf, type Facts, type OwnerFacts, type RepoFacts } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import { atLeast } from '../../domain/role.ts'
import type { Hub } from '../../hub.ts'
import { type Change, repoTarget } from './change.ts'
import type { Comparison } from './compare.ts'
import { planOn, type Sight } from './plan.ts'
import { compareInThread } from './thread.ts'

export interface AccessPreview {
  readonly owner: OwnerFacts
  readonly comparison: Comparison
  readonly withTokens: boolean
  /** Names of tokens are told where they need approval, as in the list of tokens. */
  readonly showsTokenNames: boolean
  /** What the asker may not see was left out. */
  readonly isPartial: boolean
  /** Of workspaces, by id. */
  readonly names: ReadonlyMap<string, string>
}

/** What a route hands on: its own decision, and how it decides about more. */
export interface Asking {
  readonly hub: Hub
  readonly facts: Facts
  authorizeAlso<B extends Action>(action: B, target: Target): Promise<Allowed<B>>
}

/**
 * `most`: entries of each list. The caller has been allowed the change on its target; what else it touches is decided here. Throws as the
 * change itself would: `not_of_organization`, `group_not_found`, `workspace_not_found`, `last_admin`, `invalid_input`.
 */
export async function previewChange(asking: Asking, change: Change, most: number): Promise<AccessPreview> {
  const { hub } = asking
  const repos = await reposOf(asking, change)
  const sight = await sightOf(asking, change, repos[0] ?? null)
  const work = await planOn(hub, change, asking.facts, repos, sight)
  const { comparison, names } = await compareInThread(hub, work, most)
  const owner = work.on === 'repos' ? work.owner : work.organization
  const isOrganization = owner.kind === 'organization'
  return {
    owner,
    comparison,
    withTokens: sight.isAdministrator && isOrganization,
    showsTokenNames: work.places.before.demands.tokenPolicy === 'approval',
    isPartial: !sight.isAdministrator,
    names,
  }
}

async function reposOf({ facts, authorizeAlso }: Asking, change: Change): Promise<RepoFacts[]> {
  const first = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (first === null) return []
  if (change.kind !== 'repo_workspace') return [first]
  const repos = [first]
  for (const named of change.repos.slice(1)) {
    const { resource } = await authorizeAlso('repo.update_resource_group', repoTarget(named))
    if (!repos.some(({ id }) => id === resource.id)) repos.push(resource)
  }
  return repos
}

/** By the same decisions that would show them the lists in which it all stands. */
async function sightOf({ hub, facts, authorizeAlso }: Asking, change: Change, repo: RepoFacts | null): Promise<Sight> {
  const owner = repo?.owner ?? organizationIn(facts)
  if (owner === null) throw new HoldfastError('organization_not_found')
  if (owner.kind === 'user') {
    const isAdministrator = accountOf(facts.principal)?.id === owner.id
    return { isAdministrator, seesMembers: false, workspaces: [] }
  }
  const target = { on: 'organization', name: owner.name } as const
  const may = async (action: Action, on: Target = target) =>
    !((await orRefusal(() => authorizeAlso(action, on))) instanceof HoldfastError)
  const isAdministrator =
    facts.standing.organizationRole === 'admin' &&
    (await may('org.token.read')) &&
    (await may('org.service_account.read')) &&
    (await may('org.members.read'))
  if (isAdministrator) return { isAdministrator, seesMembers: true, workspaces: null }
  const inWorkspace =
    repo === null || repo.workspaceId === null
      ? true
      : await may('resource_group.read', { on: 'workspace', organization: owner.name, id: repo.workspaceId })
  const seesMembers = inWorkspace && atLeast(facts.standing.organizationRole, 'read') && (await may('org.members.read'))
  return { isAdministrator, seesMembers, workspaces: await workspacesSeen(hub, facts, change) }
}

/** Only what somebody gets by a group tells of workspaces that the asker did not name. */
async function workspacesSeen(hub: Hub, facts: Facts, change: Change): Promise<string[]> {
  if (change.kind !== 'group_member') return []
  const { roles } = await loadHoldings(hub.db, facts, hub.clock.now())
  return [...roles].flatMap(([id, role]) => (atLeast(role, 'read') ? [id] : []))
}

function organizationIn({ resource }: Facts): OwnerFacts | null {
  if (resource.on === 'organization') return resource.organization
  if (resource.on === 'workspace') return resource.workspace?.organization ?? null
  return resource.on === 'group' ? (resource.group?.organization ?? null) : null
}
