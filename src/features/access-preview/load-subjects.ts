/** People and service accounts with all that they have in one place, a slice at a time. */
import { type AccessFacts, type Account, type OwnerFacts, serviceAccountName } from '../../domain/facts.ts'
import type { Role } from '../../domain/role.ts'
import { noLimits } from '../../domain/token-limits.ts'
import type { Lists } from '../../platform/db/database.ts'
import { inSlices } from './in-parts.ts'
import {
  type PrincipalRow,
  selectHeld,
  selectMemberships,
  selectPrincipals,
  selectRequests,
  selectRolesOfGroups,
  sliceSize,
} from './queries.ts'
import { holdings, noHoldings, type Subject, type SubjectToken } from './subject.ts'
import { selectListed, selectTokens, type TokenRow } from './token-queries.ts'

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
export type SubjectLoader = (ids: readonly string[]) => Promise<Subject[]>

/** By group, then by workspace. */
type RolesOfGroups = ReadonlyMap<string, ReadonlyMap<string, Role | null>>

/** Roles by workspace that are remembered, of groups and of sets of groups, before all are forgotten again. */
const mostRemembered = 400_000

/** What groups give is read once and shared by everybody who is in the same ones. */
export function subjectLoader(db: Lists, what: LoadWhat): SubjectLoader {
  const { ownerId, now } = what
  const rolesOfGroups: Map<string, Map<string, Role | null>> = new Map()
  const merged = new Map<string, ReadonlyMap<string, Role>>()
  let remembered = 0
  let reading: Promise<unknown> = Promise.resolve()

  /** One after the other: a group that another slice asks for is not read again, and has been read. */
  function rolesOf(ids: readonly string[]): Promise<RolesOfGroups> {
    const read = reading.then(() => readGroups(ids))
    // Who asked is told what failed; the next only waits for its turn.
    reading = read.catch(() => undefined)
    return read
  }

  async function readGroups(ids: readonly string[]): Promise<RolesOfGroups> {
    if (remembered > mostRemembered) {
      rolesOfGroups.clear()
      merged.clear()
      remembered = 0
    }
    const unknown = [...new Set(ids)].filter((id) => !rolesOfGroups.has(id))
    for (const id of unknown) rolesOfGroups.set(id, new Map())
    for (const slice of inSlices(unknown, sliceSize)) {
      const rows = await selectRolesOfGroups(db, slice, ownerId, now, what.within)
      for (const { groupId, workspaceId, role } of rows) {
        rolesOfGroups.get(groupId)?.set(workspaceId, role)
        remembered++
      }
    }
    return new Map(ids.map((id) => [id, rolesOfGroups.get(id) ?? new Map<string, Role | null>()]))
  }

  /** The same map for the same groups. */
  function throughGroups(groups: ReadonlyMap<string, ReadonlyMap<string, Role | null>>): ReadonlyMap<string, Role> {
    const key = [...groups.keys()].join(' ')
    const known = merged.get(key)
    if (known !== undefined) return known
    const { workspaces } = holdings({ ...noHoldings, groups })
    merged.set(key, workspaces)
    remembered += workspaces.size
    return workspaces
  }

  return async (ids) => {
    if (ids.length === 0) return []
    const [people, held, memberships, requests, tokens, listed] = await Promise.all([
      selectPrincipals(db, ids, now),
      selectHeld(db, ids, ownerId, now),
      what.within?.length === 0 ? [] : selectMemberships(db, ids, ownerId),
      what.withRequests ? selectRequests(db, ids, ownerId) : [],
      what.withTokens ? selectTokens(db, ids, ownerId, now) : [],
      what.withTokens ? selectListed(db, ids, ownerId) : [],
    ])
    const given = await rolesOf(memberships.map(({ groupId }) => groupId))
    const heldBy = grouped(held, ({ principalId }) => principalId)
    const groupsBy = grouped(memberships, ({ principalId }) => principalId)
    const requestsBy = grouped(requests, ({ principalId }) => principalId)
    const tokensBy = grouped(tokens, ({ ownerId: id }) => id)
    const listedBy = grouped(listed, ({ tokenId }) => tokenId)
    const parse = permissionParser()
    const rowById = new Map(people.map((row) => [row.id, row]))
    const subjects: Subject[] = []
    for (const id of ids) {
      const row = rowById.get(id)
      if (row === undefined) continue
      let organization: Role | null = null
      const direct = new Map<string, Role | null>()
      const repos = new Map<string, Role | null>()
      for (const { targetId, targetKind, role } of heldBy.get(id) ?? []) {
        if (targetId === ownerId) organization = role
        else (targetKind === 'workspace' ? direct : repos).set(targetId, role)
      }
      const groups = new Map<string, ReadonlyMap<string, Role | null>>()
      for (const groupId of (groupsBy.get(id) ?? []).map((membership) => membership.groupId).sort()) {
        const roles = given.get(groupId)
        // A group that gives nothing here tells nobody apart.
        if (roles !== undefined && roles.size > 0) groups.set(groupId, roles)
      }
      const parts = { organization, direct, groups, repos }
      const access = new Map<string, AccessFacts>(
        (requestsBy.get(id) ?? []).map(({ repoId, status, reason }) => [repoId, { status, reason }]),
      )
      subjects.push({
        principal: accountOf(row),
        held: direct.size === 0 ? { ...parts, workspaces: throughGroups(groups) } : holdings(parts),
        access,
        tokens: (tokensBy.get(id) ?? []).map((token) => tokenOf(token, listedBy.get(token.id) ?? [], parse)),
      })
    }
    return subjects
  }
}

/** Its own deprecated tokens, each as somebody with the role that it stands for (OAT-3). */
export async function loadOwnTokens(db: Lists, { id, name }: OwnerFacts, now: number): Promise<Subject[]> {
  const parse = permissionParser()
  return (await selectTokens(db, [id], id, now)).map((row) => ({
    principal: { kind: 'organization', id, name, fullname: null },
    held: { ...noHoldings, organization: row.role === 'write' ? 'write' : 'read' },
    access: new Map(),
    tokens: [tokenOf(row, [], parse)],
  }))
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
