/**
 * Hop 3, first half: everything that a decision needs, read in one statement with the credential, its owner, the resource and what the
 * owner is to it. Never cached, so that a revocation holds on the next request (AUTH-5). `visible-repos.ts` must agree with the rules
 * that are applied to these facts; a property test holds the two against each other.
 */
import { HoldfastError } from '../domain/errors.ts'
import type {
  Credential,
  Facts,
  OrganizationFacts,
  OwnerFacts,
  ParentToken,
  PartFacts,
  Principal,
  PublisherRun,
  RepoFacts,
  RepoKind,
  Resource,
  RunFacts,
  Standing,
} from '../domain/facts.ts'
import { noStanding, serviceAccountName } from '../domain/facts.ts'
import { nameKey } from '../domain/names.ts'
import { isRole, type Role } from '../domain/role.ts'
import { noLimits, type TokenLimits } from '../domain/token-limits.ts'
import type { Db } from '../platform/db/database.ts'
import {
  type CredentialKind,
  type FactsRow,
  kindOfLookup,
  type Lookup,
  type ResourceShape,
  statementFor,
} from './facts-statement.ts'
import { isInside } from './fence.ts'
import { highestRole } from './group-roles.ts'
import type { Presented } from './presented.ts'
import { restrictionOf, type Viewer } from './restriction.ts'
import { RefusedToken } from './sightings.ts'

/** What a request is about, before anybody knows whether it exists. */
export type Target =
  | { readonly on: 'instance' }
  | { readonly on: 'self' }
  /** `null`: the caller's own, filled in by the route before the facts are read. */
  | { readonly on: 'namespace'; readonly name: string | null; readonly workspaceId?: string | undefined }
  | { readonly on: 'organization'; readonly name: string }
  /** `organization` by name, the group or workspace in it by id. */
  | { readonly on: 'group' | 'workspace'; readonly organization: string; readonly id: string }
  /** `id` names the repo where a signed address or a job carries its id; else by name. */
  | { readonly on: 'repo'; readonly kind: RepoKind; readonly namespace: string; readonly name: string }
  | { readonly on: 'repo-id'; readonly id: string }

/** The facts and the bookkeeping that goes with the credential. */
export interface LoadedFacts {
  readonly facts: Facts
  /** When the credential was last recorded as used; null for none or never. */
  readonly credentialLastUsedAt: number | null
}

/**
 * Throws `invalid_credentials` or `token_expired` for a credential that is not valid, even where the resource is public (AUTH-6).
 * Throws `token_outside_network` or `token_not_yet` for a token outside of its fence; `address`: of the client, null where it is not known.
 * A session that has ended makes the caller anonymous: browsers keep dead cookies, and pages must still open.
 */
export async function loadFacts(
  db: Db,
  presented: Presented,
  target: Target,
  now: number,
  address: string | null = null,
): Promise<LoadedFacts> {
  const shape = shapeOf(target)
  const lookup = lookupOf(presented)
  if (kindOfLookup(lookup) === 'none' && shape === 'none') return factsOfNobody(target)
  const row = await readRow(db, lookup, target, {
    hash: 'hash' in presented ? presented.hash : '',
    credentialId: presented.kind === 'signed' ? (presented.credential?.id ?? '') : '',
    issuedAt: presented.kind === 'signed' ? presented.issuedAt : 0,
    now,
  })
  const held = presented.kind === 'signed' ? (presented.credential?.kind ?? 'none') : presented.kind
  const { principal, credential } = caller(held, row, now, { address, wasMadeHere: isOurs(presented) })
  return {
    facts: factsFrom(held, target, row, { principal, credential }),
    credentialLastUsedAt: (row.formerTokenId == null ? row.credentialLastUsedAt : row.formerLastUsedAt) ?? null,
  }
}

/** The row behind the facts; one always comes back. */
export async function readRow(
  db: Db,
  lookup: Lookup,
  target: Target,
  by: { readonly hash: string; readonly credentialId: string; readonly issuedAt: number; readonly now: number },
): Promise<FactsRow> {
  const row = await statementFor(lookup, shapeOf(target)).first(db.read, {
    ...by,
    namespaceKey: nameKey(namespaceIn(target)),
    kind: 'kind' in target ? target.kind : '',
    repoKey: target.on === 'repo' ? nameKey(target.name) : '',
    thingId: thingIdIn(target),
  })
  if (row === null) throw new Error('The facts query returned no row.')
  return row
}

export function factsFrom(held: CredentialKind, target: Target, row: FactsRow, viewer: Viewer): Facts {
  const standing = standingOf(held, shapeOf(target), row, viewer)
  return { ...viewer, resource: resourceOf(target, row), standing }
}

function lookupOf(presented: Presented): Lookup {
  if (presented.kind !== 'signed') return presented.kind
  return presented.credential === null ? 'none' : `${presented.credential.kind}-id`
}

/** Whether this hub made the token, though it finds it no more. A signed address names one that it had. */
function isOurs(presented: Presented): () => boolean {
  return presented.kind === 'token' ? (presented.isOurs ?? (() => false)) : () => presented.kind === 'signed'
}

/** A stranger and a thing that always exists: nothing to look up. */
function factsOfNobody(target: Target): LoadedFacts {
  const resource: Resource = target.on === 'self' ? { on: 'self' } : { on: 'instance' }
  return {
    facts: { principal: { kind: 'anonymous' }, credential: null, resource, standing: noStanding },
    credentialLastUsedAt: null,
  }
}

function shapeOf(target: Target): ResourceShape {
  switch (target.on) {
    case 'instance':
    case 'self':
      return 'none'
    case 'namespace':
      return target.workspaceId === undefined ? 'owner' : 'workspace'
    case 'organization':
      return 'owner'
    default:
      return target.on
  }
}

function namespaceIn(target: Target): string {
  switch (target.on) {
    case 'repo':
      return target.namespace
    case 'namespace':
    case 'organization':
      return target.name ?? ''
    case 'group':
    case 'workspace':
      return target.organization
    default:
      return ''
  }
}

function thingIdIn(target: Target): string {
  if (target.on === 'namespace') return target.workspaceId ?? ''
  return 'id' in target ? target.id : ''
}

function caller(
  held: Exclude<CredentialKind, 'account'>,
  row: FactsRow,
  now: number,
  { address, wasMadeHere }: Asked,
): { principal: Principal; credential: Credential | null } {
  const anonymous = { principal: { kind: 'anonymous' } as const, credential: null }
  if (held === 'none') return anonymous
  if (held === 'session') {
    const user = userOf(row)
    if (user === null || row.sessionId == null) return anonymous
    const provedAt = Math.max(row.sessionCreatedAt ?? 0, row.sessionFreshAt ?? 0)
    return {
      principal: user,
      credential: { kind: 'session', id: row.sessionId, isFresh: now - provedAt < freshForMs },
    }
  }
  for (const { faultOf } of hurdles) {
    const fault = faultOf(row, now, { address, wasMadeHere })
    if (fault !== null) throw fault
  }
  const holder = holderOf(row)
  if (holder === null) throw new Error('A token without an owner was taken.')
  return holder
}

export interface Hurdle {
  readonly check: 'credential' | 'account' | 'expiry' | 'first_day' | 'network'
  /** Why the token is not taken; null: it is, as far as this goes. */
  faultOf(row: FactsRow, now: number, asked: Asked): HoldfastError | null
}

export interface Asked {
  readonly address: string | null
  readonly wasMadeHere: () => boolean
}

const fencedOf = (row: FactsRow) =>
  ({ kind: 'fenced', tokenId: row.tokenId ?? '', last4: row.formerLast4 ?? row.tokenLast4 ?? '' }) as const

/** What a token has to pass before anything is decided, in this order. */
export const hurdles: readonly Hurdle[] = [
  {
    check: 'credential',
    faultOf: (row, _now, { wasMadeHere }) => {
      if (row.tokenId != null) return null
      // Only who holds a value of ours learns that it was one: its checksum is made with a key of this hub.
      const extras = { denied: { code: wasMadeHere() ? 'token_revoked' : 'invalid_credentials' } } as const
      if (row.formerTokenId == null) return new HoldfastError('invalid_credentials', {}, extras)
      const dead = { kind: 'dead', tokenId: row.formerTokenId, last4: row.formerLast4 ?? '' } as const
      return new RefusedToken('invalid_credentials', dead, extras)
    },
  },
  {
    check: 'account',
    faultOf: (row) =>
      (userOf(row) ?? machineOf(row) ?? bearerOf(row)) === null
        ? new HoldfastError('invalid_credentials', {}, { denied: { code: 'owner_inactive' } })
        : null,
  },
  {
    check: 'expiry',
    faultOf: (row, now) =>
      [row.tokenExpiresAt, row.machineExpiresAt, row.parentExpiresAt].some((end) => isPast(end, now))
        ? new HoldfastError('token_expired', {}, { denied: { code: 'token_expired' } })
        : null,
  },
  {
    check: 'first_day',
    faultOf: (row, now) =>
      row.tokenNotBefore != null && row.tokenNotBefore > now
        ? new RefusedToken('token_not_yet', fencedOf(row), { denied: { code: 'token_not_yet', need: 'its first day' } })
        : null,
  },
  {
    check: 'network',
    faultOf: (row, _now, { address }) => {
      if (isInside(address, parseList(row.tokenNetworks))) return null
      const have = address ?? 'unknown'
      const denied = { code: 'token_outside_network', need: 'a network of the token', have } as const
      return new RefusedToken('token_outside_network', fencedOf(row), { denied })
    },
  },
]

/** Whose token it is, whether or not it is taken; null where its owner is not active. */
export function holderOf(row: FactsRow): Viewer | null {
  const principal = userOf(row) ?? machineOf(row) ?? bearerOf(row)
  if (principal === null || row.tokenId == null) return null
  return {
    principal,
    credential: {
      kind: 'token',
      id: row.tokenId,
      name: row.tokenName ?? '',
      last4: row.formerLast4 ?? row.tokenLast4 ?? '',
      role: tokenRoleOf(row.tokenRole),
      canReadGatedRepos: row.tokenGated === 1,
      globalPermissions: parseList(row.tokenGlobal),
      createdAt: row.tokenCreatedAt ?? 0,
      rotatedAt: row.tokenRotatedAt ?? null,
      expiresAt: row.tokenExpiresAt,
      networks: parseList(row.tokenNetworks),
      limits: limitsOf(row.tokenLimits),
      taken: row.tokenBytesDay == null ? null : { day: row.tokenBytesDay, bytes: row.tokenBytesTaken ?? 0 },
      ...publisherOf(row),
      former: row.formerTokenId == null ? null : { replacedAt: row.formerEndedAt ?? 0, until: row.formerUntil ?? 0 },
      parent: parentOf(row),
      usesLeft: row.tokenUsesLeft,
    },
  }
}

function publisherOf({ tokenPublisherId: id, tokenPublisherRun: run }: FactsRow): { publisher?: PublisherRun } {
  return id == null || run == null ? {} : { publisher: { id, run: JSON.parse(run) as RunFacts } }
}

/** How long a sign-in, or its confirmation, counts as recent. */
const freshForMs = 3_600_000

export const isPast = (time: number | null, now: number): boolean => time != null && time <= now

type TokenRole = Extract<Credential, { kind: 'token' }>['role']

function parentOf(row: FactsRow): ParentToken | null {
  if (row.parentId == null) return null
  return {
    id: row.parentId,
    role: tokenRoleOf(row.parentRole),
    createdAt: row.parentCreatedAt ?? 0,
    rotatedAt: row.parentRotatedAt,
    expiresAt: row.parentExpiresAt,
  }
}

/** Anything unknown counts as the weakest. */
function tokenRoleOf(value: string | null): TokenRole {
  return value === 'write' || value === 'fineGrained' || value === 'inherit' ? value : 'read'
}

export function userOf(row: FactsRow): Principal | null {
  if (row.userId == null || row.userName == null || row.userState !== 'active') return null
  return {
    kind: 'user',
    id: row.userId,
    name: row.userName,
    fullname: row.userFullname,
    isAdmin: row.userIsAdmin === 1,
    hasSecondFactor: row.userSecondFactorAt !== null,
  }
}

/** Null while it is disabled, even if it had a token left. */
export function machineOf(row: FactsRow): Principal | null {
  if (row.machineId == null || row.machineOrganizationId == null || row.machineDisabledAt !== null) return null
  return {
    kind: 'service-account',
    id: row.machineId,
    name: serviceAccountName(row.machineId),
    fullname: row.machineName ?? '',
    organization: { id: row.machineOrganizationId, name: row.machineOrganizationName ?? '' },
  }
}

function bearerOf(row: FactsRow): Principal | null {
  if (row.bearerId == null) return null
  return { kind: 'organization', id: row.bearerId, name: row.bearerName ?? '', fullname: row.bearerFullname }
}

/** The token of an organization is what it is there: the role stands in it, and there is no other. */
function roleInOrganization(row: FactsRow, { principal, credential }: Viewer): Role | null {
  if (principal.kind !== 'organization') return roleOf(row.organizationRole)
  if (principal.id !== row.organizationId || credential?.kind !== 'token') return null
  return credential.role === 'write' ? 'write' : 'read'
}

function resourceOf(target: Target, row: FactsRow): Resource {
  const owner =
    row.ownerId == null
      ? null
      : {
          id: row.ownerId,
          kind: row.ownerKind === 'organization' ? ('organization' as const) : ('user' as const),
          name: row.ownerName ?? '',
        }
  switch (target.on) {
    case 'instance':
    case 'self':
      return { on: target.on }
    case 'namespace': {
      const name = owner?.name ?? target.name ?? ''
      if (target.workspaceId === undefined) return { on: 'namespace', name, owner }
      const workspace = row.partId == null ? null : { id: row.partId, name: row.partName ?? '' }
      return { on: 'namespace', name, owner, workspace }
    }
    case 'organization':
      return { on: 'organization', name: owner?.name ?? target.name, organization: organizationOf(row, owner) }
    case 'group':
      return { on: 'group', group: partOf(row, owner) }
    case 'workspace':
      return { on: 'workspace', workspace: partOf(row, owner) }
    default:
      return { on: 'repo', kind: 'kind' in target ? target.kind : kindOf(row.repoKind), repo: repoOf(row, owner) }
  }
}

function organizationOf(row: FactsRow, owner: OwnerFacts | null): OrganizationFacts | null {
  if (owner?.kind !== 'organization' || row.organizationId == null) return null
  const creation = roleOf(row.workspaceCreation)
  return {
    ...owner,
    kind: 'organization',
    workspaceCreation: creation === null || creation === 'no_access' ? 'admin' : creation,
    showsMembers: row.membersVisibility === 'public',
    classicTokensAdminister: row.classicTokensAdminister === 1,
  }
}

function partOf(row: FactsRow, owner: OwnerFacts | null): PartFacts | null {
  const organization = organizationOf(row, owner)
  return row.partId == null || organization === null ? null : { id: row.partId, name: row.partName ?? '', organization }
}

function repoOf(row: FactsRow, owner: OwnerFacts | null): RepoFacts | null {
  if (row.repoId == null || owner === null) return null
  return {
    id: row.repoId,
    kind: kindOf(row.repoKind),
    owner,
    name: row.repoName ?? '',
    // Anything unknown counts as private: deny by default.
    visibility: row.repoVisibility === 'public' || row.repoVisibility === 'protected' ? row.repoVisibility : 'private',
    creatorId: row.repoCreatorId ?? '',
    workspaceId: row.repoWorkspaceId,
    isDisabled: row.repoDisabledAt !== null,
    headCommit: row.repoHeadCommit,
    // Anything unknown counts as a gate that somebody has to open.
    gated: row.repoGated === 'open' ? false : row.repoGated === 'auto' ? 'auto' : 'manual',
    orgMembersGated: row.repoOrgMembersGated !== 0,
  }
}

function accessOf(row: FactsRow): Standing['access'] {
  const { accessStatus, accessReason } = row
  if (accessStatus == null) return null
  const status = accessStatus === 'accepted' || accessStatus === 'pending' ? accessStatus : 'rejected'
  return { status, reason: accessReason }
}

function standingOf(held: CredentialKind, shape: ResourceShape, row: FactsRow, caller: Viewer): Standing {
  const { principal } = caller
  if (held === 'none' || shape === 'none' || principal.kind === 'anonymous') return noStanding
  const standing = {
    organizationRole: roleInOrganization(row, caller),
    workspaceRole: highestRole(row.workspaceRole, row.workspaceRank),
    groupRole:
      row.groupRole === 'manager' ? ('manager' as const) : row.groupRole === 'member' ? ('member' as const) : null,
    repoRole: roleOf(row.repoRole),
  }
  const hasAny = standing.organizationRole !== null || standing.workspaceRole !== null || standing.repoRole !== null
  return {
    ...standing,
    tokenGrants: tokenGrantsOf(row, principal),
    holderGrants: isOfRepoAlone(row, principal) ? [] : parseList(row.holderGrant),
    restriction: hasAny ? restrictionOf(row, caller, row.tokenVerdict ?? null, standing.organizationRole) : null,
    access: accessOf(row),
  }
}

/** SA-23: what a service account's token lists for the repo stands in place of the rest. */
function isOfRepoAlone(row: FactsRow, { kind }: Principal): boolean {
  return kind === 'service-account' && row.repoGrant != null
}

function tokenGrantsOf(row: FactsRow, principal: Principal): string[] {
  const grants = isOfRepoAlone(row, principal) ? [row.repoGrant] : [row.ownerGrant, row.workspaceGrant, row.repoGrant]
  return grants.flatMap((grant) => parseList(grant))
}

function kindOf(value: string | null): RepoKind {
  return value === 'dataset' || value === 'space' ? value : 'model'
}

function roleOf(value: string | null | undefined): Role | null {
  return value != null && isRole(value) ? value : null
}

/** As they were checked when they were written. */
function limitsOf(text: string | null): TokenLimits {
  return text == null ? noLimits : { ...noLimits, ...(JSON.parse(text) as Partial<TokenLimits>) }
}

function parseList(text: string | null | undefined): string[] {
  return text == null ? [] : (JSON.parse(text) as string[])
}
