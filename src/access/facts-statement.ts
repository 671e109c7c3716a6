/**
 * The one statement of hop 3: credential, its owner, the resource and what the owner is to it, for each pair of credential and resource. What
 * its row means stands in load-facts.ts.
 */
import { type Expression, type RawBuilder, sql } from 'kysely'
import type { Credential } from '../domain/facts.ts'
import { type Prepared, prepared } from '../platform/db/prepared.ts'
import { rankThroughGroups } from './group-roles.ts'
import { roleAt } from './role-at.ts'

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
export interface FactsRow {
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
  bearerId: string | null
  bearerName: string | null
  bearerFullname: string | null
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
  tokenRotatedAt: number | null
  tokenExpiresAt: number | null
  tokenNetworks: string | null
  tokenNotBefore: number | null
  tokenUsesLeft: number | null
  parentId: string | null
  parentRole: string | null
  parentCreatedAt: number | null
  parentRotatedAt: number | null
  parentExpiresAt: number | null
  tokenLimits: string | null
  tokenBytesDay: number | null
  tokenBytesTaken: number | null
  tokenPublisherId: string | null
  tokenPublisherRun: string | null
  formerTokenId: string | null
  formerLast4: string | null
  formerEndedAt: number | null
  formerUntil: number | null
  formerLastUsedAt: number | null
  ownerId: string | null
  ownerKind: string | null
  ownerName: string | null
  organizationId: string | null
  workspaceCreation: string | null
  membersVisibility: string | null
  secondFactorRequired: number | null
  tokenPolicy: string | null
  mostTokenDays: number | null
  classicTokensAdminister: number | null
  organizationRole: string | null
  tokenVerdict: string | null
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
  repoGated: string | null
  repoOrgMembersGated: number | null
  accessStatus: string | null
  accessReason: string | null
  workspaceRole: string | null
  workspaceRank: number | null
  repoRole: string | null
  repoGrant: string | null
  holderGrant: string | null
  workspaceGrant: string | null
}

/** `account`: who was asked about, without a credential. */
export type CredentialKind = 'none' | 'account' | Credential['kind']
/** By which column a credential is found: a signed address names it by id. */
export type Lookup = 'none' | Credential['kind'] | 'session-id' | 'token-id' | 'account-id'
export type ResourceShape = 'none' | 'owner' | 'group' | 'workspace' | 'repo' | 'repo-id'
type Param = (name: keyof Params & string) => Expression<string | number | null>

const statements = new Map<string, Prepared<Params, FactsRow>>()

/** One statement for each pair of credential and resource, compiled when it is first needed. */
export function statementFor(credential: Lookup, resource: ResourceShape): Prepared<Params, FactsRow> {
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
  if (credential !== 'none' && resource !== 'none') columns.push(...standingColumns(credential, resource, param))
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

/** An organization whose deprecated token it is. */
const bearerColumns = [
  sql`"kn"."id" as "bearerId"`,
  sql`"kn"."name" as "bearerName"`,
  sql`"ko"."fullname" as "bearerFullname"`,
]

const credentialColumns: Record<CredentialKind, RawBuilder<unknown>[]> = {
  none: [sql`1 as "one"`],
  account: [...userColumns, ...machineColumns],
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
    ...bearerColumns,
    sql`"t"."id" as "tokenId"`,
    sql`"t"."name" as "tokenName"`,
    sql`"t"."last4" as "tokenLast4"`,
    sql`"t"."role" as "tokenRole"`,
    sql`"t"."canReadGatedRepos" as "tokenGated"`,
    sql`"t"."globalPermissions" as "tokenGlobal"`,
    sql`"t"."createdAt" as "tokenCreatedAt"`,
    sql`"t"."rotatedAt" as "tokenRotatedAt"`,
    sql`"t"."expiresAt" as "tokenExpiresAt"`,
    sql`"t"."lastUsedAt" as "credentialLastUsedAt"`,
    sql`"t"."networks" as "tokenNetworks"`,
    sql`"t"."notBefore" as "tokenNotBefore"`,
    sql`"t"."usesLeft" as "tokenUsesLeft"`,
    sql`"tp"."id" as "parentId"`,
    sql`"tp"."role" as "parentRole"`,
    sql`"tp"."createdAt" as "parentCreatedAt"`,
    sql`"tp"."rotatedAt" as "parentRotatedAt"`,
    sql`"tp"."expiresAt" as "parentExpiresAt"`,
    sql`"t"."limits" as "tokenLimits"`,
    sql`"t"."publisherId" as "tokenPublisherId"`,
    sql`"t"."publisherRun" as "tokenPublisherRun"`,
    // A child takes of what its parent has.
    sql`case when "tp"."id" is null then "t"."bytesDay" else "tp"."bytesDay" end as "tokenBytesDay"`,
    sql`case when "tp"."id" is null then "t"."bytesTaken" else "tp"."bytesTaken" end as "tokenBytesTaken"`,
    sql`"f"."tokenId" as "formerTokenId"`,
    sql`"f"."last4" as "formerLast4"`,
    sql`"f"."endedAt" as "formerEndedAt"`,
    sql`"f"."validUntil" as "formerUntil"`,
    sql`"f"."lastUsedAt" as "formerLastUsedAt"`,
  ],
}

function credentialJoins(lookup: Lookup, param: Param): RawBuilder<unknown> {
  if (lookup === 'none') return sql``
  const owner = sql`left join "namespace" as "un" on "un"."id" = "u"."id"`
  if (lookup === 'account-id') {
    return sql`left join "user" as "u" on "u"."id" = ${param('credentialId')} ${owner}
          left join "serviceAccount" as "m" on "m"."id" = ${param('credentialId')}
          left join "namespace" as "mn" on "mn"."id" = "m"."organizationId"`
  }
  return kindOfLookup(lookup) === 'session'
    ? sql`left join "session" as "s" on ${credentialKey(lookup, param)} and "s"."expiresAt" > ${param('now')}
          left join "user" as "u" on "u"."id" = "s"."userId" ${owner}`
    : sql`left join "formerTokenValue" as "f" on ${formerKey(lookup, param)}
          left join "accessToken" as "t" on ${credentialKey(lookup, param)}
          left join "accessToken" as "tp" on "tp"."id" = "t"."parentId"
          left join "user" as "u" on "u"."id" = "t"."ownerId" ${owner}
          left join "serviceAccount" as "m" on "m"."id" = "t"."ownerId"
          left join "namespace" as "mn" on "mn"."id" = "m"."organizationId"
          left join "organization" as "ko" on "ko"."id" = "t"."ownerId" and "u"."id" is null and "m"."id" is null
          left join "namespace" as "kn" on "kn"."id" = "ko"."id"`
}

/** The id of whom the credential belongs to: what roles are given to. */
const holder: Record<Exclude<CredentialKind, 'none'>, RawBuilder<string>> = {
  account: sql<string>`coalesce("u"."id", "m"."id")`,
  session: sql<string>`"s"."userId"`,
  token: sql<string>`"t"."ownerId"`,
}

function credentialKey(lookup: Exclude<Lookup, 'none' | 'account-id'>, param: Param): RawBuilder<unknown> {
  switch (lookup) {
    case 'session':
      return sql`"s"."tokenHash" = ${param('hash')}`
    case 'session-id':
      return sql`"s"."id" = ${param('credentialId')}`
    case 'token':
      // By the value that it has, else by the one that it had, while that is valid: a look-up by a unique index each.
      return sql`"t"."id" = coalesce((select "id" from "accessToken" where "hash" = ${param('hash')}),
        case when "f"."validUntil" > ${param('now')} then "f"."tokenId" end)`
    case 'token-id':
      // A refresh ends what the old value began, as soon as it ends the old value.
      return sql`"t"."id" = ${param('credentialId')} and (coalesce("t"."rotatedAt", 0) <= ${param('issuedAt')} or "f"."hash" is not null)`
  }
}

/** The value that a token had before: what the request carries, valid or dead; or what began a signed address, if it is valid still. */
function formerKey(lookup: Exclude<Lookup, 'none' | 'account-id'>, param: Param): RawBuilder<unknown> {
  if (lookup === 'token') return sql`"f"."hash" = ${param('hash')}`
  return sql`"f"."tokenId" = ${param('credentialId')} and "f"."validUntil" > ${param('now')}
    and "f"."since" <= ${param('issuedAt')} and "f"."endedAt" > ${param('issuedAt')}`
}

export function kindOfLookup(lookup: Lookup): CredentialKind {
  switch (lookup) {
    case 'session-id':
      return 'session'
    case 'token-id':
      return 'token'
    case 'account-id':
      return 'account'
    default:
      return lookup
  }
}

const ownerColumns = [
  sql`"o"."id" as "ownerId"`,
  sql`"o"."kind" as "ownerKind"`,
  sql`"o"."name" as "ownerName"`,
  sql`"oo"."id" as "organizationId"`,
  sql`"oo"."secondFactorRequired" as "secondFactorRequired"`,
  sql`"oo"."tokenPolicy" as "tokenPolicy"`,
  sql`"oo"."mostTokenDays" as "mostTokenDays"`,
]
const organizationColumns = [
  ...ownerColumns,
  sql`"oo"."workspaceCreation" as "workspaceCreation"`,
  sql`"oo"."membersVisibility" as "membersVisibility"`,
  sql`"oo"."classicTokensAdminister" as "classicTokensAdminister"`,
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
  sql`"r"."gated" as "repoGated"`,
  sql`"r"."orgMembersGated" as "repoOrgMembersGated"`,
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

function standingColumns(
  credential: Exclude<CredentialKind, 'none'>,
  resource: ResourceShape,
  param: Param,
): RawBuilder<unknown>[] {
  const workspace = workspaceOf[resource]
  const role = (grant: string) => roleAt(grant, param('now'))
  const columns = [sql`${role('og')} as "organizationRole"`]
  if (credential === 'token') {
    columns.push(sql`"ot"."permissions" as "ownerGrant"`)
    columns.push(sql`"ov"."verdict" as "tokenVerdict"`)
  }
  if (resource === 'group') columns.push(sql`"gm"."role" as "groupRole"`)
  if (workspace !== null) {
    const rank = rankThroughGroups(workspace, holder[credential], param('now'))
    columns.push(sql`${role('wg')} as "workspaceRole"`)
    columns.push(sql`case when ${workspace} is null then null else ${rank} end as "workspaceRank"`)
    if (credential === 'token') columns.push(sql`"wt"."permissions" as "workspaceGrant"`)
  }
  if (isRepo(resource)) {
    columns.push(sql`${role('rg')} as "repoRole"`)
    columns.push(sql`"ar"."status" as "accessStatus"`, sql`"ar"."reason" as "accessReason"`)
    if (credential === 'token')
      columns.push(sql`"rt"."permissions" as "repoGrant"`, sql`"ht"."permissions" as "holderGrant"`)
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
  if (isRepo(resource)) {
    joins.push(grant('rg', sql`"r"."id"`))
    joins.push(
      sql`left join "accessRequest" as "ar" on "ar"."repoId" = "r"."id" and "ar"."principalId" = ${holder[credential]}`,
    )
  }
  if (credential === 'token') {
    joins.push(tokenGrant('ot', owner))
    joins.push(
      // What was said of a token holds for its children.
      sql`left join "organizationToken" as "ov" on "ov"."tokenId" = coalesce("t"."parentId", "t"."id") and "ov"."organizationId" = ${owner}`,
    )
    if (workspace !== null) joins.push(tokenGrant('wt', workspace))
    if (isRepo(resource)) {
      // A child's repo counts while it lies where its parent reaches it.
      const isThere = sql`("rt"."throughId" is null or "rt"."throughId" in ("r"."ownerId", "r"."workspaceId"))`
      joins.push(sql`${tokenGrant('rt', sql`"r"."id"`)} and ${isThere}`)
      joins.push(tokenGrant('ht', sql`coalesce("m"."organizationId", "t"."ownerId")`))
    }
  }
  return sql.join(joins, sql` `)
}
