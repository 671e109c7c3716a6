/**
 * What is counted, and what is noted, of who comes with which credential: rate limits, the limits of a token, its last use, what it touched, and
 * uses that its owner has to hear of. In memory, and written in bundles.
 */
import { type ErrorCode, HoldfastError } from '../domain/errors.ts'
import { accountOf, type Facts } from '../domain/facts.ts'
import type { Action } from '../domain/permissions.ts'
import { usedUp } from '../domain/token-limits.ts'
import type { Hub } from '../hub.ts'
import { takeUse } from './child-uses.ts'
import type { HttpRequest } from './http-request.ts'
import { trackLastUsed } from './last-used.ts'
import type { LoadedFacts } from './load-facts.ts'
import type { Presented } from './presented.ts'
import { callerKey, type RateLimiter, rateLimiter, refuseOver, windowMs } from './rate-limit.ts'
import type { Surface } from './route.ts'
import { RefusedToken, watchTokens } from './sightings.ts'
import { tokenPaceOf } from './token-pace.ts'
import { trackTokenUsage } from './token-usage.ts'

export interface CredentialUse {
  /** One request of an account, or of an address where `facts` are null or of nobody. Throws `rate_limited`. */
  count(surface: Surface, request: HttpRequest, facts: Facts | null): void
  /** Counts a request whose credential is known. Throws `rate_limited`, `token_used_up`, `token_outside_program` or `token_too_fast`. */
  admit(presented: Presented, facts: Facts, surface: Surface, request: HttpRequest): Promise<void>
  /** A request that was allowed. */
  note(loaded: LoadedFacts, request: HttpRequest, action: Action): void
  /** One that was not: a token that is known, or outside of its limits, is never refused silently. */
  noteRefusal(thrown: unknown, facts: Facts | null, request: HttpRequest): void
  /** Writes what was gathered, as a timer does every minute. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const noteAfterMs = 60_000

type LimitName = 'api' | 'resolvers' | 'pages'
const limitOf: Readonly<Record<Surface, LimitName>> = {
  api: 'api',
  resolve: 'resolvers',
  git: 'resolvers',
  lfs: 'resolvers',
  xet: 'resolvers',
  oauth: 'api',
  openai: 'api',
  page: 'pages',
}

interface Limited {
  readonly limiter: RateLimiter
  /** `RateLimit-Policy` of every answer that it counts. */
  readonly policy: string
}

const fencedCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'token_outside_paths',
  'token_bytes_used_up',
  'token_not_by_git',
])

export function watchCredentials(hub: Hub): CredentialUse {
  const { config, clock } = hub
  const sightings = watchTokens(hub.db, hub.log)
  const lastUsed = trackLastUsed(hub.db, hub.log, config.sessionLifetime)
  const usage = trackTokenUsage(hub.db, hub.log)
  const pace = tokenPaceOf(hub)
  const limited = (name: LimitName, limit: number): Limited => ({
    limiter: rateLimiter(limit, clock.now),
    policy: `"fixed window";"${name}";q=${limit};w=${windowMs / 1000}`,
  })
  const limits: Readonly<Record<LimitName, Limited>> = {
    api: limited('api', config.rateLimitApi),
    resolvers: limited('resolvers', config.rateLimitResolvers),
    pages: limited('pages', config.rateLimitPages),
  }

  function count(surface: Surface, request: HttpRequest, facts: Facts | null): void {
    const name = limitOf[surface]
    const account = facts === null ? null : accountOf(facts.principal)
    const { limiter, policy } = limits[name]
    const counted = limiter.count(callerKey(account, request.origin.ip))
    if (counted.limit === 0) return
    const { remaining, secondsLeft } = counted
    request.response.setHeader('ratelimit', `"${name}";r=${remaining};t=${secondsLeft}`)
    request.response.setHeader('ratelimit-policy', policy)
    refuseOver(counted)
  }

  /** Each request with a token of limited uses is one, whatever becomes of it; what a signed address continues was counted when it was signed. */
  async function takeOne(presented: Presented, { credential }: Facts, surface: Surface, request: HttpRequest) {
    if (presented.kind !== 'token' || credential?.kind !== 'token' || credential.usesLeft === null) return
    const fault = usedUp(credential.usesLeft)
    if (fault === null && (await hub.transaction((tx) => takeUse(tx, credential.id)))) return
    count(surface, request, null)
    throw fault ?? usedUp(0)
  }

  /** Once it is answered: what was refused was not touched. */
  function noteUsage(facts: Facts, { message, response, origin }: HttpRequest, action: Action): void {
    const { socket } = message
    const before = socket.bytesWritten
    response.once('close', () => {
      if (response.statusCode >= 400) return
      usage.note(action, facts, origin, Math.max(0, socket.bytesWritten - before), clock.now())
    })
  }

  return {
    count,
    admit: async (presented, facts, surface, request) => {
      await takeOne(presented, facts, surface, request)
      // Who shows nothing was counted before anything was read.
      if (presented.kind !== 'none') count(surface, request, facts)
      pace.judge(facts.credential, request)
    },
    note: ({ facts, credentialLastUsedAt }, request, action) => {
      const { credential } = facts
      if (credential === null) return
      const now = clock.now()
      if (credentialLastUsedAt === null || now - credentialLastUsedAt >= noteAfterMs) {
        lastUsed.note(credential, request.origin, now)
      }
      if (credential.kind === 'token') noteUsage(facts, request, action)
    },
    noteRefusal: (thrown, facts, { origin }) => {
      if (thrown instanceof RefusedToken) sightings.note(thrown.sighting, origin, clock.now())
      const credential = facts?.credential ?? null
      const isFenced = thrown instanceof HoldfastError && fencedCodes.has(thrown.code)
      if (!isFenced || credential?.kind !== 'token') return
      sightings.note({ kind: 'fenced', tokenId: credential.id, last4: credential.last4 }, origin, clock.now())
    },
    flush: async () => {
      await lastUsed.flush()
      await usage.flush()
    },
    stop: async () => {
      await sightings.stop()
      await lastUsed.stop()
      await usage.stop()
    },
  }
}
