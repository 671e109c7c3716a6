/** What the frame of a repo's pages shows, from facts that were decided on: its place, its badges, and only the buttons that the policy allows. */
import type { Facts } from '../../domain/facts.ts'
import { decide } from '../../domain/policy.ts'
import type { RepoView } from '../../web/repo-place.tsx'

/** `facts` are those of a route whose target is the repo; throws where they are about something else. */
export function repoViewOf(facts: Facts): RepoView {
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (repo === null) throw new Error('A repo page was drawn without a repo.')
  return {
    kind: repo.kind,
    namespace: repo.owner.name,
    name: repo.name,
    ownerKind: repo.owner.kind,
    isPrivate: repo.visibility !== 'public',
    isGated: repo.gated !== false,
    mayChangeSettings: decide('repo.update_settings', facts).allow,
    mayWrite: decide('repo.push', facts).allow,
  }
}
