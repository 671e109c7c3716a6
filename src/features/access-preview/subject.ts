/**
 * Somebody with what they have, as the facts of a decision: the same rules as access/load-facts.ts applies to the row of one request, for
 * many. A property test holds the two against each other, before a change and after it was really made.
 */
import { type DemandColumns, restrictionOf } from '../../access/restriction.ts'
import {
  type AccessFacts,
  type Account,
  accountOf,
  type Credential,
  type Facts,
  noStanding,
  type OrganizationFacts,
  type PartFacts,
  type RepoFacts,
} from '../../domain/facts.ts'
import { type Role, stronger } from '../../domain/role.ts'
import type { TokenVerdict } from '../../domain/token-policy.ts'

/** Roles in one organization (or, of a person's repos, none in it), at one moment. */
export interface Holdings {
  readonly organization: Role | null
  /** Of their own, by workspace; null where a row gives nothing any more. */
  readonly direct: ReadonlyMap<string, Role | null>
  /** By group, then by workspace. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, Role | null>>
  readonly repos: ReadonlyMap<string, Role | null>
  /** The highest of all ways, by workspace. */
  readonly workspaces: ReadonlyMap<string, Role>
}

export const noHoldings: Holdings = {
  organization: null,
  direct: new Map(),
  groups: new Map(),
  repos: new Map(),
  workspaces: new Map(),
}

export function holdings(parts: Omit<Holdings, 'workspaces'>): Holdings {
  const workspaces = new Map<string, Role>()
  const add = (id: string, role: Role | null): void => {
    const highest = stronger(role, workspaces.get(id) ?? null)
    if (highest !== null) workspaces.set(id, highest)
  }
  for (const [id, role] of parts.direct) add(id, role)
  for (const roles of parts.groups.values()) for (const [id, role] of roles) add(id, role)
  return { ...parts, workspaces }
}

export interface SubjectToken {
  readonly credential: Extract<Credential, { kind: 'token' }>
  readonly verdict: TokenVerdict | null
  readonly lastUsedAt: number | null
  /** What it lists, by entity. */
  readonly listed: ReadonlyMap<string, readonly string[]>
}

export interface Subject {
  readonly principal: Account | { readonly kind: 'anonymous' }
  readonly held: Holdings
  /** By repo. */
  readonly access: ReadonlyMap<string, AccessFacts>
  readonly tokens: readonly SubjectToken[]
}

export function idOf({ principal }: Subject): string {
  return accountOf(principal)?.id ?? ''
}

/** The owner, and what it asks for; `null` columns: nothing, as a person does. */
export interface Place {
  readonly organization: OrganizationFacts | null
  readonly demands: DemandColumns
}

interface Viewing {
  readonly subject: Subject
  readonly held: Holdings
  /** Null: everything that its owner may. */
  readonly token: SubjectToken | null
  readonly place: Place
}

export function factsOnRepo({ subject, held, token, place }: Viewing, repo: RepoFacts): Facts {
  const workspaceRole = repo.workspaceId === null ? null : (held.workspaces.get(repo.workspaceId) ?? null)
  const repoRole = held.repos.get(repo.id) ?? null
  const organizationRole = held.organization
  const { principal } = subject
  const credential = token?.credential ?? null
  if (principal.kind === 'anonymous') {
    return { principal, credential: null, resource: { on: 'repo', kind: repo.kind, repo }, standing: noStanding }
  }
  const hasAny = organizationRole !== null || workspaceRole !== null || repoRole !== null
  return {
    principal,
    credential,
    resource: { on: 'repo', kind: repo.kind, repo },
    standing: {
      organizationRole,
      workspaceRole,
      groupRole: null,
      repoRole,
      tokenGrants: token === null ? [] : grantsOf(principal, token, repo),
      // It counts for calls of models alone, of which a preview says nothing.
      holderGrants: [],
      restriction: hasAny
        ? restrictionOf(place.demands, { principal, credential }, token?.verdict ?? null, organizationRole)
        : null,
      access: subject.access.get(repo.id) ?? null,
    },
  }
}

/** What a service account's token lists for the repo stands in place of the rest (SA-23). */
function grantsOf(principal: Account, { listed }: SubjectToken, repo: RepoFacts): string[] {
  const own = listed.get(repo.id)
  if (principal.kind === 'service-account' && own !== undefined) return [...own]
  const workspace = repo.workspaceId === null ? undefined : listed.get(repo.workspaceId)
  return [...(listed.get(repo.owner.id) ?? []), ...(workspace ?? []), ...(own ?? [])]
}

export function factsOnOrganization(viewing: Viewing, organization: OrganizationFacts): Facts {
  return standingIn(viewing, organization.id, null, { on: 'organization', name: organization.name, organization })
}

export function factsOnWorkspace(viewing: Viewing, workspace: PartFacts): Facts {
  return standingIn(viewing, workspace.organization.id, workspace.id, { on: 'workspace', workspace })
}

function standingIn(
  { subject, held, token, place }: Viewing,
  ownerId: string,
  workspaceId: string | null,
  resource: Facts['resource'],
): Facts {
  const { principal } = subject
  const credential = token?.credential ?? null
  const workspaceRole = workspaceId === null ? null : (held.workspaces.get(workspaceId) ?? null)
  const organizationRole = held.organization
  if (principal.kind === 'anonymous') return { principal, credential: null, resource, standing: noStanding }
  const hasAny = organizationRole !== null || workspaceRole !== null
  const entities = workspaceId === null ? [ownerId] : [ownerId, workspaceId]
  return {
    principal,
    credential,
    resource,
    standing: {
      ...noStanding,
      organizationRole,
      workspaceRole,
      tokenGrants: entities.flatMap((id) => token?.listed.get(id) ?? []),
      restriction: hasAny
        ? restrictionOf(place.demands, { principal, credential }, token?.verdict ?? null, organizationRole)
        : null,
    },
  }
}
