/**
 * What a viewer can see beyond what is public, as sets that a list can be merged from: the other half of `canSee` in domain/policy.ts,
 * turned round. The policy asks "may this viewer see this repo?", the reach answers "which repos?"; a property test in random worlds holds
 * the two against each other.
 */
import type { Credential, Facts, OwnerFacts, Principal, RepoFacts } from '../domain/facts.ts'
import { permissionRow } from '../domain/permissions.ts'
import { canSee } from '../domain/policy.ts'
import { atLeast, isRole, type Role } from '../domain/role.ts'
import type { Db } from '../platform/db/database.ts'
import { prepared } from '../platform/db/prepared.ts'

export interface Viewer {
  readonly principal: Principal
  readonly credential: Credential | null
}

/** Non-public repos: a repo is in reach if it is in any of the three. */
export interface Reach {
  /** Namespaces (their repos outside workspaces) and workspaces, with the owner of each. */
  readonly places: readonly Place[]
  /** Organizations whose workspaces are all open. */
  readonly owners: readonly string[]
  /** Single repos. */
  readonly repos: readonly string[]
}

export interface Place {
  readonly id: string
  readonly ownerId: string
}

const nothing: Reach = { places: [], owners: [], repos: [] }

interface GrantRow {
  targetId: string
  targetKind: string
  role: string
  /** The organization of a workspace. */
  organizationId: string | null
}

const roleGrantsOf = prepared<{ principalId: string }, GrantRow>((q, param) =>
  q
    .selectFrom('roleGrant')
    .leftJoin('workspace', 'workspace.id', 'roleGrant.targetId')
    .select(['roleGrant.targetId', 'roleGrant.targetKind', 'roleGrant.role', 'workspace.organizationId'])
    .where('roleGrant.principalId', '=', param('principalId')),
)

interface TokenGrantRow {
  entityId: string
  entityType: string
  permissions: string
  /** The organization of a workspace. */
  organizationId: string | null
}

const tokenGrantsOf = prepared<{ tokenId: string }, TokenGrantRow>((q, param) =>
  q
    .selectFrom('tokenGrant')
    .leftJoin('workspace', 'workspace.id', 'tokenGrant.entityId')
    .select(['tokenGrant.entityId', 'tokenGrant.entityType', 'tokenGrant.permissions', 'workspace.organizationId'])
    .where('tokenGrant.tokenId', '=', param('tokenId')),
)

/** Read afresh for each list, as facts are for each request. */
export async function loadReach(db: Db, viewer: Viewer): Promise<Reach> {
  const { principal, credential } = viewer
  if (principal.kind !== 'user') return nothing
  const grants = await roleGrantsOf.run(db.list, { principalId: principal.id })
  const reach = reachOfPerson(principal.id, grants)
  return credential?.kind === 'token' && credential.role === 'fineGrained'
    ? await narrowed(db, viewer, credential.id, reach, grants)
    : reach
}

/** With a session, or a token that sees what its owner sees. */
function reachOfPerson(userId: string, grants: readonly GrantRow[]): Reach {
  const places: Place[] = [{ id: userId, ownerId: userId }]
  const owners: string[] = []
  const repos: string[] = []
  for (const grant of grants) {
    if (!atLeast(roleOf(grant.role), 'read')) continue
    if (grant.targetKind === 'repo') repos.push(grant.targetId)
    if (grant.targetKind === 'organization') {
      places.push({ id: grant.targetId, ownerId: grant.targetId })
      if (grant.role === 'admin') owners.push(grant.targetId)
    }
    if (grant.targetKind === 'workspace' && grant.organizationId !== null) {
      places.push({ id: grant.targetId, ownerId: grant.organizationId })
    }
  }
  return { places, owners, repos }
}

/** A fine-grained token sees what its owner sees of the entities that it lists with a permission to read (UAT-7). */
async function narrowed(
  db: Db,
  viewer: Viewer,
  tokenId: string,
  whole: Reach,
  grants: readonly GrantRow[],
): Promise<Reach> {
  const listed = (await tokenGrantsOf.run(db.list, { tokenId })).filter((grant) => opensReading(grant.permissions))
  const ids = new Set(listed.map((grant) => grant.entityId))
  const places = whole.places.filter((place) => ids.has(place.id) || ids.has(place.ownerId))
  // An administrator's workspaces that the token lists one by one.
  for (const { entityId, entityType, organizationId } of listed) {
    if (entityType !== 'resource-group' || organizationId === null || !whole.owners.includes(organizationId)) continue
    if (!places.some((place) => place.id === entityId)) places.push({ id: entityId, ownerId: organizationId })
  }
  const single = new Set(whole.repos)
  for (const grant of listed) {
    if (grant.entityType === 'model' || grant.entityType === 'dataset' || grant.entityType === 'space') {
      single.add(grant.entityId)
    }
  }
  const standing = { roles: rolesById(grants), permissions: new Map(listed.map((g) => [g.entityId, g.permissions])) }
  const repos = (await reposById(db, [...single]))
    .filter((repo) => canSee(factsOf(viewer, repo, standing), repo))
    .map((repo) => repo.id)
  return { places, owners: whole.owners.filter((owner) => ids.has(owner)), repos }
}

function opensReading(permissions: string): boolean {
  const { token } = permissionRow('repo.read')
  if (typeof token === 'string') return token === 'any'
  const names = parse(permissions)
  return token.fineGrained.some((name) => names.includes(name))
}

async function reposById(db: Db, ids: readonly string[]): Promise<RepoFacts[]> {
  const found: RepoFacts[] = []
  for (let start = 0; start < ids.length; start += 1000) {
    const rows = await db.list
      .selectFrom('repo')
      .innerJoin('namespace', 'namespace.id', 'repo.ownerId')
      .select(['repo.id', 'repo.kind', 'repo.name', 'repo.visibility', 'repo.creatorId', 'repo.workspaceId'])
      .select(['repo.ownerId', 'namespace.kind as ownerKind', 'namespace.name as ownerName'])
      .where('repo.id', 'in', ids.slice(start, start + 1000))
      .where('repo.deletedAt', 'is', null)
      .execute()
    for (const row of rows) {
      const owner: OwnerFacts = { id: row.ownerId, kind: row.ownerKind, name: row.ownerName }
      found.push({ ...row, owner, isDisabled: false, headCommit: null })
    }
  }
  return found
}

function factsOf(
  viewer: Viewer,
  repo: RepoFacts,
  standing: { readonly roles: ReadonlyMap<string, Role>; readonly permissions: ReadonlyMap<string, string> },
): Facts {
  const role = (id: string | null) => (id === null ? null : (standing.roles.get(id) ?? null))
  const granted = (id: string | null) => (id === null ? [] : parse(standing.permissions.get(id) ?? '[]'))
  return {
    ...viewer,
    resource: { on: 'repo', kind: repo.kind, repo },
    standing: {
      organizationRole: role(repo.owner.id),
      workspaceRole: role(repo.workspaceId),
      repoRole: role(repo.id),
      tokenGrants: [...granted(repo.owner.id), ...granted(repo.workspaceId), ...granted(repo.id)],
    },
  }
}

function rolesById(grants: readonly GrantRow[]): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>()
  for (const grant of grants) {
    const role = roleOf(grant.role)
    if (role !== null) roles.set(grant.targetId, role)
  }
  return roles
}

function roleOf(text: string): Role | null {
  return isRole(text) ? text : null
}

function parse(permissions: string): string[] {
  return JSON.parse(permissions) as string[]
}
