/**
 * The rows of what narrows a token beside its permissions, as `access/credential-use.ts` judges it before anything is decided. In its order; the
 * first that fails is what it throws, which a property test holds together.
 */
import { HoldfastError } from './errors.ts'
import type { ExplainCheck } from './explain.ts'
import type { Credential } from './facts.ts'
import { outsideProgram, tooFast, usedUp } from './token-limits.ts'

/** What is known of the next request. Undefined: not known, or not told to who asks. */
export interface NextRequest {
  readonly userAgent?: string | null | undefined
  /** How many requests the token made in its minute so far. */
  readonly minute?: { readonly used: number; readonly secondsLeft: number } | undefined
}

export interface JudgedRow {
  readonly check: ExplainCheck
  /** Null where it passes. */
  readonly fault: HoldfastError | null
  readonly need: string | null
  readonly have: string | null
}

export function explainLimits(credential: Credential | null, { userAgent, minute }: NextRequest): JudgedRow[] {
  if (credential?.kind !== 'token') return []
  const { limits, usesLeft } = credential
  const rows: JudgedRow[] = []
  if (usesLeft !== null) {
    rows.push({ check: 'uses', fault: usedUp(usesLeft), need: 'a use that is left', have: `${usesLeft} left` })
  }
  if (limits.programs.length > 0 && userAgent !== undefined) {
    const denied = outsideProgram(limits, userAgent)
    const fault = denied === null ? null : new HoldfastError('token_outside_program', {}, { denied })
    rows.push({ check: 'program', fault, need: limits.programs.join(' or '), have: userAgent ?? 'no name' })
  }
  if (limits.requestsPerMinute !== null && minute !== undefined) {
    const fault = tooFast(limits, minute.used + 1, minute.secondsLeft)
    const have = `${minute.used} made in this minute`
    rows.push({ check: 'pace', fault, need: `at most ${limits.requestsPerMinute} a minute`, have })
  }
  return rows
}
