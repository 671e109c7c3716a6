/** People and service accounts with all that they have in one place, a slice at a time. */
import { type AccessFacts, type Account, serviceAccountName } from '../../domain/facts.ts'
import type { Role } from '../../domain/role.ts'
import { noLimits } from '../../domain/token-limits.ts'
import type { Db } from '../../platform/db/database.ts'
import {
  type PrincipalRow,
  selectHeld,
  selectListed,
  selectPrincipals,
  selectRequests,
  selectThroughGroups,
  selectTokens,
  type TokenRow,
} from './queries.ts'
import { holdings, type Subject, type SubjectToken } from './subject.ts'

export interface LoadWhat {
  readonly ownerId: string
  readonly now: number
  readonly withTokens: boolean
  /** The workspaces that matter; null: all. */
  readonly within: readonly string[] | null
  /** Requests at gates. */
  readonly withRequests: boolean
}

/** Those of `ids` who can do anything at all, in the order of `ids`. */
export async function loadSubjects(db: Db, ids: readonly string[], what: LoadWhat): Promise<Subject[]> {
  if (ids.length === 0) return []
  const { ownerId, now } = what
  const [people, held, through, requests, tokens, listed] = await Promise.all([
    selectPrincipals(db, ids, now),
    selectHeld(db, ids, ownerId, now),
    selectThroughGroups(db, ids, ownerId, now, what.within),
    what.withRequests ? selectRequests(db, ids, ownerId) : [],
    what.withTokens ? selectTokens(db, ids, ownerId, now) : [],
    what.withTokens ? selectListed(db, ids, ownerId) : [],
  ])
  const heldBy = grouped(held, ({ principalId }) => principalId)
  const throughBy = grouped(through, ({ principalId }) => principalId)
  const requestsBy = grouped(requests, ({ principalId }) => principalId)
  const tokensBy = grouped(tokens, ({ ownerId: id }) => id)
  const listedBy = grouped(listed, ({ tokenId }) => tokenId)
  const parse = permissionParser()
  const rowById = new Map(people.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = rowById.get(id)
    if (row === undefined) return []
    let organization: Role | null = null
    const direct = new Map<string, Role | null>()
    const repos = new Map<string, Role | null>()
    for (const { targetId, targetKind, role } of heldBy.get(id) ?? []) {
      if (targetId === ownerId) organization = role
      else (targetKind === 'workspace' ? direct : repos).set(targetId, role)
    }
    const groups = new Map<string, Map<string, Role | null>>()
    for (const { groupId, workspaceId, role } of throughBy.get(id) ?? []) {
      const roles = groups.get(groupId) ?? new Map<string, Role | null>()
      groups.set(groupId, roles.set(workspaceId, role))
    }
    const access = new Map<string, AccessFacts>(
      (requestsBy.get(id) ?? []).map(({ repoId, status, reason }) => [repoId, { status, reason }]),
    )
    const subject: Subject = {
      principal: accountOf(row),
      held: holdings({ organization, direct, groups, repos }),
      access,
      tokens: (tokensBy.get(id) ?? []).map((token) => tokenOf(token, listedBy.get(token.id) ?? [], parse)),
    }
    return [subject]
  })
}

function accountOf(row: PrincipalRow): Account {
  if (row.userName !== null) {
    const { id, userName: name, fullname } = row
    // Whether they administer the hub gives nothing on what belongs to others.
    return { kind: 'user', id, name, fullname, isAdmin: false, hasSecondFactor: row.secondFactorAt !== null }
  }
  return {
    kind: 'service-account',
    id: row.id,
    name: serviceAccountName(row.id),
    fullname: row.machineName ?? '',
    organization: { id: row.organizationId ?? '', name: row.organizationName ?? '' },
  }
}

function tokenOf(
  row: TokenRow,
  listed: readonly { readonly entityId: string; readonly permissions: string }[],
  parse: (text: string) => readonly string[],
): SubjectToken {
  const { id, name, last4, role, createdAt, rotatedAt, expiresAt } = row
  return {
    credential: {
      kind: 'token',
      id,
      name,
      last4,
      role,
      canReadGatedRepos: row.canReadGatedRepos === 1,
      globalPermissions: [],
      createdAt,
      rotatedAt,
      expiresAt,
      networks: [],
      // From where, how often and which files: that narrows single requests, and no change that is previewed touches it.
      limits: noLimits,
      taken: null,
      former: null,
      // Children lose with the token that they came from.
      parent: null,
      usesLeft: null,
    },
    verdict: row.verdict,
    lastUsedAt: row.lastUsedAt,
    listed: new Map(listed.map(({ entityId, permissions }) => [entityId, parse(permissions)])),
  }
}

/** Many tokens list the same. */
function permissionParser(): (text: string) => readonly string[] {
  const known = new Map<string, readonly string[]>()
  return (text) => {
    const found = known.get(text) ?? (JSON.parse(text) as string[])
    known.set(text, found)
    return found
  }
}

function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group === undefined) groups.set(keyOf(row), [row])
    else group.push(row)
  }
  return groups
}
