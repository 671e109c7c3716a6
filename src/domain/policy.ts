/**
 * The policy: pure functions from a row of the permission table and facts to a decision with its reason. `authorize` is the only place
 * where an `Allowed` is made, and an `Allowed` is the only key to a service, so nothing is done without a decision.
 * The rule is AUTH-4: the owner itself may do it, and the credential may do it; a token can only narrow.
 */
import { type Denied, HoldfastError } from './errors.ts'
import type {
  Credential,
  Facts,
  NamespaceFacts,
  OrganizationFacts,
  ParentToken,
  PartFacts,
  Principal,
  RepoFacts,
  Resource,
  Standing,
} from './facts.ts'
import { accountOf, noStanding } from './facts.ts'
import { shutOut, tokenPassesGate } from './gate.ts'
import { type Action, type PermissionRow, permissionRow, type permissions } from './permissions.ts'
import { atLeast, type Role, stronger } from './role.ts'
import { readsPath } from './token-limits.ts'

export type Denial =
  /** 401: nobody is signed in, and somebody could. */
  | { readonly kind: 'unauthenticated'; readonly denied: Denied }
  /** 404 (401 for anonymous): the same as for a thing that does not exist. Carries no reason. */
  | { readonly kind: 'hidden' }
  /** 403: the owner of the credential may not. */
  | { readonly kind: 'forbidden'; readonly denied: Denied }
  /** 403: the owner may, this credential may not. */
  | { readonly kind: 'scope'; readonly denied: Denied }
  /** 403 (401 for anonymous): seen, and shut: the caller was not let in, or this credential does not carry it that far (AUTH-6, REP-6). */
  | { readonly kind: 'gated'; readonly denied: Denied }
  /** 403: content withheld by an administrator. */
  | { readonly kind: 'blocked'; readonly denied: Denied }
  /** 403: the organization does not take this caller, or this token, as they are (AUTH-4e). The same for what is there and what is not. */
  | {
      readonly kind: 'restricted'
      readonly restriction: NonNullable<Standing['restriction']>
      readonly denied: Denied
    }
  /** 403: the session is too old for this. */
  | { readonly kind: 'stale'; readonly denied: Denied }

export type Decision = { readonly allow: true } | { readonly allow: false; readonly denial: Denial }

declare const proof: unique symbol

type ResourceOf<A extends Action> = (typeof permissions)[A]['on'] extends infer On
  ? On extends keyof Resources
    ? Resources[On]
    : null
  : never

interface Resources {
  repo: RepoFacts
  organization: OrganizationFacts
  namespace: NamespaceFacts
  group: PartFacts
  workspace: PartFacts
}

/** Proof that `action` on `resource` was allowed to `principal`. Lives for one request. */
export interface Allowed<A extends Action> {
  readonly [proof]: A
  readonly action: A
  readonly principal: Principal
  readonly credential: Credential | null
  readonly resource: ResourceOf<A>
  readonly standing: Standing
}

/** The role that counts on a repo, after workspaces have lowered (C15) and direct grants have raised it. */
export function effectiveRole(facts: Facts, repo: RepoFacts): Role | null {
  const { principal, standing } = facts
  if (principal.kind === 'system') return 'admin'
  if (principal.kind === 'anonymous') return null
  if (repo.owner.kind === 'user') return principal.id === repo.owner.id ? 'admin' : standing.repoRole
  // Its own token reaches all of it, whatever the workspace (OAT-3).
  if (standing.organizationRole === 'admin' || principal.kind === 'organization') return standing.organizationRole
  // Inside a workspace the workspace role alone counts, for who is of the organization; outside, the role in the organization.
  const inWorkspace = standing.organizationRole === null ? null : standing.workspaceRole
  return stronger(repo.workspaceId === null ? standing.organizationRole : inWorkspace, standing.repoRole)
}

/** True if `repo` exists as far as this caller, with this credential, can tell (AUTH-7). */
export function canSee(facts: Facts, repo: RepoFacts): boolean {
  if (repo.visibility === 'public') return true
  if (facts.standing.restriction !== null || !atLeast(effectiveRole(facts, repo), 'read')) return false
  return tokenAllows(facts, permissionRow('repo.read'))
}

/** Whether the credential reaches the action, given that its owner may do it. Sessions carry no ceiling. */
export function tokenAllows(facts: Facts, row: PermissionRow): boolean {
  const { credential } = facts
  if (credential === null || credential.kind === 'session' || row.token === 'any') return true
  if (row.token === 'session') return false
  // A child reaches no further than its parent, whatever it lists. What a fine-grained parent listed was judged when the child was derived.
  if (credential.parent !== null && !roleAllows(credential.parent.role, row)) return false
  if (credential.role === 'inherit') return row.listed !== true
  if (credential.role === 'write') return true
  if (credential.role === 'read') return row.token.classic === 'read'
  const grants = grantsThatCount(row, facts)
  return row.token.fineGrained.some((permission) => grants.includes(permission))
}

/** What a fine-grained token lists, as far as it counts for this row. */
export function grantsThatCount(row: PermissionRow, { standing }: Facts): readonly string[] {
  return row.holderGrants ? [...standing.tokenGrants, ...standing.holderGrants] : standing.tokenGrants
}

/** As far as the role alone says; what a fine-grained token lists is looked at apart. */
function roleAllows(role: ParentToken['role'], row: PermissionRow): boolean {
  if (role === 'inherit') return row.listed !== true
  return role !== 'read' || typeof row.token === 'string' || row.token.classic === 'read'
}

export function decide(action: Action, facts: Facts): Decision {
  const row = permissionRow(action)
  const { principal, resource, standing } = facts
  if (principal.kind === 'system') return allow
  if (row.people && principal.kind !== 'user' && principal.kind !== 'anonymous') return deny(notAPerson(principal.kind))
  if (principal.kind === 'organization' && !isForOrganizations(row)) return deny(managesNothing())
  if (standing.restriction !== null && !isOpenAnyway(row, facts)) return deny(restricted(standing.restriction))
  if (resource.on !== 'repo' && isOutsidePaths(row, facts)) return deny(outsidePaths(facts))
  switch (resource.on) {
    case 'repo':
      return decideOnRepo(row, facts, resource.repo)
    case 'organization':
      return resource.organization === null
        ? deny({ kind: 'hidden' })
        : decideOnOrganization(row, facts, resource.organization)
    case 'group':
      return decideOnPart(row, facts, resource.group, roleOnGroup(facts))
    case 'workspace':
      return decideOnPart(row, facts, resource.workspace, roleOnWorkspace(row, facts))
    case 'namespace':
      return hidesWorkspace(row, facts, resource)
        ? deny({ kind: 'hidden' })
        : decideByRole(row, facts, namespaceRole(row, facts, resource))
    case 'instance':
      return decideByRole(row, facts, instanceRole(facts))
    default:
      return decideByRole(row, facts, null)
  }
}

/** Whether it would be allowed after a fresh sign-in, which is asked for on the way: a page draws such a form. */
export function mayOnceFresh(action: Action, facts: Facts): boolean {
  const { credential } = facts
  return decide(
    action,
    credential?.kind === 'session' ? { ...facts, credential: { ...credential, isFresh: true } } : facts,
  ).allow
}

const allow: Decision = { allow: true }

function decideOnRepo(row: PermissionRow, facts: Facts, repo: RepoFacts | null): Decision {
  if (repo === null || !canSee(facts, repo)) return deny({ kind: 'hidden' })
  if (repo.isDisabled && row !== permissionRow('repo.read')) {
    return deny({ kind: 'blocked', denied: { code: 'repo_disabled' } })
  }
  if (isOutsidePaths(row, facts)) return deny(outsidePaths(facts))
  if (row.readsContent) {
    const reading = decideOnRepo(permissionRow('repo.content.read'), facts, repo)
    if (!reading.allow) return reading
  }
  if (row.openWherePublic && repo.visibility === 'public') return throughGate(row, facts, repo) ?? allow
  const role = row.byOrganization ? roleOfOwner(facts, repo) : effectiveRole(facts, repo)
  const isCreator = accountOf(facts.principal)?.id === repo.creatorId
  const least = isCreator && row.leastOnOwnRepo !== undefined ? row.leastOnOwnRepo : row.least
  if (facts.principal.kind === 'anonymous') return deny(unauthenticated(row))
  if (least !== 'anyone' && least !== 'signed-in' && !atLeast(role, least)) return deny(tooWeak(least, role))
  return throughGate(row, facts, repo) ?? throughCredential(row, facts)
}

/**
 * A token with patterns of files hands out what they name, file by file: nothing that comes as a whole (a clone, objects by their hash), public or
 * not. And it does nothing that a read token would not.
 */
export function isOutsidePaths(row: PermissionRow, { credential, path }: Facts): boolean {
  if (credential?.kind !== 'token' || credential.limits.paths.length === 0) return false
  if (row === permissionRow('repo.content.read')) return path === undefined || !readsPath(credential.limits, path)
  return typeof row.token === 'object' && row.token.classic === 'write'
}

/** Null where there is no gate before it, or it opens. */
function throughGate(row: PermissionRow, facts: Facts, repo: RepoFacts): Decision | null {
  if (row.behindGate !== true || repo.gated === false) return null
  const denied = shutOut(facts, repo, effectiveRole(facts, repo))
  if (denied !== null) return deny({ kind: 'gated', denied })
  const { needed, denial } = gateNeedsToken(row, facts)
  return tokenPassesGate(facts, needed) ? null : deny(denial)
}

/** The permissions of which a fine-grained token needs one to get behind the gate, and the denial of one that has none. */
export function gateNeedsToken(
  row: PermissionRow,
  { standing }: Facts,
): { readonly needed: readonly string[]; readonly denial: Extract<Denial, { kind: 'gated' }> } {
  const needed = typeof row.token === 'string' ? [] : row.token.fineGrained
  const have = standing.tokenGrants.join(' ') || 'none'
  const denied = { code: 'gated_token', need: `${needed.join(' or ')} on this repo`, have } as const
  return { needed, denial: { kind: 'gated', denied } }
}

/** A workspace's administrator is none of the organization. */
export function roleOfOwner(facts: Facts, repo: RepoFacts): Role | null {
  return repo.owner.kind === 'organization' ? facts.standing.organizationRole : effectiveRole(facts, repo)
}

function decideOnOrganization(row: PermissionRow, facts: Facts, organization: OrganizationFacts): Decision {
  if (row.openWhereMembersShow && organization.showsMembers) return allow
  const least = row.leastIsSetting === undefined ? row.least : organization[row.leastIsSetting]
  const decision = decideByRole({ ...row, least }, facts, facts.standing.organizationRole)
  return decision.allow ? asAdministrator(least, facts, organization) : decision
}

/** An organization can ask that its administration needs more than a classic token, which carries everything that its owner is. */
function asAdministrator(
  least: PermissionRow['least'],
  { credential }: Facts,
  organization: OrganizationFacts,
): Decision {
  if (least !== 'admin' || organization.classicTokensAdminister) return allow
  if (credential?.kind !== 'token') return allow
  return (credential.parent ?? credential).role === 'write' ? deny(classicAdministers()) : allow
}

/** Groups and workspaces are nobody's business but that of those who have a role there: to others they are not there. */
function decideOnPart(row: PermissionRow, facts: Facts, part: PartFacts | null, role: Role | null): Decision {
  if (facts.principal.kind === 'anonymous') return deny(unauthenticated(row))
  if (part === null || !atLeast(role, 'read')) return deny({ kind: 'hidden' })
  const decision = decideByRole(row, facts, role)
  return decision.allow ? asAdministrator(row.least, facts, part.organization) : decision
}

/** GRP-3, GRP-10: administrators manage every group, its managers who is in it, and every member of the organization sees it. */
export function roleOnGroup({ standing }: Facts): Role | null {
  if (standing.organizationRole === 'admin') return 'admin'
  if (standing.organizationRole === null) return null
  return standing.groupRole === 'manager' ? 'write' : 'read'
}

export function roleOnWorkspace(row: PermissionRow, { standing }: Facts): Role | null {
  if (standing.organizationRole === 'admin') return 'admin'
  // A role in a workspace is worth nothing to who is not of the organization.
  if (standing.organizationRole === null) return null
  if (!row.byOrganization) return standing.workspaceRole
  // Sees it all the same, and is told which role it needs.
  return atLeast(standing.workspaceRole, 'read') ? 'read' : null
}

/** Instance, self, namespace and organization: one role, nothing to hide. */
function decideByRole(row: PermissionRow, facts: Facts, role: Role | null): Decision {
  if (row.least !== 'anyone') {
    if (facts.principal.kind === 'anonymous') return deny(unauthenticated(row))
    if (row.least !== 'signed-in' && !atLeast(role, row.least)) return deny(tooWeak(row.least, role))
  }
  return throughCredential(row, facts)
}

/** The owner may: may this credential? */
function throughCredential(row: PermissionRow, facts: Facts): Decision {
  if (!tokenAllows(facts, row)) return deny(outOfScope(row, facts))
  const { credential } = facts
  if (row.fresh && credential?.kind === 'session' && !credential.isFresh) return deny(stale())
  return allow
}

/** An administrator of the hub is one only over the hub: it gives no role on anybody's repos. */
export function instanceRole(facts: Facts): Role | null {
  return facts.principal.kind === 'user' && facts.principal.isAdmin ? 'admin' : null
}

export function namespaceRole(
  row: PermissionRow,
  facts: Facts,
  { owner, workspace }: Extract<Resource, { on: 'namespace' }>,
): Role | null {
  const account = accountOf(facts.principal)
  if (owner === null || account === null) return null
  if (owner.kind === 'user') return owner.id === account.id ? 'admin' : null
  // In a workspace its own role alone counts (WS-9).
  return workspace == null ? facts.standing.organizationRole : roleOnWorkspace(row, facts)
}

/** To who may not see the workspace that is named, it is not there. Strangers are asked to sign in, whether it is or not. */
export function hidesWorkspace(
  row: PermissionRow,
  facts: Facts,
  { workspace }: Extract<Resource, { on: 'namespace' }>,
): boolean {
  if (workspace === undefined || facts.principal.kind === 'anonymous') return false
  return workspace === null || !atLeast(roleOnWorkspace(row, facts), 'read')
}

/** What a stranger may do, somebody without a second factor may too. */
export function isOpenAnyway(row: PermissionRow, { resource, standing }: Facts): boolean {
  if (row.least === 'anyone' || row.whileRestricted) return true
  if (resource.on === 'organization')
    return row.openWhereMembersShow === true && resource.organization?.showsMembers === true
  if (resource.on !== 'repo' || resource.repo?.visibility !== 'public' || !row.openWherePublic) return false
  return !row.behindGate || resource.repo.gated === false || standing.access?.status === 'accepted'
}

function deny(denial: Denial): Decision {
  return { allow: false, denial }
}

export function notAPerson(have: Principal['kind']): Denial {
  return { kind: 'scope', denied: { code: 'person_needed', need: 'person', have } }
}

/** OAT-3: content of its repos, and what may be read about itself. Never members, service accounts, tokens, groups, workspaces or policies. */
export function isForOrganizations(row: PermissionRow): boolean {
  if (row.on === 'repo' || row.on === 'namespace') return row.token !== 'session'
  if (row.on === 'organization') return row.token === 'any' || (typeof row.token === 'object' && isOnlyReading(row))
  if (row.on === 'self') return row === permissionRow('account.read')
  return row.on === 'instance' && (row.token === 'any' || row.least === 'anyone')
}

function isOnlyReading({ token, least, audited }: PermissionRow): boolean {
  return typeof token === 'object' && token.classic === 'read' && least === 'read' && !audited
}

export function managesNothing(): Denial {
  return {
    kind: 'scope',
    denied: { code: 'organization_token', need: 'a person or a service account', have: 'the token of an organization' },
  }
}

type Restriction = NonNullable<Standing['restriction']>

/** What an organization asks for, and what was brought. */
const demanded: Record<Restriction, { readonly need: string; readonly have: string }> = {
  second_factor: { need: 'a second factor', have: 'none' },
  token_revoked_here: { need: 'another token', have: 'one that was revoked here' },
  token_policy: { need: 'a fine-grained token', have: 'a classic one' },
  token_lifetime: { need: 'a token that expires sooner', have: 'one that lives longer than is allowed' },
  token_pending: { need: 'an approved token', have: 'one that nobody has decided on' },
  token_denied: { need: 'an approved token', have: 'one that was denied' },
}

const refusedWith = {
  second_factor: 'second_factor_required',
  token_revoked_here: 'token_revoked_here',
  token_policy: 'fine_grained_needed',
  token_lifetime: 'token_lives_too_long',
  token_pending: 'token_approval_pending',
  token_denied: 'token_approval_denied',
} as const satisfies Record<Restriction, string>

export function restricted(restriction: Restriction): Denial {
  return { kind: 'restricted', restriction, denied: { code: restriction, ...demanded[restriction] } }
}

export function classicAdministers(): Denial {
  return {
    kind: 'scope',
    denied: { code: 'token_administration', need: 'a fine-grained token, or a session', have: 'a classic token' },
  }
}

export function outsidePaths({ credential, path }: Facts): Denial {
  const need = credential?.kind === 'token' ? credential.limits.paths.join(' or ') : ''
  return { kind: 'scope', denied: { code: 'token_outside_paths', need, have: path ?? 'no single file' } }
}

export function stale(): Denial {
  return { kind: 'stale', denied: { code: 'fresh_sign_in', need: 'a recent sign-in', have: 'an older session' } }
}

export function unauthenticated(row: PermissionRow): Denial {
  return { kind: 'unauthenticated', denied: { code: 'unauthenticated', need: row.least } }
}

export function tooWeak(need: Role, have: Role | null): Denial {
  return { kind: 'forbidden', denied: { code: 'role', need, have: have ?? 'none' } }
}

export function outOfScope(row: PermissionRow, facts: Facts): Denial {
  if (row.token === 'session')
    return { kind: 'scope', denied: { code: 'session_needed', need: 'session', have: 'token' } }
  if (row.token === 'any' || facts.credential?.kind !== 'token')
    throw new Error('A credential without a ceiling was refused by its ceiling.')
  if (facts.credential.role === 'inherit') {
    const need = row.token.fineGrained.join(' or ')
    return { kind: 'scope', denied: { code: 'token_permission', need, have: 'inherit, which does not carry it' } }
  }
  if (facts.credential.role !== 'fineGrained') {
    return { kind: 'scope', denied: { code: 'token_role', need: row.token.classic, have: facts.credential.role } }
  }
  const have = [...new Set(grantsThatCount(row, facts))].join(' ') || 'none'
  return {
    kind: 'scope',
    denied: { code: 'token_permission', need: row.token.fineGrained.join(' or ') || 'a session', have },
  }
}

/** Decides, and hands out the proof or throws the refusal in the words of the catalogue. */
export function authorize<A extends Action>(action: A, facts: Facts): Allowed<A> {
  const decision = decide(action, facts)
  if (!decision.allow) throw refusal(decision.denial, facts)
  return prove(action, facts)
}

/** For jobs and the command line: an act of the hub itself, which the audit log shows with its reason. */
export function systemGrant<A extends Action>(action: A, resource: Resource, reason: string): Allowed<A> {
  const principal: Principal = { kind: 'system', reason }
  return prove(action, { principal, credential: null, resource, standing: noStanding })
}

function prove<A extends Action>(action: A, facts: Facts): Allowed<A> {
  const { principal, credential, standing, resource } = facts
  const thing = thingOf(resource)
  // The one cast of the code base to `Allowed`: everything else receives one.
  return { action, principal, credential, standing, resource: thing } as Allowed<A>
}

function thingOf(resource: Resource): Resources[keyof Resources] | null {
  switch (resource.on) {
    case 'repo':
      return resource.repo
    case 'organization':
      return resource.organization
    case 'namespace':
      return resource.owner === null ? null : { ...resource.owner, workspace: resource.workspace ?? null }
    case 'group':
      return resource.group
    case 'workspace':
      return resource.workspace
    default:
      return null
  }
}

/** The error for a denial. `hidden` has the status and the words of a missing thing, and no reason. */
export function refusal(denial: Denial, facts: Facts): HoldfastError {
  const anonymous = facts.principal.kind === 'anonymous'
  switch (denial.kind) {
    case 'hidden':
      if (facts.resource.on === 'organization') return new HoldfastError('organization_not_found')
      if (facts.resource.on === 'group') return new HoldfastError('group_not_found')
      if (facts.resource.on === 'workspace' || facts.resource.on === 'namespace') {
        return new HoldfastError('workspace_not_found')
      }
      return new HoldfastError('repo_not_found', {}, anonymous ? { status: 401 } : {})
    case 'unauthenticated':
      return new HoldfastError('unauthenticated', {}, { denied: denial.denied })
    case 'gated':
      return gated(denial.denied, facts)
    case 'blocked':
      return new HoldfastError('repo_disabled', {}, { denied: denial.denied })
    case 'restricted':
      return new HoldfastError(refusedWith[denial.restriction], {}, { denied: denial.denied })
    case 'stale':
      return new HoldfastError('fresh_sign_in_needed', {}, { denied: denial.denied })
    case 'forbidden':
      return forbidden(denial.denied, facts.resource)
    case 'scope':
      return outside(denial.denied, facts.resource)
  }
}

/** In the words of the Hub, with the reason behind them. */
function gated(denied: Denied, { resource, standing }: Facts): HoldfastError {
  const reason = standing.access?.reason
  const params = { resource: describeResource(resource), reason: reason ? `: ${reason}` : '.' }
  switch (denied.code) {
    case 'gated_sign_in':
    case 'gated_pending':
    case 'gated_rejected':
    case 'gated_token':
      return new HoldfastError(denied.code, params, { denied })
    default:
      return new HoldfastError('gated_not_asked', params, { denied })
  }
}

function forbidden(denied: Denied, resource: Resource): HoldfastError {
  if (resource.on === 'instance') return new HoldfastError('instance_admin_needed', {}, { denied })
  const params = { need: denied.need ?? '', have: denied.have ?? 'none', resource: describeResource(resource) }
  return new HoldfastError('forbidden', params, { denied })
}

function outside(denied: Denied, resource: Resource): HoldfastError {
  const params = { need: denied.need ?? '', have: denied.have ?? '', resource: describeResource(resource) }
  if (denied.code === 'session_needed') return new HoldfastError('session_needed', {}, { denied })
  if (denied.code === 'person_needed') return new HoldfastError('person_needed', {}, { denied })
  if (denied.code === 'token_outside_paths') return new HoldfastError('token_outside_paths', {}, { denied })
  if (denied.code === 'organization_token') return new HoldfastError('organization_token', {}, { denied })
  if (denied.code === 'token_administration') return new HoldfastError('classic_token_administers', {}, { denied })
  return new HoldfastError(denied.code === 'token_role' ? 'token_role' : 'token_permission', params, { denied })
}

export function describeResource(resource: Resource): string {
  switch (resource.on) {
    case 'repo':
      return resource.repo === null
        ? `this ${resource.kind}`
        : `${resource.repo.kind} ${resource.repo.owner.name}/${resource.repo.name}`
    case 'organization':
    case 'namespace':
      return resource.name
    case 'group':
      return resource.group === null ? 'this group' : `group ${resource.group.organization.name}/${resource.group.name}`
    case 'workspace':
      return resource.workspace === null
        ? 'this workspace'
        : `workspace ${resource.workspace.organization.name}/${resource.workspace.name}`
    default:
      return 'this hub'
  }
}
