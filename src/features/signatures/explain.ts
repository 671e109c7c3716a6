/** What the signing policy says of a push that was not made: of what it would bring, where that is told. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { readPolicies, shortfall } from './policy.ts'

/** `api`: the hub makes the commit itself, for an upload or in the browser. `signed`: with a key that no account has. */
export const broughtCommits = ['unsigned', 'signed', 'verified', 'api'] as const
export type BroughtCommits = (typeof broughtCommits)[number]

export interface SigningAnswer {
  readonly need: string
  readonly have: string | null
  /** Null where it passes, or where it is not told what the push brings. */
  readonly fault: HoldfastError | null
}

/** Null where no policy asks for anything. */
export async function explainSigning(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  brings: BroughtCommits | null,
): Promise<SigningAnswer | null> {
  const { effective, place } = await readPolicies(hub, { repo: allowed.resource })
  const { level, humanSignatureOnly, bypass } = effective
  if ((level === 'off' || level === 'warn') && !humanSignatureOnly) return null
  const asked = [
    ...(level === 'signed' || level === 'verified' ? [`commits that are ${level}`] : []),
    ...(humanSignatureOnly ? ['commits that their authors sign themselves'] : []),
  ]
  const need = `${asked.join(', and ')} (${place})`
  if (bypass !== null) return { need, have: 'a bypass of the policy, for a while', fault: null }
  if (brings === null) return { need, have: null, fault: null }
  if (brings === 'api') {
    const fault = humanSignatureOnly ? new HoldfastError('human_signature_only', { place }) : null
    return { need, have: 'a commit that the hub makes', fault }
  }
  const judged = {
    unsigned: { status: 'none', reason: null },
    signed: { status: 'unverified', reason: 'unknown_key' },
    verified: { status: 'verified', reason: null },
  } as const
  const lacks = level === 'warn' ? null : shortfall(judged[brings], level, false)
  return {
    need,
    have: brings,
    fault: lacks === null ? null : new HoldfastError('signature_required', { place, level }),
  }
}
