/**
 * What of a token's limits is judged with the request at hand: which program sends it, and how many it sent in this minute. Kept in memory, for
 * this process.
 */
import { HoldfastError } from '../domain/errors.ts'
import type { Credential } from '../domain/facts.ts'
import { isFromProgram } from '../domain/token-limits.ts'
import type { HttpRequest } from './http-request.ts'
import { fixedWindows } from './rate-limit.ts'
import { RefusedToken } from './sightings.ts'

export interface TokenPace {
  /** Throws `token_outside_program` or `token_too_fast`. */
  judge(credential: Credential | null, request: HttpRequest): void
}

const minuteMs = 60_000
const mostTokens = 10_000

export function tokenPace(now: () => number): TokenPace {
  const minutes = fixedWindows(minuteMs, now, mostTokens)
  return {
    judge: (credential, request) => {
      if (credential?.kind !== 'token') return
      const { id, last4, limits } = credential
      const { userAgent } = request.origin
      if (!isFromProgram(limits, userAgent)) {
        const denied = {
          code: 'token_outside_program',
          need: limits.programs.join(' or '),
          have: userAgent ?? 'no name',
        } as const
        throw new RefusedToken('token_outside_program', { kind: 'fenced', tokenId: id, last4 }, { denied })
      }
      const most = limits.requestsPerMinute
      if (most === null) return
      // With its parent, so that many children are no faster than it.
      const { used, secondsLeft } = minutes.use(credential.parent?.id ?? id)
      if (used <= most) return
      // In place of the account's window: clients wait for the one that they are told of.
      request.response.setHeader('ratelimit', `"token";r=0;t=${secondsLeft}`)
      request.response.setHeader('ratelimit-policy', `"fixed window";"token";q=${most};w=${minuteMs / 1000}`)
      const headers = { 'retry-after': String(secondsLeft) }
      throw new HoldfastError('token_too_fast', { seconds: secondsLeft }, { headers })
    },
  }
}
