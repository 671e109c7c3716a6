/**
 * By what a role is had: from the grants and groups behind the roles in an explanation, with their names and ends. Told to who may list the groups and
 * workspaces of the organization with the credential of the question; whoever is asked about is in them.
 */
import type { RoleSource } from '../../domain/explain.ts'
import { accountOf, type Facts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { findWays, type WayRow } from './explain-queries.ts'
import type { Asker } from './question.ts'

/** One grant that gives a role. */
export interface Way {
  readonly of: 'own' | 'group'
  /** Of the group. */
  readonly group?: string
  readonly role: string
  /** When it ends (ISO), where it is a role for a while. */
  readonly until?: string
  /** Taken in an emergency. */
  readonly isBreakGlass?: true
}

export interface NamedSource extends RoleSource {
  /** Of the organization or the workspace. */
  readonly name?: string
  readonly through?: readonly Way[]
}

const placeOf: Readonly<Record<WayRow['targetKind'], RoleSource['of']>> = {
  organization: 'organization',
  workspace: 'workspace',
  repo: 'repo',
}

/** The same sources in the same order; those that the asker may not look into stay as they are. */
export async function nameSources(
  hub: Hub,
  asker: Asker,
  facts: Facts,
  sources: readonly RoleSource[],
): Promise<readonly NamedSource[]> {
  const account = accountOf(facts.principal)
  const place = placeIn(facts)
  if (account === null || place === null || facts.principal.kind === 'organization') return sources
  if (!sources.some(({ of }) => of === 'organization' || of === 'workspace' || of === 'repo')) return sources
  const seen = await asker.factsAbout({ on: 'organization', name: place.organization.name })
  if (!decide('org.group.list', seen).allow || !decide('resource_group.list', seen).allow) return sources
  const targets = { organizationId: place.organization.id, workspaceId: place.workspaceId, repoId: place.repoId }
  const ways = await findWays(hub.db, account.id, targets, hub.clock.now())
  return sources.map((source) => {
    const here = ways.filter(({ targetKind }) => placeOf[targetKind] === source.of)
    const name = source.of === 'organization' ? place.organization.name : here.find((row) => row.place !== null)?.place
    const through = here.map(wayOf)
    return { ...source, ...(name == null ? {} : { name }), ...(through.length === 0 ? {} : { through }) }
  })
}

function wayOf({ group, role, until, kind }: WayRow): Way {
  return {
    ...(group === null ? { of: 'own' } : { of: 'group', group }),
    role,
    ...(until === null ? {} : { until: new Date(until).toISOString() }),
    ...(until !== null && kind === 'break_glass' ? { isBreakGlass: true } : {}),
  }
}

interface Where {
  readonly organization: { readonly id: string; readonly name: string }
  readonly workspaceId: string | null
  readonly repoId: string | null
}

function placeIn({ resource }: Facts): Where | null {
  const of = (organization: Where['organization'] | null, workspaceId: string | null, repoId: string | null = null) =>
    organization === null ? null : { organization, workspaceId, repoId }
  switch (resource.on) {
    case 'repo': {
      const { repo } = resource
      return repo?.owner.kind === 'organization' ? of(repo.owner, repo.workspaceId, repo.id) : null
    }
    case 'namespace':
      return resource.owner?.kind === 'organization' ? of(resource.owner, resource.workspace?.id ?? null) : null
    case 'organization':
      return of(resource.organization, null)
    case 'group':
      return of(resource.group?.organization ?? null, null)
    case 'workspace':
      return of(resource.workspace?.organization ?? null, resource.workspace?.id ?? null)
    default:
      return null
  }
}
