/**
 * What of a token's limits is judged with the request at hand: which program sends it, and how many it sent in this minute. Kept in memory, for
 * this process.
 */
import type { Credential } from '../domain/facts.ts'
import { outsideProgram, tooFast } from '../domain/token-limits.ts'
import type { Hub } from '../hub.ts'
import type { HttpRequest } from './http-request.ts'
import { fixedWindows } from './rate-limit.ts'
import { RefusedToken } from './sightings.ts'

export interface TokenPace {
  /** Throws `token_outside_program` or `token_too_fast`. */
  judge(credential: Credential | null, request: HttpRequest): void
  /** How many requests it made in its minute, and the seconds until that ends. Counts none. */
  look(credential: Extract<Credential, { kind: 'token' }>): { readonly used: number; readonly secondsLeft: number }
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
      const denied = outsideProgram(limits, userAgent)
      if (denied !== null) {
        throw new RefusedToken('token_outside_program', { kind: 'fenced', tokenId: id, last4 }, { denied })
      }
      const most = limits.requestsPerMinute
      if (most === null) return
      // With its parent, so that many children are no faster than it.
      const { used, secondsLeft } = minutes.use(credential.parent?.id ?? id)
      const fault = tooFast(limits, used, secondsLeft)
      if (fault === null) return
      // In place of the account's window: clients wait for the one that they are told of.
      request.response.setHeader('ratelimit', `"token";r=0;t=${secondsLeft}`)
      request.response.setHeader('ratelimit-policy', `"fixed window";"token";q=${most};w=${minuteMs / 1000}`)
      throw fault
    },
    look: ({ id, parent }) => minutes.look(parent?.id ?? id),
  }
}

const paces = new WeakMap<Hub, TokenPace>()

/** One for each open hub. */
export function tokenPaceOf(hub: Hub): TokenPace {
  const known = paces.get(hub)
  if (known !== undefined) return known
  const pace = tokenPace(hub.clock.now)
  paces.set(hub, pace)
  return pace
}
