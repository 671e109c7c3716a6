/** What each kind of change concerns, and what is different after it, as work for a thread: what it names is found, and refused, here. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OrganizationFacts, OwnerFacts, RepoFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { findGroupId } from '../groups/service.ts'
import { isLastAdmin } from '../organizations/service.ts'
import type { Change } from './change.ts'
import { findParty } from './find-queries.ts'
import { selectOrganization, workspaceNames } from './queries.ts'
import type { Concerned, Effect, OrganizationWork, RepoPair, RepoWork, Work } from './work.ts'

/** What the asker may be told. */
export interface Sight {
  /** They administer the owner: everything of it is theirs to see. Else second factors, gates, strangers and tokens are left out. */
  readonly isAdministrator: boolean
  readonly seesMembers: boolean
  /** The workspaces in which they have a role that shows them, where the change asks for it; null: all. */
  readonly workspaces: readonly string[] | null
}

export async function planOn(
  hub: Hub,
  change: Change,
  facts: Facts,
  repos: readonly RepoFacts[],
  sight: Sight,
): Promise<Work> {
  const { resource } = facts
  switch (change.kind) {
    case 'repo_workspace':
    case 'repo_visibility':
    case 'repo_gate':
      return await planOnRepos(hub, change, repos, sight)
    default: {
      const organization =
        resource.on === 'organization'
          ? resource.organization
          : resource.on === 'workspace'
            ? resource.workspace?.organization
            : resource.on === 'group'
              ? resource.group?.organization
              : null
      if (organization == null) throw new HoldfastError('organization_not_found')
      return await planOnOrganization(hub, change, organization, resource, sight)
    }
  }
}

type OfOrganization = Exclude<Change, { kind: 'repo_workspace' | 'repo_visibility' | 'repo_gate' }>

async function planOnOrganization(
  hub: Hub,
  change: OfOrganization,
  organization: OrganizationFacts,
  resource: Facts['resource'],
  sight: Sight,
): Promise<OrganizationWork> {
  const common = {
    on: 'organization',
    organization,
    places: await placesOf(hub, organization, change, sight),
    isAdministrator: sight.isAdministrator,
    now: hub.clock.now(),
    withOwnTokens: false,
  } as const
  switch (change.kind) {
    case 'member_role': {
      if (change.role === null && /^sa-/i.test(change.user))
        throw new HoldfastError('invalid_input', { reason: 'A service account always has a role.', field: 'role' })
      const id = await party(hub, organization, change.user)
      if (change.role !== 'admin' && (await isLastAdmin(hub.db, organization.id, id)))
        throw new HoldfastError('last_admin', { organization: organization.name })
      const effect: Effect = { kind: 'member_role', role: change.role }
      return { ...common, concerned: { kind: 'one', id }, effect, isWhole: true }
    }
    case 'workspace_role': {
      if (resource.on !== 'workspace' || resource.workspace === null) throw new HoldfastError('workspace_not_found')
      const concerned = await bearerOf(hub, organization, change)
      const group = concerned.kind === 'group' ? concerned.id : null
      const effect: Effect = { kind: 'workspace_role', workspace: resource.workspace.id, role: change.role, group }
      return { ...common, concerned, effect, isWhole: false }
    }
    case 'group_member': {
      if (resource.on !== 'group' || resource.group === null) throw new HoldfastError('group_not_found')
      const id = await party(hub, organization, change.user)
      const { isMember } = change
      const effect: Effect = { kind: 'group_member', group: resource.group.id, isMember, shown: sight.workspaces }
      return { ...common, concerned: { kind: 'one', id }, effect, isWhole: false }
    }
    case 'token_policy': {
      const concerned: Concerned = { kind: 'members', withHolders: false }
      return { ...common, concerned, effect: { kind: 'none' }, isWhole: true, withOwnTokens: true }
    }
    case 'second_factor': {
      // Whoever has a role on a single repo is asked for it too.
      const concerned: Concerned = { kind: 'members', withHolders: true }
      return { ...common, concerned, effect: { kind: 'none' }, isWhole: true }
    }
  }
}

/** Throws `not_of_organization`, for strangers as for names that nobody bears. */
async function party(hub: Hub, organization: OrganizationFacts, name: string): Promise<string> {
  const id = await findParty(hub.db, organization.id, name, hub.clock.now())
  if (id === null) throw new HoldfastError('not_of_organization', { name, organization: organization.name })
  return id
}

async function bearerOf(
  hub: Hub,
  organization: OrganizationFacts,
  { user, group }: Extract<Change, { kind: 'workspace_role' }>,
): Promise<Concerned> {
  if ((user === undefined) === (group === undefined))
    throw new HoldfastError('invalid_input', { reason: 'Name a user or a group: one of them.', field: 'user' })
  if (user !== undefined) return { kind: 'one', id: await party(hub, organization, user) }
  const found = await findGroupId(hub.db.list, organization.id, group ?? '')
  if (found === null) throw new HoldfastError('group_not_found')
  return { kind: 'group', id: found }
}

/** What the organization asks for, now and then. To who does not administer it nobody is told apart by it. */
async function placesOf(
  hub: Hub,
  organization: OrganizationFacts,
  change: OfOrganization | null,
  sight: Sight,
): Promise<Work['places']> {
  if (!sight.isAdministrator) {
    const place = { organization, demands: {} }
    return { before: place, after: place }
  }
  const row = await selectOrganization(hub.db, organization.id)
  if (row === undefined) throw new HoldfastError('organization_not_found')
  const { secondFactorRequired, tokenPolicy, mostTokenDays } = row
  const demands = { secondFactorRequired, tokenPolicy, mostTokenDays }
  const before = { organization, demands }
  if (change?.kind === 'second_factor') {
    return { before, after: { organization, demands: { ...demands, secondFactorRequired: change.required ? 1 : 0 } } }
  }
  if (change?.kind !== 'token_policy') return { before, after: before }
  const { policy, mostDays, classicTokensAdminister } = change
  return {
    before,
    after: {
      organization:
        classicTokensAdminister === undefined || classicTokensAdminister === organization.classicTokensAdminister
          ? organization
          : { ...organization, classicTokensAdminister },
      demands: {
        ...demands,
        ...(policy === undefined ? {} : { tokenPolicy: policy }),
        ...(mostDays === undefined ? {} : { mostTokenDays: mostDays }),
      },
    },
  }
}

async function planOnRepos(
  hub: Hub,
  change: Extract<Change, { kind: 'repo_workspace' | 'repo_visibility' | 'repo_gate' }>,
  repos: readonly RepoFacts[],
  sight: Sight,
): Promise<RepoWork> {
  const owner = repos[0]?.owner
  if (owner === undefined || repos.some((repo) => repo.owner.id !== owner.id)) {
    throw new HoldfastError('invalid_input', { reason: 'The repositories have one owner in common.', field: 'repos' })
  }
  if (change.kind === 'repo_workspace') await requireWorkspace(hub, change.workspace, owner)
  if (change.kind === 'repo_gate' && change.orgMembersGated === true && owner.kind !== 'organization')
    throw new HoldfastError('bad_request', { reason: 'Only the repository of an organization has members to gate.' })
  if (change.kind === 'repo_visibility' && change.visibility === 'protected' && repos[0]?.kind !== 'space')
    throw new HoldfastError('bad_request', { reason: 'Only a space can be protected. Choose "public" or "private".' })
  const pairs = repos.map((before): RepoPair => ({ before, after: repoAfter(before, change) }))
  const place =
    owner.kind === 'organization'
      ? (await placesOf(hub, plain(owner), null, sight)).before
      : { organization: null, demands: {} }
  return {
    on: 'repos',
    owner,
    places: { before: place, after: place },
    pairs,
    isTold: owner.kind === 'user' ? sight.isAdministrator : sight.seesMembers,
    isAdministrator: sight.isAdministrator,
    now: hub.clock.now(),
  }
}

/** What a decision about a repo asks of its organization. */
function plain(owner: OwnerFacts): OrganizationFacts {
  return {
    ...owner,
    kind: 'organization',
    workspaceCreation: 'admin',
    showsMembers: false,
    classicTokensAdminister: true,
  }
}

function repoAfter(
  repo: RepoFacts,
  change: Extract<Change, { kind: 'repo_workspace' | 'repo_visibility' | 'repo_gate' }>,
): RepoFacts {
  switch (change.kind) {
    case 'repo_workspace':
      return { ...repo, workspaceId: change.workspace }
    case 'repo_visibility':
      return { ...repo, visibility: change.visibility }
    case 'repo_gate':
      return {
        ...repo,
        gated: change.gated ?? repo.gated,
        orgMembersGated: change.orgMembersGated ?? repo.orgMembersGated,
      }
  }
}

/** Throws `workspace_not_found` for a workspace of another owner too, as the move itself does. */
async function requireWorkspace(hub: Hub, id: string | null, owner: OwnerFacts): Promise<void> {
  if (id === null) return
  const found = await workspaceNames(hub.db, [id], owner.id)
  if (!found.has(id)) throw new HoldfastError('workspace_not_found')
}
