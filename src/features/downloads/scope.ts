/** Whose records somebody may see. */
import { accountOf, type Facts } from '../../domain/facts.ts'
import { type Allowed, decide } from '../../domain/policy.ts'
import type { RecordScope } from './list.ts'

export function scopeOf(allowed: Allowed<'download.read' | 'org.download.read'>): RecordScope {
  return allowed.resource === null ? { kind: 'all' } : { kind: 'owner', id: allowed.resource.id }
}

/** On the page of a file: an administrator of the hub sees all, one of the repo what left repos of the same owner. Null: nothing. */
export function scopeOnRepo(facts: Facts): RecordScope | null {
  const { resource } = facts
  if (resource.on !== 'repo' || resource.repo === null) return null
  if (decide('download.read', { ...facts, resource: { on: 'instance' } }).allow) return { kind: 'all' }
  if (!decide('repo.download.read', facts).allow) return null
  // A token that may read this repo says nothing about the others of its owner.
  if (facts.credential?.kind !== 'session') return null
  const { owner } = resource.repo
  // An administrator of a workspace, or of this repo alone, is none of its owner: what left the other repos is not theirs to see.
  const isOwners =
    owner.kind === 'user' ? accountOf(facts.principal)?.id === owner.id : facts.standing.organizationRole === 'admin'
  return isOwners ? { kind: 'owner', id: owner.id } : null
}
