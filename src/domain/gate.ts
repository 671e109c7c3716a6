/**
 * The gate of a gated repo: its card and its lists are open to whoever sees the repo, its content is for those who were let in (REP-6).
 * Whoever could read it if it were private passes without asking, unless the owner put its members before the gate too.
 */
import type { Denied } from './errors.ts'
import { accountOf, type Facts, type RepoFacts } from './facts.ts'
import { atLeast, type Role } from './role.ts'

/** True if it stands open to the whole world: what caches may keep, and what nobody has to be remembered for. */
export function isOpenToAll(repo: Pick<RepoFacts, 'visibility' | 'gated'>): boolean {
  return repo.visibility === 'public' && repo.gated === false
}

/** True of those who never have to ask. `role`: the one that counts on the repo. */
export function bypassesGate(facts: Facts, repo: RepoFacts, role: Role | null): boolean {
  if (repo.gated === false) return true
  if (facts.standing.restriction !== null || !atLeast(role, 'read')) return false
  if (!repo.orgMembersGated || repo.owner.kind !== 'organization') return true
  return role === 'admin' || accountOf(facts.principal)?.id === repo.creatorId
}

/** Why the gate stays shut; null for those whom it lets through. */
export function shutOut(facts: Facts, repo: RepoFacts, role: Role | null): Denied | null {
  if (repo.gated === false || bypassesGate(facts, repo, role)) return null
  const { access } = facts.standing
  if (access?.status === 'accepted') return null
  if (facts.principal.kind === 'anonymous') return { code: 'gated_sign_in', need: 'access to this repo', have: 'none' }
  if (access === null) return { code: 'gated_not_asked', need: 'access to this repo', have: 'no request' }
  if (access.status === 'pending') return { code: 'gated_pending', need: 'access to this repo', have: 'a request' }
  return { code: 'gated_rejected', need: 'access to this repo', have: 'a rejected request' }
}

/** A fine-grained token reads behind gates only where it lists the repo or its place, or all gated repos (UAT-8, REP-7). */
export function tokenPassesGate({ credential, standing }: Facts, needed: readonly string[]): boolean {
  if (credential?.kind !== 'token' || credential.role !== 'fineGrained') return true
  return credential.canReadGatedRepos || needed.some((permission) => standing.tokenGrants.includes(permission))
}
