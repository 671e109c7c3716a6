/**
 * Child tokens (idea 14): a token makes a narrower one of itself, for an agent, a notebook or a single job. A child can never do what its parent
 * cannot, at no moment: its owner is the same and is judged live, what it lists is within what the parent lists, the policy asks the role of the
 * parent too, organizations judge it as its parent, and any edit, refresh or end of the parent ends it. It makes no tokens itself.
 */
import { areWithin, type Fence, parseNetworks } from '../../access/fence.ts'
import type { Viewer } from '../../access/restriction.ts'
import { visibleAmong } from '../../access/viewer-reach.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import { accountOf, type RepoKind } from '../../domain/facts.ts'
import { covers, isReading } from '../../domain/narrower.ts'
import type { Allowed } from '../../domain/policy.ts'
import { isTokenPermission } from '../../domain/token-permissions.ts'
import type { Hub } from '../../hub.ts'
import type { Db, Tx } from '../../platform/db/database.ts'
import type { AccessTokenTable } from '../../platform/db/schema.ts'
import { recordEvent } from '../audit/service.ts'
import {
  type EntityReference,
  type Grant,
  grantOfRow,
  permissionsFor,
  type ResolvedGrant,
  resolveEntity,
  type TokenOwner,
  unseenRepo,
} from './grants.ts'
import {
  countChildren,
  deleteEndedChildren,
  findToken,
  listGrants,
  listLiveChildren,
  lockParent,
  placesOfRepos,
} from './queries.ts'
import { fenceInWords } from './requested-fence.ts'
import { noPermissions, permissionsInWords, type ResolvedPermissions } from './requested-permissions.ts'
import { findStored, parseTokenName, storeToken } from './store.ts'
import type { AnyTokenRole, StoredToken } from './token.ts'

export const longestChildSeconds = 86_400
export const mostChildren = 50
export const mostChildrenOfOwner = 500
export const mostChildUses = 1_000_000

export interface NewChild {
  readonly name?: string | undefined
  /** What of the parent it gets: reading, or all of it. */
  readonly role: 'read' | 'write'
  /** On these repos alone. */
  readonly repos?: readonly { readonly type: RepoKind; readonly name: string }[] | undefined
  /** These alone, in place of what the role says. */
  readonly permissions?: readonly string[] | undefined
  readonly seconds: number
  readonly uses?: number | undefined
  /** Within those of the parent. Absent: the same. */
  readonly networks?: readonly string[] | undefined
}

export interface ChildToken {
  readonly id: string
  readonly name: string
  readonly parentId: string
  readonly role: AnyTokenRole
  readonly last4: string
  readonly permissions: readonly string[]
  readonly networks: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly usesLeft: number | null
  readonly lastUsedAt: number | null
}

/**
 * Throws `token_needed`, `child_token`, `former_value`, `publisher_token`, `beyond_minter`, `too_many_child_tokens`, `token_name_taken`, or `invalid_input` for a repo
 * that the owner cannot see and for what cannot be.
 */
export async function deriveToken(
  hub: Hub,
  allowed: Allowed<'token.derive'>,
  origin: Origin,
  input: NewChild,
): Promise<{ readonly value: string; readonly token: ChildToken }> {
  const { credential, principal } = allowed
  const owner = accountOf(principal)
  if (owner === null || credential?.kind !== 'token') throw refused('token_needed')
  if (credential.parent !== null) throw refused('child_token')
  if (credential.former !== null) throw refused('former_value')
  // It ends with its trusted publisher, and each of its acts names the run that got it.
  if (credential.publisher !== undefined) throw refused('publisher_token')
  const found = await findStored(hub.db.read, owner.id, credential.id, hub.clock.now())
  if (found === null) throw new HoldfastError('invalid_credentials', {}, { denied: { code: 'invalid_credentials' } })
  const parent = found.token
  const organizationId = owner.kind === 'service-account' ? owner.organization.id : null
  const { role, permissions } = await narrowed(hub, allowed, organizationId, parent, input)
  const fence = fenceWithin(parent.fence, input.networks)
  const wanted = input.name === undefined ? null : parseTokenName(input.name)
  const now = hub.clock.now()
  const ends = [now + input.seconds * 1000, ...(parent.expiresAt === null ? [] : [parent.expiresAt])]
  const expiresAt = Math.min(...ends)
  return await hub.transaction(async (tx) => {
    const locked = await lockParent(tx, hub.db.dialect, parent.id)
    // Between the look at it and this, somebody may have narrowed, refreshed or deleted it.
    const again = await findStored(tx, owner.id, parent.id, hub.clock.now())
    if (locked?.hash !== found.hash || again === null || gist(again.token) !== gist(parent)) {
      throw new HoldfastError('token_changed_meanwhile')
    }
    await makeRoom(tx, owner.id, parent.id, now)
    const name = wanted ?? `child ${hub.clock.id().slice(-8)}`
    const usesLeft = input.uses ?? null
    const made = await storeToken(hub, tx, owner.id, {
      name,
      role,
      description: null,
      permissions,
      endpointPatterns: parent.endpointPatterns,
      fence,
      expiresAt,
      parentId: parent.id,
      usesLeft,
    })
    await recordEvent(hub, tx, allowed, origin, {
      resource: { kind: 'token', id: made.id, name },
      ownerId: organizationId ?? owner.id,
      data: {
        owner: owner.name,
        last4: made.last4,
        parent: parent.id,
        parentName: parent.name,
        role,
        permissions: permissionsInWords(permissions),
        fence: fenceInWords(fence),
        expiresAt,
        uses: usesLeft,
      },
    })
    const row = await findToken(tx, owner.id, made.id)
    if (row === null) throw new Error('The child that was just made is not there.')
    return { value: made.value, token: childOf(row, permissions.scoped) }
  })
}

/** Those of one token that are still taken, the newest first. */
export async function listChildren(
  on: Tx | Db['read'],
  ownerId: string,
  parentId: string,
  now: number,
): Promise<ChildToken[]> {
  const rows = await listLiveChildren(on, ownerId, parentId, now)
  if (rows.length === 0) return []
  const byToken = Map.groupBy(await listGrants(on, ownerId, null, now), (grant) => grant.tokenId)
  return rows.map((row) => {
    const grants = (byToken.get(row.id) ?? []).map((grant) => grantOfRow(ownerId, grant))
    return childOf(
      row,
      grants.filter((grant) => grant !== null),
    )
  })
}

function childOf(row: AccessTokenTable, scoped: readonly (ResolvedGrant | Grant)[]): ChildToken {
  return {
    id: row.id,
    name: row.name,
    parentId: row.parentId ?? '',
    role: row.role,
    last4: row.last4,
    permissions: permissionsInWords({
      canReadGatedRepos: row.canReadGatedRepos === 1,
      global: JSON.parse(row.globalPermissions) as string[],
      scoped,
    }),
    networks: row.networks === null ? [] : (JSON.parse(row.networks) as string[]),
    createdAt: row.createdAt,
    expiresAt: row.expiresAt ?? 0,
    usesLeft: row.usesLeft,
    lastUsedAt: row.lastUsedAt,
  }
}

function ownerOf({ principal }: Viewer): TokenOwner {
  const owner = accountOf(principal)
  if (owner === null) throw refused('token_needed')
  return owner
}

async function makeRoom(tx: Tx, ownerId: string, parentId: string, now: number): Promise<void> {
  await deleteEndedChildren(tx, ownerId, now)
  const { ofParent, ofOwner } = await countChildren(tx, ownerId, parentId)
  if (ofParent < mostChildren && ofOwner < mostChildrenOfOwner) return
  throw new HoldfastError('too_many_child_tokens', { most: mostChildren, mostOfAll: mostChildrenOfOwner })
}

/** What it gets, of what the parent has. */
async function narrowed(
  hub: Hub,
  viewer: Viewer,
  organizationId: string | null,
  parent: StoredToken,
  { role, repos, permissions }: NewChild,
): Promise<{ readonly role: AnyTokenRole; readonly permissions: ResolvedPermissions }> {
  for (const permission of permissions ?? []) {
    if (!isTokenPermission(permission)) throw invalid(`This hub has no permission "${permission}".`, 'permissions')
    if (parent.role === 'read' && !isReading(permission)) throw beyond(permission, permission, 'read')
  }
  if (role === 'write' && parent.role === 'read') throw beyond('the role write', 'write', 'read')
  if (repos !== undefined) {
    const scoped = await onRepos(hub, viewer, parent, { role, repos, permissions })
    return { role: 'fineGrained', permissions: { ...noPermissions, scoped } }
  }
  if (permissions === undefined && role === 'write') {
    return { role: parent.role, permissions: allOf(parent) }
  }
  if (permissions === undefined && (parent.role === 'read' || parent.role === 'write')) {
    return { role: 'read', permissions: noPermissions }
  }
  if (parent.role === 'fineGrained') return { role: 'fineGrained', permissions: filtered(parent, permissions) }
  if (parent.role === 'inherit' && organizationId !== null) {
    const organization = await resolveEntity(hub, ownerOf(viewer), { type: 'org', id: organizationId })
    if (organization === null) throw new HoldfastError('organization_not_found')
    const listed = checkedFor('org', permissions ?? ['repo.content.read'])
    const grant: ResolvedGrant = { type: 'org', id: organization.id, name: organization.name, permissions: listed }
    return { role: 'fineGrained', permissions: { ...noPermissions, scoped: [grant] } }
  }
  throw invalid('Name the repositories ("repos") that the permissions are for.', 'repos')
}

const allOf = ({ canReadGatedRepos, global, scoped }: StoredToken): ResolvedPermissions => ({
  canReadGatedRepos,
  global,
  scoped: scoped.map(plain),
})

/** The same things with less on them. What is listed for a repo stays listed, even with nothing: it may stand in place of the rest (SA-23). */
function filtered(parent: StoredToken, wanted: readonly string[] | undefined): ResolvedPermissions {
  const scoped = parent.scoped.map((grant) => {
    const asked = wanted ?? permissionsFor(grant.type).filter(isReading)
    const fitting = permissionsFor(grant.type)
    return {
      ...plain(grant),
      permissions: asked.filter((permission) => fitting.includes(permission) && covers(grant.permissions, permission)),
    }
  })
  const missing = wanted?.find((permission) => !scoped.some((grant) => grant.permissions.includes(permission)))
  if (missing !== undefined) throw beyond(missing, missing, 'less')
  return { canReadGatedRepos: parent.canReadGatedRepos, global: [], scoped }
}

const plain = ({ type, id, name, permissions }: Grant): ResolvedGrant => ({ type, id, name, permissions })

async function onRepos(
  hub: Hub,
  viewer: Viewer,
  parent: StoredToken,
  {
    role,
    repos,
    permissions,
  }: Required<Pick<NewChild, 'role'>> & {
    readonly repos: NonNullable<NewChild['repos']>
    readonly permissions: NewChild['permissions']
  },
): Promise<ResolvedGrant[]> {
  if (repos.length === 0) throw invalid('Name at least one repository, or leave "repos" out.', 'repos')
  const grants = new Map<string, ResolvedGrant>()
  for (const { type, name } of repos) {
    const entity: EntityReference = { type, name }
    const found = await resolveEntity(hub, ownerOf(viewer), entity)
    // Not only by the owner: by this token, to which the rest is not there.
    if (found === null || !(await visibleAmong(hub.db, viewer, [found.id], hub.clock.now())).has(found.id))
      throw unseenRepo(name)
    const wanted = permissions ?? (role === 'write' ? ['repo.content.read', 'repo.write'] : ['repo.content.read'])
    grants.set(found.id, { type, id: found.id, name: found.name, permissions: checkedFor(type, wanted) })
  }
  if (parent.role !== 'fineGrained') return [...grants.values()]
  const places = await placesOfRepos(hub.db, [...grants.keys()])
  return [...grants.values()].map((grant) => {
    const listed = (id: string | null | undefined) => parent.scoped.find((each) => each.id === id)
    const place = places.get(grant.id)
    const own = listed(grant.id)
    // What a service account's token lists for a repo stands in place of the rest.
    const through = [
      own,
      ...(viewer.principal.kind === 'service-account' && own !== undefined
        ? []
        : [listed(place?.ownerId), listed(place?.workspaceId)]),
    ]
    const holds = through.find(
      (each) => each !== undefined && grant.permissions.every((permission) => covers(each.permissions, permission)),
    )
    if (holds === undefined)
      throw beyond(`${grant.permissions.join(', ')} on ${grant.name}`, grant.permissions.join(' '), 'less')
    return { ...grant, throughId: holds.id === grant.id ? null : holds.id }
  })
}

function checkedFor(type: EntityReference['type'], permissions: readonly string[]): string[] {
  const fitting = permissionsFor(type)
  const stray = permissions.find((permission) => !fitting.includes(permission))
  if (stray === undefined && permissions.length > 0) return [...new Set(permissions)].sort()
  throw invalid(
    stray === undefined
      ? 'Name at least one permission.'
      : `"${stray}" cannot be given on a ${type}. These can: ${fitting.join(', ')}.`,
    'permissions',
  )
}

function fenceWithin(parent: Fence, wanted: readonly string[] | undefined): Fence {
  if (wanted === undefined) return { ...parent, notBefore: null }
  const networks = parseNetworks(wanted)
  if (!areWithin(networks, parent.networks)) throw beyond('other networks', 'networks', 'less')
  return { ...parent, networks, notBefore: null }
}

/** What a child was judged by. */
export const gist = ({
  role,
  canReadGatedRepos,
  global,
  scoped,
  endpointPatterns,
  fence,
  expiresAt,
}: StoredToken): string =>
  JSON.stringify([role, canReadGatedRepos, global, scoped.map(plain), endpointPatterns, fence, expiresAt])

function refused(code: 'token_needed' | 'child_token' | 'former_value' | 'publisher_token'): HoldfastError {
  return new HoldfastError(code, {}, { denied: { code } })
}

function beyond(what: string, need: string, have: string): HoldfastError {
  return new HoldfastError('beyond_minter', { what }, { denied: { code: 'beyond_minter', need, have } })
}

function invalid(reason: string, field: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason, field })
}

/** A child is as it was derived: throws `child_token` for what would change it. */
export function refuseChild(token: StoredToken): void {
  if (token.parentId !== null) throw refused('child_token')
}
