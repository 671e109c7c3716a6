/**
 * What a fine-grained token lists: pairs of an entity and permissions. An entity is bound by its id, so a rename keeps the grant and a new
 * thing under an old name gets nothing (UAT-10). It may be listed only by who can see it.
 */
import { highestRole } from '../../access/group-roles.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type Facts, noStanding, type RepoFacts, type RepoKind, repoKinds } from '../../domain/facts.ts'
import { bypassesGate } from '../../domain/gate.ts'
import { isId } from '../../domain/ids.ts'
import { nameKey, parseRepoId } from '../../domain/names.ts'
import { canSee, effectiveRole } from '../../domain/policy.ts'
import { atLeast, isRole, type Role } from '../../domain/role.ts'
import { globalTokenPermissions, isTokenPermission, tokenPermissions } from '../../domain/token-permissions.ts'
import type { Hub } from '../../hub.ts'
import { findNamespaceFor, findRepoFor, findWorkspaceFor, type GrantRow } from './queries.ts'

export const entityTypes = ['user', 'org', 'model', 'dataset', 'space', 'resource-group'] as const
export type EntityType = (typeof entityTypes)[number]

/** What a caller names: by id, or by name (`acme` or `acme/x`). */
export interface EntityReference {
  readonly type: EntityType
  readonly id?: string
  readonly name?: string
}

export interface RequestedGrant {
  readonly entity: EntityReference
  readonly permissions: readonly string[]
}

/** An entity that the owner can see, with its id and its name of today. */
export interface ResolvedGrant {
  readonly type: EntityType
  readonly id: string
  readonly name: string
  readonly permissions: readonly string[]
  /** In a child token: see `throughId` in the schema. */
  readonly throughId?: string | null
}

/** What is listed, and whether it still gives anything (UAT-9). */
export interface Grant extends ResolvedGrant {
  readonly isEffective: boolean
  readonly isPrivate: boolean
}

/** Whom a token belongs to: a person, or a service account (which has no namespace under its name). */
export interface TokenOwner {
  readonly id: string
  readonly name: string
}

const mostGrants = 500

/** Throws `invalid_input` for what its owner cannot see, and for permissions that do not fit. Entities named twice are one. */
export async function resolveGrants(
  hub: Hub,
  owner: TokenOwner,
  requested: readonly RequestedGrant[],
): Promise<ResolvedGrant[]> {
  if (requested.length > mostGrants) {
    throw new HoldfastError('invalid_input', { reason: `A token lists at most ${mostGrants} entities.` })
  }
  const byEntity = new Map<string, ResolvedGrant>()
  for (const { entity, permissions } of requested) {
    for (const permission of permissions) checkPermission(entity, permission)
    if (permissions.length === 0) continue
    const found = await resolveEntity(hub, owner, entity)
    if (found === null) throw unseen(entity)
    const before = byEntity.get(found.id)?.permissions ?? []
    byEntity.set(found.id, {
      type: entity.type,
      ...found,
      permissions: [...new Set([...before, ...permissions])].sort(),
    })
  }
  return [...byEntity.values()]
}

/** Throws `invalid_input` for what cannot be held outside an entity. */
export function checkGlobalPermissions(permissions: readonly string[]): string[] {
  const known: readonly string[] = globalTokenPermissions
  const stray = permissions.find((permission) => !known.includes(permission))
  if (stray !== undefined) {
    throw new HoldfastError('invalid_input', {
      reason: `"${stray}" cannot be given globally. These can: ${known.join(', ')}.`,
    })
  }
  return [...new Set(permissions)].sort()
}

/** Which permissions can be given on an entity of this type. */
export function permissionsFor(type: EntityType): string[] {
  const on = type === 'user' || type === 'org' ? type : 'repo'
  return Object.entries(tokenPermissions)
    .filter(([, row]) => (row.on as readonly string[]).includes(on))
    .map(([name]) => name)
}

function checkPermission(entity: EntityReference, permission: string): void {
  if (!isTokenPermission(permission)) {
    throw new HoldfastError('invalid_input', { reason: `This hub has no permission "${permission}".` })
  }
  const fitting = permissionsFor(entity.type)
  if (!fitting.includes(permission)) {
    throw new HoldfastError('invalid_input', {
      reason: `"${permission}" cannot be given on a ${entity.type}. These can: ${fitting.join(', ')}.`,
    })
  }
}

/** Null where there is no such thing, or this owner cannot see it: the two are one answer. */
export async function resolveEntity(
  hub: Hub,
  owner: TokenOwner,
  entity: EntityReference,
): Promise<{ id: string; name: string; isPrivate: boolean } | null> {
  if (entity.type === 'user' || entity.type === 'org') return await resolveNamespace(hub, owner, entity)
  if (entity.type === 'resource-group') return await resolveWorkspace(hub, owner, entity)
  return await resolveRepo(hub, owner, entity.type, entity)
}

async function resolveNamespace(hub: Hub, owner: TokenOwner, entity: EntityReference) {
  const by = entity.id !== undefined ? { id: entity.id } : { key: nameKey(entity.name ?? '') }
  const found = await findNamespaceFor(hub.db, owner.id, by, hub.clock.now())
  const isOwn = entity.type === 'user' ? found?.id === owner.id : found?.kind === 'organization' && found.role !== null
  return found !== null && isOwn ? { id: found.id, name: found.name, isPrivate: false } : null
}

async function resolveWorkspace(hub: Hub, owner: TokenOwner, entity: EntityReference) {
  if (entity.id === undefined || !isId(entity.id)) return null
  const found = await findWorkspaceFor(hub.db, owner.id, entity.id, hub.clock.now())
  if (found === null || !holdsWorkspace(found.organizationRole, highestRole(found.role, found.rank))) return null
  return { id: found.id, name: `${found.organization}/${found.name}`, isPrivate: false }
}

async function resolveRepo(hub: Hub, owner: TokenOwner, kind: RepoKind, entity: EntityReference) {
  const named = entity.name === undefined ? null : parseRepoId(entity.name)
  if (entity.id === undefined && named === null) return null
  const by =
    entity.id !== undefined
      ? { id: entity.id }
      : { namespaceKey: nameKey(named?.namespace ?? owner.name), nameKey: nameKey(named?.name ?? '') }
  const row = await findRepoFor(hub.db, owner.id, kind, by, hub.clock.now())
  if (row === null) return null
  const repo: RepoFacts = {
    id: row.id,
    kind: row.kind,
    owner: { id: row.ownerId, kind: row.ownerKind, name: row.ownerName },
    name: row.name,
    visibility: row.visibility,
    creatorId: row.creatorId,
    workspaceId: row.workspaceId,
    isDisabled: false,
    headCommit: null,
    gated: false,
    orgMembersGated: false,
  }
  const roles = { organization: row.organizationRole, workspace: workspaceRoleOf(row), repo: row.repoRole }
  if (!ownerCanSee(owner.id, repo, roles)) return null
  return { id: row.id, name: `${row.ownerName}/${row.name}`, isPrivate: row.visibility !== 'public' }
}

/** The grant of a token on something that its owner can no longer see, named as it was then. */
export function lostGrant(token: { readonly scoped: readonly Grant[] }, entity: EntityReference): Grant | undefined {
  return token.scoped.find(
    (grant) =>
      !grant.isEffective && grant.type === entity.type && (grant.id === entity.id || grant.name === entity.name),
  )
}

/** The grant as it stands today; null where its entity is gone (UAT-10). */
export function grantOfRow(ownerId: string, row: GrantRow): Grant | null {
  const current = entityNow(ownerId, row)
  if (current === null) return null
  return {
    type: row.entityType,
    id: row.entityId,
    // What it is called today is told only to who may still see it.
    name: current.isEffective || current.isSeen ? current.name : row.entityName,
    permissions: JSON.parse(row.permissions) as string[],
    isEffective: current.isEffective,
    isPrivate: current.isPrivate,
  }
}

interface EntityNow {
  readonly name: string
  readonly isEffective: boolean
  readonly isPrivate: boolean
  /** Its owner sees it, and gets no content of it any more. */
  readonly isSeen?: boolean
}

function entityNow(ownerId: string, row: GrantRow): EntityNow | null {
  switch (row.entityType) {
    case 'user':
      return row.namespaceName === null
        ? null
        : { name: row.namespaceName, isEffective: row.entityId === ownerId, isPrivate: false }
    case 'org':
      return row.namespaceName === null
        ? null
        : { name: row.namespaceName, isEffective: row.directRole !== null, isPrivate: false }
    case 'resource-group':
      return row.workspaceName === null
        ? null
        : {
            name: `${row.workspaceOrganization ?? ''}/${row.workspaceName}`,
            isEffective: holdsWorkspace(row.organizationRole, highestRole(row.directRole, row.workspaceRank)),
            isPrivate: false,
          }
    default:
      return repoNow(ownerId, row)
  }
}

function repoNow(ownerId: string, row: GrantRow): EntityNow | null {
  const { repoKind, repoName, repoOwnerId, repoOwnerKind, repoOwnerName, repoVisibility } = row
  if (
    repoKind === null ||
    repoName === null ||
    repoOwnerId === null ||
    repoOwnerKind === null ||
    repoOwnerName === null ||
    repoVisibility === null
  )
    return null
  const repo: RepoFacts = {
    id: row.entityId,
    kind: repoKind,
    owner: { id: repoOwnerId, kind: repoOwnerKind, name: repoOwnerName },
    name: repoName,
    visibility: repoVisibility,
    creatorId: row.repoCreatorId ?? '',
    workspaceId: row.repoWorkspaceId,
    isDisabled: false,
    headCommit: null,
    gated: row.repoGated === 'open' || row.repoGated === null ? false : row.repoGated,
    orgMembersGated: row.repoOrgMembersGated === 1,
  }
  const roles = { organization: row.organizationRole, workspace: workspaceRoleOf(row), repo: row.directRole }
  const facts = ownerFacts(ownerId, repo, roles)
  const isSeen = canSee(facts, repo)
  // Who has not been let in yet may be tomorrow; who was, and is no longer, has lost it.
  const wasShutOut =
    row.accessStatus === 'rejected' || (row.accessStatus === 'pending' && row.accessReviewedAt !== null)
  return {
    name: `${repoOwnerName}/${repoName}`,
    isSeen,
    isEffective: isSeen && !(wasShutOut && !bypassesGate(facts, repo, effectiveRole(facts, repo))),
    isPrivate: repoVisibility !== 'public',
  }
}

interface OwnerRoles {
  readonly organization: string | null
  readonly workspace: Role | null
  readonly repo: string | null
}

/** The policy's own answer for the owner of the token, without its ceiling. */
function ownerCanSee(ownerId: string, repo: RepoFacts, roles: OwnerRoles): boolean {
  return canSee(ownerFacts(ownerId, repo, roles), repo)
}

function ownerFacts(ownerId: string, repo: RepoFacts, roles: OwnerRoles): Facts {
  return {
    principal: { kind: 'user', id: ownerId, name: '', fullname: null, isAdmin: false, hasSecondFactor: true },
    credential: null,
    resource: { on: 'repo', kind: repo.kind, repo },
    standing: {
      ...noStanding,
      organizationRole: roleOf(roles.organization),
      workspaceRole: roles.workspace,
      repoRole: roleOf(roles.repo),
    },
  }
}

function holdsWorkspace(organizationRole: string | null, workspaceRole: Role | null): boolean {
  return roleOf(organizationRole) === 'admin' || (organizationRole !== null && atLeast(workspaceRole, 'read'))
}

function workspaceRoleOf(row: { workspaceRole: string | null; workspaceRank: number | null }): Role | null {
  return highestRole(row.workspaceRole, row.workspaceRank)
}

function roleOf(value: string | null): Role | null {
  return value !== null && isRole(value) ? value : null
}

function unseen(entity: EntityReference): HoldfastError {
  const called = entity.name ?? entity.id ?? ''
  // An id says nothing of the kind of what it names; neither does the answer.
  if (entity.name === undefined && repoKinds.some((kind) => kind === entity.type)) return unseenRepo(called)
  return new HoldfastError('invalid_input', { reason: `There is no ${entity.type} "${called}" that you can see.` })
}

/** The same for what is not there and for what may not be seen. */
export function unseenRepo(id: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason: `There is no repository "${id}" that you can see.` })
}

/** Reads `model:acme/x=repo.content.read,repo.write`, the form of the command line and of the page. Throws `invalid_input`. */
export function parseScoped(text: string): RequestedGrant {
  const match = /^([a-z-]+):([^=]+)=(.+)$/.exec(text)
  const type = entityTypes.find((known) => known === match?.[1])
  if (match?.[2] === undefined || match[3] === undefined || type === undefined) {
    throw new HoldfastError('invalid_input', {
      reason: `"${text}" is not of the form TYPE:NAME=PERMISSION,... with one of the types ${entityTypes.join(', ')}.`,
    })
  }
  const permissions = match[3].split(',').map((permission) => permission.trim())
  return { entity: { type, ...reference(type, match[2]) }, permissions }
}

function reference(type: EntityType, text: string): { id: string } | { name: string } {
  return isId(text) && (type === 'resource-group' || repoKinds.some((kind) => kind === type))
    ? { id: text }
    : { name: text }
}
