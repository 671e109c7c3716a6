/**
 * What somebody can do with a repo, a workspace or an organization, asked of the policy itself: a few acts stand for many. Before and after a
 * change differ where one of these decisions does, so that a preview says what the policy would say.
 */
import type { Facts, Resource } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { decide } from '../../domain/policy.ts'

/**
 * From the least on. `read`: its files, which a gate may keep back from who sees it and even from who writes it. `write` on a workspace and on an
 * organization: to make repos there, and to move one's own in.
 */
export const abilities = ['see', 'read', 'write', 'administer'] as const
export type Ability = (typeof abilities)[number]

/** A set of abilities: one bit each, in their order. */
export type AbilitySet = number

const asked: Record<'repo' | 'workspace' | 'organization', readonly (Action | null)[]> = {
  repo: ['repo.read', 'repo.content.read', 'repo.push', 'repo.allow_secrets'],
  workspace: ['resource_group.read', null, 'repo.create', 'resource_group.settings'],
  organization: ['org.settings.read', null, 'repo.create', 'org.update_settings'],
}

export function abilitiesOf(facts: Facts): AbilitySet {
  const { on } = facts.resource
  if (on !== 'repo' && on !== 'workspace' && on !== 'organization')
    throw new Error(`There is nothing to preview on ${on}.`)
  let set = 0
  for (const [bit, action] of asked[on].entries()) {
    if (action === null) continue
    const about = action === 'repo.create' ? { ...facts, resource: placeOf(facts.resource) } : facts
    if (decide(action, about).allow) set |= 1 << bit
  }
  return set
}

/** Where repos are made in it: the namespace, or the workspace of it. */
function placeOf(resource: Resource): Resource {
  const owner = resource.on === 'organization' ? resource.organization : null
  if (owner !== null) return { on: 'namespace', name: owner.name, owner }
  const workspace = resource.on === 'workspace' ? resource.workspace : null
  if (workspace === null) return resource
  const { organization } = workspace
  return { on: 'namespace', name: organization.name, owner: organization, workspace }
}

export const gained = (before: AbilitySet, after: AbilitySet): AbilitySet => after & ~before
export const lost = (before: AbilitySet, after: AbilitySet): AbilitySet => before & ~after

export function namesOf(set: AbilitySet): Ability[] {
  return abilities.filter((_, bit) => (set & (1 << bit)) !== 0)
}
