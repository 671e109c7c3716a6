/** What a gate looks like from where the viewer stands, for the pages. */
import { accountOf, type Facts } from '../../domain/facts.ts'
import { bypassesGate } from '../../domain/gate.ts'
import { effectiveRole } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { loadTerms } from './ask.ts'
import { hashOfTerms, type Terms } from './terms.ts'

export interface GateView {
  readonly mode: 'auto' | 'manual'
  /** `open`: never has to ask. `ask`: nobody has asked yet. `sign-in`: nobody knows who it is. */
  readonly state: 'open' | 'ask' | 'sign-in' | 'pending' | 'accepted' | 'rejected'
  /** Of a rejection. */
  readonly reason: string | null
  readonly terms: Terms
  readonly termsHash: string
}

/** Null where the repo has no gate. `facts` are those of a route whose target is the repo. */
export async function loadGate(hub: Hub, facts: Facts): Promise<GateView | null> {
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (repo === null || repo.gated === false) return null
  const terms = await loadTerms(hub, repo)
  const { access } = facts.standing
  const state = bypassesGate(facts, repo, effectiveRole(facts, repo))
    ? 'open'
    : accountOf(facts.principal) === null
      ? 'sign-in'
      : (access?.status ?? 'ask')
  return { mode: repo.gated, state, reason: access?.reason ?? null, terms, termsHash: hashOfTerms(terms) }
}
