/* The card of a person or an organization: the README.md of their space that is named README, for whom may see that space. */
import type { Child } from 'hono/jsx'
import type { Target } from '../../access/load-facts.ts'
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import type { Action } from '../../domain/permissions.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { ownerCardRepo } from '../../web/address.ts'
import { CardArticle } from './card-page.tsx'
import { loadCard } from './load-card.ts'
import { openRevision } from './open-revision.ts'

interface Asking {
  readonly hub: Hub
  authorizeAlso<B extends Action>(action: B, target: Target): Promise<Allowed<B>>
}

/** Null where there is none, or none that the caller may see; `owner`: the name as it is written. */
export async function ownerCard({ hub, authorizeAlso }: Asking, owner: string): Promise<Child | null> {
  const repo = ownerCardRepo(owner)
  const allowed = await orRefusal(() => authorizeAlso('repo.read', { on: 'repo', ...repo }))
  if (allowed instanceof HoldfastError) return null
  const opened = await openRevision(hub, allowed, 'main')
  if (opened.kind !== 'found') return null
  const card = await loadCard(hub, allowed, repo, opened.commit)
  // A space is made with a README.md that says which SDK it runs on, and nothing to read.
  const isEmpty = card.kind === 'missing' || (card.kind === 'card' && card.html.trim() === '')
  return isEmpty ? null : <CardArticle repo={repo} card={card} />
}
