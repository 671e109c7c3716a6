/** How a refusal and a question name the thing that they are about: one word that fits into a header. */
import type { Facts, Resource } from './facts.ts'
import { canSee, describeResource, roleOnGroup } from './policy.ts'
import { atLeast } from './role.ts'

/** `model:acme/x`, `organization:acme`, `workspace:acme/ID`: what a refusal names. Null for what has no name, or is not there. */
export function entityOf(resource: Resource): string | null {
  switch (resource.on) {
    case 'repo':
      return resource.repo === null ? null : `${resource.repo.kind}:${resource.repo.owner.name}/${resource.repo.name}`
    case 'organization':
      return resource.organization === null ? null : `organization:${resource.organization.name}`
    case 'namespace':
      return resource.owner === null ? null : `namespace:${resource.owner.name}`
    case 'group':
      return resource.group === null ? null : `group:${resource.group.organization.name}/${resource.group.id}`
    case 'workspace':
      return resource.workspace === null
        ? null
        : `workspace:${resource.workspace.organization.name}/${resource.workspace.id}`
    default:
      return null
  }
}

/** What a refusal may name: only what the caller sees through this credential (AUTH-7). Names of users and organizations are public. */
export function namedFor(facts: Facts): string | null {
  const { resource, standing } = facts
  switch (resource.on) {
    case 'repo':
      return resource.repo !== null && canSee(facts, resource.repo) ? entityOf(resource) : null
    case 'group':
      return standing.restriction === null && atLeast(roleOnGroup(facts), 'read') ? entityOf(resource) : null
    case 'workspace':
      return standing.restriction === null && seesWorkspace(facts) ? entityOf(resource) : null
    default:
      return entityOf(resource)
  }
}

/** In words, for a title: `model acme/x` to who sees it, `this model` to who does not, whether it is there or not (AUTH-7). */
export function describedFor(facts: Facts): string {
  const { resource } = facts
  if (namedFor(facts) !== null) return describeResource(resource)
  switch (resource.on) {
    case 'repo':
      return describeResource({ ...resource, repo: null })
    case 'group':
      return describeResource({ ...resource, group: null })
    case 'workspace':
      return describeResource({ ...resource, workspace: null })
    default:
      return describeResource(resource)
  }
}

function seesWorkspace({ standing }: Facts): boolean {
  const { organizationRole, workspaceRole } = standing
  return organizationRole === 'admin' || (organizationRole !== null && atLeast(workspaceRole, 'read'))
}
