/**
 * Hop 3, first half: everything that a decision needs, read in one statement with the credential, its owner, the resource and what the
 * owner is to it. Never cached, so that a revocation holds on the next request (AUTH-5). `visible-repos.ts` must agree with the rules
 * that are applied to these facts; a property test holds the two against each other.
 */
import { type Expression, type RawBuilder, sql } from 'kysely'
import { HoldfastError } from '../domain/errors.ts'
import type {
  Credential,
  Facts,
  OrganizationFacts,
  OwnerFacts,
  PartFacts,
  Principal,
  RepoFacts,
  RepoKind,
  Resource,
  Standing,
} from '../domain/facts.ts'
import { noStanding, serviceAccountName } from '../domain/facts.ts'
import { nameKey } from '../domain/names.ts'
import { isRole, type Role } from '../domain/role.ts'
import type { Db } from '../platform/db/database.ts'
import { type Prepared, prepared } from '../platform/db/prepared.ts'
import { highestRole, rankThroughGroups } from './group-roles.ts'
import type { Presented } from './presented.ts'

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

type Params = {
  hash: string
  credentialId: string
  issuedAt: number
  now: number
  namespaceKey: string
  kind: string
  repoKey: string
  /** Of a repo, a group or a workspace. */
  thingId: string
}

/** One row: columns of what was not asked for are null. */
interface FactsRow {
  userId: string | null
  userName: string | null
  userFullname: string | null
  userState: string | null
  userIsAdmin: number | null
  userSecondFactorAt: number | null
  machineId: string | null
  machineName: string | null
  machineOrganizationId: string | null
  machineOrganizationName: string | null
  machineExpiresAt: number | null
  machineDisabledAt: number | null
  sessionId: string | null
  sessionCreatedAt: number | null
  sessionFreshAt: number | null
  credentialLastUsedAt: number | null
  tokenId: string | null
  tokenName: string | null
  tokenLast4: string | null
  tokenRole: string | null
  tokenGated: number | null
  tokenGlobal: string | null
  tokenCreatedAt: number | null
  tokenExpiresAt: number | null
  ownerId: string | null
  ownerKind: string | null
  ownerName: string | null
  organizationId: string | null
  workspaceCreation: string | null
  membersVisibility: string | null
  secondFactorRequired: number | null
  organizationRole: string | null
  ownerGrant: string | null
  partId: string | null
  partName: string | null
  groupRole: string | null
  repoId: string | null
  repoKind: string | null
  repoName: string | null
  repoVisibility: string | null
  repoCreatorId: string | null
  repoWorkspaceId: string | null
  repoDisabledAt: number | null
  repoHeadCommit: string | null
  workspaceRole: string | null
  workspaceRank: number | null
  repoRole: string | null
  repoGrant: string | null
  workspaceGrant: string | null
}

type CredentialKind = 'none' | Credential['kind']
/** By which column a credential is found: a signed address names it by id. */
type Lookup = CredentialKind | 'session-id' | 'token-id'
type ResourceShape = 'none' | 'owner' | 'group' | 'workspace' | 'repo' | 'repo-id'
type Param = (name: keyof Params & string) => Expression<string | number | null>

const statements = new Map<string, Prepared<Params, FactsRow>>()

/** One statement for each pair of credential and resource, compiled when it is first needed. */
function statementFor(credential: Lookup, resource: ResourceShape): Prepared<Params, FactsRow> {
  const key = `${credential} ${resource}`
  let found = statements.get(key)
  if (found === undefined) {
    found = prepared<Params, FactsRow>((q, param) =>
      q.selectFrom(factsQuery(credential, resource, param).as('facts')).selectAll(),
    )
    statements.set(key, found)
  }
  return found
}

/** A row always comes back: `start` has one, and everything else is joined to it from the left by a unique index. */
function factsQuery(lookup: Lookup, resource: ResourceShape, param: Param): RawBuilder<FactsRow> {
  const credential = kindOfLookup(lookup)
  const columns = [...credentialColumns[credential], ...resourceColumns[resource]]
  if (credential !== 'none' && resource !== 'none') columns.push(...standingColumns(credential, resource))
  return sql<FactsRow>`(select ${sql.join(columns)} from (select 1 as "one") as "start"
    ${credentialJoins(lookup, param)}
    ${resourceJoins(resource, param)}
    ${credential === 'none' || resource === 'none' ? sql`` : standingJoins(credential, resource)})`
}

const userColumns = [
  sql`"u"."id" as "userId"`,
  sql`"un"."name" as "userName"`,
  sql`"u"."fullname" as "userFullname"`,
  sql`"u"."state" as "userState"`,
  sql`"u"."isAdmin" as "userIsAdmin"`,
  sql`"u"."secondFactorAt" as "userSecondFactorAt"`,
]

const machineColumns = [
  sql`"m"."id" as "machineId"`,
  sql`"m"."name" as "machineName"`,
  sql`"m"."organizationId" as "machineOrganizationId"`,
  sql`"mn"."name" as "machineOrganizationName"`,
  sql`"m"."expiresAt" as "machineExpiresAt"`,
  sql`"m"."disabledAt" as "machineDisabledAt"`,
]

const credentialColumns: Record<CredentialKind, RawBuilder<unknown>[]> = {
  none: [sql`1 as "one"`],
  session: [
    ...userColumns,
    sql`"s"."id" as "sessionId"`,
    sql`"s"."createdAt" as "sessionCreatedAt"`,
    sql`"s"."freshAt" as "sessionFreshAt"`,
    sql`"s"."lastUsedAt" as "credentialLastUsedAt"`,
  ],
  token: [
    ...userColumns,
    ...machineColumns,
    sql`"t"."id" as "tokenId"`,
    sql`"t"."name" as "tokenName"`,
    sql`"t"."last4" as "tokenLast4"`,
    sql`"t"."role" as "tokenRole"`,
    sql`"t"."canReadGatedRepos" as "tokenGated"`,
    sql`"t"."globalPermissions" as "tokenGlobal"`,
    sql`"t"."createdAt" as "tokenCreatedAt"`,
    sql`"t"."expiresAt" as "tokenExpiresAt"`,
    sql`"t"."lastUsedAt" as "credentialLastUsedAt"`,
  ],
}

function credentialJoins(lookup: Lookup, param: Param): RawBuilder<unknown> {
  if (lookup === 'none') return sql``
  const owner = sql`left join "namespace" as "un" on "un"."id" = "u"."id"`
  return kindOfLookup(lookup) === 'session'
    ? sql`left join "session" as "s" on ${credentialKey(lookup, param)} and "s"."expiresAt" > ${param('now')}
          left join "user" as "u" on "u"."id" = "s"."userId" ${owner}`
    : sql`left join "accessToken" as "t" on ${credentialKey(lookup, param)}
          left join "user" as "u" on "u"."id" = "t"."ownerId" ${owner}
          left join "serviceAccount" as "m" on "m"."id" = "t"."ownerId"
          left join "namespace" as "mn" on "mn"."id" = "m"."organizationId"`
}

/** The id of whom the credential belongs to: what roles are given to. */
const holder: Record<Exclude<CredentialKind, 'none'>, RawBuilder<string>> = {
  session: sql<string>`"s"."userId"`,
  token: sql<string>`"t"."ownerId"`,
}

function credentialKey(lookup: Exclude<Lookup, 'none'>, param: Param): RawBuilder<unknown> {
  switch (lookup) {
    case 'session':
      return sql`"s"."tokenHash" = ${param('hash')}`
    case 'session-id':
      return sql`"s"."id" = ${param('credentialId')}`
    case 'token':
      return sql`"t"."hash" = ${param('hash')}`
    case 'token-id':
      // A refresh ends what the old value began.
      return sql`"t"."id" = ${param('credentialId')} and coalesce("t"."rotatedAt", 0) <= ${param('issuedAt')}`
  }
}

function kindOfLookup(lookup: Lookup): CredentialKind {
  return lookup === 'session-id' ? 'session' : lookup === 'token-id' ? 'token' : lookup
}

function lookupOf(presented: Presented): Lookup {
  if (presented.kind !== 'signed') return presented.kind
  return presented.credential === null ? 'none' : `${presented.credential.kind}-id`
}

const ownerColumns = [
  sql`"o"."id" as "ownerId"`,
  sql`"o"."kind" as "ownerKind"`,
  sql`"o"."name" as "ownerName"`,
  sql`"oo"."id" as "organizationId"`,
  sql`"oo"."secondFactorRequired" as "secondFactorRequired"`,
]
const organizationColumns = [
  ...ownerColumns,
  sql`"oo"."workspaceCreation" as "workspaceCreation"`,
  sql`"oo"."membersVisibility" as "membersVisibility"`,
]
const partColumns = [...organizationColumns, sql`"p"."id" as "partId"`, sql`"p"."name" as "partName"`]
const repoColumns = [
  ...ownerColumns,
  sql`"r"."id" as "repoId"`,
  sql`"r"."kind" as "repoKind"`,
  sql`"r"."name" as "repoName"`,
  sql`"r"."visibility" as "repoVisibility"`,
  sql`"r"."creatorId" as "repoCreatorId"`,
  sql`"r"."workspaceId" as "repoWorkspaceId"`,
  sql`"r"."disabledAt" as "repoDisabledAt"`,
  sql`"r"."headCommit" as "repoHeadCommit"`,
]
const resourceColumns: Record<ResourceShape, RawBuilder<unknown>[]> = {
  none: [],
  owner: organizationColumns,
  group: partColumns,
  workspace: partColumns,
  repo: repoColumns,
  'repo-id': repoColumns,
}

function resourceJoins(resource: ResourceShape, param: Param): RawBuilder<unknown> {
  const organization = sql`left join "organization" as "oo" on "oo"."id" = "o"."id"`
  const byName = sql`left join "namespace" as "o" on "o"."nameKey" = ${param('namespaceKey')} ${organization}`
  switch (resource) {
    case 'none':
      return sql``
    case 'owner':
      return byName
    case 'group':
    case 'workspace':
      return sql`${byName} left join ${sql.table(resource === 'group' ? 'memberGroup' : 'workspace')} as "p"
        on "p"."id" = ${param('thingId')} and "p"."organizationId" = "oo"."id"`
    case 'repo':
      return sql`${byName}
        left join "repo" as "r" on "r"."ownerId" = "o"."id" and "r"."kind" = ${param('kind')}
          and "r"."nameKey" = ${param('repoKey')} and "r"."deletedAt" is null`
    case 'repo-id':
      return sql`left join "repo" as "r" on "r"."id" = ${param('thingId')} and "r"."deletedAt" is null
        left join "namespace" as "o" on "o"."id" = "r"."ownerId" ${organization}`
  }
}

/** The workspace that a resource is, or lies in; null for what has none. */
const workspaceOf: Record<ResourceShape, RawBuilder<string> | null> = {
  none: null,
  owner: null,
  group: null,
  workspace: sql<string>`"p"."id"`,
  repo: sql<string>`"r"."workspaceId"`,
  'repo-id': sql<string>`"r"."workspaceId"`,
}
const isRepo = (resource: ResourceShape): boolean => resource === 'repo' || resource === 'repo-id'

function standingColumns(credential: Exclude<CredentialKind, 'none'>, resource: ResourceShape): RawBuilder<unknown>[] {
  const workspace = workspaceOf[resource]
  const columns = [sql`"og"."role" as "organizationRole"`]
  if (credential === 'token') columns.push(sql`"ot"."permissions" as "ownerGrant"`)
  if (resource === 'group') columns.push(sql`"gm"."role" as "groupRole"`)
  if (workspace !== null) {
    const rank = rankThroughGroups(workspace, holder[credential])
    columns.push(sql`"wg"."role" as "workspaceRole"`)
    columns.push(sql`case when ${workspace} is null then null else ${rank} end as "workspaceRank"`)
    if (credential === 'token') columns.push(sql`"wt"."permissions" as "workspaceGrant"`)
  }
  if (isRepo(resource)) {
    columns.push(sql`"rg"."role" as "repoRole"`)
    if (credential === 'token') columns.push(sql`"rt"."permissions" as "repoGrant"`)
  }
  return columns
}

function standingJoins(credential: Exclude<CredentialKind, 'none'>, resource: ResourceShape): RawBuilder<unknown> {
  const grant = (as: string, target: RawBuilder<unknown>) =>
    sql`left join "roleGrant" as ${sql.ref(as)} on ${sql.ref(`${as}.targetId`)} = ${target} and ${sql.ref(`${as}.principalId`)} = ${holder[credential]}`
  const tokenGrant = (as: string, target: RawBuilder<unknown>) =>
    sql`left join "tokenGrant" as ${sql.ref(as)} on ${sql.ref(`${as}.tokenId`)} = "t"."id" and ${sql.ref(`${as}.entityId`)} = ${target}`
  const owner = sql`"o"."id"`
  const workspace = workspaceOf[resource]
  const joins = [grant('og', owner)]
  if (resource === 'group') {
    joins.push(
      sql`left join "groupMember" as "gm" on "gm"."groupId" = "p"."id" and "gm"."principalId" = ${holder[credential]}`,
    )
  }
  if (workspace !== null) joins.push(grant('wg', workspace))
  if (isRepo(resource)) joins.push(grant('rg', sql`"r"."id"`))
  if (credential === 'token') {
    joins.push(tokenGrant('ot', owner))
    if (workspace !== null) joins.push(tokenGrant('wt', workspace))
    if (isRepo(resource)) joins.push(tokenGrant('rt', sql`"r"."id"`))
  }
  return sql.join(joins, sql` `)
}

/** The facts and the bookkeeping that goes with the credential. */
export interface LoadedFacts {
  readonly facts: Facts
  /** When the credential was last recorded as used; null for none or never. */
  readonly credentialLastUsedAt: number | null
}

/**
 * Throws `invalid_credentials` or `token_expired` for a credential that is not valid, even where the resource is public (AUTH-6).
 * A session that has ended makes the caller anonymous: browsers keep dead cookies, and pages must still open.
 */
export async function loadFacts(db: Db, presented: Presented, target: Target, now: number): Promise<LoadedFacts> {
  const shape = shapeOf(target)
  const lookup = lookupOf(presented)
  if (kindOfLookup(lookup) === 'none' && shape === 'none') return factsOfNobody(target)
  const row = await statementFor(lookup, shape).first(db.read, {
    hash: 'hash' in presented ? presented.hash : '',
    credentialId: presented.kind === 'signed' ? (presented.credential?.id ?? '') : '',
    issuedAt: presented.kind === 'signed' ? presented.issuedAt : 0,
    now,
    namespaceKey: nameKey(namespaceIn(target)),
    kind: 'kind' in target ? target.kind : '',
    repoKey: target.on === 'repo' ? nameKey(target.name) : '',
    thingId: thingIdIn(target),
  })
  if (row === null) throw new Error('The facts query returned no row.')
  const held = kindOfLookup(lookup)
  const { principal, credential } = caller(held, row, now)
  const standing = standingOf(held, shape, row, principal)
  return {
    facts: { principal, credential, resource: resourceOf(target, row), standing },
    credentialLastUsedAt: row.credentialLastUsedAt ?? null,
  }
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
  held: CredentialKind,
  row: FactsRow,
  now: number,
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
  const principal = userOf(row) ?? machineOf(row)
  if (principal === null || row.tokenId == null)
    throw new HoldfastError('invalid_credentials', {}, { denied: { code: 'invalid_credentials' } })
  if (isPast(row.tokenExpiresAt, now) || isPast(row.machineExpiresAt, now)) {
    throw new HoldfastError('token_expired', {}, { denied: { code: 'token_expired' } })
  }
  return {
    principal,
    credential: {
      kind: 'token',
      id: row.tokenId,
      name: row.tokenName ?? '',
      last4: row.tokenLast4 ?? '',
      role: tokenRoleOf(row.tokenRole),
      canReadGatedRepos: row.tokenGated === 1,
      globalPermissions: parsePermissions(row.tokenGlobal),
      createdAt: row.tokenCreatedAt ?? 0,
      expiresAt: row.tokenExpiresAt,
    },
  }
}

/** How long a sign-in, or its confirmation, counts as recent. */
const freshForMs = 3_600_000

const isPast = (time: number | null, now: number): boolean => time != null && time <= now

type TokenRole = Extract<Credential, { kind: 'token' }>['role']

/** Anything unknown counts as the weakest. */
function tokenRoleOf(value: string | null): TokenRole {
  return value === 'write' || value === 'fineGrained' || value === 'inherit' ? value : 'read'
}

function userOf(row: FactsRow): Principal | null {
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
function machineOf(row: FactsRow): Principal | null {
  if (row.machineId == null || row.machineOrganizationId == null || row.machineDisabledAt !== null) return null
  return {
    kind: 'service-account',
    id: row.machineId,
    name: serviceAccountName(row.machineId),
    fullname: row.machineName ?? '',
    organization: { id: row.machineOrganizationId, name: row.machineOrganizationName ?? '' },
  }
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
  }
}

function standingOf(held: CredentialKind, shape: ResourceShape, row: FactsRow, principal: Principal): Standing {
  if (held === 'none' || shape === 'none' || principal.kind === 'anonymous') return noStanding
  const standing = {
    organizationRole: roleOf(row.organizationRole),
    workspaceRole: highestRole(row.workspaceRole, row.workspaceRank),
    groupRole:
      row.groupRole === 'manager' ? ('manager' as const) : row.groupRole === 'member' ? ('member' as const) : null,
    repoRole: roleOf(row.repoRole),
  }
  const hasAny = standing.organizationRole !== null || standing.workspaceRole !== null || standing.repoRole !== null
  const lacksFactor = principal.kind === 'user' && !principal.hasSecondFactor && row.secondFactorRequired === 1
  return {
    ...standing,
    tokenGrants: tokenGrantsOf(row, principal),
    restriction: hasAny && lacksFactor ? 'second_factor' : null,
  }
}

function tokenGrantsOf(row: FactsRow, principal: Principal): string[] {
  const grants =
    principal.kind === 'service-account' && row.repoGrant != null
      ? [row.repoGrant]
      : [row.ownerGrant, row.workspaceGrant, row.repoGrant]
  return grants.flatMap((grant) => parsePermissions(grant))
}

function kindOf(value: string | null): RepoKind {
  return value === 'dataset' || value === 'space' ? value : 'model'
}

function roleOf(value: string | null | undefined): Role | null {
  return value != null && isRole(value) ? value : null
}

function parsePermissions(text: string | null | undefined): string[] {
  return text == null ? [] : (JSON.parse(text) as string[])
}
