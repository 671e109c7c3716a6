/**
 * Whether a permission on a token would give its account anything, from what the account itself may do today (SA-23). Only for what is
 * said when a token is saved or shown: each request is decided anew, and a token never does more than its account (AUTH-4).
 */
import { HoldfastError } from '../../domain/errors.ts'
import { type Facts, noStanding, type OwnerFacts, serviceAccountName } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import { atLeast, isRole, type Role, stronger } from '../../domain/role.ts'
import type { TokenPermission } from '../../domain/token-permissions.ts'
import type { Hub } from '../../hub.ts'
import { leastRoleFor, type ResolvedGrant } from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import { findRepos, type ListedRepo, listPlaces } from './queries.ts'

/** What the Hub lets a service account's token hold. */
export const accountPermissions = [
  'repo.content.read',
  'repo.write',
  'inference.serverless.write',
  'inference.endpoints.infer.write',
  'inference.endpoints.write',
  'org.read',
  'org.write',
  'collection.read',
  'collection.write',
  'resourceGroup.write',
  'job.write',
  'org.serviceAccounts.read',
  'org.serviceAccounts.write',
] as const satisfies readonly TokenPermission[]
export type AccountPermission = (typeof accountPermissions)[number]

/** Of these, what it may hold on a repo or a workspace. */
export const repoPermissions = ['repo.content.read', 'repo.write'] as const
export type AccountRepoPermission = (typeof repoPermissions)[number]

/** What an account is, everywhere in its organization. */
export interface Ceiling {
  readonly account: ServiceAccount
  readonly organization: OwnerFacts
  /** The highest role in each workspace, direct or through a group. */
  readonly workspaces: ReadonlyMap<string, Role>
}

export async function ceilingOf(hub: Hub, organization: OwnerFacts, account: ServiceAccount): Promise<Ceiling> {
  const workspaces = new Map<string, Role>()
  for (const place of await listPlaces(hub.db, [account.id], hub.clock.now())) {
    if (place.kind !== 'workspace' || !isRole(place.role)) continue
    workspaces.set(place.id, stronger(workspaces.get(place.id) ?? null, place.role) ?? place.role)
  }
  return { account, organization, workspaces }
}

/** Why a permission gives nothing. */
export interface Shortfall {
  readonly permission: string
  readonly need: Role
  readonly have: Role | null
}

/** Null where the account may do at least something of what the permission opens. */
function shortfall(
  ceiling: Ceiling,
  permission: string,
  grant: ResolvedGrant,
  repo: ListedRepo | undefined,
): Shortfall | null {
  const name = accountPermissions.find((known) => known === permission)
  if (name === undefined) return null
  if (grant.type === 'org') {
    const need = leastRoleFor(name)
    const have = roleAnywhere(ceiling, name)
    return atLeast(have, need) ? null : { permission, need, have }
  }
  if (grant.type === 'resource-group') {
    const need = leastRoleFor(name)
    const have = ceiling.account.role === 'admin' ? 'admin' : (ceiling.workspaces.get(grant.id) ?? null)
    return atLeast(have, need) ? null : { permission, need, have }
  }
  return repo === undefined ? { permission, need: 'read', have: null } : shortfallOnRepo(ceiling, name, repo)
}

/** A permission on all of the organization also holds in its workspaces, where another role counts. */
function roleAnywhere({ account, workspaces }: Ceiling, permission: AccountPermission): Role | null {
  const holdsInWorkspaces = permission === 'resourceGroup.write' || repoPermissions.some((each) => each === permission)
  if (!holdsInWorkspaces) return account.role
  return [...workspaces.values()].reduce<Role | null>((best, role) => stronger(best, role), account.role)
}

function shortfallOnRepo(ceiling: Ceiling, permission: AccountPermission, repo: ListedRepo): Shortfall | null {
  const decision = decide(permission === 'repo.write' ? 'repo.push' : 'repo.content.read', asAccount(ceiling, repo))
  if (decision.allow) return null
  const { denial } = decision
  if (denial.kind === 'hidden') return { permission, need: 'read', have: null }
  const need = 'denied' in denial ? (denial.denied.need ?? '') : ''
  const have = 'denied' in denial ? (denial.denied.have ?? '') : ''
  return { permission, need: isRole(need) ? need : 'write', have: isRole(have) ? have : null }
}

/** The account itself, without the ceiling of a token, before the repo. */
function asAccount({ account, organization, workspaces }: Ceiling, repo: ListedRepo): Facts {
  const isOwn = repo.ownerId === organization.id
  return {
    principal: {
      kind: 'service-account',
      id: account.id,
      name: serviceAccountName(account.id),
      fullname: account.name,
      organization: { id: organization.id, name: organization.name },
    },
    credential: null,
    resource: {
      on: 'repo',
      kind: repo.kind,
      repo: {
        id: repo.id,
        kind: repo.kind,
        owner: { id: repo.ownerId, kind: repo.ownerKind, name: repo.ownerName },
        name: repo.name,
        visibility: repo.visibility,
        creatorId: repo.creatorId,
        workspaceId: repo.workspaceId,
        isDisabled: false,
        headCommit: null,
        // A gate that is shut today may open tomorrow: a token may list what lies behind it.
        gated: false,
        orgMembersGated: false,
      },
    },
    standing: {
      ...noStanding,
      organizationRole: isOwn ? account.role : null,
      workspaceRole: isOwn && repo.workspaceId !== null ? (workspaces.get(repo.workspaceId) ?? null) : null,
    },
  }
}

const isRepoGrant = (grant: ResolvedGrant): boolean => grant.type !== 'org' && grant.type !== 'resource-group'

/** By the id of the entity: what of each grant gives nothing today. */
export async function shortfallsOf(
  hub: Hub,
  ceiling: Ceiling,
  grants: readonly ResolvedGrant[],
): Promise<ReadonlyMap<string, readonly Shortfall[]>> {
  const ids = [...new Set(grants.filter(isRepoGrant).map(({ id }) => id))]
  const repos = new Map((await findRepos(hub.db, ids)).map((repo) => [repo.id, repo]))
  return new Map(
    grants.map((grant) => [
      grant.id,
      grant.permissions
        .map((permission) => shortfall(ceiling, permission, grant, repos.get(grant.id)))
        .filter((each) => each !== null),
    ]),
  )
}

/** Throws `beyond_ceiling` where one of the grants would give nothing; what stands in `kept` already may stay, effective or not. */
export async function requireWithinCeiling(
  hub: Hub,
  ceiling: Ceiling,
  grants: readonly ResolvedGrant[],
  kept: readonly ResolvedGrant[],
): Promise<void> {
  const shortfalls = await shortfallsOf(hub, ceiling, grants)
  for (const grant of grants) {
    const before = kept.find(({ id }) => id === grant.id)?.permissions ?? []
    const first = shortfalls.get(grant.id)?.find(({ permission }) => !before.includes(permission))
    if (first === undefined) continue
    throw new HoldfastError('beyond_ceiling', {
      permission: first.permission,
      account: ceiling.account.name,
      resource: grant.type === 'org' ? grant.name : `${grant.type} ${grant.name}`,
      need: first.need,
      have: first.have ?? 'none',
    })
  }
}
