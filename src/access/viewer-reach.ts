/**
 * What a viewer can see beyond what is public, as sets that a list can be merged from: the other half of `canSee` in domain/policy.ts,
 * turned round. The policy asks "may this viewer see this repo?", the reach answers "which repos?"; a property test in random worlds holds
 * the two against each other.
 */
import { sql } from 'kysely'
import { type Account, accountOf, type Facts, noStanding, type OwnerFacts, type RepoFacts } from '../domain/facts.ts'
import { permissionRow } from '../domain/permissions.ts'
import { canSee } from '../domain/policy.ts'
import { atLeast, isRole, type Role, stronger } from '../domain/role.ts'
import type { Db } from '../platform/db/database.ts'
import { prepared } from '../platform/db/prepared.ts'
import { restrictionOf, type Viewer } from './restriction.ts'
import { roleAt } from './role-at.ts'

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
  /** Null: what it gave has ended. */
  role: string | null
  /** The organization of a workspace or a repo. */
  organizationId: string | null
  /** Of the organization that the target is, or belongs to. */
  secondFactorRequired: number | null
  tokenPolicy: string | null
  mostTokenDays: number | null
}

const ownGrantsOf = prepared<{ principalId: string; now: number }, GrantRow>((q, param) =>
  q
    .selectFrom('roleGrant as g')
    .leftJoin('workspace as w', 'w.id', 'g.targetId')
    .leftJoin('repo as r', 'r.id', 'g.targetId')
    .leftJoin('organization as o', (join) =>
      join.on('o.id', '=', sql<string>`coalesce("w"."organizationId", "r"."ownerId", "g"."targetId")`),
    )
    .select(['g.targetId', 'g.targetKind', 'o.id as organizationId', 'o.secondFactorRequired'])
    .select(roleAt('g', param('now')).as('role'))
    .select(['o.tokenPolicy', 'o.mostTokenDays'])
    .where('g.principalId', '=', param('principalId')),
)

/** Roles that come through groups: in workspaces only. */
const groupGrantsOf = prepared<{ principalId: string; now: number }, GrantRow>((q, param) =>
  q
    .selectFrom('groupMember as m')
    .innerJoin('roleGrant as g', 'g.principalId', 'm.groupId')
    .innerJoin('workspace as w', 'w.id', 'g.targetId')
    .innerJoin('organization as o', 'o.id', 'w.organizationId')
    .select(['g.targetId', 'g.targetKind', 'o.id as organizationId', 'o.secondFactorRequired'])
    .select(roleAt('g', param('now')).as('role'))
    .select(['o.tokenPolicy', 'o.mostTokenDays'])
    .where('m.principalId', '=', param('principalId')),
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
    .leftJoin('repo', 'repo.id', 'tokenGrant.entityId')
    .select(['tokenGrant.entityId', 'tokenGrant.entityType', 'tokenGrant.permissions', 'workspace.organizationId'])
    .where('tokenGrant.tokenId', '=', param('tokenId'))
    // As in facts-statement.ts: a child's repo counts while it lies where its parent reaches it.
    .where((w) =>
      w.or([
        w('tokenGrant.throughId', 'is', null),
        w('tokenGrant.throughId', '=', w.ref('repo.ownerId')),
        w('tokenGrant.throughId', '=', w.ref('repo.workspaceId')),
      ]),
    ),
)

const verdictsOf = prepared<{ tokenId: string }, { organizationId: string; verdict: string }>((q, param) =>
  q.selectFrom('organizationToken').select(['organizationId', 'verdict']).where('tokenId', '=', param('tokenId')),
)

/** Read afresh for each list, as facts are for each request. */
export async function loadReach(db: Db, viewer: Viewer, now: number): Promise<Reach> {
  const { credential } = viewer
  const account = accountOf(viewer.principal)
  if (account === null) return nothing
  if (account.kind === 'organization') return await reachOfOrganization(db, account, viewer)
  const grants = await grantsOf(db, account, viewer, now)
  const reach = reachOf(account, grants)
  return credential?.kind === 'token' && credential.role === 'fineGrained'
    ? await narrowed(db, viewer, credential.id, reach, grants)
    : reach
}

const demandsOf = prepared<
  { id: string },
  { secondFactorRequired: number; tokenPolicy: string; mostTokenDays: number | null }
>((q, param) =>
  q
    .selectFrom('organization')
    .select(['secondFactorRequired', 'tokenPolicy', 'mostTokenDays'])
    .where('id', '=', param('id')),
)

/** By its deprecated token: all of its own, whatever the workspace, if it takes such a token. */
async function reachOfOrganization(db: Db, { id }: Account, viewer: Viewer): Promise<Reach> {
  return (await isTaken(db, id, viewer)) ? { places: [{ id, ownerId: id }], owners: [id], repos: [] } : nothing
}

async function isTaken(db: Db, id: string, viewer: Viewer): Promise<boolean> {
  const { credential } = viewer
  const [demands, verdicts] = await Promise.all([
    demandsOf.first(db.list, { id }),
    credential?.kind === 'token' ? verdictsOf.run(db.list, { tokenId: credential.id }) : [],
  ])
  const verdict = verdicts.find(({ organizationId }) => organizationId === id)?.verdict ?? null
  return demands !== null && restrictionOf(demands, viewer, verdict, null) === null
}

/** What still counts: one row for each target, with the highest role; nothing from organizations that keep the caller out (AUTH-4e). */
async function grantsOf(db: Db, account: Account, viewer: Viewer, now: number): Promise<GrantRow[]> {
  const [everyOwn, throughGroups, verdicts] = await Promise.all([
    ownGrantsOf.run(db.list, { principalId: account.id, now }),
    groupGrantsOf.run(db.list, { principalId: account.id, now }),
    viewer.credential?.kind === 'token'
      ? verdictsOf.run(db.list, { tokenId: viewer.credential.parent?.id ?? viewer.credential.id })
      : [],
  ])
  const verdictIn = new Map(verdicts.map(({ organizationId, verdict }) => [organizationId, verdict]))
  const own = everyOwn.filter(({ role }) => role !== null)
  const members = new Map(
    own.filter(({ targetKind }) => targetKind === 'organization').map(({ targetId, role }) => [targetId, role]),
  )
  const byTarget = new Map<string, GrantRow>()
  for (const grant of [...own, ...throughGroups]) {
    const organization = grant.organizationId ?? ''
    const role = roleOf(members.get(organization) ?? null)
    if (restrictionOf(grant, viewer, verdictIn.get(organization) ?? null, role) !== null) continue
    // A role in a workspace is worth nothing to who is not of the organization.
    if (grant.targetKind === 'workspace' && !members.has(organization)) continue
    const highest = stronger(roleOf(grant.role), roleOf(byTarget.get(grant.targetId)?.role ?? null))
    if (highest !== null) byTarget.set(grant.targetId, { ...grant, role: highest })
  }
  return [...byTarget.values()]
}

/** What one viewer has where, for judging things one by one. */
export interface Holdings {
  readonly roles: ReadonlyMap<string, Role>
  /** What a fine-grained token lists, by entity. */
  readonly permissions: ReadonlyMap<string, string>
}

/** At that moment (ms). */
export async function loadHoldings(db: Db, viewer: Viewer, now: number): Promise<Holdings> {
  const { principal, credential } = viewer
  const account = accountOf(principal)
  if (account === null) return { roles: new Map(), permissions: new Map() }
  if (account.kind === 'organization') {
    const isWriting = credential?.kind === 'token' && credential.role === 'write'
    const own = (await isTaken(db, account.id, viewer)) ? [[account.id, isWriting ? 'write' : 'read'] as const] : []
    return { roles: new Map(own), permissions: new Map() }
  }
  const isNarrow = credential?.kind === 'token' && credential.role === 'fineGrained'
  const [grants, listed] = await Promise.all([
    grantsOf(db, account, viewer, now),
    isNarrow ? tokenGrantsOf.run(db.list, { tokenId: credential.id }) : [],
  ])
  return { roles: rolesById(grants), permissions: new Map(listed.map((g) => [g.entityId, g.permissions])) }
}

/** Of these repos, the ids of those that the viewer can see. */
export async function visibleAmong(
  db: Db,
  viewer: Viewer,
  ids: readonly string[],
  now: number,
): Promise<ReadonlySet<string>> {
  const [holdings, repos] = await Promise.all([loadHoldings(db, viewer, now), reposById(db, ids)])
  return new Set(repos.filter((repo) => canSee(factsOf(viewer, repo, holdings), repo)).map(({ id }) => id))
}

/** With a session, or a token that sees what its owner sees. */
function reachOf(account: Account, grants: readonly GrantRow[]): Reach {
  const places: Place[] = account.kind === 'user' ? [{ id: account.id, ownerId: account.id }] : []
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
      // Neither what an administrator withholds nor a gate hides a repo.
      found.push({ ...row, owner, isDisabled: false, headCommit: null, gated: false, orgMembersGated: false })
    }
  }
  return found
}

function factsOf(viewer: Viewer, repo: RepoFacts, standing: Holdings): Facts {
  const role = (id: string | null) => (id === null ? null : (standing.roles.get(id) ?? null))
  return {
    ...viewer,
    resource: { on: 'repo', kind: repo.kind, repo },
    standing: {
      ...noStanding,
      organizationRole: role(repo.owner.id),
      workspaceRole: role(repo.workspaceId),
      repoRole: role(repo.id),
      tokenGrants: listed(viewer, standing.permissions, repo),
    },
  }
}

/** As `tokenGrantsOf` in load-facts.ts: what a service account's token lists for the repo stands in place of the rest (SA-23). */
function listed(viewer: Viewer, permissions: ReadonlyMap<string, string>, repo: RepoFacts): string[] {
  const granted = (id: string | null) => (id === null ? [] : parse(permissions.get(id) ?? '[]'))
  if (viewer.principal.kind === 'service-account' && permissions.has(repo.id)) return granted(repo.id)
  return [...granted(repo.owner.id), ...granted(repo.workspaceId), ...granted(repo.id)]
}

function rolesById(grants: readonly GrantRow[]): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>()
  for (const grant of grants) {
    const role = roleOf(grant.role)
    if (role !== null) roles.set(grant.targetId, role)
  }
  return roles
}

function roleOf(text: string | null): Role | null {
  return text !== null && isRole(text) ? text : null
}

function parse(permissions: string): string[] {
  return JSON.parse(permissions) as string[]
}
