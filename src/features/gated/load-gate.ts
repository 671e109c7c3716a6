/** What a gate looks like from where the viewer stands, for the pages. */
import { accountOf, type Facts } from '../../domain/facts.ts'
import { bypassesGate } from '../../domain/gate.ts'
import { effectiveRole } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { RepoAddress } from '../../web/address.ts'
import type { SafeHtml } from '../../web/raw-html.tsx'
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
  /** What is agreed to, rendered; null where it is shown as it was written. */
  readonly prompt: SafeHtml | null
}

/** A feature above this one renders cards, and hands that in. */
export type RenderTerms = (
  hub: Hub,
  repo: RepoAddress,
  terms: { readonly prompt: string | null; readonly hash: string },
) => Promise<SafeHtml | null>

/** Null where the repo has no gate. `facts` are those of a route whose target is the repo. */
export async function loadGate(hub: Hub, facts: Facts, render: RenderTerms): Promise<GateView | null> {
  const repo = facts.resource.on === 'repo' ? facts.resource.repo : null
  if (repo === null || repo.gated === false) return null
  const terms = await loadTerms(hub, repo)
  const { access } = facts.standing
  const state = bypassesGate(facts, repo, effectiveRole(facts, repo))
    ? 'open'
    : accountOf(facts.principal) === null
      ? 'sign-in'
      : (access?.status ?? 'ask')
  const termsHash = hashOfTerms(terms)
  const address = { kind: repo.kind, namespace: repo.owner.name, name: repo.name }
  const prompt = await render(hub, address, { prompt: terms.prompt, hash: termsHash })
  return { mode: repo.gated, state, reason: access?.reason ?? null, terms, termsHash, prompt }
}
