/**
 * "Why was I denied?": what `decide` looks at, check by check, as rows that pass or fail. The first row that fails is the denial of `decide`;
 * a property test holds the two together over every action. Rows go on behind the first failure, so that whoever reads them mends everything
 * at once. Only what is hidden ends them: whoever cannot see a thing learns nothing of it, and gets the rows of a thing that is not there.
 */
import type { Denied } from './errors.ts'
import { accountOf, type Facts, type OrganizationFacts, type PartFacts, type RepoFacts } from './facts.ts'
import { shutOut, tokenPassesGate } from './gate.ts'
import { type Action, type PermissionRow, permissionRow } from './permissions.ts'
import {
  canSee,
  classicAdministers,
  type Denial,
  effectiveRole,
  gateNeedsToken,
  grantsThatCount,
  hidesWorkspace,
  instanceRole,
  isForOrganizations,
  isOpenAnyway,
  isOutsidePaths,
  managesNothing,
  namespaceRole,
  notAPerson,
  outOfScope,
  outsidePaths,
  restricted,
  roleOfOwner,
  roleOnGroup,
  roleOnWorkspace,
  stale,
  tokenAllows,
  tooWeak,
  unauthenticated,
} from './policy.ts'
import { atLeast, type Role } from './role.ts'

/** What is looked at. Those before `person` are of the credential, before anything is decided; those behind `recent_sign_in` of the content, after it. */
export const explainChecks = {
  credential: 'Credential',
  account: 'Account',
  expiry: 'Expiry',
  first_day: 'First day',
  network: 'Network',
  uses: 'Number of uses',
  program: 'Program',
  pace: 'Requests a minute',
  person: 'People only',
  organization_token: 'Token of an organization',
  second_factor: 'Second factor',
  organization_policy: 'What the organization takes',
  paths: 'Files of the token',
  resource: 'The resource',
  withheld: 'Withheld',
  signed_in: 'Signed in',
  role: 'Role',
  gate: 'Gate',
  gate_token: 'Gate, through the token',
  token: 'Token',
  token_administration: 'Administration by token',
  recent_sign_in: 'Recent sign-in',
  by_git: 'As a whole, by git',
  file: 'The file',
  held: 'Held content',
  bytes: 'Bytes a day',
  signing: 'Signed commits',
} as const
export type ExplainCheck = keyof typeof explainChecks

/** Where a role comes from. `counts`: it is the one, or among those, of which the strongest decides. */
export interface RoleSource {
  readonly of: 'namespace' | 'organization' | 'workspace' | 'group' | 'repo' | 'hub'
  readonly role: Role | 'member' | 'manager'
  readonly counts: boolean
}

export interface ExplainRow {
  readonly check: ExplainCheck
  /** Null where it passes. */
  readonly denial: Denial | null
  readonly need: string | null
  readonly have: string | null
  /** Of the row `role`. */
  readonly sources?: readonly RoleSource[]
}

/** In the order of `decide`. Empty for the hub itself, which is not asked. */
export function explain(action: Action, facts: Facts): ExplainRow[] {
  const row = permissionRow(action)
  const { principal, resource } = facts
  if (principal.kind === 'system') return []
  const rows: ExplainRow[] = []
  if (row.people && principal.kind !== 'anonymous') {
    const isPerson = principal.kind === 'user'
    rows.push(isPerson ? passed('person', 'a person', 'a person') : failed('person', notAPerson(principal.kind)))
  }
  if (principal.kind === 'organization') {
    const isFor = isForOrganizations(row)
    rows.push(
      isFor
        ? passed('organization_token', null, 'the token of an organization')
        : failed('organization_token', managesNothing()),
    )
  }
  rows.push(...demands(row, facts))
  if (resource.on !== 'repo') rows.push(...atPaths(row, facts))
  switch (resource.on) {
    case 'repo':
      return [...rows, ...onRepo(action, row, facts, resource.repo)]
    case 'organization':
      return [...rows, ...onOrganization(row, facts, resource.organization)]
    case 'group':
      return [...rows, ...onPart(row, facts, resource.group, roleOnGroup(facts))]
    case 'workspace':
      return [...rows, ...onPart(row, facts, resource.workspace, roleOnWorkspace(row, facts))]
    case 'namespace':
      if (hidesWorkspace(row, facts, resource)) return [...rows, failed('resource', { kind: 'hidden' })]
      return [...rows, ...byRole(row, facts, namespaceRole(row, facts, resource))]
    case 'instance':
      return [...rows, ...byRole(row, facts, instanceRole(facts))]
    case 'self':
      return [...rows, ...byRole(row, facts, null)]
  }
}

/** What `decide` says, by the rows. */
export function denialOf(rows: readonly ExplainRow[]): Denial | null {
  return rows.find(({ denial }) => denial !== null)?.denial ?? null
}

function passed(check: ExplainCheck, need: string | null, have: string | null): ExplainRow {
  return { check, denial: null, need, have }
}

function failed(check: ExplainCheck, denial: Denial): ExplainRow {
  const denied: Partial<Denied> = 'denied' in denial ? denial.denied : {}
  return { check, denial, need: denied.need ?? null, have: denied.have ?? null }
}

/** AUTH-4e. Rows that pass are shown to those who are of the organization: whether they are does not depend on the thing in it. */
function demands(row: PermissionRow, facts: Facts): ExplainRow[] {
  const { principal, credential, standing } = facts
  const { restriction } = standing
  if (restriction !== null && !isOpenAnyway(row, facts)) {
    return [failed(restriction === 'second_factor' ? 'second_factor' : 'organization_policy', restricted(restriction))]
  }
  if (principal.kind !== 'user' || standing.organizationRole === null || restriction !== null) return []
  const rows = [passed('second_factor', null, principal.hasSecondFactor ? 'one' : 'none, and none is asked for')]
  if (credential?.kind === 'token') rows.push(passed('organization_policy', null, 'a token that it takes'))
  return rows
}

function onRepo(action: Action, row: PermissionRow, facts: Facts, repo: RepoFacts | null): ExplainRow[] {
  if (repo === null || !canSee(facts, repo)) return [failed('resource', { kind: 'hidden' })]
  const rows = [passed('resource', null, repo.visibility)]
  if (repo.isDisabled) {
    const isOpen = action === 'repo.read'
    rows.push(
      isOpen
        ? passed('withheld', null, 'its files are')
        : failed('withheld', { kind: 'blocked', denied: { code: 'repo_disabled' } }),
    )
  }
  rows.push(...atPaths(row, facts))
  // The files first, as `decide` has it; what is seen, and not withheld, stands there already.
  if (row.readsContent) {
    const reading = onRepo('repo.content.read', permissionRow('repo.content.read'), facts, repo)
    rows.push(...reading.filter(({ check }) => check !== 'resource' && check !== 'withheld'))
  }
  if (row.openWherePublic && repo.visibility === 'public') {
    return [...rows, passed('role', 'anyone', 'a public repo'), ...atGate(row, facts, repo)]
  }
  const role = row.byOrganization ? roleOfOwner(facts, repo) : effectiveRole(facts, repo)
  const isCreator = accountOf(facts.principal)?.id === repo.creatorId
  const least = isCreator && row.leastOnOwnRepo !== undefined ? row.leastOnOwnRepo : row.least
  if (facts.principal.kind === 'anonymous') return [...rows, failed('signed_in', unauthenticated(row))]
  rows.push(passed('signed_in', null, accountOf(facts.principal)?.name ?? null))
  rows.push({ ...roleRow(least, role), sources: sourcesOnRepo(row, facts, repo) })
  return [...rows, ...atGate(row, facts, repo), ...byCredential(row, facts)]
}

/** Of a token with patterns of files. */
function atPaths(row: PermissionRow, facts: Facts): ExplainRow[] {
  const { credential, path } = facts
  if (credential?.kind !== 'token' || credential.limits.paths.length === 0) return []
  if (isOutsidePaths(row, facts)) return [failed('paths', outsidePaths(facts))]
  return [passed('paths', credential.limits.paths.join(' or '), path ?? null)]
}

function atGate(row: PermissionRow, facts: Facts, repo: RepoFacts): ExplainRow[] {
  if (row.behindGate !== true || repo.gated === false) return []
  const denied = shutOut(facts, repo, effectiveRole(facts, repo))
  const { access } = facts.standing
  const gate =
    denied === null
      ? passed(
          'gate',
          'access to this repo',
          access?.status === 'accepted' ? 'access' : 'a role that does not have to ask',
        )
      : failed('gate', { kind: 'gated', denied })
  const { needed, denial } = gateNeedsToken(row, facts)
  const isFineGrained = facts.credential?.kind === 'token' && facts.credential.role === 'fineGrained'
  if (!isFineGrained) return [gate]
  if (!tokenPassesGate(facts, needed)) return [gate, failed('gate_token', denial)]
  return [
    gate,
    passed('gate_token', denial.denied.need ?? null, facts.standing.tokenGrants.join(' ') || 'all gated repos'),
  ]
}

function sourcesOnRepo(row: PermissionRow, facts: Facts, repo: RepoFacts): RoleSource[] {
  const { organizationRole, workspaceRole, repoRole } = facts.standing
  if (repo.owner.kind === 'user') {
    if (accountOf(facts.principal)?.id === repo.owner.id) return [{ of: 'namespace', role: 'admin', counts: true }]
    return repoRole === null ? [] : [{ of: 'repo', role: repoRole, counts: true }]
  }
  const onlyOrganization = row.byOrganization === true || organizationRole === 'admin'
  const inWorkspace = repo.workspaceId !== null && organizationRole !== null
  const sources: RoleSource[] = []
  if (organizationRole !== null) {
    sources.push({ of: 'organization', role: organizationRole, counts: onlyOrganization || !inWorkspace })
  }
  if (inWorkspace && workspaceRole !== null) {
    sources.push({ of: 'workspace', role: workspaceRole, counts: !onlyOrganization })
  }
  if (repoRole !== null) sources.push({ of: 'repo', role: repoRole, counts: !onlyOrganization })
  return sources
}

function onOrganization(row: PermissionRow, facts: Facts, organization: OrganizationFacts | null): ExplainRow[] {
  if (organization === null) return [failed('resource', { kind: 'hidden' })]
  if (row.openWhereMembersShow && organization.showsMembers) {
    return [passed('role', 'anyone', 'an organization that shows its members')]
  }
  const least = row.leastIsSetting === undefined ? row.least : organization[row.leastIsSetting]
  const rows = byRole({ ...row, least }, facts, facts.standing.organizationRole)
  return [...rows, ...asAdministrator(least, facts, organization)]
}

function asAdministrator(
  least: PermissionRow['least'],
  { credential }: Facts,
  organization: OrganizationFacts,
): ExplainRow[] {
  if (least !== 'admin' || organization.classicTokensAdminister) return []
  if (credential?.kind !== 'token') return []
  return (credential.parent ?? credential).role === 'write'
    ? [failed('token_administration', classicAdministers())]
    : [passed('token_administration', 'a fine-grained token, or a session', credential.role)]
}

function onPart(row: PermissionRow, facts: Facts, part: PartFacts | null, role: Role | null): ExplainRow[] {
  if (facts.principal.kind === 'anonymous') return [failed('signed_in', unauthenticated(row))]
  if (part === null || !atLeast(role, 'read')) return [failed('resource', { kind: 'hidden' })]
  const rows = [passed('resource', null, part.name), ...byRole(row, facts, role)]
  return [...rows, ...asAdministrator(row.least, facts, part.organization)]
}

function byRole(row: PermissionRow, facts: Facts, role: Role | null): ExplainRow[] {
  if (row.least === 'anyone') return [passed('role', 'anyone', null), ...byCredential(row, facts)]
  if (facts.principal.kind === 'anonymous') return [failed('signed_in', unauthenticated(row))]
  const rows = [passed('signed_in', null, accountOf(facts.principal)?.name ?? null)]
  if (row.least !== 'signed-in') rows.push({ ...roleRow(row.least, role), sources: sourcesOf(facts) })
  return [...rows, ...byCredential(row, facts)]
}

/** The roles behind the one that counts, of what is no repo. */
function sourcesOf({ principal, resource, standing }: Facts): RoleSource[] {
  const { organizationRole, workspaceRole, groupRole } = standing
  const sources: RoleSource[] = []
  const isPlace = resource.on === 'workspace' || (resource.on === 'namespace' && resource.workspace != null)
  const account = accountOf(principal)
  if (resource.on === 'instance' && principal.kind === 'user' && principal.isAdmin) {
    sources.push({ of: 'hub', role: 'admin', counts: true })
  }
  if (resource.on === 'namespace' && account !== null && resource.owner?.id === account.id) {
    sources.push({ of: 'namespace', role: 'admin', counts: true })
  }
  if (organizationRole !== null) {
    const counts = organizationRole === 'admin' || (!isPlace && (resource.on !== 'group' || groupRole !== 'manager'))
    sources.push({ of: 'organization', role: organizationRole, counts })
  }
  if (isPlace && workspaceRole !== null) {
    sources.push({ of: 'workspace', role: workspaceRole, counts: organizationRole !== 'admin' })
  }
  if (groupRole !== null) sources.push({ of: 'group', role: groupRole, counts: organizationRole !== 'admin' })
  return sources
}

function roleRow(least: PermissionRow['least'], role: Role | null): ExplainRow {
  const have = role ?? 'none'
  if (least === 'anyone' || least === 'signed-in' || atLeast(role, least)) return passed('role', least, have)
  return failed('role', tooWeak(least, role))
}

function byCredential(row: PermissionRow, facts: Facts): ExplainRow[] {
  const { credential } = facts
  if (credential === null) return []
  if (credential.kind === 'session') {
    if (!row.fresh) return []
    return [credential.isFresh ? passed('recent_sign_in', null, 'a recent sign-in') : failed('recent_sign_in', stale())]
  }
  if (!tokenAllows(facts, row)) return [failed('token', outOfScope(row, facts))]
  const need =
    typeof row.token === 'string'
      ? row.token
      : credential.role === 'fineGrained' || credential.role === 'inherit'
        ? row.token.fineGrained.join(' or ')
        : row.token.classic
  const have = credential.role === 'fineGrained' ? grantsThatCount(row, facts).join(' ') || 'none' : credential.role
  return [passed('token', need, have)]
}
