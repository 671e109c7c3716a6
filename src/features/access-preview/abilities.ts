/**
 * What somebody can do with a repo, a workspace or an organization, asked of the policy itself: a few acts stand for many. Before and after a
 * change differ where one of these decisions does, so that a preview says what the policy would say.
 */
import type { Facts } from '../../domain/facts.ts'
import type { Action } from '../../domain/permissions.ts'
import { decide } from '../../domain/policy.ts'

/** From the least on. `read`: its files, which a gate may keep back from who sees it and even from who writes it. */
export const abilities = ['see', 'read', 'write', 'administer'] as const
export type Ability = (typeof abilities)[number]

/** A set of abilities: one bit each, in their order. */
export type AbilitySet = number

const asked: Record<'repo' | 'workspace' | 'organization', readonly (Action | null)[]> = {
  repo: ['repo.read', 'repo.content.read', 'repo.push', 'repo.allow_secrets'],
  workspace: ['resource_group.read', null, null, 'resource_group.settings'],
  organization: ['org.settings.read', null, null, 'org.update_settings'],
}

export function abilitiesOf(facts: Facts): AbilitySet {
  const { on } = facts.resource
  if (on !== 'repo' && on !== 'workspace' && on !== 'organization')
    throw new Error(`There is nothing to preview on ${on}.`)
  let set = 0
  for (const [bit, action] of asked[on].entries()) {
    if (action !== null && decide(action, facts).allow) set |= 1 << bit
  }
  return set
}

export const gained = (before: AbilitySet, after: AbilitySet): AbilitySet => after & ~before
export const lost = (before: AbilitySet, after: AbilitySet): AbilitySet => before & ~after

export function namesOf(set: AbilitySet): Ability[] {
  return abilities.filter((_, bit) => (set & (1 << bit)) !== 0)
}
